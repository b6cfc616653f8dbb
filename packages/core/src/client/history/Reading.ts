/**
 * Reading a history: pages, conversations, single messages, digests, and what was read.
 *
 * Spec: docs/spec/23-history.md §23.1–23.3.
 * Changes nothing.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../../base/Bytes.ts"
import * as Content from "../../envelope/Content.ts"
import * as Digest from "../../history/Digest.ts"
import * as Entry from "../../history/Entry.ts"
import { StoredRecordError } from "../Errors.ts"
import type { Opened } from "../Opened.ts"
import * as CoreRecords from "../Records.ts"
import { senderOf } from "../Senders.ts"
import type { HistoryConversation, HistoryEntry, HistoryPage, PageOptions } from "./HistoryApi.ts"
import * as Records from "./HistoryRecords.ts"
import type * as State from "./HistoryState.ts"
import * as Keeping from "./Keeping.ts"
import * as Presenting from "./Presenting.ts"

const defaultLimit = 50
const mostLimit = 1000

/** The place in the key of an entry. */
const placeIn = (key: string): Uint8Array =>
  Bytes.fromHex(key.slice(key.lastIndexOf("/") + 1))!.map((byte) => byte ^ 0xff)

const shown = Effect.fnUntraced(function* (opened: Opened, key: string, value: Uint8Array) {
  const kept = yield* CoreRecords.read(Records.Kept, key, value)
  const readKey = Records.keys.read(Bytes.toHex(kept.entry.messageId))
  const read = yield* opened.store.get(readKey)
  const readAt = read === undefined ? undefined : (yield* CoreRecords.read(Records.Read, readKey, read.value)).at
  return yield* Effect.fromResult(Presenting.present(opened, placeIn(key), kept, readAt))
})

/** A stretch of a conversation, newest first. A conversation or a place that is none has no entries. */
export const page = Effect.fnUntraced(function* (
  opened: Opened,
  { before, conversation, limit = defaultLimit }: PageOptions
) {
  const none: HistoryPage = { entries: [], before: undefined }
  const most = Math.min(mostLimit, Math.max(1, Math.floor(limit)))
  if (Bytes.fromHex(conversation)?.length !== 16) return none
  const from = before === undefined ? undefined : Bytes.fromHex(before)
  if (before !== undefined && from?.length !== Entry.placeBytes) return none
  const records = yield* opened.store.scan(Records.keys.entriesOf(conversation), {
    limit: most + 1,
    ...(from === undefined ? {} : { after: Records.keys.entry(conversation, from) })
  })
  const entries: Array<HistoryEntry> = []
  for (const { key, value } of records.slice(0, most)) entries.push(yield* shown(opened, key, value))
  const next: HistoryPage = { entries, before: records.length > most ? entries.at(-1)!.place : undefined }
  return next
})

/** Every conversation with entries, and its newest one. */
export const conversations = Effect.fnUntraced(function* (opened: Opened) {
  const peers = new Map<string, string>()
  for (const { account, hex } of opened.contacts.values()) {
    if (hex === opened.hex.account) continue
    peers.set(Bytes.toHex(Content.directConversation(opened.crypto, opened.self.account, account)), hex)
  }
  const found: Array<HistoryConversation> = []
  for (let after: string | undefined; ;) {
    const [first] = yield* opened.store.scan(Records.keys.entries, {
      limit: 1,
      ...(after === undefined ? {} : { after })
    })
    if (first === undefined) return found
    const conversation = Records.conversationIn(first.key)
    const peer = peers.get(conversation)
    found.push({
      conversation,
      peer: peer === undefined ? undefined : senderOf(opened, peer, ""),
      newest: yield* shown(opened, first.key, first.value)
    })
    // "~" is above every digit: what comes behind is the next conversation.
    after = `${Records.keys.entriesOf(conversation)}~`
  }
})

/** The entries of a message id. */
export const find = Effect.fnUntraced(function* (opened: Opened, id: string) {
  const found: Array<HistoryEntry> = []
  if (Bytes.fromHex(id)?.length !== 16) return found
  for (const { key, value } of yield* opened.store.scan(`${Records.keys.indices}${id.toLowerCase()}/`)) {
    const { conversation, place } = yield* CoreRecords.read(Records.Index, key, value)
    const entryKey = Records.keys.entry(Bytes.toHex(conversation), place)
    const stored = yield* opened.store.get(entryKey)
    if (stored === undefined) return yield* new StoredRecordError({ kind: "history", reason: "corrupt" })
    found.push(yield* shown(opened, entryKey, stored.value))
  }
  return found
})

/** Rules history.digest.1 and history.digest.2. */
export const digest = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  { conversation, since = 0 }: { readonly conversation?: string; readonly since?: number } = {}
) {
  const { places, tags } = yield* Keeping.index(opened, state)
  const first = places.below(Entry.from(since))
  if (conversation === undefined) return Bytes.toHex(Digest.ofPlaces(opened.crypto, places.slice(first, places.size)))
  const tag = tags.get(conversation)
  const chosen = new Uint8Array((places.size - first) * Entry.placeBytes)
  let length = 0
  for (let i = first; i < places.size; i++) {
    if (places.tagAt(i) !== tag) continue
    chosen.set(places.at(i), length)
    length += Entry.placeBytes
  }
  return Bytes.toHex(Digest.ofPlaces(opened.crypto, chosen.subarray(0, length)))
})
