package tacit

// Counter numbers the messages a device sends in one conversation.
type Counter struct{ Last uint64 }

// Take gives the next number and the floor before it [sequence.number.1].
func (c Counter) Take() (next Counter, number, floor uint64, err error) {
	if c.Last >= MaxUint {
		return c, 0, 0, Refuse("limit.chain")
	}
	return Counter{c.Last + 1}, c.Last + 1, c.Last, nil
}

// Behind tells whether a peer received a number that was not given out here
// [fence.detect.3].
func (c Counter) Behind(received uint64) bool { return received > c.Last }

// Resume goes on behind a number, if that is higher [fence.heal.1].
func (c Counter) Resume(behind uint64) Counter {
	return Counter{min(max(c.Last, behind), MaxUint)}
}

// Probe limits asking around after a message of no session [fence.probe.1].
type Probe struct{ At uint64 } // when it was last done, ms; 0 for never

const (
	probeEvery = 3_600_000 // ms
	probeMost  = 32
)

// Ask gives how many of the devices with an active session are to be asked now.
func (p Probe) Ask(now uint64, active int) (Probe, int) {
	if active == 0 || p.At > 0 && now < p.At+probeEvery {
		return p, 0
	}
	return Probe{now}, min(active, probeMost)
}
