/**
 * Conversations in memory: loading them, holding their locks, and bringing their changes into one commit.
 *
 * Spec: docs/spec/16-state.md §16.1, §16.2; docs/spec/08-sessions.md §8.1.
 * Under its lock a conversation may be changed in memory before it is stored; when a commit fails it is thrown away and loaded
 * again. Seals and opens nothing.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import type { LeaseLost, StoreError } from "../ports/Store.ts"
import * as SkippedKeys from "../ratchet/SkippedKeys.ts"
import * as Fence from "../sequence/Fence.ts"
import * as ReplayWindow from "../sequence/ReplayWindow.ts"
import * as Sequence from "../sequence/Sequence.ts"
import * as Crossing from "../session/Crossing.ts"
import * as Retry from "../session/Retry.ts"
import * as Session from "../session/Session.ts"
import { absent, Batch, commit } from "./Commit.ts"
import type { ClientError, StoredRecordError } from "./Errors.ts"
import type { Device, Handle, Opened, SessionEntry, WindowEntry } from "./Opened.ts"
import * as Records from "./Records.ts"
import * as Loading from "./Loading.ts"
import type { Note } from "./history/HistoryState.ts"

/** What one operation changes in the conversations it holds. Encodes each changed record once, at the commit. */
export class Work {
  readonly batch = new Batch()
  readonly handles = new Set<Handle>()
  /** Entries for the history, where one is kept (rule history.keep.1). */
  readonly notes: Array<Note> = []
  /** Devices that this work removes: nothing is sealed for them any more. */
  readonly barred = new Set<string>()
  /** Devices that began a session in this work, with the manifest version their start named. */
  readonly begun = new Map<string, number>()
  private readonly peers = new Set<Device>()
  private readonly sessions = new Set<SessionEntry>()
  private readonly windows = new Set<WindowEntry>()
  private readonly counters = new Set<Handle>()

  /** Replaces what is remembered about a device. */
  setPeer(device: Device, peer: Records.Peer): void {
    if (device.peer === peer) return
    device.peer = peer
    this.peers.add(device)
  }

  /** Replaces the state of a session. */
  setSession(entry: SessionEntry, session: Session.Session): void {
    entry.session = session
    this.sessions.add(entry)
  }

  /** Replaces a window. */
  setWindow(entry: WindowEntry, window: ReplayWindow.ReplayWindow): void {
    entry.window = window
    this.windows.add(entry)
  }

  /** Replaces the counter of a conversation. */
  setSequence(handle: Handle, sequence: Sequence.Sequence): void {
    handle.sequence = sequence
    this.counters.add(handle)
  }

  /** Forgets a session with its skipped keys. */
  dropSession(entry: SessionEntry): void {
    this.sessions.delete(entry)
    this.batch.remove(Records.keys.session(entry.id), entry.slot)
    const skipped = entry.skipped.oldest(entry.skipped.count)
    for (const key of skipped) this.batch.remove(Loading.skippedKey(entry, key))
    this.batch.consume([...secretsOf(entry.session), ...SkippedKeys.secretsOf(entry.skipped, skipped, [])])
  }

  /** Brings every changed record into the batch. */
  encode(): void {
    const { batch } = this
    for (const device of this.peers) {
      batch.put(Records.keys.peer(device.account, device.hex), Records.Peer.encode(device.peer), device.slot)
    }
    for (const entry of this.sessions) {
      batch.put(Records.keys.session(entry.id), Session.encode(entry.session), entry.slot)
    }
    for (const entry of this.windows) batch.put(entry.key, ReplayWindow.encode(entry.window), entry.slot)
    for (const handle of this.counters) {
      batch.put(Records.keys.sequence(handle.conversation), Sequence.encode(handle.sequence), handle.sequenceSlot)
    }
  }
}

/** The secrets of a session, skipped keys apart, for erasing them once it is deleted. */
const secretsOf = ({ ratchet }: Session.Session): ReadonlyArray<Uint8Array> => {
  const {
    nextReceiveHeader,
    nextSendHeader,
    ratchetSecret,
    receiveChain,
    receiveHeader,
    rootKey,
    sendChain,
    sendHeader
  } = ratchet
  const secrets = [rootKey, ratchetSecret, nextSendHeader]
  for (const chain of [sendChain, receiveChain]) if (chain !== undefined) secrets.push(chain)
  for (const header of [sendHeader, receiveHeader, nextReceiveHeader]) {
    if (header !== undefined) secrets.push(header.key, header.sealing)
  }
  return secrets
}

