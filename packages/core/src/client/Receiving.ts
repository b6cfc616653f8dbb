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
import type { Cause } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Body from "../envelope/Body.ts"
import type * as Content from "../envelope/Content.ts"
import * as Digest from "../envelope/Digest.ts"
import * as Envelope from "../envelope/Envelope.ts"
import type * as Certificate from "../identity/Certificate.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as Name from "../identity/Name.ts"
import type { Delivery } from "../ports/Transport.ts"
import * as FenceStep from "../sequence/Fence.ts"
import * as ReplayWindow from "../sequence/ReplayWindow.ts"
import * as Crossing from "../session/Crossing.ts"
import * as Receive from "../session/Receive.ts"
import * as RetryStep from "../session/Retry.ts"
import * as Session from "../session/Session.ts"
import * as SessionStart from "../session/SessionStart.ts"
import type * as Api from "./Api.ts"
import { Batch, commit } from "./Commit.ts"
import * as Conversations from "./Conversations.ts"
import type { ClientError } from "./Errors.ts"
import * as Fence from "./Fence.ts"
import * as Inbox from "./Inbox.ts"
import * as Background from "./internal/background.ts"
import type { Contact, Device, Handle, Opened, SessionEntry } from "./Opened.ts"
import * as Outbox from "./Outbox.ts"
import * as Peers from "./Peers.ts"
import * as Prekeys from "./Prekeys.ts"
import * as Receipts from "./Receipts.ts"
import * as Records from "./Records.ts"
import * as Retry from "./Retry.ts"
import * as Sealing from "./Sealing.ts"
import * as Waiting from "./Waiting.ts"
import * as Warnings from "./Warnings.ts"

/** Envelopes opened under one commit. */
const mostTogether = 256

/** Envelopes taken from the transport before they are opened. */
const ahead = 512

/** Deliveries remembered as committed but perhaps not acknowledged. */
const remembered = 512

/** How often a start is put off while the directory does not answer. */
const mostPutOff = 5

/** Session starts held for one changed identity. */
const mostHeld = 64

/** Everything one burst of envelopes changes, and what follows from it. */
class Burst extends Sealing.SendWork {
  readonly now: number
  readonly held = new Map<string, Handle>()
  readonly touched = new Set<Device>()
  /** Devices that began a session and get an answer. */
  readonly answers = new Set<Device>()
  readonly contacts = new Map<string, Contact>()
  /** The newest manifest of accounts whose manifests this burst fetched. */
  readonly manifests = new Map<string, Manifest.Manifest>()
  readonly asked = new Map<string, "unanswered" | "lookup.manifest-gap">()
  readonly warnings: Array<Api.Warning> = []
  readonly failed = new Map<
    string,
    Omit<Retry.Failed, "fresh"> & { readonly digests: Array<Uint8Array>; readonly ids: Array<number>; fresh: boolean }
  >()
  readonly acknowledged: Array<Delivery> = []
  /** Show what was delivered, after the commit. */
  readonly shows: Array<() => void> = []
  /** What is done after the commit. */
  readonly after: Array<Effect.Effect<void>> = []
  readonly resynchronised: Array<{ readonly device: Device; readonly request: Resynchronise }> = []
  readonly claims: Array<{ readonly contact: Contact; readonly user: string }> = []
  prekeysUsed = 0
  /** A message of no session came. */
  lost = false
  received: number
  readonly acknowledges: boolean
  /** How often its envelopes were put off before. */
  readonly attempt: number

  constructor(now: number, received: number, acknowledges: boolean, attempt: number) {
    super()
    this.now = now
    this.received = received
    this.acknowledges = acknowledges
    this.attempt = attempt
  }
}

type Resynchronise = Extract<Body.DeviceControl, { readonly _tag: "Resynchronise" }>

