/**
 * What a device does that finds out it runs from an old copy of its state: freeze, ask every peer what it has, go on from there.
 *
 * Spec: docs/spec/07-sequencing.md §7.2.
 * sequence/Fence.ts decides whether it is so.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import type * as Body from "../envelope/Body.ts"
import * as FenceStep from "../sequence/Fence.ts"
import * as Sequence from "../sequence/Sequence.ts"
import * as Crossing from "../session/Crossing.ts"
import { Batch, commit } from "./Commit.ts"
import * as Conversations from "./Conversations.ts"
import * as Loading from "./Loading.ts"
import type { ClientError } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Device, Entry, Handle, Lane, Opened } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Outbox from "./Outbox.ts"
import * as Own from "./Own.ts"
import * as Settling from "./Settling.ts"
import * as Manifests from "./Manifests.ts"
import * as Peers from "./Peers.ts"
import * as Prekeys from "./Prekeys.ts"
import * as Records from "./Records.ts"
import * as Sealing from "./Sealing.ts"
import * as Waiting from "./Waiting.ts"
import * as Warnings from "./Warnings.ts"

/** Devices asked at a time when this one asks around. */
const concurrency = 4

/**
 * Numbers passed over when one device of a contact has answered and others have not: more than those can be ahead. They see a
 * floor, not a gap.
 */
const leap = 2 * Limits.replayWindowSize

/**
 * Numbers passed over when all have answered: messages of the time after the copy that are still under way have them. Half a window, so
 * that those are still delivered when they come behind the floor.
 */
const margin = Limits.replayWindowSize / 2

/** How often a peer's word about numbers is enough to make this device ask everybody, ms. */
const restoreEveryMs = 10 * 60 * 1000

/**
 * Takes a fence said to be this device's own, by the relay or by a peer. Answers whether it proved a restoration (rule
 * fence.detect.1).
 */
export const detect = (opened: Opened, seen: FenceStep.Fence): Effect.Effect<boolean, ClientError> =>
  Effect.suspend(() =>
    FenceStep.provesRestore(opened.self.fence, seen, opened.fences.made) ? restore(opened, seen) : Effect.succeed(false)
  )

/** The same for a peer's echo: it proves itself, so it counts whenever it comes (rule fence.identity.2). */
export const detectFromPeer = (opened: Opened, seen: FenceStep.Fence): Effect.Effect<void> =>
  Effect.asVoid(Background.persist(opened, detect(opened, seen)))

/**
 * A peer has received numbers that this device has not given out: it runs from an old copy (rule fence.detect.3). Nothing proves a
 * number, and a peer may lie, so this counts only now and then.
 */
export const detectFromNumbers = (opened: Opened): Effect.Effect<void> =>
  Effect.flatMap(Background.now, (now) =>
    now - opened.restoredAt < restoreEveryMs
      ? Effect.void
      : Effect.asVoid(Background.persist(opened, restore(opened, opened.self.fence)))
  )

const restore = Effect.fnUntraced(function* (opened: Opened, seen: FenceStep.Fence) {
  let restored = false
  const now = yield* Background.now
  yield* Prekeys.updateSelf(opened, (self, batch) => {
    // Several may tell at once: the first one is enough.
    if (self.fence !== seen && !FenceStep.provesRestore(self.fence, seen, opened.fences.made)) return self
    restored = true
    batch.put(Records.keys.restored, Records.Restored.encode({ version: Records.written, at: now }))
    const fence = opened.fences.recover(self.fence, seen, opened.entropy.bytes("device.start", FenceStep.randomBytes))
    return { ...self, fence, restored: fence.generation }
  })
  if (!restored) return false
  opened.restoredAt = now
  // Answers to what was asked under the fence before mean nothing.
  opened.asked.clear()
  tell(opened, now)
  opened.spawn(heal(opened))
  return true
})

/** Rule fence.told.1: the store keeps it until somebody was told. */
const tell = (opened: Opened, at: number): void =>
  opened.warnings.publishSticky(Warnings.restoredFromBackup(at), () => {
    const batch = new Batch()
    batch.remove(Records.keys.restored)
    opened.spawn(Background.persist(opened, commit(opened.store, batch)))
  })

/** Tells of a restoration that nobody was told of before the client ended. */
export const tellAgain = (opened: Opened): Effect.Effect<void> =>
  Background.persist(
    opened,
    Effect.gen(function* () {
      const stored = yield* opened.store.get(Records.keys.restored)
      if (stored !== undefined) tell(opened, (yield* Records.read(Records.Restored, stored.key, stored.value)).at)
    })
  )

/**
 * A message of no session this device knows arrived: one of the two has lost a session. Asks devices how far they received, and tells
 * them how far this one did, so that whoever runs from an old copy finds out (rule fence.probe.1).
 */
