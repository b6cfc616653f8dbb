package tacit

import "crypto/ecdh"

// X25519Public is the public key of any 32-byte secret [crypto.x25519.1].
func X25519Public(secret []byte) []byte {
	key, err := ecdh.X25519().NewPrivateKey(secret)
	if err != nil {
		panic("tacit: X25519 secret of another length")
	}
	return key.PublicKey().Bytes()
}

// X25519 agrees, or refuses a result of zeros and keys of another length with
// auth.low-order [crypto.x25519.3, .4].
func X25519(secret, public []byte) ([]byte, error) {
	key, err := ecdh.X25519().NewPrivateKey(secret)
	if err != nil {
		panic("tacit: X25519 secret of another length")
	}
	peer, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, Refuse("auth.low-order")
	}
	agreed, err := key.ECDH(peer) // crypto/ecdh refuses an output of zeros
	if err != nil {
		return nil, Refuse("auth.low-order")
	}
	return agreed, nil
}

// LowOrder reports whether every agreement with the key is refused.
func LowOrder(public []byte) bool {
	_, err := X25519(make([]byte, 32), public)
	return err != nil
}
