/**
 * Messages on their way: one lane for each device, submitted in order, several at a time, and what became of them.
 *
 * Spec: docs/spec/16-state.md §16.2, rules state.outbox.1 and state.outbox.2; docs/spec/14-relay.md §14.4.
 * Submits sealed bytes exactly as they were stored, however often. Seals nothing.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Body from "../envelope/Body.ts"
import * as Content from "../envelope/Content.ts"
import * as Digest from "../envelope/Digest.ts"
import * as Envelope from "../envelope/Envelope.ts"
import type { Refused, TransportError } from "../ports/Transport.ts"
import * as Retry from "../session/Retry.ts"
import type { OutboxState } from "./Api.ts"
import { absent } from "./Commit.ts"
import * as Conversations from "./Conversations.ts"
import * as Loading from "./Loading.ts"
import type { ClientError } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Device, Entry, Handle, Lane, Opened, Settled } from "./Opened.ts"
import * as Outcomes from "./Outcomes.ts"
import * as Records from "./Records.ts"
import { senderOf } from "./Senders.ts"

/** Submissions of one lane under way at a time. */
const window = 64

/** Records held in memory for one lane; those beyond are read again when their turn comes. */
const heldRecords = 512

/** Messages whose delivered and read states are followed, for each device. */
const trackedMessages = 4096

// ---- Lanes

/** The lane of a device. */
export const laneOf = (opened: Opened, account: string, device: string): Lane => {
  const known = opened.lanes.get(device)
  if (known !== undefined) return known
  const lane: Lane = {
    account,
    device,
    waiting: [],
    queue: [],
    settled: [],
    byMessage: new Map(),
    inFlight: new Set(),
    running: false,
    blocked: false,
    sealing: false
  }
  opened.lanes.set(device, lane)
  return lane
}

/** An entry that is not stored yet. */
export const entryOf = (order: number, message: Uint8Array, type: number, record: Records.Outbox): Entry => ({
  order,
  account: Bytes.toHex(record.account),
  device: Bytes.toHex(record.device),
  message: Bytes.toHex(message),
  type,
  slot: absent(),
  record,
  done: false
})

/** Puts sealed entries at the end of their lane and sets it going. Call after the commit that stored them. */
export const enqueue = (opened: Opened, lane: Lane, entry: Entry): void => {
  if (lane.queue.length >= heldRecords) entry.record = undefined
  lane.queue.push(entry)
  lane.byMessage.set(entry.message, entry)
  start(opened, lane)
}

/** Sets a lane going, if it has anything to do. */
export const start = (opened: Opened, lane: Lane): void => {
  if (lane.running || (lane.queue.length === 0 && lane.settled.length === 0)) return
  lane.running = true
  opened.spawn(
    Effect.ensuring(
      run(opened, lane),
      Effect.sync(() => stopped(opened, lane))
    )
  )
}

const stopped = (opened: Opened, lane: Lane): void => {
  lane.running = false
  opened.idle.openUnsafe()
  opened.idle.closeUnsafe()
}

/** The record of an entry. */
export const recordOf = (opened: Opened, entry: Entry): Effect.Effect<Records.Outbox | undefined, ClientError> => {
  if (entry.record !== undefined) return Effect.succeed(entry.record)
  const key = Records.keys.outbox(entry.order)
  return Effect.flatMap(opened.store.get(key), (stored) => {
    if (stored === undefined) return Effect.succeed(undefined)
    return Effect.map(Records.read(Records.Outbox, key, stored.value), (record) => {
      entry.record = record
      return record
    })
  })
}

type Attempt = { readonly entry: Entry; readonly failure: TransportError | Refused | undefined }

