/**
 * The file of known failures that an implementer keeps beside their own code.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (known.file.1).
 */
import * as Schema from "effect/Schema"
import { CaseOutcome } from "./Result.ts"

const optional = Schema.optionalKey

export const KnownFailure = Schema.Struct({
  /** An id, or a pattern of `family/topic/id` where `*` stands for one part and `**` for any. */
  case: Schema.String.check(Schema.isPattern(/^[a-zA-Z0-9*][a-zA-Z0-9*./_-]*$/u)),
  outcome: CaseOutcome,
  reason: Schema.String.check(Schema.isMinLength(1)),
  issue: optional(Schema.String),
  /** A date `2027-03-01` or a version of the suite `1.2.0`; from then on the entry is out of date. */
  until: optional(Schema.String.check(Schema.isPattern(/^(?:\d{4}-\d{2}-\d{2}|\d+\.\d+\.\d+)$/u)))
})
export type KnownFailure = typeof KnownFailure.Type

export const KnownFailures = Schema.Struct({
  /** The suite it was written for, such as `1.0.0` or `^1.0`. */
  suite: Schema.String,
  known: Schema.Array(KnownFailure)
})
export type KnownFailures = typeof KnownFailures.Type
