/**
 * Messages that could not be sealed at once: fetching what they need, and sealing them in order later.
 *
 * Spec: docs/spec/08-sessions.md §8.2, rule session.start.1; docs/spec/07-sequencing.md §7.2, rule fence.heal.1.
 * Submits nothing: client/Outbox.ts does.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Body from "../envelope/Body.ts"
import type * as Api from "./Api.ts"
import * as Conversations from "./Conversations.ts"
import * as Dismissals from "./Dismissals.ts"
import * as Loading from "./Loading.ts"
import * as Noting from "./history/Noting.ts"
import * as Background from "./internal/background.ts"
import type { Device, Entry, Handle, Lane, Opened } from "./Opened.ts"
import * as Outbox from "./Outbox.ts"
import * as Settling from "./Settling.ts"
import * as Manifests from "./Manifests.ts"
import * as Peers from "./Peers.ts"
import * as Repair from "./Repair.ts"
import * as Records from "./Records.ts"
import * as Warnings from "./Warnings.ts"
import * as Sealing from "./Sealing.ts"

/** Tries to seal what waits for a device, in the background. */
export const wake = (opened: Opened, lane: Lane): void => {
  if (lane.sealing || lane.waiting.length === 0) return
  lane.sealing = true
  opened.spawn(
    Effect.ensuring(
      sealWaiting(opened, lane),
      Effect.sync(() => {
        lane.sealing = false
        opened.idle.openUnsafe()
        opened.idle.closeUnsafe()
      })
    )
  )
}

const pauses = new WeakMap<Lane, Latch.Latch>()

/** The same for a device that was just heard: what waits to ask for its keys again need not wait any longer. */
export const rouse = (opened: Opened, lane: Lane): void => {
  pauses.get(lane)?.openUnsafe()
  wake(opened, lane)
}

const pause = (opened: Opened, lane: Lane, attempt: number, atLeastMs?: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const latch = Latch.makeUnsafe(false)
    pauses.set(lane, latch)
    return Effect.raceFirst(Background.pause(opened, attempt, atLeastMs), latch.await)
  })

const sealWaiting = Effect.fnUntraced(function* (opened: Opened, lane: Lane) {
  let failures = 0
  while (lane.waiting.length > 0) {
    const hindrance = yield* Background.persist(
      opened,
      Conversations.withHandle(opened, lane.account, (handle) => sealSome(opened, handle, lane))
    )
    // An answer of the device wakes it again.
    if (hindrance === "frozen" || hindrance === "unanswered") return
    if (hindrance === undefined) continue
    const fetched = yield* Effect.result(fetchFor(opened, lane))
    if (Result.isFailure(fetched)) {
      // Given up, or handed to another device, beside this: the lane is not looked at again.
      if (fetched.failure === "removed") return opened.clear(lane.account)
      if (fetched.failure === Dismissals.code) {
        yield* Repair.dismiss(opened, lane)
        continue
      }
      yield* pause(opened, lane, failures++, fetched.failure.retryAfterMs)
    } else if (failures++ > 0) yield* pause(opened, lane, failures)
  }
})

/** Fetches the bundle for a lane. */
const fetchFor = Effect.fnUntraced(function* (opened: Opened, lane: Lane) {
  const id = Bytes.fromHex(lane.device)!
  const contact = opened.contacts.get(lane.account)
  if (contact === undefined) return yield* Effect.fail({ retryAfterMs: 1000 })
  if (Manifests.isGone(opened, lane.account, id)) return yield* Effect.fail("removed" as const)
  const fetched = yield* Effect.result(Peers.fetchBundle(opened, contact, id))
  if (Result.isSuccess(fetched)) {
    opened.prepared.set(lane.device, fetched.success)
    return
  }
  const { failure } = fetched
  if (failure._tag === "PeerMisbehaved") {
    warnOnce(opened, `bundle ${lane.device}`, (at) =>
      Warnings.rejected("auth.prekey", Peers.senderOf(opened, lane.account, lane.device), at)
    )
    return yield* Effect.fail({ retryAfterMs: 60_000 })
  }
  if (failure._tag === "Refused" && failure.code === "unknown-device" && failure.retryAfterMs === 0) {
    const refreshed = yield* Effect.result(Peers.refresh(opened, lane.account))
    const listed =
      Result.isFailure(refreshed) ||
      (refreshed.success.manifest?.devices.some(({ device }) => Bytes.equal(device, id)) ?? true)
    if (!listed) return yield* Effect.fail("removed" as const)
  }
  const removal = failure._tag === "Refused" ? Dismissals.read(opened, failure, lane.account) : undefined
  if (removal !== undefined) return yield* Effect.fail(Dismissals.code)
  return yield* Effect.fail({ retryAfterMs: failure._tag === "Refused" ? failure.retryAfterMs : 0 })
})

