/**
 * Reading the store: pages of records, and a conversation with everything that belongs to it.
 *
 * Spec: docs/spec/16-state.md §16.1; docs/spec/06-ratchet.md §6.5, rule ratchet.skip.2.
 * Takes no locks: client/Conversations.ts sees to it that a conversation is read once.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Content from "../envelope/Content.ts"
import type { Store, StoredRecord } from "../ports/Store.ts"
import * as SkippedKeys from "../ratchet/SkippedKeys.ts"
import * as ReplayWindow from "../sequence/ReplayWindow.ts"
import * as Sequence from "../sequence/Sequence.ts"
import type * as Crossing from "../session/Crossing.ts"
import * as Session from "../session/Session.ts"
import { Batch, commit } from "./Commit.ts"
import { StoredRecordError } from "./Errors.ts"
import { Lock } from "./internal/lock.ts"
import type { Device, Handle, Opened, SessionEntry, Tracked } from "./Opened.ts"
import * as Records from "./Records.ts"

/** The key under which a skipped key of a session is stored. */
export const skippedKey = (entry: SessionEntry, key: SkippedKeys.SkippedKey): string =>
  Records.keys.skipped(entry.id, Bytes.toHex(key.header.tag), key.number)

/** Active and archived sessions. */
export const marks = (sessions: Crossing.Sessions): ReadonlyArray<Crossing.SessionMark> =>
  sessions.active === undefined ? sessions.archived : [sessions.active, ...sessions.archived]

/** Every record under a prefix. */
export const scanAll = Effect.fnUntraced(function* (store: Store["Service"], prefix: string) {
  const all: Array<StoredRecord> = []
  for (;;) {
    const last = all.at(-1)
    const page = yield* store.scan(prefix, last === undefined ? { limit: page_ } : { after: last.key, limit: page_ })
    for (const record of page) all.push(record)
    if (page.length < page_) return all
  }
})
const page_ = 1000

/** Reads the conversation with an account (hexadecimal) from the store and enters it among those in memory. */
export const load = Effect.fnUntraced(function* (opened: Opened, hex: string) {
  const { crypto, store } = opened
  const account = Bytes.fromHex(hex)!
  const direct = Content.directConversation(crypto, opened.self.account, account)
  const conversation = Bytes.toHex(direct)
  const sequenceKey = Records.keys.sequence(conversation)
  const counter = yield* store.get(sequenceKey)
  const now = yield* Clock.currentTimeMillis
  const handle: Handle = {
    account,
    hex,
    direct,
    conversation,
    lock: new Lock(),
    stale: false,
    sequence:
      counter === undefined
        ? firstSequence(opened, now)
        : yield* Effect.fromResult(Records.readable(sequenceKey, Sequence.decode(counter.value))),
    sequenceSlot: { revision: counter?.revision },
    devices: new Map()
  }
  for (const record of yield* scanAll(store, `peer/${hex}/`)) {
    const device = yield* loadDevice(opened, hex, record, now)
    handle.devices.set(device.hex, device)
  }
  for (const { key, revision, value } of yield* scanAll(store, `window/${hex}/`)) {
    const [, , device, of] = Records.partsOf(key)
    const window = yield* Effect.fromResult(Records.readable(key, ReplayWindow.decode(value)))
    handle.devices.get(device!)?.windows.set(of!, { key, window, slot: { revision } })
  }
  opened.handles.set(hex, handle)
  return handle
})

/**
 * The counter of a conversation that has none. A device that was restored once cannot know whether it had numbered messages here
 * after the copy was made, and begins above every number it can have used.
 */
const firstSequence = (opened: Opened, now: number): Sequence.Sequence =>
  opened.self.restored === 0 ? Sequence.start : { last: now }

const loadDevice = Effect.fnUntraced(function* (opened: Opened, account: string, record: StoredRecord, now: number) {
  const { store } = opened
  const hex = Records.partsOf(record.key)[2]!
  const peer = yield* Records.read(Records.Peer, record.key, record.value)
  const sessions = new Map<string, SessionEntry>()
  for (const mark of marks(peer.sessions)) {
    const id = Bytes.toHex(mark.id)
    sessions.set(id, yield* loadSession(opened, id, now))
  }
  const tracked = new Map<string, Tracked>()
  for (const { key, value } of yield* scanAll(store, `sent/${hex}/`)) {
    const { at, log, message, state, type } = yield* Records.read(Records.Sent, key, value)
    tracked.set(Bytes.toHex(message), {
      order: Records.orderOf(key),
      type,
      at,
      state: state === 1 ? "sent" : "delivered",
      logged: log !== undefined
    })
  }
  const owedKey = Records.keys.owed(account, hex)
  const owed = yield* store.get(owedKey)
  const device: Device = {
    id: Bytes.fromHex(hex)!,
    hex,
    account,
    peer,
    slot: { revision: record.revision },
    sessions,
    windows: new Map(),
    tracked,
    owed: new Map(
      owed === undefined
        ? []
        : (yield* Records.read(Records.Owed, owedKey, owed.value)).messages.map((id) => [Bytes.toHex(id), id])
    ),
    owedSlot: { revision: owed?.revision },
    receiptAt: 0
  }
  return device
})

const loadSession = Effect.fnUntraced(function* (opened: Opened, id: string, now: number) {
  const { crypto, store } = opened
  const key = Records.keys.session(id)
  const record = yield* store.get(key)
  if (record === undefined) return yield* new StoredRecordError({ kind: "session", reason: "corrupt" })
  const session = yield* Effect.fromResult(Records.readable(key, Session.decode(crypto, record.value)))
  record.value.fill(0)
  const stored = yield* scanAll(store, `skipped/${id}/`)
  const skipped = yield* Effect.fromResult(
    Records.readable(
      "skipped",
      SkippedKeys.decodeAll(
        crypto,
        session.ratchet.suite,
        session.ratchet.ad,
        stored.map(({ key, value }) => ({ number: Records.orderOf(key), bytes: value }))
      )
    )
  )
  const entry: SessionEntry = { id, session, skipped, slot: { revision: record.revision } }
  const expired = skipped.expired(now)
  if (expired.length > 0) {
    // Rule ratchet.skip.2: keys past their lifetime go when they are seen.
    const batch = new Batch()
    for (const skippedOne of expired) batch.remove(skippedKey(entry, skippedOne))
    const { nextReceiveHeader, receiveHeader, sendHeader } = session.ratchet
    batch.consume(SkippedKeys.secretsOf(skipped, expired, [receiveHeader, nextReceiveHeader, sendHeader]))
    yield* commit(store, batch)
    skipped.apply({ added: [], removed: expired })
  }
  return entry
})

/** Runs a result's failure as an error of a damaged record. */
export const orCorrupt = <A>(kind: string, result: Result.Result<A, unknown>): Effect.Effect<A, StoredRecordError> =>
  Result.isSuccess(result)
    ? Effect.succeed(result.success)
    : Effect.fail(new StoredRecordError({ kind, reason: "corrupt" }))
