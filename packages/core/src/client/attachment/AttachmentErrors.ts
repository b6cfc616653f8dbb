/**
 * Errors of attachments, each saying who must act.
 *
 * Spec: docs/spec/11-attachments.md §11.3, rule attachment.outcome.1; §11.4.
 * Nothing here carries a secret, plaintext or an id.
 */
import * as Schema from "effect/Schema"
import { type AttachmentCause, type AttachmentFailure, causes } from "../../attachment/AttachmentFailure.ts"
import type { AttachmentStoreError } from "../../ports/AttachmentStore.ts"

/**
 * A file was not sent, or is refused for a cause of the closed list (`attachment.…`: it was damaged, or is not what the message says; ask for it
 * again).
 *
 * `expired`: it is not kept any more, as was said. `missing`: it is not kept any more, or never was: the sender deleted it, or the store lost it.
 * `too-large`: larger than the store takes, or than the caller allowed. `quota`: the store has no room, or the account has uploaded too much; wait
 * `retryAfterMs`. `grant`: the relay does not let this account upload. `place`: it is kept where this client does not fetch from; the application may
 * allow it. `unreachable`: the store did not answer for a while; try again, it goes on where it was. `answer`: the store does not keep to the
 * protocol. `off`: this client has no attachment store. `source`: the file was not as long as it was said to be. `changed`: what is to be gone on
 * with is not the beginning of this file. `in-use`: something with the same `resume` runs. `invalid`: name, media type, preview or another option is
 * out of bounds.
 */
export class AttachmentError extends Schema.TaggedError<AttachmentError>()("AttachmentError", {
  reason: Schema.Literals([
    ...(Object.keys(causes) as [AttachmentCause, ...Array<AttachmentCause>]),
    "expired",
    "missing",
    "too-large",
    "quota",
    "grant",
    "place",
    "unreachable",
    "answer",
    "off",
    "source",
    "changed",
    "in-use",
    "invalid"
  ]),
  /** ms, 0 where nothing is known. */
  retryAfterMs: Schema.Finite
}) {}

/** The error of a reason. */
export const failed = (reason: AttachmentError["reason"], retryAfterMs = 0): AttachmentError =>
  new AttachmentError({ reason, retryAfterMs })

/** The public error of a refusal. */
export const refused = ({ cause }: AttachmentFailure): AttachmentError => failed(cause)

/** The public error of a store's. */
export const ofStore = ({ reason, retryAfterMs }: AttachmentStoreError): AttachmentError => {
  switch (reason) {
    case "busy":
      return failed("unreachable", retryAfterMs)
    case "mismatch":
      return failed("answer")
    default:
      return failed(reason, retryAfterMs)
  }
}
