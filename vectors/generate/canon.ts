/**
 * The canonical encoding, written from the page of the spec for the use of the generator.
 *
 * Spec: docs/spec/02-encoding.md §2.1–2.4.
 * Encodes only; the vectors of vectors/encoding are written down by hand and do not come from here.
 */
import { be, concat, utf8 } from "./bytes.ts"

/** What the encoding carries. A map is a list of key and value, already in order. `raw` is bytes that are encoded already. */
export type Value =
  | number
  | Uint8Array
  | ReadonlyArray<Value>
  | { readonly text: string }
  | { readonly map: ReadonlyArray<readonly [number, Value]> }
  | { readonly raw: Uint8Array }

const head = (
  length: number,
  forms: ReadonlyArray<readonly [limit: number, first: number, width: number]>
): Uint8Array => {
  for (const [limit, first, width] of forms) {
    if (length <= limit)
      return width === 0 ? Uint8Array.of(first + length) : concat(Uint8Array.of(first), be(length, width))
  }
  throw new Error("too long for the encoding")
}

const max32 = 0xffff_ffff

const isList = (value: Value): value is ReadonlyArray<Value> => Array.isArray(value)

export const encode = (value: Value): Uint8Array => {
  if (typeof value === "number") {
    const forms = [
      [0x7f, 0, 0],
      [0xff, 0xcc, 1],
      [0xffff, 0xcd, 2],
      [max32, 0xce, 4],
      [Number.MAX_SAFE_INTEGER, 0xcf, 8]
    ] as const
    return head(value, forms)
  }
  if (value instanceof Uint8Array) {
    return concat(
      head(value.length, [
        [0xff, 0xc4, 1],
        [0xffff, 0xc5, 2],
        [max32, 0xc6, 4]
      ]),
      value
    )
  }
  if (isList(value)) {
    return concat(
      head(value.length, [
        [0x0f, 0x90, 0],
        [0xffff, 0xdc, 2],
        [max32, 0xdd, 4]
      ]),
      ...value.map(encode)
    )
  }
  if ("text" in value) {
    const bytes = utf8(value.text)
    return concat(
      head(bytes.length, [
        [0x1f, 0xa0, 0],
        [0xff, 0xd9, 1],
        [0xffff, 0xda, 2],
        [max32, 0xdb, 4]
      ]),
      bytes
    )
  }
  if ("raw" in value) return value.raw
  return concat(
    head(value.map.length, [
      [0x0f, 0x80, 0],
      [0xffff, 0xde, 2],
      [max32, 0xdf, 4]
    ]),
    ...value.map.flatMap(([key, item]) => [encode(key), encode(item)])
  )
}
