/**
 * What became of messages that were given to the relay: taken, failed, received, read; and the log for requests to repeat them.
 *
 * Spec: docs/spec/16-state.md §16.2, rule state.outbox.1; docs/spec/08-sessions.md §8.4, rule session.retry.2.
 * Submits nothing: client/Outbox.ts does. Everything goes into a work that holds the conversation.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Body from "../envelope/Body.ts"
import * as Digest from "../envelope/Digest.ts"
import * as Envelope from "../envelope/Envelope.ts"
import * as Retry from "../session/Retry.ts"
import type { OutboxState } from "./Api.ts"
import * as Conversations from "./Conversations.ts"
import type { ClientError } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Device, Entry, Handle, Lane, Opened, Settled } from "./Opened.ts"
import * as Outcomes from "./Outcomes.ts"
import * as Records from "./Records.ts"
import { senderOf } from "./Senders.ts"

/** Messages whose delivered and read states are followed, for each device. */
const trackedMessages = 4096

/** Stores what became of everything sent in a conversation. */
export const settle = (opened: Opened, account: string): Effect.Effect<void, ClientError> =>
  Conversations.withHandle(opened, account, (handle) =>
    Effect.gen(function* () {
      const work = new Conversations.Work()
      work.handles.add(handle)
      absorb(opened, work, handle, yield* Background.now)
      yield* Conversations.commitWork(opened, work)
    })
  )

/**
 * Brings into a work what became of entries of this conversation since its last commit: any commit under its lock takes that
 * along.
 */
export const absorb = (opened: Opened, work: Conversations.Work, handle: Handle, now: number): void => {
  for (const device of handle.devices.values()) {
    const lane = opened.lanes.get(device.hex)
    if (lane === undefined || lane.settled.length === 0) continue
    const settled = lane.settled
    for (const one of settled) absorbOne(opened, work, device, lane, one, now)
    prune(work, device, now)
    work.batch.applied(() => {
      lane.settled = lane.settled.filter((one) => !settled.includes(one))
    })
  }
}

const absorbOne = (
  opened: Opened,
  work: Conversations.Work,
  device: Device,
  lane: Lane,
  { entry, reason }: Settled,
  now: number
): void => {
  if (entry.done) return
  finish(work, lane, entry)
  if (reason !== undefined) {
    Outcomes.fail(work.batch, lane, entry, reason, now)
    work.batch.applied(() => tell(opened, device, entry.message, entry.type, "failed", reason))
    return
  }
  const { record } = entry
  if (record !== undefined && entry.type !== Body.types.typing) {
    const log = Retry.isLogged(entry.type) ? logOf(opened, record, now) : undefined
    track(work, device, entry, "sent", log, now)
  }
  work.batch.applied(() => tell(opened, device, entry.message, entry.type, "sent"))
}

/** Takes entries out of the outbox for good and tells why. */
export const giveUp = (
  opened: Opened,
  work: Conversations.Work,
  lane: Lane,
  entries: ReadonlyArray<Entry>,
  reason: string,
  now: number
): void => {
  const given = new Set(entries)
  for (const entry of given) {
    work.batch.remove(Records.keys.outbox(entry.order), entry.slot)
    Outcomes.fail(work.batch, lane, entry, reason, now)
  }
  work.batch.applied(() => {
    lane.waiting = lane.waiting.filter((entry) => !given.has(entry))
    lane.queue = lane.queue.filter((entry) => !given.has(entry))
    for (const entry of given) {
      entry.done = true
      lane.byMessage.delete(entry.message)
      tell(opened, { account: lane.account, hex: lane.device }, entry.message, entry.type, "failed", reason)
    }
    opened.idle.openUnsafe()
    opened.idle.closeUnsafe()
  })
}

/** Takes an entry out of the outbox. */
const finish = (work: Conversations.Work, lane: Lane, entry: Entry): void => {
  work.batch.remove(Records.keys.outbox(entry.order), entry.slot)
  work.batch.applied(() => {
    entry.done = true
    lane.byMessage.delete(entry.message)
    lane.start()
  })
}

const logOf = (opened: Opened, record: Records.Outbox, now: number): Retry.Logged | undefined => {
  const envelope = Envelope.decode(record.envelope)
  if (Result.isFailure(envelope)) return undefined
  const digest = Digest.derive(opened.crypto, envelope.success.body)
  return { digest, at: now, answers: record.answers, answered: false, content: record.content }
}

