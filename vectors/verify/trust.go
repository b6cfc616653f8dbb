// Trust policies and decisions, from the page.
//
// Spec: docs/spec/24-trust.md §24.1–24.3.

package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Decisions that fit an event: rule trust.event.1.
var trustFits = map[string]string{
	"first-contact": "allow warn block-sending block-receiving block ask", "identity-changed": "allow warn block ask",
	"device-added": "allow warn block-sending block-receiving block ask", "device-removed": "allow warn block-sending block-receiving block ask",
	"manifest-forked":      "allow warn block-sending block-receiving block ask",
	"manifest-rolled-back": "allow warn block-sending block-receiving block ask",
	"suite-downgraded":     "allow warn block-sending block-receiving block ask",
	"feature-downgraded":   "allow warn block-sending block-receiving block ask",
	"sending":              "allow warn block-sending ask", "receiving": "allow warn block-receiving ask",
}

var trustFacts = []string{"verified", "pinned", "vouched", "approved", "grace"}

type trustRule struct {
	id, decision string
	events       []string
	when         map[string]bool
}

type trustPolicy struct {
	name     string
	grace    int64
	approved []string
	rules    []trustRule
}

// member is one member of an object, in the order of the text.
type member struct {
	name  string
	value any
}

// strict reads one JSON value; objects keep their order, and a name that stands twice is refused.
func strict(decoder *json.Decoder) (any, bool) {
	token, err := decoder.Token()
	if err != nil {
		return nil, false
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			value, ok := strict(decoder)
			if !ok {
				return nil, false
			}
			list = append(list, value)
		}
		_, err = decoder.Token()
		return list, err == nil
	case json.Delim('{'):
		members := []member{}
		for decoder.More() {
			name, err := decoder.Token()
			if err != nil {
				return nil, false
			}
			text, ok := name.(string)
			if !ok || slices.ContainsFunc(members, func(one member) bool { return one.name == text }) {
				return nil, false
			}
			value, ok := strict(decoder)
			if !ok {
				return nil, false
			}
			members = append(members, member{text, value})
		}
		_, err = decoder.Token()
		return members, err == nil
	}
	return token, true
}

func trustUint(value any) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Int64()
	return n, err == nil && n >= 0 && n < 1<<53
}

func distinct(texts []string) bool {
	sorted := slices.Clone(texts)
	slices.Sort(sorted)
	return len(slices.Compact(sorted)) == len(texts)
}

// readPolicy is rules trust.policy.1 to trust.policy.3.
func readPolicy(text string) (policy trustPolicy, good bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	value, ok := strict(decoder)
	if _, err := decoder.Token(); !ok || err != io.EOF {
		return
	}
	members, ok := value.([]member)
	if !ok {
		return
	}
	policy.name = "custom"
	versioned := false
	for _, one := range members {
		list, isList := one.value.([]any)
		switch one.name {
		case "version":
			n, ok := trustUint(one.value)
			if versioned = ok && n == 1; !versioned {
				return
			}
		case "name":
			policy.name, ok = one.value.(string)
			if !ok || !regexp.MustCompile(`^[A-Za-z0-9 ._-]{1,64}$`).MatchString(policy.name) {
				return
			}
		case "graceMs":
			if policy.grace, ok = trustUint(one.value); !ok {
				return
			}
		case "suites":
			seen := []string{}
			for _, item := range list {
				n, ok := trustUint(item)
				if !ok || n < 1 || n > 32 {
					return
				}
				seen = append(seen, fmt.Sprint(n))
			}
			if !isList || len(list) < 1 || len(list) > 16 || !distinct(seen) {
				return
			}
		case "approved":
			for _, item := range list {
				id, ok := item.(string)
				if !ok || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(id) {
					return
				}
				policy.approved = append(policy.approved, id)
			}
			if !isList || len(list) > 1000 || !distinct(policy.approved) {
				return
			}
		case "rules":
			ids := []string{}
			for _, item := range list {
				rule, ok := readRule(item)
				if !ok {
					return
				}
				ids = append(ids, rule.id)
				policy.rules = append(policy.rules, rule)
			}
			if !isList || len(list) > 256 || !distinct(ids) {
				return
			}
		default:
			return
		}
	}
	return policy, versioned
}

func readRule(value any) (rule trustRule, good bool) {
	members, ok := value.([]member)
	if !ok {
		return
	}
	for _, one := range members {
		switch one.name {
		case "id":
			rule.id, _ = one.value.(string)
		case "decision":
			rule.decision, _ = one.value.(string)
		case "event":
			list, isList := one.value.([]any)
			if !isList {
				list = []any{one.value}
			}
			for _, item := range list {
				name, _ := item.(string)
				rule.events = append(rule.events, name)
			}
		case "when":
			facts, ok := one.value.([]member)
			if !ok {
				return
			}
			rule.when = map[string]bool{}
			for _, fact := range facts {
				wanted, ok := fact.value.(bool)
				if !ok || !slices.Contains(trustFacts, fact.name) {
					return
				}
				rule.when[fact.name] = wanted
			}
		default:
			return
		}
	}
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`).MatchString(rule.id) || strings.HasPrefix(rule.id, "default.") {
		return
	}
	if len(rule.events) < 1 || len(rule.events) > 16 || !distinct(rule.events) {
		return
	}
	for _, event := range rule.events {
		if !slices.Contains(strings.Fields(trustFits[event]), rule.decision) {
			return
		}
	}
	return rule, true
}

// trustDefaults is the table of rule trust.decide.1.
var trustDefaults = []trustRule{
	{id: "default.identity-changed", events: []string{"identity-changed"}, decision: "ask"},
	{id: "default.device-of-verified", events: []string{"device-added", "device-removed"}, when: map[string]bool{"verified": true}, decision: "warn"},
	{id: "default.manifest", events: []string{"manifest-forked", "manifest-rolled-back"}, decision: "warn"},
}

// checkTrust decides a case of the family again.
func (file *vectorFile) checkTrust(item object) {
	primitives++
	in := item["in"].(object)
	policy, good := readPolicy(in["policy"].(string))
	if good != (item["verdict"] == "valid") {
		panic("a policy is taken for none, or the other way round")
	}
	if !good {
		return
	}
	if item["op"] == "trust.policy" {
		if policy.name != at(item, "out/name") {
			panic("another name: " + policy.name)
		}
		return
	}
	facts := map[string]bool{}
	for _, name := range trustFacts[:4] {
		facts[name] = in[name].(bool)
	}
	age, _ := in["ageMs"].(json.Number).Int64()
	facts["grace"] = age < policy.grace
	facts["approved"] = facts["approved"] || slices.Contains(policy.approved, hex.EncodeToString(file.bytesAt(item, "in/account")))
	for _, rule := range append(slices.Clone(policy.rules), trustDefaults...) {
		if !slices.Contains(rule.events, in["event"].(string)) {
			continue
		}
		holds := true
		for name, wanted := range rule.when {
			holds = holds && facts[name] == wanted
		}
		if holds {
			if rule.id != at(item, "out/rule") || rule.decision != at(item, "out/decision") {
				panic("decided by " + rule.id)
			}
			return
		}
	}
	if at(item, "out/rule") != "default.allow" || at(item, "out/decision") != "allow" {
		panic("no rule decides")
	}
}