export const probe = (opened: Opened): Effect.Effect<void> =>
  Background.persist(
    opened,
    Effect.gen(function* () {
      const now = yield* Background.now
      if (!FenceStep.mayProbe(opened.probedAt, now) || now - opened.restoredAt < restoreEveryMs) return
      opened.probedAt = now
      const active: Array<readonly [account: string, device: string]> = []
      for (const { key, value } of yield* Loading.scanAll(opened.store, "peer/")) {
        const [, account, device] = Records.partsOf(key)
        const peer = yield* Records.read(Records.Peer, key, value)
        if (peer.sessions.active !== undefined) active.push([account!, device!])
      }
      const unproven = (device: string): number => (opened.proven.has(device) ? 1 : 0)
      active.sort(([, a], [, b]) => unproven(a) - unproven(b))
      yield* Effect.forEach(FenceStep.probed(active), ([account, device]) => askOne(opened, account, device, true), {
        concurrency,
        discard: true
      })
    })
  )

/** Asks every device that has not answered yet since this one was restored. Devices that cannot be asked hold up nobody else. */
export const heal = (opened: Opened): Effect.Effect<void> =>
  Background.persist(
    opened,
    Effect.gen(function* () {
      const { restored } = opened.self
      if (restored === 0) return
      const frozen: Array<readonly [account: string, device: string]> = []
      for (const { key, value } of yield* Loading.scanAll(opened.store, "peer/")) {
        const [, account, device] = Records.partsOf(key)
        const peer = yield* Records.read(Records.Peer, key, value)
        if (peer.healedIn < restored) frozen.push([account!, device!])
      }
      yield* Effect.forEach(frozen, ([account, device]) => askFrozen(opened, account, device, restored), {
        concurrency: "unbounded",
        discard: true
      })
    })
  )

/**
 * Tries until the request to a frozen device is durable, or the device is gone. One such try goes on for each device and restoration,
 * however often it is begun: each would take keys of the device from the directory (rule fence.heal.2).
 */
const askFrozen = (opened: Opened, account: string, hex: string, restored: number): Effect.Effect<void, ClientError> =>
  Effect.suspend(() => {
    const { asking } = opened
    if (asking.get(hex) === restored) return Effect.void
    asking.set(hex, restored)
    const tryOn = (attempt: number): Effect.Effect<void, ClientError> =>
      Effect.flatMap(opened.healing.withPermit(askOne(opened, account, hex, false)), (againAfterMs) =>
        againAfterMs === undefined || asking.get(hex) !== restored
          ? Effect.void
          : Effect.andThen(
              Background.pause(opened, attempt, againAfterMs),
              Effect.suspend(() => tryOn(attempt + 1))
            )
      )
    const end = Effect.sync(() => {
      if (asking.get(hex) === restored) asking.delete(hex)
    })
    return Effect.ensuring(tryOn(0), end)
  })

/** Makes the request to one device durable. Answers after how many ms at least to try again, if that makes sense. */
const askOne = Effect.fnUntraced(function* (opened: Opened, account: string, hex: string, isProbe: boolean) {
  const contact = opened.contacts.get(account)
  const now = yield* Background.now
  const id = Bytes.fromHex(hex)!
  if (contact === undefined || Manifests.isRemoved(contact, id)) return undefined
  if (now - (opened.asked.get(hex) ?? -Infinity) < askEveryMs) return undefined
  const device = (yield* Conversations.get(opened, account)).devices.get(hex)
  if (device === undefined || Conversations.isFrozen(opened, device) === isProbe) return undefined
  const fetched = yield* Effect.result(Peers.fetchBundle(opened, contact, id))
  if (Result.isSuccess(fetched)) {
    opened.prepared.set(hex, fetched.success)
    yield* request(opened, account, hex, isProbe)
    return undefined
  }
  const { failure } = fetched
  if (failure._tag === "PeerMisbehaved") return misbehavedMs
  if (failure._tag !== "Refused") return 0
  return failure.code === "unknown-device" && failure.retryAfterMs === 0 ? undefined : failure.retryAfterMs
})

/** Keys that are no good are asked for again after so long, ms: each answer may cost the device a one-time prekey. */
const misbehavedMs = 60_000

/** An answer is waited for so long before a frozen device is asked again, ms. */
const askEveryMs = 50 * 60 * 1000

