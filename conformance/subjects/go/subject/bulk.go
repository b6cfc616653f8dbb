package subject

import (
	"encoding/binary"
	"fmt"

	"tacit.example/conformance/subjects/go/tacit"
)

// bulk is a long run out of one stream of random bytes into one digest.
//
// Spec: vectors/README.md, "Bulk runs".
type bulk struct {
	seed   []byte
	block  uint64
	rest   []byte
	digest []byte
}

func newBulk(seed []byte) *bulk { return &bulk{seed: seed, digest: make([]byte, 32)} }

func (b *bulk) take(n uint64) []byte {
	for uint64(len(b.rest)) < n {
		b.rest = append(b.rest, tacit.Hash(tacit.Concat(b.seed, binary.BigEndian.AppendUint64(nil, b.block)))...)
		b.block++
	}
	out := tacit.Concat(b.rest[:n])
	b.rest = b.rest[n:]
	return out
}

func (b *bulk) number(m uint64) uint64 { return uint64(binary.BigEndian.Uint32(b.take(4))) % m }

func (b *bulk) absorb(x []byte) { b.digest = tacit.Hash(tacit.Concat(b.digest, x)) }

func init() {
	register(map[string]call{
		"bulk.encoding": func(in Values) (any, error) {
			b := newBulk(in.bytes("seed"))
			for range in.uint("count") {
				encoded := tacit.Encode(b.value(0))
				b.absorb(encoded)
				outcome := "ok"
				if _, err := tacit.DecodeValue(b.change(encoded)); err != nil {
					outcome = err.Error()
				}
				b.absorb([]byte(outcome))
			}
			return object{"digest": h(b.digest)}, nil
		},
		"bulk.ratchet": bulkRatchet,
	})
}

// value draws a value at a depth, 0 outermost.
func (b *bulk) value(depth int) any {
	kinds := uint64(5)
	if depth == 6 {
		kinds = 3
	}
	kind := b.number(kinds)
	items := func() uint64 {
		if depth == 0 {
			return b.number(20)
		}
		return b.number(5)
	}
	switch kind {
	case 0:
		bits := b.number(54)
		return binary.BigEndian.Uint64(b.take(8)) & (1<<bits - 1)
	case 1:
		most := uint64(40)
		if b.number(3) == 0 {
			most = 300
		}
		return b.take(b.number(most))
	case 2:
		text := []rune{}
		for range b.number(40) {
			text = append(text, b.char())
		}
		return string(text)
	case 3:
		list := []any{}
		for range items() {
			list = append(list, b.value(depth+1))
		}
		return list
	}
	pairs, key := []tacit.Pair{}, uint64(0)
	for i := range items() {
		key += b.number(300)
		if i > 0 {
			key++
		}
		pairs = append(pairs, tacit.Pair{Key: key, Value: b.value(depth + 1)})
	}
	return pairs
}

func (b *bulk) char() rune {
	switch b.number(4) {
	case 0:
		return rune(0x20 + b.number(95))
	case 1:
		return rune(0x80 + b.number(0x780))
	case 2:
		return rune(0x800 + b.number(0xd000))
	}
	return rune(0x10000 + b.number(0x100000))
}

// change damages an encoding in one place.
func (b *bulk) change(encoded []byte) []byte {
	out, length := tacit.Concat(encoded), uint64(len(encoded))
	switch b.number(4) {
	case 0:
		bit := b.number(8 * length)
		out[bit/8] ^= 1 << (bit % 8)
	case 1:
		out = out[:b.number(length)]
	case 2:
		at := b.number(length + 1)
		out = tacit.Concat(encoded[:at], b.take(1), encoded[at:])
	case 3:
		at := b.number(length)
		out[at] = b.take(1)[0]
	}
	return out
}

// bulkRatchet lets two ratchets talk under suite 1, messages arriving in any order.
func bulkRatchet(in Values) (any, error) {
	b := newBulk(in.bytes("seed"))
	suite, _ := tacit.SuiteOf(1)
	ad := b.take(32)
	agreed := tacit.Agreed{Root: b.take(32), InitiatorHeader: b.take(32), ResponderHeader: b.take(32)}
	prekey, first := b.take(32), b.take(32)
	prefixes := [2][]byte{tacit.Prefix(tacit.KindMessage, b.take(16)), tacit.Prefix(tacit.KindMessage, b.take(16))}
	initiator, err := tacit.Initiate(suite, ad, agreed, first, tacit.X25519Public(prekey))
	if err != nil {
		return nil, err
	}
	sides := [2]*tacit.Ratchet{initiator, tacit.Respond(suite, ad, agreed, prekey)}
	queues := [2][][]byte{}
	for range in.uint("count") {
		from := b.number(2)
		if len(sides[from].SendChain) == 0 {
			from = 0
		}
		nonce, padded := b.take(12), b.take(64)
		next, message, err := sides[from].Seal(prefixes[1-from], padded, nonce)
		if err != nil {
			return nil, fmt.Errorf("a run could not seal: %w", err)
		}
		sides[from] = next
		b.absorb(message)
		queues[1-from] = append(queues[1-from], message)
		to, whether := b.number(2), b.number(4)
		queue := queues[to]
		if len(queue) == 0 || whether == 3 && len(queue) <= 20 {
			continue
		}
		at := b.number(uint64(len(queue)))
		message = queue[at]
		queues[to] = append(append([][]byte{}, queue[:at]...), queue[at+1:]...)
		fresh := b.take(32)
		opening, err := sides[to].Open(prefixes[to], message, 0, func() []byte { return fresh })
		if err != nil {
			return nil, fmt.Errorf("a run could not open: %w", err)
		}
		sides[to] = opening.Next
		late := byte(0)
		if opening.Late {
			late = 1
		}
		b.absorb(tacit.Concat(opening.Padded, []byte{late}))
	}
	return object{"digest": h(b.digest)}, nil
}
