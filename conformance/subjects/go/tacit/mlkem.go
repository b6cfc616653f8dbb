package tacit

import (
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
)

// KEMPublic is the encapsulation key, 1,184 bytes, of a seed of 64 bytes.
func KEMPublic(seed []byte) []byte {
	return decapsulationKey(seed).EncapsulationKey().Bytes()
}

// KEMCheck refuses another length and a coefficient of q or more [crypto.mlkem.3].
func KEMCheck(key []byte) error {
	if _, err := mlkem.NewEncapsulationKey768(key); err != nil {
		return Refuse("auth.prekey")
	}
	return nil
}

// KEMEncapsulate gives ciphertext (1,088) and secret (32) from 32 bytes of coins.
func KEMEncapsulate(key, coins []byte) (ciphertext, secret []byte, err error) {
	ek, err := mlkem.NewEncapsulationKey768(key)
	if err != nil {
		return nil, nil, Refuse("auth.prekey")
	}
	secret, ciphertext, err = mlkemtest.Encapsulate768(ek, coins)
	if err != nil {
		panic(err) // coins of another length
	}
	return ciphertext, secret, nil
}

// KEMDecapsulate gives the secret, or implicitly another one; only a ciphertext
// of another length is refused [crypto.mlkem.4].
func KEMDecapsulate(seed, ciphertext []byte) ([]byte, error) {
	secret, err := decapsulationKey(seed).Decapsulate(ciphertext)
	if err != nil {
		return nil, Refuse("auth.prekey")
	}
	return secret, nil
}

func decapsulationKey(seed []byte) *mlkem.DecapsulationKey768 {
	key, err := mlkem.NewDecapsulationKey768(seed)
	if err != nil {
		panic("tacit: ML-KEM seed of another length")
	}
	return key
}
