// Second verifier of the Tacit test vectors.
//
//	go run ./vectors/verify [folder]
//
// Walks every file of the set and checks: the manifest's hashes, sizes, counts and root; every step of every derivation trace; every
// case whose operation is a primitive; that each refused case is its twin with the one change it names. Exit code 1 on any mismatch.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

type vectorFile struct {
	seed   []byte
	cases  map[string]object
	values map[string]map[string][]byte
	worlds map[string]map[string][]byte
}

var steps, primitives, deltas, problems int

func complain(format string, arguments ...any) {
	problems++
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
}

// try runs a check and reports what it panics with.
func try(where string, check func()) {
	defer func() {
		if problem := recover(); problem != nil {
			complain("%s: %v", where, problem)
		}
	}()
	check()
}

func (file *vectorFile) look(item object) look {
	return func(name string) []byte {
		if value, ok := file.values[item["id"].(string)][name]; ok {
			return value
		}
		if world, ok := item["world"].(string); ok {
			if value, ok := file.worlds[world][name]; ok {
				return value
			}
		}
		panic("no value " + name)
	}
}

func (file *vectorFile) bytesAt(item object, path string) []byte {
	return resolve(at(item, path), "", file.look(item)).([]byte)
}

var textual = map[string]bool{"actor": true, "label": true, "purpose": true, "text": true}

// resolve turns JSON into inputs: references and hex become bytes.
func resolve(value any, name string, of look) any {
	switch v := value.(type) {
	case json.Number:
		return num(v)
	case string:
		switch {
		case textual[name]:
			return v
		case strings.HasPrefix(v, "$"):
			return of(v[1:])
		}
		return unhex(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = resolve(item, "", of)
		}
		return out
	case object:
		if pattern, ok := v["pattern"].(string); ok {
			return recipe(v, pattern)
		}
		out := object{}
		for key, item := range v {
			out[key] = resolve(item, key, of)
		}
		return out
	}
	panic("not a value")
}

// recipe expands long bytes and checks their digest.
func recipe(v object, pattern string) []byte {
	out := unhex(v["head"].(string) + strings.Repeat(pattern, num(v["repeat"])) + v["tail"].(string))
	if sum := sha256.Sum256(out); hex.EncodeToString(sum[:]) != v["sha256"] {
		panic("a recipe's digest is wrong")
	}
	return out
}

// checkEncoding holds a case of the encoding against the second reading of it.
func (file *vectorFile) checkEncoding(item object) {
	primitives++
	in := file.bytesAt(item, "in/bytes")
	want := ""
	if item["verdict"] == "invalid" {
		want = strings.TrimPrefix(at(item, "class/0").(string), "codec.")
	} else if !bytes.Equal(encode(resolve(at(item, "out/value"), "", file.look(item))), in) {
		panic("the value does not encode to the bytes")
	}
	if reason := scan(in); reason != want {
		panic(fmt.Sprintf("read as %q", reason))
	}
}

// checkPadding pads the content of a padding case again.
func (file *vectorFile) checkPadding(item object) {
	primitives++
	content, padded := "in/content", "out/padded"
	if item["op"] == "padding.open" {
		content, padded = "out/content", "in/padded"
	}
	if !bytes.Equal(pad(file.bytesAt(item, content)), file.bytesAt(item, padded)) {
		panic("padded otherwise")
	}
}

// recompute checks the steps of a trace and returns their outputs by name.
func recompute(where string, seed []byte, trace any, above map[string][]byte) map[string][]byte {
	values := map[string][]byte{}
	list, _ := trace.([]any)
	for _, entry := range list {
		step := entry.(object)
		id := step["id"].(string)
		published := unhex(step["out"].(string))
		try(where+" step "+id, func() {
			in := resolve(step["in"], "", func(name string) []byte {
				if value, ok := values[name]; ok {
					return value
				}
				if value, ok := above[name]; ok {
					return value
				}
				panic("no earlier step " + name)
			}).(object)
			out, err := compute(seed, step["op"].(string), inputs(in))
			if err != nil {
				panic(err)
			}
			if !bytes.Equal(out, published) {
				panic(fmt.Sprintf("computed %x", out))
			}
		})
		values[id] = published
		steps++
	}
	return values
}

var primitivePrefixes = []string{"sha", "hmac", "hkdf", "x25519", "ed25519", "ml-kem", "aead", "aes", "label", "pad"}

func isPrimitive(op any) bool {
	for _, prefix := range primitivePrefixes {
		if name, ok := op.(string); ok && (name == prefix || strings.HasPrefix(name, prefix+"-") || prefix == "sha" && strings.HasPrefix(name, prefix)) {
			return true
		}
	}
	return false
}

func (file *vectorFile) checkPrimitive(item object) {
	primitives++
	in := resolve(item["in"], "", file.look(item)).(object)
	out, err := compute(file.seed, item["op"].(string), inputs(in))
	if item["verdict"] == "invalid" {
		if err != errRefused {
			panic(fmt.Sprintf("not refused: %v", err))
		}
		if flags, _ := item["flags"].([]any); slices.Contains(flags, any("Solved")) && !lenientVerify(inputs(in)) {
			panic("the equation does not hold")
		}
		return
	}
	if err != nil {
		panic(err)
	}
	if published := file.bytesAt(item, "out/out"); !bytes.Equal(out, published) {
		panic(fmt.Sprintf("computed %x", out))
	}
}

