/**
 * What a client with a history holds in memory beside its store.
 *
 * Spec: docs/spec/23-history.md §23.3.
 * Types, and making them; the programs beside it act on them.
 */
import * as Semaphore from "effect/Semaphore"
import * as Bytes from "../../base/Bytes.ts"
import type * as Entry from "../../history/Entry.ts"
import type { Places } from "../../history/Places.ts"
import type * as Effect from "effect/Effect"
import type { LeaseLost, StoreError } from "../../ports/Store.ts"
import type { Batch, Slot } from "../Commit.ts"
import type { StoredRecordError } from "../Errors.ts"
import * as Broadcast from "../internal/broadcast.ts"
import type { ArchiveProgress, HistoryEntry, HistoryOptions } from "./HistoryApi.ts"
import type { Origin } from "./HistoryRecords.ts"

/** An entry that a work adds to the history, with what this device adds to it. */
export interface Note {
  readonly entry: Entry.Entry
  readonly receivedAt: number
  readonly origin: Origin
}

/** All places, once they were needed; tags count conversations in the order they were met. */
export interface PlaceIndex {
  readonly places: Places
  readonly conversations: Array<string>
  readonly tags: Map<string, number>
}

/** What goes on with another own device. */
export interface Partner {
  /** The exchange this device began and that has not ended: its name, in hexadecimal, and whether entries moved in it. */
  running: { readonly exchange: string; moved: boolean } | undefined
  /** When exchanges were begun, and words answered, in the last minute, ms. */
  begun: Array<number>
  answered: Array<number>
  /** When it last began an exchange, ms. */
  heard: number
  /** A comparison is to be begun soon. */
  pending: boolean
  /** Exchanges in a row that came to no end. */
  stalled: number
  /** It is known to lack entries that this one has, or the other way round (rule history.compared.1). */
  differs: boolean
  /** When it was last granted an archive, ms. */
  granted: number
  /** One word at a time. */
  readonly lock: Semaphore.Semaphore
}

/** Half of a long word that came, by what it is part of. */
export interface Halves {
  readonly first: Uint8Array | undefined
  readonly second: Uint8Array | undefined
}

/** The history of an opened client, as the programs of the client reach it without knowing it. */
export interface History {
  readonly state: HistoryState
  /** Commits a batch with the entries it brings. */
  readonly commit: (
    batch: Batch,
    notes: ReadonlyArray<Note>
  ) => Effect.Effect<void, StoreError | LeaseLost | StoredRecordError>
  /** A session with an own device began, or it healed: compares soon. */
  readonly near: (device: Uint8Array) => void
}

/** What a client with a history holds. */
export interface HistoryState {
  readonly options: HistoryOptions
  /** Held from looking up what is stored to the commit that changes it. Taken inside the locks of conversations, never around them. */
  readonly lock: Semaphore.Semaphore
  beginning: number
  readonly selfSlot: Slot
  index: PlaceIndex | undefined
  readonly partners: Map<string, Partner>
  /** Halves of long entries and chunks, by device and name. */
  readonly halves: Map<string, Halves>
  readonly changes: Broadcast.Broadcast<HistoryEntry>
  readonly progress: Broadcast.Broadcast<ArchiveProgress>
  /** Archives under way, as last told. */
  readonly told: Map<string, ArchiveProgress>
  /** Devices whose wished archive is being asked for again and again. */
  readonly wishing: Set<string>
  /** Held by one step of an archive at a time. */
  readonly handing: Semaphore.Semaphore
  /** When something last came for an archive that is taken, by its id. */
  readonly fed: Map<string, number>
}

export const make = (options: HistoryOptions, beginning: number, selfSlot: Slot): HistoryState => ({
  options,
  lock: Semaphore.makeUnsafe(1),
  beginning,
  selfSlot,
  index: undefined,
  partners: new Map(),
  halves: new Map(),
  changes: Broadcast.make<HistoryEntry>(),
  progress: Broadcast.make<ArchiveProgress>(),
  told: new Map(),
  wishing: new Set(),
  handing: Semaphore.makeUnsafe(1),
  fed: new Map()
})

/** What goes on with a device (hexadecimal). */
export const partnerOf = (state: HistoryState, device: string): Partner => {
  const known = state.partners.get(device)
  if (known !== undefined) return known
  const partner: Partner = {
    running: undefined,
    begun: [],
    answered: [],
    heard: -Infinity,
    pending: false,
    stalled: 0,
    differs: false,
    granted: -Infinity,
    lock: Semaphore.makeUnsafe(1)
  }
  state.partners.set(device, partner)
  return partner
}

const dayMs = 24 * 60 * 60 * 1000

/** The earliest time of entries that are kept and compared (rules history.keep.2 and history.keep.3). */
export const floorOf = ({ beginning, options: { keepMs } }: HistoryState, now: number): number =>
  Math.max(beginning, keptFrom(keepMs, now))

/** The earliest time of entries that are kept at all. */
export const keptFrom = (keepMs: number | undefined, now: number): number =>
  keepMs === undefined ? 0 : Math.max(0, Math.floor((now - Math.max(keepMs, dayMs)) / dayMs) * dayMs)

/** The tag of a conversation in the index. */
export const tagOf = (index: PlaceIndex, conversation: string): number => {
  const known = index.tags.get(conversation)
  if (known !== undefined) return known
  const tag = index.conversations.length
  index.conversations.push(conversation)
  index.tags.set(conversation, tag)
  return tag
}

/** The conversation of a place in the index, in hexadecimal. */
export const conversationOf = ({ conversations, places }: PlaceIndex, place: Uint8Array): string | undefined => {
  const at = places.below(place)
  return at < places.size && Bytes.equal(places.at(at), place) ? conversations[places.tagAt(at)] : undefined
}

/** Halves that are kept until the other half comes. */
const mostHalves = 16

/** Takes one half, number 0 or 1, of what goes by `name`; with the other one it answers both, else it keeps it. */
export const join = (
  { halves }: Pick<HistoryState, "halves">,
  name: string,
  half: number,
  bytes: Uint8Array
): readonly [first: Uint8Array, second: Uint8Array] | undefined => {
  const before = halves.get(name)
  const first = half === 0 ? bytes : before?.first
  const second = half === 1 ? bytes : before?.second
  halves.delete(name)
  if (first !== undefined && second !== undefined) return [first, second]
  halves.set(name, { first, second })
  for (const oldest of halves.keys()) {
    if (halves.size <= mostHalves) break
    halves.delete(oldest)
  }
  return undefined
}
