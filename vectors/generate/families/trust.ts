/**
 * F24: what is a trust policy, and what one decides. Expectations are written down from the page, case by case.
 *
 * Spec: docs/spec/24-trust.md §24.1–24.3. Long because it is two tables of cases.
 */
import { hex } from "../bytes.ts"
import { FileBuilder, type Family } from "../family.ts"
import type { VectorFile } from "../model.ts"

/** F24. */
export const family: Family = {
  id: "F24",
  name: "trust",
  document: "docs/spec/24-trust.md",
  level: 3,
  operations: {
    "trust.policy": { in: { policy: "text" }, out: { name: "text" } },
    "trust.decide": {
      in: {
        policy: "text",
        event: "text",
        account: "bytes",
        verified: "flag",
        pinned: "flag",
        vouched: "flag",
        approved: "flag",
        ageMs: "uint"
      },
      out: { decision: "text", rule: "text" }
    }
  },
  notes: {
    Default: { kind: "POLICY", text: "No rule of the policy applies.", refs: ["docs/spec/24-trust.md §24.3"] },
    Order: { kind: "POLICY", text: "Several rules apply; the first decides.", refs: ["docs/spec/24-trust.md §24.3"] },
    Grace: { kind: "POLICY", text: "The time since the first contact is at its bound.", refs: [] },
    Form: { kind: "ENCODING", text: "No policy: nothing of it may count.", refs: ["docs/spec/24-trust.md §24.1"] }
  }
}

interface Facts {
  readonly verified?: boolean
  readonly pinned?: boolean
  readonly vouched?: boolean
  readonly approved?: boolean
  readonly ageMs?: number
}

const hour = 3_600_000

const json = (value: unknown): string => JSON.stringify(value)
const rule = (id: string, event: unknown, decision: string, when?: unknown) =>
  when === undefined ? { id, event, decision } : { id, event, when, decision }

