/**
 * Why an archive is refused: the closed list, as data.
 *
 * Spec: docs/spec/23-history.md §23.5, rule history.outcome.1.
 * A failure carries its cause and nothing else.
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import type { Stage } from "../base/Failure.ts"

/** Every cause with the stage of its check. */
export const causes = {
  "history.header": "decode",
  "history.version": "version",
  "history.account": "policy",
  "history.key": "authenticate",
  "history.chunk": "authenticate",
  "history.truncated": "decode",
  "history.content": "decode"
} as const satisfies Readonly<Record<string, Stage>>

/** A cause of the closed list. */
export type ArchiveCause = keyof typeof causes

/** A refusal. */
export class ArchiveFailure extends Data.TaggedClass("ArchiveFailure")<{ readonly cause: ArchiveCause }> {}

/** The failed result of a cause. */
export const fail = (cause: ArchiveCause): Result.Result<never, ArchiveFailure> =>
  Result.fail(new ArchiveFailure({ cause }))
