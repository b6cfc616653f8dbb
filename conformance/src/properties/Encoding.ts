/**
 * P16 over single encodings: whatever is accepted encodes again to itself.
 *
 * Spec: docs/spec/02-encoding.md; docs/spec/03-envelopes.md §3.1; docs/spec/21-conformance.md, P16.
 * Encodes by a few lines of its own, so that an encoder and a decoder that are wrong in the same way are found out.
 */
import { Bytes } from "@tacit/core/hazmat"
import * as fc from "fast-check"
import { isObject, same, type Value } from "../protocol/Value.ts"
import type { Subject } from "../subject/Subject.ts"
import * as Bytecode from "./Bytecode.ts"

/** A value as `canon.decode` shows it: an integer, bytes in hex, `{ text }`, a list, `{ map }`. */
export type Shown = Value

const be = (value: number, length: number): ReadonlyArray<number> => {
  const out: Array<number> = []
  for (let i = 0, rest = value; i < length; i++, rest = Math.floor(rest / 256)) out.unshift(rest % 256)
  return out
}

/** A head with its count in the shortest form: `fixed` up to `most`, then ever wider. */
const head = (count: number, fixed: number, most: number, wide: ReadonlyArray<readonly [number, number]>) => {
  if (count <= most) return Uint8Array.of(fixed + count)
  for (const [code, width] of wide) if (count < 256 ** width) return Uint8Array.of(code, ...be(count, width))
  throw new RangeError("no head is wide enough")
}

const uint = (value: number): Uint8Array =>
  head(value, 0, 0x7f, [
    [0xcc, 1],
    [0xcd, 2],
    [0xce, 4],
    [0xcf, 8]
  ])

/** The canonical encoding of a shown value. */
export const encode = (value: Shown): Uint8Array => {
  if (typeof value === "number") return uint(value)
  if (typeof value === "string") {
    const bytes = Bytes.fromHex(value)!
    const wide = [0xc4, 0xc5, 0xc6].map((code, i) => [code, 1 << i] as const)
    return Bytes.concat(head(bytes.length, 0, -1, wide), bytes)
  }
  if (Array.isArray(value)) {
    const items = value as ReadonlyArray<Shown>
    return Bytes.concat(
      head(items.length, 0x90, 15, [
        [0xdc, 2],
        [0xdd, 4]
      ]),
      ...items.map(encode)
    )
  }
  if (isObject(value) && typeof value["text"] === "string") {
    const bytes = Bytes.utf8Encode(value["text"])
    return Bytes.concat(
      head(bytes.length, 0xa0, 31, [
        [0xd9, 1],
        [0xda, 2],
        [0xdb, 4]
      ]),
      bytes
    )
  }
  if (isObject(value) && Array.isArray(value["map"])) {
    const entries = value["map"] as ReadonlyArray<readonly [number, Shown]>
    return Bytes.concat(
      head(entries.length, 0x80, 15, [
        [0xde, 2],
        [0xdf, 4]
      ]),
      ...entries.flatMap(([key, item]) => [uint(key), encode(item)])
    )
  }
  throw new TypeError("a value that canon.decode does not show")
}

const widths = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, Number.MAX_SAFE_INTEGER]
const uintArbitrary = fc.oneof(fc.constantFrom(...widths), fc.maxSafeNat())
const hexArbitrary = fc
  .oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 250, maxLength: 260 }))
  .map((bytes) => Bytes.toHex(bytes))
const textArbitrary = fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => ({ text }))

const shownArbitrary: fc.Arbitrary<Shown> = fc.letrec<{ value: Shown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: "small" },
    uintArbitrary,
    hexArbitrary,
    textArbitrary,
    fc.array(tie("value"), { maxLength: 18 }),
    fc
      .uniqueArray(fc.tuple(uintArbitrary, tie("value")), { maxLength: 6, selector: ([key]) => key })
      .map((entries) => ({ map: entries.toSorted(([a], [b]) => a - b).map(([key, item]) => [key, item]) }))
  )
})).value