/** The end of an envelope tells it from others: it is a part of an authentication tag. */
const endOf = ({ envelope }: Delivery): string => Bytes.toHex(envelope.subarray(Math.max(0, envelope.length - 16)))

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
  Effect.flatMap(Background.now, (now) => {
    const work = new Burst(now, opened.received, acknowledges, attempt)
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
  for (const delivery of deliveries) {
    // Delivered again because its acknowledgement got lost: it was committed, and is no event.
    if (acknowledges && opened.committed.get(delivery.id) === endOf(delivery)) {
      work.acknowledged.push(delivery)
      continue
    }
    yield* receiveOne(opened, work, delivery)
  }
  for (const { contact, user } of work.claims) yield* confirmClaim(opened, work, contact, user)
  yield* answerAll(opened, work)
  if (acknowledges) putProgress(opened, work)
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
    Waiting.wake(opened, lane)
  }
  for (const effect of work.after) opened.spawn(effect)
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

/** Writes down what is committed with this burst, so that a crash before the acknowledgement raises no alarm. */
const putProgress = (opened: Opened, work: Burst): void => {
  const committed = new Map(opened.committed)
  for (const delivery of work.acknowledged) committed.set(delivery.id, endOf(delivery))
  for (const id of committed.keys()) {
    if (committed.size <= remembered) break
    committed.delete(id)
  }
  const record: Records.ProgressIn = {
    version: Records.written,
    order: work.received,
    committed: [...committed].map(([id, end]) => ({ id, end: padded(Bytes.fromHex(end)!) }))
  }
  work.batch.put(Records.keys.progressIn, Records.ProgressIn.encode(record), opened.progressInSlot)
  work.batch.applied(() => {
    for (const delivery of work.acknowledged) opened.committed.set(delivery.id, endOf(delivery))
    for (const id of opened.committed.keys()) {
      if (opened.committed.size <= remembered) break
      opened.committed.delete(id)
    }
  })
}

const padded = (bytes: Uint8Array): Uint8Array =>
  bytes.length === 16 ? bytes : Bytes.concat(bytes, new Uint8Array(16 - bytes.length))

/** Takes the lock of a conversation for this burst. */
const hold = (opened: Opened, work: Burst, account: string): Effect.Effect<Handle, ClientError> => {
  const held = work.held.get(account)
  if (held !== undefined) return Effect.succeed(held)
  return Effect.uninterruptible(
    Effect.map(Conversations.acquire(opened, account), (handle) => {
      work.held.set(account, handle)
      work.handles.add(handle)
      Outbox.absorb(opened, work, handle, work.now)
      return handle
    })
  )
}

// ---- One envelope

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
  yield* receiveStart(opened, work, delivery, body)
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
  apply(opened, work, handle, device, entry, result.success, changed, delivery)
}

