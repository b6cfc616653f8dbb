// Twin and delta: applies the one change that an invalid case claims to be.
//
// Spec: vectors/README.md (twin and delta).

package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

type object = map[string]any

// look gives the bytes behind a reference's name.
type look func(name string) []byte

func num(value any) int {
	n, err := strconv.Atoi(fmt.Sprint(value))
	if err != nil {
		panic(err)
	}
	return n
}

func unhex(text string) []byte {
	out, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return out
}

// at walks a slash-separated path.
func at(value any, path string) any {
	for _, key := range strings.Split(path, "/") {
		switch v := value.(type) {
		case object:
			next, ok := v[key]
			if !ok {
				panic("no " + path)
			}
			value = next
		case []any:
			value = v[num(key)]
		default:
			panic("no " + path)
		}
	}
	return value
}

// flat replaces every reference by its hex, so that values can be compared.
func flat(value any, of look) any {
	switch v := value.(type) {
	case string:
		if strings.HasPrefix(v, "$") {
			return hex.EncodeToString(of(v[1:]))
		}
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = flat(item, of)
		}
		return out
	case object:
		out := object{}
		for key, item := range v {
			out[key] = flat(item, of)
		}
		return out
	}
	return value
}

func applyBytes(delta object, value []byte, source func(from string) []byte) []byte {
	replace := func(offset, length int, by []byte) []byte {
		return bytes.Join([][]byte{value[:offset], by, value[offset+length:]}, nil)
	}
	pair := func(name string) (int, int) { p := delta[name].([]any); return num(p[0]), num(p[1]) }
	switch delta["op"] {
	case "xor":
		out := bytes.Clone(value)
		for i, mask := range unhex(delta["bytes"].(string)) {
			out[num(delta["offset"])+i] ^= mask
		}
		return out
	case "set":
		by := unhex(delta["bytes"].(string))
		return replace(num(delta["offset"]), len(by), by)
	case "insert":
		return replace(num(delta["offset"]), 0, unhex(delta["bytes"].(string)))
	case "cut":
		return replace(num(delta["offset"]), num(delta["length"]), nil)
	case "reencode":
		return replace(num(delta["offset"]), num(delta["length"]), unhex(delta["bytes"].(string)))
	case "swap":
		a, aLength := pair("a")
		b, bLength := pair("b")
		return bytes.Join([][]byte{value[:a], value[b : b+bLength], value[a+aLength : b], value[a : a+aLength], value[b+bLength:]}, nil)
	case "splice":
		offset, length := pair("source")
		return replace(num(delta["offset"]), num(delta["length"]), source(delta["from"].(string))[offset:offset+length])
	}
	panic(fmt.Sprintf("%v does not change bytes", delta["op"]))
}

// checkDelta panics unless the case is its twin with the one change.
func checkDelta(file *vectorFile, item, twin object) {
	delta := item["delta"].(object)
	path := delta["at"].(string)
	before, after := file.look(twin), file.look(item)
	source := func(from string) []byte {
		if strings.HasPrefix(from, "$") {
			return before(from[1:])
		}
		id, inside, _ := strings.Cut(from, ":")
		other := file.cases[id]
		return file.bytesAt(other, inside)
	}
	if script, ok := item["script"].([]any); ok {
		index := num(item["rejects"])
		old := twin["script"].([]any)
		place := num(strings.Split(path, "/")[1])
		changed := append([]any{}, old...)
		switch delta["op"] {
		case "replay":
			changed = append(append(append([]any{}, old[:place]...), old[num(delta["step"])]), old[place:]...)
		case "omit":
			changed = append(append([]any{}, old[:place]...), old[place+1:]...)
		case "redirect":
			moved := object{}
			for key, value := range old[place].(object) {
				moved[key] = value
			}
			moved["as"] = delta["to"]
			changed[place] = moved
		default:
			place = -place - 1
		}
		for i := 0; i <= index; i++ {
			if place == -i-1 {
				continue
			}
			for _, key := range []string{"do", "as", "in"} {
				if !reflect.DeepEqual(flat(script[i].(object)[key], after), flat(changed[i].(object)[key], before)) {
					panic(fmt.Sprintf("step %d differs from the twin's", i))
				}
			}
		}
		if len(script) <= index+1 {
			panic("no probe")
		}
		if place >= 0 {
			return
		}
	} else if item["op"] != twin["op"] {
		panic("the twin is another operation")
	}
	checkBeside(path, item, twin, before, after)
	old, now := at(twin, path), at(item, path)
	switch delta["op"] {
	case "assign":
		if !reflect.DeepEqual(flat(now, after), flat(delta["value"], after)) {
			panic("the value is not the assigned one")
		}
	case "resign":
		name := delta["value"].(string)
		if now != old.(string)+"'" || !bytes.Equal(applyBytes(delta["inner"].(object), before(name), source), after(name+"'")) {
			panic("the inner value is not the changed one")
		}
	default:
		if !bytes.Equal(applyBytes(delta, file.bytesAt(twin, path), source), file.bytesAt(item, path)) {
			panic("the delta does not lead to the case")
		}
	}
}

// checkBeside panics unless everything beside the changed value, in the call or in its step, is as in the twin.
func checkBeside(path string, item, twin object, before, after look) {
	keys := strings.Split(path, "/")
	depth := 0 // of the call's "in", or of the step in the script
	if keys[0] == "script" {
		depth = 2
	}
	beside := func(root object, of look) any {
		whole, rest := any(root["in"]), keys[1:]
		if depth > 0 {
			step := root["script"].([]any)[num(keys[1])].(object)
			whole, rest = object{"do": step["do"], "as": step["as"], "in": step["in"]}, keys[2:]
		}
		return without(flat(whole, of), rest)
	}
	if !reflect.DeepEqual(beside(item, after), beside(twin, before)) {
		panic("more than the delta differs from the twin")
	}
}

// without copies a value with the one at a path left out.
func without(value any, path []string) any {
	if len(path) == 0 {
		return nil
	}
	switch v := value.(type) {
	case object:
		out := object{}
		for key, item := range v {
			out[key] = item
		}
		if item, ok := v[path[0]]; ok {
			out[path[0]] = without(item, path[1:])
		}
		return out
	case []any:
		out := append([]any{}, v...)
		out[num(path[0])] = without(v[num(path[0])], path[1:])
		return out
	}
	panic("no such place")
}
