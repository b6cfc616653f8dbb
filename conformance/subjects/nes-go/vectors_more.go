// The vectors of answers of the key service, and of the exploits.
package main

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"math/rand"
	"strings"
)

type compatibleBody struct {
	Message string `json:"public_key_message"`
	Sign    string `json:"public_key_sign"`
}

type boundBody struct {
	Format   string `json:"format"`
	Username string `json:"username"`
	Version  int64  `json:"version"`
	Previous string `json:"previous"`
	compatibleBody
	Issued  int64 `json:"issued"`
	Expires int64 `json:"expires"`
}

type recordBody struct {
	Format   string `json:"format"`
	Username string `json:"username"`
	Version  int64  `json:"version"`
	Previous string `json:"previous"`
	compatibleBody
}

func compact(value any) []byte {
	text, err := json.Marshal(value)
	die(err)
	return text
}

func answer(key *rsa.PrivateKey, response []byte, label string) ([]byte, []step) {
	salt := coins(label+" salt", key.Size()-34)
	encoded := encodePSS(key.Size(), response, salt)
	signature := rawPrivate(key, encoded)
	die(verify(&key.PublicKey, response, signature))
	body := append([]byte(`{"response":`), response...)
	body = append(body, `,"signature":"`+encoding.EncodeToString(signature)+"\"}\n"...)
	return body, []step{
		{"response", "literal", object{}, hx(response)},
		{"salt", "literal", object{}, hx(salt)},
		{"encoded", "pss-encode", object{"digest": hx(sha(response)), "salt": "$salt"}, hx(encoded)},
		{"signature", "rsa-private", object{"encoded": "$encoded"}, hx(signature)},
	}
}

func (k *keyring) texts(user string) compatibleBody {
	return compatibleBody{publicPem(&k.load(user + "-rsa-message").PublicKey), publicPem(&k.load(user + "-rsa-sign").PublicKey)}
}

