/**
 * Trust policies: reading them, strictly, and what they are when nobody says anything.
 *
 * Spec: docs/spec/24-trust.md §24.1.
 * Does not decide: trust/Decide.ts does. Reads no files.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import {
  type Condition,
  conditions,
  type Decision,
  decisions,
  type EventName,
  events,
  eventNames,
  fits
} from "./Event.ts"

/** Facts that a rule asks for, each with the value it must have. */
export type When = { readonly [C in Condition]?: boolean }

/** One rule. */
export interface Rule {
  readonly id: string
  readonly event: EventName | ReadonlyArray<EventName>
  readonly when?: When
  readonly decision: Decision
}

/** A policy, as its JSON has it, complete. */
export interface Policy {
  readonly version: 1
  readonly name: string
  /** How long a first use counts as grace, ms. */
  readonly graceMs: number
  /** Suites from the strongest to the weakest. */
  readonly suites: ReadonlyArray<number>
  /** Account ids the operator approves of, 64 lower-case hexadecimal digits each. */
  readonly approved: ReadonlyArray<string>
  readonly rules: ReadonlyArray<Rule>
}

/** What is wrong with a policy, and where: `rules[2].when.verified`. */
export interface Problem {
  readonly at: string
  readonly problem: string
}

/** The policy of a client that was told nothing: the default rules alone. */
export const standard: Policy = {
  version: 1,
  name: "default",
  graceMs: 0,
  suites: [1, 2, 3],
  approved: [],
  rules: []
}

/** Nothing goes to, and nothing is shown from, a contact that was not verified. */
export const verifiedOnly: Policy = {
  ...standard,
  name: "verified-only",
  rules: [
    { id: "send-verified-only", event: "sending", when: { verified: false }, decision: "block-sending" },
    { id: "show-verified-only", event: "receiving", when: { verified: false }, decision: "block-receiving" },
    { id: "device-of-verified", event: "device-added", when: { verified: true }, decision: "ask" }
  ]
}

/** A policy as JSON, for people to read. Reading it gives the same policy. */
export const format = (policy: Policy): string => JSON.stringify(policy, null, 2)

/** Reads a policy from JSON text. Fails with everything that is wrong. */
export const parse = (text: string): Result.Result<Policy, ReadonlyArray<Problem>> => {
  if (Bytes.utf8Encode(text).length > Limits.maxTrustPolicyBytes) {
    return Result.fail([{ at: "", problem: `longer than ${Limits.maxTrustPolicyBytes} bytes` }])
  }
  const read = Result.try(() => JSON.parse(text) as unknown)
  if (Result.isFailure(read)) return Result.fail([{ at: "", problem: "not JSON" }])
  const repeated = repeatedMember(text)
  if (repeated !== undefined) return Result.fail([{ at: repeated, problem: "stands twice in one object" }])
  return check(read.success)
}

/** Reads a policy from a value, as JSON gives it. */
export const check = (value: unknown): Result.Result<Policy, ReadonlyArray<Problem>> => {
  const reading = new Reading()
  const policy = reading.policy(value)
  return policy === undefined || reading.problems.length > 0 ? Result.fail(reading.problems) : Result.succeed(policy)
}

type Members = Readonly<Record<string, unknown>>

const isUint = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** One reading: collects what is wrong instead of stopping at the first. */
class Reading {
  readonly problems: Array<Problem> = []

  policy(value: unknown): Policy | undefined {
    const members = this.object(value, "", ["version", "name", "graceMs", "suites", "approved", "rules"])
    if (members === undefined) return undefined
    if (members["version"] !== 1) this.wrong("version", "must be 1")
    return {
      version: 1,
      name: this.given(members, "name", "custom", (name) =>
        typeof name === "string" && /^[A-Za-z0-9 ._-]{1,64}$/.test(name)
          ? name
          : this.wrong("name", "must be 1 to 64 letters, digits, blanks, dots, underscores and hyphens", "")
      ),
      graceMs: this.given(members, "graceMs", 0, (ms) =>
        isUint(ms) ? ms : this.wrong("graceMs", "must be a whole number of milliseconds", 0)
      ),
      suites: this.given(members, "suites", standard.suites, (suites) => this.suites(suites)),
      approved: this.given(members, "approved", [], (approved) => this.approved(approved)),
      rules: this.given(members, "rules", [], (rules) => this.rules(rules))
    }
  }

  private suites(value: unknown): ReadonlyArray<number> {
    const suites = this.list(value, "suites", 1, 16) ?? []
    for (const [i, suite] of suites.entries()) {
      if (!isUint(suite) || suite < 1 || suite > 32) this.wrong(`suites[${i}]`, "must be a whole number from 1 to 32")
      else if (suites.indexOf(suite) !== i) this.wrong(`suites[${i}]`, "stands here twice")
    }
    return suites as ReadonlyArray<number>
  }