/** Commits a work. When that fails, every conversation it touched is thrown out of memory. */
export const commitWork = (
  opened: Opened,
  work: Work
): Effect.Effect<void, StoreError | LeaseLost | StoredRecordError> => {
  work.encode()
  const { history } = opened
  const written =
    history === undefined || work.notes.length === 0
      ? commit(opened.store, work.batch)
      : history.commit(work.batch, work.notes)
  return Effect.onExit(written, (exit) =>
    Exit.isSuccess(exit)
      ? Effect.void
      : Effect.sync(() => {
          for (const handle of work.handles) evict(opened, handle)
        })
  )
}

/** Throws a conversation out of memory: what it held may be ahead of the store. */
export const evict = (opened: Opened, handle: Handle): void => {
  handle.stale = true
  if (opened.handles.get(handle.hex) === handle) opened.handles.delete(handle.hex)
}

/**
 * Throws a conversation out of memory that is one with somebody of whom nothing is stored: strangers may name any number of accounts.
 * Runs under the lock.
 */
export const forgetStranger = (opened: Opened, handle: Handle): void => {
  const isKnown = handle.hex === opened.hex.account || opened.contacts.has(handle.hex)
  if (handle.devices.size === 0 && !isKnown) evict(opened, handle)
}

/** The conversation with an account, loaded if it is not in memory. */
export const get = (opened: Opened, account: string): Effect.Effect<Handle, ClientError> => {
  const handle = opened.handles.get(account)
  if (handle !== undefined) return Effect.succeed(handle)
  return opened.loading.withPermit(
    Effect.suspend(() => {
      const loaded = opened.handles.get(account)
      return loaded === undefined ? Loading.load(opened, account) : Effect.succeed(loaded)
    })
  )
}

/** Answered under the lock of a handle that was given up: the conversation is to be loaded afresh. */
const stale = Symbol("stale")

/**
 * Runs an operation on a conversation under its lock. The operation runs whole: an interruption waits for its end, or comes while it
 * still waits for the lock.
 */
export const withHandle = <A, E>(
  opened: Opened,
  account: string,
  use: (handle: Handle) => Effect.Effect<A, E>
): Effect.Effect<A, E | ClientError> =>
  Effect.flatMap(get(opened, account), (handle) =>
    Effect.filterOrElse(
      handle.lock.hold((): Effect.Effect<A | typeof stale, E> => (handle.stale ? Effect.succeed(stale) : use(handle))),
      (result): result is A => result !== stale,
      () => withHandle(opened, account, use)
    )
  )

/** Takes the lock of a conversation for an operation over several; give it back with `handle.lock.release()`. */
export const acquire = (opened: Opened, account: string): Effect.Effect<Handle, ClientError> =>
  Effect.flatMap(get(opened, account), (handle) =>
    Effect.flatMap(handle.lock.take, () => {
      if (!handle.stale) return Effect.succeed(handle)
      handle.lock.release()
      return acquire(opened, account)
    })
  )

/** The mailbox of a device that is not known yet: a session with it brings it. */
export const nowhere = new Uint8Array(Limits.mailboxBytes)

/** A device of which nothing is known but where its mailbox is. */
export const addDevice = (opened: Opened, work: Work, handle: Handle, id: Uint8Array, mailbox: Uint8Array): Device => {
  const hex = Bytes.toHex(id)
  const { restored } = opened.self
  const device: Device = {
    id,
    hex,
    account: handle.hex,
    peer: {
      version: Records.written,
      mailbox,
      token: undefined,
      tokenKnown: 0,
      fence: peerFence(Fence.unknownPeer),
      sessions: Crossing.none,
      requests: Retry.noRequests,
      addressed: 0,
      floor: 0,
      archivedIn: restored,
      healedIn: restored
    },
    slot: absent(),
    sessions: new Map(),
    windows: new Map(),
    tracked: new Map(),
    owed: new Map(),
    owedSlot: absent(),
    receiptAt: 0
  }
  handle.devices.set(hex, device)
  work.setPeer(device, { ...device.peer })
  return device
}

/** The stored form of what is known about a device's fences. */
export const peerFence = ({ echoed, highest, owed }: Fence.PeerFence): Records.Peer["fence"] => ({
  highest,
  owed: owed ? 1 : 0,
  echoed
})

/** What is known about a device's fences. */
export const fenceOf = ({ fence }: Records.Peer): Fence.PeerFence => ({ ...fence, owed: fence.owed === 1 })

/** The session to send in, if there is one. */
export const activeSession = (device: Device): SessionEntry | undefined => {
  const { active } = device.peer.sessions
  return active === undefined ? undefined : device.sessions.get(Bytes.toHex(active.id))
}

