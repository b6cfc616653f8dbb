/**
 * Sending: what an application asks for, numbered, sealed for every device and stored in one commit.
 *
 * Spec: docs/spec/07-sequencing.md §7.1; docs/spec/16-state.md §16.2, rule state.commit.1.
 * Does not seal (client/Sealing.ts) and does not submit (client/Outbox.ts).
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Utf8 from "../base/Utf8.ts"
import * as Body from "../envelope/Body.ts"
import * as Reference from "../envelope/Reference.ts"
import * as Crossing from "../session/Crossing.ts"
import type * as Api from "./Api.ts"
import * as Conversations from "./Conversations.ts"
import * as Dismissals from "./Dismissals.ts"
import { type ClientError, InvalidMessage, type PeerMisbehaved } from "./Errors.ts"
import * as Noting from "./history/Noting.ts"
import * as Background from "./internal/background.ts"
import type { Contact, Handle, Opened, PlainBody, SendRequest } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Settling from "./Settling.ts"
import * as Own from "./Own.ts"
import * as Peers from "./Peers.ts"
import * as Records from "./Records.ts"
import * as Sealing from "./Sealing.ts"

/** The body the protocol has for what an application sends. */
const plainBody = (body: Api.Body | string): Effect.Effect<PlainBody, InvalidMessage> => {
  const invalid = (reason: InvalidMessage["reason"]) => Effect.fail(new InvalidMessage({ reason }))
  const converted = convert(body)
  const { fallback } = converted
  if (fallback !== undefined && !Utf8.isWellFormed(fallback)) return invalid("not-unicode")
  if (fallback !== undefined && Utf8.byteLength(fallback) > Limits.maxFallbackBytes) return invalid("too-large")
  const encoded = Body.encode(converted.body)
  if (Result.isSuccess(encoded)) return Effect.succeed(converted)
  if (encoded.failure.cause === "decode.utf8") return invalid("not-unicode")
  if (encoded.failure.cause === "decode.size" && converted.body._tag !== "Attachment") return invalid("too-large")
  if (converted.body._tag === "Attachment") return invalid("bad-attachment")
  return invalid(converted.body._tag === "Application" ? "bad-media-type" : "bad-type")
}

const convert = (body: Api.Body | string): PlainBody => {
  if (typeof body === "string") return { body: { _tag: "Text", text: body }, fallback: undefined }
  switch (body.type) {
    case "text":
      return { body: { _tag: "Text", text: body.text }, fallback: undefined }
    case "typing":
      return { body: { _tag: "Typing", typing: body.typing }, fallback: undefined }
    case "attachment": {
      const { expiresAt, id, key, length, mediaType, name, place, preview } = body
      const bytes = Bytes.fromHex(id) ?? Bytes.empty
      const reference = { id: bytes, key, length, mediaType, name, expiresAt, place, preview }
      const { noExtensions: extensions } = Reference
      return { body: { _tag: "Attachment", reference: { ...reference, extensions } }, fallback: undefined }
    }
    case "application": {
      const { data, fallback, mediaType } = body
      return { body: { _tag: "Application", mediaType, fallback, data }, fallback: undefined }
    }
    case "opaque":
      return { body: { _tag: "Opaque", type: body.number, data: body.data }, fallback: body.fallback }
  }
}

/**
 * Seals messages for every device of a contact, durably, in one commit. Calls that come while the conversation is busy are sealed
 * together.
 */
export const send = Effect.fnUntraced(function* (
  opened: Opened,
  contact: Contact,
  bodies: ReadonlyArray<Api.Body | string>,
  options: Api.SendOptions = {}
) {
  const { idempotencyKey, replyTo } = options
  if (idempotencyKey !== undefined && (idempotencyKey.length < 1 || idempotencyKey.length > 256)) {
    return yield* new InvalidMessage({ reason: "empty-key" })
  }
  const replied = replyTo === undefined ? undefined : Bytes.fromHex(replyTo)
  if (replyTo !== undefined && replied?.length !== Limits.messageIdBytes) {
    return yield* new InvalidMessage({ reason: "bad-reply" })
  }
  const plain: Array<PlainBody> = []
  for (const body of bodies) plain.push(yield* plainBody(body))
  if (plain.length === 0) return []
  yield* prepare(opened, contact)
  const request: SendRequest = { bodies: plain, replyTo: replied, idempotencyKey, outcome: undefined }
  const requests = opened.sends.get(contact.hex)
  if (requests === undefined) opened.sends.set(contact.hex, [request])
  else requests.push(request)
  yield* Effect.onExit(sealed(opened, contact, request), () =>
    Effect.sync(() => withdraw(opened, contact.hex, request))
  )
  return yield* request.outcome ?? Effect.die(new Error("a send without an outcome"))
})

