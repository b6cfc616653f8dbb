/**
 * Layouts: the one source of every frozen schema. A layout gives the TypeScript type, the decoder, the encoder, the largest
 * size, and (through codec/LayoutSchema.ts and testing) JSON Schema, documentation and arbitrary values.
 *
 * Spec: docs/spec/02-encoding.md §2.5.
 *
 * ```ts
 * const Header = Layout.tuple({ version: Layout.literal(1), to: Layout.bytes({ length: 16 }), body: Layout.bytes({ min: 1, max: 131072 }) })
 * type Header = Layout.Type<typeof Header>   // { readonly version: 1; readonly to: Uint8Array; readonly body: Uint8Array }
 * const header = Header.decode(bytes)        // Result<Header, Malformed>
 * const bytes = Header.encode({ version: 1, to, body })
 * ```
 *
 * Decoding walks the bytes once; every item's form and bounds are checked before memory is taken for it. Byte strings are
 * copied out. Does not sign, hash or version anything.
 */
import * as Result from "effect/Result"
import { defect } from "../base/Defect.ts"
import * as Limits from "../base/Limits.ts"
import * as Utf8 from "../base/Utf8.ts"
import { arrayHeaderBytes, depthOf, type Node, uintBytes } from "./LayoutNode.ts"
import { Malformed, type Reason } from "./Malformed.ts"
import { Reader } from "./Reader.ts"
import * as Writer from "./Writer.ts"

export type { Node }

/** A schema of values of type `T` in the canonical encoding. */
export interface Layout<T> {
  /** The structure as data. */
  readonly node: Node
  /** No encoding of this layout is longer. */
  readonly maxBytes: number
  /** The value that `bytes` encodes, or why they are not one. */
  readonly decode: (bytes: Uint8Array) => Result.Result<T, Malformed>
  /** Canonical bytes of a value the layout holds. A value it does not hold is a defect: check what an application supplied with `tryEncode`. */
  readonly encode: (value: T) => Uint8Array
  /** Canonical bytes, or the reason why the layout does not hold the value. */
  readonly tryEncode: (value: T) => Result.Result<Uint8Array, Malformed>
  /** For combinators: reads one value at the cursor. */
  readonly read: (reader: Reader) => T
  /** For combinators: appends one value. */
  readonly write: (writer: Writer.Writer, value: T) => void
}

/** The type of the values of a layout. */
export type Type<L> = L extends Layout<infer T> ? T : never

/** A layout of a type that is not known here: every layout is one. */
export interface AnyLayout {
  readonly node: Node
  readonly maxBytes: number
  readonly decode: (bytes: Uint8Array) => Result.Result<unknown, Malformed>
  readonly encode: (value: never) => Uint8Array
  readonly tryEncode: (value: never) => Result.Result<Uint8Array, Malformed>
  readonly read: (reader: Reader) => unknown
  readonly write: (writer: Writer.Writer, value: never) => void
}

/** Inside a combinator, which moves values between layouts it has matched by name, tag or key. */
type Erased = Layout<unknown>
type Fields = Readonly<Record<string, unknown>>

/** An extension that was not known to the layout and may be ignored (its key is odd). */
export interface UnknownExtension {
  readonly key: number
  /** Canonical encoding of its value, at most 4,096 bytes; passed on as it came. */
  readonly value: Uint8Array
}

const make = <T>(
  node: Node,
  maxBytes: number,
  read: (reader: Reader) => T,
  write: (writer: Writer.Writer, value: T) => void
): Layout<T> => {
  if (depthOf(node) > Limits.maxDepth) return defect("layout is deeper than maxDepth")
  const tryWrite = (value: T): Uint8Array | Reason => {
    const writer = Writer.acquire()
    write(writer, value)
    const out = writer.finish()
    const reason = writer.reason
    Writer.release(writer)
    return reason ?? out
  }
  return {
    node,
    maxBytes,
    decode: (bytes) => {
      if (bytes.length > maxBytes) return Result.fail(new Malformed({ reason: "size" }))
      const reader = new Reader(bytes)
      const value = read(reader)
      const reason = reader.end()
      return reason === undefined ? Result.succeed(value) : Result.fail(new Malformed({ reason }))
    },
    encode: (value) => {
      const out = tryWrite(value)
      return typeof out === "string" ? defect(`layout does not hold the value: ${out}`) : out
    },
    tryEncode: (value) => {
      const out = tryWrite(value)
      return typeof out === "string" ? Result.fail(new Malformed({ reason: out })) : Result.succeed(out)
    },
    read,
    write
  }
}

