package tacit

import "math/bits"

// Padded is P(L) of section 3.4: 64 bytes at least, otherwise Padmé.
func Padded(length int) int {
	if length <= PaddingFloor {
		return PaddingFloor
	}
	exponent := bits.Len(uint(length)) - 1
	significant := bits.Len(uint(exponent))
	step := 1 << (exponent - significant)
	return (length + step - 1) / step * step
}

// Pad appends the marker and zeros [padding.layout.1].
func Pad(content []byte) []byte {
	out := make([]byte, Padded(len(content)+1))
	copy(out, content)
	out[len(content)] = 0x80
	return out
}

// Unpad finds the content, or refuses with decode.padding.
func Unpad(padded []byte) ([]byte, error) {
	end := len(padded)
	for end > 0 && padded[end-1] == 0 {
		end--
	}
	if end == 0 || padded[end-1] != 0x80 || Padded(end) != len(padded) {
		return nil, Refuse("decode.padding")
	}
	return padded[:end-1], nil
}
