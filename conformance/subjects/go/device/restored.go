package device

import (
	"bytes"
	"slices"

	"tacit.example/conformance/subjects/go/tacit"
)

const accuseEvery = 600_000 // ms between restorations on the word of peers

// restored acts on the proof that this device runs from an old copy: it freezes,
// raises its generation above g, archives all sessions and asks every peer device
// [fence.detect.1].
func (d *Device) restored(generation uint64) {
	s := d.state
	s.Own = tacit.NewMark(s.Secret, max(s.Own.Generation, generation)+1, d.draw("device.start", 4))
	d.event("restored")
	for _, device := range s.sortedPeers() {
		p := s.Peers[device]
		s.Endpoint.Drop(p.Archive())
		if !p.Met && p.Empty() {
			continue
		}
		p.Frozen = true
		s.requeue(p)
		d.ask(device, p)
	}
}

// requeue takes back what waits with a number, which the copy may have given out
// already, and requests made before.
func (s *state) requeue(p *peer) {
	c, kept, back := s.contact(h(p.Account)), []draft{}, []draft{}
	for _, one := range p.Waiting {
		switch {
		case one.Number > 0:
			one.Number = 0
			if !slices.ContainsFunc(c.Queue, func(queued draft) bool { return bytes.Equal(queued.ID, one.ID) }) {
				back = append(back, one)
			}
		case !one.ToBegin:
			kept = append(kept, one)
		}
	}
	p.Waiting, c.Queue = kept, append(back, c.Queue...)
}

// askAround asks the devices with an active session whether one of the two sides
// lost a session, after a message of none [fence.probe.1].
func (d *Device) askAround() {
	s, active := d.state, []string{}
	if !d.probe {
		return
	}
	d.probe = false
	for _, device := range s.sortedPeers() {
		if s.Peers[device].Active != nil {
			active = append(active, device)
		}
	}
	next, asked := s.Probe.Ask(d.now, len(active))
	s.Probe = next
	for _, device := range active[:asked] {
		d.ask(device, s.Peers[device])
	}
}

// askFrozen asks once more where an answer is overdue: request or answer got lost.
func (d *Device) askFrozen() {
	for _, device := range d.state.sortedPeers() {
		p := d.state.Peers[device]
		waits := slices.ContainsFunc(p.Waiting, func(one draft) bool { return one.ToBegin })
		if p.Frozen && !waits && d.now >= p.AskedAt+accuseEvery {
			d.ask(device, p)
		}
	}
}

// askAgain lays retry requests in wait [session.retry.1].
func (d *Device) askAgain() {
	for _, q := range d.asks {
		p := d.state.peer(q.Sender.Device, q.Sender.Account)
		next, digests := p.Asked.Ask([][]byte{q.Digest}, d.now)
		p.Asked = next
		for _, digest := range digests {
			p.Waiting = append(p.Waiting, draft{
				Type: tacit.TypeRetry, ID: d.draw("msg.id", 16), SentAt: d.now,
				Body: tacit.Encode([]any{digest}), ToBegin: q.Afresh,
			})
		}
	}
	d.asks = nil
}

// ask lays a resynchronise request in wait, for a fresh session.
func (d *Device) ask(device string, p *peer) {
	p.AskedAt = d.now
	body := d.received(tacit.ControlAsk, d.state.Own, device)
	p.Waiting = append(p.Waiting, draft{
		Type: tacit.TypeControl, ID: d.draw("msg.id", 16), SentAt: d.now, Body: body, ToBegin: true,
	})
}

// received is the body of a request or answer: what arrived from a device.
func (d *Device) received(control uint64, asking tacit.Mark, device string) []byte {
	keys := []string{}
	for key := range d.state.Windows {
		if _, of, _ := split(key); of == device {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		_, _, one := split(a)
		_, _, other := split(b)
		return bytes.Compare(unhex(one), unhex(other))
	})
	pairs := []any{}
	for _, key := range keys[:min(len(keys), tacit.MaxResynchronised)] {
		_, _, conversation := split(key)
		pairs = append(pairs, []any{unhex(conversation), d.state.Windows[key].Highest})
	}
	return tacit.Encode([]any{control, asking.Generation, asking.StartID, pairs})
}

// resynchronise judges a peer's request or answer, answers the one and thaws with
// the other [fence.detect.3, fence.heal.1].
func (d *Device) resynchronise(p *peer, o *tacit.Opened) {
	s, details := d.state, o.Content.Details
	account := h(o.Session.Peer.Account)
	highest := uint64(0)
	for _, item := range details.List("received") {
		if pair := item.(tacit.Record); len(pair.Bytes("conversation")) == 0 {
			highest = pair.Uint("highest")
		}
	}
	marked := tacit.Mark{Generation: details.Uint("generation"), StartID: details.Bytes("startId")}
	if details.Uint("control") == tacit.ControlAsk {
		p.Waiting = append(p.Waiting, draft{
			Type: tacit.TypeControl, ID: d.draw("msg.id", 16), SentAt: d.now,
			Body: d.received(tacit.ControlAnswer, marked, h(o.Session.Peer.Device)),
		})
	} else if !marked.Equal(s.Own) {
		return
	} else if p.Frozen {
		d.thaw(p, account, highest)
		return
	}
	if s.Sequence[account].Behind(highest) && !p.Frozen && (s.Accused == 0 || d.now >= s.Accused+accuseEvery) {
		s.Accused = d.now
		d.restored(s.Own.Generation)
	}
}

// How far numbering leaps above what a peer device received: past what this device
// may have sent after the copy was made, which may still be under way.
const (
	leap      = 1024
	leapAlone = 4096 // while another device of the account has not answered
)

// thaw goes on with an account once one of its devices answered [fence.heal.1].
func (d *Device) thaw(p *peer, account string, highest uint64) {
	s := d.state
	p.Frozen = false
	above := uint64(leap)
	if s.frozen(account) {
		above = leapAlone
	}
	s.Sequence[account] = s.Sequence[account].Resume(highest + above)
	floor := s.Sequence[account].Last
	for _, other := range s.Peers {
		if h(other.Account) == account {
			other.Frozen = false
			other.Floor = &floor
		}
	}
}