const receiveStart = Effect.fnUntraced(function* (opened: Opened, work: Burst, delivery: Delivery, body: Uint8Array) {
  const { crypto, custody, identity } = opened
  const prefix = Envelope.prefix(Envelope.kinds.sessionStart, opened.self.mailbox)
  const sealed = SessionStart.decode(body, opened.suites)
  if (Result.isFailure(sealed)) return reject(opened, work, delivery, sealed.failure.cause)
  const shared = yield* custody.agree(sealed.success.ephemeral)
  const unsealed = SessionStart.unseal(crypto, identity, sealed.success, shared, prefix)
  shared?.fill(0)
  if (Result.isFailure(unsealed)) return reject(opened, work, delivery, unsealed.failure.cause)
  const { certificate, digest, start } = unsealed.success
  const account = Bytes.toHex(certificate.account)
  const hex = Bytes.toHex(certificate.device)
  const handle = yield* hold(opened, work, account)
  const contact = work.contacts.get(account) ?? opened.contacts.get(account)
  const known = handle.devices.get(hex)
  const refused = yield* admit(opened, work, handle, contact, certificate)
  if (refused === "unanswered") return putOff(opened, work, delivery)
  if (refused !== undefined) return reject(opened, work, delivery, refused, known)
  const message = { prefix, message: start.message, direct: handle.direct, now: work.now }

  // Rule session.start.2: a repetition is opened by the session it began.
  const repeated = known === undefined ? undefined : findStart(known, digest)
  if (known !== undefined && repeated !== undefined) {
    const result = Receive.open(crypto, repeated.session, repeated.skipped, message)
    if (Result.isFailure(result)) {
      const cause = result.failure.cause === "lookup.no-session" ? "fresh.replayed-start" : result.failure.cause
      return reject(opened, work, delivery, cause, known, body)
    }
    const mark = Session.markOf(repeated.session)
    const changed = Crossing.accept(
      known.peer.sessions,
      mark,
      Body.takesOver(result.success.content.body),
      Conversations.activeSession(known)?.session.pending !== undefined
    )
    return apply(opened, work, handle, known, repeated, result.success, changed, delivery)
  }
  const seenKey = Records.keys.seen(Bytes.toHex(digest))
  if ((yield* opened.store.get(seenKey)) !== undefined) {
    return reject(opened, work, delivery, "fresh.replayed-start", known)
  }
  const sender = { account: handle.hex, device: hex }
  const named = yield* Prekeys.find(opened, work, start)
  // A certificate is public: until its message authenticated it names nobody for sure. The request goes in the session at hand, so
  // that a stranger cannot make this device give up sessions (rule session.retry.1).
  if (typeof named === "string") return rejectStart(opened, work, delivery, named, sender, body, false)
  const dh2 = yield* custody.agree(start.ephemeral)
  const accepted = SessionStart.accept(crypto, {
    self: identity,
    unsealed: unsealed.success,
    dh2,
    prefix,
    direct: handle.direct,
    now: work.now,
    ...named.prekeys
  })
  if (Result.isFailure(accepted))
    return rejectStart(opened, work, delivery, accepted.failure.cause, sender, body, false)
  const user = claimOf(start.extensions.user)
  if (user !== undefined && (yield* isHeld(opened, user, certificate.account))) {
    return yield* holdStart(opened, work, delivery, user, certificate.account, handle)
  }
  const completed = complete(opened, accepted.success)
  if (completed === undefined) return reject(opened, work, delivery, "auth.low-order", known)

  // From here on it counts.
  const device = known ?? Conversations.addDevice(opened, work, handle, certificate.device, start.mailbox)
  const pinned = contact ?? pin(opened, work, handle, certificate, delivery)
  if (user !== undefined && pinned.record.user === undefined) work.claims.push({ contact: pinned, user })
  if (pinned.manifest !== undefined && pinned.manifest.version < start.manifestVersion) {
    work.after.push(Effect.ignore(Peers.refresh(opened, account)))
  }
  const entry = Conversations.addSession(opened, work, device, completed.next)
  for (const key of named.consumed) work.batch.remove(key)
  work.prekeysUsed += named.consumed.length
  work.batch.put(seenKey, Records.Seen.encode({ version: Records.written, signedPrekey: start.signedPrekeyId }))
  const mark = Session.markOf(completed.next)
  const changed = Crossing.accept(
    device.peer.sessions,
    mark,
    Body.takesOver(accepted.success.content.body),
    Conversations.activeSession(device)?.session.pending !== undefined
  )
  const isActive = changed.next.active !== undefined && Bytes.equal(changed.next.active.id, mark.id)
  // Rule session.start.5.
  const mailbox = isActive ? start.mailbox : device.peer.mailbox
  work.setPeer(device, { ...device.peer, mailbox, tokenKnown: 0 })
  work.batch.consume([...accepted.success.consumed, ...completed.consumed])
  work.answers.add(device)
  const { content, delta, late } = accepted.success
  store(opened, work, handle, device, entry, completed.next, { content, delta, late }, changed, delivery)
})

/**
 * Why a start may not go on, if it may not (rule manifest.device.2). Manifests that its certificate is ahead of are fetched first;
 * `"unanswered"` when the directory did not answer.
 */
