package main

import (
	"encoding/hex"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// Whatever bytes a peer sends are opened or refused, never a fault: every vector
// with bytes of a peer in it, changed in a thousand places.
func TestHostileBytes(t *testing.T) {
	from := map[string]string{ // operation: the member a peer supplies
		"canon.decode": "bytes", "layout.decode": "bytes", "envelope.decode": "bytes", "padding.open": "padded",
		"content.decode": "bytes", "sealed.open": "body", "bundle.check": "bytes", "certificate.verify": "bytes",
		"manifest.verify": "bytes", "ed25519-verify": "sig", "x25519": "u", "ml-kem-768-encaps": "ek",
		"ml-kem-768-decaps": "ct", "aead-open": "sealed", "aes-cbc-decrypt": "ciphertext", "safety.scan": "code",
	}
	random := rand.New(rand.NewPCG(7, 11))
	d := newDriver(t)
	tried := map[string]int{}
	for _, family := range []string{"primitives", "encoding", "envelope", "agreement", "identity", "safety"} {
		paths, _ := filepath.Glob(filepath.Join("..", "..", "..", "vectors", family, "*.json"))
		for _, path := range paths {
			f := readVectors(t, path)
			for i := range f.Cases {
				c := &f.Cases[i]
				member := from[c.Op]
				if member == "" || c.Verdict != "valid" || tried[c.Op] >= 1000 {
					continue
				}
				names := map[string]any{}
				for _, one := range append(append([]binding{}, f.Worlds[c.World].Trace...), c.Trace...) {
					names[one.ID] = one.Out
				}
				resolved, err := resolve(c.In, names)
				if err != nil {
					t.Fatal(err)
				}
				in := resolved.(map[string]any)
				genuine, _ := hex.DecodeString(in[member].(string))
				for range 40 {
					in[member] = hex.EncodeToString(damaged(random, genuine))
					if reply := d.send(t, map[string]any{"op": c.Op, "in": in}); reply["ok"] == nil && reply["reject"] == nil {
						t.Fatalf("%s, %s: %v to %v", c.ID, c.Op, reply, in[member])
					}
					tried[c.Op]++
				}
			}
		}
	}
	for op := range from {
		if tried[op] == 0 {
			t.Errorf("nothing tried of %s", op)
		}
	}
}

func damaged(random *rand.Rand, genuine []byte) []byte {
	out := append([]byte{}, genuine...)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(out) + 1)
		switch random.IntN(4) {
		case 0:
			out = out[:at]
		case 1:
			out = append(out[:at:at], append([]byte{byte(random.Uint32())}, out[at:]...)...)
		default:
			if at < len(out) {
				out[at] ^= byte(1 << random.IntN(8))
			}
		}
	}
	return out
}

// Envelopes damaged anywhere leave a device as it was, and no fault.
func TestHostileEnvelopes(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	random := rand.New(rand.NewPCG(3, 5))
	w.carry(w.send("alice", "bob", "one"))
	for _, out := range [][]any{w.send("alice", "bob", "two"), w.send("bob", "alice", "three")} {
		one := out[0].(map[string]any)
		wire, _ := hex.DecodeString(one["wire"].(string))
		to := w.at(one["to"])
		before := w.d.digest(to)
		for range 500 {
			changed := hex.EncodeToString(damaged(random, wire))
			if changed == one["wire"] {
				continue
			}
			if reply := w.ask(to, "receive", map[string]any{"wire": changed, "at": w.now}); reply["reject"] == nil {
				t.Fatalf("%v to %s", reply, changed)
			}
		}
		if w.d.digest(to) != before {
			t.Fatal("refused envelopes changed something")
		}
		if events := w.carry(out); len(events) != 1 {
			t.Fatalf("the genuine one gave %q", events)
		}
	}
}
