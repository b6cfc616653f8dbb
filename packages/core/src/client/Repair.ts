/**
 * What to do when the relay refuses a submission for a reason that waiting does not mend.
 *
 * Spec: docs/spec/14-relay.md §14.4, rules relay.submit.2 and relay.submit.4.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import type { Refused } from "../ports/Transport.ts"
import * as Crossing from "../session/Crossing.ts"
import * as Body from "../envelope/Body.ts"
import * as Conversations from "./Conversations.ts"
import * as Loading from "./Loading.ts"
import type { ClientError } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Entry, Lane, Opened, Repair } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Outbox from "./Outbox.ts"
import * as Peers from "./Peers.ts"
import * as Sealing from "./Sealing.ts"

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
              ? Effect.as(Background.persist(opened, readdress(opened, lane, entry)), failed)
              : Effect.succeed(again)
          }
          // Nobody but the account may say so: without its manifest the refusal is only tried again.
          return Effect.succeed(again)
        }
      )
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
          Outbox.absorb(opened, work, handle, now)
          Conversations.setSessions(opened, work, device, Crossing.archive(device.peer.sessions))
          work.setPeer(device, { ...device.peer, token: undefined })
          Sealing.post(opened, work, handle, device.id, Sealing.control(opened, { _tag: "Acknowledge" }, now), now)
          return Conversations.commitWork(opened, work)
        })
      )
    )
  )
}

/** A device was removed: what it did not get goes to devices of the newest manifest that were not addressed yet. */
const readdress = (opened: Opened, lane: Lane, entry: Entry): Effect.Effect<void, ClientError> =>
  Conversations.withHandle(opened, lane.account, (handle) =>
    Effect.gen(function* () {
      const record = yield* Outbox.recordOf(opened, entry)
      if (record === undefined || !Body.isNumbered(entry.type)) return
      const fresh = Peers.targets(opened, handle).filter((id) => {
        const hex = Bytes.toHex(id)
        const other = opened.lanes.get(hex)
        const isWaiting = other?.waiting.some(({ message }) => message === entry.message) ?? false
        const isSent = handle.devices.get(hex)?.tracked.has(entry.message) ?? false
        return hex !== lane.device && !isWaiting && !isSent && !(other?.byMessage.has(entry.message) ?? false)
      })
      if (fresh.length === 0) return
      yield* Orders.reserve(opened, fresh.length)
      const now = yield* Background.now
      const work = new Sealing.SendWork()
      work.handles.add(handle)
      const draft = yield* Loading.orCorrupt("outbox", Sealing.draftOf(record))
      for (const id of fresh) Sealing.post(opened, work, handle, id, draft, now)
      yield* Conversations.commitWork(opened, work)
    })
  )
