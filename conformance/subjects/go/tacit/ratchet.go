package tacit

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
)

// Ratchet is the state of section 6.1. Steps never change it: they give the next
// one. Absent keys are empty.
type Ratchet struct {
	Suite         uint64
	AD            []byte
	Root          []byte
	Secret        []byte // own ratchet key pair
	Peer          []byte
	SendChain     []byte
	ReceiveChain  []byte
	SendHeader    []byte // HKs
	ReceiveHeader []byte // HKr
	NextSend      []byte // NHKs
	NextReceive   []byte // NHKr
	Sent          uint64 // Ns
	Received      uint64 // Nr
	Previous      uint64 // PN
	Skipped       []SkippedKey
}

// SkippedKey is a message key kept for a message that has not arrived; in the
// order in which they were skipped.
type SkippedKey struct {
	Header []byte // header key of its chain
	Number uint64
	Key    []byte
	At     uint64 // ms
}

// SessionTag lets a receiver find the session [session-message.tag.1].
func SessionTag(headerKey []byte) []byte { return HMAC(headerKey, Label("session tag"))[:16] }

// HeaderAEADKey is the key under which headers are sealed [ratchet.header.3].
func HeaderAEADKey(suite Suite, headerKey []byte) []byte {
	if suite.ID != 3 {
		return headerKey
	}
	return HKDF(make([]byte, 32), headerKey, Label("header key", suite.ByteOf()), suite.Key)
}

// MessageAEADKey expands a message key with the header nonce as salt
// [ratchet.message-key.1].
func MessageAEADKey(suite Suite, messageKey, headerNonce []byte) (key, nonce []byte) {
	out := HKDF(headerNonce, messageKey, Label("message key", suite.ByteOf()), suite.Key+suite.Nonce)
	return out[:suite.Key], out[suite.Key:]
}

// RootStep is KDF_RK without its agreement: root key, chain key, next header key.
func RootStep(root, agreed []byte) (nextRoot, chain, header []byte) {
	out := HKDF(root, agreed, Label("root step"), 96)
	return out[:32], out[32:64], out[64:]
}

// ChainStep gives message key and next chain key [ratchet.chain.1].
func ChainStep(chain []byte) (messageKey, next []byte) {
	return HMAC(chain, []byte{1}), HMAC(chain, []byte{2})
}

// Initiate is the initiator's state [ratchet.init.1].
func Initiate(suite Suite, ad []byte, agreed Agreed, secret, peer []byte) (*Ratchet, error) {
	r := &Ratchet{
		Suite: uint64(suite.ID), AD: ad, Secret: secret, Peer: peer,
		SendHeader: agreed.InitiatorHeader, NextReceive: agreed.ResponderHeader,
	}
	dh, err := X25519(secret, peer)
	if err != nil {
		return nil, err
	}
	r.Root, r.SendChain, r.NextSend = RootStep(agreed.Root, dh)
	return r, nil
}

// Respond is the responder's state; secret is the signed prekey's [ratchet.init.2].
func Respond(suite Suite, ad []byte, agreed Agreed, secret []byte) *Ratchet {
	return &Ratchet{
		Suite: uint64(suite.ID), AD: ad, Root: agreed.Root, Secret: secret,
		NextSend: agreed.ResponderHeader, NextReceive: agreed.InitiatorHeader,
	}
}

func (r *Ratchet) suite() Suite {
	suite, ok := SuiteOf(r.Suite)
	if !ok {
		panic("tacit: ratchet of an unknown suite")
	}
	return suite
}

