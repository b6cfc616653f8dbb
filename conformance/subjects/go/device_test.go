package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// world is network, clock and directory around devices of one subject.
type world struct {
	t       *testing.T
	d       *driver
	now     uint64
	who     map[string]map[string]any // what actor.new answered
	bundles map[string][]any          // published and not handed out yet
}

func newWorld(t *testing.T, users ...string) *world {
	w := &world{t: t, d: newDriver(t), now: 1_700_000_000_000, who: map[string]map[string]any{}, bundles: map[string][]any{}}
	for _, user := range users {
		w.who[user] = w.ok(user, "actor.new", map[string]any{"user": user})
		w.bundles[user] = w.ok(user, "prekey.publish", map[string]any{"count": 16})["bundles"].([]any)
	}
	for _, a := range users {
		for _, b := range users {
			if a != b {
				w.learn(a, b)
				w.offer(a, b)
			}
		}
	}
	return w
}

func (w *world) ask(as, op string, in map[string]any) map[string]any {
	w.now++
	reply, err := w.d.ask(map[string]any{"op": op, "as": as, "in": in, "now": w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	return reply
}

func (w *world) ok(as, op string, in map[string]any) map[string]any {
	w.t.Helper()
	reply := w.ask(as, op, in)
	ok, is := reply["ok"].(map[string]any)
	if !is {
		w.t.Fatalf("%s of %s: %v", op, as, reply)
	}
	return ok
}

// refused asks for something that must be refused with a class and change nothing.
func (w *world) refused(class, as, op string, in map[string]any) {
	w.t.Helper()
	before := w.d.digest(as)
	reply := w.ask(as, op, in)
	if reject, is := reply["reject"].(map[string]any); !is || reject["class"] != class {
		w.t.Fatalf("%s of %s: %v, want %s", op, as, reply, class)
	}
	if w.d.digest(as) != before {
		w.t.Fatalf("%s of %s changed something", op, as)
	}
}

func (w *world) learn(as, of string) []any {
	w.t.Helper()
	return w.ok(as, "peer.learn", map[string]any{"user": of, "account": w.who[of]["account"], "manifests": []any{w.who[of]["manifest"]}})["devices"].([]any)
}

func (w *world) offer(as, of string) {
	w.t.Helper()
	if len(w.bundles[of]) == 0 {
		w.bundles[of] = w.ok(of, "prekey.publish", map[string]any{"count": 16})["bundles"].([]any)
	}
	bundle := w.bundles[of][0]
	w.bundles[of] = w.bundles[of][1:]
	w.ok(as, "peer.offer", map[string]any{"account": w.who[of]["account"], "device": w.who[of]["device"], "bundle": bundle})
}

func (w *world) send(as, to, text string) []any {
	w.t.Helper()
	return w.ok(as, "session.send", w.message(to, text))["out"].([]any)
}

func (w *world) message(to, text string) map[string]any {
	return map[string]any{"account": w.who[to]["account"], "text": hex.EncodeToString([]byte(text))}
}

// carry hands envelopes over, and whatever the receivers answer, until all is
// quiet. It gives the events of everybody, as "user type detail".
func (w *world) carry(out []any) []string {
	w.t.Helper()
	events := []string{}
	for len(out) > 0 {
		one := out[0].(map[string]any)
		done := w.ok(w.at(one["to"]), "receive", map[string]any{"wire": one["wire"], "at": w.now})
		for _, line := range w.tell(w.at(one["to"]), done) {
			if !strings.HasSuffix(line, " receipt") {
				events = append(events, line)
			}
		}
		out = append(out[1:], done["out"].([]any)...)
	}
	return events
}

func (w *world) at(mailbox any) string {
	for user, who := range w.who {
		if who["mailbox"] == mailbox {
			return user
		}
	}
	w.t.Fatalf("no mailbox %v", mailbox)
	return ""
}

func (w *world) tell(user string, done map[string]any) []string {
	told := []string{}
	for _, item := range done["events"].([]any) {
		event := item.(map[string]any)
		line := user + " " + event["type"].(string)
		switch event["type"] {
		case "message":
			text, _ := hex.DecodeString(event["text"].(string))
			line += fmt.Sprintf(" %v %s", event["number"], text)
			if event["late"] == true {
				line += " late"
			}
		case "gap", "lost":
			line += fmt.Sprintf(" %v-%v", event["from"], event["to"])
		case "gap-filled":
			line += fmt.Sprintf(" %v", event["number"])
		case "refused":
			line += fmt.Sprintf(" %v", event["class"])
		}
		told = append(told, line)
	}
	return told
}

func (w *world) expect(got []string, want ...string) {
	w.t.Helper()
	if !reflect.DeepEqual(got, append([]string{}, want...)) {
		w.t.Fatalf("got %q, want %q", got, want)
	}
}

func (w *world) agree(a, b string) {
	w.t.Helper()
	of := func(as, peer string) any {
		return w.ok(as, "session.agree", map[string]any{"account": w.who[peer]["account"], "device": w.who[peer]["device"]})["session"]
	}
	if one, other := of(a, b), of(b, a); one == nil || one != other {
		w.t.Fatalf("sessions %v and %v", one, other)
	}
}

func TestConversation(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.expect(w.carry(w.send("alice", "bob", "one")), "bob message 1 one")
	w.expect(w.carry(w.send("bob", "alice", "two")), "alice message 1 two")
	w.expect(w.carry(w.send("alice", "bob", "three")), "bob message 2 three")
	w.agree("alice", "bob")
	four, five := w.send("alice", "bob", "four"), w.send("alice", "bob", "five")
	w.expect(w.carry(five), "bob gap 3-3", "bob message 4 five")
	w.expect(w.carry(four), "bob message 3 four late", "bob gap-filled 3")
	w.refused("fresh.used-key", "bob", "receive", map[string]any{"wire": five[0].(map[string]any)["wire"], "at": w.now})
}

// An envelope with one bit changed anywhere is refused and changes nothing, and the
// genuine one opens after it [ratchet.atomic.1].
func TestChangedEnvelopes(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.carry(w.send("alice", "bob", "one"))
	w.carry(w.send("bob", "alice", "two"))
	out := w.send("alice", "bob", "three")
	wire, _ := hex.DecodeString(out[0].(map[string]any)["wire"].(string))
	before := w.d.digest("bob")
	for i := range wire {
		wire[i] ^= 1
		reply := w.ask("bob", "receive", map[string]any{"wire": hex.EncodeToString(wire), "at": w.now})
		if reply["reject"] == nil {
			t.Fatalf("byte %d: %v", i, reply)
		}
		wire[i] ^= 1
	}
	if w.d.digest("bob") != before {
		t.Fatal("a refused envelope changed something")
	}
	w.expect(w.carry(out), "bob message 2 three")
}

func TestCrossingStarts(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	a, b := w.send("alice", "bob", "from alice"), w.send("bob", "alice", "from bob")
	w.expect(w.carry(append(a, b...)), "bob message 1 from alice", "alice message 1 from bob")
	w.agree("alice", "bob")
	w.expect(w.carry(w.send("alice", "bob", "again")), "bob message 2 again")
	w.expect(w.carry(w.send("bob", "alice", "and back")), "alice message 2 and back")
	w.agree("alice", "bob")
}

func TestUnanswered(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	sealed := []any{}
	for i := range 40 {
		sealed = append(sealed, w.send("alice", "bob", fmt.Sprint(i))...)
	}
	if len(sealed) != 32 {
		t.Fatalf("%d starts sealed before an answer", len(sealed))
	}
	// The first receipt is an answer; what waited goes then.
	if events := w.carry(sealed); len(events) != 40 || events[39] != "bob message 40 39" {
		t.Fatalf("events %q", events)
	}
}

func TestReset(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.carry(w.send("alice", "bob", "one"))
	w.carry(w.send("bob", "alice", "two"))
	w.ok("alice", "session.reset", map[string]any{"account": w.who["bob"]["account"]})
	w.refused("lookup.no-session", "alice", "session.send", w.message("bob", "too early"))
	w.offer("alice", "bob")
	w.expect(w.carry(w.send("alice", "bob", "three")), "bob session-reset", "bob message 2 three")
	w.expect(w.carry(w.send("bob", "alice", "four")), "alice message 2 four")
	w.agree("alice", "bob")
}

func TestCrash(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.carry(w.send("alice", "bob", "one"))
	crashed := func(as, op, where string, in map[string]any) map[string]any {
		in["crash"] = where
		want := map[string]any{"crashed": true}
		if op == "receive" {
			want["acknowledged"] = false
		}
		if reply := w.ok(as, op, in); !reflect.DeepEqual(reply, want) {
			t.Fatalf("crash answered %v", reply)
		}
		if reply := w.ask(as, "poll", map[string]any{}); reply["fault"] == nil {
			t.Fatalf("a device that is down answered %v", reply)
		}
		return w.ok(as, "actor.restart", map[string]any{})
	}
	if done := crashed("alice", "session.send", "before-persist", w.message("bob", "gone")); len(done["out"].([]any)) != 0 {
		t.Fatalf("not stored, yet submitted: %v", done)
	}
	done := crashed("alice", "session.send", "after-persist", w.message("bob", "two"))
	w.expect(w.carry(done["out"].([]any)), "bob message 2 two")
	out := w.send("alice", "bob", "three")
	receive := map[string]any{"wire": out[0].(map[string]any)["wire"], "at": w.now}
	if events := w.tell("bob", crashed("bob", "receive", "before-persist", receive)); len(events) != 0 {
		t.Fatalf("not stored, yet shown: %q", events)
	}
	w.expect(w.tell("bob", crashed("bob", "receive", "after-persist", receive)), "bob message 3 three")
	delete(receive, "crash")
	w.refused("fresh.used-key", "bob", "receive", receive)
	w.expect(w.carry(w.send("bob", "alice", "four")), "alice message 1 four")
}

// A device put back to an old copy is noticed by its peer, learns of it, freezes,
// and goes on above what the peer received [7.2].
func TestRestored(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.carry(w.send("alice", "bob", "one"))
	w.carry(w.send("bob", "alice", "two"))
	old := w.ok("alice", "actor.snapshot", map[string]any{})["snapshot"]
	w.ok("alice", "actor.restart", map[string]any{})
	w.carry(w.send("alice", "bob", "three"))
	w.carry(w.send("bob", "alice", "four"))
	w.ok("alice", "actor.restore", map[string]any{"snapshot": old})
	w.offer("alice", "bob")
	// The copy seals in a chain Bob has left, and cannot open what Bob seals. Both ask
	// around, and with what they send next Alice learns what she is.
	events := w.settle(append(w.send("alice", "bob", "five"), w.send("bob", "alice", "six")...))
	for range 2 {
		events = append(events, w.settle(append(w.send("alice", "bob", "more"), w.send("bob", "alice", "more")...))...)
	}
	if !slices.Contains(events, "alice restored") {
		t.Fatalf("it went unnoticed: %q", events)
	}
	// She goes on 1,024 above what Bob received.
	seven := w.settle(w.send("alice", "bob", "seven"))
	var number int
	if len(seven) != 1 {
		t.Fatalf("events %q", seven)
	}
	if _, err := fmt.Sscanf(seven[0], "bob message %d seven", &number); err != nil || number <= 1024 {
		t.Fatalf("events %q", seven)
	}
	if eight := w.settle(w.send("bob", "alice", "eight")); len(eight) == 0 || !strings.HasSuffix(eight[len(eight)-1], "eight") {
		t.Fatalf("events %q", eight)
	}
	w.agree("alice", "bob")
}

// settle carries, polls and offers bundles until all is quiet; envelopes may be
// refused.
func (w *world) settle(out []any) []string {
	w.t.Helper()
	events := []string{}
	take := func(user string, done map[string]any) {
		for _, line := range w.tell(user, done) {
			if !strings.HasSuffix(line, " receipt") {
				events = append(events, line)
			}
		}
		out = append(out, done["out"].([]any)...)
	}
	for range 4 {
		for len(out) > 0 {
			one := out[0].(map[string]any)
			out = out[1:]
			reply := w.ask(w.at(one["to"]), "receive", map[string]any{"wire": one["wire"], "at": w.now})
			if done, ok := reply["ok"].(map[string]any); ok {
				take(w.at(one["to"]), done)
			}
		}
		for _, pair := range [][2]string{{"alice", "bob"}, {"bob", "alice"}} {
			w.offer(pair[0], pair[1])
			take(pair[0], w.ok(pair[0], "poll", map[string]any{}))
		}
	}
	return events
}

// A copy made before its last start of a session turns its ratchet at a number its
// peer is past: headers that do not fit, after which the peer asks [fence.probe.2].
func TestRestoredBeforeAnswer(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	one := w.send("alice", "bob", "one")
	old := w.ok("alice", "actor.snapshot", map[string]any{})["snapshot"]
	two := w.send("alice", "bob", "two")
	w.ok("alice", "actor.restore", map[string]any{"snapshot": old})
	w.expect(w.settle(append(one, two...)), "bob message 1 one", "bob message 2 two")
	out := w.send("alice", "bob", "three")
	w.refused("auth.header", "bob", "receive", map[string]any{"wire": out[0].(map[string]any)["wire"], "at": w.now})
	// Bob asks in a session of his own. What he received does not prove anything, since
	// the copy gave number 2 out again; but both go on.
	w.settle(nil)
	w.expect(w.settle(w.send("alice", "bob", "four")), "bob message 3 four")
	w.agree("alice", "bob")
}

func TestDamagedSnapshots(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	snapshot, _ := hex.DecodeString(w.ok("alice", "actor.snapshot", map[string]any{})["snapshot"].(string))
	for i := 0; i < len(snapshot); i += 1 + len(snapshot)/97 {
		snapshot[i] ^= 0x20
		w.refused("state.corrupt", "alice", "actor.restore", map[string]any{"snapshot": hex.EncodeToString(snapshot)})
		snapshot[i] ^= 0x20
	}
	w.refused("state.corrupt", "alice", "actor.restore", map[string]any{"snapshot": hex.EncodeToString(snapshot[:len(snapshot)-1])})
	w.refused("state.corrupt", "alice", "actor.restore", map[string]any{"snapshot": ""})
}

// After a first message of alice: another account under her name, and the directory's
// answer that gives it.
func (w *world) renewed() map[string]any {
	w.carry(w.send("alice", "bob", "one"))
	w.who["alice again"] = w.ok("alice again", "actor.new", map[string]any{"user": "alice"})
	w.bundles["alice again"] = w.ok("alice again", "prekey.publish", map[string]any{"count": 2})["bundles"].([]any)
	w.learn("alice again", "bob")
	w.offer("alice again", "bob")
	return map[string]any{"user": "alice", "account": w.who["alice again"]["account"], "manifests": []any{w.who["alice again"]["manifest"]}}
}

func TestIdentityChanged(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	answer := w.renewed()
	if reply := w.ask("bob", "peer.learn", answer); reply["reject"] == nil {
		t.Fatalf("another account under the name: %v", reply)
	}
	w.expect(w.tell("bob", w.ok("bob", "poll", map[string]any{})), "bob identity-changed")
	w.newPhone()
}

// The directory's answer changes, and only a start under the name makes the device
// ask [subject.peer.3].
func TestIdentityChangedSilently(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	answer := w.renewed()
	w.ok("bob", "peer.answer", answer)
	w.expect(w.tell("bob", w.ok("bob", "poll", map[string]any{})))
	w.expect(w.carry(w.send("alice again", "bob", "is it me?")), "bob identity-changed", "bob refused policy.identity-changed")
	done := w.ok("bob", "peer.accept", map[string]any{"user": "alice", "account": w.who["alice again"]["account"]})
	w.expect(w.tell("bob", done), "bob message 1 is it me?")
	w.expect(w.carry(w.send("bob", "alice again", "hello")), "alice again message 1 hello")
}

// newPhone is what comes of a changed identity that was told.
func (w *world) newPhone() {
	w.t.Helper()
	w.expect(w.carry(w.send("alice again", "bob", "new phone")), "bob refused policy.identity-changed")
	if held := w.ok("bob", "inspect", map[string]any{})["held"]; held != json.Number("1") {
		w.t.Fatalf("%v held", held)
	}
	w.refused("policy.identity-changed", "bob", "session.send", w.message("alice", "is it you?"))
	done := w.ok("bob", "peer.accept", map[string]any{"user": "alice", "account": w.who["alice again"]["account"]})
	w.expect(w.tell("bob", done), "bob message 1 new phone")
	w.expect(w.carry(w.send("bob", "alice again", "hello again")), "alice again message 1 hello again")
}

// A directory hands out one bundle twice: the second start names a key that is used
// up, and the receiver asks for its message anew [prekey.once.1, session.retry.4].
func TestConsumedPrekey(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	bundle := w.bundles["bob"][0]
	for _, user := range []string{"alice", "carol"} {
		w.ok(user, "peer.offer", map[string]any{"account": w.who["bob"]["account"], "device": w.who["bob"]["device"], "bundle": bundle})
	}
	w.expect(w.carry(w.send("alice", "bob", "one")), "bob message 1 one")
	second := w.send("carol", "bob", "two")[0].(map[string]any)["wire"]
	w.refused("lookup.prekey-consumed", "bob", "receive", map[string]any{"wire": second, "at": w.now})
	w.offer("carol", "bob")
	w.expect(w.carry(w.ok("bob", "poll", map[string]any{})["out"].([]any)), "bob message 1 two")
	w.agree("bob", "carol")
}

func TestSkippedKeys(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	w.carry(w.send("alice", "bob", "first"))
	w.carry(w.send("bob", "alice", "answer"))
	kept := [][]any{}
	for i := range 1003 {
		kept = append(kept, w.send("alice", "bob", fmt.Sprint(i)))
	}
	wire := func(i int) map[string]any {
		return map[string]any{"wire": kept[i][0].(map[string]any)["wire"], "at": w.now}
	}
	w.refused("limit.skip", "bob", "receive", wire(1001))
	w.ok("bob", "receive", wire(1000))
	if skipped := w.ok("bob", "inspect", map[string]any{})["skipped"]; skipped != json.Number("1000") {
		t.Fatalf("%v skipped keys", skipped)
	}
	w.expect(w.carry(kept[500]), "bob message 502 500 late", "bob gap-filled 502")
}

// The same requests give the same bytes again, and another seed others.
func TestDeterministic(t *testing.T) {
	run := func() []any {
		w := newWorld(t, "alice", "bob")
		out := w.send("alice", "bob", "one")
		w.carry(out)
		return append(out, w.send("bob", "alice", "two")...)
	}
	if one, again := run(), run(); !reflect.DeepEqual(one, again) {
		t.Fatal("two runs differ")
	}
}
