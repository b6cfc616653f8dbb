/**
 * Keeping entries: into the commit of whatever brought them, once each, and where they stand.
 *
 * Spec: docs/spec/23-history.md §23.1, rule history.id.2; §23.3.
 * Does not decide what is an entry: history/Entry.ts does.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../base/Bytes.ts"
import type { LeaseLost, StoreError } from "../../ports/Store.ts"
import * as Entry from "../../history/Entry.ts"
import { Places } from "../../history/Places.ts"
import { Batch, commit } from "../Commit.ts"
import type { StoredRecordError } from "../Errors.ts"
import * as Background from "../internal/background.ts"
import type { Opened } from "../Opened.ts"
import * as CoreRecords from "../Records.ts"
import * as Records from "./HistoryRecords.ts"
import * as State from "./HistoryState.ts"
import * as Presenting from "./Presenting.ts"

type Failed = StoreError | LeaseLost | StoredRecordError

/** Adds notes to a batch and commits it, so that what is looked up stays true until then. */
export const commitWith = (
  opened: Opened,
  state: State.HistoryState,
  batch: Batch,
  notes: ReadonlyArray<State.Note>
): Effect.Effect<void, Failed> =>
  state.lock.withPermit(
    Effect.andThen(
      settle(opened, state, batch, notes),
      Effect.suspend(() => commit(opened.store, batch))
    )
  )

/** Stores entries that came by themselves: from another device, or out of an archive. Answers how many were new. */
export const store = (
  opened: Opened,
  state: State.HistoryState,
  notes: ReadonlyArray<State.Note>,
  batch = new Batch()
): Effect.Effect<number, Failed> =>
  state.lock.withPermit(
    Effect.flatMap(settle(opened, state, batch, notes), (added) => Effect.as(commit(opened.store, batch), added))
  )

/** Puts entries into a batch. Runs under the lock of the history. */
const settle = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  batch: Batch,
  notes: ReadonlyArray<State.Note>
) {
  const { crypto, store } = opened
  const from = State.keptFrom(state.options.keepMs, yield* Background.now)
  let added = 0
  for (const { entry, origin, receivedAt } of notes) {
    if (entry.sentAt < from) continue
    const place = Entry.placeOf(crypto, entry)
    const indexKey = Records.keys.index(place)
    const indexed = batch.peek(indexKey) ?? (yield* store.get(indexKey))?.value
    let kept: Pick<Records.Kept, "receivedAt" | "origin"> = { receivedAt, origin: Records.origins[origin] }
    let old: Uint8Array | undefined
    if (indexed !== undefined && indexed !== "removed") {
      const before = yield* CoreRecords.read(Records.Index, indexKey, indexed)
      // Rule history.id.2: the higher number counts.
      if (Entry.numberOf(before.place) >= entry.number) continue
      old = before.place
      const oldKey = Records.keys.entry(Bytes.toHex(before.conversation), old)
      const stored = batch.peek(oldKey) ?? (yield* store.get(oldKey))?.value
      if (stored !== undefined && stored !== "removed") kept = yield* CoreRecords.read(Records.Kept, oldKey, stored)
      batch.remove(oldKey)
    }
    const conversation = Bytes.toHex(entry.conversation)
    const record: Records.Kept = { version: Records.written, receivedAt: kept.receivedAt, origin: kept.origin, entry }
    batch.put(Records.keys.entry(conversation, place), Records.Kept.encode(record))
    batch.put(indexKey, Records.Index.encode({ version: Records.written, conversation: entry.conversation, place }))
    added++
    batch.applied(() => {
      const { index } = state
      if (index !== undefined) {
        if (old !== undefined) index.places.remove(old)
        index.places.add(place, State.tagOf(index, conversation))
      }
      if (state.changes.watched()) {
        const shown = Presenting.present(opened, place, record, undefined)
        if (Result.isSuccess(shown)) state.changes.publish(shown.success)
      }
    })
  }
  return added
})

/** All places, read from the store when they are first needed, and kept up from then on. */
export const index = (opened: Opened, state: State.HistoryState): Effect.Effect<State.PlaceIndex, Failed> =>
  Effect.suspend(() =>
    state.index === undefined ? state.lock.withPermit(load(opened, state)) : Effect.succeed(state.index)
  )

const load = Effect.fnUntraced(function* (opened: Opened, state: State.HistoryState) {
  if (state.index !== undefined) return state.index
  const loaded: State.PlaceIndex = { places: new Places(), conversations: [], tags: new Map() }
  const items: Array<{ readonly place: Uint8Array; readonly tag: number }> = []
  for (let after: string | undefined; ;) {
    const page = yield* opened.store.scan(Records.keys.indices, {
      limit: pageSize,
      ...(after === undefined ? {} : { after })
    })
    for (const { key, value } of page) {
      const { conversation, place } = yield* CoreRecords.read(Records.Index, key, value)
      items.push({ place, tag: State.tagOf(loaded, Bytes.toHex(conversation)) })
    }
    if (page.length < pageSize) break
    after = page.at(-1)!.key
  }
  state.index = { ...loaded, places: Places.of(items) }
  return state.index
})

const pageSize = 1000

/** Removes what was sent before the time from which on entries are kept (rule history.keep.3). */
export const forget = Effect.fnUntraced(function* (opened: Opened, state: State.HistoryState) {
  const { keepMs } = state.options
  if (keepMs === undefined) return
  const from = Entry.from(State.keptFrom(keepMs, yield* Background.now))
  const { places } = yield* index(opened, state)
  while (places.below(from) > 0) {
    yield* state.lock.withPermit(
      Effect.suspend(() => {
        const batch = new Batch()
        const gone: Array<Uint8Array> = []
        for (let i = 0; i < Math.min(places.below(from), forgottenAtOnce); i++) {
          const place = places.at(i).slice()
          gone.push(place)
          batch.remove(Records.keys.entry(State.conversationOf(state.index!, place)!, place))
          batch.remove(Records.keys.index(place))
          batch.remove(Records.keys.read(Bytes.toHex(Entry.messageOf(place))))
        }
        batch.applied(() => {
          for (const place of gone) places.remove(place)
        })
        return commit(opened.store, batch)
      })
    )
  }
})

const forgottenAtOnce = 256
