package tacit

import "bytes"

// Bundle is what a device publishes for those who begin a session with it.
type Bundle struct {
	RawCertificate  []byte
	Certificate     *Certificate
	Mailbox         []byte
	SignedID        uint64
	Signed          []byte // X25519, 32 bytes
	SignedSignature []byte
	KEMID           uint64
	KEMOneTime      bool
	KEM             []byte // 1,184 bytes
	KEMSignature    []byte
	OneTimeID       uint64 // 0 for none
	OneTime         []byte // empty for none
	Suites          []uint64
}

var bundleLayout = lTuple(
	LayoutField{"format", lLiteral(1)},
	LayoutField{"certificate", lBytes(1, MaxCertificate)},
	LayoutField{"mailbox", lBytes(16, 16)},
	LayoutField{"signed", lTuple(
		LayoutField{"id", lUint(1, MaxUint)},
		LayoutField{"key", lBytes(32, 32)},
		LayoutField{"signature", lBytes(64, 64)},
	)},
	LayoutField{"kem", lTuple(
		LayoutField{"id", lUint(1, MaxUint)},
		LayoutField{"oneTime", lUint(0, 1)},
		LayoutField{"key", lBytes(1184, 1184)},
		LayoutField{"signature", lBytes(64, 64)},
	)},
	LayoutField{"oneTime", &Layout{Kind: "optional", Item: lTuple(
		LayoutField{"id", lUint(1, MaxUint)},
		LayoutField{"key", lBytes(32, 32)},
	)}},
	LayoutField{"suites", lList(1, MaxSuites, lUint(1, MaxUint))},
)

// PrekeySigned is what a prekey signature covers; purpose is the label's.
func PrekeySigned(purpose string, id uint64, key []byte) []byte {
	return Label(purpose, Encode([]any{id, key}))
}

// Purposes of prekey signatures [prekey.sign.1].
const (
	PurposeSigned     = "signed prekey"
	PurposeOneTimeKEM = "one-time KEM prekey"
	PurposeLastKEM    = "last-resort KEM prekey"
)

// CheckBundle decodes and verifies the bundle of a device of the account one
// means to reach, in the order of 5.1.
func CheckBundle(in, account []byte) (*Bundle, error) {
	record, err := bundleLayout.Read(in)
	if err != nil {
		return nil, err
	}
	signed, kem := record.Record("signed"), record.Record("kem")
	b := &Bundle{
		RawCertificate:  record.Bytes("certificate"),
		Mailbox:         record.Bytes("mailbox"),
		SignedID:        signed.Uint("id"),
		Signed:          signed.Bytes("key"),
		SignedSignature: signed.Bytes("signature"),
		KEMID:           kem.Uint("id"),
		KEMOneTime:      kem.Uint("oneTime") == 1,
		KEM:             kem.Bytes("key"),
		KEMSignature:    kem.Bytes("signature"),
		OneTime:         []byte{},
	}
	for _, one := range record.List("oneTime") {
		b.OneTimeID, b.OneTime = one.(Record).Uint("id"), one.(Record).Bytes("key")
	}
	for _, suite := range record.List("suites") {
		b.Suites = append(b.Suites, suite.(uint64))
	}
	for i := 1; i < len(b.Suites); i++ {
		if b.Suites[i-1] >= b.Suites[i] {
			return nil, Refuse("decode.noncanonical")
		}
	}
	if b.Certificate, err = VerifyCertificate(b.RawCertificate); err != nil {
		return nil, err
	}
	if !bytes.Equal(b.Certificate.Account, account) {
		return nil, Refuse("auth.account")
	}
	return b, b.checkPrekeys()
}

func (b *Bundle) checkPrekeys() error {
	purpose := PurposeLastKEM
	if b.KEMOneTime {
		purpose = PurposeOneTimeKEM
	}
	device := b.Certificate.Device
	if !Ed25519Verify(device, PrekeySigned(PurposeSigned, b.SignedID, b.Signed), b.SignedSignature) ||
		!Ed25519Verify(device, PrekeySigned(purpose, b.KEMID, b.KEM), b.KEMSignature) ||
		LowOrder(b.Signed) || b.OneTimeID > 0 && LowOrder(b.OneTime) || KEMCheck(b.KEM) != nil {
		return Refuse("auth.prekey")
	}
	return nil
}

// Belongs checks a verified bundle against the device asked for and the newest
// known manifest [prekey.check.2].
func (b *Bundle) Belongs(device []byte, m *Manifest) error {
	c := b.Certificate
	listed := m.Listed(c.Device)
	if !bytes.Equal(c.Device, device) || listed == nil || !bytes.Equal(listed.Agreement, c.Agreement) ||
		listed.Role == RoleReplica || c.Role == RoleReplica {
		return Refuse("auth.account")
	}
	return nil
}

// Encode gives the bundle as it is published; signatures are as they stand.
func (b *Bundle) Encode() []byte {
	kind, oneTime, suites := 0, []any{}, []any{}
	if b.KEMOneTime {
		kind = 1
	}
	if b.OneTimeID > 0 {
		oneTime = append(oneTime, []any{b.OneTimeID, b.OneTime})
	}
	for _, suite := range b.Suites {
		suites = append(suites, suite)
	}
	return Encode([]any{1, b.RawCertificate, b.Mailbox,
		[]any{b.SignedID, b.Signed, b.SignedSignature},
		[]any{b.KEMID, kind, b.KEM, b.KEMSignature}, oneTime, suites})
}

// ChooseSuite takes the first of one's own preference that the bundle lists.
func (b *Bundle) ChooseSuite(preference []uint64) (Suite, error) {
	for _, own := range preference {
		for _, theirs := range b.Suites {
			if own == theirs {
				if suite, ok := SuiteOf(own); ok {
					return suite, nil
				}
			}
		}
	}
	return Suite{}, Refuse("policy.suite")
}
