package tacit

import (
	"encoding/binary"
	"unicode/utf8"
)

// kind is a kind of value of section 2.1.
type kind int

const (
	kindUint kind = iota
	kindBin
	kindText
	kindArray
	kindMap
	kindAny // what a reader that takes every kind asks for
)

// Pair is one entry of a decoded map of unknown meaning.
type Pair struct {
	Key   uint64
	Value any
}

// decoder reads canonical MessagePack; values become uint64, []byte (copies),
// string, []any and []Pair.
type decoder struct {
	in []byte
	at int
}

// DecodeValue decodes any canonical value [codec.bound.3].
func DecodeValue(in []byte) (any, error) {
	if len(in) > MaxEnvelope {
		return nil, Fault("size")
	}
	d := &decoder{in: in}
	value, err := d.any(1)
	if err != nil {
		return nil, err
	}
	return value, d.end()
}

func (d *decoder) end() error {
	if d.at != len(d.in) {
		return Fault("trailing")
	}
	return nil
}

// head reads first byte and length, and moves behind both. The order of its
// checks is kind, complete head, shortest form [codec.decode.2].
func (d *decoder) head(want kind) (kind, uint64, error) {
	if d.at >= len(d.in) {
		return 0, 0, Fault("truncated")
	}
	first := d.in[d.at]
	found, width, value, least := headForm(first)
	if width < 0 || want != kindAny && want != found {
		return 0, 0, Fault("type")
	}
	if len(d.in)-d.at-1 < width {
		return 0, 0, Fault("truncated")
	}
	for _, b := range d.in[d.at+1 : d.at+1+width] {
		value = value<<8 | uint64(b)
	}
	if value < least {
		return 0, 0, Fault("noncanonical")
	}
	d.at += 1 + width
	return found, value, nil
}

// headForm gives kind, bytes of length or value behind the first byte, the value
// in the first byte itself, and the least value that needs this form [codec.form.1].
func headForm(first byte) (found kind, width int, value, least uint64) {
	switch {
	case first <= 0x7f:
		return kindUint, 0, uint64(first), 0
	case first <= 0x8f:
		return kindMap, 0, uint64(first & 0x0f), 0
	case first <= 0x9f:
		return kindArray, 0, uint64(first & 0x0f), 0
	case first <= 0xbf:
		return kindText, 0, uint64(first & 0x1f), 0
	}
	switch first {
	case 0xc4:
		return kindBin, 1, 0, 0
	case 0xc5:
		return kindBin, 2, 0, 1 << 8
	case 0xc6:
		return kindBin, 4, 0, 1 << 16
	case 0xcc:
		return kindUint, 1, 0, 1 << 7
	case 0xcd:
		return kindUint, 2, 0, 1 << 8
	case 0xce:
		return kindUint, 4, 0, 1 << 16
	case 0xcf:
		return kindUint, 8, 0, 1 << 32
	case 0xd9:
		return kindText, 1, 0, 1 << 5
	case 0xda:
		return kindText, 2, 0, 1 << 8
	case 0xdb:
		return kindText, 4, 0, 1 << 16
	case 0xdc:
		return kindArray, 2, 0, 1 << 4
	case 0xdd:
		return kindArray, 4, 0, 1 << 16
	case 0xde:
		return kindMap, 2, 0, 1 << 4
	case 0xdf:
		return kindMap, 4, 0, 1 << 16
	}
	return 0, -1, 0, 0
}

// uint reads an integer between bounds.
func (d *decoder) uint(least, most uint64) (uint64, error) {
	_, value, err := d.head(kindUint)
	if err != nil {
		return 0, err
	}
	if value < least || value > most || value > MaxUint {
		return 0, Fault("value")
	}
	return value, nil
}

// content takes n bytes that follow, as a copy.
func (d *decoder) content(n uint64) ([]byte, error) {
	if n > uint64(len(d.in)-d.at) {
		return nil, Fault("truncated")
	}
	out := make([]byte, n)
	copy(out, d.in[d.at:])
	d.at += int(n)
	return out, nil
}

func (d *decoder) text(n uint64) (string, error) {
	raw, err := d.content(n)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(raw) {
		return "", Fault("utf8")
	}
	return string(raw), nil
}

