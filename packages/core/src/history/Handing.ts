/**
 * What two own devices say to each other when one hands the other an archive.
 *
 * Spec: docs/spec/23-history.md §23.6, rule history.hand.1.
 * Vectors: vectors/history.
 * Layouts only; client/history/Giving.ts and Taking.ts act on them.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Archive from "./Archive.ts"

const id = Layout.bytes({ length: 16 })

/** Why a handing over ended. */
export const reasons = { taken: 0, declined: 1, gone: 2, damaged: 3 } as const

/** Bytes of half a sealed chunk, at most. */
export const halfBytes = Archive.sealedChunkBytes / 2

/** The data of an archive word. */
export const WordLayout = Layout.oneOf(
  Layout.tuple({
    word: Layout.literal(1),
    header: Layout.bytes({ min: 1, max: Limits.maxArchiveHeaderBytes }),
    key: Layout.bytes({ length: Archive.keyBytes }),
    entries: Layout.uint(),
    bytes: Layout.uint()
  }),
  Layout.tuple({ word: Layout.literal(2), archive: id, next: Layout.uint(), chain: id }),
  Layout.tuple({
    word: Layout.literal(3),
    archive: id,
    index: Layout.uint(),
    half: Layout.uint({ max: 1 }),
    last: Layout.uint({ max: 1 }),
    bytes: Layout.bytes({ max: halfBytes })
  }),
  Layout.tuple({ word: Layout.literal(4), archive: id, reason: Layout.uint({ max: 3 }) }),
  Layout.tuple({ word: Layout.literal(5), range: Archive.RangeLayout })
)
export type Word = Layout.Type<typeof WordLayout>
export type Offer = Extract<Word, { readonly word: 1 }>
export type Want = Extract<Word, { readonly word: 2 }>
export type Half = Extract<Word, { readonly word: 3 }>
export type End = Extract<Word, { readonly word: 4 }>
export type Wish = Extract<Word, { readonly word: 5 }>

/** A sealed chunk in halves; the second one may be empty. */
export const halves = (
  archive: Uint8Array,
  index: number,
  last: boolean,
  sealed: Uint8Array
): readonly [Half, Half] => {
  const half = (which: 0 | 1, bytes: Uint8Array): Half => ({
    word: 3,
    archive,
    index,
    half: which,
    last: last ? 1 : 0,
    bytes
  })
  const middle = Math.min(halfBytes, sealed.length)
  return [half(0, sealed.slice(0, middle)), half(1, sealed.slice(middle))]
}

/** The chunk of two halves. */
export const joined = (first: Uint8Array, second: Uint8Array): Uint8Array => Bytes.concat(first, second)
