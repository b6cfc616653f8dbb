/**
 * The replay window: which numbers of one sending device in one conversation were received, and which are missing.
 *
 * Spec: docs/spec/07-sequencing.md §7.1 (after RFC 6479).
 * Vectors: vectors/sequence.
 * Move it only for messages that authenticated, and store it in the commit that delivers them (rule sequence.window.2).
 */
import * as Result from "effect/Result"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"

const size = Limits.replayWindowSize
const words = size / 32

/** Immutable. Both bitmaps are rings of 2,048 bits in which number n has bit n mod 2048. */
export interface ReplayWindow {
  /** The highest number seen or passed over by a floor; 0 before anything was. */
  readonly highest: number
  /** Numbers that were received. */
  readonly received: Uint32Array
  /** Numbers that were reported as a gap and have not come since. */
  readonly missing: Uint32Array
  /** How many numbers of the window were not received. */
  readonly open: number
}

/** Numbers from…to, both included. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** What the window says about a number. `next` is to be stored in every case. */
export type Outcome =
  | {
      readonly _tag: "Accepted"
      readonly next: ReplayWindow
      /** A higher number was seen before. */
      readonly late: boolean
      /** Numbers passed over by this one, reported once. */
      readonly gap: Range | undefined
      /** The number was part of a reported gap. */
      readonly filled: boolean
      /** Missing numbers that can no longer come, reported once. */
      readonly lost: ReadonlyArray<Range>
    }
  | { readonly _tag: "Duplicate" | "Stale"; readonly next: ReplayWindow; readonly lost: ReadonlyArray<Range> }

const none = new Uint32Array(words)
const nothing: ReadonlyArray<Range> = []

/** Nothing received yet. */
export const empty: ReplayWindow = { highest: 0, received: none, missing: none, open: 0 }

/**
 * Takes a number. `floor` is the sequence floor of a session start, 0 if it carries none. Fails with `decode.value` for a number
 * outside 1…2⁵³−1.
 */
export const accept = (window: ReplayWindow, number: number, floor = 0): Result.Result<Outcome, Failure> => {
  if (!Number.isSafeInteger(number) || number < 1) return fail("decode.value")
  if (floor > window.highest) {
    const raised = advance(window, floor, false)
    return Result.succeed(judge(raised.next, number, raised.lost))
  }
  return Result.succeed(judge(window, number, nothing))
}

const judge = (window: ReplayWindow, number: number, before: ReadonlyArray<Range>): Outcome => {
  const { highest } = window
  if (number > highest) {
    const { lost, next } = number === highest + 1 ? follow(window) : advance(window, number, true)
    const gap = number === highest + 1 ? undefined : { from: highest + 1, to: number - 1 }
    return { _tag: "Accepted", next, late: false, gap, filled: false, lost: joined(before, lost) }
  }
  if (number <= highest - size) return { _tag: "Stale", next: window, lost: before }
  if (has(window.received, number)) return { _tag: "Duplicate", next: window, lost: before }
  const filled = has(window.missing, number)
  const next = {
    highest,
    received: put(window.received.slice(), number, true),
    missing: filled ? put(window.missing.slice(), number, false) : window.missing,
    open: window.open - 1
  }
  return { _tag: "Accepted", next, late: true, gap: undefined, filled, lost: before }
}

interface Advanced {
  readonly next: ReplayWindow
  readonly lost: ReadonlyArray<Range>
}

/** The number after the highest: the way of nearly every message. */
const follow = (window: ReplayWindow): Advanced => {
  const number = window.highest + 1
  const leaving = number - size
  const leavesOpen = window.open > 0 && leaving >= 1 && !has(window.received, leaving)
  const wasMissing = leavesOpen && has(window.missing, leaving)
  return {
    next: {
      highest: number,
      received: put(window.received.slice(), number, true),
      missing: wasMissing ? put(window.missing.slice(), number, false) : window.missing,
      open: leavesOpen ? window.open - 1 : window.open
    },
    lost: wasMissing ? [{ from: leaving, to: leaving }] : nothing
  }
}

