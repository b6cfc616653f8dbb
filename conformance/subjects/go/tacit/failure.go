package tacit

// Refusal is one cause of section 7.3: why input was not accepted. Errors of
// any other type are faults of the program or of the request.
type Refusal struct{ Class string }

func (r *Refusal) Error() string { return r.Class }

// Refuse names a cause.
func Refuse(class string) error { return &Refusal{class} }

// Stage is the place of the cause in the order of checks [failure.stage.1].
func (r *Refusal) Stage() string {
	if advice, ok := causes[r.Class]; ok {
		return advice.Stage
	}
	switch r.Class {
	case "codec.size", "codec.count", "codec.depth":
		return "limit"
	case "safety.version", "state.version":
		return "version"
	case "proof.same", "proof.consistent":
		return "apply"
	case "proof.accounts":
		return "authenticate"
	case "auth.signature", "safety.reflected", "safety.account", "safety.devices", "safety.digits":
		return "authenticate"
	}
	return "decode" // the other reasons of the codec, and state.corrupt
}

// Retry says whether trying again can help.
type Retry string

const (
	never   Retry = "never"
	request Retry = "request" // the sender, asked, can seal the message anew
	later   Retry = "later"   // once the remedy was applied
)

// Advice is a row of the table of causes [failure.closed.1].
type Advice struct {
	Stage    string
	Expected bool // it happens in normal use
	Retry    Retry
}

// Asked tells whether a retry request asks about it [session.retry.3].
func (a Advice) Asked() bool { return a.Retry == request }

// AdviceOf finds the row of a cause.
func AdviceOf(cause string) (Advice, bool) {
	advice, ok := causes[cause]
	return advice, ok
}

var causes = map[string]Advice{
	"decode.truncated":        {"decode", false, never},
	"decode.trailing":         {"decode", false, never},
	"decode.noncanonical":     {"decode", false, never},
	"decode.type":             {"decode", false, never},
	"decode.size":             {"limit", false, never},
	"decode.utf8":             {"decode", false, never},
	"decode.unknown-critical": {"decode", false, later},
	"decode.value":            {"decode", false, never},
	"decode.padding":          {"decode", false, never},
	"envelope.version":        {"version", false, later},
	"envelope.kind":           {"version", false, later},
	"envelope.mailbox":        {"lookup", false, never},
	"policy.suite":            {"policy", false, never},
	"policy.revoked-device":   {"policy", true, never},
	"policy.no-chain":         {"policy", false, later},
	"policy.identity-changed": {"policy", true, later},
	"policy.not-own":          {"policy", false, never},
	"lookup.no-session":       {"lookup", true, request},
	"lookup.prekey-unknown":   {"lookup", true, request},
	"lookup.prekey-consumed":  {"lookup", true, request},
	"lookup.manifest-gap":     {"lookup", false, later},
	"auth.tag":                {"authenticate", false, request},
	"auth.certificate":        {"authenticate", false, never},
	"auth.prekey":             {"authenticate", false, later},
	"auth.low-order":          {"authenticate", false, never},
	"auth.header":             {"authenticate", false, never},
	"auth.reflected":          {"authenticate", false, never},
	"auth.account":            {"authenticate", false, never},
	"auth.fork":               {"authenticate", false, never},
	"fresh.used-key":          {"freshness", true, never},
	"fresh.duplicate":         {"freshness", true, never},
	"fresh.stale":             {"freshness", true, never},
	"fresh.replayed-start":    {"freshness", true, never},
	"fresh.rollback":          {"freshness", false, never},
	"limit.skip":              {"limit", false, request},
	"limit.chain":             {"limit", false, later},
	"limit.unanswered":        {"limit", true, later},
	"limit.sessions":          {"limit", false, never},
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
