package device

import (
	"bytes"
	"errors"

	"tacit.example/conformance/subjects/go/tacit"
)

// maxWindows is for how many conversations of one sending device, beside the direct
// one, windows are kept [sequence.window.3].
const maxWindows = 1024

const maxHeld = 64 // starts held for one account [16.1]

// Receive takes an envelope.
func (d *Device) Receive(wire []byte, crash Crash) (*Done, error) {
	done, err := d.change(crash, func() error {
		if err := d.take(wire); err != nil {
			return err
		}
		return d.flush()
	})
	var refusal *tacit.Refusal
	if errors.As(err, &refusal) {
		d.remedy(refusal.Class, wire)
	}
	return done, err
}

// remedy notes what is to be asked about a message that did not open: of devices
// with a session, or of its sender. A later operation asks; nothing is stored.
func (d *Device) remedy(class string, wire []byte) {
	advice, _ := tacit.AdviceOf(class)
	switch {
	case class == "lookup.no-session", class == "auth.header": // [fence.probe.1, .2]
		d.probe = true
	case advice.Asked():
		sender, digest, start := d.state.Endpoint.Sender(wire)
		if sender == nil || len(d.asks) >= tacit.MaxRetryDigests {
			return
		}
		// Of a stranger nothing is kept, not even a question.
		if known := d.state.Contacts[h(sender.Account)]; known != nil {
			d.asks = append(d.asks, question{sender, digest, !start})
		}
	}
}

// take opens an envelope and applies what it says to the state.
func (d *Device) take(wire []byte) error {
	s := d.state
	admit := func(c *tacit.Certificate, _ *tacit.Start) error {
		if known := s.Contacts[h(c.Account)]; known != nil && known.Manifest != nil {
			return known.Manifest.Admit(c)
		}
		return nil
	}
	opened, err := s.Endpoint.Receive(wire, d.now, func() []byte { return d.draw("ratchet.eph", 32) }, admit)
	if err != nil {
		return err
	}
	if opened.Began && opened.Start.User != nil {
		d.claims(*opened.Start.User, opened.Session.Peer.Account)
	}
	if opened.Began && s.offers(h(opened.Session.Peer.Account)) {
		d.hold(h(opened.Session.Peer.Account), wire)
		d.event("refused", "class", "policy.identity-changed")
		return nil
	}
	return d.apply(opened)
}

// offers tells whether the directory answers a name with this account while another
// one is pinned for it. A name a start claims for itself proves nothing.
func (s *state) offers(account string) bool {
	for _, n := range s.Names {
		if n.Offered == account {
			return true
		}
	}
	return false
}

// hold keeps a start under a changed identity until the user accepts it
// [session.start.4].
func (d *Device) hold(account string, wire []byte) {
	s, digest, count := d.state, tacit.Hash(wire), 0
	for _, one := range s.Held {
		if bytes.Equal(one.Digest, digest) {
			return
		}
		if one.Account == account {
			count++
		}
	}
	if count < maxHeld {
		s.Held = append(s.Held, heldStart{account, wire, digest})
	}
}

