/**
 * Handing an archive to another own device: offers, and chunks as they are asked for.
 *
 * Spec: docs/spec/23-history.md §23.6.
 * A chunk is sealed once, and stored with where the next one goes on in the commit that puts it on its way; what is asked for again is sent
 * as it was stored (rule history.hand.3).
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../base/Bytes.ts"
import type * as OwnDevice from "../../envelope/OwnDevice.ts"
import * as Archive from "../../history/Archive.ts"
import * as Handing from "../../history/Handing.ts"
import { commit, Batch } from "../Commit.ts"
import { type ClientError, StoredRecordError } from "../Errors.ts"
import * as Background from "../internal/background.ts"
import * as Loading from "../Loading.ts"
import type { Opened } from "../Opened.ts"
import * as CoreRecords from "../Records.ts"
import type { ArchiveProgress, ArchiveRange } from "./HistoryApi.ts"
import { ArchiveError } from "./HistoryErrors.ts"
import * as Records from "./HistoryRecords.ts"
import type * as State from "./HistoryState.ts"
import * as Selecting from "./Selecting.ts"
import * as Telling from "./Telling.ts"

/** Chunks sent for one want (rule history.hand.2). */
export const chunksAtOnce = 4

/** About how many bytes an entry takes, for the estimate of an offer. */
const likelyBytes = 300

/** What an archive of so many entries is estimated at. */
export const estimateOf = (entries: number): { readonly entries: number; readonly bytes: number } => ({
  entries,
  bytes: entries * likelyBytes
})

export const wordOf = (word: Handing.Word): OwnDevice.Word => ({
  own: "archive",
  data: Handing.WordLayout.encode(word)
})

/** Tells the application how an archive gets on. */
export const say = (state: State.HistoryState, progress: ArchiveProgress): void => {
  // What an offer was estimated at is said with all that follows.
  const told: ArchiveProgress = { ...progress, of: progress.of ?? state.told.get(progress.archive)?.of }
  const ended = told.state === "done" || told.state === "ended"
  if (ended) state.told.delete(told.archive)
  else state.told.set(told.archive, told)
  state.progress.publish(told)
}

/** Offers a device an archive; answers its id. */
export const offer = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  wanted: ArchiveRange | undefined
) {
  if (!Telling.isPartner(opened, Bytes.toHex(device))) return yield* new ArchiveError({ reason: "bad-device" })
  return yield* offerRange(opened, state, device, yield* Selecting.rangeOf(wanted))
})

/** The same for a range that is one. */
export const offerRange = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  range: Archive.Range
) {
  const { crypto, entropy, self } = opened
  const madeAt = yield* Background.now
  const archive = entropy.bytes("history.archive", 16)
  const key = entropy.bytes("history.key", Archive.keyBytes)
  const salt = entropy.bytes("history.salt", 32)
  const made = Archive.make(crypto, key, { archive, account: self.account, madeAt, range, salt })
  Bytes.wipe(made.key)
  const entries = yield* Selecting.count(opened, state, range, madeAt)
  const hex = Bytes.toHex(archive)
  const record: Records.Offer = {
    version: Records.written,
    device,
    header: made.header,
    key,
    madeAt,
    next: 0,
    kept: 0,
    chain: Archive.firstChain(),
    ...Selecting.start,
    ended: 0,
    sealed: 0
  }
  const estimate = estimateOf(entries)
  const word = wordOf({ word: 1, header: made.header, key, ...estimate })
  yield* Telling.tell(opened, device, [word], (work) => {
    work.batch.put(Records.keys.offer(hex), Records.Offer.encode(record))
  })
  say(state, {
    archive: hex,
    device: Bytes.toHex(device),
    direction: "giving",
    state: "offered",
    reason: undefined,
    entries: 0,
    bytes: 0,
    of: estimate
  })
  return hex
})

/** Answers a want. One step at a time: what a chunk leaves over decides the next one. */
export const want = (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  word: Handing.Want
): Effect.Effect<void, ClientError> => state.handing.withPermit(wantAlone(opened, state, device, word))

const wantAlone = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  { archive, chain, next: wanted }: Handing.Want
) {
  const hex = Bytes.toHex(archive)
  const key = Records.keys.offer(hex)
  const stored = yield* opened.store.get(key)
  const gone = (reason: number) => Telling.tell(opened, device, [wordOf({ word: 4, archive, reason })])
  if (stored === undefined) return yield* gone(Handing.reasons.gone)
  let offer = yield* CoreRecords.read(Records.Offer, key, stored.value)
  if (!Bytes.equal(offer.device, device)) return yield* gone(Handing.reasons.gone)
  const chunks = yield* chunksOf(opened, hex, wanted)
  const known = wanted === offer.next ? offer.chain : chunks[0]?.chain
  if (wanted > offer.next || known === undefined || !Bytes.equal(known, chain)) {
    // Rule history.hand.4: one of the two runs from an older copy.
    yield* forget(opened, hex)
    say(state, progressOf(hex, offer, "ended", "gone"))
    return yield* gone(Handing.reasons.gone)
  }
  for (const { index, last, sealed } of chunks.slice(0, chunksAtOnce)) {
    yield* Telling.tell(opened, device, Handing.halves(archive, index, last, sealed).map(wordOf))
  }
  for (let i = chunks.length; i < chunksAtOnce && offer.sealed === 0; i++) {
    offer = yield* sealNext(opened, state, device, hex, offer)
  }
  yield* confirm(opened, hex, offer, wanted)
  say(state, progressOf(hex, offer, "under-way", undefined))
})

