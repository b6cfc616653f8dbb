/**
 * What to do when the relay refuses a submission for a reason that waiting does not mend, and with what is on its way to a device that
 * was removed.
 *
 * Spec: docs/spec/14-relay.md §14.4, rules relay.submit.2 and relay.submit.4; docs/spec/04-accounts.md §4.4.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import type { Refused } from "../ports/Transport.ts"
import * as Crossing from "../session/Crossing.ts"
import * as Body from "../envelope/Body.ts"
import * as Conversations from "./Conversations.ts"
import * as Dismissals from "./Dismissals.ts"
import * as Loading from "./Loading.ts"
import type { ClientError } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Entry, Handle, Lane, Opened, Repair } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Outbox from "./Outbox.ts"
import * as Settling from "./Settling.ts"
import * as Manifests from "./Manifests.ts"
import * as Peers from "./Peers.ts"
import * as Sealing from "./Sealing.ts"
import * as TrustAllows from "./TrustAllows.ts"

const again: Repair = { _tag: "Again" }

/** Decides about one refused entry. */
export const refused = (opened: Opened, lane: Lane, entry: Entry, refusal: Refused): Effect.Effect<Repair> => {
  switch (refusal.code) {
    case "bad-token":
      return Effect.as(renewToken(opened, lane), again)
    case "stale-device":
      return Effect.flatMap(
        Effect.result(Peers.refresh(opened, lane.account, [refusal.detail])),
        (refreshed): Effect.Effect<Repair> => {
          if (Result.isSuccess(refreshed)) {
            const gone = !(
              refreshed.success.manifest?.devices.some((one) => Bytes.toHex(one.device) === lane.device) ?? true
            )
            const failed: Repair = { _tag: "Failed", reason: "device-removed" }
            return gone
              ? Effect.as(Background.persist(opened, passOne(opened, lane, entry)), failed)
              : Effect.succeed(again)
          }
          // Nobody but the account may say so: without its manifest the refusal is only tried again.
          return Effect.succeed(again)
        }
      )
    case Dismissals.code:
      return Effect.as(Dismissals.hear(opened, lane.account, refusal), { _tag: "Failed", reason: refusal.code })
    default:
      return Effect.succeed({ _tag: "Failed", reason: refusal.code })
  }
}

/**
 * The device has another delivery token than the one held. It hands out the new one in its answer to a session start, which needs
 * none; until then session messages wait, as they were sealed.
 */
const renewToken = (opened: Opened, lane: Lane): Effect.Effect<void> => {
  if (lane.blocked) return Effect.void
  lane.blocked = true
  return Background.persist(
    opened,
    Effect.andThen(
      Orders.reserve(opened, 1),
      Conversations.withHandle(opened, lane.account, (handle) =>
        Effect.flatMap(Background.now, (now) => {
          const device = handle.devices.get(lane.device)
          if (device === undefined) return Effect.void
          const work = new Sealing.SendWork()
          work.handles.add(handle)
          Settling.absorb(opened, work, handle, now)
          Conversations.setSessions(opened, work, device, Crossing.archive(device.peer.sessions))
          work.setPeer(device, { ...device.peer, token: undefined })
          Sealing.post(opened, work, handle, device.id, Sealing.control(opened, { _tag: "Acknowledge" }, now), now)
          return Conversations.commitWork(opened, work)
        })
      )
    )
  )
}

/**
 * Gives up what is on its way to devices that an account removed, or, when this device was removed, to any (rules manifest.revoke.2 and
 * manifest.removed.1).
 */
export const clear = (opened: Opened, account: string): Effect.Effect<void> =>
  Background.persist(
    opened,
    Effect.forEach(
      [...opened.lanes.values()].filter(
        (lane) => lane.account === account && Manifests.isGone(opened, account, Bytes.fromHex(lane.device)!)
      ),
      (lane) => clearLane(opened, lane),
      { discard: true }
    )
  )

/** Entries given up in one commit. */
const clearedAtOnce = 128

/** Gives up what is on its way to a device that the relay's administrator removed, or whose account it did (rule relay.remove.6). */
export const dismiss = (opened: Opened, lane: Lane): Effect.Effect<void> =>
  Background.persist(opened, clearLane(opened, lane, Dismissals.code))

/** `reason` where the account did not say so: then nothing is passed to its other devices, which were addressed as well. */
const clearLane = (opened: Opened, lane: Lane, reason?: string): Effect.Effect<void, ClientError> =>
  Effect.gen(function* () {
    for (;;) {
      yield* Orders.reserve(opened, clearedAtOnce * Limits.maxManifestDevices)
      const left = yield* Conversations.withHandle(opened, lane.account, (handle) =>
        clearSome(opened, handle, lane, reason)
      )
      if (left === 0) return
    }
  })

/** Runs under the lock. Answers how many are left. */
const clearSome = Effect.fnUntraced(function* (opened: Opened, handle: Handle, lane: Lane, reason: string | undefined) {
  const now = yield* Background.now
  const work = new Sealing.SendWork()
  work.handles.add(handle)
  Settling.absorb(opened, work, handle, now)
  const all = [...lane.waiting, ...lane.queue].filter((entry) => !entry.done)
  const entries = all.slice(0, clearedAtOnce)
  for (const entry of entries) {
    if (opened.removed === undefined && reason === undefined) yield* pass(opened, work, handle, lane, entry, now)
  }
  Settling.giveUp(
    opened,
    work,
    lane,
    entries,
    reason ?? (opened.removed === undefined ? "device-removed" : "revoked"),
    now
  )
  yield* Conversations.commitWork(opened, work)
  return all.length - entries.length
})

/** What a removed device did not get goes to devices of the newest manifest that were not addressed yet. */
const pass = Effect.fnUntraced(function* (
  opened: Opened,
  work: Sealing.SendWork,
  handle: Handle,
  lane: Lane,
  entry: Entry,
  now: number
) {
  const record = yield* Outbox.recordOf(opened, entry)
  if (record === undefined || !Body.isNumbered(entry.type)) return
  // Rule trust.effect.5.
  if (TrustAllows.isSendingHeld(opened, handle.hex)) return
  const fresh = Peers.targets(opened, handle).filter((id) => {
    const hex = Bytes.toHex(id)
    const other = opened.lanes.get(hex)
    const isWaiting = other?.waiting.some(({ message }) => message === entry.message) ?? false
    const isSent = handle.devices.get(hex)?.tracked.has(entry.message) ?? false
    return hex !== lane.device && !isWaiting && !isSent && !(other?.byMessage.has(entry.message) ?? false)
  })
  if (fresh.length === 0) return
  const draft = yield* Loading.orCorrupt("outbox", Sealing.draftOf(record))
  for (const id of fresh) Sealing.post(opened, work, handle, id, draft, now)
})

const passOne = (opened: Opened, lane: Lane, entry: Entry): Effect.Effect<void, ClientError> =>
  Effect.andThen(
    Orders.reserve(opened, Limits.maxManifestDevices),
    Conversations.withHandle(opened, lane.account, (handle) =>
      Effect.gen(function* () {
        const work = new Sealing.SendWork()
        work.handles.add(handle)
        yield* pass(opened, work, handle, lane, entry, yield* Background.now)
        yield* Conversations.commitWork(opened, work)
      })
    )
  )
