/**
 * Taking an archive from another own device: chunk by chunk, each stored before the next is asked for.
 *
 * Spec: docs/spec/23-history.md §23.6.
 * Goes on from the last chunk that is stored, whatever stopped it (rule history.hand.4).
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../base/Bytes.ts"
import * as Archive from "../../history/Archive.ts"
import type { ArchiveCause } from "../../history/ArchiveFailure.ts"
import * as Handing from "../../history/Handing.ts"
import * as Items from "../../history/Items.ts"
import { Batch, commit } from "../Commit.ts"
import { type ClientError, StoredRecordError } from "../Errors.ts"
import * as Background from "../internal/background.ts"
import * as Loading from "../Loading.ts"
import type { Opened } from "../Opened.ts"
import * as CoreRecords from "../Records.ts"
import type { ArchiveProgress } from "./HistoryApi.ts"
import * as Comparing from "./Comparing.ts"
import * as Giving from "./Giving.ts"
import * as Records from "./HistoryRecords.ts"
import * as State from "./HistoryState.ts"
import * as Keeping from "./Keeping.ts"
import * as Selecting from "./Selecting.ts"
import * as Telling from "./Telling.ts"
import * as Wishing from "./Wishing.ts"

/** A want is repeated when nothing has come for so long, ms, then twice as long, up to an hour (rule history.hand.2). */
const patienceMs = 15_000
const longestMs = 60 * 60 * 1000

/** Takes an offer, or declines it (rule history.hand.5). */
export const offered = (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  offer: Handing.Offer
): Effect.Effect<void, ClientError> => state.handing.withPermit(consider(opened, state, device, offer))

const consider = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  { bytes, entries, header, key }: Handing.Offer
) {
  const hex = Bytes.toHex(device)
  const decoded = Archive.decodeHeader(header)
  if (Result.isFailure(decoded)) return
  const { archive } = decoded.success
  const id = Bytes.toHex(archive)
  const refuse = (reason: number) => Telling.tell(opened, device, [Giving.wordOf({ word: 4, archive, reason })])
  const unlocked = Archive.unlock(opened.crypto, decoded.success, key, opened.self.account)
  if (Result.isFailure(unlocked)) return yield* refuse(Handing.reasons.damaged)
  Bytes.wipe(unlocked.success)
  const isWished = yield* Wishing.isFor(opened, hex, decoded.success.range)
  if (!isWished && state.options.takeOffers === false) return yield* refuse(Handing.reasons.declined)
  if ((yield* opened.store.get(Records.keys.take(id))) !== undefined) return
  // A wish that was repeated may have been granted twice.
  if (yield* isTaken(opened, device, decoded.success.range)) return yield* refuse(Handing.reasons.declined)
  const record: Records.Take = {
    version: Records.written,
    device,
    header,
    key,
    entries,
    bytes,
    next: 0,
    chain: Archive.firstChain(),
    ...Items.start
  }
  yield* Telling.tell(opened, device, [wantOf(archive, record)], (work) => {
    work.batch.put(Records.keys.take(id), Records.Take.encode(record))
    if (isWished) work.batch.remove(Records.keys.wish(hex))
  })
  Giving.say(state, progressOf(id, record, "under-way", undefined))
  keepAsking(opened, state, id)
})

/** Whether an archive of this very part is on its way from a device already. */
const isTaken = Effect.fnUntraced(function* (opened: Opened, device: Uint8Array, range: Archive.Range) {
  for (const { key, value } of yield* Loading.scanAll(opened.store, Records.keys.takes)) {
    const take = yield* CoreRecords.read(Records.Take, key, value)
    const header = Archive.decodeHeader(take.header)
    if (!Bytes.equal(take.device, device) || Result.isFailure(header)) continue
    if (Wishing.isSame(header.success.range, range)) return true
  }
  return false
})

const wantOf = (archive: Uint8Array, { chain, next }: Pick<Records.Take, "chain" | "next">) =>
  Giving.wordOf({ word: 2, archive, next, chain })

/** Takes half a chunk; with the other half, the chunk. */
export const half = (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  word: Handing.Half
): Effect.Effect<void, ClientError> =>
  Effect.suspend(() => {
    const id = Bytes.toHex(word.archive)
    const whole = State.join(state, `${Bytes.toHex(device)} ${id} ${word.index}`, word.half, word.bytes)
    if (whole === undefined) return Effect.void
    return state.handing.withPermit(chunk(opened, state, device, id, word, Handing.joined(...whole)))
  })

