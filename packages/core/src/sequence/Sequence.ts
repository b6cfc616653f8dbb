/**
 * The counter of one device's messages in one conversation.
 *
 * Spec: docs/spec/07-sequencing.md §7.1, rules sequence.number.1 and sequence.floor.1.
 * The same message has the same number for all its recipients, so the counter belongs to the conversation, not to a session.
 */
import * as Result from "effect/Result"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"

export interface Sequence {
  /** The last number used; 0 before the first. */
  readonly last: number
}

/** Nothing sent yet. */
export const start: Sequence = { last: 0 }

/** Takes the next number: it is `next.last`. Fails with `limit.chain` after 2⁵³−1. */
export const step = ({ last }: Sequence): Result.Result<Sequence, Failure> =>
  last >= Limits.maxSequence ? fail("limit.chain") : Result.succeed({ last: last + 1 })

/** The floor to send along with message `number` to a device that got no message of this conversation before. */
export const floorBefore = (number: number): number => number - 1

/** The counter after a peer said how far it received (rule fence.heal.1): numbering never goes back. */
export const resume = (sequence: Sequence, received: number): Sequence => ({ last: Math.max(sequence.last, received) })

/** Whether a peer received a higher number than was given out: this device runs from an old copy (rule fence.detect.3). */
export const isBehind = ({ last }: Sequence, received: number): boolean => received > last

const version = 1
const Record = Layout.tuple({ version: Layout.literal(version), last: Layout.uint() })

/** The record of a counter. */
export const encode = ({ last }: Sequence): Uint8Array => Record.encode({ version, last })

/** Reads a record of {@link encode}. */
export const decode = (bytes: Uint8Array): Result.Result<Sequence, Stored.Unreadable> =>
  Result.map(Stored.decode(Record, version, bytes), ({ last }) => ({ last }))