const admit = Effect.fnUntraced(function* (
  opened: Opened,
  work: Burst,
  handle: Handle,
  contact: Contact | undefined,
  certificate: Certificate.Certificate
) {
  let manifest = work.manifests.get(handle.hex) ?? contact?.manifest
  const judge = (): Cause | undefined => {
    const admitted = SessionStart.admit({ certificate }, { pinned: undefined, manifest })
    return Result.isFailure(admitted) ? admitted.failure.cause : undefined
  }
  const cause = judge()
  if (cause !== "lookup.manifest-gap" || contact === undefined || manifest === undefined) return cause
  // Once for all starts that came together: an account can certify any number of versions that do not exist.
  const asked = work.asked.get(handle.hex)
  if (asked !== undefined) return asked
  work.asked.set(handle.hex, "unanswered")
  const answer = yield* Peers.manifestsAfter(opened, handle.account, manifest.version)
  if (answer === undefined) return "unanswered"
  work.asked.set(handle.hex, cause)
  const adopted = Peers.adopt(opened, work, handle, contact, manifest, undefined, answer)
  if (Result.isFailure(adopted)) return adopted.failure.cause
  manifest = adopted.success
  work.manifests.set(handle.hex, manifest)
  return judge()
})

/** A start that cannot be judged while the directory is silent: tried again after a while, and refused in the end. */
const putOff = (opened: Opened, work: Burst, delivery: Delivery): void => {
  if (work.attempt >= mostPutOff) return reject(opened, work, delivery, "lookup.manifest-gap")
  work.after.push(
    Effect.andThen(
      Background.pause(opened, work.attempt),
      Effect.suspend(() => Background.persist(opened, burst(opened, [delivery], work.acknowledges, work.attempt + 1)))
    )
  )
}

const findStart = (device: Device, digest: Uint8Array): SessionEntry | undefined => {
  for (const entry of device.sessions.values()) {
    if (!entry.session.initiated && Bytes.equal(entry.session.start, digest)) return entry
  }
  return undefined
}

const complete = (opened: Opened, { half }: Receive.ReceivedTurning): Receive.Completed | undefined => {
  const completed = Receive.complete(opened.crypto, half, opened.entropy.bytes("ratchet.eph", 32))
  return Result.isSuccess(completed) ? completed.success : undefined
}

const apply = (
  opened: Opened,
  work: Burst,
  handle: Handle,
  device: Device,
  entry: SessionEntry,
  received: Receive.Received | Receive.ReceivedTurning,
  changed: Crossing.Changed,
  delivery: Delivery
): void => {
  work.batch.consume(received.consumed)
  let next: Session.Session
  if (received.turning) {
    const completed = complete(opened, received)
    if (completed === undefined) return reject(opened, work, delivery, "auth.low-order", device)
    work.batch.consume(completed.consumed)
    next = completed.next
  } else next = received.next
  store(opened, work, handle, device, entry, next, received, changed, delivery)
}

/** What opened is stored: session, fences, and what the message says. */
const store = (
  opened: Opened,
  work: Burst,
  handle: Handle,
  device: Device,
  entry: SessionEntry,
  next: Session.Session,
  { content, delta, late }: Pick<Receive.Received, "content" | "delta" | "late">,
  changed: Crossing.Changed,
  delivery: Delivery
): void => {
  work.touched.add(device)
  work.acknowledged.push(delivery)
  opened.proven.add(device.hex)
  Conversations.advance(opened, work, device, entry, next, delta)
  Conversations.setSessions(opened, work, device, changed)
  const isActive = Conversations.activeSession(device) === entry
  observe(opened, work, device, content.extensions, late || !isActive)
  const { deliveryToken } = content.extensions
  const { token } = device.peer
  if (deliveryToken !== undefined && (token === undefined || !Bytes.equal(token, deliveryToken))) {
    work.setPeer(device, { ...device.peer, token: deliveryToken })
  }
  act(opened, work, handle, device, content, delivery)
}

