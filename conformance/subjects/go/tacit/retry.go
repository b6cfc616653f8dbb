package tacit

import (
	"bytes"
	"slices"
)

// Bounds of section 8.4.
const (
	retryAskedMost  = 256
	retryPerMinute  = 4
	retryLogMost    = 256
	retryLogAge     = 604_800_000 // ms
	retryAnswerMost = 3
)

// Asked is what one asked a peer device to send again [session.retry.1].
type Asked struct {
	Digests [][]byte // the last 256, oldest first
	Times   []uint64 // of the last requests, ms
}

// Ask gives the digests a request may name now, none when there is to be none.
func (a Asked) Ask(digests [][]byte, now uint64) (Asked, [][]byte) {
	fresh := [][]byte{}
	for _, digest := range digests {
		if len(fresh) < MaxRetryDigests && !has(a.Digests, digest) && !has(fresh, digest) {
			fresh = append(fresh, digest)
		}
	}
	recent := slices.DeleteFunc(slices.Clone(a.Times), func(at uint64) bool { return now >= at+60_000 })
	if len(fresh) == 0 || len(recent) >= retryPerMinute {
		return a, nil
	}
	asked := append(slices.Clone(a.Digests), fresh...)
	return Asked{asked[max(0, len(asked)-retryAskedMost):], append(recent, now)}, fresh
}

// Log is what was sent to a peer device, to answer its retry requests
// [session.retry.2].
type Log struct{ Entries []Logged }

// Logged is a sent message: an id of the caller's choice, the digests of the
// envelopes it went in, and those among them that were answered.
type Logged struct {
	Message  []byte
	Digests  [][]byte
	Answered [][]byte
	At       uint64 // ms
}

// Add remembers a message, or another envelope it went in.
func (l *Log) Add(message, digest []byte, now uint64) {
	for i := range l.Entries {
		if bytes.Equal(l.Entries[i].Message, message) {
			l.Entries[i].Digests = append(l.Entries[i].Digests, digest)
			return
		}
	}
	l.Entries = append(l.Entries, Logged{Message: message, Digests: [][]byte{digest}, At: now})
	l.Entries = l.Entries[max(0, len(l.Entries)-retryLogMost):]
}

// Answer gives the message to be sealed anew for a digest: once for a digest, three
// times for a message, within 7 days.
func (l *Log) Answer(digest []byte, now uint64) (message []byte, ok bool) {
	for i := range l.Entries {
		entry := &l.Entries[i]
		if has(entry.Digests, digest) && !has(entry.Answered, digest) &&
			len(entry.Answered) < retryAnswerMost && now <= entry.At+retryLogAge {
			entry.Answered = append(entry.Answered, digest)
			return entry.Message, true
		}
	}
	return nil, false
}

func has(list [][]byte, one []byte) bool {
	return slices.ContainsFunc(list, func(item []byte) bool { return bytes.Equal(item, one) })
}
