// Own devices: whom a device addresses and what versions in messages ask for, from the page.
//
// Spec: docs/spec/22-own-devices.md; docs/spec/04-accounts.md §4.3, §4.4.

package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// notice is the last word to a device that went by an old manifest.
type notice struct {
	version uint64
	at      int64
}

// household is one device, its account and those it knows.
type household struct {
	self, account string
	held          map[string]signedList
	// Numbers that were seen, by device, and the highest.
	seen    map[string]map[int64]bool
	highest map[string]int64
	told    map[string]notice
	// Settings by name: rule own.setting.1.
	settings map[string]writing
}

// writing is one of a register; its value is nil where it was taken back.
type writing struct {
	stamp  int64
	device string
	value  *string
}

const (
	mostSettings = 128
	highestStamp = 1 << 52
)

// stands is rule own.register.1: whether a stands above b.
func stands(a, b writing) bool {
	switch {
	case a.stamp != b.stamp:
		return a.stamp > b.stamp
	case a.device != b.device:
		return a.device > b.device
	case a.value == nil || b.value == nil:
		return a.value != nil && b.value == nil
	}
	return *a.value > *b.value
}

// ranked is the names of settings, the lowest first.
func ranked(settings map[string]writing) []string {
	names := slices.Sorted(maps.Keys(settings))
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case stands(settings[a], settings[b]):
			return 1
		case stands(settings[b], settings[a]):
			return -1
		}
		return 0
	})
	return names
}

func readSettings(list []any) map[string]writing {
	out := map[string]writing{}
	for _, entry := range list {
		fields := entry.([]any)
		one := writing{stamp: integer(fields[1]), device: fields[2].(string)}
		if len(fields) == 4 {
			value := fields[3].(string)
			one.value = &value
		}
		out[fields[0].(object)["text"].(string)] = one
	}
	return out
}

func showSettings(settings map[string]writing) []any {
	out := []any{}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		one := settings[name]
		fields := []any{object{"text": name}, one.stamp, one.device}
		if one.value != nil {
			fields = append(fields, *one.value)
		}
		out = append(out, fields)
	}
	return out
}

// hear takes over what stands above, and keeps the highest.
func (h *household) hear(word map[string]writing) {
	for name, one := range word {
		before, known := h.settings[name]
		if !known || stands(one, before) {
			h.settings[name] = one
		}
	}
	for _, name := range ranked(h.settings) {
		if len(h.settings) <= mostSettings {
			break
		}
		delete(h.settings, name)
	}
}

// write is rule own.setting.4; it answers whether there was room.
func (h *household) write(name string, value *string, now int64) bool {
	before, known := h.settings[name]
	if before.value == nil && value == nil || before.value != nil && value != nil && *before.value == *value {
		return true
	}
	stamp := max(now, 1)
	for _, one := range h.settings {
		stamp = max(stamp, one.stamp+1)
	}
	word := map[string]writing{}
	put := func(name string, value *string) {
		word[name] = writing{min(stamp, highestStamp), h.self, value}
		stamp++
	}
	if !known && len(h.settings) == mostSettings {
		names := ranked(h.settings)
		vacant := slices.IndexFunc(names, func(name string) bool { return h.settings[name].value == nil })
		if vacant < 0 {
			return false
		}
		for _, lower := range names[:vacant] {
			put(lower, h.settings[lower].value)
		}
		delete(h.settings, names[vacant])
	}
	put(name, value)
	h.hear(word)
	return true
}

