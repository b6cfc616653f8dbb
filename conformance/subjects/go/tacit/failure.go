package tacit

import "strings"

// Refusal is one cause of section 7.3: why input was not accepted. Errors of
// any other type are faults of the program or of the request.
type Refusal struct{ Class string }

func (r *Refusal) Error() string { return r.Class }

// Refuse names a cause.
func Refuse(class string) error { return &Refusal{class} }

// Stage is the place of the cause in the order of checks [failure.stage.1].
func (r *Refusal) Stage() string {
	if stage, ok := stages[r.Class]; ok {
		return stage
	}
	switch {
	case r.Class == "codec.size" || r.Class == "codec.count" || r.Class == "codec.depth":
		return "limit"
	case strings.HasPrefix(r.Class, "codec."):
		return "decode"
	}
	return "apply"
}

var stages = map[string]string{
	"decode.truncated":        "decode",
	"decode.trailing":         "decode",
	"decode.noncanonical":     "decode",
	"decode.type":             "decode",
	"decode.size":             "limit",
	"decode.utf8":             "decode",
	"decode.unknown-critical": "decode",
	"decode.value":            "decode",
	"decode.padding":          "decode",
	"envelope.version":        "version",
	"envelope.kind":           "version",
	"envelope.mailbox":        "lookup",
	"policy.suite":            "policy",
	"policy.revoked-device":   "policy",
	"policy.no-chain":         "policy",
	"policy.identity-changed": "policy",
	"lookup.no-session":       "lookup",
	"lookup.prekey-unknown":   "lookup",
	"lookup.prekey-consumed":  "lookup",
	"lookup.manifest-gap":     "lookup",
	"auth.tag":                "authenticate",
	"auth.certificate":        "authenticate",
	"auth.prekey":             "authenticate",
	"auth.low-order":          "authenticate",
	"auth.header":             "authenticate",
	"auth.reflected":          "authenticate",
	"auth.account":            "authenticate",
	"auth.fork":               "authenticate",
	"auth.signature":          "authenticate",
	"fresh.used-key":          "freshness",
	"fresh.duplicate":         "freshness",
	"fresh.stale":             "freshness",
	"fresh.replayed-start":    "freshness",
	"fresh.rollback":          "freshness",
	"limit.skip":              "limit",
	"limit.chain":             "limit",
	"limit.unanswered":        "limit",
	"limit.sessions":          "limit",
	"safety.version":          "version",
	"safety.reflected":        "authenticate",
	"safety.account":          "authenticate",
	"safety.devices":          "authenticate",
	"safety.digits":           "authenticate",
	"state.corrupt":           "decode",
	"state.version":           "version",
}

// Fault is a reason of section 2.6 for which bytes are no canonical encoding.
type Fault string

func (f Fault) Error() string { return string(f) }

// refusalOf reports a reason of the codec as a cause [failure.codec.1].
func refusalOf(err error) error {
	fault, ok := err.(Fault)
	if !ok {
		return err
	}
	switch fault {
	case "depth", "count":
		fault = "size"
	case "key-order", "duplicate-key":
		fault = "noncanonical"
	}
	return Refuse("decode." + string(fault))
}
