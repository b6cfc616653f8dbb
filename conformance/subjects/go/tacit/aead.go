package tacit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"encoding/binary"

	"golang.org/x/crypto/chacha20poly1305"
)

// Suite is a row of the table of section 1.6: lengths in bytes.
type Suite struct{ ID, Key, Nonce, Tag int }

// SuiteOf finds a suite by its number.
func SuiteOf(id uint64) (Suite, bool) {
	switch id {
	case 1, 2:
		return Suite{int(id), 32, 12, 16}, true
	case 3:
		return Suite{3, 64, 16, 32}, true
	}
	return Suite{}, false
}

// ByteOf is the suite as the one byte that goes into derivations.
func (s Suite) ByteOf() []byte { return []byte{byte(s.ID)} }

// SealedHeader is the length of an encrypted header [ratchet.header.2].
func (s Suite) SealedHeader() int {
	if s.ID == 3 {
		return 80
	}
	return 56
}

// Seal is AEAD-seal: ciphertext ‖ tag [suite.aead.1].
func (s Suite) Seal(key, nonce, ad, plaintext []byte) []byte {
	s.check(key, nonce)
	if s.ID != 3 {
		return s.aead(key).Seal(nil, nonce, plaintext, ad)
	}
	ciphertext := CBCEncrypt(key[:32], nonce, plaintext)
	return append(ciphertext, cbcTag(key[32:], nonce, ad, ciphertext)...)
}

// Open is AEAD-open: the plaintext, or auth.tag without detail [suite.aead.2].
func (s Suite) Open(key, nonce, ad, sealed []byte) ([]byte, error) {
	s.check(key, nonce)
	if len(sealed) < s.Tag {
		return nil, Refuse("auth.tag")
	}
	if s.ID != 3 {
		plaintext, err := s.aead(key).Open(nil, nonce, sealed, ad)
		if err != nil {
			return nil, Refuse("auth.tag")
		}
		return plaintext, nil
	}
	ciphertext, tag := sealed[:len(sealed)-32], sealed[len(sealed)-32:]
	if !hmac.Equal(tag, cbcTag(key[32:], nonce, ad, ciphertext)) {
		return nil, Refuse("auth.tag")
	}
	return CBCDecrypt(key[:32], nonce, ciphertext)
}

func (s Suite) check(key, nonce []byte) {
	if len(key) != s.Key || len(nonce) != s.Nonce {
		panic("tacit: AEAD key or nonce of another length")
	}
}

func (s Suite) aead(key []byte) cipher.AEAD {
	if s.ID == 1 {
		aead, err := chacha20poly1305.New(key)
		if err != nil {
			panic(err)
		}
		return aead
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// cbcTag is the tag of suite 3 [suite.cbc.2].
func cbcTag(key, iv, ad, ciphertext []byte) []byte {
	bits := binary.BigEndian.AppendUint64(nil, 8*uint64(len(ad)))
	return HMAC(key, Concat(ad, iv, ciphertext, bits))
}

// CBCEncrypt is AES-256-CBC with PKCS#7 padding [suite.cbc.1].
func CBCEncrypt(key, iv, plaintext []byte) []byte {
	pad := 16 - len(plaintext)%16
	out := make([]byte, len(plaintext)+pad)
	copy(out, plaintext)
	for i := len(plaintext); i < len(out); i++ {
		out[i] = byte(pad)
	}
	cipher.NewCBCEncrypter(cbcBlock(key), iv).CryptBlocks(out, out)
	return out
}

// CBCDecrypt takes ciphertexts that were authenticated before; bad padding and
// lengths that are no blocks are auth.tag.
func CBCDecrypt(key, iv, ciphertext []byte) ([]byte, error) {
	if len(ciphertext) == 0 || len(ciphertext)%16 != 0 {
		return nil, Refuse("auth.tag")
	}
	out := make([]byte, len(ciphertext))
	cipher.NewCBCDecrypter(cbcBlock(key), iv).CryptBlocks(out, ciphertext)
	pad := int(out[len(out)-1])
	if pad < 1 || pad > 16 {
		return nil, Refuse("auth.tag")
	}
	for _, b := range out[len(out)-pad:] {
		if int(b) != pad {
			return nil, Refuse("auth.tag")
		}
	}
	return out[:len(out)-pad], nil
}

func cbcBlock(key []byte) cipher.Block {
	if len(key) != 32 {
		panic("tacit: AES-256 key of another length")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return block
}
