/**
 * Sending: numbering, sealing for every device, storing, and sealing later what could not be sealed at once.
 *
 * Spec: docs/spec/07-sequencing.md §7.1; docs/spec/08-sessions.md §8.2; docs/spec/16-state.md §16.2, rule state.commit.1.
 * Nothing sealed leaves this module before the commit that stores it; client/Outbox.ts takes it from there.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bundle from "../agreement/Bundle.ts"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Utf8 from "../base/Utf8.ts"
import * as Suite from "../crypto/Suite.ts"
import * as Body from "../envelope/Body.ts"
import * as Content from "../envelope/Content.ts"
import * as Fence from "../sequence/Fence.ts"
import * as Sequence from "../sequence/Sequence.ts"
import * as Crossing from "../session/Crossing.ts"
import * as Send from "../session/Send.ts"
import * as SessionStart from "../session/SessionStart.ts"
import type * as Api from "./Api.ts"
import * as Conversations from "./Conversations.ts"
import { type ClientError, InvalidMessage, type PeerMisbehaved } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Contact, Device, Entry, Handle, Lane, Opened, PlainBody, SendRequest, SessionEntry } from "./Opened.ts"
import * as Outbox from "./Outbox.ts"
import * as Peers from "./Peers.ts"
import * as Records from "./Records.ts"
import * as Warnings from "./Warnings.ts"

/** Numbers after a floor that repeat it, in case the first ones get lost. */
const floorRepeats = 32

/** A message before it is sealed for a device. */
export interface Draft {
  readonly type: number
  readonly messageId: Uint8Array
  /** 0 for unnumbered types, and while the number is not given out. */
  readonly sequence: number
  readonly sentAt: number
  /** The encoded body. */
  readonly body: Uint8Array
  readonly replyTo: Uint8Array | undefined
  readonly fallback: string | undefined
  /** How often it was sealed before, in answer to retry requests. */
  readonly answers: number
}

/** Why a message cannot be sealed for a device now. */
type Hindrance = "frozen" | "no-session" | "unanswered"

/** A work of sending: remembers for which devices something waits, so that what follows waits behind it. */
export class SendWork extends Conversations.Work {
  readonly stalled = new Set<string>()
  /** Devices that something was sealed for. */
  readonly posted = new Set<string>()
  /** Outbox records this work has changed. */
  readonly changed = new Map<Entry, Records.Outbox>()
}

/** An unnumbered message of this device. */
export const control = (opened: Opened, body: Body.Body, now: number): Draft => ({
  type: Body.typeOf(body),
  messageId: opened.entropy.bytes("msg.id", 16),
  sequence: 0,
  sentAt: now,
  body: Result.getOrThrow(Body.encode(body)),
  replyTo: undefined,
  fallback: undefined,
  answers: 0
})

// ---- Sealing

/**
 * Puts a message for one device into the work: sealed if that can be, else waiting. `urgent` passes what waits, and frozen
 * devices: for what repairs.
 */
export const post = (
  opened: Opened,
  work: SendWork,
  handle: Handle,
  device: Uint8Array,
  draft: Draft,
  now: number,
  urgent = false
): void => {
  const hex = Bytes.toHex(device)
  const lane = Outbox.laneOf(opened, handle.hex, hex)
  const behind = !urgent && (lane.waiting.length > 0 || work.stalled.has(hex))
  const sealed = behind ? "no-session" : seal(opened, work, handle, device, draft, now, urgent)
  const record: Records.Outbox = {
    version: Records.written,
    account: handle.account,
    device,
    answers: draft.answers,
    ...(typeof sealed === "string" ? { content: plain(draft), envelope: Bytes.empty } : sealed)
  }
  const entry = Outbox.entryOf(Outbox.nextOrder(opened), draft.messageId, draft.type, record)
  work.batch.put(Records.keys.outbox(entry.order), Records.Outbox.encode(record), entry.slot)
  if (typeof sealed === "string") {
    work.stalled.add(hex)
    work.batch.applied(() => {
      lane.waiting.push(entry)
      Outbox.tell(opened, { account: handle.hex, hex }, entry.message, entry.type, "queued")
      wake(opened, lane)
    })
  } else {
    work.posted.add(hex)
    work.batch.applied(() => {
      Outbox.tell(opened, { account: handle.hex, hex }, entry.message, entry.type, "queued")
      Outbox.enqueue(opened, lane, entry)
    })
  }
}

