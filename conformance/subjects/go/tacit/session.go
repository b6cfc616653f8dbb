package tacit

import (
	"bytes"
	"encoding/hex"
)

// Self is the own side of sessions: one device.
type Self struct {
	Account, Device []byte
	Agreement       []byte // secret
	Certificate     []byte
	ManifestVersion uint64
	Mailbox         []byte
	Suites          []uint64 // accepted
	User            string   // claimed in starts; empty for none
}

// Secret is a stored prekey: an X25519 secret or an ML-KEM seed.
type Secret struct {
	Key     []byte
	Created uint64 // ms
	Retired uint64 // ms, 0 while it is published
}

// Prekeys are the secret prekeys left, by id, and the highest ids ever given out
// of the kinds that are used once.
type Prekeys struct {
	Signed, OneTime, KEMLast, KEMOneTime map[uint64]Secret
	LastOneTime, LastKEMOneTime          uint64
}

// NewPrekeys has none.
func NewPrekeys() Prekeys {
	return Prekeys{map[uint64]Secret{}, map[uint64]Secret{}, map[uint64]Secret{}, map[uint64]Secret{}, 0, 0}
}

// Session is a record of section 8.1.
type Session struct {
	ID        []byte // 16 bytes
	Peer      *Certificate
	Initiator bool
	Rank      uint64
	Mailbox   []byte // named where the session began; answers go there
	Digest    []byte
	Signed    uint64 // id of the responder's signed prekey
	Ratchet   *Ratchet
	Start     *Start // what to repeat until the first message was received
	Starts    int    // sealed before an answer
}

// Begin is the initiator's side: bundle checked, keys agreed. ephemeral, coins
// and ratchet are fresh, 32 bytes each.
func (self *Self) Begin(b *Bundle, preference []uint64, rank uint64, ephemeral, coins, ratchet []byte) (*Session, error) {
	peer := b.Certificate
	if bytes.Equal(peer.Device, self.Device) {
		return nil, Refuse("auth.reflected")
	}
	suite, err := b.ChooseSuite(preference)
	if err != nil {
		return nil, err
	}
	pairs := [][2][]byte{{self.Agreement, b.Signed}, {ephemeral, peer.Agreement}, {ephemeral, b.Signed}}
	if b.OneTimeID > 0 {
		pairs = append(pairs, [2][]byte{ephemeral, b.OneTime})
	}
	dh, err := agree(pairs...)
	if err != nil {
		return nil, err
	}
	ciphertext, encapsulated, err := KEMEncapsulate(b.KEM, coins)
	if err != nil {
		return nil, err
	}
	agreed := DeriveAgreed(suite, dh[0], dh[1], dh[2], Concat(dh[3:]...), encapsulated)
	public := X25519Public(ephemeral)
	transcript := Transcript{
		Suite:            uint64(suite.ID),
		InitiatorAccount: self.Account, ResponderAccount: peer.Account,
		InitiatorDevice: self.Device, ResponderDevice: peer.Device,
		InitiatorAgreement: X25519Public(self.Agreement), ResponderAgreement: peer.Agreement,
		Ephemeral: public, SignedID: b.SignedID, Signed: b.Signed,
		OneTimeID: b.OneTimeID, OneTime: b.OneTime,
		KEMID: b.KEMID, KEM: b.KEM, KEMCiphertext: ciphertext,
	}
	ad := transcript.AssociatedData()
	state, err := Initiate(suite, ad, agreed, ratchet, b.Signed)
	if err != nil {
		return nil, err
	}
	start := &Start{
		Suite: uint64(suite.ID), Certificate: self.Certificate, ManifestVersion: self.ManifestVersion,
		Mailbox: self.Mailbox, Ephemeral: public, SignedID: b.SignedID, OneTimeID: b.OneTimeID,
		KEMOneTime: b.KEMOneTime, KEMID: b.KEMID, KEMCiphertext: ciphertext, Rank: &rank,
	}
	if self.User != "" {
		start.User = &self.User
	}
	return &Session{
		ID: ad[:16], Peer: peer,
		Initiator: true, Rank: rank, Mailbox: b.Mailbox, Ratchet: state, Start: start,
		Digest: StartDigest(self.Account, self.Device, public, ciphertext), Signed: b.SignedID,
	}, nil
}

// Seal seals content to a mailbox. While Start stands the envelope is a session
// start and sealing gives its fresh ephemeral secret [session.start.1].
func (s *Session) Seal(to, content, nonce []byte, sealing func() []byte) (*Session, []byte, error) {
	kind := uint64(KindMessage)
	if s.Start != nil {
		kind = KindStart
		if s.Starts >= MaxUnansweredStarts {
			return nil, nil, Refuse("limit.unanswered")
		}
	}
	prefix := Prefix(kind, to)
	state, message, err := s.Ratchet.Seal(prefix, Pad(content), nonce)
	if err != nil {
		return nil, nil, err
	}
	next := *s
	next.Ratchet = state
	body := message
	if s.Start != nil {
		next.Starts++
		start := *s.Start
		start.Message = message
		if body, err = SealStart(state.suite(), sealing(), s.Peer.Agreement, prefix, start.Encode()); err != nil {
			return nil, nil, err
		}
	}
	envelope, err := (&Envelope{kind, to, body}).Encode()
	return &next, envelope, err
}