func writeAnswers(keys *keyring, directory *rsa.PrivateKey, out string) {
	var cases []vcase
	const now, window = 1700000000000, 600000
	alice, bob := keys.texts("alice"), keys.texts("bob")
	add := func(one vcase, body []byte, trace []step) {
		one.World, one.Trace = "keys", trace
		one.In["body"], one.In["directory"] = hx(body), "$directory.sign"
		cases = append(cases, one)
	}
	keysOut := func(user string) object {
		return object{"message": "$" + user + ".message.public", "sign": "$" + user + ".sign.public"}
	}
	refusal := func(id, title, class, twin string, clauses []string, op string, in object, body []byte, trace []step) {
		add(vcase{ID: id, Title: title, Clauses: clauses, Critical: true, Verdict: "invalid", Twin: twin,
			Delta: &delta{"assign", "in/body", title}, Stage: "authenticate", Class: []string{"nes." + class}, Op: op, In: in}, body, trace)
	}
	compatibleClauses := []string{"nes.answer.1", "nes.answer.2"}
	plain := compact(alice)
	body, trace := answer(directory, plain, "answer plain")
	add(vcase{ID: "nes-answer-plain", Title: "a compatible answer", Clauses: compatibleClauses, Verdict: "valid", Op: "nes.answer", In: object{}, Out: keysOut("alice")}, body, trace)
	spaced := bytes.Replace(plain, []byte(`","public`), []byte("\" ,\n \"public"), 1)
	body, trace = answer(directory, spaced, "answer spaced")
	add(vcase{ID: "nes-answer-raw", Title: "the received bytes are verified, blanks included", Clauses: compatibleClauses, Verdict: "valid", Op: "nes.answer", In: object{}, Out: keysOut("alice")}, body, trace)
	refused := func(id, title, class string, body []byte) {
		refusal(id, title, class, "nes-answer-plain", compatibleClauses, "nes.answer", object{}, body, nil)
	}
	good, _ := answer(directory, plain, "answer plain")
	refused("nes-answer-bad-changed", "a key exchanged under the old signature", "signature", bytes.Replace(good, []byte(compact(alice.Sign)), compact(bob.Sign), 1))
	refused("nes-answer-bad-spacing", "a blank put between the members that were signed", "signature", bytes.Replace(good, []byte(`,"public_key_sign"`), []byte(`, "public_key_sign"`), 1))
	other, _ := answer(keys.load("carol-rsa-sign"), plain, "answer carol")
	refused("nes-answer-bad-signer", "signed by somebody else", "signature", other)
	refused("nes-answer-bad-twice", "two members named response", "malformed", bytes.Replace(good, []byte(`{"response":`), []byte(`{"response":{},"response":`), 1))
	refused("nes-answer-bad-missing", "no response", "malformed", []byte(`{"signature":"AAAA"}`))
	refused("nes-answer-bad-json", "no JSON", "malformed", []byte("404 page not found\n"))
	same, _ := answer(directory, compact(compatibleBody{alice.Message, alice.Message}), "answer same")
	refused("nes-answer-bad-same", "one key for both uses", "keys", same)
	noPem, _ := answer(directory, compact(compatibleBody{"none", alice.Sign}), "answer no pem")
	refused("nes-answer-bad-pem", "a key that is none", "keys", noPem)

	boundClauses := []string{"nes.answer.3", "nes.answer.4"}
	record := func(user string, version int64, previous string, body compatibleBody) recordBody {
		return recordBody{"tacit-nes-record/1", user, version, previous, body}
	}
	digest := func(r recordBody) string { return encoding.EncodeToString(sha(compact(r))) }
	fresh := func(r recordBody, issued int64, label string) ([]byte, []step) {
		return answer(directory, compact(boundBody{"tacit-nes-directory/1", r.Username, r.Version, r.Previous, r.compatibleBody, issued, issued + window}), label)
	}
	first := record("alice", 1, "", alice)
	second := record("alice", 2, digest(first), keys.texts("carol"))
	asked := func(now int64, seen *recordBody) object {
		in := object{"username": "alice", "now": now}
		if seen != nil {
			in["seen"] = object{"version": seen.Version, "digest": digest(*seen)}
		}
		return in
	}
	boundCase := func(id, title string, r recordBody, in object, user string) {
		body, trace := fresh(r, now, id)
		add(vcase{ID: id, Title: title, Clauses: boundClauses, Verdict: "valid", Op: "nes.bound", In: in,
			Out: object{"message": "$" + user + ".message.public", "sign": "$" + user + ".sign.public", "version": r.Version, "digest": digest(r)}}, body, trace)
	}
	boundCase("nes-bound-first", "a bound answer about the first registration", first, asked(now, nil), "alice")
	boundCase("nes-bound-again", "the same registration again", first, asked(now+window, &first), "alice")
	boundCase("nes-bound-next", "the registration after the one seen", second, asked(now, &first), "carol")
	boundRefused := func(id, title, class string, r recordBody, issued int64, in object) {
		body, trace := fresh(r, issued, id)
		refusal(id, title, class, "nes-bound-first", boundClauses, "nes.bound", in, body, trace)
	}
	boundRefused("nes-bound-bad-user", "an answer about somebody else", "other-user", record("bob", 1, "", bob), now, asked(now, nil))
	boundRefused("nes-bound-bad-old", "an answer whose time is over", "time", first, now-2*window, asked(now, nil))
	boundRefused("nes-bound-bad-early", "an answer of a later time", "time", first, now+window, asked(now, nil))
	boundRefused("nes-bound-bad-rollback", "a registration before the one seen", "rollback", first, now, asked(now, &second))
	boundRefused("nes-bound-bad-fork", "another registration of the same number", "fork", record("alice", 1, "", keys.texts("carol")), now, asked(now, &first))
	boundRefused("nes-bound-bad-previous", "a next registration that names another before it", "fork", record("alice", 2, digest(second), bob), now, asked(now, &first))
	boundRefused("nes-bound-bad-version", "a registration without a number", "malformed", record("alice", 0, "", alice), now, asked(now, nil))
	refusal("nes-bound-bad-compatible", "a compatible answer where a bound one was asked for", "malformed", "nes-bound-first", boundClauses, "nes.bound", asked(now, nil), good, nil)
	boundBytes, _ := fresh(first, now, "nes-bound-first")
	refusal("nes-answer-bad-bound", "a bound answer where a compatible one was asked for", "malformed", "nes-answer-plain", compatibleClauses, "nes.answer", object{}, boundBytes, nil)
	write(out, "answers.json", file("answers", map[string]note{}, keys.world(), cases))
}

func weakNote(text string) note {
	return note{"KNOWN_WEAKNESS", text, []string{"docs/spec/15-nes.md §15.7"}}
}

