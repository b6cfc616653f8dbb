package subject

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"

	"tacit.example/conformance/subjects/go/tacit"
)

// calls are the operations of vector files that stand alone, by name.
var calls = map[string]call{}

func register(more map[string]call) {
	for name, one := range more {
		calls[name] = one
	}
}

func out(b []byte) object { return object{"out": h(b)} }

func init() {
	register(map[string]call{
		"sha256": func(in Values) (any, error) { return out(tacit.Hash(in.bytes("data"))), nil },
		"sha512": func(in Values) (any, error) {
			sum := sha512.Sum512(in.bytes("data"))
			return out(sum[:]), nil
		},
		"hmac-sha256": func(in Values) (any, error) {
			return out(tacit.HMAC(in.bytes("key"), in.bytes("data"))), nil
		},
		"hkdf-sha256": func(in Values) (any, error) {
			return out(tacit.HKDF(in.bytes("salt"), in.bytes("ikm"), in.bytes("info"), hkdfLength(in))), nil
		},
		"hkdf-extract": func(in Values) (any, error) {
			prk, err := hkdf.Extract(sha256.New, in.bytes("ikm"), in.bytes("salt"))
			return out(prk), err
		},
		"hkdf-expand": func(in Values) (any, error) {
			okm, err := hkdf.Expand(sha256.New, in.bytes("prk"), string(in.bytes("info")), hkdfLength(in))
			return out(okm), err
		},
		"x25519-public": func(in Values) (any, error) { return out(tacit.X25519Public(in.sized("k", 32))), nil },
		"x25519":        x25519,
		"x25519-iterate": func(in Values) (any, error) {
			k, u := in.sized("k", 32), in.sized("u", 32)
			for range in.uint("count") {
				next, err := tacit.X25519(k, u)
				if err != nil {
					return nil, err
				}
				k, u = next, k
			}
			return out(k), nil
		},
		"ed25519-public": func(in Values) (any, error) { return out(tacit.Ed25519Public(in.sized("seed", 32))), nil },
		"ed25519-sign": func(in Values) (any, error) {
			return out(tacit.Ed25519Sign(in.sized("seed", 32), in.bytes("msg"))), nil
		},
		"ed25519-verify": func(in Values) (any, error) {
			if !tacit.Ed25519Verify(in.bytes("key"), in.bytes("msg"), in.bytes("sig")) {
				return nil, tacit.Refuse("auth.signature")
			}
			return out([]byte{1}), nil
		},
		"ml-kem-768-public": func(in Values) (any, error) { return out(tacit.KEMPublic(in.sized("seed", 64))), nil },
		"ml-kem-768-check": func(in Values) (any, error) {
			return out([]byte{1}), tacit.KEMCheck(in.bytes("ek"))
		},
		"ml-kem-768-encaps": func(in Values) (any, error) {
			ciphertext, secret, err := tacit.KEMEncapsulate(in.bytes("ek"), in.sized("coins", 32))
			return out(tacit.Concat(ciphertext, secret)), err
		},
		"ml-kem-768-decaps": func(in Values) (any, error) {
			secret, err := tacit.KEMDecapsulate(in.sized("seed", 64), in.bytes("ct"))
			return out(secret), err
		},
		"aead-seal": func(in Values) (any, error) {
			s := in.suite("suite")
			return out(s.Seal(in.sized("key", s.Key), in.sized("nonce", s.Nonce), in.bytes("ad"), in.bytes("plaintext"))), nil
		},
		"aead-open": func(in Values) (any, error) {
			s := in.suite("suite")
			plain, err := s.Open(in.sized("key", s.Key), in.sized("nonce", s.Nonce), in.bytes("ad"), in.bytes("sealed"))
			return out(plain), err
		},
		"aes-cbc-encrypt": func(in Values) (any, error) {
			return out(tacit.CBCEncrypt(in.sized("key", 32), in.sized("iv", 16), in.bytes("plaintext"))), nil
		},
		"aes-cbc-decrypt": func(in Values) (any, error) {
			plain, err := tacit.CBCDecrypt(in.sized("key", 32), in.sized("iv", 16), in.bytes("ciphertext"))
			return out(plain), err
		},
	})
}

func x25519(in Values) (any, error) {
	agreed, err := tacit.X25519(in.sized("k", 32), in.bytes("u"))
	return out(agreed), err
}

func hkdfLength(in Values) int {
	length := in.uint("len")
	if length < 1 || length > 8160 {
		panic(badRequest("len of HKDF output"))
	}
	return int(length)
}
