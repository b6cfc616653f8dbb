package tacit

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Types of content of section 3.5.
const (
	TypeText    = 1
	TypeReceipt = 2
	TypeTyping  = 3
	TypeControl = 7
	TypeRetry   = 8
	TypeApp     = 9
)

// Device controls [content.device-control.1].
const (
	ControlAcknowledge = 1
	ControlReset       = 2
	ControlAsk         = 3 // resynchronise request
	ControlAnswer      = 4
)

// Mark is a fence: a generation and a start id of 8 bytes; a Mark of generation
// 0 is none.
type Mark struct {
	Generation uint64
	StartID    []byte
}

// Content is the plaintext structure of a message. Body is as it stands;
// Details is what it decodes to, by the type: nil where it is opaque.
type Content struct {
	Type         uint64
	Conversation []byte // empty, or 16 bytes
	Sequence     uint64
	ID           []byte
	SentAt       uint64
	Body         []byte
	Details      Record // receipt, typing, control, retry and application data
	Fence, Echo  Mark
	Token        []byte
	Fallback     *string
	Floor        *uint64
	ReplyTo      []byte
	Unknown      []Unknown
}

// Numbered tells whether a type is counted [content.numbered.1].
func Numbered(kind uint64) bool {
	return kind != TypeReceipt && kind != TypeTyping && kind != TypeControl && kind != TypeRetry
}

var (
	markLayout = lTuple(
		LayoutField{"generation", lUint(1, MaxUint)},
		LayoutField{"startId", lBytes(8, 8)},
	)
	contentLayout = lTuple(
		LayoutField{"type", lUint(0, MaxUint)},
		LayoutField{"conversation", lBytes(0, 16)},
		LayoutField{"sequence", lUint(0, MaxUint)},
		LayoutField{"messageId", lBytes(16, 16)},
		LayoutField{"sentAt", lUint(0, MaxUint)},
		LayoutField{"body", lBytes(0, MaxBody)},
		LayoutField{"extensions", lExtensions(
			LayoutElement{"fence", 1, markLayout},
			LayoutElement{"echo", 3, markLayout},
			LayoutElement{"deliveryToken", 5, lBytes(16, 16)},
			LayoutElement{"fallback", 7, lText(0, MaxFallback)},
			LayoutElement{"floor", 9, lUint(0, MaxUint)},
			LayoutElement{"replyTo", 11, lBytes(16, 16)},
		)},
	)
	receiptLayout = lTuple(
		LayoutField{"state", lUint(1, 2)},
		LayoutField{"messages", lList(1, MaxReceiptIDs, lBytes(16, 16))},
	)
	retryLayout = lList(1, MaxRetryDigests, lBytes(16, 16))
	appLayout   = lTuple(
		LayoutField{"mediaType", lText(1, 127)},
		LayoutField{"fallback", lText(0, MaxFallback)},
		LayoutField{"data", lBytes(0, MaxBody)},
	)
	receivedLayout = lList(0, MaxResynchronised, lTuple(
		LayoutField{"conversation", lBytes(0, 16)},
		LayoutField{"highest", lUint(0, MaxUint)},
	))
	controlLayout = &Layout{Kind: "oneOf", Tag: "control", Cases: []LayoutCase{
		{1, lTuple(LayoutField{"control", lLiteral(1)})},
		{2, lTuple(LayoutField{"control", lLiteral(2)}, LayoutField{"reason", lUint(0, MaxUint)})},
		{3, resynchroniseLayout(3)},
		{4, resynchroniseLayout(4)},
	}}
)

func resynchroniseLayout(control uint64) *Layout {
	return lTuple(
		LayoutField{"control", lLiteral(control)},
		LayoutField{"generation", lUint(1, MaxUint)},
		LayoutField{"startId", lBytes(8, 8)},
		LayoutField{"received", receivedLayout},
	)
}

// DecodeContent reads content; direct is the identifier of the direct
// conversation, whose long form is refused. Checks come in the order of 3.5.
func DecodeContent(in, direct []byte) (*Content, error) {
	if len(in) > MaxContent {
		return nil, Refuse("decode.size")
	}
	record, err := contentLayout.Read(in)
	if err != nil {
		return nil, err
	}
	c := &Content{
		Type:         record.Uint("type"),
		Conversation: record.Bytes("conversation"),
		Sequence:     record.Uint("sequence"),
		ID:           record.Bytes("messageId"),
		SentAt:       record.Uint("sentAt"),
		Body:         record.Bytes("body"),
	}
	if err := checkConversation(c.Conversation, direct); err != nil {
		return nil, err
	}
	if Numbered(c.Type) == (c.Sequence == 0) {
		return nil, Refuse("decode.value")
	}
	if c.Details, err = decodeBody(c.Type, c.Body, direct); err != nil {
		return nil, err
	}
	c.extend(record.Record("extensions"))
	return c, nil
}