const run = Effect.fnUntraced(function* (opened: Opened, lane: Lane) {
  let failures = 0
  yield* Effect.raceFirst(opened.admitted.await, opened.gone.await)
  for (;;) {
    lane.queue = lane.queue.filter((entry) => !entry.done)
    // Rule manifest.revoke.2: what waits for a removed device is given up, beside this.
    if (opened.isBarred(lane)) {
      if (lane.settled.length > 0) yield* Background.persist(opened, settle(opened, lane))
      return
    }
    const batch = lane.blocked ? lane.queue.filter(isStart).slice(0, window) : lane.queue.slice(0, window)
    if (batch.length === 0 || lane.settled.length >= 4 * window) {
      // The next commit of the conversation takes it along, if one comes soon.
      if (lane.settled.length > 0 && batch.length === 0) yield* linger(opened)
      if (lane.settled.length > 0) yield* Background.persist(opened, settle(opened, lane))
      else if (lane.queue.length === 0 || lane.blocked) return
      continue
    }
    const token = yield* Background.persist(opened, tokenOf(opened, lane))
    for (const entry of batch) lane.inFlight.add(entry)
    const attempts = yield* Effect.forEach(batch, (entry) => attempt(opened, entry, token), {
      concurrency: "unbounded"
    })
    lane.inFlight.clear()
    let again = false
    let waitMs = 0
    for (const { entry, failure } of attempts) {
      if (failure === undefined) lane.settled.push({ entry, reason: undefined })
      else if (failure._tag === "TransportError") again = true
      else if (isTransient(failure)) {
        again = true
        waitMs = Math.max(waitMs, failure.retryAfterMs)
      } else {
        const repair = yield* opened.repair(lane, entry, failure)
        if (repair._tag === "Failed") lane.settled.push({ entry, reason: repair.reason })
        else again ||= !lane.blocked
      }
    }
    const settled = new Set(lane.settled.map(({ entry }) => entry))
    lane.queue = lane.queue.filter((entry) => !settled.has(entry))
    if (again) yield* Background.pause(opened, failures++, waitMs)
    else failures = 0
  }
})

/** How long what became of messages may wait for another commit to be stored with, ms. */
const lingerMs = 10

const linger = (opened: Opened): Effect.Effect<void> =>
  opened.hurried > 0 ? Effect.void : Effect.raceFirst(Effect.sleep(lingerMs), opened.hurry.await)

const isTransient = ({ code, retryAfterMs }: Refused): boolean =>
  retryAfterMs > 0 || code === "internal" || code === "going-away"

/** Whether an entry needs no token: a session start. Entries whose record was put aside are looked at when their turn comes. */
const isStart = ({ record }: Entry): boolean => record !== undefined && kindOf(record) === Envelope.kinds.sessionStart

const kindOf = (record: Records.Outbox): number | undefined => {
  const envelope = Envelope.decode(record.envelope)
  return Result.isSuccess(envelope) ? envelope.success.kind : undefined
}

const tokenOf = (opened: Opened, lane: Lane): Effect.Effect<Uint8Array | undefined, ClientError> =>
  Effect.map(Conversations.get(opened, lane.account), (handle) => handle.devices.get(lane.device)?.peer.token)

const attempt = (opened: Opened, entry: Entry, token: Uint8Array | undefined): Effect.Effect<Attempt> =>
  Effect.flatMap(Background.persist(opened, recordOf(opened, entry)), (record) =>
    record === undefined || entry.done
      ? Effect.succeed({ entry, failure: undefined })
      : Effect.match(opened.transport.submit(record.envelope, token), {
          onSuccess: () => ({ entry, failure: undefined }),
          onFailure: (failure) => ({ entry, failure })
        })
  )

// ---- What became of them

/** Stores what became of a lane's entries. */
const settle = (opened: Opened, lane: Lane): Effect.Effect<void, ClientError> => settleNow(opened, lane.account)

/** Stores what became of everything sent in a conversation. */
export const settleNow = (opened: Opened, account: string): Effect.Effect<void, ClientError> =>
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
  finish(opened, work, lane, entry)
  if (reason !== undefined) {
    Outcomes.fail(work.batch, lane, entry, reason, now)
    work.batch.applied(() => tell(opened, device, entry.message, entry.type, "failed", reason))
    return
  }
  const { record } = entry
  if (record !== undefined && entry.type !== Body.types.typing) {
    const log = entry.type === Body.types.retryRequest ? undefined : logOf(opened, record, now)
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
const finish = (opened: Opened, work: Conversations.Work, lane: Lane, entry: Entry): void => {
  work.batch.remove(Records.keys.outbox(entry.order), entry.slot)
  work.batch.applied(() => {
    entry.done = true
    lane.byMessage.delete(entry.message)
    start(opened, lane)
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
      finish(opened, work, lane, entry)
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

// ---- Restart

/** Brings back what was on its way when the client closed (rule state.outbox.2). */
export const load = Effect.fnUntraced(function* (opened: Opened) {
  for (const { key, revision, value } of yield* Loading.scanAll(opened.store, "outbox/")) {
    const record = yield* Records.read(Records.Outbox, key, value)
    const { messageId, type } = yield* Loading.orCorrupt("outbox", Content.Frame.decode(record.content))
    const entry = entryOf(Records.orderOf(key), messageId, type, record)
    entry.slot.revision = revision
    const lane = laneOf(opened, entry.account, entry.device)
    const line = record.envelope.length === 0 ? lane.waiting : lane.queue
    if (line.length >= heldRecords) entry.record = undefined
    line.push(entry)
    if (line === lane.queue) lane.byMessage.set(entry.message, entry)
  }
})