/** How bytes are spoiled; several at once. */
const spoiled = (bytes: Uint8Array, spoils: ReadonlyArray<readonly [number, number]>): Uint8Array => {
  let out = bytes
  for (const [way, n] of spoils) {
    if (out.length === 0) return out
    const at = n % out.length
    const items = Bytecode.items(out)
    switch (way % 6) {
      case 0:
        out = out.slice()
        out[at]! ^= 1 << ((n >> 8) & 7)
        break
      case 1:
        out = out.slice(0, at)
        break
      case 2:
        out = Bytes.concat(out, Uint8Array.of(n & 255))
        break
      case 3:
        out = Bytes.concat(out.subarray(0, at), Uint8Array.of(n & 255), out.subarray(at))
        break
      case 4:
        out = items === undefined ? out : (Bytecode.longer(out, items[n % items.length]!) ?? out)
        break
      default:
        out = out.slice()
        out[at] = [0xc0, 0xc1, 0xca, 0xcb, 0xd0, 0xd4, 0xdb, 0xdd, 0xdf, 0xff][(n >> 8) % 10]!
    }
  }
  return out
}

/** Bytes to decode: good ones, and ones that were spoiled. */
export interface Sample {
  readonly op: "canon.decode" | "envelope.decode"
  readonly bytes: Uint8Array
  /** What it must be decoded to, where nothing was spoiled. */
  readonly value: Shown | undefined
}

const spoilsArbitrary = fc.oneof(
  fc.constant([] as ReadonlyArray<readonly [number, number]>),
  fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 65_535 })), { minLength: 1, maxLength: 3 })
)

const sampleArbitrary: fc.Arbitrary<Sample> = fc.oneof(
  fc.tuple(shownArbitrary, spoilsArbitrary).map(([value, spoils]): Sample => ({
    op: "canon.decode",
    bytes: spoiled(encode(value), spoils),
    value: spoils.length === 0 ? value : undefined
  })),
  fc
    .tuple(
      fc.nat({ max: 7 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      spoilsArbitrary
    )
    .map(([kind, to, body, spoils]): Sample => ({
      op: "envelope.decode",
      bytes: spoiled(encode([1, kind, Bytes.toHex(to), Bytes.toHex(body)]), spoils),
      value: undefined
    }))
)

/** So many samples, the same for the same seed. */
export const samples = (seed: number, count: number): ReadonlyArray<Sample> =>
  fc.sample(sampleArbitrary, { seed, numRuns: count })

/** What an answer says the bytes were. */
const meant = (op: Sample["op"], ok: { readonly [name: string]: Value }): Shown | undefined => {
  if (op === "canon.decode") return ok["value"]
  const { body, kind, to } = ok
  return kind === undefined || to === undefined || body === undefined ? undefined : [1, kind, to, body]
}

/** Asks a subject to decode; answers what is wrong with its answer, or a fault. */
export const judge = async (
  subject: Subject,
  { bytes, op, value }: Sample
): Promise<{ readonly violation?: string; readonly fault?: string }> => {
  const hex = Bytes.toHex(bytes)
  const answer = await subject.ask({ op, in: { bytes: hex } })
  const about = `${op} of ${hex.length > 200 ? `${hex.slice(0, 200)}…` : hex}`
  if ("reject" in answer) return value === undefined ? {} : { violation: `${about} was refused and is canonical` }
  if (!("ok" in answer)) return { fault: `${about}: ${"fault" in answer ? answer.fault.message : "no answer"}` }
  const shown = meant(op, answer.ok)
  if (shown === undefined) return { violation: `${about} was accepted without a value` }
  let again: string
  try {
    again = Bytes.toHex(encode(shown))
  } catch {
    return { violation: `${about} was accepted with a value that does not encode` }
  }
  if (again !== hex) return { violation: `${about} was accepted and encodes to other bytes` }
  return value !== undefined && !same(shown, value) ? { violation: `${about} gave another value` } : {}
}