const chunk = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  id: string,
  { archive, index, last }: Handing.Half,
  sealed: Uint8Array
) {
  const { crypto } = opened
  const recordKey = Records.keys.take(id)
  const stored = yield* opened.store.get(recordKey)
  if (stored === undefined) return
  const take = yield* CoreRecords.read(Records.Take, recordKey, stored.value)
  // Others were taken already, or come again when they are asked for.
  if (!Bytes.equal(take.device, device) || take.next !== index) return
  const now = yield* Background.now
  state.fed.set(id, now)
  const header = Archive.decodeHeader(take.header)
  const key = Result.isSuccess(header)
    ? Archive.unlock(crypto, header.success, take.key, opened.self.account)
    : undefined
  if (Result.isFailure(header) || key === undefined || Result.isFailure(key)) {
    return yield* new StoredRecordError({ kind: "history", reason: "corrupt" })
  }
  const plaintext = Archive.openChunk(crypto, key.success, index, last === 1, sealed)
  Bytes.wipe(key.success)
  if (Result.isFailure(plaintext)) return yield* giveUp(opened, state, id, take, plaintext.failure.cause)
  const read = Items.read(crypto, take, plaintext.success, last === 1)
  if (Result.isFailure(read)) return yield* giveUp(opened, state, id, take, read.failure.cause)
  const { entries, next: position } = read.success
  const notes = entries.map((entry) => ({ entry, receivedAt: now, origin: "archive" as const }))
  if (last === 1) {
    // With the word in the same commit the sender learns of it, whatever happens here.
    yield* Telling.tell(
      opened,
      device,
      [Giving.wordOf({ word: 4, archive, reason: Handing.reasons.taken })],
      (work) => {
        work.notes.push(...notes)
        work.batch.remove(recordKey)
        lowerBeginning(state, work.batch, Selecting.beginningOf(header.success.range))
      }
    )
    state.fed.delete(id)
    // Whatever came meanwhile is found out now.
    Comparing.soon(opened, state, device, 0)
    return Giving.say(state, progressOf(id, { ...take, ...position, next: index + 1 }, "done", undefined))
  }
  const after: Records.Take = {
    ...take,
    ...position,
    next: index + 1,
    chain: Archive.chain(crypto, take.chain, sealed)
  }
  const batch = new Batch()
  batch.put(recordKey, Records.Take.encode(after))
  yield* Keeping.store(opened, state, notes, batch)
  Giving.say(state, progressOf(id, after, "under-way", undefined))
  // The sender gives so many at once: then it waits to be asked again.
  if (after.next % Giving.chunksAtOnce === 0) yield* Telling.tell(opened, device, [wantOf(archive, after)])
})

/** Rule history.keep.2: with an archive of everything from a time on, the history begins there. */
const lowerBeginning = (state: State.HistoryState, batch: Batch, beginning: number | undefined): void => {
  if (beginning === undefined || beginning >= state.beginning) return
  batch.put(Records.keys.self, Records.Self.encode({ version: Records.written, beginning }), state.selfSlot)
  batch.applied(() => {
    state.beginning = beginning
  })
}

const giveUp = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  id: string,
  take: Records.Take,
  cause: ArchiveCause
) {
  yield* drop(opened, state, id, take, cause)
  const archive = Bytes.fromHex(id)!
  yield* Telling.tell(opened, take.device, [Giving.wordOf({ word: 4, archive, reason: Handing.reasons.damaged })])
})

const drop = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  id: string,
  take: Records.Take,
  reason: ArchiveProgress["reason"]
) {
  const batch = new Batch()
  batch.remove(Records.keys.take(id))
  yield* commit(opened.store, batch)
  state.fed.delete(id)
  Giving.say(state, progressOf(id, take, "ended", reason))
})

/** The sender has it no more: another one of the same range is asked for (rule history.hand.4). */
export const ended = (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  { archive, reason }: Handing.End
): Effect.Effect<void, ClientError> =>
  state.handing.withPermit(
    Effect.gen(function* () {
      const id = Bytes.toHex(archive)
      const key = Records.keys.take(id)
      const stored = yield* opened.store.get(key)
      if (stored === undefined) return
      const take = yield* CoreRecords.read(Records.Take, key, stored.value)
      if (!Bytes.equal(take.device, device)) return
      yield* drop(opened, state, id, take, "gone")
      const header = Archive.decodeHeader(take.header)
      if (reason !== Handing.reasons.gone || Result.isFailure(header)) return
      yield* Wishing.wish(opened, state, device, header.success.range)
    })
  )

/** Repeats the want of an archive for as long as it is under way and nothing comes. */
export const keepAsking = (opened: Opened, state: State.HistoryState, id: string): void => {
  const round = (waitMs: number): Effect.Effect<void> =>
    Effect.andThen(
      Effect.sleep(waitMs),
      Background.persist(
        opened,
        Effect.gen(function* () {
          const stored = yield* opened.store.get(Records.keys.take(id))
          if (stored === undefined) return undefined
          const take = yield* CoreRecords.read(Records.Take, Records.keys.take(id), stored.value)
          if (!Telling.isPartner(opened, Bytes.toHex(take.device))) {
            yield* drop(opened, state, id, take, "gone")
            return undefined
          }
          const now = yield* Background.now
          if (now - (state.fed.get(id) ?? -Infinity) < patienceMs) return patienceMs
          yield* Telling.tell(opened, take.device, [wantOf(Bytes.fromHex(id)!, take)])
          return Math.min(longestMs, waitMs * 2)
        })
      ).pipe(Effect.flatMap((next) => (next === undefined ? Effect.void : round(next))))
    )
  opened.spawn(round(patienceMs))
}

/** Goes on with what was under way when the client closed. */
export const resume = Effect.fnUntraced(function* (opened: Opened, state: State.HistoryState) {
  for (const { key, value } of yield* Loading.scanAll(opened.store, Records.keys.takes)) {
    const take = yield* CoreRecords.read(Records.Take, key, value)
    const id = key.slice(Records.keys.takes.length)
    Giving.say(state, progressOf(id, take, "under-way", undefined))
    if (Telling.isPartner(opened, Bytes.toHex(take.device))) {
      yield* Telling.tell(opened, take.device, [wantOf(Bytes.fromHex(id)!, take)])
    }
    keepAsking(opened, state, id)
  }
})

export const progressOf = (
  archive: string,
  take: Records.Take,
  state: ArchiveProgress["state"],
  reason: ArchiveProgress["reason"]
): ArchiveProgress => ({
  archive,
  device: Bytes.toHex(take.device),
  direction: "taking",
  state,
  reason,
  entries: take.count,
  bytes: take.next * Archive.sealedChunkBytes,
  of: { entries: take.entries, bytes: take.bytes }
})