/** Content without extensions of the moment: how a waiting message is stored. */
const plain = (draft: Draft): Uint8Array => encode(draft, { unknown: [] })

const encode = (draft: Draft, extensions: Content.Extensions): Uint8Array => {
  const { body, fallback, messageId, replyTo, sentAt, sequence, type } = draft
  return Content.Frame.encode({
    type,
    conversation: Bytes.empty,
    sequence,
    messageId,
    sentAt,
    body,
    extensions: {
      ...extensions,
      ...(fallback === undefined ? {} : { fallback }),
      ...(replyTo === undefined ? {} : { replyTo })
    }
  })
}

/** A stored message, to be sealed now. */
export const draftOf = ({
  answers,
  content
}: Pick<Records.Outbox, "answers" | "content">): Result.Result<Draft, unknown> =>
  Result.map(Content.Frame.decode(content), ({ body, extensions, messageId, sentAt, sequence, type }) => ({
    type,
    messageId,
    sequence,
    sentAt,
    body,
    replyTo: extensions.replyTo,
    fallback: extensions.fallback,
    answers
  }))

/** What a message to this device carries beside its body (rules fence.carry.1, sequence.floor.1). */
const extensionsFor = (opened: Opened, device: Device, draft: Draft, isStart: boolean): Content.Extensions => {
  const { floor, tokenKnown } = device.peer
  const floored = floor > 0 && draft.sequence > floor && (isStart || draft.sequence <= floor + floorRepeats)
  return {
    ...Fence.carry(opened.self.fence, Conversations.fenceOf(device.peer)),
    ...(tokenKnown === 1 ? {} : { deliveryToken: opened.self.token }),
    ...(floored ? { floor } : {}),
    unknown: []
  }
}

const seal = (
  opened: Opened,
  work: SendWork,
  handle: Handle,
  id: Uint8Array,
  draft: Draft,
  now: number,
  urgent: boolean
): { readonly content: Uint8Array; readonly envelope: Uint8Array } | Hindrance => {
  const { crypto, entropy, self } = opened
  const known = handle.devices.get(Bytes.toHex(id))
  if (known !== undefined && !urgent && Conversations.isFrozen(opened, known)) return "frozen"
  const found = known === undefined ? undefined : Conversations.activeSession(known)
  const begun = found === undefined ? begin(opened, work, handle, id, now) : undefined
  const entry = found ?? begun?.entry
  const device = known ?? begun?.device
  if (entry === undefined || device === undefined) return "no-session"
  if (draft.sequence > 0 && device.peer.addressed === 0) {
    // Rule sequence.floor.1: numbers before the first message to this device were never meant for it.
    work.setPeer(device, { ...device.peer, addressed: 1, floor: draft.sequence - 1 })
  }
  const { session } = entry
  const isStart = session.pending !== undefined
  const content = encode(draft, extensionsFor(opened, device, draft, isStart))
  const headerNonce = entropy.bytes("header.nonce", Suite.suites[session.ratchet.suite].nonceLength)
  const to = device.peer.mailbox
  const sealed = isStart
    ? SessionStart.seal(crypto, session, {
        to,
        content,
        headerNonce,
        ephemeralSecret: entropy.bytes("sealed.eph", 32),
        certificate: self.certificate,
        manifestVersion: opened.manifestVersion,
        mailbox: self.mailbox,
        user: self.user
      })
    : Send.seal(crypto, session, to, content, headerNonce)
  if (Result.isSuccess(sealed)) {
    work.setSession(entry, sealed.success.next)
    work.batch.consume(sealed.success.consumed)
    return { content, envelope: sealed.success.envelope }
  }
  if (sealed.failure.cause === "limit.unanswered") return "unanswered"
  // The session can send no more (limit.chain): the next message begins another one.
  Conversations.setSessions(opened, work, device, Crossing.archive(device.peer.sessions))
  return "no-session"
}

