/**
 * Asking other own devices for an archive, until an offer comes.
 *
 * Spec: docs/spec/23-history.md §23.6, rules history.hand.5 and history.wish.1; docs/spec/19-linking.md rule link.history.2.
 * Takes nothing itself: client/history/Taking.ts does, once the archive is offered.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../../base/Bytes.ts"
import type * as Archive from "../../history/Archive.ts"
import * as HistoryRange from "../../envelope/HistoryRange.ts"
import { Batch, commit } from "../Commit.ts"
import type { ClientError } from "../Errors.ts"
import * as Background from "../internal/background.ts"
import * as Loading from "../Loading.ts"
import type { Opened } from "../Opened.ts"
import * as Own from "../Own.ts"
import * as CoreRecords from "../Records.ts"
import * as Giving from "./Giving.ts"
import type { ArchiveRange } from "./HistoryApi.ts"
import { ArchiveError } from "./HistoryErrors.ts"
import * as Records from "./HistoryRecords.ts"
import type * as State from "./HistoryState.ts"
import * as Selecting from "./Selecting.ts"
import * as Telling from "./Telling.ts"

/** A wish is repeated when no offer has come for so long, ms, then twice as long, up to a day (rule history.wish.1). */
const patienceMs = 15_000
const longestMs = 24 * 60 * 60 * 1000

/** A wish is kept for so long, ms. */
const lifetimeMs = 30 * 24 * 60 * 60 * 1000

/** Whether two ranges are the same one. */
export const isSame = (a: Archive.Range, b: Archive.Range): boolean =>
  Bytes.equal(HistoryRange.RangeLayout.encode(a), HistoryRange.RangeLayout.encode(b))

/** Asks other own devices, or one, for an archive. */
export const ask = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  wanted: ArchiveRange | undefined,
  device: string | undefined
) {
  const range = yield* Selecting.rangeOf(wanted)
  const chosen = Own.others(opened).filter((id) => device === undefined || Bytes.toHex(id) === device)
  if (chosen.length === 0) return yield* new ArchiveError({ reason: "bad-device" })
  for (const id of chosen) yield* wish(opened, state, id, range)
})

/** Asks one device; the wish is durable with the word that says it. */
export const wish = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  range: Archive.Range
) {
  const hex = Bytes.toHex(device)
  const madeAt = yield* Background.now
  yield* Telling.tell(opened, device, [Giving.wordOf({ word: 5, range })], (work) => {
    work.batch.put(Records.keys.wish(hex), Records.Wish.encode({ version: Records.written, range, madeAt }))
  })
  keepWishing(opened, state, hex)
})

/** Whether a device was asked for an archive of this part, and has not offered it yet. */
export const isFor = Effect.fnUntraced(function* (opened: Opened, device: string, range: Archive.Range) {
  const stored = yield* opened.store.get(Records.keys.wish(device))
  if (stored === undefined) return false
  const wished = yield* CoreRecords.read(Records.Wish, stored.key, stored.value)
  return isSame(wished.range, range)
})

/** Repeats what is still wished for, from the opening on. */
export const resume = Effect.fnUntraced(function* (opened: Opened, state: State.HistoryState) {
  for (const { key } of yield* Loading.scanAll(opened.store, Records.keys.wishes)) {
    const device = key.slice(Records.keys.wishes.length)
    yield* repeat(opened, device)
    keepWishing(opened, state, device)
  }
})

/** Says a wish once more; answers whether it is still one. */
const repeat = (opened: Opened, device: string): Effect.Effect<boolean, ClientError> =>
  Effect.gen(function* () {
    const stored = yield* opened.store.get(Records.keys.wish(device))
    if (stored === undefined) return false
    const { range } = yield* CoreRecords.read(Records.Wish, stored.key, stored.value)
    if (!Telling.isPartner(opened, device)) return false
    yield* Telling.tell(opened, Bytes.fromHex(device)!, [Giving.wordOf({ word: 5, range })])
    return true
  })

/** Repeats a wish, later and later, for as long as no offer answers it. */
const keepWishing = (opened: Opened, state: State.HistoryState, device: string): void => {
  if (state.wishing.has(device)) return
  state.wishing.add(device)
  const round = (waitMs: number): Effect.Effect<void> =>
    Effect.andThen(
      Effect.sleep(waitMs),
      Effect.flatMap(Background.persist(opened, repeat(opened, device)), (isWished) => {
        if (isWished) return round(Math.min(longestMs, waitMs * 2))
        state.wishing.delete(device)
        return Effect.void
      })
    )
  opened.spawn(round(patienceMs))
}

/** Forgets wishes that are old, or whose device is none of the account's any more. */
export const clean = Effect.fnUntraced(function* (opened: Opened) {
  const now = yield* Background.now
  const batch = new Batch()
  for (const { key, value } of yield* Loading.scanAll(opened.store, Records.keys.wishes)) {
    const { madeAt } = yield* CoreRecords.read(Records.Wish, key, value)
    const isPartner = Telling.isPartner(opened, key.slice(Records.keys.wishes.length))
    if (!isPartner || now - madeAt > lifetimeMs) batch.remove(key)
  }
  for (const { key } of yield* Loading.scanAll(opened.store, Records.keys.comparisons)) {
    if (!Telling.isPartner(opened, key.slice(Records.keys.comparisons.length))) batch.remove(key)
  }
  yield* commit(opened.store, batch)
})