export const decisions = (): VectorFile => {
  const file = new FileBuilder(family, "decisions")
  const world = file.world("people", "Two accounts.")
  const account = (name: string) =>
    world.op(
      `${name}.account`,
      "ed25519-public",
      { seed: world.coin(`${name}.account-seed`, `trust/${name}`, "account.seed", 0, 32) },
      "account.keys.1"
    )
  const [bob, carol] = [account("bob"), account("carol")]

  const decide = (
    id: string,
    title: string,
    policy: string,
    event: string,
    { ageMs = 2 * hour, approved = false, pinned = true, verified = false, vouched = true }: Facts,
    [decision, by]: readonly [decision: string, rule: string],
    more: {
      readonly flags?: ReadonlyArray<string>
      readonly clauses?: ReadonlyArray<string>
      readonly who?: string
    } = {}
  ): void => {
    const { clauses = ["trust.decide.1", "trust.decide.2"], flags = [], who = bob } = more
    file.valid(
      { id, title, clauses, flags, world: "people" },
      "trust.decide",
      { policy, event, account: who, verified, pinned, vouched, approved, ageMs },
      { decision, rule: by }
    )
  }

  // ---- Nobody says anything
  const nothing = json({ version: 1 })
  const bare: ReadonlyArray<readonly [event: string, facts: Facts, decision: string, rule: string]> = [
    ["first-contact", { pinned: false, ageMs: 0 }, "allow", "default.allow"],
    ["identity-changed", {}, "ask", "default.identity-changed"],
    ["identity-changed", { verified: true, approved: true }, "ask", "default.identity-changed"],
    ["device-added", {}, "allow", "default.allow"],
    ["device-added", { verified: true }, "warn", "default.device-of-verified"],
    ["device-removed", {}, "allow", "default.allow"],
    ["device-removed", { verified: true }, "warn", "default.device-of-verified"],
    ["manifest-forked", {}, "warn", "default.manifest"],
    ["manifest-rolled-back", { verified: true }, "warn", "default.manifest"],
    ["suite-downgraded", { verified: true }, "allow", "default.allow"],
    ["feature-downgraded", {}, "allow", "default.allow"],
    ["sending", {}, "allow", "default.allow"],
    ["receiving", { vouched: false }, "allow", "default.allow"]
  ]
  for (const [i, [event, facts, decision, by]] of bare.entries()) {
    decide(`trust-default-${i + 1}`, `${event} without a policy`, nothing, event, facts, [decision, by], {
      flags: ["Default"]
    })
  }

  // ---- Rules, in their order
  const ordered = json({
    version: 1,
    rules: [
      rule("known", "sending", "allow", { verified: true }),
      rule("named", "sending", "warn", { vouched: true, verified: false }),
      rule("rest", ["sending", "receiving"], "ask"),
      rule("never", "receiving", "allow")
    ]
  })
  const order = { flags: ["Order"] }
  decide("trust-order-1", "the first rule", ordered, "sending", { verified: true }, ["allow", "known"], order)
  decide("trust-order-2", "the second, of which both facts hold", ordered, "sending", {}, ["warn", "named"], order)
  decide(
    "trust-order-3",
    "the third, when one fact does not",
    ordered,
    "sending",
    { vouched: false },
    ["ask", "rest"],
    order
  )
  decide("trust-order-4", "a rule of two events", ordered, "receiving", { verified: true }, ["ask", "rest"], order)
  decide("trust-order-5", "an event that no rule names", ordered, "device-added", { verified: true }, [
    "warn",
    "default.device-of-verified"
  ])

  // ---- Facts
  for (const fact of ["verified", "pinned", "vouched", "approved"] as const) {
    const policy = json({ version: 1, rules: [rule("r", "first-contact", "block", { [fact]: false })] })
    const other = json({ version: 1, rules: [rule("r", "first-contact", "block", { [fact]: true })] })
    const clauses = ["trust.fact.1"]
    decide(
      `trust-${fact}-1`,
      `not ${fact}, as the rule wants`,
      policy,
      "first-contact",
      { [fact]: false },
      ["block", "r"],
      { clauses }
    )
    decide(
      `trust-${fact}-2`,
      `${fact}, as the rule does not want`,
      policy,
      "first-contact",
      { [fact]: true },
      ["allow", "default.allow"],
      { clauses }
    )
    decide(`trust-${fact}-3`, `${fact}, as the rule wants`, other, "first-contact", { [fact]: true }, ["block", "r"], {
      clauses
    })
    decide(
      `trust-${fact}-4`,
      `not ${fact}, as the rule does not want`,
      other,
      "first-contact",
      { [fact]: false },
      ["allow", "default.allow"],
      { clauses }
    )
  }
  const list = json({
    version: 1,
    approved: [hex(world.value(carol))],
    rules: [rule("r", "sending", "ask", { approved: false })]
  })
  const clauses = ["trust.fact.1", "trust.policy.1"]
  decide("trust-approved-5", "approved by the policy's list", list, "sending", {}, ["allow", "default.allow"], {
    clauses,
    who: carol
  })
  decide("trust-approved-6", "somebody else than on the list", list, "sending", {}, ["ask", "r"], { clauses })
  decide(
    "trust-approved-7",
    "by hand, beside the list",
    list,
    "sending",
    { approved: true },
    ["allow", "default.allow"],
    { clauses }
  )

  // ---- Grace
  const rules = [
    rule("grace", "sending", "warn", { grace: true }),
    rule("late", "sending", "block-sending", { verified: false })
  ]
  const grace = json({ version: 1, graceMs: hour, rules })
  const none = json({ version: 1, rules })
  const bound = { flags: ["Grace"], clauses: ["trust.fact.1"] }
  decide("trust-grace-1", "at the first contact", grace, "sending", { ageMs: 0 }, ["warn", "grace"], bound)
  decide(
    "trust-grace-2",
    "one millisecond before its end",
    grace,
    "sending",
    { ageMs: hour - 1 },
    ["warn", "grace"],
    bound
  )
  decide("trust-grace-3", "at its end", grace, "sending", { ageMs: hour }, ["block-sending", "late"], bound)
  decide("trust-grace-4", "none is given", none, "sending", { ageMs: 0 }, ["block-sending", "late"], bound)
  return file.file()
}