/** Archives the sessions with a device and asks it, in a fresh one, how far it received. */
const request = (opened: Opened, account: string, hex: string, isProbe: boolean): Effect.Effect<void, ClientError> =>
  Effect.andThen(
    Orders.reserve(opened, 2),
    Conversations.withHandle(opened, account, (handle) =>
      Effect.gen(function* () {
        const now = yield* Background.now
        const device = handle.devices.get(hex)
        const isFrozen = device !== undefined && Conversations.isFrozen(opened, device)
        if (device === undefined || isFrozen === isProbe) return
        const { fence, restored } = opened.self
        const work = new Sealing.SendWork()
        work.handles.add(handle)
        Settling.absorb(opened, work, handle, now)
        if (isProbe || device.peer.archivedIn < restored) {
          Conversations.setSessions(opened, work, device, Crossing.archive(device.peer.sessions))
          work.setPeer(device, { ...device.peer, archivedIn: restored })
          if (!isProbe) yield* unseal(opened, work, Outbox.laneOf(opened, account, hex))
        }
        const body = { _tag: "Resynchronise", answer: false, ...fence, received: received(handle, device) } as const
        Sealing.post(opened, work, handle, device.id, Sealing.control(opened, body, now), now, true)
        work.batch.applied(() => opened.asked.set(hex, now))
        yield* Conversations.commitWork(opened, work)
      })
    )
  )

/**
 * Messages that this run sealed before it knew that its state was old, and that have not left: their keys and numbers may be used
 * up. They are sealed again once the device has answered.
 */
const unseal = Effect.fnUntraced(function* (opened: Opened, work: Sealing.SendWork, lane: Lane) {
  const taken = lane.queue.filter(
    (entry) => entry.order >= opened.firstOrder && !entry.done && !lane.inFlight.has(entry)
  )
  for (const entry of taken) {
    const record = yield* Outbox.recordOf(opened, entry)
    if (record !== undefined) yield* Waiting.unseal(work, entry, record)
  }
  work.batch.applied(() => {
    lane.queue = lane.queue.filter((entry) => !taken.includes(entry))
    for (const entry of taken) lane.byMessage.delete(entry.message)
    lane.waiting = [...taken, ...lane.waiting].sort((a: Entry, b: Entry) => a.order - b.order)
  })
})

/** How far this device received the peer's conversations, for a request or an answer. */
export const received = (handle: Handle, device: Device): ReadonlyArray<Body.Received> =>
  [...device.windows].slice(0, Limits.maxResynchronised).map(([conversation, { window }]) => ({
    conversation: conversation === handle.conversation ? Bytes.empty : Bytes.fromHex(conversation)!,
    highest: window.highest
  }))

/** How far the sender of a request or an answer received the direct conversation. */
export const highestOf = ({ received }: { readonly received: ReadonlyArray<Body.Received> }): number =>
  received.find(({ conversation }) => conversation.length === 0)?.highest ?? 0

/** Whether a device has received numbers that this one has not given out. */
export const isBehind = (opened: Opened, handle: Handle, device: Device, highest: number): boolean =>
  !Conversations.isFrozen(opened, device) && Sequence.isBehind(handle.sequence, highest)

/**
 * Takes a device's answer (rule fence.heal.1): numbering goes on after the highest number it received, and what this run sent in
 * vain is sealed again. Runs under the lock, as part of a work.
 */
export const thaw = Effect.fnUntraced(function* (
  opened: Opened,
  work: Sealing.SendWork,
  handle: Handle,
  device: Device,
  answer: Extract<Body.DeviceControl, { readonly _tag: "Resynchronise" }>
) {
  const { fence, restored } = opened.self
  if (!Conversations.isFrozen(opened, device) || !FenceStep.thaws(fence, answer)) return
  const highest = highestOf(answer)
  const others = [...handle.devices.values()].some((other) => other !== device && Conversations.isFrozen(opened, other))
  const resumed = Sequence.resume(handle.sequence, highest)
  // When another device has answered before, numbers have been passed over already, and messages wait for this one that have them.
  const goesOn =
    highest <= handle.sequence.last && [...handle.devices.values()].some(({ peer }) => peer.healedIn === restored)
  const last = goesOn ? resumed.last : Math.min(resumed.last + (others ? leap : margin), Limits.maxSequence)
  const first = yield* Waiting.firstNumber(opened, Outbox.laneOf(opened, handle.hex, device.hex), highest)
  const floor = first === undefined ? last : Math.min(last, first - 1)
  if (last !== handle.sequence.last) work.setSequence(handle, { last })
  work.setPeer(device, { ...device.peer, healedIn: restored, addressed: 1, floor })
  work.batch.applied(() => opened.history?.near(device.id))
  if (device.account === opened.hex.account) {
    // Rule own.greet.2.
    Own.forgetGreeted(work, device.hex)
    work.batch.applied(() => {
      opened.greetedBy = undefined
    })
  }
  const again = yield* Waiting.sendAgain(opened, work, handle, device)
  yield* Waiting.numberWaiting(opened, work, handle, again)
})
