package subject

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"tacit.example/conformance/subjects/go/tacit"
)

// party is an actor of a transcript: what the operations of vector files keep.
type party struct {
	Ratchet   *tacit.Ratchet
	Window    *tacit.Window
	Secret    []byte
	Own       tacit.Mark
	Fence     tacit.Fence
	Restored  tacit.Mark
	Order     tacit.Order // of sessions that are only named
	Asked     tacit.Asked
	Log       tacit.Log
	Counter   tacit.Counter
	Probe     tacit.Probe
	Endpoint  *tacit.Endpoint
	Orders    map[string]*tacit.Order // by peer device
	Manifests map[string]*tacit.Manifest
	now       uint64
}

// steps are the operations of transcripts, by name.
var steps = map[string]step{
	"ratchet.initiate": func(p *party, in Values, _ uint64) (any, error) {
		r, err := tacit.Initiate(in.suite("suite"), in.bytes("ad"), agreed(in), in.sized("ratchetSecret", 32), in.bytes("peerRatchet"))
		if err != nil {
			return nil, err
		}
		p.Ratchet = r
		return ratchetKey(p), nil
	},
	"ratchet.respond": func(p *party, in Values, _ uint64) (any, error) {
		p.Ratchet = tacit.Respond(in.suite("suite"), in.bytes("ad"), agreed(in), in.sized("ratchetSecret", 32))
		return ratchetKey(p), nil
	},
	"ratchet.restore": ratchetRestore,
	"ratchet.seal": func(p *party, in Values, _ uint64) (any, error) {
		next, message, err := p.ratchet().Seal(in.bytes("prefix"), in.bytes("padded"), in.bytes("nonce"))
		if err != nil {
			return nil, err
		}
		p.Ratchet = next
		return object{"message": h(message)}, nil
	},
	"ratchet.open": func(p *party, in Values, now uint64) (any, error) {
		opening, err := p.ratchet().Open(in.bytes("prefix"), in.bytes("message"), now, fresh(in))
		if err != nil {
			return nil, err
		}
		p.Ratchet = opening.Next
		return object{"padded": h(opening.Padded), "late": opening.Late}, nil
	},
	"ratchet.reload": func(p *party, _ Values, _ uint64) (any, error) {
		p.Ratchet = reload(p.ratchet())
		return object{}, nil
	},
	"ratchet.state": func(p *party, _ Values, _ uint64) (any, error) {
		r := p.ratchet()
		return object{"sent": r.Sent, "received": r.Received, "previous": r.Previous, "stored": len(r.Skipped)}, nil
	},
	"window.accept": windowAccept,
	"window.gaps": func(p *party, _ Values, _ uint64) (any, error) {
		return object{"gaps": ranges(p.window().Missing)}, nil
	},
	"window.reload": func(p *party, _ Values, _ uint64) (any, error) {
		p.Window = reload(p.window())
		return object{}, nil
	},
	"fence.start": func(p *party, in Values, _ uint64) (any, error) {
		p.Secret = in.sized("secret", 32)
		p.Own = tacit.NewMark(p.Secret, p.Own.Generation+1, in.sized("random", 4))
		return object{"generation": p.Own.Generation, "startId": h(p.Own.StartID)}, nil
	},
	"fence.carry": func(p *party, _ Values, _ uint64) (any, error) {
		fence, echo := p.Fence.Carry(p.Own)
		return object{"fence": markForm(fence), "echo": markForm(echo)}, nil
	},
	"fence.observe": func(p *party, in Values, _ uint64) (any, error) {
		next, seen := p.Fence.Observe(p.Secret, p.Own, markOf(in, "fence"), markOf(in, "echo"), in.flag("late"))
		p.Fence, p.Restored = next, seen.Restored
		return object{"peerRollback": seen.PeerRollback, "restored": markForm(seen.Restored)}, nil
	},
	"fence.recover": func(p *party, in Values, _ uint64) (any, error) {
		generation := max(p.Own.Generation, p.Restored.Generation) + 1
		p.Own = tacit.NewMark(p.Secret, generation, in.sized("random", 4))
		return object{"generation": p.Own.Generation, "startId": h(p.Own.StartID)}, nil
	},
	"counter.restore": func(p *party, in Values, _ uint64) (any, error) {
		p.Counter = tacit.Counter{Last: in.uint("last")}
		return object{}, nil
	},
	"counter.take": func(p *party, _ Values, _ uint64) (any, error) {
		next, number, floor, err := p.Counter.Take()
		p.Counter = next
		return object{"number": number, "floor": floor}, err
	},
	"counter.behind": func(p *party, in Values, _ uint64) (any, error) {
		return object{"behind": p.Counter.Behind(in.uint("received"))}, nil
	},
	"counter.resume": func(p *party, in Values, _ uint64) (any, error) {
		p.Counter = p.Counter.Resume(in.uint("received"))
		return object{"last": p.Counter.Last}, nil
	},
	"fence.probe": func(p *party, in Values, now uint64) (any, error) {
		next, asked := p.Probe.Ask(now, int(in.uint("active")))
		p.Probe = next
		return object{"asked": asked}, nil
	},
	"device.begin": func(p *party, in Values, _ uint64) (any, error) {
		if p.Endpoint == nil {
			p.Endpoint = &tacit.Endpoint{Prekeys: tacit.NewPrekeys(), Sessions: map[string]*tacit.Session{}, Seen: map[string]uint64{}}
		}
		p.Endpoint.Self = tacit.Self{
			Account: in.bytes("account"), Device: in.bytes("device"), Agreement: in.sized("agreementSecret", 32),
			Certificate: in.bytes("certificate"), ManifestVersion: 1, Mailbox: in.sized("mailbox", 16), Suites: in.uints("suites"),
		}
		return object{}, nil
	},
	"device.prekeys": func(p *party, in Values, now uint64) (any, error) {
		e := p.endpoint()
		e.Prekeys = tacit.NewPrekeys()
		e.Prekeys.Signed, _ = secrets(in, "signed", now)
		e.Prekeys.KEMLast, _ = secrets(in, "kemLast", now)
		e.Prekeys.OneTime, e.Prekeys.LastOneTime = secrets(in, "oneTime", now)
		e.Prekeys.KEMOneTime, e.Prekeys.LastKEMOneTime = secrets(in, "kemOneTime", now)
		return object{}, nil
	},
	"device.left": func(p *party, _ Values, _ uint64) (any, error) {
		keys := p.endpoint().Prekeys
		return object{"oneTime": ids(keys.OneTime), "kemOneTime": ids(keys.KEMOneTime)}, nil
	},
	"device.forget-sessions": func(p *party, _ Values, _ uint64) (any, error) {
		p.endpoint().Sessions = map[string]*tacit.Session{}
		p.Orders = nil
		return object{}, nil
	},
	"session.active": func(p *party, in Values, _ uint64) (any, error) {
		return object{"session": activeOf(p.order(in.bytes("peer")))}, nil
	},
	"session.reset": func(p *party, in Values, _ uint64) (any, error) {
		p.endpoint().Drop(p.order(in.bytes("peer")).Archive())
		return object{}, nil
	},
	"session.begin":     sessionBegin,
	"session.seal":      sessionSeal,
	"session.seal-many": sealMany,
	"session.receive":   sessionReceive,
}