/** An integer in min…max; 0…2⁵³−1 when nothing is said. */
export const uint = (options: { readonly min?: number; readonly max?: number } = {}): Layout<number> => {
  const { max = Limits.maxUint, min = 0 } = options
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min < 0 || max < min) return defect("uint bounds")
  return make(
    { kind: "uint", min, max },
    uintBytes(max),
    (reader) => reader.uint(min, max),
    (writer, value) => (value >= min && value <= max ? writer.uint(value) : writer.fail("value"))
  )
}

/** Exactly the integer `value`. */
export const literal = <const N extends number>(value: N): Layout<N> => {
  if (!Number.isSafeInteger(value) || value < 0) return defect("literal is an integer of the encoding")
  return make(
    { kind: "literal", value },
    uintBytes(value),
    (reader) => {
      reader.uint(value, value)
      return value
    },
    (writer, given) => (given === value ? writer.uint(value) : writer.fail("value"))
  )
}

/** A byte string of exactly `length`, or of min…max bytes (min 0 when nothing is said). */
export const bytes = (
  options: { readonly length: number } | { readonly min?: number; readonly max: number }
): Layout<Uint8Array> => {
  const min = "length" in options ? options.length : (options.min ?? 0)
  const max = "length" in options ? options.length : options.max
  return make(
    { kind: "bytes", min, max },
    max + (max <= 0xff ? 2 : max <= 0xffff ? 3 : 5),
    (reader) => reader.binary(min, max),
    (writer, value) => (value.length >= min && value.length <= max ? writer.binary(value) : writer.fail("size"))
  )
}

/** A text of min…max bytes of UTF-8 (min 0 when nothing is said). Bytes, not characters. */
export const text = (options: { readonly min?: number; readonly max: number }): Layout<string> => {
  const { max, min = 0 } = options
  return make(
    { kind: "text", min, max },
    max + (max <= 0x1f ? 1 : max <= 0xff ? 2 : max <= 0xffff ? 3 : 5),
    (reader) => reader.text(min, max),
    (writer, value) => {
      const length = Utf8.byteLength(value)
      return length >= min && length <= max ? writer.text(value, length) : writer.fail("size")
    }
  )
}

/** An array of min…max items of one layout (min 0 when nothing is said; max at most 4,096). */
export const list = <T>(
  item: Layout<T>,
  options: { readonly min?: number; readonly max: number }
): Layout<ReadonlyArray<T>> => {
  const { max, min = 0 } = options
  if (max > Limits.maxItems) return defect("list is longer than maxItems")
  return make<ReadonlyArray<T>>(
    { kind: "list", min, max, item: item.node },
    arrayHeaderBytes(max) + max * item.maxBytes,
    (reader) => {
      const count = reader.arrayHeader(min, max)
      const items: Array<T> = []
      for (let i = 0; i < count && reader.reason === undefined; i++) items.push(item.read(reader))
      reader.leave()
      return items
    },
    (writer, values) => {
      if (values.length < min || values.length > max) return writer.fail("count")
      writer.array(values.length)
      writer.depth++
      for (let i = 0; i < values.length; i++) item.write(writer, values[i]!)
      writer.depth--
    }
  )
}

/** A value or nothing, as an array of one item or none. */
export const optional = <T>(item: Layout<T>): Layout<T | undefined> =>
  make(
    { kind: "optional", item: item.node },
    1 + item.maxBytes,
    (reader): T | undefined => {
      const count = reader.arrayHeader(0, 1)
      const value = count === 1 ? item.read(reader) : undefined
      reader.leave()
      return value
    },
    (writer, value) => {
      writer.array(value === undefined ? 0 : 1)
      writer.depth++
      if (value !== undefined) item.write(writer, value)
      writer.depth--
    }
  )