/** Waits for the locks, and seals what waits for them unless somebody else has. */
const sealed = (opened: Opened, contact: Contact, request: SendRequest): Effect.Effect<void, ClientError> =>
  Effect.flatMap(
    Own.withBoth(opened, contact.hex, (handle, own) => {
      if (request.outcome !== undefined) return Effect.succeed(true)
      // Another own device came while this waited: it gets a copy, too.
      if (own === undefined && Own.others(opened).length > 0) return Effect.succeed(false)
      return Effect.as(drain(opened, handle, own), true)
    }),
    (done) => (done ? Effect.void : sealed(opened, contact, request))
  )

const withdraw = (opened: Opened, account: string, request: SendRequest): void => {
  const requests = opened.sends.get(account)
  const at = requests?.indexOf(request) ?? -1
  if (at >= 0) requests!.splice(at, 1)
}

/** Seals what every waiting send asks for. Runs under the lock. */
const drain = (opened: Opened, handle: Handle, own: Handle | undefined): Effect.Effect<void> =>
  Effect.suspend(() => {
    const requests = opened.sends.get(handle.hex) ?? []
    opened.sends.delete(handle.hex)
    return Effect.catchCause(sealRequests(opened, handle, own, requests), (cause) =>
      Effect.sync(() => {
        for (const request of requests) request.outcome = Effect.failCause(cause)
      })
    )
  })

const sealRequests = Effect.fnUntraced(function* (
  opened: Opened,
  handle: Handle,
  own: Handle | undefined,
  requests: ReadonlyArray<SendRequest>
) {
  const now = yield* Background.now
  const contact = opened.contacts.get(handle.hex)
  const devices = Peers.targets(opened, handle)
  const addressed = contact?.manifest?.version ?? 0
  const copies = own === undefined ? 0 : Own.others(opened).length
  let count = 0
  for (const { bodies } of requests) count += bodies.length
  yield* Orders.reserve(opened, count * (devices.length + copies) + copies)
  const work = new Sealing.SendWork()
  work.handles.add(handle)
  Settling.absorb(opened, work, handle, now)
  if (own !== undefined) {
    work.handles.add(own)
    Settling.absorb(opened, work, own, now)
    // Rule own.contact.1: with the first message.
    if (handle.sequence.last === 0 && contact !== undefined)
      Own.post(opened, work, own, Own.contactWord(contact, 1), now)
  }
  const outcomes = new Map<SendRequest, ReadonlyArray<Api.Sent>>()
  const repeated = new Map<string, Api.Sent>()
  for (const request of requests) {
    const { bodies, idempotencyKey, replyTo } = request
    const id = idempotencyKey === undefined ? undefined : idOf(opened, handle, idempotencyKey)
    if (id !== undefined) {
      const before = repeated.get(Bytes.toHex(id)) ?? (yield* sentBefore(opened, id))
      if (before !== undefined) {
        outcomes.set(request, [before])
        continue
      }
    }
    const sent: Array<Api.Sent> = []
    for (const { body, fallback } of bodies) {
      const messageId = id ?? opened.entropy.bytes("msg.id", 16)
      const type = Body.typeOf(body)
      const sequence = Body.isNumbered(type) ? Sealing.number(opened, work, handle) : 0
      const encoded = Result.getOrThrow(Body.encode(body))
      const draft: Sealing.Draft = {
        type,
        messageId,
        sequence,
        sentAt: now,
        body: encoded,
        replyTo,
        fallback,
        answers: 0,
        addressed: Body.isNumbered(type) ? addressed : undefined
      }
      for (const device of devices) {
        if (type !== Body.types.typing || Sealing.isReady(opened, work, handle, device)) {
          Sealing.post(opened, work, handle, device, draft, now)
        }
      }
      Noting.sent(opened, work, handle, draft, now)
      // Rule own.copy.1.
      if (own !== undefined && Body.isNumbered(type)) {
        const copy = { own: "sent", peer: handle.account, content: Sealing.copyOf(draft) } as const
        Own.post(opened, work, own, copy, now, { messageId })
      }
      sent.push({
        id: Bytes.toHex(messageId),
        conversation: handle.conversation,
        sequence,
        devices: devices.length
      })
    }
    if (id !== undefined) remember(work, handle, id, sent[0]!, now)
    if (id !== undefined) repeated.set(sent[0]!.id, sent[0]!)
    outcomes.set(request, sent)
  }
  yield* Conversations.commitWork(opened, work)
  for (const [request, sent] of outcomes) request.outcome = Effect.succeed(sent)
})

/** The message id of an idempotency key: keyed, so that it tells the recipient nothing about the key. */
const idOf = ({ crypto, self }: Opened, handle: Handle, key: string): Uint8Array =>
  crypto.hmacSha256(self.secret, Bytes.concat(handle.direct, Bytes.utf8Encode(key))).slice(0, Limits.messageIdBytes)

