// The primitive operations of a derivation trace, on Go's standard library and golang.org/x/crypto.
//
// Spec: docs/spec/01-suites.md and 02-encoding.md; vectors/README.md lists the operations.
// It shares no code with the SDK or with the generator of the vectors.

package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

var errRefused = errors.New("refused")

// inputs holds the members of a step's "in": []byte, int, string, []any or map[string]any.
type inputs map[string]any

func (in inputs) b(name string) []byte { return in[name].([]byte) }
func (in inputs) n(name string) int    { return in[name].(int) }
func (in inputs) t(name string) string { return in[name].(string) }
func (in inputs) parts() []byte {
	var out []byte
	for _, part := range in["parts"].([]any) {
		out = append(out, part.([]byte)...)
	}
	return out
}

var flagSet = []byte{1}

// compute returns a step's output; errRefused when the operation refuses its input.
func compute(seed []byte, op string, in inputs) (out []byte, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%s: %v", op, problem)
		}
	}()
	switch op {
	case "coin":
		return coin(seed, in.t("actor"), in.t("label"), in.n("index"), in.n("len"))
	case "literal":
		return in.b("bytes"), nil
	case "utf8":
		return []byte(in.t("text")), nil
	case "be":
		return be(uint64(in.n("value")), in.n("len")), nil
	case "repeat":
		return bytes.Repeat(in.b("bytes"), in.n("count")), nil
	case "concat":
		return in.parts(), nil
	case "slice":
		return in.b("bytes")[in.n("from"):in.n("to")], nil
	case "xor":
		out = bytes.Clone(in.b("a"))
		for i, mask := range in.b("b") {
			out[i] ^= mask
		}
		return out, nil
	case "min", "max":
		a, b := in.b("a"), in.b("b")
		if (bytes.Compare(a, b) <= 0) == (op == "min") {
			return a, nil
		}
		return b, nil
	case "label":
		return append([]byte("tacit/1 "+in.t("purpose")+"\x00"), in.parts()...), nil
	case "canon":
		return encode(in["value"]), nil
	case "pad":
		return pad(in.b("content")), nil
	case "sha256":
		sum := sha256.Sum256(in.b("data"))
		return sum[:], nil
	case "sha512":
		sum := sha512.Sum512(in.b("data"))
		return sum[:], nil
	case "iterate-sha256":
		out = in.b("data")
		for range in.n("count") {
			sum := sha256.Sum256(bytes.Join([][]byte{in.b("head"), out, in.b("tail")}, nil))
			out = sum[:]
		}
		return out, nil
	case "decimal":
		return []byte(decimal(in.b("bytes"))), nil
	case "hmac-sha256":
		return mac(in.b("key"), in.b("data")), nil
	case "hmac-iterate":
		out = in.b("key")
		for range in.n("count") {
			out = mac(out, in.b("data"))
		}
		return out, nil
	case "argon2id":
		return argon2.IDKey(in.b("password"), in.b("salt"), uint32(in.n("passes")), uint32(in.n("memory")), uint8(in.n("lanes")), uint32(in.n("len"))), nil
	case "hkdf-extract":
		return hkdf.Extract(sha256.New, in.b("ikm"), in.b("salt"))
	case "hkdf-expand":
		return hkdf.Expand(sha256.New, in.b("prk"), string(in.b("info")), in.n("len"))
	case "hkdf-sha256":
		return hkdf.Key(sha256.New, in.b("ikm"), in.b("salt"), string(in.b("info")), in.n("len"))
	case "x25519-public":
		key, err := ecdh.X25519().NewPrivateKey(in.b("k"))
		if err != nil {
			return nil, err
		}
		return key.PublicKey().Bytes(), nil
	case "x25519":
		return x25519(in.b("k"), in.b("u"))
	case "x25519-iterate":
		k, u := in.b("k"), in.b("u")
		for range in.n("count") {
			next, err := x25519(k, u)
			if err != nil {
				return nil, err
			}
			k, u = next, k
		}
		return k, nil
	case "elligator2":
		return elligator2(in.b("field")), nil
	case "ed25519-public":
		return ed25519.NewKeyFromSeed(in.b("seed")).Public().(ed25519.PublicKey), nil
	case "ed25519-sign":
		return ed25519.Sign(ed25519.NewKeyFromSeed(in.b("seed")), in.b("msg")), nil
	case "ed25519-verify":
		return flag(strictVerify(in.b("key"), in.b("msg"), in.b("sig")))
	case "ml-kem-768-public":
		key, err := mlkem.NewDecapsulationKey768(in.b("seed"))
		if err != nil {
			return nil, err
		}
		return key.EncapsulationKey().Bytes(), nil
	case "ml-kem-768-check":
		_, err := mlkem.NewEncapsulationKey768(in.b("ek"))
		return flag(err == nil)
	case "ml-kem-768-encaps":
		key, err := mlkem.NewEncapsulationKey768(in.b("ek"))
		if err != nil {
			return nil, errRefused
		}
		secret, ciphertext, err := mlkemtest.Encapsulate768(key, in.b("coins"))
		return append(bytes.Clone(ciphertext), secret...), err
	case "ml-kem-768-decaps":
		key, err := mlkem.NewDecapsulationKey768(in.b("seed"))
		if err != nil {
			return nil, err
		}
		secret, err := key.Decapsulate(in.b("ct"))
		if err != nil {
			return nil, errRefused
		}
		return secret, nil
	case "aead-seal":
		return aeadSeal(in.n("suite"), in.b("key"), in.b("nonce"), in.b("ad"), in.b("plaintext"))
	case "aead-open":
		return aeadOpen(in.n("suite"), in.b("key"), in.b("nonce"), in.b("ad"), in.b("sealed"))
	case "aes-cbc-encrypt":
		return cbcEncrypt(in.b("key"), in.b("iv"), in.b("plaintext")), nil
	case "aes-cbc-decrypt":
		return cbcDecrypt(in.b("key"), in.b("iv"), in.b("ciphertext"))
	}
	return nil, fmt.Errorf("no operation %s", op)
}

