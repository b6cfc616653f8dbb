/**
 * Decisions of trust: what a policy says about an event, and what another policy would have said.
 *
 * Spec: docs/spec/24-trust.md §24.3, §24.4.
 * A function of policy, event and facts (rule trust.decide.2): knows no clock and remembers nothing.
 */
import {
  type Condition,
  type Decision,
  type Event,
  type EventName,
  type Facts,
  stopsReceiving,
  stopsSending
} from "./Event.ts"
import type { Policy, Rule, When } from "./Policy.ts"

/** A decision and the id of the rule that made it. */
export interface Verdict {
  readonly decision: Decision
  readonly rule: string
}

/** What stands below every policy (rule trust.decide.1). Without `event` for every event. */
const defaults: ReadonlyArray<Omit<Rule, "event"> & { readonly event?: Rule["event"] }> = [
  { id: "default.identity-changed", event: "identity-changed", decision: "ask" },
  {
    id: "default.device-of-verified",
    event: ["device-added", "device-removed"],
    when: { verified: true },
    decision: "warn"
  },
  { id: "default.manifest", event: ["manifest-forked", "manifest-rolled-back"], decision: "warn" }
]

const otherwise: Verdict = { decision: "allow", rule: "default.allow" }

/** Decides about an event. */
export const decide = (policy: Policy, event: Event, facts: Facts): Verdict => {
  const values: { readonly [C in Condition]: boolean } = {
    verified: facts.verified,
    pinned: facts.pinned,
    vouched: facts.vouched,
    approved: facts.approved || policy.approved.includes(event.account),
    grace: facts.ageMs < policy.graceMs
  }
  for (const rules of [policy.rules, defaults]) {
    for (const { decision, event: named, id, when } of rules) {
      if (isNamed(named, event.event) && holds(when, values)) return { decision, rule: id }
    }
  }
  return otherwise
}

/** Whether a decision stops anything, the operator's approval considered (rules trust.effect.2 and trust.effect.3). */
export const stops = ({ decision }: Verdict, approved: boolean): boolean =>
  !(decision === "ask" && approved) && (stopsSending(decision) || stopsReceiving(decision))

/** What would let an event pass that was stopped: the first that helps. */
export type Remedy = "verify" | "approve" | "change-policy"

/** What to do about an event that is stopped. */
export const remedyOf = (policy: Policy, event: Event, facts: Facts): Remedy => {
  const verified = { ...facts, verified: true }
  if (!stops(decide(policy, event, verified), facts.approved)) return "verify"
  return stops(decide(policy, event, { ...facts, approved: true }), true) ? "change-policy" : "approve"
}

const isNamed = (named: Rule["event"] | undefined, event: EventName): boolean =>
  named === undefined || (typeof named === "string" ? named === event : named.includes(event))

const holds = (when: When = {}, values: { readonly [C in Condition]: boolean }): boolean => {
  for (const [name, wanted] of Object.entries(when)) if (values[name as Condition] !== wanted) return false
  return true
}

/** An event of the past with what was decided about it. */
export interface Decided extends Event, Verdict {
  readonly facts: Facts
}

/** An event that another policy decides otherwise. */
export interface Difference<E extends Decided> {
  readonly entry: E
  readonly would: Verdict
}

/** What another policy decides otherwise, in the order of the events (rule trust.log.2). */
export const dryRun = <E extends Decided>(policy: Policy, log: ReadonlyArray<E>): ReadonlyArray<Difference<E>> => {
  const differences: Array<Difference<E>> = []
  for (const entry of log) {
    const would = decide(policy, entry, entry.facts)
    if (would.decision !== entry.decision) differences.push({ entry, would })
  }
  return differences
}
