/**
 * A cursor over one encoded byte string that reads canonical items and remembers the first thing wrong.
 *
 * Spec: docs/spec/02-encoding.md §2.2–2.4, §2.6.
 * Reads never throw: after a failure `reason` is set, the cursor stands at the end, and what is returned means nothing.
 * Every read checks form and bounds before it allocates. Knows nothing of layouts.
 */
import * as Limits from "../base/Limits.ts"
import * as Utf8 from "../base/Utf8.ts"
import type { Reason } from "./Malformed.ts"

/** The five families a first byte can announce. Everything else is a forbidden type. */
export type Family = "uint" | "bytes" | "text" | "array" | "map"

/** Family of a first byte, or `undefined` for nil, bool, float, negative, extension types and 0xC1. */
export const familyOf = (byte: number): Family | undefined => {
  if (byte <= 0x7f) return "uint"
  if (byte <= 0x8f) return "map"
  if (byte <= 0x9f) return "array"
  if (byte <= 0xbf) return "text"
  if (byte >= 0xc4 && byte <= 0xc6) return "bytes"
  if (byte >= 0xcc && byte <= 0xcf) return "uint"
  if (byte >= 0xd9 && byte <= 0xdb) return "text"
  if (byte === 0xdc || byte === 0xdd) return "array"
  if (byte === 0xde || byte === 0xdf) return "map"
  return undefined
}

export class Reader {
  /** The first failure, if any. */
  reason: Reason | undefined = undefined
  /** Where the next item begins. */
  at = 0
  /** Containers around the next item. */
  depth = 0
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    // Plain from here on: a Node Buffer's own slice would share memory with the input.
    this.bytes = bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Notes the first failure and moves to the end, so that whatever follows stops quickly. Returns 0 for use as a value. */
  fail(reason: Reason): 0 {
    if (this.reason === undefined) {
      this.reason = reason
      this.at = this.bytes.length
    }
    return 0
  }

