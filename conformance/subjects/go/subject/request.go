// Package subject answers requests of the subject protocol with the packages
// tacit and device. Production code has no such way in.
//
// Spec: docs/spec/20-subject.md.
package subject

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"tacit.example/conformance/subjects/go/tacit"
)

// Request is a line the runner sends [subject.request.1].
type Request struct {
	ID    json.Number         `json:"id"`
	Op    string              `json:"op"`
	As    string              `json:"as"`
	In    Values              `json:"in"`
	Now   *uint64             `json:"now"`
	Coins map[string][]string `json:"coins"`
}

// Values are the members of "in": hexadecimal text, numbers, lists, objects.
type Values map[string]any

// Reply is the answer to a request: one of its members stands [subject.reply.1].
type Reply struct {
	ID          json.Number     `json:"id"`
	OK          any             `json:"ok,omitempty"`
	Reject      *Reject         `json:"reject,omitempty"`
	Unsupported *Unsupported    `json:"unsupported,omitempty"`
	Fault       *FaultOfProgram `json:"fault,omitempty"`
}

// Reject is a documented refusal of bad input.
type Reject struct {
	Stage string `json:"stage"`
	Class string `json:"class"`
}

// Unsupported names what is not implemented.
type Unsupported struct {
	Feature string `json:"feature"`
}

// FaultOfProgram is an ill-typed request or a mistake of this program.
type FaultOfProgram struct {
	Message string `json:"message"`
	Trace   string `json:"trace,omitempty"`
}

// badRequest is thrown by the accessors of Values and caught in Handle.
type badRequest string

// Line answers one line; last tells that the subject was asked to end.
func (s *Subject) Line(line []byte) (reply []byte, last bool) {
	var request Request
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	answer := Reply{ID: "0"}
	if err := decoder.Decode(&request); err != nil {
		answer.Fault = &FaultOfProgram{Message: "no request: " + err.Error()}
		if request.ID != "" {
			answer.ID = request.ID
		}
	} else {
		answer = s.Handle(&request)
	}
	out, err := json.Marshal(answer)
	if err != nil {
		out, _ = json.Marshal(Reply{ID: answer.ID, Fault: &FaultOfProgram{Message: err.Error()}})
	}
	return out, request.Op == "bye" && answer.OK != nil
}

// Handle answers one request.
func (s *Subject) Handle(request *Request) (reply Reply) {
	reply.ID = request.ID
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case badRequest:
			reply = Reply{ID: request.ID, Fault: &FaultOfProgram{Message: string(thrown)}}
		default:
			reply = Reply{ID: request.ID, Fault: &FaultOfProgram{Message: fmt.Sprint(thrown), Trace: string(debug.Stack())}}
		}
	}()
	if request.In == nil {
		panic(badRequest("in is missing"))
	}
	ok, err := s.do(request)
	var refusal *tacit.Refusal
	var fault tacit.Fault
	var unsupported unsupportedOp
	switch {
	case err == nil:
		reply.OK = ok
	case errors.As(err, &refusal):
		reply.Reject = &Reject{refusal.Stage(), refusal.Class}
	case errors.As(err, &fault):
		named := &tacit.Refusal{Class: "codec." + string(fault)}
		reply.Reject = &Reject{named.Stage(), named.Class}
	case errors.As(err, &unsupported):
		reply.Unsupported = &Unsupported{string(unsupported)}
	default:
		reply.Fault = &FaultOfProgram{Message: err.Error()}
	}
	return reply
}

type unsupportedOp string

func (u unsupportedOp) Error() string { return string(u) }

func (v Values) get(name string) any {
	value, ok := v[name]
	if !ok {
		panic(badRequest("in." + name + " is missing"))
	}
	return value
}

func (v Values) has(name string) bool { _, ok := v[name]; return ok }

func (v Values) bytes(name string) []byte { return asBytes(name, v.get(name)) }

// sized takes bytes of one length, as an argument of the own program has it.
func (v Values) sized(name string, length int) []byte {
	value := v.bytes(name)
	if len(value) != length {
		panic(badRequest(fmt.Sprintf("in.%s has not %d bytes", name, length)))
	}
	return value
}

func (v Values) uint(name string) uint64 { return asUint(name, v.get(name)) }

func (v Values) text(name string) string {
	value, ok := v.get(name).(string)
	if !ok {
		panic(badRequest("in." + name + " is no text"))
	}
	return value
}

func (v Values) flag(name string) bool {
	value, ok := v.get(name).(bool)
	if !ok {
		panic(badRequest("in." + name + " is no flag"))
	}
	return value
}

func (v Values) list(name string) []any { return asList(name, v.get(name)) }

func (v Values) byteses(name string) [][]byte {
	out := [][]byte{}
	for _, item := range v.list(name) {
		out = append(out, asBytes(name, item))
	}
	return out
}

func (v Values) uints(name string) []uint64 {
	out := []uint64{}
	for _, item := range v.list(name) {
		out = append(out, asUint(name, item))
	}
	return out
}

func (v Values) suite(name string) tacit.Suite {
	suite, ok := tacit.SuiteOf(v.uint(name))
	if !ok {
		panic(badRequest("in." + name + " is no suite"))
	}
	return suite
}

func asBytes(name string, value any) []byte {
	text, ok := value.(string)
	if !ok {
		panic(badRequest(name + " is no hexadecimal text"))
	}
	out, err := hex.DecodeString(text)
	if err != nil {
		panic(badRequest(name + ": " + err.Error()))
	}
	return out
}

func asUint(name string, value any) uint64 {
	number, ok := value.(json.Number)
	if !ok {
		panic(badRequest(name + " is no number"))
	}
	out, err := number.Int64()
	if err != nil || out < 0 || out > tacit.MaxUint {
		panic(badRequest(name + " is no integer of the protocol"))
	}
	return uint64(out)
}

func asList(name string, value any) []any {
	list, ok := value.([]any)
	if !ok {
		panic(badRequest(name + " is no list"))
	}
	return list
}

// object is what a reply carries; hexed turns bytes inside into text.
type object map[string]any

func h(b []byte) string { return hex.EncodeToString(b) }

func hs(list [][]byte) []string {
	out := []string{}
	for _, b := range list {
		out = append(out, h(b))
	}
	return out
}