// Endpoint is a device's sessions and prekeys: what receiving needs.
type Endpoint struct {
	Self     Self
	Prekeys  Prekeys
	Sessions map[string]*Session // by id in hexadecimal
	Seen     map[string]uint64   // digests of starts that opened, with their signed prekey
}

// Opened is an envelope that opened; nothing is kept until Keep.
type Opened struct {
	Session     *Session // next state
	Start       *Start   // of a session start
	Certificate *Certificate
	Began       bool // the session is a new one
	Content     *Content
	Plain       []byte // content's bytes
	Late        bool   // opened with a skipped key
}

// Receive opens an envelope. admit is asked about a start whose certificate
// verified, before any prekey is looked at; it may be nil.
func (e *Endpoint) Receive(in []byte, now uint64, fresh func() []byte, admit func(*Certificate, *Start) error) (*Opened, error) {
	envelope, err := DecodeEnvelope(in)
	if err != nil {
		return nil, err
	}
	if envelope.Kind != KindStart && envelope.Kind != KindMessage {
		return nil, Refuse("envelope.kind")
	}
	if !bytes.Equal(envelope.To, e.Self.Mailbox) {
		return nil, Refuse("envelope.mailbox")
	}
	prefix := Prefix(envelope.Kind, envelope.To)
	if envelope.Kind == KindStart {
		return e.receiveStart(prefix, envelope.Body, now, fresh, admit)
	}
	if len(envelope.Body) < 16+12+56+16 {
		return nil, Refuse("decode.truncated") // shorter than any suite's
	}
	for _, session := range e.Sessions {
		if session.Ratchet.Knows(envelope.Body[:16]) {
			return e.open(session, prefix, envelope.Body, now, fresh)
		}
	}
	return nil, Refuse("lookup.no-session")
}

// Sender finds out who sent an envelope that did not open, with the digest a retry
// request names it by; nil when nothing tells. Of a start the sender is what its
// certificate claims.
func (e *Endpoint) Sender(in []byte) (sender *Certificate, digest []byte, start bool) {
	envelope, err := DecodeEnvelope(in)
	if err != nil {
		return nil, nil, false
	}
	digest = EnvelopeDigest(envelope.Body)
	if envelope.Kind == KindStart {
		_, _, opened, err := OpenStart(e.Self.Agreement, Prefix(KindStart, envelope.To), envelope.Body, e.accepts)
		if err != nil {
			return nil, nil, false
		}
		certificate, err := VerifyCertificate(opened.Certificate)
		if err != nil {
			return nil, nil, false
		}
		return certificate, digest, true
	}
	for _, session := range e.Sessions {
		if len(envelope.Body) >= 16 && session.Ratchet.Knows(envelope.Body[:16]) {
			return session.Peer, digest, false
		}
	}
	return nil, nil, false
}

func (e *Endpoint) open(s *Session, prefix, message []byte, now uint64, fresh func() []byte) (*Opened, error) {
	opening, err := s.Ratchet.Open(prefix, message, now, fresh)
	if err != nil {
		return nil, err
	}
	plain, err := Unpad(opening.Padded)
	if err != nil {
		return nil, err
	}
	content, err := DecodeContent(plain, DirectConversation(e.Self.Account, s.Peer.Account))
	if err != nil {
		return nil, err
	}
	next := *s
	next.Ratchet, next.Start = opening.Next, nil
	return &Opened{Session: &next, Content: content, Plain: plain, Late: opening.Late}, nil
}

func (e *Endpoint) accepts(suite uint64) bool {
	for _, own := range e.Self.Suites {
		if own == suite {
			return true
		}
	}
	return false
}

func (e *Endpoint) receiveStart(prefix, body []byte, now uint64, fresh func() []byte, admit func(*Certificate, *Start) error) (*Opened, error) {
	suite, _, start, err := OpenStart(e.Self.Agreement, prefix, body, e.accepts)
	if err != nil {
		return nil, err
	}
	certificate, err := VerifyCertificate(start.Certificate)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(certificate.Device, e.Self.Device) {
		return nil, Refuse("auth.reflected")
	}
	if admit != nil {
		if err := admit(certificate, start); err != nil {
			return nil, err
		}
	}
	digest := StartDigest(certificate.Account, certificate.Device, start.Ephemeral, start.KEMCiphertext)
	opened, err := e.openStart(suite, prefix, digest, start, certificate, now, fresh)
	if err != nil {
		return nil, err
	}
	opened.Start, opened.Certificate = start, certificate
	return opened, nil
}