  /** An integer in min…max. */
  uint(min: number, max: number): number {
    const bytes = this.bytes
    const at = this.at
    if (at >= bytes.length) return this.fail("truncated")
    const first = bytes[at]!
    if (first <= 0x7f) {
      this.at = at + 1
      if (first < min || first > max) return this.fail("value")
      return first
    }
    if (first < 0xcc || first > 0xcf) return this.fail("type")
    const width = 1 << (first - 0xcc)
    if (at + 1 + width > bytes.length) return this.fail("truncated")
    let value = bytes[at + 1]!
    if (width === 1) {
      if (value <= 0x7f) return this.fail("noncanonical")
    } else if (width === 2) {
      value = (value << 8) | bytes[at + 2]!
      if (value <= 0xff) return this.fail("noncanonical")
    } else if (width === 4) {
      value = value * 0x1000000 + ((bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!)
      if (value <= 0xffff) return this.fail("noncanonical")
    } else {
      const high = value * 0x1000000 + ((bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!)
      if (high === 0) return this.fail("noncanonical")
      if (high > 0x1fffff) return this.fail("value")
      value =
        high * 0x1_0000_0000 +
        bytes[at + 5]! * 0x1000000 +
        ((bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!)
    }
    if (value < min || value > max) return this.fail("value")
    this.at = at + 1 + width
    return value
  }

  /**
   * Reads the length behind a first byte: `width` bytes, big-endian, above `floor` or the form is not the shortest.
   * Leaves the cursor behind it.
   */
  private length(width: number, floor: number): number {
    const bytes = this.bytes
    const at = this.at + 1
    if (at + width > bytes.length) return this.fail("truncated")
    let value = bytes[at]!
    for (let i = 1; i < width; i++) value = value * 256 + bytes[at + i]!
    if (value <= floor) return this.fail("noncanonical")
    this.at = at + width
    return value
  }

  /** Header of a byte string of min…max bytes that are all present; returns its length. */
  bytesHeader(min: number, max: number): number {
    if (this.at >= this.bytes.length) return this.fail("truncated")
    const first = this.bytes[this.at]!
    let length: number
    if (first === 0xc4) length = this.length(1, -1)
    else if (first === 0xc5) length = this.length(2, 0xff)
    else if (first === 0xc6) length = this.length(4, 0xffff)
    else return this.fail("type")
    return this.present(length, min, max)
  }

  /** Header of a text of min…max bytes that are all present; returns its length. */
  textHeader(min: number, max: number): number {
    if (this.at >= this.bytes.length) return this.fail("truncated")
    const first = this.bytes[this.at]!
    let length: number
    if (first >= 0xa0 && first <= 0xbf) {
      length = first - 0xa0
      this.at++
    } else if (first === 0xd9) length = this.length(1, 0x1f)
    else if (first === 0xda) length = this.length(2, 0xff)
    else if (first === 0xdb) length = this.length(4, 0xffff)
    else return this.fail("type")
    return this.present(length, min, max)
  }

  private present(length: number, min: number, max: number): number {
    if (this.reason !== undefined) return 0
    if (length < min || length > max) return this.fail("size")
    if (this.at + length > this.bytes.length) return this.fail("truncated")
    return length
  }

  /** A byte string of min…max bytes, copied out. */
  binary(min: number, max: number): Uint8Array {
    const length = this.bytesHeader(min, max)
    const start = this.at
    this.at = start + length
    return this.bytes.slice(start, start + length)
  }

  /** A text of min…max bytes of UTF-8. */
  text(min: number, max: number): string {
    const length = this.textHeader(min, max)
    const start = this.at
    const text = Utf8.decode(this.bytes, start, start + length)
    if (text === undefined) {
      this.fail("utf8")
      return ""
    }
    this.at = start + length
    return text
  }

  /** Header of an array of min…max items, for which at least one byte each is present; enters it. */
  arrayHeader(min: number, max: number): number {
    if (this.at >= this.bytes.length) return this.fail("truncated")
    const first = this.bytes[this.at]!
    let count: number
    if (first >= 0x90 && first <= 0x9f) {
      count = first - 0x90
      this.at++
    } else if (first === 0xdc) count = this.length(2, 0x0f)
    else if (first === 0xdd) count = this.length(4, 0xffff)
    else return this.fail("type")
    return this.enter(count, 1, min, max)
  }

  /** Header of a map of at most `max` entries, for which at least two bytes each are present; enters it. */
  mapHeader(max: number): number {
    if (this.at >= this.bytes.length) return this.fail("truncated")
    const first = this.bytes[this.at]!
    let count: number
    if (first >= 0x80 && first <= 0x8f) {
      count = first - 0x80
      this.at++
    } else if (first === 0xde) count = this.length(2, 0x0f)
    else if (first === 0xdf) count = this.length(4, 0xffff)
    else return this.fail("type")
    return this.enter(count, 2, 0, max)
  }

  private enter(count: number, itemBytes: number, min: number, max: number): number {
    if (this.reason !== undefined) return 0
    if (count < min || count > max) return this.fail("count")
    if (this.depth === Limits.maxDepth) return this.fail("depth")
    if (this.at + count * itemBytes > this.bytes.length) return this.fail("truncated")
    this.depth++
    return count
  }

  /** Leaves the array or map entered last. */
  leave(): void {
    this.depth--
  }

  /** Key of the next map entry: an integer above `previous` (−1 for the first). */
  key(previous: number): number {
    const key = this.uint(0, Limits.maxUint)
    if (this.reason === undefined && key <= previous) return this.fail(key === previous ? "duplicate-key" : "key-order")
    return key
  }

  /** Walks over one item of any allowed kind, checking it whole and allocating nothing. */
  skip(): void {
    if (this.at >= this.bytes.length) {
      this.fail("truncated")
      return
    }
    switch (familyOf(this.bytes[this.at]!)) {
      case "uint":
        this.uint(0, Limits.maxUint)
        return
      case "bytes": {
        const length = this.bytesHeader(0, Infinity)
        this.at += length
        return
      }
      case "text": {
        const length = this.textHeader(0, Infinity)
        if (!Utf8.isValid(this.bytes, this.at, this.at + length)) this.fail("utf8")
        else this.at += length
        return
      }
      case "array": {
        const count = this.arrayHeader(0, Limits.maxItems)
        for (let i = 0; i < count && this.reason === undefined; i++) this.skip()
        this.leave()
        return
      }
      case "map": {
        const count = this.mapHeader(Limits.maxItems)
        let previous = -1
        for (let i = 0; i < count && this.reason === undefined; i++) {
          previous = this.key(previous)
          if (this.reason === undefined) this.skip()
        }
        this.leave()
        return
      }
      default:
        this.fail("type")
    }
  }

  /** Call after the last item: nothing may follow. */
  end(): Reason | undefined {
    if (this.reason === undefined && this.at !== this.bytes.length) this.fail("trailing")
    return this.reason
  }
}
