/**
 * Retry requests: asking for messages that did not open, and sending again what others ask for.
 *
 * Spec: docs/spec/08-sessions.md §8.4.
 * session/Retry.ts decides; this stores and sends.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Crossing from "../session/Crossing.ts"
import * as RetryStep from "../session/Retry.ts"
import * as Conversations from "./Conversations.ts"
import * as Loading from "./Loading.ts"
import type { ClientError } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Opened } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Settling from "./Settling.ts"
import * as Peers from "./Peers.ts"
import * as Records from "./Records.ts"
import * as Sealing from "./Sealing.ts"

/** Attempts to fetch a bundle for a request, before the message is given up. */
const attempts = 5

/** What did not open and came from a known device. */
export interface Failed {
  readonly account: string
  readonly device: string
  /** Digests of envelope bodies. */
  readonly digests: ReadonlyArray<Uint8Array>
  /** Whether a session is the likely cause: the request then goes, and its answer comes, in a fresh one. */
  readonly fresh: boolean
}

/**
 * Asks a device to seal messages again, in a fresh session, if it may be asked (rule session.retry.1). Ends when the request is durable
 * or there is none to be made; only then may the envelopes be acknowledged.
 */
export const ask = (opened: Opened, { account, device, digests, fresh }: Failed): Effect.Effect<void> =>
  Effect.gen(function* () {
    const id = Bytes.fromHex(device)!
    if (!(yield* Background.persist(opened, mayAsk(opened, account, device, digests)))) return
    for (let attempt = 0; attempt < attempts; attempt++) {
      // The sender of a first message may be unknown yet; its account is pinned by this.
      const fetched = yield* Effect.result(
        Effect.flatMap(
          Effect.suspend(() => {
            const contact = opened.contacts.get(account)
            return contact === undefined ? Peers.refresh(opened, account) : Effect.succeed(contact)
          }),
          (contact) => Peers.fetchBundle(opened, contact, id)
        )
      )
      if (Result.isSuccess(fetched)) {
        opened.prepared.set(device, fetched.success)
        return yield* Background.persist(opened, request(opened, account, device, digests, fresh))
      }
      yield* Background.pause(opened, attempt)
    }
  })

const mayAsk = (
  opened: Opened,
  account: string,
  device: string,
  digests: ReadonlyArray<Uint8Array>
): Effect.Effect<boolean, ClientError> =>
  Conversations.withHandle(opened, account, (handle) =>
    Effect.map(Background.now, (now) => {
      Conversations.forgetStranger(opened, handle)
      const requests = handle.devices.get(device)?.peer.requests ?? RetryStep.noRequests
      return RetryStep.ask(requests, digests, now).next !== undefined
    })
  )

const request = (
  opened: Opened,
  account: string,
  hex: string,
  digests: ReadonlyArray<Uint8Array>,
  fresh: boolean
): Effect.Effect<void, ClientError> =>
  Effect.andThen(
    Orders.reserve(opened, 1),
    Conversations.withHandle(opened, account, (handle) =>
      Effect.flatMap(Background.now, (now) => {
        const prepared = opened.prepared.get(hex)
        if (prepared === undefined) return Effect.void
        const work = new Sealing.SendWork()
        work.handles.add(handle)
        Settling.absorb(opened, work, handle, now)
        const id = Bytes.fromHex(hex)!
        const device =
          handle.devices.get(hex) ?? Conversations.addDevice(opened, work, handle, id, prepared.bundle.mailbox)
        const asked = RetryStep.ask(device.peer.requests, digests, now)
        if (asked.next === undefined) return Effect.void
        // A session that this side began and nobody answered may be one the device could not accept either.
        if (fresh || Conversations.activeSession(device)?.session.pending !== undefined) {
          Conversations.setSessions(opened, work, device, Crossing.archive(device.peer.sessions))
        }
        work.setPeer(device, { ...device.peer, requests: asked.next })
        const body = { _tag: "RetryRequest", digests: asked.digests } as const
        Sealing.post(opened, work, handle, id, Sealing.control(opened, body, now), now, true)
        return Conversations.commitWork(opened, work)
      })
    )
  )

/** Sends again what a device wants, and takes the record of it away in the same commit. */
export const serve = (
  opened: Opened,
  key: string,
  { above, digests }: Pick<Records.Wanted, "above" | "digests">
): Effect.Effect<void> => {
  const [, account, hex] = Records.partsOf(key)
  return above === undefined ? answer(opened, key, account!, hex!, digests) : repeat(opened, key, account!, hex!, above)
}