func (p *party) ratchet() *tacit.Ratchet {
	if p.Ratchet == nil {
		panic(badRequest("the actor has no ratchet"))
	}
	return p.Ratchet
}

func (p *party) window() *tacit.Window {
	if p.Window == nil {
		return &tacit.Window{}
	}
	return p.Window
}

func (p *party) endpoint() *tacit.Endpoint {
	if p.Endpoint == nil {
		panic(badRequest("the actor has no device"))
	}
	return p.Endpoint
}

func (p *party) order(device []byte) *tacit.Order {
	if p.Orders == nil {
		p.Orders = map[string]*tacit.Order{}
	}
	if p.Orders[h(device)] == nil {
		p.Orders[h(device)] = &tacit.Order{}
	}
	return p.Orders[h(device)]
}

func agreed(in Values) tacit.Agreed {
	return tacit.Agreed{Root: in.sized("rootKey", 32), InitiatorHeader: in.sized("initiatorHeader", 32), ResponderHeader: in.sized("responderHeader", 32)}
}

func ratchetKey(p *party) object {
	return object{"ratchetKey": h(tacit.X25519Public(p.Ratchet.Secret))}
}

// fresh gives the ratchet secret of the request when it is asked for.
func fresh(in Values) func() []byte {
	return func() []byte { return in.sized("fresh", 32) }
}

func ratchetRestore(p *party, in Values, _ uint64) (any, error) {
	optional := func(name string) []byte {
		if in.has(name) {
			return in.bytes(name)
		}
		return nil
	}
	p.Ratchet = &tacit.Ratchet{
		Suite: uint64(in.suite("suite").ID), AD: in.bytes("ad"), Root: in.bytes("rootKey"),
		Secret: in.sized("ratchetSecret", 32), Peer: optional("peerRatchet"),
		SendChain: optional("sendChain"), ReceiveChain: optional("receiveChain"),
		SendHeader: optional("sendHeader"), ReceiveHeader: optional("receiveHeader"),
		NextSend: in.bytes("nextSendHeader"), NextReceive: in.bytes("nextReceiveHeader"),
		Sent: in.uint("sent"), Received: in.uint("received"), Previous: in.uint("previous"),
	}
	return ratchetKey(p), nil
}