/** Stored chunks from an index on. */
const chunksOf = Effect.fnUntraced(function* (opened: Opened, archive: string, from: number) {
  const found: Array<{
    readonly index: number
    readonly chain: Uint8Array
    readonly last: boolean
    readonly sealed: Uint8Array
  }> = []
  for (const { key, value } of yield* Loading.scanAll(opened.store, Records.keys.chunks(archive))) {
    const index = CoreRecords.orderOf(key)
    if (index < from) continue
    const { chain, last, sealed } = yield* CoreRecords.read(Records.Chunk, key, value)
    found.push({ index, chain, last: last === 1, sealed })
  }
  return found[0]?.index === from ? found : []
})

const sealNext = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  hex: string,
  offer: Records.Offer
) {
  const { crypto } = opened
  const header = Archive.decodeHeader(offer.header)
  if (Result.isFailure(header)) return yield* new StoredRecordError({ kind: "history", reason: "corrupt" })
  const key = Archive.unlock(crypto, header.success, offer.key, opened.self.account)
  if (Result.isFailure(key)) return yield* new StoredRecordError({ kind: "history", reason: "corrupt" })
  const { archive, range } = header.success
  const from = { ...offer, ended: offer.ended === 1 }
  const { cursor, last, plaintext } = yield* Selecting.next(opened, state, range, offer.madeAt, from)
  const sealed = Archive.sealChunk(crypto, key.success, offer.next, last, plaintext)
  Bytes.wipe(key.success)
  const chunk: Records.Chunk = { version: Records.written, chain: offer.chain, last: last ? 1 : 0, sealed }
  const after: Records.Offer = {
    ...offer,
    ...cursor,
    ended: cursor.ended ? 1 : 0,
    next: offer.next + 1,
    chain: Archive.chain(crypto, offer.chain, sealed),
    sealed: last ? 1 : 0
  }
  const words = Handing.halves(archive, offer.next, last, sealed).map(wordOf)
  yield* Telling.tell(opened, device, words, (work) => {
    work.batch.put(Records.keys.chunk(hex, offer.next), Records.Chunk.encode(chunk))
    work.batch.put(Records.keys.offer(hex), Records.Offer.encode(after))
  })
  return after
})

/** Forgets the chunks below the one that is asked for: the receiver has them. */
const confirm = Effect.fnUntraced(function* (opened: Opened, hex: string, offer: Records.Offer, wanted: number) {
  if (offer.kept >= wanted) return
  const batch = new Batch()
  for (let index = offer.kept; index < wanted; index++) batch.remove(Records.keys.chunk(hex, index))
  batch.put(Records.keys.offer(hex), Records.Offer.encode({ ...offer, kept: wanted }))
  yield* commit(opened.store, batch)
})

/** The receiver has all, or wants no more. */
export const end = (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  { archive, reason }: Handing.End
): Effect.Effect<void, ClientError> =>
  state.handing.withPermit(
    Effect.gen(function* () {
      const hex = Bytes.toHex(archive)
      const stored = yield* opened.store.get(Records.keys.offer(hex))
      if (stored === undefined) return
      const offer = yield* CoreRecords.read(Records.Offer, Records.keys.offer(hex), stored.value)
      if (!Bytes.equal(offer.device, device)) return
      yield* forget(opened, hex)
      const why = reason === 1 ? "declined" : reason === 2 ? "gone" : "damaged"
      say(state, reason === 0 ? progressOf(hex, offer, "done", undefined) : progressOf(hex, offer, "ended", why))
    })
  )

const forget = Effect.fnUntraced(function* (opened: Opened, hex: string) {
  const batch = new Batch()
  batch.remove(Records.keys.offer(hex))
  for (const { key } of yield* Loading.scanAll(opened.store, Records.keys.chunks(hex))) batch.remove(key)
  yield* commit(opened.store, batch)
})

export const progressOf = (
  archive: string,
  offer: Records.Offer,
  state: ArchiveProgress["state"],
  reason: ArchiveProgress["reason"]
): ArchiveProgress => ({
  archive,
  device: Bytes.toHex(offer.device),
  direction: "giving",
  state,
  reason,
  entries: offer.count,
  bytes: offer.next * Archive.sealedChunkBytes,
  of: undefined
})

/** Offers that nobody took in this time are given up, ms. */
const offerLifetimeMs = 30 * 24 * 60 * 60 * 1000

/** Forgets offers that are old, or whose device is none of the account's any more. */
export const clean = Effect.fnUntraced(function* (opened: Opened, state: State.HistoryState) {
  const now = yield* Background.now
  for (const { key, value } of yield* Loading.scanAll(opened.store, Records.keys.offers)) {
    const offer = yield* CoreRecords.read(Records.Offer, key, value)
    const isOld = now - offer.madeAt > offerLifetimeMs
    if (!isOld && Telling.isPartner(opened, Bytes.toHex(offer.device))) continue
    const hex = key.slice(Records.keys.offers.length)
    yield* state.handing.withPermit(forget(opened, hex))
    say(state, progressOf(hex, offer, "ended", "gone"))
  }
})
