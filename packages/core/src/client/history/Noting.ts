/**
 * What of a work becomes history: messages that are sent, delivered, or copied from another own device.
 *
 * Spec: docs/spec/23-history.md §23.3, rule history.keep.1.
 * Only notes it in the work; client/history/Keeping.ts stores it in the work's commit. Does nothing where no history is kept.
 */
import * as Result from "effect/Result"
import * as Bytes from "../../base/Bytes.ts"
import * as Content from "../../envelope/Content.ts"
import * as Entry from "../../history/Entry.ts"
import type { Work } from "../Conversations.ts"
import type { Handle, Opened } from "../Opened.ts"
import type { Draft } from "../Sealing.ts"
import * as Records from "./HistoryRecords.ts"
import type { Origin } from "./HistoryRecords.ts"

/** A message that this device sends. Its number may be 0: it is noted again when it has one. */
export const sent = ({ history, self }: Opened, work: Work, handle: Handle, draft: Draft, now: number): void => {
  if (history === undefined || !Entry.isKept(draft.type)) return
  const { body, fallback, messageId, replyTo, sentAt, sequence: number, type } = draft
  const { account, device } = self
  work.notes.push({
    entry: { conversation: handle.direct, account, device, number, messageId, sentAt, type, body, replyTo, fallback },
    receivedAt: now,
    origin: "sent"
  })
}

/** A message that is delivered here: its encoded content. */
export const received = (
  { history }: Opened,
  work: Work,
  { account, direct }: Pick<Handle, "account" | "direct">,
  device: Uint8Array,
  content: Uint8Array,
  receivedAt: number
): void => {
  if (history !== undefined) note(work, content, { account, device, direct }, receivedAt, "received")
}

/** A message that another own device sent, as it copied it: its encoded content. */
export const copy = (
  { crypto, history, self }: Opened,
  work: Work,
  device: Uint8Array,
  peer: Uint8Array,
  content: Uint8Array,
  receivedAt: number
): void => {
  if (history === undefined) return
  const direct = Content.directConversation(crypto, self.account, peer)
  note(work, content, { account: self.account, device, direct }, receivedAt, "copy")
}

const note = (work: Work, content: Uint8Array, whose: Entry.Whose, receivedAt: number, origin: Origin): void => {
  const frame = Content.Frame.decode(content)
  const entry = Result.isSuccess(frame) ? Entry.ofContent(frame.success, whose) : undefined
  // What was delivered can be read; a copy of something else is not kept.
  if (entry !== undefined && Result.isSuccess(Entry.encode(entry))) work.notes.push({ entry, receivedAt, origin })
}

/** Messages were read, here or on another own device. */
export const read = ({ history }: Opened, work: Work, messages: ReadonlyArray<Uint8Array>, at: number): void => {
  if (history === undefined) return
  const record = Records.Read.encode({ version: Records.written, at })
  for (const message of messages) work.batch.put(Records.keys.read(Bytes.toHex(message)), record)
}