/** Begins a session with the bundle that was fetched for the device, if one was. */
const begin = (
  opened: Opened,
  work: SendWork,
  handle: Handle,
  id: Uint8Array,
  now: number
): { readonly device: Device; readonly entry: SessionEntry } | undefined => {
  const { crypto, entropy, identity, prepared, suites } = opened
  const hex = Bytes.toHex(id)
  const ready = prepared.get(hex)
  if (ready === undefined) return undefined
  prepared.delete(hex)
  const suite = Bundle.chooseSuite(ready.bundle, suites)
  if (Result.isFailure(suite)) return undefined
  const known = handle.devices.get(hex)
  const begun = SessionStart.begin(crypto, {
    suite: suite.success,
    self: identity,
    bundle: ready.bundle,
    dh1: ready.dh1,
    ephemeralSecret: entropy.bytes("pqxdh.eph", 32),
    kemCoins: entropy.bytes("kem.encap", 32),
    ratchetSecret: entropy.bytes("ratchet.eph", 32),
    rank: Crossing.nextRank(known?.peer.sessions ?? Crossing.none, now)
  })
  if (Result.isFailure(begun)) return undefined
  const { consumed, session } = begun.success
  const { mailbox } = ready.bundle
  const device = known ?? Conversations.addDevice(opened, work, handle, id, mailbox)
  work.setPeer(device, { ...device.peer, mailbox, tokenKnown: 0 })
  work.batch.consume(consumed)
  const entry = Conversations.addSession(opened, work, device, session)
  Conversations.setSessions(
    opened,
    work,
    device,
    Crossing.begin(device.peer.sessions, { id: session.id, rank: session.rank })
  )
  return { device, entry }
}

// ---- Sending

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
  if (encoded.failure.cause === "decode.size") return invalid("too-large")
  return invalid(converted.body._tag === "Application" ? "bad-media-type" : "bad-type")
}

const convert = (body: Api.Body | string): PlainBody => {
  if (typeof body === "string") return { body: { _tag: "Text", text: body }, fallback: undefined }
  switch (body.type) {
    case "text":
      return { body: { _tag: "Text", text: body.text }, fallback: undefined }
    case "typing":
      return { body: { _tag: "Typing", typing: body.typing }, fallback: undefined }
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
  yield* Effect.onExit(
    Conversations.withHandle(opened, contact.hex, (handle) =>
      request.outcome === undefined ? drain(opened, handle) : Effect.void
    ),
    () => Effect.sync(() => withdraw(opened, contact.hex, request))
  )
  return yield* request.outcome ?? Effect.die(new Error("a send without an outcome"))
})

const withdraw = (opened: Opened, account: string, request: SendRequest): void => {
  const requests = opened.sends.get(account)
  const at = requests?.indexOf(request) ?? -1
  if (at >= 0) requests!.splice(at, 1)
}

/** Seals what every waiting send asks for. Runs under the lock. */
const drain = (opened: Opened, handle: Handle): Effect.Effect<void> =>
  Effect.suspend(() => {
    const requests = opened.sends.get(handle.hex) ?? []
    opened.sends.delete(handle.hex)
    return Effect.catchCause(sealRequests(opened, handle, requests), (cause) =>
      Effect.sync(() => {
        for (const request of requests) request.outcome = Effect.failCause(cause)
      })
    )
  })