func flag(ok bool) ([]byte, error) {
	if ok {
		return flagSet, nil
	}
	return nil, errRefused
}

func be(value uint64, length int) []byte {
	var out [8]byte
	binary.BigEndian.PutUint64(out[:], value)
	return out[8-length:]
}

func mac(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}

// coin is the labelled randomness of conformance runs.
func coin(seed []byte, actor, label string, index, length int) ([]byte, error) {
	info := []byte("kit-coin-v1")
	for _, text := range []string{actor, label} {
		info = append(append(info, be(uint64(len(text)), 2)...), text...)
	}
	return hkdf.Expand(sha512.New, seed, string(append(info, be(uint64(index), 4)...)), length)
}

func x25519(k, u []byte) ([]byte, error) {
	key, err := ecdh.X25519().NewPrivateKey(k)
	if err != nil {
		return nil, err
	}
	peer, err := ecdh.X25519().NewPublicKey(u)
	if err != nil {
		return nil, errRefused
	}
	out, err := key.ECDH(peer)
	if err != nil { // the all-zero output
		return nil, errRefused
	}
	return out, nil
}

// smallOrder lists y of the small-order points, canonical and not, sign bit cleared.
var smallOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

// lenientVerify is the equation alone, which crypto/ed25519 computes without a look at
// the order of the points.
func lenientVerify(in inputs) bool {
	return ed25519.Verify(in.b("key"), in.b("msg"), in.b("sig"))
}

// strictVerify refuses small-order and non-canonical points before the cofactorless equation of crypto/ed25519, which
// itself refuses S of L and more.
func strictVerify(key, message, signature []byte) bool {
	if len(key) != ed25519.PublicKeySize || len(signature) != ed25519.SignatureSize {
		return false
	}
	for _, point := range [][]byte{key, signature[:32]} {
		y := bytes.Clone(point)
		y[31] &= 0x7f
		for _, small := range smallOrder {
			if hex.EncodeToString(y) == small {
				return false
			}
		}
		if y[31] == 0x7f && bytes.Count(y[1:31], []byte{0xff}) == 30 && y[0] >= 0xed {
			return false
		}
	}
	return ed25519.Verify(key, message, signature)
}

