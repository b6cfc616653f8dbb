/** Decisions: a table of cases whose expectations were written down from the page of the specification. */
import { describe, expect, it } from "vitest"
import { decide, dryRun, type Decided } from "../../src/trust/Decide.ts"
import type { Decision, EventName, Facts } from "../../src/trust/Event.ts"
import * as Policy from "../../src/trust/Policy.ts"

const account = "ab".repeat(32)
const friend = "cd".repeat(32)
const hour = 3_600_000

const facts: Facts = { verified: false, pinned: true, vouched: true, approved: false, ageMs: 2 * hour }

const policyOf = (rules: Policy.Policy["rules"], more: Partial<Policy.Policy> = {}): Policy.Policy => ({
  ...Policy.standard,
  ...more,
  rules
})

type Row = readonly [event: EventName, facts: Partial<Facts>, decision: Decision, rule: string, account?: string]

const judge = (policy: Policy.Policy, rows: ReadonlyArray<Row>): void => {
  for (const [event, some, decision, rule, whose = account] of rows) {
    const verdict = decide(policy, { event, account: whose }, { ...facts, ...some })
    expect([event, some, verdict]).toEqual([event, some, { decision, rule }])
  }
}

describe("decisions", () => {
  it("are those of a client that was told nothing when no rule says otherwise [trust.decide.1]", () => {
    judge(Policy.standard, [
      ["first-contact", { pinned: false }, "allow", "default.allow"],
      ["identity-changed", {}, "ask", "default.identity-changed"],
      ["identity-changed", { verified: true }, "ask", "default.identity-changed"],
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
    ])
  })

  it("are those of the first rule that names the event and of which every fact holds [trust.decide.1]", () => {
    judge(
      policyOf([
        { id: "r1", event: "sending", when: { verified: true }, decision: "allow" },
        { id: "r2", event: "sending", when: { vouched: true, verified: false }, decision: "warn" },
        { id: "r3", event: ["sending", "receiving"], decision: "ask" },
        { id: "r4", event: "receiving", decision: "allow" }
      ]),
      [
        ["sending", { verified: true }, "allow", "r1"],
        ["sending", {}, "warn", "r2"],
        ["sending", { vouched: false }, "ask", "r3"],
        ["receiving", {}, "ask", "r3"],
        ["first-contact", {}, "allow", "default.allow"],
        ["identity-changed", {}, "ask", "default.identity-changed"]
      ]
    )
  })

  it("know every fact [trust.fact.1]", () => {
    const names = ["verified", "pinned", "vouched", "approved"] as const
    for (const name of names) {
      const policy = policyOf([{ id: "r", event: "sending", when: { [name]: false }, decision: "block-sending" }])
      judge(policy, [
        ["sending", { [name]: false }, "block-sending", "r"],
        ["sending", { [name]: true }, "allow", "default.allow"]
      ])
    }
  })

  it("give a first use its grace, up to the millisecond, and none where none is given [trust.fact.1]", () => {
    const rules = [
      { id: "grace", event: "sending", when: { grace: true }, decision: "warn" },
      { id: "late", event: "sending", when: { verified: false }, decision: "block-sending" }
    ] as const
    judge(policyOf(rules, { graceMs: hour }), [
      ["sending", { ageMs: 0 }, "warn", "grace"],
      ["sending", { ageMs: hour - 1 }, "warn", "grace"],
      ["sending", { ageMs: hour }, "block-sending", "late"]
    ])
    judge(policyOf(rules), [["sending", { ageMs: 0 }, "block-sending", "late"]])
  })

  it("count whom the policy approves, and whom the operator approved by hand [trust.fact.1]", () => {
    const policy = policyOf([{ id: "r", event: "sending", when: { approved: false }, decision: "ask" }], {
      approved: [friend]
    })
    judge(policy, [
      ["sending", {}, "ask", "r"],
      ["sending", {}, "allow", "default.allow", friend],
      ["sending", { approved: true }, "allow", "default.allow"]
    ])
  })

  it("keep to verified contacts where that is the policy [trust.decide.1]", () => {
    judge(Policy.verifiedOnly, [
      ["sending", {}, "block-sending", "send-verified-only"],
      ["sending", { verified: true }, "allow", "default.allow"],
      ["receiving", {}, "block-receiving", "show-verified-only"],
      ["receiving", { verified: true }, "allow", "default.allow"],
      ["device-added", { verified: true }, "ask", "device-of-verified"],
      ["device-added", {}, "allow", "default.allow"],
      ["device-removed", { verified: true }, "warn", "default.device-of-verified"]
    ])
  })

  it("depend on nothing else, and change nothing [trust.decide.2]", () => {
    const policy = Object.freeze({ ...Policy.verifiedOnly, rules: Object.freeze([...Policy.verifiedOnly.rules]) })
    const event = Object.freeze({ event: "sending", account } as const)
    const given = Object.freeze({ ...facts })
    const first = decide(policy, event, given)
    expect(Array.from({ length: 50 }, () => decide(policy, event, given))).toEqual(
      Array.from({ length: 50 }, () => first)
    )
  })
})

describe("a dry run", () => {
  const entry = (event: EventName, decision: Decision, some: Partial<Facts> = {}): Decided => ({
    event,
    account,
    decision,
    rule: "default.allow",
    facts: { ...facts, ...some }
  })

  it("tells what would have differed, with the facts of then [trust.log.2]", () => {
    const log = [
      entry("first-contact", "allow"),
      entry("sending", "allow"),
      entry("sending", "allow", { verified: true }),
      entry("receiving", "allow"),
      entry("device-added", "warn", { verified: true })
    ]
    expect(dryRun(Policy.verifiedOnly, log)).toEqual([
      { entry: log[1], would: { decision: "block-sending", rule: "send-verified-only" } },
      { entry: log[3], would: { decision: "block-receiving", rule: "show-verified-only" } },
      { entry: log[4], would: { decision: "ask", rule: "device-of-verified" } }
    ])
  })

  it("finds nothing where the decision is the same, whichever rule makes it", () => {
    const policy = policyOf([{ id: "mine", event: "sending", decision: "allow" }])
    expect(dryRun(policy, [entry("sending", "allow")])).toEqual([])
  })
})