const sealRequests = Effect.fnUntraced(function* (
  opened: Opened,
  handle: Handle,
  requests: ReadonlyArray<SendRequest>
) {
  const now = yield* Background.now
  const devices = Peers.targets(opened, handle)
  let count = 0
  for (const { bodies } of requests) count += bodies.length
  yield* Outbox.reserve(opened, count * devices.length)
  const work = new SendWork()
  work.handles.add(handle)
  Outbox.absorb(opened, work, handle, now)
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
      const sequence = Body.isNumbered(type) ? number(opened, work, handle) : 0
      const encoded = Result.getOrThrow(Body.encode(body))
      const draft: Draft = { type, messageId, sequence, sentAt: now, body: encoded, replyTo, fallback, answers: 0 }
      for (const device of devices) {
        if (type !== Body.types.typing || isReady(opened, work, handle, device)) {
          post(opened, work, handle, device, draft, now)
        }
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

/** The next number of a conversation, or 0 when it is frozen and the numbers are given out after it thawed. */
const number = (opened: Opened, work: SendWork, handle: Handle): number => {
  if (isNumberless(opened, handle)) return 0
  const next = Result.getOrThrow(Sequence.step(handle.sequence))
  work.setSequence(handle, next)
  return next.last
}

/** Whether no device has yet said how far it received this conversation (rule fence.heal.1). */
export const isNumberless = (opened: Opened, handle: Handle): boolean => {
  let frozen = false
  for (const device of handle.devices.values()) {
    if (!Conversations.isFrozen(opened, device)) return false
    frozen = true
  }
  return frozen
}

/** Whether a passing notice can go out at once; otherwise it is not worth sending. */
export const isReady = (opened: Opened, work: SendWork, handle: Handle, id: Uint8Array): boolean => {
  const hex = Bytes.toHex(id)
  const device = handle.devices.get(hex)
  return (
    device !== undefined &&
    !Conversations.isFrozen(opened, device) &&
    Conversations.activeSession(device) !== undefined &&
    !work.stalled.has(hex) &&
    (opened.lanes.get(hex)?.waiting.length ?? 0) === 0
  )
}

/** The message id of an idempotency key: keyed, so that it tells the recipient nothing about the key. */
const idOf = ({ crypto, self }: Opened, handle: Handle, key: string): Uint8Array =>
  crypto.hmacSha256(self.secret, Bytes.concat(handle.direct, Bytes.utf8Encode(key))).slice(0, Limits.messageIdBytes)

const sentBefore = (opened: Opened, id: Uint8Array): Effect.Effect<Api.Sent | undefined, ClientError> => {
  const key = Records.keys.once(Bytes.toHex(id))
  return Effect.flatMap(opened.store.get(key), (stored) =>
    stored === undefined
      ? Effect.succeed(undefined)
      : Effect.map(Records.read(Records.Once, key, stored.value), ({ conversation, devices, sequence }) => ({
          id: Bytes.toHex(id),
          conversation: Bytes.toHex(conversation),
          sequence,
          devices
        }))
  )
}

const remember = (work: SendWork, handle: Handle, id: Uint8Array, sent: Api.Sent, now: number): void => {
  const { devices, sequence } = sent
  const record = { version: Records.written, conversation: handle.direct, sequence, devices, at: now } as const
  work.batch.put(Records.keys.once(sent.id), Records.Once.encode(record))
}

// ---- Devices without a session

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
    const isReady = device !== undefined && Conversations.activeSession(device) !== undefined
    if (isReady || isBusy || opened.prepared.has(hex)) {
      usable++
      continue
    }
    const prepared = yield* Effect.result(Peers.fetchBundle(opened, contact, id))
    if (Result.isSuccess(prepared)) opened.prepared.set(hex, prepared.success)
    if (Result.isFailure(prepared) && prepared.failure._tag === "PeerMisbehaved") misbehaved = prepared.failure
    else usable++
  }
  if (usable === 0 && misbehaved !== undefined) return yield* misbehaved
})

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
      if (fetched.failure === "removed")
        return yield* Background.persist(opened, abandon(opened, lane, "device-removed"))
      yield* Background.pause(opened, failures++, fetched.failure.retryAfterMs)
    } else if (failures++ > 0) yield* Background.pause(opened, failures)
  }
})

