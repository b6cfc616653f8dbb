package device

import (
	"bytes"

	"tacit.example/conformance/subjects/go/tacit"
)

// begin starts a session with the offered bundle and makes it active.
func (d *Device) begin(device []byte, p *peer) (*tacit.Session, error) {
	s := d.state
	if len(p.Bundle) == 0 {
		return nil, tacit.Refuse("lookup.no-session")
	}
	bundle, err := tacit.CheckBundle(p.Bundle, p.Account)
	if err != nil {
		return nil, err
	}
	manifest := s.contact(h(p.Account)).Manifest
	if manifest == nil {
		return nil, tacit.Refuse("auth.account")
	}
	if err := bundle.Belongs(device, manifest); err != nil {
		return nil, err
	}
	session, err := s.Endpoint.Self.Begin(bundle, s.Endpoint.Self.Suites, p.Rank(d.now),
		d.draw("pqxdh.eph", 32), d.draw("kem.encap", 32), d.draw("ratchet.eph", 32))
	if err != nil {
		return nil, err
	}
	s.Endpoint.Sessions[h(session.ID)] = session
	s.Endpoint.Drop(p.Begin(session.Ranked()))
	p.Bundle = nil
	s.Used = append(s.Used, device)
	return session, nil
}

// Reset archives the sessions with an account's devices; the next one begins with
// a reset notice, which goes as soon as there is a bundle [session.reset.1].
func (d *Device) Reset(account []byte) (*Done, error) {
	return d.change(NoCrash, func() error {
		for _, device := range d.state.sortedPeers() {
			p := d.state.Peers[device]
			if bytes.Equal(p.Account, account) && p.Active != nil {
				d.state.Endpoint.Drop(p.Archive())
				notice := draft{Type: tacit.TypeControl, ID: d.draw("msg.id", 16), SentAt: d.now, Body: tacit.Encode([]any{tacit.ControlReset, 0})}
				p.Waiting = append([]draft{notice}, p.Waiting...)
			}
		}
		return d.flush()
	})
}

// Agree is the id of the active session with a device, nil for none.
func (d *Device) Agree(device []byte) []byte {
	p := d.state.Peers[h(device)]
	if p == nil || p.Active == nil {
		return nil
	}
	return unhex(p.Active.ID)
}

// Counters are what inspect tells.
func (d *Device) Counters() map[string]int {
	s, skipped := d.state, 0
	for _, session := range s.Endpoint.Sessions {
		skipped += len(session.Ratchet.Skipped)
	}
	return map[string]int{
		"skipped": skipped, "oneTime": len(s.Endpoint.Prekeys.OneTime),
		"kemOneTime": len(s.Endpoint.Prekeys.KEMOneTime), "sessions": len(s.Endpoint.Sessions), "held": len(s.Held),
	}
}
