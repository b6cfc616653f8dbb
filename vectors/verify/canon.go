// A second reading of the canonical encoding: whether bytes are one value, or the first reason why not.
//
// Spec: docs/spec/02-encoding.md §2.2 to 2.4, §2.6.

package main

import "unicode/utf8"

const (
	maxDepth = 8
	maxItems = 4096
	maxBytes = 131072
	maxUint  = 1<<53 - 1
)

// cursor panics with the reason as a string.
type cursor struct {
	in    []byte
	at    int
	depth int
}

// scan returns "" for exactly one canonical value.
func scan(in []byte) (reason string) {
	defer func() {
		if problem := recover(); problem != nil {
			reason = problem.(string)
		}
	}()
	if len(in) > maxBytes {
		return "size"
	}
	c := &cursor{in: in}
	c.item()
	if c.at != len(in) {
		return "trailing"
	}
	return ""
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.in)-c.at) {
		panic("truncated")
	}
	part := c.in[c.at : c.at+int(n)]
	c.at += int(n)
	return part
}

// number reads width bytes; what fits a shorter form is not canonical.
func (c *cursor) number(width int, least uint64) uint64 {
	var n uint64
	for _, b := range c.take(uint64(width)) {
		n = n<<8 | uint64(b)
	}
	if n < least {
		panic("noncanonical")
	}
	return n
}

// integer is a uint whose first byte was read.
func (c *cursor) integer(first byte) uint64 {
	var n uint64
	switch first {
	case 0xcc:
		n = c.number(1, 0x80)
	case 0xcd:
		n = c.number(2, 0x100)
	case 0xce:
		n = c.number(4, 0x10000)
	case 0xcf:
		n = c.number(8, 0x100000000)
	default:
		n = uint64(first)
	}
	if n > maxUint {
		panic("value")
	}
	return n
}

func isInteger(first byte) bool { return first <= 0x7f || first >= 0xcc && first <= 0xcf }

func (c *cursor) item() {
	first := c.take(1)[0]
	switch {
	case isInteger(first):
		c.integer(first)
	case first == 0xc4:
		c.take(c.number(1, 0))
	case first == 0xc5:
		c.take(c.number(2, 0x100))
	case first == 0xc6:
		c.take(c.number(4, 0x10000))
	case first >= 0xa0 && first <= 0xbf:
		c.text(uint64(first - 0xa0))
	case first == 0xd9:
		c.text(c.number(1, 32))
	case first == 0xda:
		c.text(c.number(2, 0x100))
	case first == 0xdb:
		c.text(c.number(4, 0x10000))
	case first >= 0x90 && first <= 0x9f:
		c.container(uint64(first-0x90), 1)
	case first == 0xdc:
		c.container(c.number(2, 16), 1)
	case first == 0xdd:
		c.container(c.number(4, 0x10000), 1)
	case first >= 0x80 && first <= 0x8f:
		c.container(uint64(first-0x80), 2)
	case first == 0xde:
		c.container(c.number(2, 16), 2)
	case first == 0xdf:
		c.container(c.number(4, 0x10000), 2)
	default:
		panic("type")
	}
}

func (c *cursor) text(length uint64) {
	if !utf8.Valid(c.take(length)) {
		panic("utf8")
	}
}

// container reads an array (one item an entry) or a map (two).
func (c *cursor) container(count uint64, each int) {
	switch {
	case count > maxItems:
		panic("count")
	case c.depth == maxDepth:
		panic("depth")
	case int(count)*each > len(c.in)-c.at:
		panic("truncated")
	}
	c.depth++
	previous := int64(-1)
	for range count {
		if each == 2 {
			first := c.take(1)[0]
			if !isInteger(first) {
				panic("type")
			}
			key := int64(c.integer(first))
			if key == previous {
				panic("duplicate-key")
			}
			if key < previous {
				panic("key-order")
			}
			previous = key
		}
		c.item()
	}
	c.depth--
}