/** Rules fence.observe.1 and fence.detect.1. */
const observe = (
  opened: Opened,
  work: Burst,
  device: Device,
  { echo, fence }: Content.Extensions,
  late: boolean
): void => {
  const before = Conversations.fenceOf(device.peer)
  if (fence === undefined && echo === undefined && !before.owed) return
  const carried = { ...(fence === undefined ? {} : { fence }), ...(echo === undefined ? {} : { echo }) }
  const observed = FenceStep.observe(opened.self.fence, before, carried, late, opened.fences.made)
  if (!isSameFence(observed.next, before)) {
    work.setPeer(device, { ...device.peer, fence: Conversations.peerFence(observed.next) })
  }
  if (observed.peerRollback) {
    work.warnings.push(Warnings.peerRollback(Peers.senderOf(opened, device.account, device.hex), work.now))
    work.answers.add(device)
  }
  const { restored } = observed
  if (restored !== undefined) work.after.push(Fence.detectFromPeer(opened, restored))
}

const isSameFence = (a: FenceStep.PeerFence, b: FenceStep.PeerFence): boolean =>
  a.owed === b.owed && a.highest === b.highest && a.echoed === b.echoed

/** What a message says. */
const act = (
  opened: Opened,
  work: Burst,
  handle: Handle,
  device: Device,
  content: Content.Content,
  delivery: Delivery
): void => {
  const { body } = content
  switch (body._tag) {
    case "Text":
    case "Application":
    case "Opaque":
      return deliver(opened, work, handle, device, content, delivery)
    case "Typing":
      return show(opened, work, handle, device, content, delivery, false)
    case "Receipt":
      return Outbox.receipt(opened, work, device, body.state, body.messages, work.now)
    case "Acknowledge":
      return
    case "Reset":
      work.warnings.push(Warnings.sessionReset(Peers.senderOf(opened, device.account, device.hex), work.now))
      return
    case "RetryRequest":
      work.after.push(Retry.answer(opened, handle.hex, device.hex, body.digests))
      return
    case "Resynchronise":
      work.resynchronised.push({ device, request: body })
  }
}

/** A numbered message goes through the replay window into the inbox. */
const deliver = (
  opened: Opened,
  work: Burst,
  handle: Handle,
  device: Device,
  content: Content.Content,
  delivery: Delivery
): void => {
  const conversation = content.conversation.length === 0 ? handle.conversation : Bytes.toHex(content.conversation)
  const peer = Peers.senderOf(opened, device.account, device.hex)
  if (!Conversations.hasRoom(handle, device, conversation)) return warn(opened, work, delivery, "limit.sessions", peer)
  const entry = Conversations.windowOf(handle, device, conversation)
  const judged = ReplayWindow.accept(entry.window, content.sequence, content.extensions.floor ?? 0)
  if (Result.isFailure(judged)) return
  const outcome = judged.success
  if (outcome.next !== entry.window) work.setWindow(entry, outcome.next)
  for (const { from, to } of outcome.lost) work.warnings.push(Warnings.lost(peer, conversation, from, to, work.now))
  if (outcome._tag !== "Accepted") {
    // The sender may not know that it arrived.
    if (outcome._tag === "Duplicate") Receipts.owe(device, content.messageId)
    warn(opened, work, delivery, outcome._tag === "Duplicate" ? "fresh.duplicate" : "fresh.stale", peer)
    return
  }
  const { filled, gap, late } = outcome
  if (gap !== undefined) work.warnings.push(Warnings.gap(peer, conversation, gap.from, gap.to, work.now))
  if (filled) work.warnings.push(Warnings.gapFilled(peer, conversation, content.sequence, work.now))
  Receipts.owe(device, content.messageId)
  show(opened, work, handle, device, content, delivery, late)
}

