/**
 * Keys and versioned codecs of the records of a history.
 *
 * Spec: docs/spec/23-history.md §23.3, rule history.record.1; docs/spec/16-state.md §16.1.
 * Does not read or write a store.
 */
import * as Bytes from "../../base/Bytes.ts"
import * as Limits from "../../base/Limits.ts"
import * as Layout from "../../codec/Layout.ts"
import * as HistoryRange from "../../envelope/HistoryRange.ts"
import * as Entry from "../../history/Entry.ts"

/** Every bit of a place turned, in hexadecimal: keys then have the newest first. */
const turned = (place: Uint8Array): string => Bytes.toHex(place.map((byte) => byte ^ 0xff))

const digits = 16

export const keys = {
  self: "history/self",
  entries: "history/entry/",
  entriesOf: (conversation: string): string => `history/entry/${conversation}/`,
  entry: (conversation: string, place: Uint8Array): string => `history/entry/${conversation}/${turned(place)}`,
  indices: "history/index/",
  index: (place: Uint8Array): string =>
    `history/index/${Bytes.toHex(Entry.messageOf(place))}/${Bytes.toHex(Entry.idIn(place))}`,
  read: (message: string): string => `history/read/${message}`,
  offers: "history/offer/",
  offer: (archive: string): string => `history/offer/${archive}`,
  chunks: (archive: string): string => `history/chunk/${archive}/`,
  chunk: (archive: string, index: number): string =>
    `history/chunk/${archive}/${index.toString().padStart(digits, "0")}`,
  takes: "history/take/",
  take: (archive: string): string => `history/take/${archive}`,
  wishes: "history/wish/",
  wish: (device: string): string => `history/wish/${device}`,
  comparisons: "history/compared/",
  compared: (device: string): string => `history/compared/${device}`
} as const

/** The conversation in the key of an entry. */
export const conversationIn = (key: string): string => key.slice(keys.entries.length, keys.entries.length + 32)

/** The version every record here is written with. */
export const written = 1
const format = { version: Layout.literal(written) }
const uint = Layout.uint()
const flag = Layout.uint({ max: 1 })
const key32 = Layout.bytes({ length: 32 })
const id16 = Layout.bytes({ length: 16 })
const place = Layout.bytes({ length: Entry.placeBytes })

/** How this device came by an entry. */
export const origins = { sent: 1, received: 2, copy: 3, compared: 4, archive: 5 } as const
export type Origin = keyof typeof origins

/** An entry with what this device adds: when it came, by its clock or the relay's, and how. */
export const Kept = Layout.tuple({
  ...format,
  receivedAt: uint,
  origin: Layout.uint({ min: 1, max: 5 }),
  entry: Entry.EntryLayout
})
export type Kept = Layout.Type<typeof Kept>

/** Where the entry of an id stands. */
export const Index = Layout.tuple({ ...format, conversation: id16, place })
export type Index = Layout.Type<typeof Index>

/** When a message was read here, or on another own device. */
export const Read = Layout.tuple({ ...format, at: uint })
export type Read = Layout.Type<typeof Read>

/** Where this device's history begins (rule history.keep.2), ms. */
export const Self = Layout.tuple({ ...format, beginning: uint })
export type Self = Layout.Type<typeof Self>

const header = Layout.bytes({ min: 1, max: Limits.maxArchiveHeaderBytes })

/**
 * An archive that is handed to another device. `next` is the chunk to be sealed next, `chain` what a receiver has that asks for it, `kept`
 * the first chunk that is still stored; `after`, `carry`, `count` and `ended` say where the next chunk goes on. `sealed` is 1 once the
 * last chunk was.
 */
export const Offer = Layout.tuple({
  ...format,
  device: key32,
  header,
  key: key32,
  madeAt: uint,
  next: uint,
  kept: uint,
  chain: id16,
  after: Layout.bytes({ max: Entry.placeBytes }),
  carry: Layout.bytes({ max: 2 * Limits.streamChunkBytes + Entry.EntryLayout.maxBytes }),
  count: uint,
  ended: flag,
  sealed: flag
})
export type Offer = Layout.Type<typeof Offer>

/** A sealed chunk that the receiver has not confirmed, and the chain before it. */
export const Chunk = Layout.tuple({
  ...format,
  chain: id16,
  last: flag,
  sealed: Layout.bytes({ max: Limits.streamChunkBytes + Limits.tagBytes })
})
export type Chunk = Layout.Type<typeof Chunk>

/** An archive that is taken from another device: which chunk comes next, and where its reader stands. */
export const Take = Layout.tuple({
  ...format,
  device: key32,
  header,
  key: key32,
  entries: uint,
  bytes: uint,
  next: uint,
  chain: id16,
  carry: Layout.bytes({ max: Limits.streamChunkBytes + Entry.EntryLayout.maxBytes }),
  count: uint,
  place: Layout.bytes({ max: Entry.placeBytes })
})
export type Take = Layout.Type<typeof Take>

/** An archive that was asked of a device, until its offer came (rule history.wish.1), and since when, ms. */
export const Wish = Layout.tuple({ ...format, range: HistoryRange.RangeLayout, madeAt: uint })
export type Wish = Layout.Type<typeof Wish>

/** What the last exchange with a device came to, when, and from which time on entries were compared, ms (rule history.compared.1). */
export const Compared = Layout.tuple({ ...format, at: uint, since: uint, equal: flag })
export type Compared = Layout.Type<typeof Compared>
