// Fork proofs, from the page: what two signed manifests of one account prove, and what does not.
//
// Spec: docs/spec/04-accounts.md §4.3, §4.5.

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// listed is a device of a manifest.
type listed struct {
	agreement string
	addedIn   uint64
}

// signedList is one signed manifest that was checked.
type signedList struct {
	account, hash, previous []byte
	version                 uint64
	devices                 map[string]listed
	revoked                 map[string]uint64
	roles                   map[string]uint64
}

// reader walks a value that scan has found canonical; it panics with an outcome where the layout is another.
type reader struct {
	in []byte
	at int
}

func (r *reader) want(ok bool, outcome string) {
	if !ok {
		panic(outcome)
	}
}

func (r *reader) byte() byte {
	r.want(r.at < len(r.in), "decode.truncated")
	r.at++
	return r.in[r.at-1]
}

func (r *reader) big(width int) (n uint64) {
	for range width {
		n = n<<8 | uint64(r.byte())
	}
	return
}

func (r *reader) uint() uint64 {
	switch first := r.byte(); first {
	case 0xcc:
		return r.big(1)
	case 0xcd:
		return r.big(2)
	case 0xce:
		return r.big(4)
	case 0xcf:
		return r.big(8)
	default:
		r.want(first <= 0x7f, "decode.type")
		return uint64(first)
	}
}

func (r *reader) bin() []byte {
	first := r.byte()
	r.want(first >= 0xc4 && first <= 0xc6, "decode.type")
	n := int(r.big(1 << (first - 0xc4)))
	r.want(r.at+n <= len(r.in), "decode.truncated")
	r.at += n
	return r.in[r.at-n : r.at]
}

func (r *reader) list() int {
	first := r.byte()
	if first == 0xdc {
		return int(r.big(2))
	}
	r.want(first>>4 == 9, "decode.type")
	return int(first & 15)
}

func (r *reader) tuple(length int) { r.want(r.list() == length, "decode.size") }

func (r *reader) end() { r.want(r.at == len(r.in), "decode.trailing") }

// canonical panics with the outcome of bytes that are not one canonical value.
func canonical(in []byte) {
	if reason := scan(in); reason != "" {
		panic("decode." + reason)
	}
}

// readManifest is section 4.3 for one manifest by itself.
func readManifest(whole []byte) signedList {
	if len(whole) > 49152 {
		panic("decode.size")
	}
	canonical(whole)
	outer := &reader{in: whole}
	outer.tuple(2)
	body, signature := outer.bin(), outer.bin()
	outer.want(len(signature) == 64, "decode.size")
	canonical(body)
	r := &reader{in: body}
	r.tuple(8)
	r.want(r.uint() == 1, "decode.value")
	m := signedList{devices: map[string]listed{}, revoked: map[string]uint64{}, roles: map[string]uint64{}}
	m.account, m.version, m.previous = r.bin(), r.uint(), r.bin()
	r.uint()
	last := ""
	next := func(id []byte) string {
		name := hex.EncodeToString(id)
		r.want(len(id) == 32, "decode.size")
		r.want(name > last, "decode.noncanonical")
		last = name
		return name
	}
	for range r.list() {
		r.tuple(4)
		id := next(r.bin())
		agreement, role, addedIn := r.bin(), r.uint(), r.uint()
		r.want(role >= 1 && role <= 3 && addedIn >= 1 && addedIn <= m.version, "decode.value")
		m.devices[id] = listed{hex.EncodeToString(agreement), addedIn}
		m.roles[id] = role
	}
	last = ""
	for range r.list() {
		r.tuple(2)
		id, in := next(r.bin()), r.uint()
		_, both := m.devices[id]
		r.want(!both && in >= 1 && in <= m.version, "decode.value")
		m.revoked[id] = in
	}
	length := 32
	if m.version == 1 {
		length = 0
	}
	r.want(m.version >= 1 && len(m.previous) == length, "decode.value")
	if !strictVerify(m.account, append([]byte("tacit/1 device manifest\x00"), body...), signature) {
		panic("auth.account")
	}
	hash := sha256.Sum256(append([]byte("tacit/1 manifest hash\x00"), body...))
	m.hash = hash[:]
	return m
}

// contradiction is rule proof.contradiction.1, empty when the two can stand in one history.
func contradiction(first, second signedList) string {
	if first.version == second.version {
		return "version"
	}
	if second.version == first.version+1 && !bytes.Equal(second.previous, first.hash) {
		return "previous"
	}
	for id, in := range first.revoked {
		if second.revoked[id] != in {
			return "revocation"
		}
	}
	for id, in := range second.revoked {
		if first.revoked[id] == 0 && in <= first.version {
			return "revocation"
		}
	}
	for id := range first.devices {
		if _, kept := second.devices[id]; !kept && second.revoked[id] == 0 {
			return "lost"
		}
	}
	for id, before := range first.devices {
		if after, kept := second.devices[id]; kept && after != before {
			return "changed"
		}
	}
	for id, after := range second.devices {
		if _, known := first.devices[id]; !known && after.addedIn <= first.version {
			return "backdated"
		}
	}
	return ""
}

// proofOutcome is rule proof.check.1: what it proves, or the outcome it is refused with.
func proofOutcome(in []byte) (first, second signedList, proves, outcome string) {
	defer func() {
		if problem := recover(); problem != nil {
			outcome = problem.(string)
		}
	}()
	if len(in) > 98312 {
		panic("decode.size")
	}
	canonical(in)
	r := &reader{in: in}
	r.tuple(3)
	r.want(r.uint() == 1, "decode.value")
	one, two := r.bin(), r.bin()
	r.end()
	first, second = readManifest(one), readManifest(two)
	order := bytes.Compare(first.hash, second.hash)
	switch {
	case !bytes.Equal(first.account, second.account):
		outcome = "proof.accounts"
	case order == 0:
		outcome = "proof.same"
	case first.version > second.version || first.version == second.version && order > 0:
		outcome = "decode.noncanonical"
	default:
		if proves = contradiction(first, second); proves == "" {
			outcome = "proof.consistent"
		}
	}
	return
}

// checkProof computes a case of fork proofs again, refusals included.
func (file *vectorFile) checkProof(item object) {
	primitives++
	first, second, proves, outcome := proofOutcome(file.bytesAt(item, "in/bytes"))
	if item["verdict"] == "invalid" {
		if want := at(item, "class/0").(string); outcome != want {
			panic(fmt.Sprintf("ends with %q, not %q", outcome, want))
		}
		return
	}
	if outcome != "" {
		panic("is refused with " + outcome)
	}
	if want := at(item, "out/contradiction").(string); proves != want {
		panic(fmt.Sprintf("proves %q, not %q", proves, want))
	}
	for path, got := range map[string][]byte{
		"out/account": first.account, "out/first": first.hash, "out/second": second.hash,
	} {
		if !bytes.Equal(file.bytesAt(item, path), got) {
			panic("another " + strings.TrimPrefix(path, "out/"))
		}
	}
	for path, got := range map[string]uint64{"out/firstVersion": first.version, "out/secondVersion": second.version} {
		if uint64(num(at(item, path))) != got {
			panic("another " + strings.TrimPrefix(path, "out/"))
		}
	}
}