/** Whether the device must not be sent to before it confirmed what it has (rule fence.heal.1). */
export const isFrozen = (opened: Opened, device: Device): boolean => device.peer.healedIn < opened.self.restored

/**
 * Whether a device may number messages in a conversation: in the direct one always, in others up to a bound, because each window is
 * kept for good (rule sequence.window.3).
 */
export const hasRoom = (handle: Handle, device: Device, conversation: string): boolean =>
  conversation === handle.conversation ||
  device.windows.has(conversation) ||
  device.windows.size < Limits.maxResynchronised

/** The replay window of a device in a conversation. */
export const windowOf = (handle: Handle, device: Device, conversation: string): WindowEntry => {
  const known = device.windows.get(conversation)
  if (known !== undefined) return known
  const entry: WindowEntry = {
    key: Records.keys.window(handle.hex, device.hex, conversation),
    window: ReplayWindow.empty,
    slot: absent()
  }
  device.windows.set(conversation, entry)
  return entry
}

/** Puts a session into memory and into the index of tags. */
export const addSession = (opened: Opened, work: Work, device: Device, session: Session.Session): SessionEntry => {
  const id = Bytes.toHex(session.id)
  const entry: SessionEntry = { id, session, skipped: SkippedKeys.make(), slot: absent() }
  device.sessions.set(id, entry)
  work.setSession(entry, session)
  indexTags(opened, device, entry)
  return entry
}

/** Takes over a changed list of sessions; those that fell off its end are deleted (rule session.archive.1). */
export const setSessions = (opened: Opened, work: Work, device: Device, { dropped, next }: Crossing.Changed): void => {
  if (next !== device.peer.sessions) work.setPeer(device, { ...device.peer, sessions: next })
  for (const { id } of dropped) {
    const entry = device.sessions.get(Bytes.toHex(id))
    if (entry === undefined) continue
    device.sessions.delete(entry.id)
    work.dropSession(entry)
    const tags = [...Session.tags(entry.session).map(Bytes.toHex), ...entry.skipped.tags()]
    work.batch.applied(() => {
      for (const tag of tags) opened.tags.delete(tag)
    })
  }
}

/** Deletes every session with a device that its account has revoked (rule manifest.device.2). */
export const dropSessions = (opened: Opened, work: Work, device: Device): void => {
  const dropped = Loading.marks(device.peer.sessions)
  if (dropped.length > 0) setSessions(opened, work, device, { next: Crossing.none, dropped })
}

/** Enters the tags under which messages of a session arrive. */
export const indexTags = (
  opened: Opened,
  { account, hex }: Pick<Device, "account" | "hex">,
  { id, session, skipped }: Pick<SessionEntry, "id" | "session" | "skipped">
): void => {
  const to = { account, device: hex, session: id }
  for (const tag of Session.tags(session)) opened.tags.set(Bytes.toHex(tag), to)
  for (const tag of skipped.tags()) opened.tags.set(tag, to)
}

/**
 * Stores what opening a message did to its session: next state, skipped keys, tags. Tags that no longer lead anywhere leave the
 * index only after the commit.
 */
export const advance = (
  opened: Opened,
  work: Work,
  device: Device,
  entry: SessionEntry,
  next: Session.Session,
  delta: SkippedKeys.Delta
): void => {
  const before = entry.session
  if (next !== before) work.setSession(entry, next)
  for (const key of delta.added) work.batch.put(Loading.skippedKey(entry, key), SkippedKeys.encode(key))
  for (const key of delta.removed) work.batch.remove(Loading.skippedKey(entry, key))
  const changedKeys = delta.added.length + delta.removed.length > 0
  if (changedKeys) entry.skipped.apply(delta)
  const turned = next.ratchet.receiveHeader !== before.ratchet.receiveHeader
  if (!turned && delta.removed.length === 0) return
  const to: { account: string; device: string; session: string } = {
    account: device.account,
    device: device.hex,
    session: entry.id
  }
  const live = new Set(Session.tags(next).map(Bytes.toHex))
  for (const tag of live) opened.tags.set(tag, to)
  const old = new Set([
    ...Session.tags(before).map(Bytes.toHex),
    ...delta.removed.map((key) => Bytes.toHex(key.header.tag))
  ])
  work.batch.applied(() => {
    for (const tag of old)
      if (!live.has(tag) && entry.skipped.headerKey(Bytes.fromHex(tag)!) === undefined) opened.tags.delete(tag)
  })
}