// writeWeaknesses publishes one exploit for each weakness: `op`, `in` and `out` succeed against the profile; `core` names the
// cases of the core protocol in which the same attack must be refused.
func writeWeaknesses(keys *keyring, directory *rsa.PrivateKey, out string) {
	base := draft{message: message{"alice", "bob", 1700000000000, "yes"}, recipient: keys.load("bob-rsa-message"), sender: keys.load("alice-rsa-sign"), saltLength: -1}
	make := func(id string, change func(*draft)) *draft {
		d := base
		d.id = id
		change(&d)
		d.fill()
		return &d
	}
	var cases []vcase
	add := func(id, weakness, title, clause, op string, in, out, core object) {
		cases = append(cases, vcase{ID: id, Title: title, Clauses: []string{clause}, Flags: []string{weakness}, Critical: true, Verdict: "invalid",
			World: "keys", Op: op, In: in, Out: out, Core: core})
	}
	secret := make("nes-w1", func(d *draft) {})
	var guesses []message
	for ms := int64(-30); ms <= 5; ms++ {
		for _, text := range []string{"no", "yes", "perhaps"} {
			guesses = append(guesses, message{"alice", "bob", 1700000000000 + ms, text})
		}
	}
	found := -1
	for i, one := range guesses {
		if verify(&base.sender.PublicKey, compact(one), secret.signature) == nil {
			found = i
		}
	}
	add("nes-w1-guess", "NW1", "an eavesdropper confirms text and millisecond with the sender's public key", "nes.weak.1", "nes.guess",
		object{"frame": hx(secret.outer), "sender": "$alice.sign.public", "guesses": guesses}, object{"index": found},
		object{"op": "core.guess", "cases": []string{"agreement/sessions-suite-1.json session-1-full"}})

	signed := make("nes-w2", func(d *draft) {})
	forwarded := make("nes-w2 carol", func(d *draft) {
		d.recipient, d.inner, d.signature = keys.load("carol-rsa-message"), signed.inner, signed.signature
	})
	add("nes-w2-forward", "NW2", "bob seals alice's signed message anew, to carol", "nes.weak.2", "nes.open",
		object{"frame": hx(forwarded.outer), "key": "$carol.message", "sender": "$alice.sign", "user": "carol"},
		object{"from": "alice", "to": "bob", "warnings": []string{"wrong-recipient"}},
		object{"op": "core.cases", "cases": []string{"ratchet/suite-1.json ratchet-s1-other-session", "ratchet/suite-1.json ratchet-s1-reflected"}})

	mallory, _ := answer(directory, compact(keys.texts("carol")), "nes-w3")
	add("nes-w3-other", "NW3", "the answer about carol is given for alice", "nes.weak.3", "nes.answer",
		object{"body": hx(mallory), "directory": "$directory.sign", "asked": "alice"},
		object{"message": "$carol.message.public", "sign": "$carol.sign.public"},
		object{"op": "core.cases", "cases": []string{"identity/history.json history-bad-rollback", "identity/history.json history-bad-rollback-chain"}})

	malformed := map[string]*draft{
		"odd": make("nes-w4 odd", reframe(func(o *frame) {
			o.Ciphertext = encoding.EncodeToString([]byte("seventeen bytes!!"))
		})),
		"empty": make("nes-w4 empty", reframe(func(o *frame) { o.Ciphertext = "" })),
		"short": make("nes-w4 short", func(d *draft) {
			d.messageKey = coins(d.id, 48)
			d.wrapped = encodePKCS1(d.recipient.Size(), d.messageKey[:16], d.id)
		}),
	}
	for _, name := range []string{"odd", "empty", "short"} {
		cause := map[string]string{"odd": "ciphertext-length", "empty": "ciphertext-length", "short": "undecryptable"}[name]
		add("nes-w4-"+name, "NW4", "a malformed frame ends the original listener", "nes.weak.4", "nes.crash",
			object{"frame": hx(malformed[name].outer), "key": "$bob.message"}, object{"cause": cause},
			object{"op": "core.cases", "cases": []string{"envelope/envelope.json *invalid*"}})
	}

	random := rand.New(rand.NewSource(1700000000))
	tokens := []string{token(random), token(random), token(random), token(random)}
	add("nes-w5-predict", "NW5", "tokens of a generator seeded with the time follow from one's own", "nes.weak.5", "nes.predict",
		object{"from": 1699999900, "to": 1700000100, "own": tokens[0]}, object{"seed": 1700000000, "next": tokens[1:]},
		object{"op": "core.tokens"})

	old := make("nes-w6", func(d *draft) { d.message.Message = "recorded long ago" })
	add("nes-w6-later", "NW6", "a message key stolen later opens a frame recorded before", "nes.weak.6", "nes.open",
		object{"frame": hx(old.outer), "key": "$bob.message", "sender": "$alice.sign", "user": "bob"},
		object{"from": "alice", "to": "bob", "message": hx([]byte(old.message.Message))},
		object{"op": "core.cases", "cases": []string{"ratchet/suite-1.json ratchet-s1-flow-replay-1-at-4", "ratchet/suite-1.json ratchet-s1-flow-replay-5-at-6"}})

	again := make("nes-w7", func(d *draft) {})
	resealed := make("nes-w7 resealed", func(d *draft) { d.inner, d.signature = again.inner, again.signature })
	add("nes-w7-replay", "NW7", "the same frame twice, and the same message in a new frame", "nes.weak.7", "nes.replay",
		object{"frames": []string{hx(again.outer), hx(again.outer), hx(resealed.outer)}, "key": "$bob.message", "sender": "$alice.sign", "user": "bob"},
		object{"warnings": [][]string{{}, {"replayed"}, {"replayed"}}},
		object{"op": "core.cases", "cases": []string{"agreement/sessions-suite-1.json session-1-then-replay-at-3", "agreement/sessions-suite-1.json session-1-deleted-replay", "ratchet/suite-1.json ratchet-s1-flow-replay-1-at-2"}})

	notes := map[string]note{}
	for number, text := range []string{
		"The signature is clear and over the plaintext.", "The signature does not bind the recipient.",
		"A signed answer names neither user nor time.", "Malformed input ends the program.",
		"Tokens come from a generator seeded with the time. Go reduces a seed modulo 2³¹ − 1, so that trying all of them is an afternoon's work whatever the clock's unit.",
		"One key opens everything ever sealed to it.", "Nothing tells a message from its copy.",
	} {
		notes["NW"+strings.TrimSpace(string(rune('1'+number)))] = weakNote(text)
	}
	write(out, "weaknesses.json", file("weaknesses", notes, keys.world(), cases))
}
