// RSA written out, so that every intermediate value of a vector can be published: no randomness but what is given.
package main

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
)

// coins are bytes out of a label: SHA-256 of text and counter, one block after the other.
func coins(label string, length int) []byte {
	var out []byte
	for i := uint32(0); len(out) < length; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte("tacit nes vectors 1\x00"+label+"\x00"), i))
		out = append(out, sum[:]...)
	}
	return out[:length]
}

func fixed(n *big.Int, length int) []byte { return n.FillBytes(make([]byte, length)) }

func rawPublic(key *rsa.PublicKey, encoded []byte) []byte {
	m := new(big.Int).SetBytes(encoded)
	return fixed(m.Exp(m, big.NewInt(int64(key.E)), key.N), key.Size())
}

func rawPrivate(key *rsa.PrivateKey, encoded []byte) []byte {
	m := new(big.Int).SetBytes(encoded)
	return fixed(m.Exp(m, key.D, key.N), key.Size())
}

// encodePKCS1 is EME-PKCS1-v1_5 of RFC 8017, section 7.2.1, with a padding out of coins.
func encodePKCS1(size int, data []byte, label string) []byte {
	padding := coins(label, size-3-len(data))
	for i, b := range padding {
		if b == 0 {
			padding[i] = 0x5a
		}
	}
	return append(append(append([]byte{0, 2}, padding...), 0), data...)
}

func mgf1(seed []byte, length int) []byte {
	var out []byte
	for i := uint32(0); len(out) < length; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(append([]byte{}, seed...), i))
		out = append(out, sum[:]...)
	}
	return out[:length]
}

// encodePSS is EMSA-PSS of RFC 8017, section 9.1.1, for a modulus of whole bytes.
func encodePSS(size int, data, salt []byte) []byte {
	hashed := sha256.Sum256(append(append(make([]byte, 8), sha(data)...), salt...))
	db := make([]byte, size-33)
	db[len(db)-len(salt)-1] = 1
	copy(db[len(db)-len(salt):], salt)
	for i, b := range mgf1(hashed[:], len(db)) {
		db[i] ^= b
	}
	db[0] &= 0x7f
	return append(append(db, hashed[:]...), 0xbc)
}
