package tacit

import "bytes"

// Kinds of envelopes of section 3.1 that a device opens.
const (
	KindStart   = 1
	KindMessage = 2
)

// Envelope is the outermost frame.
type Envelope struct {
	Kind uint64
	To   []byte // mailbox, 16 bytes
	Body []byte
}

var envelopeLayout = lTuple(
	LayoutField{"version", lLiteral(1)},
	LayoutField{"kind", lUint(1, 5)},
	LayoutField{"to", lBytes(16, 16)},
	LayoutField{"body", lBytes(1, MaxEnvelope)},
)

// DecodeEnvelope reads an envelope; version and kind come before what is wrong
// behind them [envelope.order.1].
func DecodeEnvelope(in []byte) (*Envelope, error) {
	if len(in) > MaxEnvelope {
		return nil, Refuse("decode.size")
	}
	d := &decoder{in: in}
	if n, err := d.array(0, MaxItems, 1); err == nil && n > 0 {
		version, err := d.uint(0, MaxUint)
		if err == nil && version != 1 {
			return nil, Refuse("envelope.version")
		}
		if err == nil && n > 1 {
			if kind, err := d.uint(0, MaxUint); err == nil && (kind < 1 || kind > 5) {
				return nil, Refuse("envelope.kind")
			}
		}
	}
	record, err := envelopeLayout.Read(in)
	if err != nil {
		return nil, err
	}
	return &Envelope{record.Uint("kind"), record.Bytes("to"), record.Bytes("body")}, nil
}

// Encode gives the envelope as it travels; one above the bound is refused.
func (e *Envelope) Encode() ([]byte, error) {
	out := Encode([]any{1, e.Kind, e.To, e.Body})
	if len(out) > MaxEnvelope {
		return nil, Refuse("decode.size")
	}
	return out, nil
}

// Prefix is the envelope prefix, associated data of what is sealed in the body.
func Prefix(kind uint64, to []byte) []byte { return Encode([]any{1, kind, to}) }

// EnvelopeDigest names an envelope in a retry request [content.retry.1].
func EnvelopeDigest(body []byte) []byte { return Hash(Label("envelope digest", body))[:16] }

// DirectConversation is the identifier of two accounts' conversation.
func DirectConversation(a, b []byte) []byte {
	if bytes.Compare(a, b) > 0 {
		a, b = b, a
	}
	return Hash(Label("direct conversation", a, b))[:16]
}
