/**
 * Comparing two histories by fingerprints of ranges: one step from a received word to its answer.
 *
 * Spec: docs/spec/23-history.md §23.4.
 * Vectors: vectors/history.
 * Keeps nothing between words, and neither stores entries nor looks them up: it says which to give.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Digest from "./Digest.ts"
import * as Entry from "./Entry.ts"
import type { Places } from "./Places.ts"

const bound = Layout.bytes({ max: Entry.placeBytes })
const place = Layout.bytes({ length: Entry.placeBytes })

/** A range from…to (exclusive; empty: the end), with its fingerprint or with the places in it (rule history.range.1). */
export const RangeLayout = Layout.oneOf(
  Layout.tuple({ kind: Layout.literal(1), from: bound, to: bound, fingerprint: Layout.bytes({ length: 16 }) }),
  Layout.tuple({
    kind: Layout.literal(2),
    from: bound,
    to: bound,
    places: Layout.list(place, { max: Limits.maxHistoryList })
  })
)
export type Range = Layout.Type<typeof RangeLayout>

/** What one device says to another about histories (rule history.words.1). */
export const WordLayout = Layout.oneOf(
  Layout.tuple({
    word: Layout.literal(1),
    exchange: Layout.bytes({ length: 16 }),
    round: Layout.uint(),
    beginning: Layout.uint(),
    ranges: Layout.list(RangeLayout, { max: Limits.maxHistoryRanges }),
    asked: Layout.list(place, { max: Limits.maxHistoryAsked }),
    entries: Layout.list(Layout.bytes({ min: 1, max: Entry.EntryLayout.maxBytes }), { max: Limits.maxHistoryEntries })
  }),
  Layout.tuple({
    word: Layout.literal(2),
    place,
    half: Layout.uint({ max: 1 }),
    bytes: Layout.bytes({ min: 1, max: Entry.EntryLayout.maxBytes })
  })
)
export type Word = Layout.Type<typeof WordLayout>
export type Comparing = Extract<Word, { readonly word: 1 }>
export type Half = Extract<Word, { readonly word: 2 }>

/** An entry up to this long is given within a comparing word; longer ones go in halves. */
export const longestInline = 32_768

