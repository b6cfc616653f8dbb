package tacit

// Start is the plaintext of a sealed session start [sealed.start.1].
type Start struct {
	Suite           uint64
	Certificate     []byte
	ManifestVersion uint64
	Mailbox         []byte // where answers go
	Ephemeral       []byte // EK
	SignedID        uint64
	OneTimeID       uint64 // 0 for none
	KEMOneTime      bool
	KEMID           uint64
	KEMCiphertext   []byte
	Message         []byte
	User            *string
	Rank            *uint64
	Unknown         []Unknown
}

var (
	sealedLayout = lTuple(
		LayoutField{"suite", lUint(0, MaxUint)},
		LayoutField{"ephemeral", lBytes(32, 32)},
		LayoutField{"box", lBytes(0, MaxEnvelope)},
	)
	startLayout = lTuple(
		LayoutField{"suite", lUint(0, MaxUint)},
		LayoutField{"certificate", lBytes(0, MaxCertificate)},
		LayoutField{"manifestVersion", lUint(1, MaxUint)},
		LayoutField{"mailbox", lBytes(16, 16)},
		LayoutField{"ephemeral", lBytes(32, 32)},
		LayoutField{"signedPrekeyId", lUint(1, MaxUint)},
		LayoutField{"oneTimePrekeyId", lUint(0, MaxUint)},
		LayoutField{"kemOneTime", lUint(0, 1)},
		LayoutField{"kemPrekeyId", lUint(1, MaxUint)},
		LayoutField{"kemCiphertext", lBytes(1088, 1088)},
		LayoutField{"message", lBytes(0, MaxEnvelope)},
		LayoutField{"extensions", lExtensions(
			LayoutElement{"user", 1, lText(0, MaxUserName)},
			LayoutElement{"rank", 3, lUint(0, MaxSessionRank)},
		)},
	)
)

// sealedKeys derives key and nonce of the box [sealed.key.1].
func sealedKeys(suite Suite, ephemeral, recipient, shared []byte) (key, nonce []byte) {
	out := HKDF(Concat(ephemeral, recipient), shared, Label("sealed sender", suite.ByteOf()), suite.Key+suite.Nonce)
	return out[:suite.Key], out[suite.Key:]
}

// SealStart seals an encoded start to an agreement key; the body of kind 1.
func SealStart(suite Suite, ephemeralSecret, recipient, prefix, start []byte) ([]byte, error) {
	shared, err := X25519(ephemeralSecret, recipient)
	if err != nil {
		return nil, err
	}
	ephemeral := X25519Public(ephemeralSecret)
	key, nonce := sealedKeys(suite, ephemeral, recipient, shared)
	box := suite.Seal(key, nonce, Concat(prefix, suite.ByteOf(), ephemeral), start)
	return Encode([]any{suite.ID, ephemeral, box}), nil
}

// OpenStart opens a body of kind 1 with the agreement secret. accepts tells which
// suites the device takes, nil for all. It gives the start's bytes and its parts.
func OpenStart(secret, prefix, body []byte, accepts func(suite uint64) bool) (Suite, []byte, *Start, error) {
	none := Suite{}
	record, err := sealedLayout.Read(body)
	if err != nil {
		return none, nil, nil, err
	}
	suite, ok := SuiteOf(record.Uint("suite"))
	if !ok || accepts != nil && !accepts(record.Uint("suite")) {
		return none, nil, nil, Refuse("policy.suite")
	}
	ephemeral := record.Bytes("ephemeral")
	shared, err := X25519(secret, ephemeral)
	if err != nil {
		return none, nil, nil, err
	}
	key, nonce := sealedKeys(suite, ephemeral, X25519Public(secret), shared)
	plain, err := suite.Open(key, nonce, Concat(prefix, suite.ByteOf(), ephemeral), record.Bytes("box"))
	if err != nil {
		return none, nil, nil, err
	}
	start, err := DecodeStart(plain)
	if err != nil {
		return none, nil, nil, err
	}
	if start.Suite != uint64(suite.ID) {
		return none, nil, nil, Refuse("policy.suite")
	}
	return suite, plain, start, nil
}

// DecodeStart reads the plaintext of a box.
func DecodeStart(in []byte) (*Start, error) {
	r, err := startLayout.Read(in)
	if err != nil {
		return nil, err
	}
	s := &Start{
		Suite:           r.Uint("suite"),
		Certificate:     r.Bytes("certificate"),
		ManifestVersion: r.Uint("manifestVersion"),
		Mailbox:         r.Bytes("mailbox"),
		Ephemeral:       r.Bytes("ephemeral"),
		SignedID:        r.Uint("signedPrekeyId"),
		OneTimeID:       r.Uint("oneTimePrekeyId"),
		KEMOneTime:      r.Uint("kemOneTime") == 1,
		KEMID:           r.Uint("kemPrekeyId"),
		KEMCiphertext:   r.Bytes("kemCiphertext"),
		Message:         r.Bytes("message"),
	}
	slot := r.Record("extensions")
	s.Unknown = slot["unknown"].([]Unknown)
	if user, ok := slot["user"].(string); ok {
		s.User = &user
	}
	if rank, ok := slot["rank"].(uint64); ok {
		s.Rank = &rank
	}
	return s, nil
}

// Encode gives the start as it goes into the box.
func (s *Start) Encode() []byte {
	kind, slot := 0, []Pair{}
	if s.KEMOneTime {
		kind = 1
	}
	if s.User != nil {
		slot = append(slot, Pair{1, *s.User})
	}
	if s.Rank != nil {
		slot = append(slot, Pair{3, *s.Rank})
	}
	return Encode([]any{s.Suite, s.Certificate, s.ManifestVersion, s.Mailbox, s.Ephemeral,
		s.SignedID, s.OneTimeID, kind, s.KEMID, s.KEMCiphertext, s.Message, slot})
}