// apply keeps what an authentic message changed: session and order, fence, window, and
// what its content asks for.
func (d *Device) apply(o *tacit.Opened) error {
	s, c := d.state, o.Content
	p := s.peer(o.Session.Peer.Device, o.Session.Peer.Account)
	s.contact(h(o.Session.Peer.Account))
	s.Endpoint.Keep(o)
	active := s.Endpoint.Settle(&p.Order, o)
	next, seen := p.Fence.Observe(s.Secret, s.Own, c.Fence, c.Echo, o.Late || !active)
	var moved *tacit.Accepted
	var window *tacit.Window
	key := h(o.Session.Peer.Account) + "/" + h(o.Session.Peer.Device) + "/" + h(c.Conversation)
	if tacit.Numbered(c.Type) {
		before := s.Windows[key]
		if before == nil && len(c.Conversation) > 0 && s.conversations(h(o.Session.Peer.Device)) >= maxWindows {
			return tacit.Refuse("limit.sessions")
		}
		if before == nil {
			before = &tacit.Window{}
		}
		floor := uint64(0)
		if c.Floor != nil {
			floor = *c.Floor
		}
		var err error
		window, moved, err = before.Accept(c.Sequence, floor)
		if err != nil {
			// It is deleted, not delivered, with a warning [sequence.warn.1]; that it
			// opened stands, and so does what its fence says.
			var refusal *tacit.Refusal
			if !errors.As(err, &refusal) {
				return err
			}
			defer d.event("refused", "class", refusal.Class)
			if c.Floor != nil {
				defer d.raise(key, h(o.Session.Peer.Device), *c.Floor) // it counts all the same
			}
		}
	}
	if c.Token != nil {
		p.Token = c.Token
	}
	p.Fence = next
	if seen.PeerRollback {
		d.event("peer-rollback", "device", h(o.Session.Peer.Device))
	}
	if seen.Restored.Generation > 0 {
		d.restored(seen.Restored.Generation)
	}
	if moved != nil {
		s.Windows[key] = window
		d.numbered(o, moved)
		return nil
	}
	if tacit.Numbered(c.Type) {
		return nil
	}
	if c.Floor != nil {
		d.raise(key, h(o.Session.Peer.Device), *c.Floor)
	}
	d.unnumbered(p, o)
	return nil
}

// numbered shows a counted message and what its number told.
func (d *Device) numbered(o *tacit.Opened, moved *tacit.Accepted) {
	device, c := h(o.Session.Peer.Device), o.Content
	if moved.Gap != nil {
		d.event("gap", "device", device, "from", moved.Gap.From, "to", moved.Gap.To)
	}
	for _, lost := range moved.Lost {
		d.event("lost", "device", device, "from", lost.From, "to", lost.To)
	}
	if c.Type == tacit.TypeText {
		p := d.state.peer(o.Session.Peer.Device, o.Session.Peer.Account)
		p.Owed = append(p.Owed, c.ID)
		d.event("message", "from", device, "account", h(o.Session.Peer.Account), "id", h(c.ID),
			"number", c.Sequence, "text", h(c.Body), "late", moved.Late)
	}
	if c.Type == tacit.TypeOwn && h(o.Session.Peer.Account) != h(d.state.Endpoint.Self.Account) {
		d.event("refused", "class", "policy.not-own")
	}
	if moved.Filled {
		d.event("gap-filled", "device", device, "number", c.Sequence)
	}
}

// conversations counts the windows of a sending device beside the direct one.
func (s *state) conversations(device string) int {
	count := 0
	for key := range s.Windows {
		if _, of, conversation := split(key); of == device && conversation != "" {
			count++
		}
	}
	return count
}

// raise applies the floor of a message that carries no number.
func (d *Device) raise(key, device string, floor uint64) {
	before := d.state.Windows[key]
	if before == nil {
		before = &tacit.Window{}
	}
	after, lost := before.Raise(floor)
	d.state.Windows[key] = after
	for _, one := range lost {
		d.event("lost", "device", device, "from", one.From, "to", one.To)
	}
}

func (d *Device) unnumbered(p *peer, o *tacit.Opened) {
	device, c := h(o.Session.Peer.Device), o.Content
	switch c.Type {
	case tacit.TypeReceipt:
		ids := []string{}
		for _, id := range c.Details.List("messages") {
			ids = append(ids, h(id.([]byte)))
		}
		d.event("receipt", "device", device, "ids", ids, "state", c.Details.Uint("state"))
	case tacit.TypeRetry:
		// A session begun here that nobody answered may be what did not open
		// [session.retry.4].
		if active := d.state.active(p); active != nil && active.Start != nil {
			d.state.Endpoint.Drop(p.Archive())
		}
		for _, digest := range c.Details["digests"].([]any) {
			p.answer(digest.([]byte), d.now)
		}
	case tacit.TypeControl:
		switch c.Details.Uint("control") {
		case tacit.ControlReset:
			d.event("session-reset", "device", device)
		case tacit.ControlAsk, tacit.ControlAnswer:
			d.resynchronise(p, o)
		}
	}
}
