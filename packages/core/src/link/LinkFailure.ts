/**
 * Why something was refused while a device is linked: the causes that the failure taxonomy does not have, as data.
 *
 * Spec: docs/spec/19-linking.md §19.9.
 * A refusal changes nothing. How a linking ended is no refusal but a reason (Frame.ts).
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import type { Cause, Failure, Stage } from "../base/Failure.ts"

/** Causes of this section with their stage. */
export const causes = {
  "link.version": "version",
  "link.purpose": "policy",
  "link.no-challenge": "policy",
  "link.state": "policy",
  "link.invitation": "authenticate",
  "link.commitment": "authenticate",
  "link.reflected": "authenticate",
  "link.device": "authenticate",
  "link.code": "authenticate",
  "link.payload": "apply",
  "link.expired": "freshness",
  "link.used": "freshness",
  "link.closed": "freshness"
} as const satisfies Readonly<Record<string, Stage>>

export type LinkCause = keyof typeof causes

/** A refusal: its cause and nothing else. */
export class LinkFailure extends Data.TaggedClass("LinkFailure")<{ readonly cause: Cause | LinkCause }> {}

/** The failed result of a cause. */
export const fail = (cause: Cause | LinkCause): Result.Result<never, LinkFailure> =>
  Result.fail(new LinkFailure({ cause }))

/** A refusal of another module as one of linking. */
export const lift = <A>(result: Result.Result<A, Failure>): Result.Result<A, LinkFailure> =>
  Result.isSuccess(result) ? Result.succeed(result.success) : fail(result.failure.cause)
