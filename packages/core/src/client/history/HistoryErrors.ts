/**
 * Errors of a history, each saying who must act.
 *
 * Spec: docs/spec/23-history.md §23.5, rule history.outcome.1.
 * Nothing here carries a secret or plaintext.
 */
import * as Schema from "effect/Schema"
import { type ArchiveCause, type ArchiveFailure, causes } from "../../history/ArchiveFailure.ts"

/** This client keeps no history. Open it with the option `history`. */
export class HistoryOff extends Schema.TaggedError<HistoryOff>()("HistoryOff", {}) {}

/**
 * An archive is refused, for a cause of the closed list, or asked for wrongly: `bad-range`, `bad-key` (not 32 bytes), `bad-device` (no other
 * readable device of this account).
 */
export class ArchiveError extends Schema.TaggedError<ArchiveError>()("ArchiveError", {
  reason: Schema.Literals([
    ...(Object.keys(causes) as [ArchiveCause, ...Array<ArchiveCause>]),
    "bad-range",
    "bad-key",
    "bad-device"
  ])
}) {}

/** The public error of a refusal. */
export const refused = ({ cause }: ArchiveFailure): ArchiveError => new ArchiveError({ reason: cause })
