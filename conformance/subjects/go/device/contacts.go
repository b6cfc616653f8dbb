package device

import (
	"bytes"
	"errors"
	"slices"

	"tacit.example/conformance/subjects/go/tacit"
)

func ascending(numbers []uint64) []uint64 {
	out := slices.Clone(numbers)
	slices.Sort(out)
	return out
}

func (s *state) contact(account string) *contact {
	c := s.Contacts[account]
	if c == nil {
		c = &contact{}
		s.Contacts[account] = c
	}
	return c
}

func (s *state) peer(device, account []byte) *peer {
	p := s.Peers[h(device)]
	if p == nil {
		p = &peer{Account: account}
		s.Peers[h(device)] = p
	}
	return p
}

// Learn takes a directory's answer to a name, and gives the devices to write to.
// An account that is not the one pinned for the name is refused, and remembered as
// offered until it is accepted [manifest.pin.1].
func (d *Device) Learn(user string, account []byte, manifests [][]byte) (devices [][]byte, err error) {
	changed := false
	err = d.silent(func() error {
		s, key := d.state, h(account)
		held := (*tacit.Manifest)(nil)
		if known := s.Contacts[key]; known != nil {
			held = known.Manifest
		}
		newest, err := tacit.UpdateManifest(held, account, manifests)
		if err != nil {
			return err
		}
		s.contact(key).Manifest = newest
		if held != nil && newest.Version > held.Version {
			d.event("device-changed", "account", key, "version", newest.Version)
		}
		d.dropUnlisted(account, newest)
		pinned := s.Names[user]
		if pinned == nil {
			pinned = &name{Pinned: key}
			s.Names[user] = pinned
		}
		if pinned.Pinned != key {
			d.offered(user, pinned, key)
			changed = true
			return nil
		}
		for _, one := range newest.Devices {
			if one.Role != tacit.RoleReplica {
				devices = append(devices, one.ID)
			}
		}
		return nil
	})
	if err == nil {
		d.Directory[user] = Listing{account, manifests}
	}
	if err == nil && changed {
		err = tacit.Refuse("policy.identity-changed")
	}
	return devices, err
}

// claims asks the directory about the name a start claims. Another account than the
// one pinned for it is offered when the directory answers with that one; the word of
// the start alone proves nothing [manifest.pin.1] [session.start.4].
func (d *Device) claims(user string, account []byte) {
	s := d.state
	pinned, answer := s.Names[user], d.Directory[user]
	if pinned == nil || pinned.Pinned == h(account) || !bytes.Equal(answer.Account, account) {
		return
	}
	held := (*tacit.Manifest)(nil)
	if known := s.Contacts[h(account)]; known != nil {
		held = known.Manifest
	}
	newest, err := tacit.UpdateManifest(held, account, answer.Manifests)
	if err != nil {
		return
	}
	s.contact(h(account)).Manifest = newest
	d.offered(user, pinned, h(account))
}

// offered notes another account under a pinned name, and tells it once.
func (d *Device) offered(user string, pinned *name, account string) {
	if pinned.Offered == account {
		return
	}
	pinned.Offered = account
	d.event("identity-changed", "user", user, "pinned", pinned.Pinned, "offered", account)
}

// changed tells whether sending to an account waits for the user's word.
func (s *state) changed(account string) bool {
	for _, n := range s.Names {
		if n.Offered != "" && (n.Pinned == account || n.Offered == account) {
			return true
		}
	}
	return false
}

// dropUnlisted deletes sessions with devices that the newest manifest revokes or
// does not list as their certificate says [manifest.device.2].
func (d *Device) dropUnlisted(account []byte, m *tacit.Manifest) {
	s := d.state
	for id, session := range s.Endpoint.Sessions {
		var refusal *tacit.Refusal
		if !bytes.Equal(session.Peer.Account, account) ||
			!errors.As(m.Admit(session.Peer), &refusal) || refusal.Class != "policy.revoked-device" {
			continue
		}
		delete(s.Endpoint.Sessions, id)
		s.peer(session.Peer.Device, account).Forget(id)
	}
}

// Accept accepts the account that is offered under a name: held starts open, held
// messages go.
func (d *Device) Accept(user string, account []byte) (*Done, error) {
	return d.change(NoCrash, func() error {
		s := d.state
		n := s.Names[user]
		if n == nil {
			n = &name{}
			s.Names[user] = n
		}
		n.Pinned, n.Offered = h(account), ""
		held := s.Held
		s.Held = nil
		for _, one := range held {
			if one.Account != h(account) {
				s.Held = append(s.Held, one)
				continue
			}
			if err := d.take(one.Wire); err != nil {
				refusal, ok := err.(*tacit.Refusal)
				if !ok {
					return err
				}
				d.event("refused", "class", refusal.Class)
			}
		}
		return d.flush()
	})
}

// Offer lays a bundle in store for the next session with a device.
func (d *Device) Offer(account, device, bundle []byte) error {
	return d.silent(func() error {
		d.state.peer(device, account).Bundle = bundle
		return nil
	})
}
