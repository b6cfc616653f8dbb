// Bulk runs: the encoding and the ratchet over pseudo-random input, of which the set publishes a digest.
//
// Spec: vectors/README.md (bulk runs); docs/spec/06-ratchet.md.

package main

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// stream is SHA-256(seed ‖ BE64(0)) ‖ SHA-256(seed ‖ BE64(1)) ‖ …
type stream struct {
	seed, rest []byte
	next       uint64
}

func (s *stream) take(n int) []byte {
	for len(s.rest) < n {
		block := sha256.Sum256(append(bytes.Clone(s.seed), be(s.next, 8)...))
		s.rest = append(s.rest, block[:]...)
		s.next++
	}
	out := bytes.Clone(s.rest[:n])
	s.rest = s.rest[n:]
	return out
}

func (s *stream) number(below int) int {
	return int(binary.BigEndian.Uint32(s.take(4))) % below
}

func (s *stream) character() rune {
	switch s.number(4) {
	case 0:
		return rune(0x20 + s.number(95))
	case 1:
		return rune(0x80 + s.number(0x780))
	case 2:
		return rune(0x800 + s.number(0xd000))
	}
	return rune(0x10000 + s.number(0x100000))
}

func (s *stream) value(depth int) any {
	kinds, most := 3, 5
	if depth < 6 {
		kinds = 5
	}
	if depth == 0 {
		most = 20
	}
	switch s.number(kinds) {
	case 0:
		bits := s.number(54)
		return int(binary.BigEndian.Uint64(s.take(8)) & (1<<bits - 1))
	case 1:
		if s.number(3) == 0 {
			return s.take(s.number(300))
		}
		return s.take(s.number(40))
	case 2:
		text := make([]rune, s.number(40))
		for i := range text {
			text[i] = s.character()
		}
		return object{"text": string(text)}
	case 3:
		items := make([]any, s.number(most))
		for i := range items {
			items[i] = s.value(depth + 1)
		}
		return items
	}
	entries := make([]any, s.number(most))
	key := -1
	for i := range entries {
		key += 1 + s.number(300)
		entries[i] = []any{key, s.value(depth + 1)}
	}
	return object{"map": entries}
}

func (s *stream) change(in []byte) []byte {
	kind := s.number(4)
	switch kind {
	case 0:
		bit := s.number(8 * len(in))
		out := bytes.Clone(in)
		out[bit/8] ^= 1 << (bit % 8)
		return out
	case 1:
		return in[:s.number(len(in))]
	case 2:
		at := s.number(len(in) + 1)
		return bytes.Join([][]byte{in[:at], s.take(1), in[at:]}, nil)
	}
	at := s.number(len(in))
	return bytes.Join([][]byte{in[:at], s.take(1), in[at+1:]}, nil)
}

func (s *stream) encodingRun(count int) []byte {
	digest := make([]byte, 32)
	absorb := func(parts ...[]byte) {
		sum := sha256.Sum256(append(digest, bytes.Join(parts, nil)...))
		digest = sum[:]
	}
	for range count {
		in := encode(s.value(0))
		if reason := scan(in); reason != "" {
			panic("encoded something that is refused: " + reason)
		}
		absorb(in)
		reason := scan(s.change(in))
		if reason == "" {
			reason = "ok"
		}
		absorb([]byte(reason))
	}
	return digest
}

// party is one side of the ratchet under suite 1, in the letters of the page.
type party struct {
	ad, rk, dhs, cks, ckr, hks, hkr, nhks, nhkr, prefix []byte
	ns, nr, pn                                          uint32
	skipped                                             []skippedKey
	queue                                               [][]byte
}

type skippedKey struct {
	header, message []byte
	number          uint32
}

func must(out []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return out
}

func tagOf(headerKey []byte) []byte { return mac(headerKey, []byte("tacit/1 session tag\x00"))[:16] }

func (p *party) step(shared []byte) (chain, next []byte) {
	all := must(hkdf.Key(sha256.New, shared, p.rk, "tacit/1 root step\x00", 96))
	p.rk = all[:32]
	return all[32:64], all[64:]
}

func publicOf(secret []byte) []byte {
	return must(compute(nil, "x25519-public", inputs{"k": secret}))
}

func keysOf(messageKey, nonce []byte) (key, bodyNonce []byte) {
	all := must(hkdf.Key(sha256.New, messageKey, nonce, "tacit/1 message key\x00\x01", 44))
	return all[:32], all[32:]
}