// accepted is section 4.3 for a directory's answer: the newest manifest, or the outcome it is refused with.
func accepted(account string, held *signedList, answer []any) (newest signedList, outcome string) {
	defer func() {
		if problem := recover(); problem != nil {
			text, ok := problem.(string)
			if !ok {
				panic(problem)
			}
			outcome = text
		}
	}()
	chain := []signedList{}
	for _, entry := range answer {
		m := readManifest(unhex(entry.(string)))
		if hex.EncodeToString(m.account) != account {
			panic("auth.account")
		}
		chain = append(chain, m)
	}
	if held != nil {
		newest = *held
		if len(chain) > 0 && chain[len(chain)-1].version < held.version {
			panic("fresh.rollback")
		}
	}
	for _, next := range chain {
		switch {
		case held != nil && next.version < held.version:
			continue // passed over: rule manifest.skip.1
		case next.version == newest.version:
			if !bytes.Equal(next.hash, newest.hash) {
				panic("auth.fork")
			}
			continue
		case next.version != newest.version+1:
			panic("lookup.manifest-gap")
		}
		if newest.version > 0 && !isNext(newest, next) {
			panic("auth.fork")
		}
		newest = next
	}
	return
}

// isNext is rules manifest.update.1 and manifest.update.2.
func isNext(before, next signedList) bool {
	if !bytes.Equal(next.previous, before.hash) {
		return false
	}
	for id, in := range before.revoked {
		if next.revoked[id] != in {
			return false
		}
	}
	for id, in := range next.revoked {
		if _, known := before.revoked[id]; !known && in != next.version {
			return false
		}
	}
	for id := range before.devices {
		if _, kept := next.devices[id]; !kept && next.revoked[id] == 0 {
			return false
		}
	}
	for id, after := range next.devices {
		known, kept := before.devices[id]
		if kept && known != after || !kept && after.addedIn != next.version {
			return false
		}
	}
	return true
}

