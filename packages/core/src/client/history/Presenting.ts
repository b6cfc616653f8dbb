/**
 * Kept entries as the application sees them.
 *
 * Spec: docs/spec/23-history.md §23.1, rule history.entry.3.
 */
import * as Result from "effect/Result"
import * as Bytes from "../../base/Bytes.ts"
import * as Body from "../../envelope/Body.ts"
import { StoredRecordError } from "../Errors.ts"
import * as Inbox from "../Inbox.ts"
import type { Opened } from "../Opened.ts"
import { senderOf } from "../Senders.ts"
import type { HistoryEntry } from "./HistoryApi.ts"
import type * as Records from "./HistoryRecords.ts"

const names = ["sent", "received", "copy", "compared", "archive"] as const

/** An entry with what this device adds. A body that does not decode is a damaged record. */
export const present = (
  opened: Opened,
  place: Uint8Array,
  { entry, origin, receivedAt }: Records.Kept,
  readAt: number | undefined
): Result.Result<HistoryEntry, StoredRecordError> => {
  const body = Body.decode(entry.type, entry.body)
  if (Result.isFailure(body)) return Result.fail(new StoredRecordError({ kind: "history", reason: "corrupt" }))
  const account = Bytes.toHex(entry.account)
  return Result.succeed({
    id: Bytes.toHex(entry.messageId),
    conversation: Bytes.toHex(entry.conversation),
    place: Bytes.toHex(place),
    from: senderOf(opened, account, Bytes.toHex(entry.device)),
    own: account === opened.hex.account,
    body: Inbox.bodyOf(body.success, entry.fallback),
    sentAt: entry.sentAt,
    number: entry.number,
    replyTo: entry.replyTo === undefined ? undefined : Bytes.toHex(entry.replyTo),
    receivedAt,
    origin: names[origin - 1]!,
    readAt
  })
}