  private approved(value: unknown): ReadonlyArray<string> {
    const approved = this.list(value, "approved", 0, Limits.maxTrustApproved) ?? []
    const seen = new Set<unknown>()
    for (const [i, account] of approved.entries()) {
      if (typeof account !== "string" || !/^[0-9a-f]{64}$/.test(account)) {
        this.wrong(`approved[${i}]`, "must be an account id: 64 lower-case hexadecimal digits")
      } else if (seen.has(account)) this.wrong(`approved[${i}]`, "stands here twice")
      seen.add(account)
    }
    return approved as ReadonlyArray<string>
  }

  private rules(value: unknown): ReadonlyArray<Rule> {
    const rules: Array<Rule> = []
    const ids = new Set<string>()
    for (const [i, item] of (this.list(value, "rules", 0, Limits.maxTrustRules) ?? []).entries()) {
      const rule = this.rule(item, `rules[${i}]`)
      if (rule === undefined) continue
      if (ids.has(rule.id)) this.wrong(`rules[${i}].id`, "is the id of another rule")
      ids.add(rule.id)
      rules.push(rule)
    }
    return rules
  }

  private rule(value: unknown, at: string): Rule | undefined {
    const members = this.object(value, at, ["id", "event", "when", "decision"])
    if (members === undefined) return undefined
    const { decision: wanted, event, id, when } = members
    if (typeof id !== "string" || !/^[a-z0-9][a-z0-9.-]{0,63}$/.test(id)) {
      this.wrong(`${at}.id`, "must be 1 to 64 lower-case letters, digits, dots and hyphens")
    } else if (id.startsWith("default.")) this.wrong(`${at}.id`, "must not begin with default.")
    const named = this.events(event, `${at}.event`)
    const conditions = this.given(members, "when", undefined, () => this.when(when, `${at}.when`))
    if (typeof wanted !== "string" || !Object.hasOwn(decisions, wanted)) {
      this.wrong(`${at}.decision`, `must be one of ${Object.keys(decisions).join(", ")}`)
      return undefined
    }
    const decision = wanted as Decision
    for (const name of named) {
      if (!fits(name, decision)) this.wrong(`${at}.decision`, `${decision} does not fit ${name}`)
    }
    return {
      id: String(id),
      event: Array.isArray(event) ? named : (event as EventName),
      ...(conditions === undefined ? {} : { when: conditions }),
      decision
    }
  }

  private events(value: unknown, at: string): ReadonlyArray<EventName> {
    const isList = Array.isArray(value)
    const names = isList ? (this.list(value, at, 1, eventNames.length) ?? []) : [value]
    const known: Array<EventName> = []
    for (const [i, name] of names.entries()) {
      const place = isList ? `${at}[${i}]` : at
      if (typeof name !== "string" || !Object.hasOwn(events, name)) {
        this.wrong(place, `must be one of ${eventNames.join(", ")}`)
      } else if (known.includes(name as EventName)) this.wrong(place, "stands here twice")
      else known.push(name as EventName)
    }
    return known
  }

  private when(value: unknown, at: string): When {
    const members = this.object(value, at, conditions) ?? {}
    for (const [name, wanted] of Object.entries(members)) {
      if (typeof wanted !== "boolean") this.wrong(`${at}.${name}`, "must be true or false")
    }
    return members
  }

  private object(value: unknown, at: string, names: ReadonlyArray<string>): Members | undefined {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return this.wrong(at, "must be an object", undefined)
    }
    for (const name of Object.keys(value)) {
      if (!names.includes(name)) {
        const shown = name.replace(/[^A-Za-z0-9_.-]/g, "?").slice(0, 32)
        this.wrong(at === "" ? shown : `${at}.${shown}`, `is none of ${names.join(", ")}`)
      }
    }
    return value as Members
  }

  private list(value: unknown, at: string, least: number, most: number): ReadonlyArray<unknown> | undefined {
    if (Array.isArray(value) && value.length >= least && value.length <= most) return value
    return this.wrong(at, `must be a list of ${least} to ${most}`, undefined)
  }

  private given<A>(members: Members, name: string, absent: A, read: (value: unknown) => A): A {
    return Object.hasOwn(members, name) ? read(members[name]) : absent
  }

  private wrong(at: string, problem: string): void
  private wrong<A>(at: string, problem: string, instead: A): A
  private wrong(at: string, problem: string, instead?: unknown): unknown {
    this.problems.push({ at, problem })
    return instead
  }
}

/**
 * The first member name that stands twice in one object of a JSON text that was parsed before (rule trust.policy.3): JSON.parse keeps the last one
 * without a word.
 */
const repeatedMember = (text: string): string | undefined => {
  const open: Array<Set<string> | undefined> = []
  for (const match of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/g)) {
    const [token, colon] = match
    if (token === "{") open.push(new Set())
    else if (token === "[") open.push(undefined)
    else if (token === "}" || token === "]") open.pop()
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, token.length - colon.length)) as string
      const names = open.at(-1)
      if (names?.has(name) === true) return name.replace(/[^A-Za-z0-9_.-]/g, "?").slice(0, 32)
      names?.add(name)
    }
  }
  return undefined
}
