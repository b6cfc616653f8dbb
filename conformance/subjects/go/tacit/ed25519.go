package tacit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"slices"
)

// Ed25519Public is the public key of a 32-byte seed.
func Ed25519Public(seed []byte) []byte {
	return slices.Clone(ed25519.NewKeyFromSeed(seed)[32:])
}

// Ed25519Sign gives the one signature of a seed and a message [crypto.ed25519.1].
func Ed25519Sign(seed, message []byte) []byte {
	return ed25519.Sign(ed25519.NewKeyFromSeed(seed), message)
}

// Ed25519Verify verifies in the strict reading of section 1.4. The library
// compares the encoding of [S]B − [k]A with R, so its equation is the
// cofactorless one; lengths, S, canonical encodings and small order are checked
// here, whatever the library does about them.
func Ed25519Verify(public, message, signature []byte) bool {
	if len(public) != 32 || len(signature) != 64 {
		return false
	}
	if !below(signature[32:], groupOrder) {
		return false
	}
	if !StrictPoint(public) || !StrictPoint(signature[:32]) {
		return false
	}
	return ed25519.Verify(public, message, signature)
}

// StrictPoint reports whether 32 bytes are a canonical encoding and not one of
// small order [crypto.ed25519.4, .5]. It does not ask for a point of the curve.
func StrictPoint(encoded []byte) bool {
	if len(encoded) != 32 {
		return false
	}
	y := slices.Clone(encoded)
	y[31] &= 0x7f
	if !below(y, fieldPrime) {
		return false
	}
	return !slices.ContainsFunc(smallOrder, func(small []byte) bool { return bytes.Equal(small, y) })
}

// below compares little-endian numbers of equal length; both are public.
func below(a, b []byte) bool {
	for i := len(a) - 1; i >= 0; i-- {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

var (
	groupOrder = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	fieldPrime = unhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
	smallOrder = [][]byte{
		unhex("0100000000000000000000000000000000000000000000000000000000000000"),
		unhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		unhex("0000000000000000000000000000000000000000000000000000000000000000"),
		unhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
		unhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
	}
)

func unhex(text string) []byte {
	out, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return out
}
