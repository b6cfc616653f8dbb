/**
 * What the devices of one account share as one value each: which of two writings stands.
 *
 * Spec: docs/spec/22-own-devices.md §22.8, rules own.register.1 and own.register.2.
 * Knows no clock; does not know what is written.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"

/** A writing. `value` is absent where what was written before is taken back. */
export interface Written {
  /** 0 to 2⁵². */
  readonly stamp: number
  /** The device that wrote, 32 bytes. */
  readonly device: Uint8Array
  readonly value: Uint8Array | undefined
}

/** The stamp of a writing at `now`, ms, by a device that knows of others up to `highest`. */
export const stampOf = (now: number, highest: number): number =>
  Math.min(Limits.maxStamp, Math.max(1, Math.floor(now), highest + 1))

/** Negative when `a` stands below `b`, 0 when they are the same writing. */
export const compare = (a: Written, b: Written): number =>
  a.stamp - b.stamp || Bytes.compare(a.device, b.device) || compareValues(a.value, b.value)

const compareValues = (a: Uint8Array | undefined, b: Uint8Array | undefined): number =>
  a === undefined || b === undefined ? Number(a !== undefined) - Number(b !== undefined) : Bytes.compare(a, b)