func aead(suite int, key []byte) (cipher.AEAD, error) {
	if suite == 1 {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func cbcTag(key, iv, ad, ciphertext []byte) []byte {
	return mac(key[32:], bytes.Join([][]byte{ad, iv, ciphertext, be(uint64(len(ad)*8), 8)}, nil))
}

func aeadSeal(suite int, key, nonce, ad, plaintext []byte) ([]byte, error) {
	if suite == 3 {
		ciphertext := cbcEncrypt(key[:32], nonce, plaintext)
		return append(ciphertext, cbcTag(key, nonce, ad, ciphertext)...), nil
	}
	box, err := aead(suite, key)
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, nonce, plaintext, ad), nil
}

func aeadOpen(suite int, key, nonce, ad, sealed []byte) ([]byte, error) {
	if suite == 3 {
		split := len(sealed) - 32
		if split < 0 || !hmac.Equal(cbcTag(key, nonce, ad, sealed[:split]), sealed[split:]) {
			return nil, errRefused
		}
		return cbcDecrypt(key[:32], nonce, sealed[:split])
	}
	box, err := aead(suite, key)
	if err != nil {
		return nil, err
	}
	plaintext, err := box.Open(nil, nonce, sealed, ad)
	if err != nil {
		return nil, errRefused
	}
	return plaintext, nil
}

func cbcEncrypt(key, iv, plaintext []byte) []byte {
	fill := 16 - len(plaintext)%16
	out := append(bytes.Clone(plaintext), bytes.Repeat([]byte{byte(fill)}, fill)...)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	return out
}

func cbcDecrypt(key, iv, ciphertext []byte) ([]byte, error) {
	if len(ciphertext) == 0 || len(ciphertext)%16 != 0 {
		return nil, errRefused
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(ciphertext))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, ciphertext)
	fill := int(out[len(out)-1])
	if fill < 1 || fill > 16 || !bytes.Equal(out[len(out)-fill:], bytes.Repeat([]byte{byte(fill)}, fill)) {
		return nil, errRefused
	}
	return out[:len(out)-fill], nil
}

// pad is rules padding.layout.1 and padding.length.1.
func pad(content []byte) []byte {
	length := len(content) + 1
	total := 64
	if length > 64 {
		e := bits.Len(uint(length)) - 1
		unit := 1 << (e - bits.Len(uint(e)))
		total = (length + unit - 1) / unit * unit
	}
	out := make([]byte, total)
	copy(out, content)
	out[len(content)] = 0x80
	return out
}

// encode is the canonical encoding of a value in the form the trace writes it.
func encode(value any) []byte {
	head := func(length int, short, limit int, first8 byte, forms ...byte) []byte {
		switch {
		case length <= limit:
			return []byte{byte(short + length)}
		case first8 != 0 && length <= 0xff:
			return []byte{first8, byte(length)}
		case length <= 0xffff:
			return append([]byte{forms[0]}, be(uint64(length), 2)...)
		case length <= 0xffffffff:
			return append([]byte{forms[1]}, be(uint64(length), 4)...)
		}
		return append([]byte{forms[2]}, be(uint64(length), 8)...)
	}
	switch v := value.(type) {
	case int:
		return head(v, 0, 0x7f, 0xcc, 0xcd, 0xce, 0xcf)
	case []byte:
		return append(head(len(v), 0, -1, 0xc4, 0xc5, 0xc6), v...)
	case []any:
		out := head(len(v), 0x90, 15, 0, 0xdc, 0xdd)
		for _, item := range v {
			out = append(out, encode(item)...)
		}
		return out
	case map[string]any:
		if text, ok := v["text"].(string); ok {
			return append(head(len(text), 0xa0, 31, 0xd9, 0xda, 0xdb), text...)
		}
		if raw, ok := v["raw"].([]byte); ok {
			return raw
		}
		entries := v["map"].([]any)
		out := head(len(entries), 0x80, 15, 0, 0xde, 0xdf)
		for _, entry := range entries {
			pair := entry.([]any)
			out = append(append(out, encode(pair[0])...), encode(pair[1])...)
		}
		return out
	}
	panic("not a value of the encoding")
}