/** Values of a {@link tuple}: its fields by name. */
export type TupleType<F extends Readonly<Record<string, AnyLayout>>> = { readonly [K in keyof F]: Type<F[K]> }

/** A positional array with exactly these fields, in the order in which they are written down. */
export const tuple = <const F extends Readonly<Record<string, AnyLayout>>>(fields: F): Layout<TupleType<F>> => {
  const names = Object.keys(fields)
  const layouts: ReadonlyArray<Erased> = Object.values(fields as unknown as Readonly<Record<string, Erased>>)
  // Integer-like names would be enumerated first whatever the order in the source.
  if (names.length === 0 || names.some((name) => /^\d/.test(name))) return defect("tuple needs fields with plain names")
  const count = names.length
  const template: Record<string, unknown> = {}
  for (const name of names) template[name] = undefined
  let maxBytes = arrayHeaderBytes(count)
  for (const layout of layouts) maxBytes += layout.maxBytes
  return make<Fields>(
    { kind: "tuple", fields: names.map((name, i) => ({ name, node: layouts[i]!.node })) },
    maxBytes,
    (reader) => {
      // A copy of the template has its final shape at once; filling it in is cheaper than growing an empty object.
      const value = { ...template }
      reader.arrayHeader(count, count)
      for (let i = 0; i < count && reader.reason === undefined; i++) value[names[i]!] = layouts[i]!.read(reader)
      reader.leave()
      return value
    },
    (writer, value) => {
      writer.array(count)
      writer.depth++
      for (let i = 0; i < count; i++) layouts[i]!.write(writer, value[names[i]!])
      writer.depth--
    }
  ) as Layout<unknown> as Layout<TupleType<F>>
}

/** An extension a layout knows: its key and the layout of its value. */
export interface Extension<T> {
  readonly key: number
  readonly layout: Layout<T>
}

/** Declares a known extension. Even keys are critical: software that does not know them refuses the whole value. */
export const extension = <T>(key: number, layout: Layout<T>): Extension<T> => ({ key, layout })

/** An extension of a type that is not known here. */
export interface AnyExtension {
  readonly key: number
  readonly layout: AnyLayout
}

/** Values of {@link extensions}: the known ones that are present, by name, and the unknown ignorable ones in order of keys. */
export type ExtensionsType<E extends Readonly<Record<string, AnyExtension>>> = {
  readonly [K in keyof E]?: Type<E[K]["layout"]> | undefined
} & { readonly unknown: ReadonlyArray<UnknownExtension> }

/**
 * The extension slot: a map from ascending integers. `known` names the extensions this version understands. An unknown even key refuses
 * the whole; unknown odd ones are kept as encoded bytes and written back.
 */
