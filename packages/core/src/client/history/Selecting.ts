/**
 * The plaintext of an archive, chunk by chunk: which entries are in it, in order, and where the next chunk goes on.
 *
 * Spec: docs/spec/23-history.md §23.5, rule history.archive.4; §23.6, rule history.choose.1.
 * Reads the store as it stands: entries that come behind the place it has reached are not in it. Seals nothing.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../../base/Bytes.ts"
import * as Limits from "../../base/Limits.ts"
import type * as Archive from "../../history/Archive.ts"
import * as Entry from "../../history/Entry.ts"
import * as Items from "../../history/Items.ts"
import type { Opened } from "../Opened.ts"
import * as CoreRecords from "../Records.ts"
import { ArchiveError } from "./HistoryErrors.ts"
import type { ArchiveRange } from "./HistoryApi.ts"
import * as Records from "./HistoryRecords.ts"
import * as State from "./HistoryState.ts"
import * as Keeping from "./Keeping.ts"

const badRange = Effect.suspend(() => Effect.fail(new ArchiveError({ reason: "bad-range" })))

/** A range as it stands in a header. Fails with `bad-range`. */
export const rangeOf = ({ conversations, last, since }: ArchiveRange = {}): Effect.Effect<
  Archive.Range,
  ArchiveError
> => {
  if (last !== undefined) {
    if (conversations !== undefined || since !== undefined || !Number.isSafeInteger(last) || last < 1) return badRange
    return Effect.succeed({ choice: 3, last })
  }
  if (since !== undefined && (!Number.isSafeInteger(since) || since < 0)) return badRange
  if (conversations === undefined) return Effect.succeed(since === undefined ? { choice: 1 } : { choice: 2, since })
  const ids = [...new Set(conversations)].map((hex) => Bytes.fromHex(hex))
  if (ids.length < 1 || ids.length > 256 || ids.some((id) => id?.length !== 16)) return badRange
  return Effect.succeed({ choice: 4, conversations: ids.map((id) => id!), since: since ?? 0 })
}

/** A range as an application chooses it. */
export const wantedOf = (range: Archive.Range): ArchiveRange => {
  switch (range.choice) {
    case 1:
      return {}
    case 2:
      return { since: range.since }
    case 3:
      return { last: range.last }
    case 4:
      return { conversations: range.conversations.map(Bytes.toHex), since: range.since }
  }
}

/** From when on a range asks for everything, or `undefined` where it leaves something out. */
export const beginningOf = (range: Archive.Range): number | undefined =>
  range.choice === 1 ? 0 : range.choice === 2 ? range.since : undefined

/** Which places of an index a range holds. */
const filterOf = (
  { conversations, places, tags }: State.PlaceIndex,
  range: Archive.Range,
  madeAt: number
): { readonly from: Uint8Array; readonly holds: (place: Uint8Array, tag: number) => boolean } => {
  switch (range.choice) {
    case 1:
      return { from: Bytes.empty, holds: () => true }
    case 2:
      return { from: Entry.from(range.since), holds: () => true }
    case 3: {
      // Counted from when the archive was made on, so that it does not move on while it is under way.
      const least = new Map<number, Uint8Array>()
      const counts = new Map<number, number>()
      for (let i = places.below(Bytes.be64(madeAt + 1)) - 1; i >= 0 && least.size < conversations.length; i--) {
        const tag = places.tagAt(i)
        const count = (counts.get(tag) ?? 0) + 1
        counts.set(tag, count)
        if (count === range.last) least.set(tag, places.at(i).slice())
      }
      return {
        from: Bytes.empty,
        holds: (place, tag) => {
          const first = least.get(tag)
          return first === undefined || Bytes.compare(place, first) >= 0
        }
      }
    }
    case 4: {
      const chosen = new Set(range.conversations.map((id) => tags.get(Bytes.toHex(id))))
      return { from: Entry.from(range.since), holds: (_, tag) => chosen.has(tag) }
    }
  }
}

/** How many entries a range holds. */
export const count = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  range: Archive.Range,
  madeAt: number
) {
  const index = yield* Keeping.index(opened, state)
  const { from, holds } = filterOf(index, range, madeAt)
  let found = 0
  const { places } = index
  for (let i = places.below(from); i < places.size; i++) if (holds(places.at(i), places.tagAt(i))) found++
  return found
})

/** Where the next chunk goes on: behind which place, after which bytes, and whether the end was written. */
export interface Cursor {
  readonly after: Uint8Array
  readonly carry: Uint8Array
  readonly count: number
  readonly ended: boolean
}

export const start: Cursor = { after: Bytes.empty, carry: Bytes.empty, count: 0, ended: false }

/** The plaintext of the next chunk. */
export const next = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  range: Archive.Range,
  madeAt: number,
  cursor: Cursor
) {
  const index = yield* Keeping.index(opened, state)
  const { from, holds } = filterOf(index, range, madeAt)
  const parts: Array<Uint8Array> = [cursor.carry]
  let { after, count, ended } = cursor
  let length = cursor.carry.length
  while (!ended && length <= Limits.streamChunkBytes) {
    const place = following(index, from, after, holds)
    if (place === undefined) {
      const item = Items.endItem(count)
      parts.push(item)
      length += item.length
      ended = true
      break
    }
    after = place
    const key = Records.keys.entry(State.conversationOf(index, place)!, place)
    const stored = yield* opened.store.get(key)
    if (stored === undefined) continue
    const item = Items.entryItem((yield* CoreRecords.read(Records.Kept, key, stored.value)).entry)
    parts.push(item)
    length += item.length
    count++
  }
  const bytes = Bytes.concat(...parts)
  const last = length <= Limits.streamChunkBytes
  return {
    plaintext: last ? bytes : bytes.slice(0, Limits.streamChunkBytes),
    last,
    cursor: { after, carry: last ? Bytes.empty : bytes.slice(Limits.streamChunkBytes), count, ended }
  }
})

/** The first place behind `after` that a range holds. */
const following = (
  { places }: State.PlaceIndex,
  from: Uint8Array,
  after: Uint8Array,
  holds: (place: Uint8Array, tag: number) => boolean
): Uint8Array | undefined => {
  let i = Math.max(places.below(from), places.below(after))
  if (i < places.size && Bytes.equal(places.at(i), after)) i++
  for (; i < places.size; i++) if (holds(places.at(i), places.tagAt(i))) return places.at(i).slice()
  return undefined
}
