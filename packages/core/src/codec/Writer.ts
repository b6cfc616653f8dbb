/**
 * Writes canonical items into a reused buffer.
 *
 * Spec: docs/spec/02-encoding.md §2.2–2.4.
 * Values outside the encoding are noted in `reason` and never throw. Knows nothing of layouts.
 */
import * as Limits from "../base/Limits.ts"
import * as Utf8 from "../base/Utf8.ts"
import type { Reason } from "./Malformed.ts"

const initialCapacity = 4096
/** A buffer grown past this is not kept for the next use. */
const keptCapacity = 262_144

export class Writer {
  /** The first failure, if any. */
  reason: Reason | undefined = undefined
  /** Arrays and maps of a layout around what is written next; counted by the layouts. */
  depth = 0
  private at = 0
  private buffer = new Uint8Array(initialCapacity)

  fail(reason: Reason): void {
    this.reason ??= reason
  }

  private reserve(count: number): void {
    if (this.at + count <= this.buffer.length) return
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.at + count))
    grown.set(this.buffer.subarray(0, this.at))
    this.buffer.fill(0, 0, this.at)
    this.buffer = grown
  }

  private header(first: number, width: number, value: number): void {
    const buffer = this.buffer
    let at = this.at
    buffer[at++] = first
    if (width === 4) {
      buffer[at++] = value >>> 24
      buffer[at++] = value >>> 16
    }
    if (width >= 2) buffer[at++] = value >>> 8
    buffer[at++] = value
    this.at = at
  }

  /** An integer 0…2⁵³−1 in its shortest form. */
  uint(value: number): void {
    this.reserve(9)
    if (value >= 0 && value <= 0x7f && value === (value | 0)) this.buffer[this.at++] = value
    else if (!Number.isSafeInteger(value) || value < 0) this.fail("value")
    else if (value <= 0xff) this.header(0xcc, 1, value)
    else if (value <= 0xffff) this.header(0xcd, 2, value)
    else if (value <= 0xffff_ffff) this.header(0xce, 4, value)
    else {
      const high = Math.floor(value / 0x1_0000_0000)
      this.header(0xcf, 4, high)
      const buffer = this.buffer
      buffer[this.at++] = value >>> 24
      buffer[this.at++] = value >>> 16
      buffer[this.at++] = value >>> 8
      buffer[this.at++] = value
    }
  }

  /** A byte string. */
  binary(value: Uint8Array): void {
    const length = value.length
    this.reserve(5 + length)
    if (length <= 0xff) this.header(0xc4, 1, length)
    else if (length <= 0xffff) this.header(0xc5, 2, length)
    else this.header(0xc6, 4, length)
    this.copy(value)
  }

  /** A text of `length` = {@link Utf8.byteLength} bytes; refuses a lone surrogate, which has no UTF-8. */
  text(value: string, length: number): void {
    if (!Utf8.isWellFormed(value)) return this.fail("utf8")
    this.reserve(5 + length)
    if (length <= 0x1f) this.buffer[this.at++] = 0xa0 | length
    else if (length <= 0xff) this.header(0xd9, 1, length)
    else if (length <= 0xffff) this.header(0xda, 2, length)
    else this.header(0xdb, 4, length)
    this.at = Utf8.write(value, this.buffer, this.at)
  }

  /** The beginning of an array of `count` items. */
  array(count: number): void {
    this.reserve(5)
    if (count > Limits.maxItems) this.fail("count")
    else if (count <= 0x0f) this.buffer[this.at++] = 0x90 | count
    else this.header(0xdc, 2, count)
  }

  /** The beginning of a map of `count` entries. */
  map(count: number): void {
    this.reserve(5)
    if (count > Limits.maxItems) this.fail("count")
    else if (count <= 0x0f) this.buffer[this.at++] = 0x80 | count
    else this.header(0xde, 2, count)
  }

  /** An item that is encoded already. */
  raw(encoded: Uint8Array): void {
    this.reserve(encoded.length)
    this.copy(encoded)
  }

  private copy(value: Uint8Array): void {
    this.buffer.set(value, this.at)
    this.at += value.length
  }

  /** A copy of what was written; wipes and rewinds the buffer, which may have held secrets. */
  finish(): Uint8Array {
    const out = this.buffer.slice(0, this.at)
    this.buffer.fill(0, 0, this.at)
    if (this.buffer.length > keptCapacity) this.buffer = new Uint8Array(initialCapacity)
    this.at = 0
    return out
  }
}

let idle: Writer | undefined

/** A writer, the idle one if there is one. Give it back with {@link release} after `finish`. */
export const acquire = (): Writer => {
  const writer = idle ?? new Writer()
  // Taken away while in use: a getter on the value being encoded may itself encode something.
  idle = undefined
  writer.reason = undefined
  writer.depth = 0
  return writer
}

export const release = (writer: Writer): void => {
  idle = writer
}
