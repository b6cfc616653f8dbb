// Safety numbers, from the page: fingerprints, digits, codes and the outcome of a comparison.
//
// Spec: docs/spec/17-safety.md.

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
)

// decimal is rule safety.digits.1: five digits of every five bytes.
func decimal(data []byte) string {
	var out strings.Builder
	for k := 0; k+5 <= len(data); k += 5 {
		fmt.Fprintf(&out, "%05d", binary.BigEndian.Uint64(append(make([]byte, 3), data[k:k+5]...))%100_000)
	}
	return out.String()
}

// printOf is fingerprint ‖ account print of a party.
func printOf(account []byte, devices any) []byte {
	party := encode([]any{account, devices})
	f := sha256.Sum256(append([]byte("tacit/1 safety number\x00\x01"), party...))
	for range 5200 {
		f = sha256.Sum256(bytes.Join([][]byte{[]byte("tacit/1 safety iteration\x00"), f[:], account}, nil))
	}
	a := sha256.Sum256(append([]byte("tacit/1 safety account\x00"), account...))
	return append(f[:], a[:16]...)
}

func numberOf(own, peer []byte) string {
	if bytes.Compare(own[:32], peer[:32]) > 0 {
		own, peer = peer, own
	}
	return decimal(own[:30]) + decimal(peer[:30])
}

func codeOf(own, peer []byte) []byte {
	half := func(print []byte) []any { return []any{print[:32], print[32:]} }
	return encode([]any{1, half(own), half(peer)})
}

func grouped(digits string) string {
	var out []string
	for ; len(digits) > 0; digits = digits[5:] {
		out = append(out, digits[:5])
	}
	return strings.Join(out, " ")
}

// scanOutcome is rule safety.code.2, empty for agreement.
func scanOutcome(own, peer, code []byte) string {
	if len(code) > 2953 {
		return "decode.size"
	}
	if len(code) > 1 && code[0] > 0x90 && code[0] <= 0x9f && code[1] != 1 {
		// The longest form of a uint has nine bytes; the first that scans is it.
		for size := 1; size <= 9 && size < len(code); size++ {
			if (code[1] < 0x80 || code[1]&0xfc == 0xcc) && scan(code[1:1+size]) == "" {
				return "safety.version"
			}
		}
	}
	if len(code) != 108 || code[0] != 0x93 {
		return "decode"
	}
	want := codeOf(nil48, nil48)
	for _, i := range []int{0, 1, 2, 3, 4, 37, 38, 55, 56, 57, 90, 91} {
		if code[i] != want[i] {
			return "decode"
		}
	}
	shownOwn := append(bytes.Clone(code[5:37]), code[39:55]...)
	shownPeer := append(bytes.Clone(code[58:90]), code[92:108]...)
	switch {
	case bytes.Equal(shownOwn[32:], own[32:]):
		return "safety.reflected"
	case !bytes.Equal(shownOwn[32:], peer[32:]) || !bytes.Equal(shownPeer[32:], own[32:]):
		return "safety.account"
	case !bytes.Equal(shownOwn[:32], peer[:32]) || !bytes.Equal(shownPeer[:32], own[:32]):
		return "safety.devices"
	}
	return ""
}

var nil48 = make([]byte, 48)

// typedOutcome is rule safety.digits.3.
func typedOutcome(number, text string) string {
	bare := strings.NewReplacer(" ", "", "\n", "", "\r", "").Replace(text)
	for _, c := range bare {
		if c < '0' || c > '9' {
			return "decode.value"
		}
	}
	switch {
	case len(bare) < 60:
		return "decode.truncated"
	case len(bare) > 60:
		return "decode.trailing"
	case bare != number:
		return "safety.digits"
	}
	return ""
}

// checkSafety computes a case of the family again, refusals included.
func (file *vectorFile) checkSafety(item object) {
	primitives++
	in := resolve(item["in"], "", file.look(item)).(object)
	outcome := ""
	if item["op"] == "safety.digits" {
		code := in["code"].([]byte)
		if got := grouped(numberOf(code[5:37], code[58:90])); got != at(item, "out/digits") {
			panic("other digits: " + got)
		}
		return
	}
	account, peerAccount := in["account"].([]byte), in["peerAccount"].([]byte)
	own, peer := printOf(account, in["devices"]), printOf(peerAccount, in["peerDevices"])
	switch item["op"] {
	case "safety.number":
		if bytes.Equal(account, peerAccount) {
			outcome = "safety.reflected"
		} else if item["verdict"] == "valid" {
			if got := grouped(numberOf(own, peer)); got != at(item, "out/digits") {
				panic("other digits: " + got)
			}
			if !bytes.Equal(codeOf(own, peer), file.bytesAt(item, "out/code")) {
				panic("another code")
			}
		}
	case "safety.scan":
		outcome = scanOutcome(own, peer, in["code"].([]byte))
	case "safety.typed":
		outcome = typedOutcome(numberOf(own, peer), in["text"].(string))
	}
	want := ""
	if item["verdict"] == "invalid" {
		want = at(item, "class/0").(string)
	}
	if outcome != want && !(outcome == "decode" && strings.HasPrefix(want, "decode.")) {
		panic(fmt.Sprintf("ends with %q, not %q", outcome, want))
	}
}