// listsOf is the devices of a manifest in order that pass a test.
func listsOf(m signedList, test func(id string) bool) []any {
	ids := []string{}
	for id := range m.devices {
		if test(id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	out := []any{}
	for _, id := range ids {
		out = append(out, id)
	}
	return out
}

func integer(value any) int64 {
	n, err := value.(json.Number).Int64()
	if err != nil {
		panic(err)
	}
	return n
}

func (h *household) own() signedList { return h.held[h.account] }

// reads is rule own.devices.1: listed, no replica, and not the device itself.
func (h *household) reads(m signedList) func(id string) bool {
	return func(id string) bool { return m.roles[id] != 3 && id != h.self }
}

// step takes one request: what it gives, or the outcome it is refused with.
func (h *household) step(name string, in object) (object, string) {
	account, _ := in["account"].(string)
	device, _ := in["device"].(string)
	switch name {
	case "devices.start":
		peer := in["peer"].(string)
		mine, outcome := accepted(account, nil, in["own"].([]any))
		if outcome != "" {
			return nil, outcome
		}
		theirs, outcome := accepted(peer, nil, in["answer"].([]any))
		if outcome != "" {
			return nil, outcome
		}
		h.self, h.account = device, account
		h.held[account], h.held[peer] = mine, theirs
		return object{"own": mine.version, "peer": theirs.version}, ""
	case "devices.learn":
		before := h.held[account]
		after, outcome := accepted(account, &before, in["answer"].([]any))
		if outcome != "" {
			return nil, outcome
		}
		h.held[account] = after
		beyond := func(other signedList) func(id string) bool {
			return func(id string) bool { _, there := other.devices[id]; return !there }
		}
		return object{"version": after.version, "added": listsOf(after, beyond(before)), "removed": listsOf(before, beyond(after))}, ""
	case "devices.send":
		mine, theirs := h.own(), h.held[account]
		if _, listed := mine.devices[h.self]; !listed {
			return nil, "policy.revoked-device"
		}
		return object{
			"message": listsOf(theirs, h.reads(theirs)), "copies": listsOf(mine, h.reads(mine)),
			"lists": []any{mine.version, theirs.version},
		}, ""
	case "devices.receive":
		return h.receive(account, device, in["lists"].([]any), integer(in["number"]), integer(in["now"]))
	case "devices.copied":
		number := integer(in["number"])
		if account != h.account {
			return nil, "policy.not-own"
		}
		if h.own().revoked[in["via"].(string)] != 0 {
			return nil, "policy.revoked-device"
		}
		if number < 1 {
			return nil, "decode.value"
		}
		shown := !h.seen[device][number] && number > h.highest[device]-2048
		h.see(device, number)
		return object{"shown": shown}, ""
	case "devices.wrote":
		var value *string
		if given := in["value"].([]any); len(given) == 1 {
			text := given[0].(string)
			value = &text
		}
		room := h.write(in["name"].(string), value, integer(in["now"]))
		return object{"full": !room, "settings": showSettings(h.settings)}, ""
	case "devices.heard":
		word := readSettings(in["settings"].([]any))
		h.hear(word)
		answers := false
		for name, one := range h.settings {
			said, there := word[name]
			answers = answers || !there || stands(one, said)
		}
		return object{"settings": showSettings(h.settings), "answers": answers}, ""
	}
	panic("no step " + name)
}

func (h *household) see(device string, number int64) {
	if h.seen[device] == nil {
		h.seen[device] = map[int64]bool{}
	}
	h.seen[device][number] = true
	h.highest[device] = max(h.highest[device], number)
}

func (h *household) receive(account, device string, lists []any, number, now int64) (object, string) {
	theirs, mine := h.held[account], h.own()
	if theirs.revoked[device] != 0 {
		return nil, "policy.revoked-device"
	}
	named, by := uint64(0), mine.version
	if len(lists) == 2 {
		named, by = uint64(integer(lists[0])), uint64(integer(lists[1]))
	}
	shown, gap := true, []any{}
	if number > 0 {
		highest := h.highest[device]
		switch {
		case number <= highest-2048:
			return nil, "fresh.stale"
		case h.seen[device][number]:
			// Rule own.received.3: a sender that did not know this device.
			if self, listed := mine.devices[h.self]; !listed || by >= self.addedIn {
				return nil, "fresh.duplicate"
			}
			shown = false
		case number > highest+1:
			gap = []any{highest + 1, number - 1}
		}
		h.see(device, number)
	}
	last, before := h.told[device]
	answers := by < mine.version && (!before || last.version != mine.version || now-last.at >= 60_000)
	if answers {
		h.told[device] = notice{mine.version, now}
	}
	isOwn := account == h.account
	copies := []any{}
	if shown && number > 0 && !isOwn && by < mine.version {
		reads := h.reads(mine)
		copies = listsOf(mine, func(id string) bool { return reads(id) && mine.devices[id].addedIn > by })
	}
	return object{
		"shown": shown, "gap": gap, "fetchSender": named > theirs.version, "fetchOwn": !isOwn && by > mine.version,
		"answers": answers, "copies": copies,
	}, ""
}

// plain makes numbers of both readings comparable.
func plain(value any) any {
	switch v := value.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	case object:
		out := object{}
		for name, item := range v {
			out[name] = plain(item)
		}
		return out
	case bool, string:
		return v
	}
	return fmt.Sprint(value)
}

// checkDevices plays a transcript of the family again.
func (file *vectorFile) checkDevices(item object) {
	primitives++
	actors := map[string]*household{}
	for index, entry := range item["script"].([]any) {
		step := flat(entry, file.look(item)).(object)
		name := step["as"].(string)
		if actors[name] == nil {
			actors[name] = &household{
				held: map[string]signedList{}, seen: map[string]map[int64]bool{}, highest: map[string]int64{}, told: map[string]notice{},
				settings: map[string]writing{},
			}
		}
		out, outcome := actors[name].step(step["do"].(string), step["in"].(object))
		if step["expect"] == "reject" {
			classes := item["class"].([]any)
			if !slices.Contains(classes, any(outcome)) {
				panic(fmt.Sprintf("step %d: %q, not as the case says", index, outcome))
			}
			continue
		}
		if outcome != "" {
			panic(fmt.Sprintf("step %d is refused: %s", index, outcome))
		}
		if given := plain(out); !reflect.DeepEqual(given, plain(step["out"])) {
			panic(fmt.Sprintf("step %d gives %v", index, given))
		}
	}
}