/** What was wanted when the client ended. */
export const resume = (opened: Opened): Effect.Effect<void> =>
  Effect.flatMap(Background.persist(opened, Loading.scanAll(opened.store, "wanted/")), (records) =>
    Effect.forEach(
      records,
      ({ key, value }) =>
        Effect.flatMap(Background.persist(opened, Records.read(Records.Wanted, key, value)), (what) =>
          serve(opened, key, what)
        ),
      { discard: true }
    )
  )

/**
 * Sends again what a device asks for and the log still has (rule session.retry.2): same message id, same number, sealed in the
 * present session, or, where that was not answered yet, in a fresh one (rule session.retry.4).
 */
const answer = (
  opened: Opened,
  key: string,
  account: string,
  hex: string,
  digests: ReadonlyArray<Uint8Array>
): Effect.Effect<void> =>
  Background.persist(
    opened,
    Effect.andThen(
      Orders.reserve(opened, digests.length),
      // What the relay has already is logged first, so that it can be asked for.
      Effect.andThen(
        Settling.settle(opened, account),
        Conversations.withHandle(opened, account, (handle) =>
          Effect.gen(function* () {
            const now = yield* Background.now
            const work = new Sealing.SendWork()
            work.handles.add(handle)
            work.batch.remove(key)
            const device = handle.devices.get(hex)
            if (device === undefined) return yield* Conversations.commitWork(opened, work)
            // Rule session.retry.4: a session nobody answered in may be one that the device could not accept.
            if (Conversations.activeSession(device)?.session.pending !== undefined) {
              Conversations.setSessions(opened, work, device, Crossing.archive(device.peer.sessions))
            }
            const { log, orders } = yield* readLog(opened, hex)
            for (const digest of digests) {
              const entry = RetryStep.answer(log, digest, now)
              if (entry === undefined) continue
              const draft = yield* Loading.orCorrupt(
                "sent",
                Sealing.draftOf({ content: entry.content, answers: entry.answers + 1 })
              )
              // Once per digest: its log entry goes, and the new envelope gets one of its own.
              work.batch.remove(Records.keys.sent(hex, orders.get(entry)!))
              device.tracked.delete(Bytes.toHex(draft.messageId))
              Sealing.post(opened, work, handle, device.id, draft, now, true)
            }
            yield* Conversations.commitWork(opened, work)
          })
        )
      )
    )
  )

const readLog = Effect.fnUntraced(function* (opened: Opened, hex: string) {
  const log: Array<RetryStep.Logged> = []
  const orders = new Map<RetryStep.Logged, number>()
  for (const { key, value } of yield* Loading.scanAll(opened.store, `sent/${hex}/`)) {
    const record = yield* Records.read(Records.Sent, key, value)
    if (record.log === undefined) continue
    const logged: RetryStep.Logged = { ...record.log, answered: record.log.answered === 1 }
    log.push(logged)
    orders.set(logged, Records.orderOf(key))
  }
  return { log, orders }
})

/**
 * Sends again what a restored device has not received (rule fence.heal.1): messages the relay took and no receipt came for, with
 * numbers above the highest it knows of.
 */
const repeat = (opened: Opened, key: string, account: string, hex: string, above: number): Effect.Effect<void> =>
  Background.persist(
    opened,
    Effect.andThen(
      Orders.reserve(opened, Limits.retryLogMessages),
      Effect.andThen(
        Settling.settle(opened, account),
        Conversations.withHandle(opened, account, (handle) =>
          Effect.gen(function* () {
            const now = yield* Background.now
            const work = new Sealing.SendWork()
            work.handles.add(handle)
            work.batch.remove(key)
            const device = handle.devices.get(hex)
            if (device === undefined) return yield* Conversations.commitWork(opened, work)
            const { log, orders } = yield* readLog(opened, hex)
            for (const entry of log) {
              const stored = { content: entry.content, answers: entry.answers + 1 }
              const draft = yield* Loading.orCorrupt("sent", Sealing.draftOf(stored))
              const tracked = device.tracked.get(Bytes.toHex(draft.messageId))
              const isOwed = tracked?.state === "sent" && draft.sequence > above
              if (!isOwed || draft.answers > Limits.maxRetryAnswers || RetryStep.isForgotten(entry, now)) continue
              work.batch.remove(Records.keys.sent(hex, orders.get(entry)!))
              device.tracked.delete(Bytes.toHex(draft.messageId))
              Sealing.post(opened, work, handle, device.id, draft, now, true)
            }
            yield* Conversations.commitWork(opened, work)
          })
        )
      )
    )
  )