// nest checks an array or map of so many values at a depth: depth, then presence
// of a byte for each value [codec.decode.3].
func (d *decoder) nest(values uint64, depth int) error {
	if depth > MaxDepth {
		return Fault("depth")
	}
	if values > uint64(len(d.in)-d.at) {
		return Fault("truncated")
	}
	return nil
}

// any reads a value of any kind; an array or map it finds stands at depth.
func (d *decoder) any(depth int) (any, error) {
	found, n, err := d.head(kindAny)
	if err != nil {
		return nil, err
	}
	switch found {
	case kindUint:
		if n > MaxUint {
			return nil, Fault("value")
		}
		return n, nil
	case kindBin:
		return d.content(n)
	case kindText:
		return d.text(n)
	}
	if n > MaxItems {
		return nil, Fault("count")
	}
	if found == kindArray {
		if err := d.nest(n, depth); err != nil {
			return nil, err
		}
		items := make([]any, n)
		for i := range items {
			if items[i], err = d.any(depth + 1); err != nil {
				return nil, err
			}
		}
		return items, nil
	}
	if err := d.nest(2*n, depth); err != nil {
		return nil, err
	}
	pairs := make([]Pair, n)
	for i := range pairs {
		if pairs[i].Key, err = d.key(pairs[:i]); err != nil {
			return nil, err
		}
		if pairs[i].Value, err = d.any(depth + 1); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

// key reads a map key that must stand above the ones before [codec.map.1].
func (d *decoder) key(before []Pair) (uint64, error) {
	key, err := d.uint(0, MaxUint)
	if err != nil || len(before) == 0 {
		return key, err
	}
	switch last := before[len(before)-1].Key; {
	case key == last:
		return 0, Fault("duplicate-key")
	case key < last:
		return 0, Fault("key-order")
	}
	return key, nil
}

// Encode gives the canonical encoding of uint64, int, []byte, string, []any,
// []Pair and Raw. Anything else, and what has no encoding, is a mistake of the
// program and panics [codec.encode.2].
func Encode(value any) []byte { return appendValue(nil, value) }

// Raw is an encoding to be put in as it is.
type Raw []byte

func appendValue(out []byte, value any) []byte {
	switch v := value.(type) {
	case int:
		return appendUint(out, uint64(v))
	case uint64:
		return appendUint(out, v)
	case []byte:
		return append(appendLength(out, uint64(len(v)), 0, 0, 0xc4, 0xc5, 0xc6), v...)
	case string:
		if !utf8.ValidString(v) {
			panic("tacit: text that is no UTF-8")
		}
		return append(appendLength(out, uint64(len(v)), 0xa0, 32, 0xd9, 0xda, 0xdb), v...)
	case []any:
		out = appendCount(out, len(v), 0x90, 0xdc)
		for _, item := range v {
			out = appendValue(out, item)
		}
		return out
	case []Pair:
		out = appendCount(out, len(v), 0x80, 0xde)
		for i, pair := range v {
			if i > 0 && pair.Key <= v[i-1].Key {
				panic("tacit: keys of a map out of order")
			}
			out = appendValue(appendUint(out, pair.Key), pair.Value)
		}
		return out
	case Raw:
		return append(out, v...)
	}
	panic("tacit: value without an encoding")
}

func appendUint(out []byte, v uint64) []byte {
	switch {
	case v < 1<<7:
		return append(out, byte(v))
	case v < 1<<8:
		return append(out, 0xcc, byte(v))
	case v < 1<<16:
		return binary.BigEndian.AppendUint16(append(out, 0xcd), uint16(v))
	case v < 1<<32:
		return binary.BigEndian.AppendUint32(append(out, 0xce), uint32(v))
	case v <= MaxUint:
		return binary.BigEndian.AppendUint64(append(out, 0xcf), v)
	}
	panic("tacit: integer above 2^53 - 1")
}

func appendLength(out []byte, n uint64, fix byte, fixed uint64, one, two, four byte) []byte {
	switch {
	case n < fixed:
		return append(out, fix|byte(n))
	case n < 1<<8:
		return append(out, one, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(out, two), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(out, four), uint32(n))
}

func appendCount(out []byte, n int, fix, two byte) []byte {
	if n > MaxItems {
		panic("tacit: too many items")
	}
	if n < 16 {
		return append(out, fix|byte(n))
	}
	return binary.BigEndian.AppendUint16(append(out, two), uint16(n))
}
