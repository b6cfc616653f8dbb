/**
 * Why something a peer sent did not open: the closed list of causes, as data.
 *
 * Spec: docs/spec/07-sequencing.md §7.3.
 * A failure is a plain tagged value without stack or detail: strangers can provoke it. Only the local user ever sees one.
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"

/** Where in the order of checks a message failed. */
export type Stage =
  | "decode"
  | "version"
  | "policy"
  | "lookup"
  | "authenticate"
  | "freshness"
  | "decrypt"
  | "apply"
  | "limit"

/**
 * Whether trying again can help: `never`; `request` when the sender, asked, can seal the message anew; `later` when the
 * same operation may succeed once the remedy was applied.
 */
export type Retry = "never" | "request" | "later"

/** One row of the taxonomy. */
export interface Advice {
  readonly stage: Stage
  /** Whether it happens without anybody's fault, so that it is no reason for alarm. */
  readonly expected: boolean
  /** What to do about it, in the words of the spec. */
  readonly remedy: string
  readonly retry: Retry
}

const advice = (stage: Stage, expected: boolean, remedy: string, retry: Retry): Advice => ({
  stage,
  expected,
  remedy,
  retry
})

/** Every cause with its row, in the order of the spec. */
export const causes = {
  "decode.truncated": advice("decode", false, "drop", "never"),
  "decode.trailing": advice("decode", false, "drop", "never"),
  "decode.noncanonical": advice("decode", false, "drop", "never"),
  "decode.type": advice("decode", false, "drop", "never"),
  "decode.size": advice("limit", false, "drop", "never"),
  "decode.utf8": advice("decode", false, "drop", "never"),
  "decode.unknown-critical": advice("decode", false, "update the software", "later"),
  "decode.value": advice("decode", false, "drop", "never"),
  "decode.padding": advice("decode", false, "drop", "never"),
  "envelope.version": advice("version", false, "update the software", "later"),
  "envelope.kind": advice("version", false, "update the software", "later"),
  "envelope.mailbox": advice("lookup", false, "drop", "never"),
  "policy.suite": advice("policy", false, "drop", "never"),
  "policy.revoked-device": advice("policy", true, "none: the sender was removed", "never"),
  "policy.no-chain": advice("policy", false, "wait for the peer's first message", "later"),
  "policy.identity-changed": advice("policy", true, "the user compares safety numbers", "later"),
  "policy.not-own": advice("policy", false, "drop", "never"),
  "lookup.no-session": advice("lookup", true, "resynchronise", "request"),
  "lookup.prekey-unknown": advice("lookup", true, "retry request", "request"),
  "lookup.prekey-consumed": advice("lookup", true, "retry request", "request"),
  "lookup.manifest-gap": advice("lookup", false, "fetch the manifests between", "later"),
  "auth.tag": advice("authenticate", false, "retry request", "request"),
  "auth.certificate": advice("authenticate", false, "drop", "never"),
  "auth.prekey": advice("authenticate", false, "fetch the bundle again", "later"),
  "auth.low-order": advice("authenticate", false, "drop", "never"),
  "auth.header": advice("authenticate", false, "drop", "never"),
  "auth.reflected": advice("authenticate", false, "drop", "never"),
  "auth.account": advice("authenticate", false, "drop", "never"),
  "auth.fork": advice("authenticate", false, "report the proof", "never"),
  "fresh.used-key": advice("freshness", true, "none: already delivered", "never"),
  "fresh.duplicate": advice("freshness", true, "none: already delivered", "never"),
  "fresh.stale": advice("freshness", true, "none", "never"),
  "fresh.replayed-start": advice("freshness", true, "none: already delivered", "never"),
  "fresh.rollback": advice("freshness", false, "report", "never"),
  "limit.skip": advice("limit", false, "reset the session", "request"),
  "limit.chain": advice("limit", false, "reset the session", "later"),
  "limit.unanswered": advice("limit", true, "wait for the peer's first message", "later"),
  "limit.sessions": advice("limit", false, "drop", "never")
} as const satisfies Readonly<Record<string, Advice>>

/** A cause of the closed list. */
export type Cause = keyof typeof causes

/** A refusal: its cause and nothing else. */
export class Failure extends Data.TaggedClass("Failure")<{ readonly cause: Cause }> {}

/** The row of a failure's cause. */
export const adviceOf = (failure: Failure): Advice => causes[failure.cause]

/** Refusals made once: failing costs no allocation, however often strangers provoke it. */
const refusals = Object.fromEntries(
  Object.keys(causes).map((cause) => [cause, Result.fail(new Failure({ cause: cause as Cause }))])
) as { readonly [C in Cause]: Result.Result<never, Failure> }

/** The failed result of a cause. */
export const fail = (cause: Cause): Result.Result<never, Failure> => refusals[cause]
