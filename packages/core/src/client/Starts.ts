/**
 * Session starts as they arrive: who may begin a session, which prekeys it uses, and under which name its sender is known.
 *
 * Spec: docs/spec/08-sessions.md §8.2; docs/spec/04-accounts.md §4.3; docs/spec/05-agreement.md §5.1.
 * A start that does not open changes nothing.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import type { Cause } from "../base/Failure.ts"
import * as Body from "../envelope/Body.ts"
import * as Envelope from "../envelope/Envelope.ts"
import type * as Certificate from "../identity/Certificate.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as Name from "../identity/Name.ts"
import type { Delivery } from "../ports/Transport.ts"
import * as Crossing from "../session/Crossing.ts"
import * as Receive from "../session/Receive.ts"
import * as Session from "../session/Session.ts"
import * as SessionStart from "../session/SessionStart.ts"
import { Batch, commit } from "./Commit.ts"
import * as Conversations from "./Conversations.ts"
import type { ClientError } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Contact, Device, Handle, Opened, SessionEntry } from "./Opened.ts"
import * as Peers from "./Peers.ts"
import * as Prekeys from "./Prekeys.ts"
import * as Records from "./Records.ts"
import * as Trust from "./Trust.ts"
import * as Warnings from "./Warnings.ts"
import { type Burst, hold, reject, rejectStart, warn } from "./Burst.ts"
import * as Delivering from "./Delivering.ts"
import * as Following from "./Following.ts"

/** How often a start is put off while the directory does not answer. */
const mostPutOff = 5

/** Session starts held for one changed identity. */
const mostHeld = 64

/** A session start: judged, opened, and made a session of, or refused. */
export const receive = Effect.fnUntraced(function* (opened: Opened, work: Burst, delivery: Delivery, body: Uint8Array) {
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
    return Delivering.apply(opened, work, handle, known, repeated, result.success, changed, delivery)
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
  const completed = Delivering.complete(opened, accepted.success)
  if (completed === undefined) return reject(opened, work, delivery, "auth.low-order", known)

  // From here on it counts.
  const device = known ?? Conversations.addDevice(opened, work, handle, certificate.device, start.mailbox)
  const pinned = contact ?? pin(opened, work, handle, certificate)
  if (user !== undefined && pinned.record.user === undefined) work.claims.push({ contact: pinned, user })
  Following.named(work, handle, start.manifestVersion)
  work.begun.set(hex, start.manifestVersion)
  Trust.session(opened, work, pinned, device.id, completed.next.ratchet.suite, work.now, false)
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
  Delivering.store(opened, work, handle, device, entry, completed.next, { content, delta, late }, changed, delivery)
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
  const answer = yield* Peers.manifestsFrom(opened, handle.account, manifest.version)
  if (answer === undefined) return "unanswered"
  work.asked.set(handle.hex, cause)
  const adopted = Peers.adopt(opened, work, handle, contact, manifest, undefined, answer, work.now)
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
      Effect.suspend(() => Background.persist(opened, work.again(delivery)))
    )
  )
}

const findStart = (device: Device, digest: Uint8Array): SessionEntry | undefined => {
  for (const entry of device.sessions.values()) {
    if (!entry.session.initiated && Bytes.equal(entry.session.start, digest)) return entry
  }
  return undefined
}

/** A name that a start claims, if it can be one. */
const claimOf = (user: string | undefined): string | undefined =>
  user !== undefined && Name.isName(user) ? user : undefined

/** Pins the account of a first contact. */
const pin = (opened: Opened, work: Burst, handle: Handle, certificate: Certificate.Certificate): Contact => {
  const contact = Peers.fresh(handle, work.now)
  work.contacts.set(handle.hex, contact)
  Peers.put(opened, work, contact, contact.record)
  const refresh = Effect.suspend(() =>
    contact.manifest === undefined ? Effect.ignore(Peers.refresh(opened, handle.hex)) : Effect.void
  )
  work.after.push(Effect.andThen(refresh, expel(opened, contact, certificate)))
  return contact
}

/** The manifest of a first contact came: a device that it does not list as its certificate says is heard no more (rule manifest.device.2). */
const expel = (opened: Opened, contact: Contact, certificate: Certificate.Certificate): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (contact.manifest === undefined) return Effect.void
    const admitted = Manifest.admits(contact.manifest, certificate)
    if (Result.isSuccess(admitted) || admitted.failure.cause !== "policy.revoked-device") return Effect.void
    const dropAll = Conversations.withHandle(opened, contact.hex, (handle) =>
      Effect.flatMap(Background.now, (now) => {
        const work = new Conversations.Work()
        work.handles.add(handle)
        const device = handle.devices.get(Bytes.toHex(certificate.device))
        if (device !== undefined) Conversations.dropSessions(opened, work, device)
        const peer = Peers.senderOf(opened, contact.hex, Bytes.toHex(certificate.device))
        return Effect.map(Conversations.commitWork(opened, work), () =>
          opened.warnings.publish(Warnings.rejected("policy.revoked-device", peer, now))
        )
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
  work.after.push(
    Effect.andThen(
      Background.persist(opened, Peers.holdIdentity(opened, pinned, account)),
      opened.settleIdentity(pinned)
    )
  )
})

/** Forgets a held start. */
export const forgetHeld = (opened: Opened, key: string): Effect.Effect<void, ClientError> =>
  Effect.suspend(() => {
    const batch = new Batch()
    batch.remove(key)
    return commit(opened.store, batch)
  })

/** Shows a claimed name once the directory answered it with the account (rule sealed.start.2). */
export const confirmClaim = Effect.fnUntraced(function* (opened: Opened, work: Burst, contact: Contact, user: string) {
  if (contact.record.user !== undefined || opened.names.has(user) || user === opened.self.user) return
  const { manifests, verdict } = yield* Peers.confirm(opened, user, contact.account)
  if (verdict !== "same") return
  const handle = work.held.get(contact.hex)!
  const held = work.manifests.get(contact.hex) ?? contact.manifest
  Peers.adopt(opened, work, handle, contact, held, user, manifests, work.now)
})