const show = (
  opened: Opened,
  work: Burst,
  handle: Handle,
  device: Device,
  content: Content.Content,
  { receivedAt }: Delivery,
  late: boolean
): void => {
  work.shows.push(Inbox.put(opened, work, handle, device, content, receivedAt, late, ++work.received))
}

// ---- Refusals

/** A message did not open: nothing changed. The sender, if known, may be asked to seal it again. */
const reject = (
  opened: Opened,
  work: Burst,
  delivery: Delivery,
  cause: Cause,
  device?: Device,
  body?: Uint8Array
): void => {
  const sender = device === undefined ? undefined : { account: device.account, device: device.hex }
  rejectStart(opened, work, delivery, cause, sender, body, true)
}

const rejectStart = (
  opened: Opened,
  work: Burst,
  delivery: Delivery,
  cause: Cause,
  sender: { readonly account: string; readonly device: string } | undefined,
  body: Uint8Array | undefined,
  fresh: boolean
): void => {
  const peer = sender === undefined ? undefined : Peers.senderOf(opened, sender.account, sender.device)
  warn(opened, work, delivery, cause, peer)
  if (cause === "lookup.no-session") work.lost = true
  if (sender === undefined || body === undefined || !RetryStep.isAskable(cause)) {
    work.acknowledged.push(delivery)
    return
  }
  const failed = work.failed.get(sender.device) ?? { ...sender, digests: [], ids: [], fresh: false }
  failed.digests.push(Digest.derive(opened.crypto, body))
  failed.ids.push(delivery.id)
  failed.fresh ||= fresh
  work.failed.set(sender.device, failed)
}

/** One warning for each cause and envelope, however often it comes. */
const warn = (opened: Opened, work: Burst, delivery: Delivery, cause: Cause, peer: Api.Sender | undefined): void => {
  const about = `${cause} ${endOf(delivery)}`
  if (opened.warned.has(about)) return
  if (opened.warned.size >= 10_000) opened.warned.clear()
  opened.warned.add(about)
  work.warnings.push(Warnings.rejected(cause, peer, work.now))
}

// ---- Names and identities

/** A name that a start claims, if it can be one. */
const claimOf = (user: string | undefined): string | undefined =>
  user !== undefined && Name.isName(user) ? user : undefined

/** Pins the account of a first contact. */
const pin = (
  opened: Opened,
  work: Burst,
  handle: Handle,
  certificate: Certificate.Certificate,
  delivery: Delivery
): Contact => {
  const contact = Peers.fresh(handle, work.now)
  work.contacts.set(handle.hex, contact)
  Peers.put(opened, work, contact, contact.record)
  const refresh = Effect.suspend(() =>
    contact.manifest === undefined ? Effect.ignore(Peers.refresh(opened, handle.hex)) : Effect.void
  )
  work.after.push(Effect.andThen(refresh, expel(opened, contact, certificate, delivery)))
  return contact
}

/** The manifest of a first contact came: a device that it does not list as its certificate says is heard no more (rule manifest.device.2). */
const expel = (
  opened: Opened,
  contact: Contact,
  certificate: Certificate.Certificate,
  delivery: Delivery
): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (contact.manifest === undefined) return Effect.void
    const admitted = Manifest.admits(contact.manifest, certificate)
    if (Result.isSuccess(admitted) || admitted.failure.cause !== "policy.revoked-device") return Effect.void
    const dropAll = Conversations.withHandle(opened, contact.hex, (handle) =>
      Effect.flatMap(Background.now, (now) => {
        const work = new Burst(now, opened.received, false, 0)
        work.handles.add(handle)
        const device = handle.devices.get(Bytes.toHex(certificate.device))
        if (device !== undefined) Conversations.dropSessions(opened, work, device)
        const peer = Peers.senderOf(opened, contact.hex, Bytes.toHex(certificate.device))
        warn(opened, work, delivery, "policy.revoked-device", peer)
        return Effect.map(Conversations.commitWork(opened, work), () => {
          for (const warning of work.warnings) opened.warnings.publish(warning)
        })
      })
    )
    return Background.persist(opened, dropAll)
  })