/** Fetches the bundle for a lane. */
const fetchFor = Effect.fnUntraced(function* (opened: Opened, lane: Lane) {
  const id = Bytes.fromHex(lane.device)!
  const contact = opened.contacts.get(lane.account)
  if (contact === undefined) return yield* Effect.fail({ retryAfterMs: 1000 })
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
  return yield* Effect.fail({ retryAfterMs: failure._tag === "Refused" ? failure.retryAfterMs : 0 })
})

/** Seals as much of what waits as can be, in order. Answers what hinders the rest. Runs under the lock. */
const sealSome = Effect.fnUntraced(function* (opened: Opened, handle: Handle, lane: Lane) {
  const now = yield* Background.now
  const work = new SendWork()
  work.handles.add(handle)
  Outbox.absorb(opened, work, handle, now)
  if (!isNumberless(opened, handle)) yield* numberWaiting(opened, work, handle)
  const id = Bytes.fromHex(lane.device)!
  const sealed: Array<Entry> = []
  let hindrance: Hindrance | undefined
  for (const entry of lane.waiting.slice(0, sealedAtOnce)) {
    const record = work.changed.get(entry) ?? (yield* Outbox.recordOf(opened, entry))
    if (record === undefined) {
      sealed.push(entry)
      continue
    }
    const draft = yield* Conversations.orCorrupt("outbox", draftOf(record))
    const outcome = seal(opened, work, handle, id, draft, now, false)
    if (typeof outcome === "string") {
      hindrance = outcome
      break
    }
    const next = { ...record, ...outcome }
    change(work, entry, next)
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
  work: SendWork,
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
    const draft = yield* Conversations.orCorrupt("outbox", draftOf(record))
    if (draft.sequence > 0) continue
    const given = numbers.get(entry.message) ?? number(opened, work, handle)
    numbers.set(entry.message, given)
    const next = { ...record, content: plain({ ...draft, sequence: given }) }
    change(work, entry, next)
  }
})

/** Replaces the record of an entry. */
const change = (work: SendWork, entry: Entry, record: Records.Outbox): void => {
  work.changed.set(entry, record)
  work.batch.put(Records.keys.outbox(entry.order), Records.Outbox.encode(record), entry.slot)
  work.batch.applied(() => {
    entry.record = record
  })
}

/** Gives up what waits for a device. */
export const abandon = (opened: Opened, lane: Lane, reason: string): Effect.Effect<void, ClientError> =>
  Conversations.withHandle(opened, lane.account, (handle) =>
    Effect.suspend(() => {
      const work = new SendWork()
      work.handles.add(handle)
      const waiting = lane.waiting
      for (const entry of waiting) work.batch.remove(Records.keys.outbox(entry.order), entry.slot)
      work.batch.applied(() => {
        lane.waiting = lane.waiting.filter((entry) => !waiting.includes(entry))
        const device = { account: lane.account, hex: lane.device }
        for (const entry of waiting) Outbox.tell(opened, device, entry.message, entry.type, "failed", reason)
      })
      return Conversations.commitWork(opened, work)
    })
  )

/** Publishes a warning unless one about the same thing was published before. */
export const warnOnce = (opened: Opened, about: string, warning: (at: number) => Api.Warning): void => {
  if (opened.warned.has(about)) return
  if (opened.warned.size >= rememberedWarnings) opened.warned.clear()
  opened.warned.add(about)
  opened.spawn(Effect.map(Background.now, (at) => opened.warnings.publish(warning(at))))
}

const rememberedWarnings = 10_000