/** Moves the window on to `highest`. As a message, it arrives and what it passes over is missing; as a floor, neither. */
const advance = (window: ReplayWindow, highest: number, isMessage: boolean): Advanced => {
  const received = window.received.slice()
  const missing = window.missing.slice()
  const lost: Array<Range> = []
  let open = window.open
  // Numbers of the old window that leave it.
  for (let n = Math.max(1, window.highest - size + 1); n <= Math.min(window.highest, highest - size); n++) {
    if (!has(received, n)) open--
    if (has(missing, n)) note(lost, n, n)
  }
  // Numbers that were never inside: a gap and lost at once.
  const from = window.highest + 1
  if (isMessage && highest - size >= from) note(lost, from, highest - size)
  for (let n = Math.max(from, highest - size + 1); n <= highest; n++) {
    const arrives = isMessage && n === highest
    put(received, n, arrives)
    put(missing, n, isMessage && !arrives)
    if (!arrives) open++
  }
  return { next: { highest, received, missing, open }, lost }
}

const note = (ranges: Array<Range>, from: number, to: number): void => {
  const last = ranges.at(-1)
  if (last !== undefined && last.to === from - 1) ranges[ranges.length - 1] = { from: last.from, to }
  else ranges.push({ from, to })
}

/** Ascending ranges with others behind them; neighbours become one. */
const joined = (before: ReadonlyArray<Range>, behind: ReadonlyArray<Range>): ReadonlyArray<Range> => {
  if (before.length === 0) return behind
  const ranges = [...before]
  for (const { from, to } of behind) note(ranges, from, to)
  return ranges
}

/** The missing numbers that can still come, ascending. */
export const gaps = (window: ReplayWindow): ReadonlyArray<Range> => {
  const out: Array<Range> = []
  for (let n = Math.max(1, window.highest - size + 1); n < window.highest; n++)
    if (has(window.missing, n)) note(out, n, n)
  return out
}

const version = 1
const Record = Layout.tuple({
  version: Layout.literal(version),
  highest: Layout.uint(),
  /** Whether the numbers beyond the end of `open` were not received. */
  rest: Layout.uint({ max: 1 }),
  /** Bit d of these bytes stands for the number `highest` − d. */
  open: Layout.bytes({ max: size / 8 }),
  missing: Layout.bytes({ max: size / 8 })
})

/** The record of a window: 5 bytes and the highest number when nothing is missing, never more than 525. */
export const encode = (window: ReplayWindow): Uint8Array => {
  const { highest, missing, open, received } = window
  if (open === 0) {
    return Record.encode({ version, highest, rest: 0, open: none8, missing: none8 })
  }
  const width = Math.min(size, highest)
  const rest = has(received, highest - width + 1) ? 0 : 1
  const openBits = new Uint8Array(size / 8).fill(rest === 1 ? 0xff : 0)
  const missingBits = new Uint8Array(size / 8)
  for (let d = 0; d < width; d++) {
    const bit = 1 << (d & 7)
    if (has(received, highest - d)) openBits[d >> 3]! &= ~bit
    else openBits[d >> 3]! |= bit
    if (has(missing, highest - d)) missingBits[d >> 3]! |= bit
  }
  return Record.encode({
    version,
    highest,
    rest,
    open: trimmed(openBits, rest === 1 ? 0xff : 0),
    missing: trimmed(missingBits, 0)
  })
}

/** Reads a record of {@link encode}. */
export const decode = (bytes: Uint8Array): Result.Result<ReplayWindow, Stored.Unreadable> => {
  const decoded = Stored.decode(Record, version, bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const { highest, rest } = decoded.success
  const received = new Uint32Array(words)
  const missing = new Uint32Array(words)
  let open = 0
  for (let d = 0; d < Math.min(size, highest); d++) {
    const isOpen = bitAt(decoded.success.open, d, rest)
    const isMissing = bitAt(decoded.success.missing, d, 0)
    if (isMissing && !isOpen) return Stored.corrupt
    if (isOpen) open++
    put(received, highest - d, !isOpen)
    put(missing, highest - d, isMissing)
  }
  return Result.succeed({ highest, received, missing, open })
}

const none8 = new Uint8Array(0)

const trimmed = (bytes: Uint8Array, filler: number): Uint8Array => {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === filler) end--
  return bytes.subarray(0, end)
}

const bitAt = (bytes: Uint8Array, index: number, rest: number): boolean => {
  const byte = bytes[index >> 3]
  return byte === undefined ? rest === 1 : (byte & (1 << (index & 7))) !== 0
}

const has = (ring: Uint32Array, number: number): boolean => {
  const bit = number % size
  return (ring[bit >>> 5]! & (1 << (bit & 31))) !== 0
}

/** Changes a ring that its caller made. */
const put = (ring: Uint32Array, number: number, value: boolean): Uint32Array => {
  const bit = number % size
  if (value) ring[bit >>> 5]! |= 1 << (bit & 31)
  else ring[bit >>> 5]! &= ~(1 << (bit & 31))
  return ring
}