const track = (
  work: Conversations.Work,
  device: Device,
  entry: Entry,
  state: "sent" | "delivered",
  log: Retry.Logged | undefined,
  at: number
): void => {
  const { message, order, type } = entry
  const before = device.tracked.get(message)
  // A message that was sealed again in answer to a retry request takes the place of the first one.
  if (before !== undefined) work.batch.remove(Records.keys.sent(device.hex, before.order))
  device.tracked.delete(message)
  device.tracked.set(message, { order, type, at, state, logged: log !== undefined })
  putSent(work, device, Bytes.fromHex(message)!, order, type, at, state, log)
}

const putSent = (
  work: Conversations.Work,
  device: Device,
  message: Uint8Array,
  order: number,
  type: number,
  at: number,
  state: "sent" | "delivered",
  log: Retry.Logged | undefined
): void => {
  const record: Records.Sent = {
    version: Records.written,
    state: state === "sent" ? 1 : 2,
    message,
    type,
    at,
    log: log === undefined ? undefined : { ...log, version: 1, answered: log.answered ? 1 : 0 }
  }
  work.batch.put(Records.keys.sent(device.hex, order), Records.Sent.encode(record))
}

/** Rule session.retry.2: the log keeps the last 256; of older messages only the state is remembered, of the oldest nothing. */
const prune = (work: Conversations.Work, device: Device, now: number): void => {
  let logged = 0
  for (const tracked of device.tracked.values()) if (tracked.logged) logged++
  let surplus = Retry.excess(logged)
  let forgotten = Math.max(0, device.tracked.size - trackedMessages)
  if (surplus === 0 && forgotten === 0) return
  for (const [message, tracked] of device.tracked) {
    const inSurplus = tracked.logged && surplus > 0
    if (inSurplus) surplus--
    if (forgotten > 0 || (inSurplus && !Body.isNumbered(tracked.type))) {
      forgotten--
      device.tracked.delete(message)
      work.batch.remove(Records.keys.sent(device.hex, tracked.order))
    } else if (inSurplus) {
      tracked.logged = false
      putSent(work, device, Bytes.fromHex(message)!, tracked.order, tracked.type, now, tracked.state, undefined)
    }
    if (surplus <= 0 && forgotten <= 0) return
  }
}

/** Takes a receipt of a device (rule state.outbox.1). States only move forward. */
export const receipt = (
  opened: Opened,
  work: Conversations.Work,
  device: Device,
  state: "delivered" | "read",
  messages: ReadonlyArray<Uint8Array>,
  now: number
): void => {
  const lane = opened.lanes.get(device.hex)
  for (const id of messages) {
    const message = Bytes.toHex(id)
    let tracked = device.tracked.get(message)
    if (tracked === undefined) {
      // The receipt overtook the relay's answer: the message has arrived, so the relay has it.
      const entry = lane?.byMessage.get(message)
      if (lane === undefined || entry === undefined || !Body.isNumbered(entry.type)) continue
      finish(work, lane, entry)
      track(work, device, entry, "sent", undefined, now)
      tracked = device.tracked.get(message)!
      work.batch.applied(() => tell(opened, device, message, entry.type, "sent"))
    }
    if (!Body.isNumbered(tracked.type)) continue
    // Nobody reads a copy: when it arrived, all is said about it.
    if (state === "read" || tracked.type === Body.types.ownDevice) {
      // At once, as the record goes: nobody who asks meanwhile may find neither. A receipt whose commit fails comes again.
      Outcomes.end(opened, device.hex, message, state)
      device.tracked.delete(message)
      work.batch.remove(Records.keys.sent(device.hex, tracked.order))
    } else {
      if (tracked.state === "delivered") continue
      tracked.state = "delivered"
      tracked.logged = false
      putSent(work, device, id, tracked.order, tracked.type, tracked.at, "delivered", undefined)
    }
    const { type } = tracked
    work.batch.applied(() => tell(opened, device, message, type, state))
  }
}

/** Tells the application, which hears only of its own messages. */
export const tell = (
  opened: Opened,
  device: Pick<Device, "account" | "hex">,
  message: string,
  type: number,
  state: OutboxState,
  reason?: string
): void => {
  if (!opened.events.watched() || (!Body.isNumbered(type) && type !== Body.types.typing)) return
  const own = device.account === opened.hex.account
  opened.events.publish({ id: message, to: senderOf(opened, device.account, device.hex), own, state, reason })
}