const sentBefore = (opened: Opened, id: Uint8Array): Effect.Effect<Api.Sent | undefined, ClientError> => {
  const key = Records.keys.once(Bytes.toHex(id))
  return Effect.flatMap(opened.store.get(key), (stored) =>
    stored === undefined
      ? Effect.undefined
      : Effect.map(Records.read(Records.Once, key, stored.value), ({ conversation, devices, sequence }) => ({
          id: Bytes.toHex(id),
          conversation: Bytes.toHex(conversation),
          sequence,
          devices
        }))
  )
}

const remember = (work: Sealing.SendWork, handle: Handle, id: Uint8Array, sent: Api.Sent, now: number): void => {
  const { devices, sequence } = sent
  const record = { version: Records.written, conversation: handle.direct, sequence, devices, at: now } as const
  work.batch.put(Records.keys.once(sent.id), Records.Once.encode(record))
}

/**
 * Fetches what devices without a session need, before the lock is taken. A device that fails does not stop the others: its messages
 * wait. Only a contact of whom nothing verifies is an error.
 */
const prepare = Effect.fnUntraced(function* (opened: Opened, contact: Contact) {
  const handle = yield* Conversations.get(opened, contact.hex)
  if (contact.manifest === undefined) yield* Effect.result(Peers.refresh(opened, contact.hex))
  let misbehaved: PeerMisbehaved | undefined
  let usable = 0
  for (const id of Peers.targets(opened, handle)) {
    const hex = Bytes.toHex(id)
    const device = handle.devices.get(hex)
    const isBusy = (opened.lanes.get(hex)?.waiting.length ?? 0) > 0
    const isReady = device !== undefined && Sealing.sessionOf(opened, device) !== undefined
    if (isReady || isBusy || opened.prepared.has(hex)) {
      usable++
      continue
    }
    const prepared = yield* Effect.result(Peers.fetchBundle(opened, contact, id))
    if (Result.isSuccess(prepared)) opened.prepared.set(hex, prepared.success)
    if (Result.isFailure(prepared) && prepared.failure._tag === "PeerMisbehaved") misbehaved = prepared.failure
    else usable++
  }
  const gone = Dismissals.ofAccount(opened, contact.hex)
  if (gone !== undefined) return yield* Dismissals.error(contact.record.user ?? "", contact.hex, false, gone)
  if (usable === 0 && misbehaved !== undefined) return yield* misbehaved
})

/** Archives the sessions with every device of a contact, or with the other own devices, and tells them so (rules session.reset.1 and own.reset.1). Answers with how many. */
export const reset = Effect.fnUntraced(function* (opened: Opened, account: string) {
  yield* Orders.reserve(opened, maxDevices)
  return yield* Conversations.withHandle(opened, account, (handle) =>
    Effect.gen(function* () {
      let count = 0
      const now = yield* Background.now
      const work = new Sealing.SendWork()
      work.handles.add(handle)
      Settling.absorb(opened, work, handle, now)
      for (const device of handle.devices.values()) {
        if (Conversations.activeSession(device) === undefined) continue
        Conversations.setSessions(opened, work, device, Crossing.archive(device.peer.sessions))
        Sealing.post(opened, work, handle, device.id, Sealing.control(opened, { _tag: "Reset", reason: 0 }, now), now)
        count++
      }
      yield* Conversations.commitWork(opened, work)
      return count
    })
  )
})

const maxDevices = 64

/** Sends read receipts for messages to every device of a contact, and says so to the other own devices (rule own.read.1). */
export const markRead = Effect.fnUntraced(function* (opened: Opened, contact: Contact, ids: ReadonlyArray<string>) {
  const messages: Array<Uint8Array> = []
  for (const id of new Set(ids)) {
    const bytes = Bytes.fromHex(id)
    if (bytes?.length !== Limits.messageIdBytes) return yield* new InvalidMessage({ reason: "bad-reply" })
    messages.push(bytes)
  }
  if (messages.length === 0) return
  yield* Own.withBoth(opened, contact.hex, (handle, own) =>
    Effect.gen(function* () {
      const now = yield* Background.now
      const parts = Math.ceil(messages.length / Limits.maxReceiptIds)
      const copies = own === undefined ? 0 : Own.others(opened).length
      yield* Orders.reserve(opened, parts * (handle.devices.size + copies))
      const work = new Sealing.SendWork()
      work.handles.add(handle)
      Settling.absorb(opened, work, handle, now)
      if (own !== undefined) {
        work.handles.add(own)
        Settling.absorb(opened, work, own, now)
      }
      Noting.read(opened, work, messages, now)
      for (let i = 0; i < messages.length; i += Limits.maxReceiptIds) {
        const part = messages.slice(i, i + Limits.maxReceiptIds)
        for (const device of handle.devices.values()) {
          const receipt = Sealing.control(opened, { _tag: "Receipt", state: "read", messages: part }, now)
          Sealing.post(opened, work, handle, device.id, receipt, now)
        }
        if (own !== undefined) {
          Own.post(opened, work, own, { own: "read", peer: handle.account, messages: part }, now)
        }
      }
      yield* Conversations.commitWork(opened, work)
    })
  )
})