export const policies = (): VectorFile => {
  const file = new FileBuilder(family, "policies")
  const account = "ab".repeat(32)
  const good = { id: "a", event: "sending", decision: "ask" }
  const whole = {
    version: 1,
    name: "Ward 7",
    graceMs: 86_400_000,
    suites: [2, 1],
    approved: [account],
    rules: [
      { id: "a.1", event: "sending", when: { verified: false, grace: false }, decision: "ask" },
      { id: "b-2", event: ["device-added", "first-contact"], decision: "block-receiving" }
    ]
  }
  const clauses = ["trust.policy.1", "trust.policy.2"]
  const valid = (id: string, title: string, policy: string, name: string): void =>
    void file.valid({ id: `trust-policy-${id}`, title, clauses }, "trust.policy", { policy }, { name })
  valid("whole", "every member", json(whole), "Ward 7")
  valid("bare", "only the version", '{"version":1}', "custom")
  valid("spaced", "spaces and escapes", ' {\n"version" : 1, "na\\u006de":"x"\t}\r\n', "x")
  valid("twice", "the same member in two objects", json({ version: 1, rules: [good, { ...good, id: "b" }] }), "custom")
  const fitting: Readonly<Record<string, ReadonlyArray<string>>> = {
    "identity-changed": ["allow", "warn", "block", "ask"],
    sending: ["allow", "warn", "block-sending", "ask"],
    receiving: ["allow", "warn", "block-receiving", "ask"],
    "manifest-forked": ["allow", "warn", "block-sending", "block-receiving", "block", "ask"]
  }
  for (const [event, decisions] of Object.entries(fitting)) {
    valid(
      `fits-${event}`,
      `every decision that fits ${event}`,
      json({ version: 1, rules: decisions.map((decision, i) => ({ id: `r${i}`, event, decision })) }),
      "custom"
    )
  }

  const wrong: ReadonlyArray<readonly [id: string, title: string, policy: unknown]> = [
    ["json", "no JSON", "{"],
    ["empty", "nothing", ""],
    ["list", "a list", "[]"],
    ["null", "null", "null"],
    ["version-none", "no version", {}],
    ["version", "another version", { version: 2 }],
    ["version-text", "a version as text", { version: "1" }],
    ["member", "a member it does not know", { version: 1, rule: [] }],
    ["name", "a name with a slash", { version: 1, name: "a/b" }],
    ["name-empty", "an empty name", { version: 1, name: "" }],
    ["name-long", "a name of 65 characters", { version: 1, name: "a".repeat(65) }],
    ["grace-half", "half a millisecond", { version: 1, graceMs: 0.5 }],
    ["grace-negative", "a negative time", { version: 1, graceMs: -1 }],
    ["grace-large", "a time beyond 2^53", '{"version":1,"graceMs":9007199254740993}'],
    ["suites-none", "no suites", { version: 1, suites: [] }],
    ["suite-0", "suite 0", { version: 1, suites: [0] }],
    ["suite-33", "suite 33", { version: 1, suites: [33] }],
    ["suite-twice", "a suite twice", { version: 1, suites: [1, 2, 1] }],
    ["suites-many", "seventeen suites", { version: 1, suites: Array.from({ length: 17 }, (_, i) => i + 1) }],
    ["approved-short", "a short account id", { version: 1, approved: ["ab"] }],
    ["approved-capitals", "an account id in capitals", { version: 1, approved: [account.toUpperCase()] }],
    ["approved-twice", "an account twice", { version: 1, approved: [account, account] }],
    ["rules", "rules that are no list", { version: 1, rules: {} }],
    ["rule", "a rule that is no object", { version: 1, rules: ["a"] }],
    ["rule-member", "a member of a rule it does not know", { version: 1, rules: [{ ...good, unless: {} }] }],
    ["id-none", "no id", { version: 1, rules: [{ event: "sending", decision: "ask" }] }],
    ["id-blank", "an id with a blank", { version: 1, rules: [{ ...good, id: "a b" }] }],
    ["id-ours", "an id of the defaults", { version: 1, rules: [{ ...good, id: "default.x" }] }],
    ["id-twice", "an id of another rule", { version: 1, rules: [good, good] }],
    ["event-none", "no event", { version: 1, rules: [{ id: "a", decision: "ask" }] }],
    ["event", "an event there is not", { version: 1, rules: [{ ...good, event: "departure" }] }],
    [
      "event-inherited",
      "an event by a name that objects have",
      { version: 1, rules: [{ ...good, event: "toString" }] }
    ],
    ["events-none", "an empty list of events", { version: 1, rules: [{ ...good, event: [] }] }],
    ["event-twice", "an event twice", { version: 1, rules: [{ ...good, event: ["sending", "sending"] }] }],
    ["when", "facts that are a list", { version: 1, rules: [{ ...good, when: [] }] }],
    ["fact", "a fact there is not", { version: 1, rules: [{ ...good, when: { friendly: true } }] }],
    ["fact-text", "a fact that is a word", { version: 1, rules: [{ ...good, when: { verified: "yes" } }] }],
    ["decision-none", "no decision", { version: 1, rules: [{ id: "a", event: "sending" }] }],
    ["decision", "a decision there is not", { version: 1, rules: [{ ...good, decision: "maybe" }] }],
    ["fits-sending", "a decision that does not fit", { version: 1, rules: [{ ...good, decision: "block-receiving" }] }],
    [
      "fits-identity",
      "holding half of an identity",
      { version: 1, rules: [{ ...good, event: "identity-changed", decision: "block-sending" }] }
    ],
    [
      "fits-one",
      "a decision that fits one of two events",
      { version: 1, rules: [{ ...good, event: ["first-contact", "receiving"], decision: "block" }] }
    ],
    ["member-twice", "a member twice", '{"version":1,"name":"a","name":"b"}'],
    ["member-escaped", "a member twice, once escaped", '{"version":1,"na\\u006de":"a","name":"b"}'],
    [
      "rule-twice",
      "a member of a rule twice",
      '{"version":1,"rules":[{"id":"a","event":"sending","decision":"ask","decision":"allow"}]}'
    ]
  ]
  for (const [id, title, policy] of wrong) {
    const value = typeof policy === "string" ? policy : json(policy)
    const rule = id.startsWith("fits") ? "trust.event.1" : "trust.policy.2"
    file.invalid(
      { id: `trust-no-policy-${id}`, title, clauses: ["trust.policy.3", rule], flags: ["Form"] },
      "trust-policy-whole",
      { at: "in/policy", op: "assign", value, field: "policy" },
      "trust.policy"
    )
  }
  return file.file()
}
