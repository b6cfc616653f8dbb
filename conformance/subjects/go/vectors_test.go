package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tacit.example/conformance/subjects/go/subject"
)

// file is the part of a vector file that a subject needs.
type file struct {
	Family string `json:"family"`
	Worlds map[string]struct {
		Trace []binding `json:"trace"`
	} `json:"worlds"`
	Cases []vector `json:"cases"`
}

type binding struct {
	ID  string `json:"id"`
	Out any    `json:"out"`
}

type vector struct {
	ID      string         `json:"id"`
	Status  string         `json:"status"`
	Verdict string         `json:"verdict"`
	Now     *uint64        `json:"now"`
	Op      string         `json:"op"`
	In      map[string]any `json:"in"`
	Out     any            `json:"out"`
	World   string         `json:"world"`
	Trace   []binding      `json:"trace"`
	Script  []scriptStep   `json:"script"`
	Stage   string         `json:"stage"`
	Class   []string       `json:"class"`
	Rejects int            `json:"rejects"`
}

type scriptStep struct {
	Do     string         `json:"do"`
	As     string         `json:"as"`
	In     map[string]any `json:"in"`
	Expect string         `json:"expect"`
	Out    any            `json:"out"`
}

// TestVectors runs every case of the published vectors against the subject, with
// stage and class, through the same lines a runner sends.
func TestVectors(t *testing.T) {
	root := filepath.Join("..", "..", "..", "vectors")
	families := []string{"primitives", "labels", "encoding", "envelope", "agreement", "ratchet", "sequence", "identity", "safety"}
	total := 0
	for _, family := range families {
		paths, err := filepath.Glob(filepath.Join(root, family, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		if len(paths) == 0 && family != "safety" {
			t.Fatalf("no vectors of family %s", family)
		}
		for _, path := range paths {
			f := readVectors(t, path)
			total += len(f.Cases)
			t.Run(family+"/"+strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
				d := newDriver(t)
				for i := range f.Cases {
					if f.Cases[i].Status == "withdrawn" {
						continue
					}
					if err := d.run(f, &f.Cases[i]); err != nil {
						t.Errorf("%s: %v", f.Cases[i].ID, err)
					}
				}
			})
		}
	}
	if total < 2300 {
		t.Errorf("only %d cases found", total)
	}
}

func readVectors(t *testing.T, path string) *file {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &file{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(f); err != nil {
		t.Fatal(err)
	}
	return f
}

// driver sends lines to a subject in this process.
type driver struct {
	subject *subject.Subject
	last    int
}

func newDriver(t *testing.T) *driver {
	d := &driver{subject: subject.New()}
	reply := d.send(t, map[string]any{"op": "hello", "in": map[string]any{"kit": "go test", "speaks": []int{1}, "seed": strings.Repeat("5a", 64)}})
	if reply["ok"] == nil {
		t.Fatalf("hello: %v", reply)
	}
	return d
}

func (d *driver) send(t *testing.T, request map[string]any) map[string]any {
	reply, err := d.ask(request)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func (d *driver) ask(request map[string]any) (map[string]any, error) {
	d.last++
	request["id"] = d.last
	line, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	answer, _ := d.subject.Line(line)
	reply := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber()
	return reply, decoder.Decode(&reply)
}

func (d *driver) run(f *file, c *vector) error {
	names := map[string]any{}
	for _, one := range append(append([]binding{}, f.Worlds[c.World].Trace...), c.Trace...) {
		names[one.ID] = one.Out
	}
	if _, err := d.ask(map[string]any{"op": "reset", "in": map[string]any{}}); err != nil {
		return err
	}
	if c.Op != "" {
		expect := "ok"
		if c.Verdict == "invalid" {
			expect = "reject"
		}
		return d.step(c, scriptStep{Do: c.Op, In: c.In, Expect: expect, Out: c.Out}, names)
	}
	for i, one := range c.Script {
		if err := d.step(c, one, names); err != nil {
			return fmt.Errorf("step %d, %s: %w", i, one.Do, err)
		}
	}
	return nil
}

func (d *driver) step(c *vector, one scriptStep, names map[string]any) error {
	in, err := resolve(one.In, names)
	if err != nil {
		return err
	}
	request := map[string]any{"op": one.Do, "in": in}
	if one.As != "" {
		request["as"] = one.As
	}
	if c.Now != nil {
		request["now"] = *c.Now
	}
	before := ""
	if one.Expect == "reject" && one.As != "" {
		before = d.digest(one.As)
	}
	reply, err := d.ask(request)
	if err != nil {
		return err
	}
	if one.Expect == "reject" {
		reject, ok := reply["reject"].(map[string]any)
		if !ok {
			return fmt.Errorf("not refused: %.300v", reply)
		}
		if reject["stage"] != c.Stage || len(c.Class) > 0 && reject["class"] != c.Class[0] {
			return fmt.Errorf("refused with %v, want %s %v", reject, c.Stage, c.Class)
		}
		if one.As != "" && d.digest(one.As) != before {
			return fmt.Errorf("a refused step changed the digest")
		}
		return nil
	}
	want, err := resolve(one.Out, names)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(reply["ok"], want) {
		return fmt.Errorf("answered %.500v, want %.500v", reply, want)
	}
	return nil
}

func (d *driver) digest(as string) string {
	reply, err := d.ask(map[string]any{"op": "digest", "as": as, "in": map[string]any{}})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(reply["ok"])
}

// resolve replaces names and recipes by the values they stand for.
func resolve(value any, names map[string]any) (any, error) {
	switch v := value.(type) {
	case string:
		if !strings.HasPrefix(v, "$") {
			return v, nil
		}
		named, ok := names[v[1:]]
		if !ok {
			return nil, fmt.Errorf("no value %s", v)
		}
		return resolve(named, names)
	case []any:
		list := []any{}
		for _, item := range v {
			resolved, err := resolve(item, names)
			if err != nil {
				return nil, err
			}
			list = append(list, resolved)
		}
		return list, nil
	case map[string]any:
		if _, ok := v["repeat"]; ok {
			return recipe(v)
		}
		fields := map[string]any{}
		for name, item := range v {
			resolved, err := resolve(item, names)
			if err != nil {
				return nil, err
			}
			fields[name] = resolved
		}
		return fields, nil
	}
	return value, nil
}

// recipe writes out long bytes, and holds them against their digest.
func recipe(v map[string]any) (any, error) {
	times, err := v["repeat"].(json.Number).Int64()
	if err != nil {
		return nil, err
	}
	long := v["head"].(string) + strings.Repeat(v["pattern"].(string), int(times)) + v["tail"].(string)
	raw, err := hex.DecodeString(long)
	if err != nil {
		return nil, err
	}
	if sum := sha256Hex(raw); sum != v["sha256"] {
		return nil, fmt.Errorf("recipe gives %s", sum)
	}
	return long, nil
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
