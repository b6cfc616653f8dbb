/**
 * Receiving: envelopes that wait are opened together, stored in one commit, and acknowledged after it.
 *
 * Spec: docs/spec/16-state.md §16.2, rule state.commit.2; docs/spec/07-sequencing.md; docs/spec/08-sessions.md.
 * A message that does not open changes nothing and is named by one cause of the closed list. What follows from a message beside storing it
 * (sending again, healing, looking names up) happens after the commit, in its own.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Envelope from "../envelope/Envelope.ts"
import * as Manifest from "../identity/Manifest.ts"
import type { Delivery } from "../ports/Transport.ts"
import * as Crossing from "../session/Crossing.ts"
import * as Receive from "../session/Receive.ts"
import * as Conversations from "./Conversations.ts"
import type { ClientError } from "./Errors.ts"
import * as Fence from "./Fence.ts"
import * as Following from "./Following.ts"
import * as Inbox from "./Inbox.ts"
import * as Background from "./internal/background.ts"
import type { Device, Handle, Opened, SessionEntry } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Outbox from "./Outbox.ts"
import * as Own from "./Own.ts"
import * as OwnWords from "./OwnWords.ts"
import * as Prekeys from "./Prekeys.ts"
import * as Progress from "./Progress.ts"
import * as Retry from "./Retry.ts"
import * as Waiting from "./Waiting.ts"
import { Burst, hold, reject } from "./Burst.ts"
import * as Answers from "./Answers.ts"
import * as Starts from "./Starts.ts"
import * as Delivering from "./Delivering.ts"

/** Envelopes opened under one commit. */
const mostTogether = 256

/** Envelopes taken from the transport before they are opened. */
const ahead = 512

// ---- The loop

/** Receives until it is interrupted. */
export const run = (opened: Opened): Effect.Effect<void> =>
  Effect.scoped(
    Effect.gen(function* () {
      const queue = yield* Effect.acquireRelease(Queue.bounded<Delivery>(ahead), Queue.shutdown)
      const fill = (attempt: number): Effect.Effect<void> =>
        Stream.runForEachArray(opened.transport.deliveries, (deliveries) => Queue.offerAll(queue, deliveries)).pipe(
          Effect.matchEffect({
            onSuccess: () => Effect.void,
            // The transport's status tells the application; deliveries go on when it is opened again.
            onFailure: () =>
              Effect.andThen(
                Background.pause(opened, attempt),
                Effect.suspend(() => fill(attempt + 1))
              )
          })
        )
      yield* Effect.forkScoped(fill(0))
      for (;;) {
        const deliveries = yield* Queue.takeBetween(queue, 1, mostTogether)
        yield* Background.persist(opened, burst(opened, deliveries))
      }
    })
  )

/** Opens envelopes in order under one commit. */
export const burst = (
  opened: Opened,
  deliveries: ReadonlyArray<Delivery>,
  acknowledges = true,
  attempt = 0
): Effect.Effect<void, ClientError> =>
  // One at a time: a burst gives out orders of the inbox that are its own only when it is stored.
  opened.receiving.withPermit(Effect.suspend(() => burstAlone(opened, deliveries, acknowledges, attempt)))

const burstAlone = (
  opened: Opened,
  deliveries: ReadonlyArray<Delivery>,
  acknowledges: boolean,
  attempt: number
): Effect.Effect<void, ClientError> =>
  Effect.flatMap(Background.now, (now) => {
    const work = new Burst(now, opened.received, acknowledges, attempt, (delivery) =>
      burst(opened, [delivery], acknowledges, attempt + 1)
    )
    return Effect.onExit(receiveAll(opened, work, deliveries), (exit) =>
      Effect.suspend(() => {
        if (Exit.isFailure(exit)) for (const handle of work.handles) Conversations.evict(opened, handle)
        return Effect.forEach(
          work.held.values(),
          (handle) => {
            Conversations.forgetStranger(opened, handle)
            return Effect.sync(() => handle.lock.release())
          },
          { discard: true }
        )
      })
    )
  })

const receiveAll = Effect.fnUntraced(function* (opened: Opened, work: Burst, deliveries: ReadonlyArray<Delivery>) {
  const { acknowledges } = work
  // First of all: a send holds it when it waits for another conversation.
  yield* hold(opened, work, opened.hex.account)
  const copies = Own.others(opened).length
  if (copies > 0) yield* Orders.reserve(opened, deliveries.length * copies)
  for (const delivery of deliveries) {
    // Delivered again because its acknowledgement got lost: it was committed, and is no event.
    if (acknowledges && opened.committed.get(delivery.id) === Progress.endOf(delivery)) {
      work.acknowledged.push(delivery)
      continue
    }
    yield* receiveOne(opened, work, delivery)
  }
  yield* Following.settle(opened, work)
  for (const { contact, user } of work.claims) yield* Starts.confirmClaim(opened, work, contact, user)
  yield* OwnWords.settle(opened, work)
  yield* Answers.settle(opened, work)
  if (acknowledges || work.shows.length > 0) {
    Progress.put(opened, work, work.received, acknowledges ? work.acknowledged : [])
  }
  yield* Conversations.commitWork(opened, work)
  finish(opened, work)
})

