package device

import (
	"bytes"
	"slices"

	"tacit.example/conformance/subjects/go/tacit"
)

// standsAbove tells whether a session stands above another one [session.rank.1].
func standsAbove(a, b *tacit.Session) bool {
	if a.Rank != b.Rank {
		return a.Rank > b.Rank
	}
	return bytes.Compare(a.ID, b.ID) > 0
}

// sessions are those with a peer device.
func (s *state) sessions(p *peer) []*tacit.Session {
	out := []*tacit.Session{}
	for _, id := range append([]string{p.Active}, p.Archived...) {
		if session := s.Endpoint.Sessions[id]; session != nil {
			out = append(out, session)
		}
	}
	return out
}

// activate makes a session the one to send in, and archives the one before.
func (s *state) activate(p *peer, session *tacit.Session) {
	id := h(session.ID)
	if p.Active == id {
		return
	}
	p.Archived = slices.DeleteFunc(p.Archived, func(one string) bool { return one == id })
	s.archive(p)
	p.Active, p.Mailbox = id, session.Mailbox
}

// archive leaves no session active; past 40 the oldest is deleted
// [session.archive.1].
func (s *state) archive(p *peer) {
	if p.Active == "" {
		return
	}
	p.Archived = append(p.Archived, p.Active)
	p.Active = ""
	s.trim(p)
}

func (s *state) trim(p *peer) {
	for len(p.Archived) > tacit.MaxArchivedSessions {
		delete(s.Endpoint.Sessions, p.Archived[0])
		p.Archived = p.Archived[1:]
	}
}

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
	session, err := s.Endpoint.Self.Begin(bundle, s.Endpoint.Self.Suites, d.rank(p),
		d.draw("pqxdh.eph", 32), d.draw("kem.encap", 32), d.draw("ratchet.eph", 32))
	if err != nil {
		return nil, err
	}
	s.Endpoint.Sessions[h(session.ID)] = session
	s.activate(p, session)
	p.Bundle = nil
	return session, nil
}

// rank is the clock, or one more than the highest rank known with the device.
func (d *Device) rank(p *peer) uint64 {
	rank := d.now
	for _, known := range d.state.sessions(p) {
		rank = max(rank, known.Rank+1)
	}
	return min(rank, tacit.MaxSessionRank)
}

// Reset archives the sessions with an account's devices; the next one begins with
// a reset notice [session.reset.1].
func (d *Device) Reset(account []byte) error {
	return d.silent(func() error {
		for _, p := range d.state.Peers {
			if bytes.Equal(p.Account, account) && p.Active != "" {
				d.state.archive(p)
				p.Reset = true
			}
		}
		return nil
	})
}

// Agree is the id of the active session with a device, nil for none.
func (d *Device) Agree(device []byte) []byte {
	p := d.state.Peers[h(device)]
	if p == nil || p.Active == "" {
		return nil
	}
	return unhex(p.Active)
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
