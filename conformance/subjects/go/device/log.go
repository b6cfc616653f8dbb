package device

import (
	"bytes"

	"tacit.example/conformance/subjects/go/tacit"
)

const (
	logMessages   = 256
	logAge        = 604_800_000 // ms
	answersOfEach = 3
)

// logged is a message that a retry request may ask for again.
type logged struct {
	Message draft
	Digests [][]byte // of the envelopes it went in
	Asked   [][]byte // digests that were answered
	At      uint64   // ms
}

// log remembers a sealed message [session.retry.2].
func (p *peer) log(message draft, wire []byte, now uint64) {
	envelope, err := tacit.DecodeEnvelope(wire)
	if err != nil {
		panic(err)
	}
	digest := tacit.EnvelopeDigest(envelope.Body)
	for i := range p.Log {
		if bytes.Equal(p.Log[i].Message.ID, message.ID) {
			p.Log[i].Digests = append(p.Log[i].Digests, digest)
			return
		}
	}
	p.Log = append(p.Log, logged{Message: message, Digests: [][]byte{digest}, At: now})
	if len(p.Log) > logMessages {
		p.Log = p.Log[1:]
	}
}

// answerRetry lays the messages asked for in wait again: once for a digest, three
// times for a message.
func (p *peer) answerRetry(digests []any, now uint64) {
	for _, item := range digests {
		digest := item.([]byte)
		for i := range p.Log {
			entry := &p.Log[i]
			if contains(entry.Digests, digest) && !contains(entry.Asked, digest) &&
				len(entry.Asked) < answersOfEach && now <= entry.At+logAge {
				entry.Asked = append(entry.Asked, digest)
				p.Waiting = append(p.Waiting, entry.Message)
			}
		}
	}
}

func contains(list [][]byte, one []byte) bool {
	for _, item := range list {
		if bytes.Equal(item, one) {
			return true
		}
	}
	return false
}
