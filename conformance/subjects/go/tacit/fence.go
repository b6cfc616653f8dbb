package tacit

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
)

// NewMark makes the fence of a generation out of the device secret and four fresh
// random bytes [fence.identity.2].
func NewMark(secret []byte, generation uint64, random []byte) Mark {
	key := HMAC(secret, Label("fence key"))
	proof := HMAC(key, Concat(binary.BigEndian.AppendUint64(nil, generation), random))
	return Mark{generation, Concat(random, proof[:4])}
}

// MadeBy tells whether the device with that secret, or a copy of it, made the mark.
func (m Mark) MadeBy(secret []byte) bool {
	return len(m.StartID) == 8 && hmac.Equal(m.StartID, NewMark(secret, m.Generation, m.StartID[:4]).StartID)
}

// Equal compares marks; two that are none are equal.
func (m Mark) Equal(other Mark) bool {
	return m.Generation == other.Generation && bytes.Equal(m.StartID, other.StartID)
}

// Fence is what is known of one peer device's fence, and of one's own there.
type Fence struct {
	Peer    Mark // the highest the peer carried
	Carries bool // the last message received carried one
	Echoed  Mark // the last of one's own that the peer echoed
}

// Observed is what a message's marks say.
type Observed struct {
	PeerRollback bool
	Restored     Mark // proof that this device runs from an old copy; or none
}

// Carry gives the marks of the next message to the device [fence.carry.1].
func (f Fence) Carry(own Mark) (fence, echo Mark) {
	if !f.Echoed.Equal(own) {
		fence = own
	}
	if f.Carries {
		echo = f.Peer
	}
	return fence, echo
}

// Observe judges the marks of a message from the device; secret and own are this
// device's, late as fence.observe.2 has it. It gives the next state.
func (f Fence) Observe(secret []byte, own, fence, echo Mark, late bool) (Fence, Observed) {
	var seen Observed
	// A late message does not end the echo, a higher mark begins it [fence.carry.2].
	if !late || fence.Generation > f.Peer.Generation {
		f.Carries = fence.Generation > 0
	}
	switch {
	case fence.Generation == 0:
	case fence.Generation > f.Peer.Generation:
		f.Peer = fence
	case !fence.Equal(f.Peer):
		seen.PeerRollback = !late
	}
	switch {
	case echo.Generation == 0:
	case echo.Equal(own):
		f.Echoed = own
	case Proves(secret, own, echo):
		seen.Restored = echo
	}
	return f, seen
}

// Proves tells whether a mark said to be this device's own shows that the device
// runs from an old copy: above its generation, or equal with another start id, and
// made by itself [fence.detect.1, .2].
func Proves(secret []byte, own, echo Mark) bool {
	return !echo.Equal(own) && echo.Generation >= own.Generation &&
		echo.Generation-own.Generation <= MaxFenceLead && echo.MadeBy(secret)
}