/** Seals as much of what waits as can be, in order. Answers what hinders the rest. Runs under the lock. */
const sealSome = Effect.fnUntraced(function* (opened: Opened, handle: Handle, lane: Lane) {
  const now = yield* Background.now
  const work = new Sealing.SendWork()
  work.handles.add(handle)
  Settling.absorb(opened, work, handle, now)
  if (!Sealing.isNumberless(opened, handle)) yield* numberWaiting(opened, work, handle)
  const id = Bytes.fromHex(lane.device)!
  const sealed: Array<Entry> = []
  let hindrance: Sealing.Hindrance | undefined
  for (const entry of lane.waiting.slice(0, sealedAtOnce)) {
    const record = work.changed.get(entry) ?? (yield* Outbox.recordOf(opened, entry))
    if (record === undefined) {
      sealed.push(entry)
      continue
    }
    const draft = yield* Loading.orCorrupt("outbox", Sealing.draftOf(record))
    const outcome = Sealing.seal(opened, work, handle, id, draft, now, false)
    if (typeof outcome === "string") {
      hindrance = outcome
      break
    }
    const next = { ...record, ...outcome }
    Sealing.change(work, entry, next)
    sealed.push(entry)
  }
  work.batch.applied(() => {
    lane.waiting = lane.waiting.filter((entry) => !sealed.includes(entry))
    for (const entry of sealed) if (entry.record !== undefined) Outbox.enqueue(opened, lane, entry)
  })
  yield* Conversations.commitWork(opened, work)
  return hindrance
})

/** Messages sealed in one commit of a lane that could not be sealed before. */
const sealedAtOnce = 256

/** Gives the messages that were written while the conversation was frozen their numbers; the same for all devices. */
export const numberWaiting = Effect.fnUntraced(function* (
  opened: Opened,
  work: Sealing.SendWork,
  handle: Handle,
  more: ReadonlyArray<Entry> = []
) {
  const entries: Array<Entry> = [...more]
  for (const lane of opened.lanes.values()) if (lane.account === handle.hex) entries.push(...lane.waiting)
  entries.sort((a, b) => a.order - b.order)
  const numbers = new Map<string, number>()
  for (const entry of entries) {
    if (!Body.isNumbered(entry.type)) continue
    const record = work.changed.get(entry) ?? (yield* Outbox.recordOf(opened, entry))
    if (record === undefined) continue
    const draft = yield* Loading.orCorrupt("outbox", Sealing.draftOf(record))
    if (draft.sequence > 0) continue
    const given = numbers.get(entry.message) ?? Sealing.number(opened, work, handle)
    numbers.set(entry.message, given)
    Noting.sent(opened, work, handle, { ...draft, sequence: given }, draft.sentAt)
    const next = { ...record, content: Sealing.plain({ ...draft, sequence: given }) }
    Sealing.change(work, entry, next)
  }
})

/** The lowest number above `highest` of a message that waits for a device. */
export const firstNumber = Effect.fnUntraced(function* (opened: Opened, lane: Lane, highest: number) {
  for (const entry of lane.waiting) {
    const record = yield* Outbox.recordOf(opened, entry)
    if (record === undefined) continue
    const { sequence } = yield* Loading.orCorrupt("outbox", Sealing.draftOf(record))
    if (sequence > highest) return sequence
  }
  return undefined
})

/** Publishes a warning unless one about the same thing was published before. */
export const warnOnce = (opened: Opened, about: string, warning: (at: number) => Api.Warning): void => {
  if (opened.warned.has(about)) return
  if (opened.warned.size >= rememberedWarnings) opened.warned.clear()
  opened.warned.add(about)
  opened.spawn(Effect.map(Background.now, (at) => opened.warnings.publish(warning(at))))
}

const rememberedWarnings = 10_000

/** Takes the seal and the number off a message that has not left. */
export const unseal = Effect.fnUntraced(function* (work: Sealing.SendWork, entry: Entry, record: Records.Outbox) {
  const draft = yield* Loading.orCorrupt("outbox", Sealing.draftOf(record))
  Sealing.change(work, entry, { ...record, content: Sealing.plain({ ...draft, sequence: 0 }), envelope: Bytes.empty })
})

/**
 * Puts messages that this run sent to a device, and that no receipt came for, into the line of those to be sealed: they were sealed
 * with an old state, and the device has said what it received.
 */
export const sendAgain = Effect.fnUntraced(function* (
  opened: Opened,
  work: Sealing.SendWork,
  handle: Handle,
  device: Device
) {
  const lane = Outbox.laneOf(opened, handle.hex, device.hex)
  const again: Array<Entry> = []
  for (const [message, tracked] of device.tracked) {
    if (tracked.state !== "sent" || tracked.order < opened.firstOrder || !Body.isNumbered(tracked.type)) continue
    const key = Records.keys.sent(device.hex, tracked.order)
    const stored = work.batch.peek(key) ?? (yield* opened.store.get(key))?.value
    if (stored === undefined || stored === "removed") continue
    const { log } = yield* Records.read(Records.Sent, key, stored)
    if (log === undefined) continue
    const draft = yield* Loading.orCorrupt("sent", Sealing.draftOf(log))
    device.tracked.delete(message)
    work.batch.remove(key)
    const record: Records.Outbox = {
      version: Records.written,
      account: handle.account,
      device: device.id,
      answers: 0,
      content: Sealing.plain({ ...draft, sequence: 0 }),
      envelope: Bytes.empty
    }
    const entry = Outbox.entryOf(tracked.order, draft.messageId, draft.type, record)
    Sealing.change(work, entry, record)
    again.push(entry)
  }
  // They were sent before what waits, and go before it.
  work.batch.applied(() => {
    lane.waiting = [...again, ...lane.waiting].sort((a, b) => a.order - b.order)
  })
  return again
})