func checkFile(path string, content []byte) (valid, invalid int) {
	var root object
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		complain("%s: %v", path, err)
		return
	}
	file := &vectorFile{
		seed:  unhex(at(root, "generator/seed").(string)),
		cases: map[string]object{}, values: map[string]map[string][]byte{}, worlds: map[string]map[string][]byte{},
	}
	for name, world := range root["worlds"].(object) {
		file.worlds[name] = recompute(path+" world "+name, file.seed, world.(object)["trace"], nil)
	}
	for _, entry := range root["cases"].([]any) {
		item := entry.(object)
		id := item["id"].(string)
		if file.cases[id] != nil {
			complain("%s: %s is there twice", path, id)
		}
		file.cases[id] = item
		world, _ := item["world"].(string)
		file.values[id] = recompute(path+" "+id, file.seed, item["trace"], file.worlds[world])
	}
	for id, item := range file.cases {
		try(path+" "+id, func() {
			for _, key := range []string{"in", "out", "script"} {
				flat(item[key], file.look(item))
			}
			if isPrimitive(item["op"]) {
				file.checkPrimitive(item)
			} else if op, _ := item["op"].(string); strings.HasPrefix(op, "safety.") {
				file.checkSafety(item)
			} else if root["family"] == "devices" {
				file.checkDevices(item)
			} else if op == "proof.verify" {
				file.checkProof(item)
			} else if strings.HasPrefix(op, "trust.") {
				file.checkTrust(item)
			} else if strings.HasPrefix(op, "link.") {
				file.checkLinking(item)
			} else if strings.HasPrefix(op, "bulk.") {
				file.checkBulk(item)
			} else if op, _ := item["op"].(string); strings.HasPrefix(op, "padding.") && item["verdict"] == "valid" {
				file.checkPadding(item)
			} else if item["op"] == "canon.decode" {
				file.checkEncoding(item)
			}
			if item["verdict"] == "valid" {
				valid++
				return
			}
			invalid++
			deltas++
			twin := file.cases[item["twin"].(string)]
			if twin == nil || twin["verdict"] != "valid" {
				panic("its twin is not a valid case of the file")
			}
			checkDelta(file, item, twin)
		})
	}
	return
}

// merkle is the tree of RFC 6962 over H(0x00 ‖ path ‖ 0x00 ‖ SHA-256 of the file), in order of paths.
func merkle(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	sum := sha256.Sum256(append(append([]byte{1}, merkle(leaves[:split])...), merkle(leaves[split:])...))
	return sum[:]
}

func main() {
	folder := "vectors"
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	if _, err := os.Stat(filepath.Join(folder, "manifest.json")); err != nil {
		folder = ".." // when run from inside vectors/verify
	}
	content, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var manifest struct {
		Root  string
		Count int
		Files []struct {
			Path, Sha256, Family        string
			Size, Count, Valid, Invalid int
		}
	}
	if err := json.Unmarshal(content, &manifest); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sort.Slice(manifest.Files, func(i, j int) bool { return manifest.Files[i].Path < manifest.Files[j].Path })
	var leaves [][]byte
	total, families := 0, map[string][2]int{}
	for _, entry := range manifest.Files {
		content, err := os.ReadFile(filepath.Join(folder, entry.Path))
		if err != nil {
			complain("%v", err)
			continue
		}
		sum := sha256.Sum256(content)
		if hex.EncodeToString(sum[:]) != entry.Sha256 || len(content) != entry.Size {
			complain("%s: not the file of the manifest", entry.Path)
		}
		leaf := sha256.Sum256(bytes.Join([][]byte{{0}, []byte(entry.Path), {0}, sum[:]}, nil))
		leaves = append(leaves, leaf[:])
		valid, invalid := checkFile(entry.Path, content)
		if valid != entry.Valid || invalid != entry.Invalid || valid+invalid != entry.Count {
			complain("%s: %d valid and %d invalid cases, the manifest says otherwise", entry.Path, valid, invalid)
		}
		total += valid + invalid
		count := families[entry.Family]
		families[entry.Family] = [2]int{count[0] + valid, count[1] + invalid}
	}
	if total != manifest.Count {
		complain("%d cases, the manifest says %d", total, manifest.Count)
	}
	if len(leaves) > 0 && hex.EncodeToString(merkle(leaves)) != manifest.Root {
		complain("the root of the manifest is wrong")
	}
	names := make([]string, 0, len(families))
	for name := range families {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Printf("%s: %d valid, %d invalid\n", name, families[name][0], families[name][1])
	}
	fmt.Printf("%d trace steps, %d primitive cases and %d deltas recomputed in %d files\n", steps, primitives, deltas, len(manifest.Files))
	fmt.Printf("%d passed, %d failed\n", total-min(problems, total), problems)
	if problems > 0 {
		os.Exit(1)
	}
}
