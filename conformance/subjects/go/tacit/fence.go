package tacit

import "bytes"

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

// Observe judges the marks of a message from the device; late as fence.observe.2
// has it. It gives the next state.
func (f Fence) Observe(own, fence, echo Mark, late bool) (Fence, Observed) {
	var seen Observed
	f.Carries = fence.Generation > 0
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
	case echo.Generation >= own.Generation && echo.Generation-own.Generation <= MaxFenceLead:
		seen.Restored = echo // above the own generation, or equal with another start id
	}
	return f, seen
}
