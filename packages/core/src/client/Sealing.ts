/**
 * Sealing a message for one device: in its session, in one that begins with it, or, where that cannot be yet, not at all.
 *
 * Spec: docs/spec/07-sequencing.md §7.1, §7.2; docs/spec/08-sessions.md §8.2; docs/spec/16-state.md §16.2, rule state.commit.1.
 * Changes a work and commits nothing; client/Outbox.ts takes what was sealed from there after the commit.
 */
import * as Result from "effect/Result"
import * as Bundle from "../agreement/Bundle.ts"
import * as Bytes from "../base/Bytes.ts"
import * as Suite from "../crypto/Suite.ts"
import * as Body from "../envelope/Body.ts"
import * as Content from "../envelope/Content.ts"
import * as Fence from "../sequence/Fence.ts"
import * as Sequence from "../sequence/Sequence.ts"
import * as Crossing from "../session/Crossing.ts"
import * as Send from "../session/Send.ts"
import * as SessionStart from "../session/SessionStart.ts"
import * as Conversations from "./Conversations.ts"
import type { Device, Entry, Handle, Opened, SessionEntry } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Outbox from "./Outbox.ts"
import * as Settling from "./Settling.ts"
import * as Manifests from "./Manifests.ts"
import * as Records from "./Records.ts"
import * as Trust from "./Trust.ts"

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
  /** The version of the recipient's manifest by which its devices were addressed; of unnumbered messages none (rule own.lists.1). */
  readonly addressed?: number | undefined
}

/** Why a message cannot be sealed for a device now. */
export type Hindrance = "frozen" | "no-session" | "unanswered"

/** A work of sending: remembers for which devices something waits, so that what follows waits behind it. */
export class SendWork extends Conversations.Work {
  readonly stalled = new Set<string>()
  /** Devices that something was sealed for. */
  readonly posted = new Set<string>()
  /** Devices that went by an old version of the own manifest: everything sealed for them here names the newest. */
  readonly outdated = new Set<string>()
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
  // Rule manifest.revoke.2: whatever asks for it.
  if (work.barred.has(hex) || Manifests.isBarred(opened, handle.hex, device)) return
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
  const entry = Outbox.entryOf(Orders.nextOrder(opened), draft.messageId, draft.type, record)
  work.batch.put(Records.keys.outbox(entry.order), Records.Outbox.encode(record), entry.slot)
  if (typeof sealed === "string") {
    work.stalled.add(hex)
    work.batch.applied(() => {
      lane.waiting.push(entry)
      Settling.tell(opened, { account: handle.hex, hex }, entry.message, entry.type, "queued")
      opened.wake(lane)
    })
  } else {
    work.posted.add(hex)
    work.batch.applied(() => {
      Settling.tell(opened, { account: handle.hex, hex }, entry.message, entry.type, "queued")
      Outbox.enqueue(opened, lane, entry)
    })
  }
}

/** Content as a copy for own devices carries it (rule own.copy.2). */
export const copyOf = (draft: Draft): Uint8Array => encode(draft, { unknown: [] })

/** Content without extensions of the moment: how a waiting message is stored. By whose lists it was addressed stays. */
export const plain = (draft: Draft): Uint8Array =>
  encode(
    draft,
    draft.addressed === undefined ? { unknown: [] } : { lists: { own: 1, peer: draft.addressed }, unknown: [] }
  )

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
    answers,
    addressed: Body.isNumbered(type) ? extensions.lists?.peer : undefined
  }))

/** What a message to this device carries beside its body (rules fence.carry.1, sequence.floor.1, own.lists.1). */
const extensionsFor = (
  opened: Opened,
  work: SendWork,
  device: Device,
  draft: Draft,
  isStart: boolean
): Content.Extensions => {
  const { addressed } = draft
  const isNamed = addressed !== undefined || isStart || work.outdated.has(device.hex)
  const { tokenKnown } = device.peer
  // Words to own devices wait while others are passed over (rule own.devices.2): of those that waited each has a floor of its own.
  const waited = draft.type === Body.types.ownDevice && draft.sequence <= device.peer.floor
  const floor = waited ? draft.sequence - 1 : device.peer.floor
  const floored = floor > 0 && draft.sequence > floor && (isStart || waited || draft.sequence <= floor + floorRepeats)
  return {
    ...Fence.carry(opened.self.fence, Conversations.fenceOf(device.peer)),
    ...(tokenKnown === 1 ? {} : { deliveryToken: opened.self.token }),
    ...(floored ? { floor } : {}),
    ...(isNamed ? { lists: { own: opened.manifestVersion, peer: addressed ?? versionOf(opened, device) } } : {}),
    unknown: []
  }
}

const versionOf = (opened: Opened, device: Device): number =>
  opened.contacts.get(device.account)?.manifest?.version ?? 0

export const seal = (
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
  const found = known === undefined ? undefined : sessionOf(opened, known)
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
  const content = encode(draft, extensionsFor(opened, work, device, draft, isStart))
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
  const contact = opened.contacts.get(handle.hex)
  if (contact !== undefined && !Trust.session(opened, work, contact, id, suite.success, now, true)) return undefined
  const known = handle.devices.get(hex)
  const begun = SessionStart.begin(crypto, {
    suite: suite.success,
    self: identity,
    bundle: ready.bundle,
    dh1: ready.dh1,
    ephemeralSecret: entropy.bytes("pqxdh.eph", 32),
    kemCoins: entropy.bytes("kem.encap", 32),
    ratchetSecret: entropy.bytes("ratchet.eph", 32),
    rank: Crossing.nextRank(known?.peer.sessions ?? Crossing.none, Math.max(now, opened.renewBefore))
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

/** The next number of a conversation, or 0 when it is frozen and the numbers are given out after it thawed. */
export const number = (opened: Opened, work: SendWork, handle: Handle): number => {
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

/** The session to seal in: the active one, unless a device of this account was removed since it began (rule manifest.revoke.4). */
export const sessionOf = (opened: Opened, device: Device): SessionEntry | undefined => {
  const active = Conversations.activeSession(device)
  return active === undefined || active.session.rank < opened.renewBefore ? undefined : active
}

/** Whether a passing notice can go out at once; otherwise it is not worth sending. */
export const isReady = (opened: Opened, work: SendWork, handle: Handle, id: Uint8Array): boolean => {
  const hex = Bytes.toHex(id)
  const device = handle.devices.get(hex)
  return (
    device !== undefined &&
    !Conversations.isFrozen(opened, device) &&
    sessionOf(opened, device) !== undefined &&
    !work.stalled.has(hex) &&
    (opened.lanes.get(hex)?.waiting.length ?? 0) === 0
  )
}

/** Replaces the record of an entry. */
export const change = (work: SendWork, entry: Entry, record: Records.Outbox): void => {
  work.changed.set(entry, record)
  work.batch.put(Records.keys.outbox(entry.order), Records.Outbox.encode(record), entry.slot)
  work.batch.applied(() => {
    entry.record = record
  })
}