func (p *party) seal(prefix, padded, nonce []byte) []byte {
	tag := tagOf(p.hks)
	header := bytes.Join([][]byte{publicOf(p.dhs), be(uint64(p.pn), 4), be(uint64(p.ns), 4)}, nil)
	front := bytes.Join([][]byte{tag, nonce, must(aeadSeal(1, p.hks, nonce, append(bytes.Clone(p.ad), tag...), header))}, nil)
	key, bodyNonce := keysOf(mac(p.cks, []byte{1}), nonce)
	p.cks = mac(p.cks, []byte{2})
	p.ns++
	return append(front, must(aeadSeal(1, key, bodyNonce, bytes.Join([][]byte{p.ad, prefix, front}, nil), padded))...)
}

func (p *party) skip(until uint32) {
	for ; p.nr < until; p.nr++ {
		p.skipped = append(p.skipped, skippedKey{p.hkr, mac(p.ckr, []byte{1}), p.nr})
		p.ckr = mac(p.ckr, []byte{2})
	}
}

func (p *party) open(message, fresh []byte) (padded []byte, late byte) {
	tag, nonce, front := message[:16], message[16:28], message[:84]
	known := [][]byte{p.hkr, p.nhkr}
	for _, key := range p.skipped {
		known = append(known, key.header)
	}
	var headerKey []byte
	for _, key := range known {
		if key != nil && bytes.Equal(tagOf(key), tag) {
			headerKey = key
			break
		}
	}
	header := must(aeadOpen(1, headerKey, nonce, append(bytes.Clone(p.ad), tag...), message[28:84]))
	pn, n := binary.BigEndian.Uint32(header[32:]), binary.BigEndian.Uint32(header[36:])
	var messageKey []byte
	for i, key := range p.skipped {
		if key.number == n && bytes.Equal(key.header, headerKey) {
			messageKey, late = key.message, 1
			p.skipped = append(p.skipped[:i:i], p.skipped[i+1:]...)
			break
		}
	}
	if messageKey == nil {
		if bytes.Equal(headerKey, p.nhkr) {
			if p.ckr != nil {
				p.skip(pn)
			}
			p.pn, p.ns, p.nr = p.ns, 0, 0
			p.hks, p.hkr = p.nhks, p.nhkr
			p.ckr, p.nhkr = p.step(must(x25519(p.dhs, header[:32])))
			p.dhs = fresh
			p.cks, p.nhks = p.step(must(x25519(fresh, header[:32])))
		}
		p.skip(n)
		messageKey = mac(p.ckr, []byte{1})
		p.ckr = mac(p.ckr, []byte{2})
		p.nr++
	}
	key, bodyNonce := keysOf(messageKey, nonce)
	return must(aeadOpen(1, key, bodyNonce, bytes.Join([][]byte{p.ad, p.prefix, front}, nil), message[84:])), late
}

func (s *stream) ratchetRun(count int) []byte {
	ad, rk, hka, nhkb, spk, own := s.take(32), s.take(32), s.take(32), s.take(32), s.take(32), s.take(32)
	a := &party{ad: ad, rk: rk, dhs: own, hks: hka, nhkr: nhkb, prefix: encode([]any{1, 2, s.take(16)})}
	b := &party{ad: ad, rk: rk, dhs: spk, nhks: nhkb, nhkr: hka, prefix: encode([]any{1, 2, s.take(16)})}
	a.cks, a.nhks = a.step(must(x25519(own, publicOf(spk))))
	parties := [2]*party{a, b}
	digest := make([]byte, 32)
	absorb := func(parts ...[]byte) {
		sum := sha256.Sum256(append(digest, bytes.Join(parts, nil)...))
		digest = sum[:]
	}
	for range count {
		side := s.number(2)
		if parties[side].cks == nil {
			side = 0
		}
		from, to := parties[side], parties[1-side]
		nonce := s.take(12)
		message := from.seal(to.prefix, s.take(64), nonce)
		absorb(message)
		to.queue = append(to.queue, message)
		receiver, goes := parties[s.number(2)], 0
		if goes = s.number(4); len(receiver.queue) == 0 || goes == 3 && len(receiver.queue) <= 20 {
			continue
		}
		i := s.number(len(receiver.queue))
		message = receiver.queue[i]
		receiver.queue = append(receiver.queue[:i:i], receiver.queue[i+1:]...)
		padded, late := receiver.open(message, s.take(32))
		absorb(padded, []byte{late})
	}
	return digest
}

// checkBulk runs a case of the bulk files again.
func (file *vectorFile) checkBulk(item object) {
	primitives++
	in := inputs(resolve(item["in"], "", file.look(item)).(object))
	s := &stream{seed: in.b("seed")}
	run := s.encodingRun
	if item["op"] == "bulk.ratchet" {
		run = s.ratchetRun
	}
	if digest := run(in.n("count")); !bytes.Equal(digest, file.bytesAt(item, "out/digest")) {
		panic(fmt.Sprintf("ends with %x", digest))
	}
}