/** Reads the data of a history word. Fails with `decode.*`. */
export const decode = (bytes: Uint8Array): Result.Result<Word, Failure> => {
  const decoded = Refusal.decode(WordLayout, bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const word = decoded.success
  if (word.word === 2) return Result.succeed(word)
  return word.ranges.every(isWhole) ? Result.succeed(word) : fail("decode.value")
}

/** The data of a history word. */
export const encode = (word: Word): Uint8Array => WordLayout.encode(word)

const isWhole = (range: Range): boolean => {
  const { from, to } = range
  if (to.length > 0 && Bytes.compare(from, to) >= 0) return false
  if (range.kind === 1) return true
  return range.places.every(
    (place, i) =>
      Bytes.compare(place, from) >= 0 &&
      (to.length === 0 || Bytes.compare(place, to) < 0) &&
      (i === 0 || Bytes.compare(range.places[i - 1]!, place) < 0)
  )
}

/** The first word of an exchange (rule history.begin.1). `exchange` is 16 fresh random bytes. */
export const begin = (
  crypto: CryptoProvider,
  exchange: Uint8Array,
  places: Places,
  beginning: number
): Omit<Comparing, "entries"> => ({
  word: 1,
  exchange,
  round: 0,
  beginning,
  ranges: [fingerprinted(crypto, exchange, places, Entry.from(beginning), Bytes.empty)],
  asked: []
})

/** An answer, with the places of the entries it gives. */
export interface Answer {
  readonly word: Omit<Comparing, "entries">
  /** In the order in which they are given. */
  readonly given: ReadonlyArray<Uint8Array>
}

/** Room of an answer, counted as it is filled. */
interface Room {
  bytes: number
  ranges: number
  asked: number
  given: number
}

/**
 * The answer to a comparing word, after the entries in it were taken; `undefined` where none is due (rules history.answer.1,
 * history.answer.2, history.bound.1). `sizeOf` tells how many bytes an own entry takes in a word, 0 for one that cannot be given.
 */
export const answer = (
  crypto: CryptoProvider,
  places: Places,
  word: Comparing,
  beginning: number,
  sizeOf: (place: Uint8Array) => number
): Answer | undefined => {
  if (word.ranges.length + word.asked.length === 0) return undefined
  if (word.round + 1 >= Limits.maxHistoryRounds) return undefined
  const begins = Math.max(beginning, word.beginning)
  const least = Entry.from(begins)
  const ranges: Array<Range> = []
  const asked: Array<Uint8Array> = []
  const given: Array<Uint8Array> = []
  const room: Room = {
    bytes: Limits.maxHistoryWordBytes - overhead,
    ranges: Limits.maxHistoryRanges,
    asked: Limits.maxHistoryAsked,
    given: Limits.maxHistoryEntries
  }
  const say = (range: Range): void => {
    // What finds no place here is found by the next exchange.
    if (room.ranges === 0) return
    ranges.push(range)
    room.ranges--
    room.bytes -= rangeOverhead + (range.kind === 2 ? range.places.length * (Entry.placeBytes + 2) : 0)
  }
  /** Gives entries in order; answers the first that did not fit. */
  const give = (wanted: Iterable<Uint8Array>, reserved: number): Uint8Array | undefined => {
    for (const place of wanted) {
      const size = sizeOf(place)
      if (size === 0) continue
      if (room.given === 0 || room.bytes - size < reserved) return place
      given.push(place)
      room.given--
      room.bytes -= size
    }
    return undefined
  }
  const cover = (from: Uint8Array, to: Uint8Array): void => say(fingerprinted(crypto, word.exchange, places, from, to))

  // Rule history.answer.1: what was asked for first, so that it is not asked for again.
  const unfit = give(
    word.asked.filter((place) => Bytes.compare(place, least) >= 0 && places.has(place)),
    rangeOverhead * (word.ranges.length + 1)
  )
  if (unfit !== undefined) {
    const behind = word.asked.slice(word.asked.findIndex((place) => Bytes.equal(place, unfit)))
    const sorted = [...behind].sort(Bytes.compare)
    cover(sorted[0]!, after(sorted.at(-1)!))
  }

  for (const [index, range] of word.ranges.entries()) {
    const from = Bytes.compare(range.from, least) < 0 ? least : range.from
    const { to } = range
    if (to.length > 0 && Bytes.compare(from, to) >= 0) continue
    const start = places.below(from)
    const end = to.length === 0 ? places.size : places.below(to)
    // Room that the ranges behind this one need, to be covered at least.
    const reserved = rangeOverhead * (word.ranges.length - index)
    const free = room.ranges - (word.ranges.length - index - 1)
    if (range.kind === 1) {
      const own = Digest.fingerprint(crypto, word.exchange, places.slice(start, end))
      if (Bytes.equal(own, range.fingerprint)) continue
      const count = end - start
      const listed = rangeOverhead + count * (Entry.placeBytes + 2)
      if (count <= Limits.historyListed && room.bytes - listed >= reserved) {
        say({ kind: 2, from, to, places: copies(places, start, end) })
      } else if (count > Limits.historyListed && free >= parts && room.bytes - parts * rangeOverhead >= reserved) {
        for (const part of split(crypto, word.exchange, places, from, to, start, end)) say(part)
      } else say({ kind: 1, from, to, fingerprint: own })
      continue
    }
    const theirs = range.places.filter((place) => Bytes.compare(place, least) >= 0)
    const known = new Set(theirs.map(Bytes.toHex))
    let left: Uint8Array | undefined
    for (const place of theirs) {
      if (places.has(place)) continue
      const size = Entry.placeBytes + 2
      if (room.asked === 0 || room.bytes - size < reserved) {
        left = place
        break
      }
      asked.push(place)
      room.asked--
      room.bytes -= size
    }
    const unfitHere = give(own(places, start, end, known), reserved)
    if (unfitHere !== undefined && (left === undefined || Bytes.compare(unfitHere, left) < 0)) left = unfitHere
    if (left !== undefined) cover(left, to)
  }
  return {
    word: { word: 1, exchange: word.exchange, round: word.round + 1, beginning: begins, ranges, asked },
    given
  }
}

/** Parts that a range with many entries is cut into. */
const parts = 16

/** Bytes of a range without places: two bounds, a fingerprint, heads. */
const rangeOverhead = 2 * (Entry.placeBytes + 2) + 18 + 6

/** Bytes of a word without ranges, places and entries. */
const overhead = 64

/** The least bound above a place that is not above any other. */
const after = (place: Uint8Array): Uint8Array => {
  const next = place.slice()
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = (next[i]! + 1) & 0xff
    if (next[i] !== 0) return next
  }
  return Bytes.empty
}

function* own(places: Places, start: number, end: number, known: ReadonlySet<string>): Generator<Uint8Array> {
  for (let i = start; i < end; i++) {
    const place = places.at(i).slice()
    if (!known.has(Bytes.toHex(place))) yield place
  }
}

const copies = (places: Places, start: number, end: number): Array<Uint8Array> =>
  Array.from({ length: end - start }, (_, i) => places.at(start + i).slice())

const fingerprinted = (
  crypto: CryptoProvider,
  exchange: Uint8Array,
  places: Places,
  from: Uint8Array,
  to: Uint8Array
): Range => {
  const slice = places.slice(places.below(from), to.length === 0 ? places.size : places.below(to))
  return { kind: 1, from, to, fingerprint: Digest.fingerprint(crypto, exchange, slice) }
}

/** Sixteen parts with as many entries in each as can be, together the whole range. */
const split = (
  crypto: CryptoProvider,
  exchange: Uint8Array,
  places: Places,
  from: Uint8Array,
  to: Uint8Array,
  start: number,
  end: number
): ReadonlyArray<Range> => {
  const out: Array<Range> = []
  let lower = from
  for (let i = 0; i < parts; i++) {
    const cut = start + Math.floor(((i + 1) * (end - start)) / parts)
    const upper = i === parts - 1 ? to : places.at(cut).slice()
    const first = start + Math.floor((i * (end - start)) / parts)
    const fingerprint = Digest.fingerprint(crypto, exchange, places.slice(first, i === parts - 1 ? end : cut))
    out.push({ kind: 1, from: lower, to: upper, fingerprint })
    lower = upper
  }
  return out
}
