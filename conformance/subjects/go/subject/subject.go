package subject

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"tacit.example/conformance/subjects/go/tacit"
)

// Subject is all that is kept between requests.
type Subject struct {
	seed    []byte
	parties map[string]*party
	devices map[string]*actor
}

// New makes a subject that was not greeted yet.
func New() *Subject {
	s := &Subject{}
	s.reset()
	return s
}

func (s *Subject) reset() {
	s.parties, s.devices = map[string]*party{}, map[string]*actor{}
}

// call is an operation that keeps nothing between requests.
type call func(in Values) (any, error)

// step is an operation of an actor of a transcript.
type step func(p *party, in Values, now uint64) (any, error)

func (s *Subject) do(r *Request) (any, error) {
	switch r.Op {
	case "hello":
		return s.hello(r.In)
	case "reset":
		s.reset()
		return object{}, nil
	case "bye":
		return object{}, nil
	case "digest":
		return s.digest(r.As)
	}
	if call, ok := calls[r.Op]; ok {
		return call(r.In)
	}
	if step, ok := steps[r.Op]; ok && s.devices[r.As] == nil {
		if r.As == "" {
			panic(badRequest("as is missing"))
		}
		p := s.parties[r.As]
		if p == nil {
			p = &party{}
		}
		if r.Now != nil {
			p.now = *r.Now
		}
		now := p.now
		if r.In.has("now") {
			now = r.In.uint("now")
		}
		out, err := step(p, r.In, now)
		if err == nil {
			s.parties[r.As] = p
		}
		return out, err
	}
	if op, ok := deviceOps[r.Op]; ok {
		return s.onDevice(op, r)
	}
	return nil, unsupportedOp(r.Op)
}

func (s *Subject) hello(in Values) (any, error) {
	speaks := false
	for _, version := range in.uints("speaks") {
		speaks = speaks || version == 1
	}
	if !speaks {
		return nil, tacit.Refuse("envelope.version")
	}
	s.seed = in.sized("seed", 64)
	s.reset()
	families := object{}
	for _, family := range []string{"primitives", "labels", "encoding", "envelope", "agreement", "ratchet", "sequence", "safety", "identity", "device"} {
		families[family] = 1
	}
	return object{
		"name": "tacit-go", "version": "0.1.0", "language": "Go",
		"source": "conformance/subjects/go", "speaks": 1,
		"features": object{
			"families": families, "suites": []int{1, 2, 3}, "coins": "labelled", "deterministic": true,
			"snapshot": true, "crash": true,
			"inspect": []string{"skipped", "oneTime", "kemOneTime", "sessions", "held"},
		},
	}, nil
}

// digest changes exactly when what the actor keeps changes [subject.digest.1].
func (s *Subject) digest(as string) (any, error) {
	var kept any
	switch {
	case as == "":
		panic(badRequest("as is missing"))
	case s.devices[as] != nil:
		kept = s.devices[as].device.Stored()
	case s.parties[as] != nil:
		kept = s.parties[as]
	default:
		kept = &party{} // a party of a transcript that did nothing yet
	}
	encoded, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("digest: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return object{"digest": h(sum[:])}, nil
}