/** Archives the sessions with every device of a contact and tells them so (rule session.reset.1). */
export const reset = Effect.fnUntraced(function* (opened: Opened, contact: Contact) {
  yield* Outbox.reserve(opened, maxDevices)
  yield* Conversations.withHandle(opened, contact.hex, (handle) =>
    Effect.gen(function* () {
      const now = yield* Background.now
      const work = new SendWork()
      work.handles.add(handle)
      Outbox.absorb(opened, work, handle, now)
      for (const device of handle.devices.values()) {
        if (Conversations.activeSession(device) === undefined) continue
        Conversations.setSessions(opened, work, device, Crossing.archive(device.peer.sessions))
        post(opened, work, handle, device.id, control(opened, { _tag: "Reset", reason: 0 }, now), now)
      }
      yield* Conversations.commitWork(opened, work)
    })
  )
})

const maxDevices = 64

/** Sends read receipts for messages to every device of a contact. */
export const markRead = Effect.fnUntraced(function* (opened: Opened, contact: Contact, ids: ReadonlyArray<string>) {
  const messages: Array<Uint8Array> = []
  for (const id of new Set(ids)) {
    const bytes = Bytes.fromHex(id)
    if (bytes?.length !== Limits.messageIdBytes) return yield* new InvalidMessage({ reason: "bad-reply" })
    messages.push(bytes)
  }
  if (messages.length === 0) return
  yield* Conversations.withHandle(opened, contact.hex, (handle) =>
    Effect.gen(function* () {
      const now = yield* Background.now
      const parts = Math.ceil(messages.length / Limits.maxReceiptIds)
      yield* Outbox.reserve(opened, parts * handle.devices.size)
      const work = new SendWork()
      work.handles.add(handle)
      Outbox.absorb(opened, work, handle, now)
      for (const device of handle.devices.values()) {
        for (let i = 0; i < messages.length; i += Limits.maxReceiptIds) {
          const part = messages.slice(i, i + Limits.maxReceiptIds)
          post(
            opened,
            work,
            handle,
            device.id,
            control(opened, { _tag: "Receipt", state: "read", messages: part }, now),
            now
          )
        }
      }
      yield* Conversations.commitWork(opened, work)
    })
  )
})

/** Takes the seal and the number off a message that has not left. */
export const unseal = Effect.fnUntraced(function* (work: SendWork, entry: Entry, record: Records.Outbox) {
  const draft = yield* Conversations.orCorrupt("outbox", draftOf(record))
  change(work, entry, { ...record, content: plain({ ...draft, sequence: 0 }), envelope: Bytes.empty })
})

/**
 * Puts messages that this run sent to a device, and that no receipt came for, into the line of those to be sealed: they were sealed
 * with an old state, and the device has said what it received.
 */
export const sendAgain = Effect.fnUntraced(function* (opened: Opened, work: SendWork, handle: Handle, device: Device) {
  const lane = Outbox.laneOf(opened, handle.hex, device.hex)
  const again: Array<Entry> = []
  for (const [message, tracked] of device.tracked) {
    if (tracked.state !== "sent" || tracked.order < opened.firstOrder || !Body.isNumbered(tracked.type)) continue
    const key = Records.keys.sent(device.hex, tracked.order)
    const stored = work.batch.peek(key) ?? (yield* opened.store.get(key))?.value
    if (stored === undefined || stored === "removed") continue
    const { log } = yield* Records.read(Records.Sent, key, stored)
    if (log === undefined) continue
    const draft = yield* Conversations.orCorrupt("sent", draftOf(log))
    device.tracked.delete(message)
    work.batch.remove(key)
    const record: Records.Outbox = {
      version: Records.written,
      account: handle.account,
      device: device.id,
      answers: 0,
      content: plain({ ...draft, sequence: 0 }),
      envelope: Bytes.empty
    }
    const entry = Outbox.entryOf(tracked.order, draft.messageId, draft.type, record)
    change(work, entry, record)
    again.push(entry)
  }
  // They were sent before what waits, and go before it.
  work.batch.applied(() => {
    lane.waiting = [...again, ...lane.waiting].sort((a, b) => a.order - b.order)
  })
  return again
})
