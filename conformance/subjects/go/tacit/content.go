package tacit

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// Types of content of section 3.5.
const (
	TypeText    = 1
	TypeReceipt = 2
	TypeTyping  = 3
	TypeFile    = 4
	TypeControl = 7
	TypeRetry   = 8
	TypeApp     = 9
	TypeOwn     = 10
)

// Device controls [content.device-control.1].
const (
	ControlAcknowledge = 1
	ControlReset       = 2
	ControlAsk         = 3 // resynchronise request
	ControlAnswer      = 4
)

// Kinds of words between own devices [content.own.1].
const (
	OwnSent     = 1
	OwnRead     = 2
	OwnContact  = 3
	OwnReceived = 4
	OwnHistory  = 5
	OwnArchive  = 6
	OwnSettings = 7
	OwnVerified = 8
)

// Lists are the versions of two manifests: the sender's own, and the one by
// which it addressed the recipient's devices; Own 0 is none.
type Lists struct {
	Own, Peer uint64
}

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
	Lists        Lists
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
		LayoutField{"body", lBytes(0, MaxOwnBody)},
		LayoutField{"extensions", lExtensions(
			LayoutElement{"fence", 1, markLayout},
			LayoutElement{"echo", 3, markLayout},
			LayoutElement{"deliveryToken", 5, lBytes(16, 16)},
			LayoutElement{"fallback", 7, lText(0, MaxFallback)},
			LayoutElement{"floor", 9, lUint(0, MaxUint)},
			LayoutElement{"replyTo", 11, lBytes(16, 16)},
			LayoutElement{"lists", 13, lTuple(
				LayoutField{"own", lUint(1, MaxUint)},
				LayoutField{"peer", lUint(0, MaxUint)},
			)},
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
	mediaLayout = lText(1, 127)
	fileLayout  = lTuple(
		LayoutField{"id", lBytes(32, 32)},
		LayoutField{"key", lBytes(32, 32)},
		LayoutField{"length", lUint(0, MaxFile)},
		LayoutField{"mediaType", mediaLayout},
		LayoutField{"name", lText(0, MaxFileName)},
		LayoutField{"expiresAt", lUint(0, MaxUint)},
		LayoutField{"place", lText(1, MaxPlace)},
		LayoutField{"preview", lList(0, 1, lTuple(
			LayoutField{"mediaType", mediaLayout},
			LayoutField{"data", lBytes(1, MaxPreview)},
		))},
		LayoutField{"extensions", lExtensions()},
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

// ownLayout holds the kinds of content.own.1.
var ownLayout = &Layout{Kind: "oneOf", Tag: "kind", Cases: []LayoutCase{
	{OwnSent, lTuple(
		LayoutField{"kind", lLiteral(OwnSent)},
		LayoutField{"peer", lBytes(32, 32)},
		LayoutField{"content", lBytes(1, MaxOwnBody)},
	)},
	{OwnRead, lTuple(
		LayoutField{"kind", lLiteral(OwnRead)},
		LayoutField{"peer", lBytes(32, 32)},
		LayoutField{"messages", lList(1, MaxReceiptIDs, lBytes(16, 16))},
	)},
	{OwnContact, lTuple(
		LayoutField{"kind", lLiteral(OwnContact)},
		LayoutField{"account", lBytes(32, 32)},
		LayoutField{"user", lText(0, MaxUserName)},
		LayoutField{"state", lUint(1, MaxUint)},
		LayoutField{"verified", lBytes(0, 32)},
	)},
	{OwnReceived, lTuple(
		LayoutField{"kind", lLiteral(OwnReceived)},
		LayoutField{"peer", lBytes(32, 32)},
		LayoutField{"device", lBytes(32, 32)},
		LayoutField{"receivedAt", lUint(0, MaxUint)},
		LayoutField{"content", lBytes(1, MaxOwnBody)},
	)},
	{OwnHistory, ownDataLayout(OwnHistory)},
	{OwnArchive, ownDataLayout(OwnArchive)},
	{OwnSettings, lTuple(
		LayoutField{"kind", lLiteral(OwnSettings)},
		LayoutField{"settings", lList(0, MaxSettings, lTuple(
			LayoutField{"name", lText(1, MaxSettingName)},
			LayoutField{"stamp", lUint(1, MaxStamp)},
			LayoutField{"device", lBytes(32, 32)},
			LayoutField{"value", lList(0, 1, lBytes(0, MaxSetting))},
		))},
	)},
	{OwnVerified, lTuple(
		LayoutField{"kind", lLiteral(OwnVerified)},
		LayoutField{"account", lBytes(32, 32)},
		LayoutField{"stamp", lUint(1, MaxStamp)},
		LayoutField{"device", lBytes(32, 32)},
		LayoutField{"print", lBytes(0, 32)},
	)},
}}

func ownDataLayout(kind uint64) *Layout {
	return lTuple(LayoutField{"kind", lLiteral(kind)}, LayoutField{"data", lBytes(1, MaxBody)})
}

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
	if c.Type != TypeOwn && len(c.Body) > MaxBody {
		return nil, Refuse("decode.size")
	}
	if err := checkConversation(c.Conversation, direct); err != nil {
		return nil, err
	}
	if c.Type == TypeOwn && len(c.Conversation) > 0 {
		return nil, Refuse("decode.value")
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
	if v, ok := slot["lists"].(Record); ok {
		c.Lists = Lists{v.Uint("own"), v.Uint("peer")}
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
		return record, printable(record.Text("mediaType"), 0x20)
	case TypeFile:
		record, err := fileLayout.Read(body)
		if err != nil {
			return nil, err
		}
		return record, checkFile(record)
	case TypeOwn:
		return decodeOwn(body)
	}
	return nil, nil
}

// checkFile holds what attachment.reference.2 says of media types, names and places.
func checkFile(file Record) error {
	texts := []string{file.Text("mediaType")}
	for _, preview := range file.List("preview") {
		texts = append(texts, preview.(Record).Text("mediaType"))
	}
	for _, text := range texts {
		if err := printable(text, 0x20); err != nil {
			return err
		}
	}
	name, place := file.Text("name"), file.Text("place")
	if name == "." || name == ".." || strings.ContainsAny(name, "/\\\x7f") {
		return Refuse("decode.value")
	}
	for _, char := range name {
		if char < 0x20 {
			return Refuse("decode.value")
		}
	}
	if !strings.HasPrefix(place, "https://") && !strings.HasPrefix(place, "http://") {
		return Refuse("decode.value")
	}
	return printable(place, 0x21)
}

// printable refuses characters that are not ASCII from the least to 0x7e.
func printable(text string, least byte) error {
	for _, char := range []byte(text) {
		if char < least || char > 0x7e {
			return Refuse("decode.value")
		}
	}
	return nil
}

// decodeOwn reads a word between own devices; of a kind of a later version the
// record holds its bytes alone [content.own.3].
func decodeOwn(body []byte) (Record, error) {
	d := &decoder{in: body}
	if _, err := d.array(1, MaxItems, 1); err != nil {
		return nil, refusalOf(err)
	}
	kind, err := d.uint(0, MaxUint)
	if err != nil {
		return nil, refusalOf(err)
	}
	if kind == 0 || kind > OwnVerified {
		if _, err := DecodeValue(body); err != nil {
			return nil, refusalOf(err)
		}
		return Record{"data": body}, nil
	}
	record, err := ownLayout.Read(body)
	if err != nil {
		return nil, err
	}
	switch kind {
	case OwnRead:
		return record, unrepeated(record.List("messages"))
	case OwnSettings:
		return record, ascending(record.List("settings"))
	case OwnContact:
		return record, isPrint(record.Bytes("verified"))
	case OwnVerified:
		return record, isPrint(record.Bytes("print"))
	}
	return record, nil
}

func isPrint(print []byte) error {
	if len(print) != 0 && len(print) != 32 {
		return Refuse("decode.size")
	}
	return nil
}

// ascending holds names of settings: ASCII from 0x21 to 0x7e, in ascending order.
func ascending(settings []any) error {
	names := make([]string, len(settings))
	for i, setting := range settings {
		names[i] = setting.(Record).Text("name")
		for _, c := range []byte(names[i]) {
			if c < 0x21 || c > 0x7e {
				return Refuse("decode.value")
			}
		}
	}
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			return Refuse("decode.noncanonical")
		}
	}
	return nil
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
	add(13, c.Lists.Own > 0, func() any { return []any{c.Lists.Own, c.Lists.Peer} })
	for _, unknown := range c.Unknown {
		add(unknown.Key, true, func() any { return Raw(unknown.Value) })
	}
	slices.SortFunc(slot, func(a, b Pair) int { return int(a.Key) - int(b.Key) })
	out := Encode([]any{c.Type, c.Conversation, c.Sequence, c.ID, c.SentAt, c.Body, slot})
	most := MaxBody
	if c.Type == TypeOwn {
		most = MaxOwnBody
	}
	if len(c.Body) > most || len(out) > MaxContent {
		return nil, Refuse("decode.size")
	}
	return out, nil
}
