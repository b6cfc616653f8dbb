package subject

import (
	"tacit.example/conformance/subjects/go/device"
)

// deviceOp is an operation of a running device [20.5, 20.6].
type deviceOp func(d *device.Device, in Values) (any, error)

var deviceOps = map[string]deviceOp{
	"actor.new":     nil, // these two make the device
	"actor.restore": nil,
	"prekey.publish": func(d *device.Device, in Values) (any, error) {
		bundles, last, err := d.Publish(int(in.uint("count")))
		return object{"bundles": hs(bundles), "last": h(last)}, err
	},
	"peer.learn": func(d *device.Device, in Values) (any, error) {
		devices, err := d.Learn(in.text("user"), in.sized("account", 32), in.byteses("manifests"))
		return object{"devices": hs(devices)}, err
	},
	"peer.answer": func(d *device.Device, in Values) (any, error) {
		d.Directory[in.text("user")] = device.Listing{Account: in.sized("account", 32), Manifests: in.byteses("manifests")}
		return object{}, nil
	},
	"peer.accept": func(d *device.Device, in Values) (any, error) {
		return shown(d.Accept(in.text("user"), in.sized("account", 32)))
	},
	"peer.offer": func(d *device.Device, in Values) (any, error) {
		return object{}, d.Offer(in.sized("account", 32), in.sized("device", 32), in.bytes("bundle"))
	},
	"session.send": sessionSend,
	"session.reset": func(d *device.Device, in Values) (any, error) {
		done, err := d.Reset(in.sized("account", 32))
		if err != nil {
			return nil, err
		}
		return object{"out": outForm(done.Out), "used": hs(done.Used)}, nil
	},
	"receive": func(d *device.Device, in Values) (any, error) {
		done, err := d.Receive(in.bytes("wire"), crashOf(in))
		if done != nil && done.Crashed {
			// The answer is what acknowledges an envelope, and there was none.
			return object{"crashed": true, "acknowledged": false}, nil
		}
		return doneForm(done), err
	},
	"poll":          func(d *device.Device, _ Values) (any, error) { return shown(d.Poll()) },
	"actor.restart": func(d *device.Device, _ Values) (any, error) { return shown(d.Restart()) },
	"session.agree": func(d *device.Device, in Values) (any, error) {
		if id := d.Agree(in.sized("device", 32)); id != nil {
			return object{"session": h(id)}, nil
		}
		return object{}, nil
	},
	"inspect": func(d *device.Device, _ Values) (any, error) { return d.Counters(), nil },
	"actor.snapshot": func(d *device.Device, _ Values) (any, error) {
		return object{"snapshot": h(d.Snapshot())}, nil
	},
}

func (s *Subject) onDevice(op deviceOp, r *Request) (any, error) {
	a := s.devices[r.As]
	switch {
	case r.As == "":
		panic(badRequest("as is missing"))
	case s.seed == nil:
		panic(badRequest("no hello yet"))
	case a == nil && op != nil:
		panic(badRequest("no actor " + r.As))
	case a == nil:
		a = &actor{name: r.As, seed: s.seed, draws: map[string]uint32{}}
	}
	now := a.now
	if r.Now != nil {
		now = *r.Now
	}
	out, err := a.attempt(r, func() (any, error) {
		switch r.Op {
		case "actor.new":
			return a.begin(r.In, now)
		case "actor.restore":
			return a.restore(r.In, now)
		}
		a.device.At(now)
		return op(a.device, r.In)
	})
	if err == nil {
		a.now = now
		s.devices[r.As] = a
	}
	return out, err
}

func (a *actor) begin(in Values, now uint64) (any, error) {
	if a.device != nil {
		panic(badRequest("the actor exists"))
	}
	suites := []uint64{1, 2, 3}
	if in.has("suites") {
		suites = in.uints("suites")
	}
	a.device = device.New(in.text("user"), suites, now, a.draw)
	account, id, mailbox, manifest, certificate := a.device.Identity()
	return object{"account": h(account), "device": h(id), "mailbox": h(mailbox), "manifest": h(manifest), "certificate": h(certificate)}, nil
}

func (a *actor) restore(in Values, now uint64) (any, error) {
	restored, done, err := device.Restore(in.bytes("snapshot"), now, a.draw)
	if err != nil {
		return nil, err
	}
	if a.device != nil {
		restored.Directory = a.device.Directory
	}
	a.device = restored
	return doneForm(done), nil
}

func sessionSend(d *device.Device, in Values) (any, error) {
	sent, err := d.Send(in.sized("account", 32), in.bytes("text"), crashOf(in))
	if err != nil {
		return nil, err
	}
	if sent.Crashed {
		return object{"crashed": true}, nil
	}
	return object{"id": h(sent.ID), "number": sent.Number, "out": outForm(sent.Out), "used": hs(sent.Used)}, nil
}

func crashOf(in Values) device.Crash {
	if !in.has("crash") {
		return device.NoCrash
	}
	switch in.text("crash") {
	case "before-persist":
		return device.BeforePersist
	case "after-persist":
		return device.AfterPersist
	}
	panic(badRequest("in.crash is no place to crash"))
}

func shown(done *device.Done, err error) (any, error) { return doneForm(done), err }

func doneForm(done *device.Done) any {
	switch {
	case done == nil:
		return nil
	case done.Crashed:
		return object{"crashed": true}
	}
	events := done.Events
	if events == nil {
		events = []device.Event{}
	}
	return object{"events": events, "out": outForm(done.Out), "used": hs(done.Used)}
}

func outForm(list []device.Out) []object {
	out := []object{}
	for _, one := range list {
		out = append(out, object{"to": h(one.To), "wire": h(one.Wire)})
	}
	return out
}
