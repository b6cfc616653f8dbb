/**
 * The plaintext of an archive: entries one after the other, and their number at the end.
 *
 * Spec: docs/spec/23-history.md §23.5, rule history.archive.4.
 * Vectors: vectors/history.
 * Reads and writes by chunks: what it holds between them is at most one item, and its position can be stored.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Layout from "../codec/Layout.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { type ArchiveFailure, fail } from "./ArchiveFailure.ts"
import * as Entry from "./Entry.ts"

const ItemLayout = Layout.oneOf(
  Layout.tuple({ item: Layout.literal(1), entry: Layout.bytes({ min: 1, max: Entry.EntryLayout.maxBytes }) }),
  Layout.tuple({ item: Layout.literal(2), count: Layout.uint() })
)

const framed = (item: Layout.Type<typeof ItemLayout>): Uint8Array => {
  const bytes = ItemLayout.encode(item)
  return Bytes.concat(Bytes.be32(bytes.length), bytes)
}

/** An entry as it stands in the plaintext. */
export const entryItem = (entry: Entry.Entry): Uint8Array => framed({ item: 1, entry: Entry.EntryLayout.encode(entry) })

/** The last item. */
export const endItem = (count: number): Uint8Array => framed({ item: 2, count })

/** Where a reader stands between two chunks. */
export interface Position {
  /** The beginning of an item that goes on in the next chunk. */
  readonly carry: Uint8Array
  readonly count: number
  /** Place of the last entry, empty before the first. */
  readonly place: Uint8Array
}

/** The position before the first chunk. */
export const start: Position = { carry: Bytes.empty, count: 0, place: Bytes.empty }

/** What a chunk completes. */
export interface Read {
  readonly entries: ReadonlyArray<Entry.Entry>
  readonly next: Position
}

/**
 * Reads on by the plaintext of one chunk. Fails with `history.content`: an item that is none, an entry not above the one before it, a
 * wrong number at the end, anything behind the end, or, with the last chunk, no end.
 */
export const read = (
  crypto: CryptoProvider,
  position: Position,
  plaintext: Uint8Array,
  last: boolean
): Result.Result<Read, ArchiveFailure> => {
  const bytes = position.carry.length === 0 ? plaintext : Bytes.concat(position.carry, plaintext)
  const entries: Array<Entry.Entry> = []
  let { count, place } = position
  let at = 0
  while (at + 4 <= bytes.length) {
    const length = Bytes.readBe32(bytes, at)
    if (length === 0 || length > ItemLayout.maxBytes) return fail("history.content")
    if (at + 4 + length > bytes.length) break
    const item = ItemLayout.decode(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
    if (Result.isFailure(item)) return fail("history.content")
    if (item.success.item === 2) {
      if (!last || at !== bytes.length || item.success.count !== count) return fail("history.content")
      return Result.succeed({ entries, next: { carry: Bytes.empty, count, place } })
    }
    const entry = Entry.decode(item.success.entry)
    if (Result.isFailure(entry)) return fail("history.content")
    const next = Entry.placeOf(crypto, entry.success)
    if (place.length > 0 && Bytes.compare(next, place) <= 0) return fail("history.content")
    place = next
    count++
    entries.push(entry.success)
  }
  if (last) return fail("history.content")
  return Result.succeed({ entries, next: { carry: bytes.slice(at), count, place } })
}