export const extensions = <const E extends Readonly<Record<string, AnyExtension>>>(
  known: E
): Layout<ExtensionsType<E>> => {
  const entries = Object.entries(known)
    .map(([name, { key, layout }]) => ({ name, key, layout: layout as Erased }))
    .sort((a, b) => a.key - b.key)
  if (
    entries.some(
      ({ key, name }, i) => !Number.isSafeInteger(key) || key < 0 || key === entries[i - 1]?.key || name === "unknown"
    )
  ) {
    return defect("extension keys are distinct integers, and none is named unknown")
  }
  let maxBytes = 3 + Limits.maxExtensions * (9 + Limits.maxUnknownExtensionBytes)
  for (const { layout } of entries) maxBytes += layout.maxBytes
  const byKey = new Map(entries.map((entry) => [entry.key, entry]))
  return make<Fields>(
    { kind: "extensions", known: entries.map(({ key, layout, name }) => ({ name, key, node: layout.node })) },
    maxBytes,
    (reader) => {
      const value: Record<string, unknown> = {}
      let unknown: Array<UnknownExtension> = none
      const count = reader.mapHeader(Limits.maxExtensions)
      let key = -1
      for (let i = 0; i < count && reader.reason === undefined; i++) {
        key = reader.key(key)
        if (reader.reason !== undefined) break
        const entry = byKey.get(key)
        if (entry !== undefined) value[entry.name] = entry.layout.read(reader)
        else if (key % 2 === 0) reader.fail("unknown-critical")
        else {
          const start = reader.at
          reader.skip()
          if (reader.reason !== undefined) break
          if (reader.at - start > Limits.maxUnknownExtensionBytes) {
            reader.fail("size")
            break
          }
          if (unknown === none) unknown = []
          unknown.push({ key, value: reader.bytes.slice(start, reader.at) })
        }
      }
      reader.leave()
      value["unknown"] = unknown
      return value
    },
    (writer, value) => {
      const unknown = value["unknown"] as ReadonlyArray<UnknownExtension>
      let count = unknown.length
      for (let i = 0; i < entries.length; i++) if (value[entries[i]!.name] !== undefined) count++
      if (count > Limits.maxExtensions) return writer.fail("count")
      writer.map(count)
      writer.depth++
      let next = 0
      let previous = -1
      for (let i = 0; i <= entries.length; i++) {
        const entry = entries[i]
        for (; next < unknown.length && (entry === undefined || unknown[next]!.key < entry.key); next++) {
          const { key, value: encoded } = unknown[next]!
          const reason = byKey.has(key) ? "value" : unknownReason(key, previous, encoded, writer.depth)
          if (reason !== undefined) return writer.fail(reason)
          writer.uint(key)
          writer.raw(encoded)
          previous = key
        }
        if (entry === undefined) break
        const given = value[entry.name]
        if (given === undefined) continue
        writer.uint(entry.key)
        entry.layout.write(writer, given)
        previous = entry.key
      }
      writer.depth--
    }
  ) as Layout<unknown> as Layout<ExtensionsType<E>>
}

const none: Array<UnknownExtension> = []
Object.freeze(none)

/** Why an unknown extension cannot be written after the key `previous`, `depth` arrays and maps deep, if so. */
const unknownReason = (key: number, previous: number, encoded: Uint8Array, depth: number): Reason | undefined => {
  if (!Number.isSafeInteger(key) || key < 0) return "value"
  if (key % 2 === 0) return "unknown-critical"
  if (key <= previous) return key === previous ? "duplicate-key" : "key-order"
  if (encoded.length > Limits.maxUnknownExtensionBytes) return "size"
  const reader = new Reader(encoded)
  reader.depth = depth
  reader.skip()
  return reader.end()
}

/** Values of {@link oneOf}. */
export type OneOfType<C extends ReadonlyArray<AnyLayout>> = Type<C[number]>

/**
 * A tagged union: tuples that all begin with a literal of the same field name and differ in its value. An unknown tag is `value`.
 */
export const oneOf = <const C extends readonly [AnyLayout, ...ReadonlyArray<AnyLayout>]>(
  ...cases: C
): Layout<OneOfType<C>> => {
  const heads = cases.map((layout) => {
    const head = layout.node.kind === "tuple" ? layout.node.fields[0]! : undefined
    if (head?.node.kind !== "literal") return defect("every case of oneOf is a tuple that begins with a literal")
    return { name: head.name, value: head.node.value, layout }
  })
  const tag = heads[0]!.name
  const byValue = new Map(heads.map((head) => [head.value, head.layout as Erased]))
  if (byValue.size !== cases.length || heads.some(({ name }) => name !== tag))
    return defect("cases of oneOf differ in the value of one tag")
  return make<unknown>(
    { kind: "oneOf", tag, cases: heads.map(({ layout, value }) => ({ value, node: layout.node })) },
    Math.max(...cases.map((layout) => layout.maxBytes)),
    (reader) => {
      const { at, depth } = reader
      reader.arrayHeader(1, Limits.maxItems)
      const layout = byValue.get(reader.uint(0, Limits.maxUint))
      if (reader.reason !== undefined) return undefined
      if (layout === undefined) {
        reader.fail("value")
        return undefined
      }
      reader.at = at
      reader.depth = depth
      return layout.read(reader)
    },
    (writer, value) => {
      const layout = byValue.get((value as Readonly<Record<string, number>>)[tag]!)
      return layout === undefined ? writer.fail("value") : layout.write(writer, value)
    }
  ) as Layout<OneOfType<C>>
}
