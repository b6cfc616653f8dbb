package subject

import "tacit.example/conformance/subjects/go/tacit"

func init() {
	register(map[string]call{"failure.advice": advice})
	for name, one := range map[string]step{
		"sessions.list": func(p *party, _ Values, _ uint64) (any, error) {
			archived := []string{}
			for _, one := range p.Order.Archived {
				archived = append(archived, one.ID)
			}
			return object{"active": activeOf(&p.Order), "archived": archived}, nil
		},
		"sessions.begin": func(p *party, in Values, _ uint64) (any, error) {
			return p.ordered(p.Order.Begin(rankedOf(in)))
		},
		"sessions.start": func(p *party, in Values, _ uint64) (any, error) {
			return p.ordered(p.Order.Start(rankedOf(in), in.flag("takesOver"), in.flag("waits")))
		},
		"sessions.message": func(p *party, in Values, _ uint64) (any, error) {
			return p.ordered(p.Order.Message(h(in.sized("session", 16))))
		},
		"sessions.archive": func(p *party, _ Values, _ uint64) (any, error) {
			return p.ordered(p.Order.Archive())
		},
		"sessions.rank": func(p *party, _ Values, now uint64) (any, error) {
			return object{"rank": p.Order.Rank(now)}, nil
		},
		"retry.ask": func(p *party, in Values, now uint64) (any, error) {
			next, digests := p.Asked.Ask(in.byteses("digests"), now)
			p.Asked = next
			return object{"digests": hs(digests)}, nil
		},
		"retry.log": func(p *party, in Values, now uint64) (any, error) {
			p.Log.Add(in.bytes("content"), in.bytes("digest"), now)
			return object{"kept": len(p.Log.Entries)}, nil
		},
		"retry.answer": func(p *party, in Values, now uint64) (any, error) {
			message, ok := p.Log.Answer(in.bytes("digest"), now)
			if !ok {
				return object{"content": []string{}}, nil
			}
			p.Log.Add(message, in.bytes("sealed"), now)
			return object{"content": []string{h(message)}}, nil
		},
	} {
		steps[name] = one
	}
}

func advice(in Values) (any, error) {
	found, ok := tacit.AdviceOf(in.text("cause"))
	if !ok {
		panic(badRequest("in.cause is no cause"))
	}
	return object{"stage": found.Stage, "expected": found.Expected, "retry": found.Retry, "asked": found.Asked()}, nil
}

func rankedOf(in Values) tacit.Ranked {
	return tacit.Ranked{ID: h(in.sized("session", 16)), Rank: in.uint("rank")}
}

func activeOf(o *tacit.Order) string {
	if o.Active == nil {
		return ""
	}
	return o.Active.ID
}

func (p *party) ordered(dropped []string) (any, error) {
	if dropped == nil {
		dropped = []string{}
	}
	return object{"active": activeOf(&p.Order), "dropped": dropped}, nil
}
