/**
 * Messages on their way: one lane for each device, submitted in order, several at a time.
 *
 * Spec: docs/spec/16-state.md §16.2, rules state.outbox.1 and state.outbox.2; docs/spec/14-relay.md §14.4.
 * Submits sealed bytes exactly as they were stored, however often. Seals nothing. What became of them is stored in client/Settling.ts.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Content from "../envelope/Content.ts"
import * as Envelope from "../envelope/Envelope.ts"
import type { Refused, TransportError } from "../ports/Transport.ts"
import { absent } from "./Commit.ts"
import * as Conversations from "./Conversations.ts"
import * as Loading from "./Loading.ts"
import type { ClientError } from "./Errors.ts"
import * as Dismissals from "./Dismissals.ts"
import * as Background from "./internal/background.ts"
import type { Entry, Lane, Opened } from "./Opened.ts"
import * as Records from "./Records.ts"
import * as Settling from "./Settling.ts"

/** Submissions of one lane under way at a time. */
const window = 64

/** Records held in memory for one lane; those beyond are read again when their turn comes. */
const heldRecords = 512

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
    sealing: false,
    start: () => start(opened, lane)
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
    if (stored === undefined) return Effect.undefined
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
      if (lane.settled.length > 0) yield* Background.persist(opened, Settling.settle(opened, lane.account))
      return
    }
    // Rule relay.remove.10: it stays, for a relay that serves this device again.
    if (Dismissals.ofSelf(opened) !== undefined) return
    const batch = lane.blocked ? lane.queue.filter(isStart).slice(0, window) : lane.queue.slice(0, window)
    if (batch.length === 0 || lane.settled.length >= 4 * window) {
      // The next commit of the conversation takes it along, if one comes soon.
      if (lane.settled.length > 0 && batch.length === 0) yield* linger(opened)
      if (lane.settled.length > 0) yield* Background.persist(opened, Settling.settle(opened, lane.account))
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
  opened.hurried > 0
    ? Effect.void
    : Effect.timeoutOrElse(opened.hurry.await, { duration: lingerMs, orElse: () => Effect.void })

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
