package device

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"tacit.example/conformance/subjects/go/tacit"
)

// Sent is the answer to a message the user wrote.
type Sent struct {
	ID     []byte
	Number uint64 // 0 while it waits to be numbered
	Done
}

// Send sends a text to every device of an account.
func (d *Device) Send(account, text []byte, crash Crash) (*Sent, error) {
	sent := &Sent{}
	done, err := d.change(crash, func() error {
		s, key := d.state, h(account)
		switch {
		case !utf8.Valid(text):
			return tacit.Refuse("decode.utf8")
		case len(text) > tacit.MaxBody:
			return tacit.Refuse("decode.size")
		}
		if s.changed(key) {
			return tacit.Refuse("policy.identity-changed")
		}
		devices := s.addressees(account)
		if len(devices) == 0 {
			return tacit.Refuse("lookup.no-session")
		}
		for _, device := range devices {
			p := s.peer(device, account)
			if p.Active == nil && len(p.Bundle) == 0 && !p.Frozen {
				return tacit.Refuse("lookup.no-session")
			}
		}
		message := draft{Type: tacit.TypeText, ID: d.draw("msg.id", 16), SentAt: d.now, Body: text}
		s.contact(key).Queue = append(s.contact(key).Queue, message)
		if err := d.flushFor(key); err != nil {
			return err
		}
		sent.ID = message.ID
		if len(s.contact(key).Queue) == 0 {
			sent.Number = s.Sequence[key].Last
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sent.Done = *done
	return sent, nil
}

// addressees are the devices a message to the account goes to: those its manifest
// lists, or, before the directory told, those that wrote.
func (s *state) addressees(account []byte) [][]byte {
	out := [][]byte{}
	if known := s.Contacts[h(account)]; known != nil && known.Manifest != nil {
		for _, one := range known.Manifest.Devices {
			if one.Role != tacit.RoleReplica {
				out = append(out, one.ID)
			}
		}
		return out
	}
	for _, device := range s.sortedPeers() {
		if p := s.Peers[device]; bytes.Equal(p.Account, account) && p.Active != nil {
			out = append(out, unhex(device))
		}
	}
	return out
}

func (s *state) sortedPeers() []string {
	out := []string{}
	for device := range s.Peers {
		out = append(out, device)
	}
	slices.Sort(out)
	return out
}

// flush numbers and seals what waits and can go.
func (d *Device) flush() error { return d.flushFor("") }

// flushFor is flush, answering why a session with a device of that account cannot
// begin. Elsewhere a bundle that does not serve is dropped.
func (d *Device) flushFor(asked string) error {
	s := d.state
	d.askAround()
	d.askFrozen()
	d.askAgain()
	accounts := []string{}
	for account := range s.Contacts {
		accounts = append(accounts, account)
	}
	slices.Sort(accounts)
	for _, account := range accounts {
		c := s.Contacts[account]
		for len(c.Queue) > 0 && !s.frozen(account) && !s.changed(account) {
			next, number, _, err := s.Sequence[account].Take()
			if err != nil {
				if account == asked {
					return err
				}
				break
			}
			message := c.Queue[0]
			c.Queue = c.Queue[1:]
			s.Sequence[account], message.Number = next, number
			for _, device := range s.addressees(unhex(account)) {
				p := s.peer(device, unhex(account))
				p.Waiting = append(p.Waiting, message)
			}
		}
	}
	for _, device := range s.sortedPeers() {
		p := s.Peers[device]
		err := d.sealWaiting(unhex(device), p)
		var refusal *tacit.Refusal
		switch {
		case err == nil:
		case errors.As(err, &refusal) && h(p.Account) != asked:
			p.Bundle = nil
		default:
			return err
		}
	}
	return nil
}

func (s *state) frozen(account string) bool {
	for _, p := range s.Peers {
		if p.Frozen && h(p.Account) == account {
			return true
		}
	}
	return false
}

// sealWaiting seals for one device, in order, as far as it goes.
func (d *Device) sealWaiting(device []byte, p *peer) error {
	s := d.state
	d.oweReceipt(p)
	for i := 0; i < len(p.Waiting); {
		next := p.Waiting[i]
		session := s.active(p)
		if session == nil || next.ToBegin {
			if len(p.Bundle) == 0 && next.ToBegin {
				i++ // it waits for a bundle; what needs none goes on
				continue
			}
			if len(p.Bundle) == 0 {
				return nil
			}
			begun, err := d.begin(device, p)
			if err != nil {
				return err
			}
			session = begun
		}
		if session.Start != nil && session.Starts >= tacit.MaxUnansweredStarts {
			return nil
		}
		if err := d.seal(p, session, next); err != nil {
			return err
		}
		p.Waiting = slices.Delete(p.Waiting, i, i+1)
	}
	return nil
}

// oweReceipt lays a delivery receipt in wait for messages that were shown. It goes
// in the session there is: none is begun for it.
func (d *Device) oweReceipt(p *peer) {
	session := d.state.active(p)
	if len(p.Owed) == 0 || session == nil || session.Start != nil {
		return
	}
	ids := []any{}
	for _, id := range p.Owed[:min(len(p.Owed), tacit.MaxReceiptIDs)] {
		ids = append(ids, id)
	}
	p.Owed = p.Owed[len(ids):]
	p.Waiting = append(p.Waiting, draft{
		Type: tacit.TypeReceipt, ID: d.draw("msg.id", 16), SentAt: d.now, Body: tacit.Encode([]any{1, ids}),
	})
}

// address notes the floor of a device that is not addressed from number 1 on
// [sequence.floor.1].
func (p *peer) address(number uint64) {
	if number == 0 || p.Met {
		return
	}
	p.Met = true
	if number > 1 {
		floor := number - 1
		p.Floor = &floor
	}
}

// floorReach is how many numbers above a floor still say it.
const floorReach = 32

// floor is what a message says of the floor: every start, and the first numbers.
func (p *peer) floor(start bool, number uint64) *uint64 {
	if p.Floor == nil || !start && (number == 0 || number > *p.Floor+floorReach) {
		return nil
	}
	return p.Floor
}

// seal seals a draft in a session and lays the envelope in the outbox.
func (d *Device) seal(p *peer, session *tacit.Session, message draft) error {
	s := d.state
	fence, echo := p.Fence.Carry(s.Own)
	p.address(message.Number)
	content := &tacit.Content{
		Type: message.Type, Sequence: message.Number, ID: message.ID, SentAt: message.SentAt, Body: message.Body,
		Fence: fence, Echo: echo, Token: s.Token, Floor: p.floor(session.Start != nil, message.Number),
	}
	plain, err := content.Encode()
	if err != nil {
		return err
	}
	suite, _ := tacit.SuiteOf(session.Ratchet.Suite)
	next, wire, err := session.Seal(session.Mailbox, plain, d.draw("header.nonce", suite.Nonce),
		func() []byte { return d.draw("sealed.eph", 32) })
	if err != nil {
		return err
	}
	s.Endpoint.Sessions[h(next.ID)] = next
	s.Outbox = append(s.Outbox, Out{session.Mailbox, wire})
	if tacit.Numbered(message.Type) {
		p.log(message, wire, d.now)
	}
	return nil
}

// active is the session one sends in, nil for none.
func (s *state) active(p *peer) *tacit.Session {
	if p.Active == nil {
		return nil
	}
	return s.Endpoint.Sessions[p.Active.ID]
}

// log remembers a sealed message for retry requests.
func (p *peer) log(message draft, wire []byte, now uint64) {
	envelope, err := tacit.DecodeEnvelope(wire)
	if err != nil {
		panic(err)
	}
	p.Log.Add(message.ID, tacit.EnvelopeDigest(envelope.Body), now)
	known := func(one draft) bool { return bytes.Equal(one.ID, message.ID) }
	if !slices.ContainsFunc(p.Sent, known) {
		p.Sent = append(p.Sent, message)
		p.Sent = p.Sent[max(0, len(p.Sent)-len(p.Log.Entries)):]
	}
}

// answer lays a message that a retry request asks for in wait again.
func (p *peer) answer(digest []byte, now uint64) {
	id, ok := p.Log.Answer(digest, now)
	for _, message := range p.Sent {
		if ok && bytes.Equal(message.ID, id) {
			p.Waiting = append(p.Waiting, message)
		}
	}
}

// split takes the parts of the key of a window.
func split(key string) (account, device, conversation string) {
	parts := strings.Split(key, "/")
	return parts[0], parts[1], parts[2]
}
