/** Reading trust policies: everything or nothing. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Policy from "../../src/trust/Policy.ts"

const account = "ab".repeat(32)

const problems = (value: unknown): ReadonlyArray<string> => {
  const read = Policy.parse(typeof value === "string" ? value : JSON.stringify(value))
  return Result.isFailure(read) ? read.failure.map(({ at }) => at) : []
}

const rule = { id: "a", event: "sending", decision: "allow" }
const withRule = (changes: object) => ({ version: 1, rules: [{ ...rule, ...changes }] })

describe("a trust policy", () => {
  it("may leave everything but its version to its defaults [trust.policy.1]", () => {
    expect(Policy.parse('{"version":1}')).toEqual(Result.succeed({ ...Policy.standard, name: "custom" }))
  })

  it("is read as it was written [trust.policy.1] [trust.policy.2]", () => {
    const policy: Policy.Policy = {
      version: 1,
      name: "Ward 7",
      graceMs: 86_400_000,
      suites: [2, 1],
      approved: [account],
      rules: [
        { id: "a.1", event: "sending", when: { verified: false, grace: false }, decision: "ask" },
        { id: "b", event: ["device-added", "first-contact"], decision: "block-receiving" }
      ]
    }
    for (const one of [policy, Policy.standard, Policy.verifiedOnly]) {
      expect(Policy.parse(Policy.format(one))).toEqual(Result.succeed(one))
    }
  })

  it.each<[string, unknown, ReadonlyArray<string>]>([
    ["no JSON", "{", [""]],
    ["no object", "[]", [""]],
    ["null", "null", [""]],
    ["no version", {}, ["version"]],
    ["another version", { version: 2 }, ["version"]],
    ["a member it does not know", { version: 1, rule: [] }, ["rule"]],
    ["a name with a control character", { version: 1, name: "a\u0007" }, ["name"]],
    ["an empty name", { version: 1, name: "" }, ["name"]],
    ["half a millisecond", { version: 1, graceMs: 0.5 }, ["graceMs"]],
    ["a time before", { version: 1, graceMs: -1 }, ["graceMs"]],
    ["no suites", { version: 1, suites: [] }, ["suites"]],
    ["suite 0", { version: 1, suites: [0] }, ["suites[0]"]],
    ["suite 33", { version: 1, suites: [1, 33] }, ["suites[1]"]],
    ["a suite twice", { version: 1, suites: [1, 1] }, ["suites[1]"]],
    ["a short account id", { version: 1, approved: ["ab"] }, ["approved[0]"]],
    ["capitals in an account id", { version: 1, approved: [account.toUpperCase()] }, ["approved[0]"]],
    ["an account twice", { version: 1, approved: [account, account] }, ["approved[1]"]],
    ["too many accounts", { version: 1, approved: Array.from({ length: 1001 }, () => account) }, ["approved"]],
    ["rules that are no list", { version: 1, rules: {} }, ["rules"]],
    ["too many rules", { version: 1, rules: Array.from({ length: 257 }, () => rule) }, ["rules"]],
    ["a rule that is no object", { version: 1, rules: ["a"] }, ["rules[0]"]],
    ["an id of another rule", { version: 1, rules: [rule, rule] }, ["rules[1].id"]],
    ["an id of ours", withRule({ id: "default.x" }), ["rules[0].id"]],
    ["an id with a blank", withRule({ id: "a b" }), ["rules[0].id"]],
    ["no id", withRule({ id: undefined }), ["rules[0].id"]],
    ["an event there is not", withRule({ event: "departure" }), ["rules[0].event"]],
    ["an event of the prototype", withRule({ event: "toString" }), ["rules[0].event"]],
    ["no event in the list", withRule({ event: [] }), ["rules[0].event"]],
    ["an event twice", withRule({ event: ["sending", "sending"] }), ["rules[0].event[1]"]],
    ["a fact there is not", withRule({ when: { friendly: true } }), ["rules[0].when.friendly"]],
    ["a fact that is a word", withRule({ when: { verified: "yes" } }), ["rules[0].when.verified"]],
    ["a decision there is not", withRule({ decision: "maybe" }), ["rules[0].decision"]],
    ["a member of a rule it does not know", withRule({ unless: {} }), ["rules[0].unless"]],
    ["two faults at once", { version: 3, graceMs: "1" }, ["version", "graceMs"]],
    ["a member twice", '{"version":1,"name":"a","name":"b"}', ["name"]],
    [
      "a member of a rule twice",
      '{"version":1,"rules":[{"id":"a","event":"sending","decision":"ask","decision":"allow"}]}',
      ["decision"]
    ],
    ["a member twice, once escaped", '{"version":1,"na\\u006de":"a","name":"b"}', ["name"]],
    ["more text than allowed", `{"version":1${" ".repeat(131_072)}}`, [""]]
  ])("refuses %s and says where [trust.policy.3]", (_, value, at) => {
    expect(problems(value)).toEqual(at)
  })

  it("takes the same member name in two objects", () => {
    const rules = [rule, { ...rule, id: "b" }]
    expect(problems({ version: 1, name: "id", rules })).toEqual([])
  })

  it("refuses a decision that does not fit its event [trust.event.1]", () => {
    const fitting: Readonly<Record<string, ReadonlyArray<string>>> = {
      "identity-changed": ["allow", "warn", "block", "ask"],
      sending: ["allow", "warn", "block-sending", "ask"],
      receiving: ["allow", "warn", "block-receiving", "ask"],
      "first-contact": ["allow", "warn", "block-sending", "block-receiving", "block", "ask"],
      "device-removed": ["allow", "warn", "block-sending", "block-receiving", "block", "ask"]
    }
    for (const [event, decisions] of Object.entries(fitting)) {
      for (const decision of ["allow", "warn", "block-sending", "block-receiving", "block", "ask"]) {
        const expected = decisions.includes(decision) ? [] : ["rules[0].decision"]
        expect([event, decision, problems(withRule({ event, decision }))]).toEqual([event, decision, expected])
      }
    }
    expect(problems(withRule({ event: ["first-contact", "receiving"], decision: "block" }))).toEqual([
      "rules[0].decision"
    ])
  })
})