func (e *Endpoint) openStart(suite Suite, prefix, digest []byte, start *Start, c *Certificate, now uint64, fresh func() []byte) (*Opened, error) {
	for _, session := range e.Sessions {
		if !session.Initiator && bytes.Equal(session.Digest, digest) {
			return replaces(e.open(session, prefix, start.Message, now, fresh))("lookup.no-session", "fresh.replayed-start")
		}
	}
	if _, seen := e.Seen[hex.EncodeToString(digest)]; seen {
		return nil, Refuse("fresh.replayed-start")
	}
	session, err := e.respond(suite, digest, start, c)
	if err != nil {
		return nil, err
	}
	opened, err := replaces(e.open(session, prefix, start.Message, now, fresh))("lookup.no-session", "auth.tag")
	if err != nil {
		return nil, err
	}
	opened.Began = true
	return opened, nil
}

// replaces answers one cause for another.
func replaces(opened *Opened, err error) func(cause, by string) (*Opened, error) {
	return func(cause, by string) (*Opened, error) {
		if refusal, ok := err.(*Refusal); ok && refusal.Class == cause {
			return nil, Refuse(by)
		}
		return opened, err
	}
}

// respond is the responder's side of the agreement.
func (e *Endpoint) respond(suite Suite, digest []byte, start *Start, c *Certificate) (*Session, error) {
	signed, ok := e.Prekeys.Signed[start.SignedID]
	if !ok {
		return nil, Refuse("lookup.prekey-unknown")
	}
	pairs := [][2][]byte{{signed.Key, c.Agreement}, {e.Self.Agreement, start.Ephemeral}, {signed.Key, start.Ephemeral}}
	oneTimePublic := []byte{}
	if start.OneTimeID > 0 {
		oneTime, err := used(e.Prekeys.OneTime, start.OneTimeID, e.Prekeys.LastOneTime)
		if err != nil {
			return nil, err
		}
		oneTimePublic = X25519Public(oneTime.Key)
		pairs = append(pairs, [2][]byte{oneTime.Key, start.Ephemeral})
	}
	kem, ok := e.Prekeys.KEMLast[start.KEMID]
	if start.KEMOneTime {
		var err error
		if kem, err = used(e.Prekeys.KEMOneTime, start.KEMID, e.Prekeys.LastKEMOneTime); err != nil {
			return nil, err
		}
	} else if !ok {
		return nil, Refuse("lookup.prekey-unknown")
	}
	dh, err := agree(pairs...)
	if err != nil {
		return nil, err
	}
	encapsulated, err := KEMDecapsulate(kem.Key, start.KEMCiphertext)
	if err != nil {
		return nil, err
	}
	agreed := DeriveAgreed(suite, dh[0], dh[1], dh[2], Concat(dh[3:]...), encapsulated)
	transcript := Transcript{
		Suite:            uint64(suite.ID),
		InitiatorAccount: c.Account, ResponderAccount: e.Self.Account,
		InitiatorDevice: c.Device, ResponderDevice: e.Self.Device,
		InitiatorAgreement: c.Agreement, ResponderAgreement: X25519Public(e.Self.Agreement),
		Ephemeral: start.Ephemeral, SignedID: start.SignedID, Signed: X25519Public(signed.Key),
		OneTimeID: start.OneTimeID, OneTime: oneTimePublic,
		KEMID: start.KEMID, KEM: KEMPublic(kem.Key), KEMCiphertext: start.KEMCiphertext,
	}
	ad := transcript.AssociatedData()
	session := &Session{
		ID: ad[:16], Peer: c,
		Ratchet: Respond(suite, ad, agreed, signed.Key), Mailbox: start.Mailbox, Digest: digest, Signed: start.SignedID,
	}
	if start.Rank != nil {
		session.Rank = *start.Rank
	}
	return session, nil
}

// used finds a prekey that serves once: an id given out before and no longer there
// was used up.
func used(left map[uint64]Secret, id, last uint64) (Secret, error) {
	if secret, ok := left[id]; ok {
		return secret, nil
	}
	if id <= last {
		return Secret{}, Refuse("lookup.prekey-consumed")
	}
	return Secret{}, Refuse("lookup.prekey-unknown")
}

// Keep takes over what an opened envelope changed: the session, the one-time
// prekeys it used up, the digest of its start [prekey.once.1].
func (e *Endpoint) Keep(o *Opened) {
	e.Sessions[hex.EncodeToString(o.Session.ID)] = o.Session
	if !o.Began {
		return
	}
	delete(e.Prekeys.OneTime, o.Start.OneTimeID)
	if o.Start.KEMOneTime {
		delete(e.Prekeys.KEMOneTime, o.Start.KEMID)
	}
	e.Seen[hex.EncodeToString(o.Session.Digest)] = o.Session.Signed
}
