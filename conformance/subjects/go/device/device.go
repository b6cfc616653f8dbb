// Package device is a whole device of an account: sessions, sending, receiving,
// what it stores. It draws no randomness and takes no time of its own; the network
// is its caller's.
//
// Spec: docs/spec/04-accounts.md to 08-sessions.md, 16-state.md §16.2.
package device

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tacit.example/conformance/subjects/go/tacit"
)

// Draw gives fresh random bytes under a label of the appendix on coins.
type Draw func(label string, length int) []byte

// Device is a running device. Every operation either changes nothing and answers
// an error, or is stored as a whole before it answers.
type Device struct {
	state *state
	disk  []byte // what is stored durably
	draw  Draw
	now   uint64
	down  bool // the process died; only Restart brings it back
	// What the directory answers a name with when the device asks. It is no part of
	// the device, and stands beside it in every run.
	Directory map[string]Listing
	// What to ask about after messages that did not open; it ends with the process.
	probe bool
	asks  []question
}

// state is everything a device stores. Keys of maps are hexadecimal.
type state struct {
	User        string
	AccountSeed []byte
	AliasSeed   []byte
	Rendezvous  []byte
	SignSeed    []byte
	Secret      []byte // device secret
	Token       []byte // delivery token
	Manifest    []byte
	Own         tacit.Mark
	Endpoint    tacit.Endpoint
	Signed      uint64 // newest signed prekey, 0 for none
	KEMLast     uint64 // newest last-resort KEM prekey
	Contacts    map[string]*contact
	Names       map[string]*name
	Peers       map[string]*peer         // by device
	Windows     map[string]*tacit.Window // by account/device/conversation
	Sequence    map[string]tacit.Counter // of the direct conversation, by account
	Held        []heldStart
	Accused     uint64 // when a peer's word last proved a restoration, ms
	Probe       tacit.Probe
	Inbox       []Event
	Outbox      []Out
	Used        [][]byte // devices whose bundle was used up, until that is told
}

// contact is what is known of another account.
type contact struct {
	Manifest *tacit.Manifest // nil until the directory told
	Queue    []draft         // messages that wait, oldest first
}

// Listing is a directory's answer to a name.
type Listing struct {
	Account   []byte
	Manifests [][]byte
}

// name is a user name with the account pinned for it.
type name struct {
	Pinned  string
	Offered string // another account under the name, not accepted yet
}

// peer is one device of another account.
type peer struct {
	Account []byte
	tacit.Order
	Token   []byte
	Bundle  []byte // offered for the next session
	Fence   tacit.Fence
	Frozen  bool     // this device was restored and the peer has not answered yet
	AskedAt uint64   // when it was asked last, ms
	Reset   bool     // the next session begins with a reset notice
	Floor   *uint64  // the number before its first message, or before the first after healing
	Met     bool     // this device has addressed it
	Waiting []draft  // sealed for it as soon as that can be
	Owed    [][]byte // ids of messages a delivery receipt is still to be sent for
	Sent    []draft  // the messages of Log
	Log     tacit.Log
	Asked   tacit.Asked
}

// draft is content that is not sealed yet.
type draft struct {
	Type    uint64
	Number  uint64 // 0 for unnumbered, or not numbered yet
	ID      []byte
	SentAt  uint64
	Body    []byte
	ToBegin bool // only in a session begun for it
}

// question is a retry request to be made.
type question struct {
	Sender *tacit.Certificate
	Digest []byte
	Afresh bool // in a fresh session
}

type heldStart struct {
	Account string
	Wire    []byte
	Digest  []byte
}

// Event is something the user would see.
type Event map[string]any

// Out is an envelope on its way to a mailbox.
type Out struct {
	To   []byte
	Wire []byte
}