// Seal takes the message key at Ns and gives next state and message
// [ratchet.send.1]. nonce is fresh and as long as the suite's.
func (r *Ratchet) Seal(prefix, padded, nonce []byte) (*Ratchet, []byte, error) {
	if len(r.SendChain) == 0 {
		return nil, nil, Refuse("policy.no-chain")
	}
	if r.Sent >= MaxChainIndex {
		return nil, nil, Refuse("limit.chain")
	}
	suite := r.suite()
	messageKey, nextChain := ChainStep(r.SendChain)
	header := X25519Public(r.Secret)
	header = binary.BigEndian.AppendUint32(header, uint32(r.Previous))
	header = binary.BigEndian.AppendUint32(header, uint32(r.Sent))
	tag := SessionTag(r.SendHeader)
	sealed := suite.Seal(HeaderAEADKey(suite, r.SendHeader), nonce, Concat(r.AD, tag), header)
	front := Concat(tag, nonce, sealed)
	key, bodyNonce := MessageAEADKey(suite, messageKey, nonce)
	body := suite.Seal(key, bodyNonce, Concat(r.AD, prefix, front), padded)
	next := *r
	next.SendChain, next.Sent = nextChain, r.Sent+1
	return &next, Concat(front, body), nil
}

// Knows tells whether a tag selects one of the header keys.
func (r *Ratchet) Knows(tag []byte) bool {
	key, _ := r.headerKey(tag)
	return key != nil
}

type selection int

const (
	older selection = iota
	current
	following
)

// headerKey finds the key a tag stands for [ratchet.receive.1].
func (r *Ratchet) headerKey(tag []byte) ([]byte, selection) {
	if len(r.ReceiveHeader) > 0 && hmac.Equal(tag, SessionTag(r.ReceiveHeader)) {
		return r.ReceiveHeader, current
	}
	if hmac.Equal(tag, SessionTag(r.NextReceive)) {
		return r.NextReceive, following
	}
	last := r.ReceiveHeader
	for i := range r.Skipped {
		if key := r.Skipped[i].Header; !bytes.Equal(key, last) {
			last = key
			if hmac.Equal(tag, SessionTag(key)) {
				return key, older
			}
		}
	}
	return nil, older
}

// Opening is a message that opened: what to keep, and what it held.
type Opening struct {
	Next   *Ratchet
	Padded []byte
	Late   bool // a skipped key opened it
}

// Open opens a message; fresh gives a ratchet secret and is asked only when the
// ratchet turns, once the message opened.
func (r *Ratchet) Open(prefix, message []byte, now uint64, fresh func() []byte) (*Opening, error) {
	suite := r.suite()
	front := 16 + suite.Nonce + suite.SealedHeader()
	if len(message) < front+suite.Tag {
		return nil, Refuse("decode.truncated")
	}
	tag, nonce, sealed := message[:16], message[16:16+suite.Nonce], message[16+suite.Nonce:front]
	headerKey, selected := r.headerKey(tag)
	if headerKey == nil {
		return nil, Refuse("lookup.no-session")
	}
	header, err := suite.Open(HeaderAEADKey(suite, headerKey), nonce, Concat(r.AD, tag), sealed)
	if err != nil {
		return nil, err
	}
	if len(header) != 40 {
		return nil, Refuse("auth.header")
	}
	body := func(messageKey []byte) ([]byte, error) {
		key, bodyNonce := MessageAEADKey(suite, messageKey, nonce)
		return suite.Open(key, bodyNonce, Concat(r.AD, prefix, message[:front]), message[front:])
	}
	h := parsedHeader{header[:32], uint64(binary.BigEndian.Uint32(header[32:])), uint64(binary.BigEndian.Uint32(header[36:]))}
	if selected == current && !bytes.Equal(h.peer, r.Peer) {
		return nil, Refuse("auth.header")
	}
	if selected == older || selected == current && h.number < r.Received {
		return r.openSkipped(headerKey, h.number, now, body)
	}
	next := *r
	next.Skipped = r.unexpired(now)
	if selected == current {
		return next.openCurrent(h, now, body)
	}
	return next.openFollowing(h, now, body, fresh)
}

type parsedHeader struct {
	peer             []byte
	previous, number uint64
}

