// Writes vectors/nes/data: frames and answers with every intermediate value, and the exploits of the known weaknesses.
//
// The file form is that of vectors/README.md. Values come from raw.go, and each valid one is held against crypto/rsa before it
// is written, so the two would have to be wrong in the same way.
package main

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
)

type object map[string]any

type step struct {
	ID  string `json:"id"`
	Op  string `json:"op"`
	In  object `json:"in"`
	Out string `json:"out"`
}

type delta struct {
	Op    string `json:"op"`
	At    string `json:"at"`
	Value string `json:"value"`
}

type vcase struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Clauses  []string `json:"clauses"`
	Flags    []string `json:"flags"`
	Needs    []string `json:"needs"`
	Level    int      `json:"level"`
	Critical bool     `json:"critical"`
	Verdict  string   `json:"verdict"`
	Twin     string   `json:"twin,omitempty"`
	Delta    *delta   `json:"delta,omitempty"`
	Stage    string   `json:"stage,omitempty"`
	Class    []string `json:"class,omitempty"`
	World    string   `json:"world,omitempty"`
	Op       string   `json:"op"`
	In       object   `json:"in"`
	Out      object   `json:"out,omitempty"`
	Core     object   `json:"core,omitempty"`
	Trace    []step   `json:"trace,omitempty"`
}

type world struct {
	Title string `json:"title"`
	Trace []step `json:"trace"`
}

type vfile struct {
	Schema    string           `json:"schema"`
	Suite     string           `json:"suite"`
	Protocol  string           `json:"protocol"`
	Family    string           `json:"family"`
	Topic     string           `json:"topic"`
	Spec      object           `json:"spec"`
	Generator object           `json:"generator"`
	Licence   string           `json:"licence"`
	Notes     map[string]note  `json:"notes"`
	Worlds    map[string]world `json:"worlds"`
	Count     int              `json:"count"`
	Cases     []vcase          `json:"cases"`
}

type note struct {
	Kind string   `json:"kind"`
	Text string   `json:"text"`
	Refs []string `json:"refs"`
}

type keyring struct {
	folder  string
	private map[string]*rsa.PrivateKey
	steps   []step
}

func hx(data []byte) string { return hex.EncodeToString(data) }

func (k *keyring) load(name string) *rsa.PrivateKey {
	if key, ok := k.private[name]; ok {
		return key
	}
	key := loadPrivate(filepath.Join(k.folder, name))
	k.private[name] = key
	id := strings.ReplaceAll(name, "-rsa-", ".")
	for suffix, text := range map[string]string{"private": privatePem(key), "public": publicPem(&key.PublicKey)} {
		k.steps = append(k.steps, step{id + "." + suffix, "utf8", object{"text": text}, hx([]byte(text))})
	}
	return key
}

func (k *keyring) world() map[string]world {
	steps := append([]step{}, k.steps...)
	for i := range steps {
		for j := i + 1; j < len(steps); j++ {
			if steps[j].ID < steps[i].ID {
				steps[i], steps[j] = steps[j], steps[i]
			}
		}
	}
	return map[string]world{"keys": {"key files, made once", steps}}
}

func file(topic string, notes map[string]note, worlds map[string]world, cases []vcase) vfile {
	for i := range cases {
		if cases[i].Flags == nil {
			cases[i].Flags = []string{}
		}
		cases[i].Needs = []string{"nes/1"}
	}
	return vfile{
		"tacit/nes/1", "1.0.0", "nes", "nes", topic, object{"document": "docs/spec/15-nes.md"},
		object{"name": "nes-go", "version": "1.0.0", "seed": hx([]byte("tacit nes vectors 1"))},
		"CC0-1.0 OR 0BSD", notes, worlds, len(cases), cases,
	}
}

func write(folder, name string, content vfile) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	die(encoder.Encode(content))
	die(os.MkdirAll(folder, 0o755))
	die(os.WriteFile(filepath.Join(folder, name), out.Bytes(), 0o644))
}