// reload writes a part of the state and reads it back.
func reload[T any](part *T) *T {
	encoded, err := json.Marshal(part)
	if err != nil {
		panic(err)
	}
	again := new(T)
	if err := json.Unmarshal(encoded, again); err != nil {
		panic(err)
	}
	return again
}

func windowAccept(p *party, in Values, _ uint64) (any, error) {
	floor := uint64(0)
	if in.has("floor") {
		floor = in.uint("floor")
	}
	next, done, err := p.window().Accept(in.uint("number"), floor)
	if err != nil {
		return nil, err
	}
	p.Window = next
	gap := []uint64{}
	if done.Gap != nil {
		gap = []uint64{done.Gap.From, done.Gap.To}
	}
	return object{"late": done.Late, "filled": done.Filled, "gap": gap, "lost": ranges(done.Lost)}, nil
}

func ranges(list []tacit.Range) []any {
	out := []any{}
	for _, r := range list {
		out = append(out, []uint64{r.From, r.To})
	}
	return out
}

func markForm(m tacit.Mark) []any {
	if m.Generation == 0 {
		return []any{}
	}
	return []any{m.Generation, h(m.StartID)}
}

func markOf(in Values, name string) tacit.Mark {
	parts := in.list(name)
	if len(parts) == 0 {
		return tacit.Mark{}
	}
	if len(parts) != 2 {
		panic(badRequest(name + " is no fence"))
	}
	return tacit.Mark{Generation: asUint(name, parts[0]), StartID: asBytes(name, parts[1])}
}

func secrets(in Values, name string, now uint64) (map[uint64]tacit.Secret, uint64) {
	out, last := map[uint64]tacit.Secret{}, uint64(0)
	for _, item := range in.list(name) {
		pair := asList(name, item)
		if len(pair) != 2 {
			panic(badRequest(name + " is no list of id and secret"))
		}
		id := asUint(name, pair[0])
		out[id], last = tacit.Secret{Key: asBytes(name, pair[1]), Created: now}, max(last, id)
	}
	return out, last
}

func ids(left map[uint64]tacit.Secret) []uint64 {
	out := []uint64{}
	for id := range left {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func sessionBegin(p *party, in Values, _ uint64) (any, error) {
	e := p.endpoint()
	bundle, err := tacit.CheckBundle(in.bytes("bundle"), in.bytes("account"))
	if err != nil {
		return nil, err
	}
	session, err := e.Self.Begin(bundle, in.uints("suites"), in.uint("rank"),
		in.sized("ephemeralSecret", 32), in.sized("kemCoins", 32), in.sized("ratchetSecret", 32))
	if err != nil {
		return nil, err
	}
	e.Sessions[h(session.ID)] = session
	e.Drop(p.order(session.Peer.Device).Begin(session.Ranked()))
	return object{"suite": session.Ratchet.Suite, "session": h(session.ID), "start": h(session.Digest)}, nil
}

func sessionSeal(p *party, in Values, _ uint64) (any, error) {
	e := p.endpoint()
	session := e.Sessions[in.text("session")]
	if session == nil {
		return nil, fmt.Errorf("no session %s", in.text("session"))
	}
	next, envelope, err := session.Seal(in.sized("to", 16), in.bytes("content"), in.bytes("nonce"),
		func() []byte { return in.sized("ephemeralSecret", 32) })
	if err != nil {
		return nil, err
	}
	e.Sessions[h(next.ID)] = next
	return object{"envelope": h(envelope)}, nil
}

// sealMany seals so many envelopes that nobody looks at, or none.
func sealMany(p *party, in Values, _ uint64) (any, error) {
	e := p.endpoint()
	session := e.Sessions[in.text("session")]
	if session == nil {
		return nil, fmt.Errorf("no session %s", in.text("session"))
	}
	suite, _ := tacit.SuiteOf(session.Ratchet.Suite)
	count := in.uint("count")
	for i := range count {
		drawn := tacit.Hash(tacit.Concat(session.ID, binary.BigEndian.AppendUint64(nil, i)))
		next, _, err := session.Seal(in.sized("to", 16), in.bytes("content"), drawn[:suite.Nonce], func() []byte { return drawn })
		if err != nil {
			return nil, err
		}
		session = next
	}
	e.Sessions[h(session.ID)] = session
	return object{"sealed": count}, nil
}

func sessionReceive(p *party, in Values, now uint64) (any, error) {
	e := p.endpoint()
	opened, err := e.Receive(in.bytes("envelope"), now, fresh(in), nil)
	if err != nil {
		return nil, err
	}
	e.Keep(opened)
	e.Settle(p.order(opened.Session.Peer.Device), opened)
	return object{"session": h(opened.Session.ID), "from": h(opened.Session.Peer.Device), "content": h(opened.Plain), "late": opened.Late}, nil
}