func (r *Ratchet) openSkipped(headerKey []byte, number, now uint64, body func([]byte) ([]byte, error)) (*Opening, error) {
	for i, skipped := range r.Skipped {
		if skipped.Number != number || !bytes.Equal(skipped.Header, headerKey) || expired(skipped, now) {
			continue
		}
		padded, err := body(skipped.Key)
		if err != nil {
			return nil, err
		}
		next := *r
		next.Skipped = append(append([]SkippedKey{}, r.Skipped[:i]...), r.Skipped[i+1:]...)
		next.Skipped = next.unexpired(now)
		return &Opening{&next, padded, true}, nil
	}
	return nil, Refuse("fresh.used-key")
}

// openCurrent works on a copy of the state [ratchet.receive.3].
func (r *Ratchet) openCurrent(h parsedHeader, now uint64, body func([]byte) ([]byte, error)) (*Opening, error) {
	if h.number == MaxChainIndex {
		return nil, Refuse("limit.chain")
	}
	if h.number-r.Received > MaxSkipPerStep {
		return nil, Refuse("limit.skip")
	}
	return r.take(h.number, now, body)
}

// openFollowing works on a copy of the state [ratchet.receive.4].
func (r *Ratchet) openFollowing(h parsedHeader, now uint64, body func([]byte) ([]byte, error), fresh func() []byte) (*Opening, error) {
	if h.previous < r.Received || h.previous > 0 && len(r.ReceiveChain) == 0 {
		return nil, Refuse("auth.header")
	}
	if h.number == MaxChainIndex {
		return nil, Refuse("limit.chain")
	}
	if h.previous-r.Received > MaxSkipPerStep || h.number > MaxSkipPerStep {
		return nil, Refuse("limit.skip")
	}
	dh, err := X25519(r.Secret, h.peer)
	if err != nil {
		return nil, err
	}
	if len(r.ReceiveChain) > 0 {
		r.skip(h.previous, now)
	}
	r.Previous, r.Sent, r.Received = r.Sent, 0, 0
	r.SendHeader, r.ReceiveHeader, r.Peer = r.NextSend, r.NextReceive, h.peer
	r.Root, r.ReceiveChain, r.NextReceive = RootStep(r.Root, dh)
	opening, err := r.take(h.number, now, body)
	if err != nil {
		return nil, err
	}
	r.Secret = fresh()
	if dh, err = X25519(r.Secret, r.Peer); err != nil {
		return nil, err
	}
	r.Root, r.SendChain, r.NextSend = RootStep(r.Root, dh)
	return opening, nil
}

// take skips to a number of the receiving chain and opens with its key.
func (r *Ratchet) take(number, now uint64, body func([]byte) ([]byte, error)) (*Opening, error) {
	r.skip(number, now)
	messageKey, chain := ChainStep(r.ReceiveChain)
	r.ReceiveChain, r.Received = chain, number+1
	padded, err := body(messageKey)
	if err != nil {
		return nil, err
	}
	return &Opening{r, padded, false}, nil
}

// skip stores the keys Received … until − 1 and drops the oldest beyond the bound
// [ratchet.skip.2].
func (r *Ratchet) skip(until, now uint64) {
	for ; r.Received < until; r.Received++ {
		messageKey, chain := ChainStep(r.ReceiveChain)
		r.Skipped = append(r.Skipped, SkippedKey{r.ReceiveHeader, r.Received, messageKey, now})
		r.ReceiveChain = chain
	}
	if over := len(r.Skipped) - MaxSkippedPerSession; over > 0 {
		r.Skipped = r.Skipped[over:]
	}
}

// unexpired copies the skipped keys without those that are too old.
func (r *Ratchet) unexpired(now uint64) []SkippedKey {
	kept := make([]SkippedKey, 0, len(r.Skipped))
	for _, skipped := range r.Skipped {
		if !expired(skipped, now) {
			kept = append(kept, skipped)
		}
	}
	return kept
}

func expired(skipped SkippedKey, now uint64) bool {
	return now > skipped.At && now-skipped.At > SkippedKeyLifetime
}
