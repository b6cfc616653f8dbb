/**
 * Why a sealed file is refused: the closed list, as data.
 *
 * Spec: docs/spec/11-attachments.md §11.3, rule attachment.outcome.1.
 * A failure carries its cause and nothing else.
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import type { Stage } from "../base/Failure.ts"

/** Every cause with the stage of its check. */
export const causes = {
  "attachment.header": "decode",
  "attachment.version": "version",
  "attachment.key": "authenticate",
  "attachment.chunk": "authenticate",
  "attachment.truncated": "decode",
  "attachment.size": "decode",
  "attachment.padding": "decode",
  "attachment.digest": "authenticate"
} as const satisfies Readonly<Record<string, Stage>>

/** A cause of the closed list. */
export type AttachmentCause = keyof typeof causes

/** A refusal. */
export class AttachmentFailure extends Data.TaggedClass("AttachmentFailure")<{ readonly cause: AttachmentCause }> {}

/** The failed result of a cause. */
export const fail = (cause: AttachmentCause): Result.Result<never, AttachmentFailure> =>
  Result.fail(new AttachmentFailure({ cause }))
