/**
 * Comparing this device's history with those of the other own devices, and giving each other what is missing.
 *
 * Spec: docs/spec/23-history.md §23.4.
 * history/Ranges.ts decides what a word answers; this reads and stores entries, and keeps the bounds.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../base/Bytes.ts"
import * as Limits from "../../base/Limits.ts"
import type * as OwnDevice from "../../envelope/OwnDevice.ts"
import * as Entry from "../../history/Entry.ts"
import * as Ranges from "../../history/Ranges.ts"
import { Batch, commit } from "../Commit.ts"
import type { ClientError } from "../Errors.ts"
import * as Background from "../internal/background.ts"
import type { Opened } from "../Opened.ts"
import * as Own from "../Own.ts"
import * as CoreRecords from "../Records.ts"
import * as Records from "./HistoryRecords.ts"
import * as State from "./HistoryState.ts"
import * as Keeping from "./Keeping.ts"
import * as Telling from "./Telling.ts"

const minuteMs = 60_000

/** Exchanges begun with one device in a minute, and words of it answered (rule history.bound.1). */
const mostBegun = 6
const mostAnswered = 600

/** An exchange that the other device began so recently makes one of one's own needless, ms (rule history.when.1). */
const recentMs = 10_000

/** What happens at once makes one exchange, ms. */
const soonMs = 2_000

/** An exchange of which nothing was heard for so long has broken off, ms. */
const patienceMs = minuteMs

/** A device that does not answer is asked again after one minute, two, four, … up to so many doublings; then once a day. */
const mostDoublings = 6
const dayMs = 24 * 60 * minuteMs

/** Entries read for one answer. */
const mostRead = 128 * 1024

// ---- Beginning

/** Begins exchanges with every other own device. */
export const beginAll = (opened: Opened, state: State.HistoryState, asked: boolean): Effect.Effect<void, ClientError> =>
  Effect.forEach(Own.others(opened), (device) => begin(opened, state, device, asked), { discard: true })

/** What happens every hour: devices that do not answer are asked once a day only. */
export const routine = (opened: Opened, state: State.HistoryState): Effect.Effect<void, ClientError> =>
  Effect.gen(function* () {
    const now = yield* Background.now
    for (const device of Own.others(opened)) {
      const { begun, stalled } = State.partnerOf(state, Bytes.toHex(device))
      if (stalled <= mostDoublings || now - (begun.at(-1) ?? -Infinity) >= dayMs) soon(opened, state, device)
    }
  })

/** Begins an exchange, unless one is under way, was just had, or there were too many. */
const begin = (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  asked: boolean
): Effect.Effect<void, ClientError> =>
  Effect.gen(function* () {
    const now = yield* Background.now
    const hex = Bytes.toHex(device)
    const partner = State.partnerOf(state, hex)
    if (!Telling.isPartner(opened, hex)) return
    if (!asked && (partner.running !== undefined || now - partner.heard < recentMs)) return
    partner.begun = partner.begun.filter((at) => now - at < minuteMs)
    if (partner.begun.length >= mostBegun) return soon(opened, state, device, minuteMs)
    const exchange = opened.entropy.bytes("history.exchange", 16)
    partner.begun.push(now)
    partner.running = { exchange: Bytes.toHex(exchange), moved: false }
    const { places } = yield* Keeping.index(opened, state)
    const word = Ranges.begin(opened.crypto, exchange, places, State.floorOf(state, now))
    yield* Telling.tell(opened, device, [wordOf({ ...word, entries: [] })])
    opened.spawn(watch(opened, state, device, Bytes.toHex(exchange)))
  })

/** Begins an exchange in a while, once however often it is asked for meanwhile. */
export const soon = (opened: Opened, state: State.HistoryState, device: Uint8Array, ms = soonMs): void => {
  const partner = State.partnerOf(state, Bytes.toHex(device))
  if (partner.pending) return
  partner.pending = true
  opened.spawn(
    Effect.andThen(Effect.sleep(ms), () => {
      partner.pending = false
      return Background.persist(opened, begin(opened, state, device, false))
    })
  )
}

/** An exchange may break off anywhere: then another one is begun, later and later. */
const watch = (opened: Opened, state: State.HistoryState, device: Uint8Array, exchange: string): Effect.Effect<void> =>
  Effect.andThen(Effect.sleep(patienceMs), () => {
    const partner = State.partnerOf(state, Bytes.toHex(device))
    if (partner.running?.exchange !== exchange) return Effect.void
    partner.running = undefined
    partner.stalled++
    soon(opened, state, device, partner.stalled > mostDoublings ? dayMs : minuteMs * 2 ** (partner.stalled - 1))
    return Effect.void
  })

// ---- Answering

const wordOf = (word: Ranges.Word): OwnDevice.Word => ({ own: "history", data: Ranges.encode(word) })

/** Acts on the data of a history word of another own device. What does not decode is dropped. */
export const receive = (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  data: Uint8Array
): Effect.Effect<void> => {
  const word = Ranges.decode(data)
  const hex = Bytes.toHex(device)
  if (Result.isFailure(word) || !Telling.isPartner(opened, hex)) return Effect.void
  const partner = State.partnerOf(state, hex)
  return partner.lock.withPermit(
    Background.persist(
      opened,
      Effect.flatMap(Background.now, (now) => {
        partner.answered = partner.answered.filter((at) => now - at < minuteMs)
        if (partner.answered.length >= mostAnswered) return Effect.void
        partner.answered.push(now)
        partner.stalled = 0
        return word.success.word === 1
          ? compare(opened, state, device, partner, word.success, now)
          : join(opened, state, hex, word.success, now)
      })
    )
  )
}