// draft is a frame under construction: any step may be replaced.
type draft struct {
	id                  string
	message             message
	recipient           *rsa.PrivateKey
	sender              *rsa.PrivateKey
	saltLength          int
	inner               []byte
	messageKey, wrapped []byte
	padded, ciphertext  []byte
	salt, encoded       []byte
	signature           []byte
	outer               []byte
}

func (d *draft) fill() *draft {
	if d.inner == nil {
		inner, err := json.Marshal(d.message)
		die(err)
		d.inner = inner
	}
	if d.messageKey == nil {
		d.messageKey = coins(d.id+" message key", 48)
	}
	if d.wrapped == nil {
		d.wrapped = encodePKCS1(d.recipient.Size(), d.messageKey, d.id+" padding")
	}
	if d.padded == nil {
		d.padded = pad(d.inner)
	}
	if d.ciphertext == nil {
		block, err := aes.NewCipher(d.messageKey[:32])
		die(err)
		d.ciphertext = make([]byte, len(d.padded))
		cipher.NewCBCEncrypter(block, d.messageKey[32:48]).CryptBlocks(d.ciphertext, d.padded)
	}
	if d.saltLength < 0 {
		d.saltLength = d.sender.Size() - 34
	}
	if d.signature == nil {
		d.salt = coins(d.id+" salt", d.saltLength)
		d.encoded = encodePSS(d.sender.Size(), d.inner, d.salt)
		d.signature = rawPrivate(d.sender, d.encoded)
	}
	if d.outer == nil {
		outer, err := json.Marshal(frame{
			encoding.EncodeToString(rawPublic(&d.recipient.PublicKey, d.wrapped)),
			encoding.EncodeToString(d.ciphertext),
			encoding.EncodeToString(d.signature),
		})
		die(err)
		d.outer = outer
	}
	return d
}

// hold holds a valid draft against crypto/rsa and crypto/cipher.
func (d *draft) hold() {
	cipherkey := rawPublic(&d.recipient.PublicKey, d.wrapped)
	opened, err := rsa.DecryptPKCS1v15(nil, d.recipient, cipherkey)
	die(err)
	if !bytes.Equal(opened, d.messageKey) {
		die(errors.New(d.id + ": wrapped otherwise"))
	}
	if !bytes.Equal(encryptCBC(d.messageKey, d.inner), d.ciphertext) {
		die(errors.New(d.id + ": encrypted otherwise"))
	}
	die(verify(&d.sender.PublicKey, d.inner, d.signature))
	die(rsa.VerifyPSS(&d.sender.PublicKey, crypto.SHA256, sha(d.inner), d.signature, &rsa.PSSOptions{SaltLength: d.saltLength}))
}

func (d *draft) trace() []step {
	return []step{
		{"inner", "literal", object{}, hx(d.inner)},
		{"message-key", "literal", object{}, hx(d.messageKey)},
		{"wrapped", "pkcs1-v1_5-encode", object{"message": "$message-key"}, hx(d.wrapped)},
		{"cipherkey", "rsa-public", object{"encoded": "$wrapped"}, hx(rawPublic(&d.recipient.PublicKey, d.wrapped))},
		{"padded", "pkcs7-pad", object{"content": "$inner"}, hx(d.padded)},
		{"ciphertext", "aes-cbc-encrypt", object{"key": "$message-key", "plaintext": "$padded"}, hx(d.ciphertext)},
		{"salt", "literal", object{}, hx(d.salt)},
		{"digest", "sha256", object{"bytes": "$inner"}, hx(sha(d.inner))},
		{"encoded", "pss-encode", object{"digest": "$digest", "salt": "$salt"}, hx(d.encoded)},
		{"signature", "rsa-private", object{"encoded": "$encoded"}, hx(d.signature)},
	}
}