func (c *Content) extend(slot Record) {
	c.Unknown = slot["unknown"].([]Unknown)
	if v, ok := slot["fence"].(Record); ok {
		c.Fence = Mark{v.Uint("generation"), v.Bytes("startId")}
	}
	if v, ok := slot["echo"].(Record); ok {
		c.Echo = Mark{v.Uint("generation"), v.Bytes("startId")}
	}
	if v, ok := slot["fallback"].(string); ok {
		c.Fallback = &v
	}
	if v, ok := slot["floor"].(uint64); ok {
		c.Floor = &v
	}
	c.Token, _ = slot["deliveryToken"].([]byte)
	c.ReplyTo, _ = slot["replyTo"].([]byte)
}

func checkConversation(id, direct []byte) error {
	if len(id) != 0 && len(id) != 16 {
		return Refuse("decode.size")
	}
	if bytes.Equal(id, direct) {
		return Refuse("decode.noncanonical")
	}
	return nil
}

func decodeBody(kind uint64, body, direct []byte) (Record, error) {
	switch kind {
	case TypeText:
		if !utf8.Valid(body) {
			return nil, Refuse("decode.utf8")
		}
	case TypeReceipt:
		record, err := receiptLayout.Read(body)
		if err != nil {
			return nil, err
		}
		return record, unrepeated(record.List("messages"))
	case TypeTyping:
		switch {
		case len(body) == 0:
			return nil, Refuse("decode.truncated")
		case len(body) > 1:
			return nil, Refuse("decode.trailing")
		case body[0] > 1:
			return nil, Refuse("decode.value")
		}
		return Record{"typing": body[0] == 1}, nil
	case TypeControl:
		record, err := controlLayout.Read(body)
		if err != nil {
			return nil, err
		}
		if record.Uint("control") >= ControlAsk {
			return record, checkReceived(record.List("received"), direct)
		}
		return record, nil
	case TypeRetry:
		digests, err := retryLayout.Decode(body)
		if err != nil {
			return nil, refusalOf(err)
		}
		return Record{"digests": digests}, nil
	case TypeApp:
		record, err := appLayout.Read(body)
		if err != nil {
			return nil, err
		}
		for _, char := range []byte(record.Text("mediaType")) {
			if char < 0x20 || char > 0x7e {
				return nil, Refuse("decode.value")
			}
		}
		return record, nil
	}
	return nil, nil
}

func unrepeated(ids []any) error {
	seen := map[string]bool{}
	for _, id := range ids {
		key := string(id.([]byte))
		if seen[key] {
			return Refuse("decode.value")
		}
		seen[key] = true
	}
	return nil
}

// checkReceived checks the conversations of the pairs [content.device-control.2]:
// lengths before the order.
func checkReceived(pairs []any, direct []byte) error {
	for _, pair := range pairs {
		if n := len(pair.(Record).Bytes("conversation")); n != 0 && n != 16 {
			return Refuse("decode.size")
		}
	}
	for i, pair := range pairs {
		id := pair.(Record).Bytes("conversation")
		if bytes.Equal(id, direct) {
			return Refuse("decode.noncanonical")
		}
		if i > 0 && bytes.Compare(pairs[i-1].(Record).Bytes("conversation"), id) >= 0 {
			return Refuse("decode.noncanonical")
		}
	}
	return nil
}

// Encode gives the canonical bytes; content above the bound is refused.
func (c *Content) Encode() ([]byte, error) {
	slot := []Pair{}
	add := func(key uint64, present bool, value func() any) {
		if present {
			slot = append(slot, Pair{key, value()})
		}
	}
	add(1, c.Fence.Generation > 0, func() any { return []any{c.Fence.Generation, c.Fence.StartID} })
	add(3, c.Echo.Generation > 0, func() any { return []any{c.Echo.Generation, c.Echo.StartID} })
	add(5, len(c.Token) > 0, func() any { return c.Token })
	add(7, c.Fallback != nil, func() any { return *c.Fallback })
	add(9, c.Floor != nil, func() any { return *c.Floor })
	add(11, len(c.ReplyTo) > 0, func() any { return c.ReplyTo })
	for _, unknown := range c.Unknown {
		add(unknown.Key, true, func() any { return Raw(unknown.Value) })
	}
	slices.SortFunc(slot, func(a, b Pair) int { return int(a.Key) - int(b.Key) })
	out := Encode([]any{c.Type, c.Conversation, c.Sequence, c.ID, c.SentAt, c.Body, slot})
	if len(c.Body) > MaxBody || len(out) > MaxContent {
		return nil, Refuse("decode.size")
	}
	return out, nil
}