const compare = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  partner: State.Partner,
  word: Ranges.Comparing,
  now: number
) {
  if (word.round === 0) partner.heard = now
  const running = partner.running?.exchange === Bytes.toHex(word.exchange) ? partner.running : undefined
  const notes: Array<State.Note> = []
  for (const bytes of word.entries) {
    const entry = Entry.decode(bytes)
    if (Result.isSuccess(entry)) notes.push({ entry: entry.success, receivedAt: now, origin: "compared" })
  }
  if (notes.length > 0 && (yield* Keeping.store(opened, state, notes)) > 0 && running !== undefined)
    running.moved = true
  const answered = yield* answer(opened, state, word, now)
  const since = Math.max(State.floorOf(state, now), word.beginning)
  if (answered === undefined) {
    const isCutOff = word.ranges.length + word.asked.length > 0
    yield* judge(opened, device, partner, { at: now, since, equal: isCutOff ? 0 : 1 })
    if (running === undefined) return
    partner.running = undefined
    if (isCutOff && running.moved) yield* begin(opened, state, device, true)
    return
  }
  const { halves, next } = answered
  // Rule history.compared.1: what is given now is all that was missing.
  const isLast = next.ranges.length + next.asked.length === 0
  yield* judge(opened, device, partner, { at: now, since, equal: isLast ? 1 : 0 })
  if (running !== undefined) {
    if (next.entries.length + halves.length > 0) running.moved = true
    if (isLast) partner.running = undefined
  }
  yield* Telling.tell(opened, device, [...halves, next].map(wordOf))
})

/** Keeps what an exchange came to: that the two are alike each time, that they are not once. */
const judge = (
  opened: Opened,
  device: Uint8Array,
  partner: State.Partner,
  compared: Omit<Records.Compared, "version">
): Effect.Effect<void, ClientError> => {
  if (compared.equal === 0 && partner.differs) return Effect.void
  partner.differs = compared.equal === 0
  const batch = new Batch()
  const key = Records.keys.compared(Bytes.toHex(device))
  batch.put(key, Records.Compared.encode({ version: Records.written, ...compared }))
  return commit(opened.store, batch)
}

/** The answer to a word with the entries it gives, long ones in halves. */
const answer = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  word: Ranges.Comparing,
  now: number
) {
  const { crypto } = opened
  const index = yield* Keeping.index(opened, state)
  const floor = State.floorOf(state, now)
  // Once to learn which entries it may give, and once more with their lengths.
  const likely = Ranges.answer(crypto, index.places, word, floor, () => leastBytes)
  if (likely === undefined) return undefined
  const read = new Map<string, Uint8Array>()
  let bytes = 0
  for (const place of likely.given) {
    const entry = yield* entryAt(opened, index, place)
    read.set(Bytes.toHex(place), entry)
    bytes += entry.length
    if (bytes > mostRead) break
  }
  const sizeOf = (place: Uint8Array): number => {
    const entry = read.get(Bytes.toHex(place))
    if (entry === undefined) return Infinity
    return entry.length === 0 ? 0 : Math.min(entry.length, Ranges.longestInline) + entryHead
  }
  const last = likely.given.length === 0 ? likely : Ranges.answer(crypto, index.places, word, floor, sizeOf)!
  const entries: Array<Uint8Array> = []
  const halves: Array<Ranges.Half> = []
  for (const place of last.given) {
    const entry = read.get(Bytes.toHex(place))!
    if (entry.length <= Ranges.longestInline) entries.push(entry)
    else {
      const middle = entry.length >>> 1
      halves.push({ word: 2, place, half: 0, bytes: entry.slice(0, middle) })
      halves.push({ word: 2, place, half: 1, bytes: entry.slice(middle) })
    }
  }
  const next: Ranges.Comparing = { ...last.word, entries }
  return { next, halves }
})

/** Less than any entry takes: so that enough are read. */
const leastBytes = Math.floor(Limits.maxHistoryWordBytes / Limits.maxHistoryEntries)

/** Bytes of the head of an entry in a word. */
const entryHead = 5

/** The encoding of an entry; empty when it was removed meanwhile. */
const entryAt = (
  opened: Opened,
  index: State.PlaceIndex,
  place: Uint8Array
): Effect.Effect<Uint8Array, ClientError> => {
  const conversation = State.conversationOf(index, place)
  if (conversation === undefined) return Effect.succeed(Bytes.empty)
  const key = Records.keys.entry(conversation, place)
  return Effect.flatMap(opened.store.get(key), (stored) =>
    stored === undefined
      ? Effect.succeed(Bytes.empty)
      : Effect.map(CoreRecords.read(Records.Kept, key, stored.value), ({ entry }) => Entry.EntryLayout.encode(entry))
  )
}

/** Takes half of a long entry. */
const join = (
  opened: Opened,
  state: State.HistoryState,
  device: string,
  { bytes, half, place }: Ranges.Half,
  now: number
): Effect.Effect<void, ClientError> =>
  Effect.suspend(() => {
    const whole = State.join(state, `${device} ${Bytes.toHex(place)}`, half, bytes)
    if (whole === undefined) return Effect.void
    const entry = Entry.decode(Bytes.concat(...whole))
    if (Result.isFailure(entry)) return Effect.void
    return Effect.asVoid(Keeping.store(opened, state, [{ entry: entry.success, receivedAt: now, origin: "compared" }]))
  })