var sealClauses = []string{"nes.send.1", "nes.send.2", "nes.send.3", "nes.receive.1", "nes.receive.2", "nes.frame.1"}

type frames struct {
	keys  *keyring
	cases []vcase
	base  draft
}

func (f *frames) valid(id, title string, clauses []string, change func(*draft)) *draft {
	d := f.base
	d.id = id
	change(&d)
	d.fill()
	d.hold()
	var read message
	die(json.Unmarshal(d.inner, &read))
	f.cases = append(f.cases, vcase{
		ID: id, Title: title, Clauses: clauses, Level: 0, Verdict: "valid", World: "keys", Op: "nes.open",
		In: object{"key": f.name(d.recipient), "sender": f.name(d.sender), "frame": hx(d.outer)},
		Out: object{"from": d.message.From, "to": d.message.To, "timestamp": d.message.Timestamp,
			"message": hx([]byte(read.Message)), "inner": "$inner"},
		Trace: d.trace(),
	})
	return &d
}

func (f *frames) invalid(id, title, cause, stage string, clauses []string, at string, change func(*draft)) {
	d := f.base
	d.id = id
	change(&d)
	d.fill()
	critical := cause == "signature"
	f.cases = append(f.cases, vcase{
		ID: id, Title: title, Clauses: clauses, Level: 0, Critical: critical, Verdict: "invalid", Twin: "nes-plain",
		Delta: &delta{"assign", "in/frame", at}, Stage: stage, Class: []string{"nes." + cause}, World: "keys", Op: "nes.open",
		In: object{"key": f.name(d.recipient), "sender": f.name(f.base.sender), "frame": recipe(d.outer)},
	})
}

// recipe is the short form of long bytes that are all the same.
func recipe(data []byte) any {
	if len(data) < 100000 {
		return hx(data)
	}
	return object{"head": "", "pattern": hx(data[:1]), "repeat": len(data), "tail": "", "sha256": hx(sha(data))}
}

func (f *frames) name(key *rsa.PrivateKey) string {
	for name, known := range f.keys.private {
		if known == key {
			return "$" + strings.ReplaceAll(name, "-rsa-", ".")
		}
	}
	die(errors.New("no such key"))
	return ""
}

func reframe(change func(*frame)) func(*draft) {
	return func(d *draft) {
		d.fill()
		var outer frame
		die(json.Unmarshal(d.outer, &outer))
		change(&outer)
		text, err := json.Marshal(outer)
		die(err)
		d.outer = text
	}
}

// anew gives the draft another text and lets everything after it be derived again.
func anew(text string) func(*draft) { return func(d *draft) { d.inner = []byte(text) } }

func wrapBytes(change func([]byte) []byte) func(*draft) {
	return func(d *draft) {
		d.messageKey = coins(d.id+" message key", 48)
		d.wrapped = change(encodePKCS1(d.recipient.Size(), d.messageKey, d.id+" padding"))
	}
}

func writeVectors(keyFolder, out string) {
	keys := &keyring{folder: keyFolder, private: map[string]*rsa.PrivateKey{}}
	for _, user := range []string{"alice", "bob", "carol", "dave"} {
		keys.load(user + "-rsa-message")
		keys.load(user + "-rsa-sign")
	}
	directory := keys.load("directory-rsa-sign")
	f := &frames{keys: keys, base: draft{
		message:    message{"alice", "bob", 1700000000000, "Hello Bob"},
		recipient:  keys.load("bob-rsa-message"),
		sender:     keys.load("alice-rsa-sign"),
		saltLength: -1,
	}}
	writeFrames(f, out)
	writeAnswers(keys, directory, out)
	writeWeaknesses(keys, directory, out)
}

