package tacit

import "bytes"

// Agreed is what a key agreement gives [pqxdh.kdf.1]: 32 bytes each.
type Agreed struct{ Root, InitiatorHeader, ResponderHeader []byte }

// DeriveAgreed is the key derivation of PQXDH; dh4 is empty without a one-time
// prekey.
func DeriveAgreed(suite Suite, dh1, dh2, dh3, dh4, encapsulated []byte) Agreed {
	ikm := Concat(bytes.Repeat([]byte{0xff}, 32), dh1, dh2, dh3, dh4, encapsulated)
	out := HKDF(make([]byte, 32), ikm, Label("pqxdh", suite.ByteOf()), 96)
	return Agreed{out[:32], out[32:64], out[64:]}
}

// Transcript is what both sides of a session must see alike [pqxdh.ad.1].
type Transcript struct {
	Suite                                  uint64
	InitiatorAccount, ResponderAccount     []byte
	InitiatorDevice, ResponderDevice       []byte
	InitiatorAgreement, ResponderAgreement []byte
	Ephemeral                              []byte
	SignedID                               uint64
	Signed                                 []byte
	OneTimeID                              uint64
	OneTime                                []byte // empty for none
	KEMID                                  uint64
	KEM, KEMCiphertext                     []byte
}

// AssociatedData is the session's AD; its first 16 bytes are the session id.
func (t *Transcript) AssociatedData() []byte {
	return Hash(Label("session transcript", Encode([]any{
		t.Suite, t.InitiatorAccount, t.ResponderAccount, t.InitiatorDevice, t.ResponderDevice,
		t.InitiatorAgreement, t.ResponderAgreement, t.Ephemeral, t.SignedID, t.Signed,
		t.OneTimeID, t.OneTime, t.KEMID, t.KEM, t.KEMCiphertext,
	})))
}

// StartDigest names a session start [session.start.2].
func StartDigest(account, device, ephemeral, kemCiphertext []byte) []byte {
	return Hash(Label("session start id", account, device, ephemeral, kemCiphertext))[:16]
}

// agree computes the Diffie-Hellman values of a list of (secret, public) pairs.
func agree(pairs ...[2][]byte) ([][]byte, error) {
	out := make([][]byte, len(pairs))
	for i, pair := range pairs {
		agreed, err := X25519(pair[0], pair[1])
		if err != nil {
			return nil, err
		}
		out[i] = agreed
	}
	return out, nil
}