/** The commit stands: tell, acknowledge, and go on with what follows. */
const finish = (opened: Opened, work: Burst): void => {
  opened.received = work.received
  for (const show of work.shows) show()
  if (work.shows.length > 0) Inbox.wake(opened)
  for (const warning of work.warnings) opened.warnings.publish(warning)
  for (const device of work.touched) {
    const lane = opened.lanes.get(device.hex)
    if (lane === undefined) continue
    if (lane.blocked && device.peer.token !== undefined) {
      lane.blocked = false
      Outbox.start(opened, lane)
    }
    Waiting.rouse(opened, lane)
  }
  for (const device of work.begun.keys()) opened.history?.near(Bytes.fromHex(device)!)
  for (const effect of work.after) opened.spawn(effect)
  // What did not open is no occasion for anything.
  if (work.touched.size > 0) Own.follow(opened)
  if (work.lost) opened.spawn(Fence.probe(opened))
  if (work.prekeysUsed > 0) opened.spawn(Prekeys.afterUse(opened, work.prekeysUsed))
  if (!work.acknowledges) return
  const ids = work.acknowledged.map(({ id }) => id)
  if (ids.length > 0) opened.spawn(acknowledge(opened, ids))
  for (const failed of work.failed.values()) {
    opened.spawn(Effect.andThen(Retry.ask(opened, failed), acknowledge(opened, failed.ids)))
  }
}

/** When this fails the envelopes come again, are known, and are acknowledged then. */
const acknowledge = (opened: Opened, ids: ReadonlyArray<number>): Effect.Effect<void> =>
  Effect.match(opened.transport.acknowledge(ids), {
    onFailure: () => undefined,
    onSuccess: () => {
      for (const id of ids) opened.committed.delete(id)
    }
  })

const receiveOne = Effect.fnUntraced(function* (opened: Opened, work: Burst, delivery: Delivery) {
  const decoded = Envelope.decode(delivery.envelope)
  if (Result.isFailure(decoded)) return reject(opened, work, delivery, decoded.failure.cause)
  const { body, kind, to } = decoded.success
  if (!Bytes.equal(to, opened.self.mailbox)) return reject(opened, work, delivery, "envelope.mailbox")
  if (kind === Envelope.kinds.sessionMessage) {
    if (body.length < Limits.sessionTagBytes) return reject(opened, work, delivery, "decode.truncated")
    const found = opened.tags.get(Bytes.toHex(body.subarray(0, Limits.sessionTagBytes)))
    if (found === undefined) return reject(opened, work, delivery, "lookup.no-session")
    const handle = work.held.get(found.account) ?? (yield* hold(opened, work, found.account))
    const device = handle.devices.get(found.device)
    const entry = device?.sessions.get(found.session)
    if (device === undefined || entry === undefined) return reject(opened, work, delivery, "lookup.no-session")
    return receiveMessage(opened, work, handle, device, entry, delivery, body)
  }
  if (kind !== Envelope.kinds.sessionStart) return reject(opened, work, delivery, "envelope.kind")
  yield* Starts.receive(opened, work, delivery, body)
})

/** A session message: all in memory, and synchronous. */
const receiveMessage = (
  opened: Opened,
  work: Burst,
  handle: Handle,
  device: Device,
  entry: SessionEntry,
  delivery: Delivery,
  message: Uint8Array
): void => {
  const manifest = work.manifests.get(handle.hex) ?? opened.contacts.get(handle.hex)?.manifest
  if (manifest !== undefined && Manifest.isRevoked(manifest, device.id)) {
    Conversations.dropSessions(opened, work, device)
    return reject(opened, work, delivery, "policy.revoked-device", device)
  }
  const prefix = Envelope.prefix(Envelope.kinds.sessionMessage, opened.self.mailbox)
  const result = Receive.open(opened.crypto, entry.session, entry.skipped, {
    prefix,
    message,
    direct: handle.direct,
    now: work.now
  })
  if (Result.isFailure(result)) return reject(opened, work, delivery, result.failure.cause, device, message)
  if (device.peer.tokenKnown === 0) work.setPeer(device, { ...device.peer, tokenKnown: 1 })
  const changed = Crossing.open(device.peer.sessions, entry.session.id)
  Delivering.apply(opened, work, handle, device, entry, result.success, changed, delivery)
}