func writeFrames(f *frames, out string) {
	f.valid("nes-plain", "a message with every step of it", sealClauses, func(*draft) {})
	texts := []struct{ id, title, text string }{
		{"html", "characters that Go escapes in JSON", "a < b && c > d"},
		{"separators", "line and paragraph separator", "one\u2028two\u2029three"},
		{"controls", "control characters, quotes and backslashes", "\x00\x01\x08\x09\x0a\x0b\x0c\x0d\x1f\x7f\"\\/"},
		{"unicode", "characters beyond the first plane", "Größe 時間 \U0001f6b2\U0001f469\u200d\U0001f467"},
		{"invalid-utf8", "bytes that are not UTF-8 become U+FFFD, written as an escape", "a\xff\xc3(b\xed\xa0\x80"},
		{"replacement", "U+FFFD itself stands unescaped", "a\ufffdb"},
		{"block", "a text that fills its block, so that sixteen bytes of padding follow", "twelve bytes"},
		{"long", "a long text", strings.Repeat("0123456789abcdef", 500)},
	}
	for _, one := range texts {
		f.valid("nes-text-"+one.id, one.title, append([]string{"nes.json.1", "nes.json.2"}, sealClauses...), func(d *draft) {
			d.message.Message = one.text
		})
	}
	f.valid("nes-empty-text", "an empty message", sealClauses, func(d *draft) { d.message.Message = "" })
	f.valid("nes-to-another", "a message whose `to` names somebody else opens", append([]string{"nes.warn.1"}, sealClauses...), func(d *draft) { d.message.To = "carol" })
	f.valid("nes-4096", "a recipient and a sender with keys of 4096 bits: salt of 478 bytes", append([]string{"nes.sign.1"}, sealClauses...), func(d *draft) {
		d.message.From, d.message.To = "dave", "dave"
		d.recipient, d.sender = f.keys.load("dave-rsa-message"), f.keys.load("dave-rsa-sign")
	})
	for _, length := range []int{0, 20, 32, 221} {
		f.valid("nes-salt-"+big.NewInt(int64(length)).String(), "a salt that is not the longest verifies", []string{"nes.sign.1"}, func(d *draft) { d.saltLength = length })
	}
	f.valid("nes-unknown-members", "members of other names are passed over, outside and inside", []string{"nes.frame.2", "nes.receive.2"}, func(d *draft) {
		d.inner = []byte(`{"from":"alice","to":"bob","timestamp":1700000000000,"message":"Hello Bob","more":[1,{"from":"x"}]}`)
		reframe(func(*frame) {})(d)
		d.outer = append([]byte(`{"version":2,`), d.outer[1:]...)
	})
	f.valid("nes-other-spelling", "the bytes that were signed are verified, though Go would spell them otherwise", []string{"nes.json.2", "nes.receive.3"}, func(d *draft) {
		d.message.Message = "a < b"
		d.inner = []byte("{ \"message\": \"a < b\", \"timestamp\": 1700000000000,\n \"to\": \"bob\", \"from\": \"alice\" }")
	})

	decodeStage, open := "decode", "authenticate"
	form := func(id, title, cause string, outer string) {
		f.invalid(id, title, cause, decodeStage, []string{"nes.frame.2", "nes.refuse.1"}, title, func(d *draft) { d.outer = []byte(outer) })
	}
	form("nes-bad-empty", "no bytes", "frame-size", "")
	form("nes-bad-large", "one byte more than a frame may have", "frame-size", strings.Repeat(" ", 262145))
	form("nes-bad-json", "text that is no JSON", "frame-json", `{"cipherkey":`)
	form("nes-bad-array", "an array", "frame-json", `["","",""]`)
	form("nes-bad-null", "null", "frame-json", `null`)
	form("nes-bad-utf8", "bytes that are not UTF-8", "frame-json", "{\"cipherkey\":\"\xff\",\"ciphertext\":\"\",\"signature\":\"\"}")
	form("nes-bad-bom", "a byte order mark in front", "frame-json", "\ufeff{\"cipherkey\":\"\",\"ciphertext\":\"\",\"signature\":\"\"}")
	form("nes-bad-missing", "a value is missing", "frame-fields", `{"cipherkey":"","ciphertext":""}`)
	form("nes-bad-number", "a value is a number", "frame-fields", `{"cipherkey":"","ciphertext":"","signature":0}`)
	form("nes-bad-all-empty", "all values are empty", "cipherkey-length", `{"cipherkey":"","ciphertext":"","signature":""}`)
	f.invalid("nes-bad-base64-unpadded", "base 64 without padding", "frame-base64", decodeStage, []string{"nes.frame.3"}, "cipherkey without =", reframe(func(o *frame) { o.Cipherkey = strings.TrimRight(o.Cipherkey, "=") }))
	f.invalid("nes-bad-base64-alphabet", "base 64 of the other alphabet", "frame-base64", decodeStage, []string{"nes.frame.3"}, "signature with + and /", reframe(func(o *frame) { o.Signature = "+/" + o.Signature[2:] }))
	f.invalid("nes-bad-base64-newline", "a line feed inside base 64", "frame-base64", decodeStage, []string{"nes.frame.3"}, "ciphertext with a line feed", reframe(func(o *frame) { o.Ciphertext = o.Ciphertext[:4] + "\n" + o.Ciphertext[4:] }))
	f.invalid("nes-bad-base64-bits", "base 64 whose last bits are not zero", "frame-base64", decodeStage, []string{"nes.frame.3"}, "cipherkey's last character", reframe(func(o *frame) {
		text := strings.TrimRight(o.Cipherkey, "=")
		o.Cipherkey = text[:len(text)-1] + "B" + o.Cipherkey[len(text):]
	}))
	coded := func(change func([]byte) []byte) func(*frame) {
		return func(o *frame) {
			raw, err := encoding.DecodeString(o.Cipherkey)
			die(err)
			o.Cipherkey = encoding.EncodeToString(change(raw))
		}
	}
	f.invalid("nes-bad-cipherkey-short", "a sealed key one byte short", "cipherkey-length", decodeStage, []string{"nes.unwrap.1"}, "cipherkey's last byte cut", reframe(coded(func(b []byte) []byte { return b[:len(b)-1] })))
	f.invalid("nes-bad-cipherkey-long", "a sealed key one byte long", "cipherkey-length", decodeStage, []string{"nes.unwrap.1"}, "a zero byte before cipherkey", reframe(coded(func(b []byte) []byte { return append([]byte{0}, b...) })))
	f.invalid("nes-bad-cipherkey-range", "a sealed key that is the modulus", "cipherkey-range", decodeStage, []string{"nes.unwrap.1"}, "cipherkey = n", reframe(coded(func(b []byte) []byte { return f.base.recipient.N.Bytes() })))
	f.invalid("nes-bad-cipherkey-other", "a key sealed to somebody else", "undecryptable", open, []string{"nes.unwrap.2"}, "cipherkey under carol's key", func(d *draft) {
		d.fill()
		other := rawPublic(&f.keys.load("carol-rsa-message").PublicKey, d.wrapped)
		other[0] &= 0x1f
		reframe(func(o *frame) { o.Cipherkey = encoding.EncodeToString(other) })(d)
	})
	cut := func(change func([]byte) []byte) func(*draft) {
		return reframe(func(o *frame) {
			raw, err := encoding.DecodeString(o.Ciphertext)
			die(err)
			o.Ciphertext = encoding.EncodeToString(change(raw))
		})
	}
	f.invalid("nes-bad-ciphertext-empty", "an empty ciphertext", "ciphertext-length", decodeStage, []string{"nes.refuse.1"}, "ciphertext empty", cut(func([]byte) []byte { return nil }))
	f.invalid("nes-bad-ciphertext-15", "a ciphertext shorter than a block", "ciphertext-length", decodeStage, []string{"nes.refuse.1"}, "ciphertext of 15 bytes", cut(func(b []byte) []byte { return b[:15] }))
	f.invalid("nes-bad-ciphertext-odd", "a ciphertext with a byte too many", "ciphertext-length", decodeStage, []string{"nes.refuse.1"}, "a byte behind ciphertext", cut(func(b []byte) []byte { return append(b, 0) }))
	f.invalid("nes-bad-ciphertext-cut", "a ciphertext without its last block", "undecryptable", open, []string{"nes.receive.1"}, "ciphertext's last block cut", cut(func(b []byte) []byte { return b[:len(b)-16] }))

	wrong := func(id, title string, change func([]byte) []byte) {
		f.invalid(id, title, "undecryptable", open, []string{"nes.unwrap.2", "nes.unwrap.3"}, title, wrapBytes(change))
	}
	at := func(index int, value byte) func([]byte) []byte {
		return func(b []byte) []byte { b[(index+len(b))%len(b)] = value; return b }
	}
	wrong("nes-bad-pad-first", "an encoded key that does not begin with 00", at(0, 1))
	wrong("nes-bad-pad-type", "an encoded key of block type 01", at(1, 1))
	wrong("nes-bad-pad-zero", "a zero inside the padding: the message would be longer", at(40, 0))
	wrong("nes-bad-pad-early", "a zero within the first eight bytes of padding", at(5, 0))
	wrong("nes-bad-pad-separator", "no zero before the message: it would be shorter", at(-49, 7))
	for _, length := range []int{0, 16, 32, 47, 49} {
		f.invalid("nes-bad-key-"+big.NewInt(int64(length)).String(), "a message key that is not of 48 bytes", "undecryptable", open, []string{"nes.unwrap.2"}, "message key of another length", func(d *draft) {
			d.messageKey = coins(d.id+" message key", 48)
			d.wrapped = encodePKCS1(d.recipient.Size(), coins(d.id+" message key", length), d.id+" padding")
		})
	}
	padding := func(id, title string, change func([]byte)) {
		f.invalid(id, title, "undecryptable", open, []string{"nes.receive.1"}, title, func(d *draft) {
			d.padded = pad([]byte(`{"from":"alice","to":"bob","timestamp":1700000000000,"message":"Hello Bob"}`))
			change(d.padded)
		})
	}
	padding("nes-bad-cbc-zero", "a padding count of 0", func(b []byte) { b[len(b)-1] = 0 })
	padding("nes-bad-cbc-17", "a padding count of 17", func(b []byte) { b[len(b)-1] = 17 })
	padding("nes-bad-cbc-255", "a padding count longer than the text", func(b []byte) { b[len(b)-1] = 255 })
	padding("nes-bad-cbc-unequal", "padding bytes that differ", func(b []byte) { b[len(b)-2] ^= 1 })

	inner := func(id, title, cause, text string) {
		f.invalid(id, title, cause, decodeStage, []string{"nes.receive.2", "nes.refuse.1"}, title, anew(text))
	}
	inner("nes-bad-inner-empty", "nothing inside", "inner-json", "")
	inner("nes-bad-inner-text", "no JSON inside", "inner-json", "Hello Bob")
	inner("nes-bad-inner-array", "an array inside", "inner-json", `["alice","bob",1,"x"]`)
	inner("nes-bad-inner-utf8", "bytes inside that are not UTF-8", "inner-json", "{\"from\":\"alice\",\"to\":\"bob\",\"timestamp\":1,\"message\":\"\xff\"}")
	inner("nes-bad-inner-missing", "no message inside", "inner-fields", `{"from":"alice","to":"bob","timestamp":1700000000000}`)
	inner("nes-bad-inner-from", "a sender that is a number", "inner-fields", `{"from":1,"to":"bob","timestamp":1700000000000,"message":"x"}`)
	inner("nes-bad-inner-time-text", "a time that is a text", "inner-fields", `{"from":"alice","to":"bob","timestamp":"1700000000000","message":"x"}`)
	inner("nes-bad-inner-time-fraction", "a time with a fraction", "inner-fields", `{"from":"alice","to":"bob","timestamp":1.5,"message":"x"}`)
	inner("nes-bad-inner-time-large", "a time beyond 2⁵³", "inner-fields", `{"from":"alice","to":"bob","timestamp":9007199254740993,"message":"x"}`)
	for name, from := range map[string]string{"path": "../x", "upper": "Alice", "short": "al", "empty": ""} {
		text, err := json.Marshal(message{from, "bob", 1700000000000, "x"})
		die(err)
		inner("nes-bad-sender-"+name, "a sender's name that nobody can have", "sender-name", string(text))
	}

	sigClauses := []string{"nes.receive.3", "nes.sign.1"}
	f.invalid("nes-bad-signature-bit", "a bit of the signature changed", "signature", open, sigClauses, "signature ⊕ 1", func(d *draft) {
		d.fill()
		d.signature = append([]byte{}, d.signature...)
		d.signature[100] ^= 1
		d.outer = nil
	})
	f.invalid("nes-bad-signature-empty", "an empty signature", "signature", open, sigClauses, "signature empty", reframe(func(o *frame) { o.Signature = "" }))
	f.invalid("nes-bad-signature-other", "signed by somebody else", "signature", open, sigClauses, "signature of carol", func(d *draft) { d.sender = f.keys.load("carol-rsa-sign") })
	f.invalid("nes-bad-signature-message-key", "signed with the sender's other key", "signature", open, append([]string{"nes.keys.1"}, sigClauses...), "signature with alice's message key", func(d *draft) { d.sender = f.keys.load("alice-rsa-message") })
	f.invalid("nes-bad-signature-ciphertext", "a signature over the ciphertext", "signature", open, sigClauses, "signature over ciphertext", func(d *draft) {
		d.fill()
		d.signature = rawPrivate(d.sender, encodePSS(d.sender.Size(), d.ciphertext, coins(d.id, 222)))
		d.outer = nil
	})
	f.invalid("nes-bad-signature-pkcs1", "a signature with PKCS#1 v1.5", "signature", open, sigClauses, "RSASSA-PKCS1-v1_5", func(d *draft) {
		d.fill()
		signature, err := rsa.SignPKCS1v15(nil, d.sender, crypto.SHA256, sha(d.inner))
		die(err)
		d.signature, d.outer = signature, nil
	})
	f.invalid("nes-bad-signature-respelt", "a signature over the same message in another spelling", "signature", open, append([]string{"nes.json.2"}, sigClauses...), "signature over respelt JSON", func(d *draft) {
		d.message.Message = "a < b"
		d.fill()
		respelt := bytes.ReplaceAll(d.inner, []byte(`\u003c`), []byte("<"))
		d.signature = rawPrivate(d.sender, encodePSS(d.sender.Size(), respelt, coins(d.id, 222)))
		d.outer = nil
	})
	f.invalid("nes-bad-text-changed", "another text under the old signature", "signature", open, sigClauses, "inner changed", func(d *draft) {
		d.fill()
		signature := d.signature
		d.inner, d.padded, d.ciphertext, d.outer = bytes.Replace(d.inner, []byte("Hello"), []byte("Jello"), 1), nil, nil, nil
		d.signature = signature
	})
	sortCases(f.cases)
	write(out, "frames.json", file("frames", map[string]note{}, f.keys.world(), f.cases))
}

// sortCases puts cases that came out of a map into a fixed order without moving the others.
func sortCases(cases []vcase) {
	for i := range cases {
		for j := i + 1; j < len(cases); j++ {
			a, b := cases[i].ID, cases[j].ID
			if strings.HasPrefix(a, "nes-bad-sender-") && strings.HasPrefix(b, "nes-bad-sender-") && b < a {
				cases[i], cases[j] = cases[j], cases[i]
			}
		}
	}
}
