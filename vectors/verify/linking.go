// Linking: the map of CPace, and what the page says of lists, PINs and texts.
//
// Spec: docs/spec/19-linking.md.

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

var (
	fieldPrime, _ = new(big.Int).SetString("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed", 16)
	curveA        = big.NewInt(486662)
)

// elligator2 is the map of RFC 9380 for curve25519, u coordinate only: with Z = 2, of x1 = -A / (1 + 2r²) and -A - x1
// the one whose right-hand side is a square.
func elligator2(field []byte) []byte {
	little := bytes.Clone(field)
	little[31] &= 0x7f
	slices.Reverse(little)
	r := new(big.Int).SetBytes(little)
	r.Mod(r, fieldPrime)
	below := new(big.Int).Mul(r, r)
	below.Lsh(below, 1).Add(below, big.NewInt(1)).ModInverse(below, fieldPrime)
	u := new(big.Int).Neg(curveA)
	u.Mul(u, below).Mod(u, fieldPrime)
	// u·(u·(u + A) + 1)
	right := new(big.Int).Add(u, curveA)
	right.Mul(right, u).Add(right, big.NewInt(1)).Mul(right, u).Mod(right, fieldPrime)
	if big.Jacobi(right, fieldPrime) < 0 {
		u.Neg(u).Sub(u, curveA).Mod(u, fieldPrime)
	}
	out := u.FillBytes(make([]byte, 32))
	slices.Reverse(out)
	return out
}

// chosen is rule link.decide.1, 0 for none.
func chosen(offers, takes []any) int {
	for challenge := 1; challenge <= 3; challenge++ {
		if slices.Contains(offers, any(challenge)) && slices.Contains(takes, any(challenge)) {
			return challenge
		}
	}
	return 0
}

// readText is rules invitation.url.1 and invitation.url.2: the bytes, or the cause.
func readText(kind, text string) ([]byte, string) {
	if len(text) > 2048 {
		return nil, "decode.size"
	}
	bare := strings.Trim(text, " \t\r\n")
	payload, found := strings.CutPrefix(bare, "tacit:"+kind+"/")
	if page, ok := strings.CutPrefix(bare, "https://"); !found && ok && kind == "invite" {
		address, fragment, _ := strings.Cut(page, "#")
		if payload, found = strings.CutPrefix(fragment, "invite/"); address == "" || strings.ContainsAny(address, " \t\r\n") {
			found = false
		}
	}
	if !found {
		return nil, "link.purpose"
	}
	for _, c := range payload {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return nil, "decode.value"
		}
	}
	if len(payload)%4 == 1 {
		return nil, "decode.truncated"
	}
	out, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil {
		return nil, "decode.noncanonical"
	}
	return out, ""
}

// typedPin is the reading half of rule link.pin.1.
func typedPin(text string) (string, string) {
	bare := strings.NewReplacer(" ", "", "-", "").Replace(text)
	if strings.Trim(bare, "0123456789") != "" {
		return "", "decode.value"
	}
	switch {
	case len(bare) < 6:
		return "", "decode.truncated"
	case len(bare) > 8:
		return "", "decode.trailing"
	}
	return bare, ""
}

// checkLinking reads a case of the family again where the page alone decides it.
func (file *vectorFile) checkLinking(item object) {
	in := item["in"].(object)
	var got any
	outcome := ""
	want := "out/pin"
	switch item["op"] {
	case "link.choose":
		list := func(name string) []any { return resolve(in[name], "", nil).([]any) }
		challenge := chosen(list("offers"), list("takes"))
		if got, want = challenge, "out/challenge"; challenge == 0 {
			outcome = "link.no-challenge"
		}
	case "link.text":
		out, cause := readText(in["kind"].(string), in["text"].(string))
		got, outcome, want = out, cause, "out/bytes"
	case "link.pin":
		got = decimal(file.bytesAt(item, "in/random"))[:num(in["digits"])]
	case "link.typed":
		got, outcome = typedPin(in["text"].(string))
	default:
		return
	}
	primitives++
	if item["verdict"] == "invalid" {
		if outcome != at(item, "class/0") {
			panic(fmt.Sprintf("ends with %q", outcome))
		}
		return
	}
	published := at(item, want)
	switch value := got.(type) {
	case []byte:
		if !bytes.Equal(value, file.bytesAt(item, want)) {
			panic(fmt.Sprintf("gives %x", value))
		}
	case int:
		if value != num(published) {
			panic(fmt.Sprintf("gives %d", value))
		}
	default:
		if outcome != "" || value != published {
			panic(fmt.Sprintf("gives %v %q", value, outcome))
		}
	}
}
