/**
 * The canonical MessagePack subset, without a layout: any allowed value to bytes and back.
 *
 * Spec: docs/spec/02-encoding.md §2.1–2.4.
 * Vectors: vectors/encoding.
 * Frames with a fixed shape use codec/Layout.ts, which reads the same bytes straight into named fields.
 */
import * as Result from "effect/Result"
import { defect } from "../base/Defect.ts"
import * as Limits from "../base/Limits.ts"
import * as Utf8 from "../base/Utf8.ts"
import { Malformed, type Reason } from "./Malformed.ts"
import { familyOf, Reader } from "./Reader.ts"
import * as Writer from "./Writer.ts"

/** Everything the encoding can carry: integers 0…2⁵³−1, bytes, text, arrays, and maps from integers. */
export type Value = number | Uint8Array | string | ReadonlyArray<Value> | ReadonlyMap<number, Value>

/** Bounds of one decoding. */
export interface Bounds {
  /** Longest input, in bytes. */
  readonly maxBytes: number
}

const defaultBounds: Bounds = { maxBytes: Limits.maxEnvelopeBytes }

/** Whether `bytes` is exactly one canonical value: `undefined`, or why not. Allocates nothing that depends on the input. */
export const scan = (bytes: Uint8Array, bounds: Bounds = defaultBounds): Reason | undefined => {
  if (bytes.length > bounds.maxBytes) return "size"
  const reader = new Reader(bytes)
  reader.skip()
  return reader.end()
}

/** The value `bytes` encodes. Scans the whole first; byte strings are copied out, so nothing shares memory with the input. */
export const decode = (bytes: Uint8Array, bounds: Bounds = defaultBounds): Result.Result<Value, Malformed> => {
  const reason = scan(bytes, bounds)
  if (reason !== undefined) return Result.fail(new Malformed({ reason }))
  return Result.succeed(read(new Reader(bytes)))
}

/**
 * The canonical bytes of a value. Map entries are sorted. A value outside {@link Value} (a fraction, a negative or unsafe
 * integer, a lone surrogate, too many items, too deep) is a defect.
 */
export const encode = (value: Value): Uint8Array => {
  const writer = Writer.acquire()
  write(writer, value, 0)
  const out = writer.finish()
  const reason = writer.reason
  Writer.release(writer)
  if (reason !== undefined) return defect(`value has no canonical encoding: ${reason}`)
  return out
}

/** Reads one value that was scanned. */
const read = (reader: Reader): Value => {
  switch (familyOf(reader.bytes[reader.at]!)) {
    case "uint":
      return reader.uint(0, Limits.maxUint)
    case "bytes":
      return reader.binary(0, reader.bytes.length)
    case "text":
      return reader.text(0, reader.bytes.length)
    case "array": {
      const count = reader.arrayHeader(0, Limits.maxItems)
      const items: Array<Value> = []
      for (let i = 0; i < count; i++) items.push(read(reader))
      reader.leave()
      return items
    }
    default: {
      const count = reader.mapHeader(Limits.maxItems)
      const entries = new Map<number, Value>()
      let key = -1
      for (let i = 0; i < count; i++) {
        key = reader.key(key)
        entries.set(key, read(reader))
      }
      reader.leave()
      return entries
    }
  }
}

const isMap = (value: object): value is ReadonlyMap<number, Value> => value instanceof Map

const write = (writer: Writer.Writer, value: Value, depth: number): void => {
  if (typeof value === "number") return writer.uint(value)
  if (typeof value === "string") return writer.text(value, Utf8.byteLength(value))
  if (value instanceof Uint8Array) return writer.binary(value)
  if (depth === Limits.maxDepth) return writer.fail("depth")
  if (isMap(value)) {
    const keys = [...value.keys()].sort((a, b) => a - b)
    writer.map(keys.length)
    for (const key of keys) {
      writer.uint(key)
      write(writer, value.get(key)!, depth + 1)
    }
    return
  }
  if (!Array.isArray(value)) return writer.fail("type")
  const items: ReadonlyArray<Value> = value
  writer.array(items.length)
  for (let i = 0; i < items.length; i++) write(writer, items[i]!, depth + 1)
}