// New makes an account with one device, and starts it.
func New(user string, suites []uint64, now uint64, draw Draw) *Device {
	s := &state{
		User:        user,
		AccountSeed: draw("account.seed", 32),
		AliasSeed:   draw("account.alias", 32),
		Rendezvous:  draw("account.rendezvous", 32),
		SignSeed:    draw("device.sign", 32),
		Secret:      draw("device.secret", 32),
		Token:       draw("device.token", 16),
		Contacts:    map[string]*contact{},
		Names:       map[string]*name{},
		Peers:       map[string]*peer{},
		Windows:     map[string]*tacit.Window{},
		Sequence:    map[string]tacit.Counter{},
	}
	agreement := draw("device.agree", 32)
	certificate := tacit.Certificate{
		Account: tacit.Ed25519Public(s.AccountSeed), Device: tacit.Ed25519Public(s.SignSeed),
		Agreement: tacit.X25519Public(agreement), Role: tacit.RoleAdmin, ManifestVersion: 1,
	}
	manifest := tacit.Manifest{
		Account: certificate.Account, Version: 1, Previous: []byte{}, IssuedAt: now,
		Devices: []tacit.ListedDevice{{ID: certificate.Device, Agreement: certificate.Agreement, Role: tacit.RoleAdmin, Added: 1}},
	}
	s.Manifest = manifest.Sign(s.AccountSeed)
	s.Endpoint = tacit.Endpoint{
		Self: tacit.Self{
			Account: certificate.Account, Device: certificate.Device, Agreement: agreement,
			Certificate: certificate.Sign(s.AccountSeed), ManifestVersion: 1,
			Mailbox: draw("device.mailbox", 16), Suites: suites, User: user,
		},
		Prekeys: tacit.NewPrekeys(), Sessions: map[string]*tacit.Session{}, Seen: map[string]uint64{},
	}
	d := &Device{state: s, draw: draw, now: now, Directory: map[string]Listing{}}
	d.start() // it is made with generation 1,
	d.start() // and started as at any other time
	d.commit()
	return d
}

// Identity is what a new device tells of itself.
func (d *Device) Identity() (account, id, mailbox, manifest, certificate []byte) {
	self := d.state.Endpoint.Self
	return self.Account, self.Device, self.Mailbox, d.state.Manifest, self.Certificate
}

// At sets the clock, in ms.
func (d *Device) At(now uint64) { d.now = now }

// start raises the generation and renews the start id [fence.identity.1].
func (d *Device) start() {
	d.state.Own = tacit.NewMark(d.state.Secret, d.state.Own.Generation+1, d.draw("device.start", 4))
}

// Crash says where in an operation the process is to die.
type Crash int

const (
	NoCrash Crash = iota
	BeforePersist
	AfterPersist
)

// Done is what an operation has to show.
type Done struct {
	Events  []Event
	Out     []Out
	Used    [][]byte // devices whose offered bundle was used up
	Crashed bool
}

// change runs an operation on the state. On an error the state is what was stored;
// otherwise it is stored, and what it has to show counts as taken once it is
// answered: events by the application, envelopes by the relay.
func (d *Device) change(crash Crash, operation func() error) (*Done, error) {
	if d.down {
		return nil, fmt.Errorf("the device is not running")
	}
	if err := operation(); err != nil {
		d.reload()
		return nil, err
	}
	if crash != NoCrash {
		if crash == AfterPersist {
			d.commit()
		}
		d.down = true
		return &Done{Crashed: true}, nil
	}
	done := &Done{Events: d.state.Inbox, Out: d.state.Outbox, Used: d.state.Used}
	d.state.Inbox, d.state.Outbox, d.state.Used = nil, nil, nil
	d.commit()
	return done, nil
}

// silent runs an operation whose answer shows no events or envelopes; they wait.
func (d *Device) silent(operation func() error) error {
	if d.down {
		return fmt.Errorf("the device is not running")
	}
	if err := operation(); err != nil {
		d.reload()
		return err
	}
	d.commit()
	return nil
}

func (d *Device) commit() {
	disk, err := json.Marshal(d.state)
	if err != nil {
		panic(err)
	}
	d.disk = disk
}

func (d *Device) reload() {
	d.state = &state{}
	if err := json.Unmarshal(d.disk, d.state); err != nil {
		panic(err)
	}
}

// Restart ends and starts the device on what it stored.
func (d *Device) Restart() (*Done, error) {
	d.down, d.probe, d.asks = false, false, nil
	d.reload()
	return d.change(NoCrash, func() error {
		d.start()
		return d.flush()
	})
}

// Poll answers what came up since.
func (d *Device) Poll() (*Done, error) {
	return d.change(NoCrash, func() error { return d.flush() })
}

// Stored is what a digest of the device is made of.
func (d *Device) Stored() []byte { return d.disk }

func (d *Device) event(kind string, members ...any) {
	e := Event{"type": kind}
	for i := 0; i < len(members); i += 2 {
		e[members[i].(string)] = members[i+1]
	}
	d.state.Inbox = append(d.state.Inbox, e)
}

func h(b []byte) string { return hex.EncodeToString(b) }

func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}