/** Whether a claimed name is pinned to another account, and the directory now answers it with the claimant's (rule manifest.pin.1). */
const isHeld = (opened: Opened, user: string, account: Uint8Array): Effect.Effect<boolean> => {
  const pinned = opened.names.get(user)
  if (pinned === undefined || pinned === Bytes.toHex(account)) return Effect.succeed(false)
  return Effect.map(Peers.confirm(opened, user, account), ({ verdict }) => verdict === "same")
}

/** Rule session.start.4: the start waits until the user has accepted the changed identity. */
const holdStart = Effect.fnUntraced(function* (
  opened: Opened,
  work: Burst,
  delivery: Delivery,
  user: string,
  account: Uint8Array,
  handle: Handle
) {
  const held = yield* opened.store.scan(`held/${handle.hex}/`, { limit: mostHeld })
  if (held.length < mostHeld) {
    const { envelope, receivedAt } = delivery
    const record = Records.Held.encode({ version: Records.written, receivedAt, envelope })
    work.batch.put(Records.keys.held(handle.hex, delivery.id), record)
  }
  work.acknowledged.push(delivery)
  const pinned = opened.names.get(user)!
  warn(opened, work, delivery, "policy.identity-changed", Peers.senderOf(opened, pinned, ""))
  work.after.push(Effect.asVoid(Background.persist(opened, Peers.holdIdentity(opened, pinned, account))))
})

/** Forgets a held start. */
export const forgetHeld = (opened: Opened, key: string): Effect.Effect<void, ClientError> =>
  Effect.suspend(() => {
    const batch = new Batch()
    batch.remove(key)
    return commit(opened.store, batch)
  })

/** Shows a claimed name once the directory answered it with the account (rule sealed.start.2). */
const confirmClaim = Effect.fnUntraced(function* (opened: Opened, work: Burst, contact: Contact, user: string) {
  if (contact.record.user !== undefined || opened.names.has(user)) return
  const { manifests, verdict } = yield* Peers.confirm(opened, user, contact.account)
  if (verdict !== "same") return
  const handle = work.held.get(contact.hex)!
  Peers.adopt(opened, work, handle, contact, work.manifests.get(contact.hex) ?? contact.manifest, user, manifests)
})

// ---- Answers

/** Receipts, answers to session starts and to requests, sealed in the commit that delivers what they answer. */
const answerAll = Effect.fnUntraced(function* (opened: Opened, work: Burst) {
  yield* Outbox.reserve(opened, work.touched.size * (Receipts.most + 2))
  for (const { device, request } of work.resynchronised) {
    const handle = work.held.get(device.account)!
    const above = Fence.highestOf(request)
    if (Fence.isBehind(opened, handle, device, above)) work.after.push(Fence.detectFromNumbers(opened))
    if (request.answer) {
      yield* Fence.thaw(opened, work, handle, device, request)
      continue
    }
    const { generation, startId } = request
    const body = {
      _tag: "Resynchronise",
      answer: true,
      generation,
      startId,
      received: Fence.received(handle, device)
    } as const
    Sealing.post(opened, work, handle, device.id, Sealing.control(opened, body, work.now), work.now, true)
    work.after.push(Retry.repeat(opened, handle.hex, device.hex, above))
    // What it received must be known to it before it sends again what it did not.
    device.receiptAt = 0
  }
  for (const device of work.touched) {
    const handle = work.held.get(device.account)!
    if (device.owed.size > 0) Receipts.settle(opened, work, handle, device, work.now)
  }
  for (const device of work.answers) {
    if (work.posted.has(device.hex) || Conversations.isFrozen(opened, device)) continue
    const handle = work.held.get(device.account)!
    Sealing.post(
      opened,
      work,
      handle,
      device.id,
      Sealing.control(opened, { _tag: "Acknowledge" }, work.now),
      work.now,
      true
    )
  }
})
