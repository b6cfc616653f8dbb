package tacit

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
)

// Hash is SHA-256 [crypto.hash.1].
func Hash(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

// HMAC is HMAC-SHA-256, 32 bytes [crypto.hmac.1].
func HMAC(key, data []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return mac.Sum(nil)
}

// HKDF is extract then expand with SHA-256, 1 to 8,160 bytes [crypto.hkdf.1].
func HKDF(salt, ikm, info []byte, length int) []byte {
	if length < 1 || length > 8160 {
		panic("tacit: length of HKDF output")
	}
	out, err := hkdf.Key(sha256.New, ikm, salt, string(info), length)
	if err != nil {
		panic(err)
	}
	return out
}

// Label is L(purpose, x, …): label ‖ 0x00 ‖ x ‖ … [crypto.label.2].
func Label(purpose string, parts ...[]byte) []byte {
	return Concat(append([][]byte{[]byte("tacit/1 " + purpose + "\x00")}, parts...)...)
}

// Concat joins into fresh memory.
func Concat(parts ...[]byte) []byte {
	out := []byte{}
	for _, part := range parts {
		out = append(out, part...)
	}
	return out
}
