/**
 * What a message that opened does: its session, fences, replay window and inbox entry, all in the burst's commit.
 *
 * Spec: docs/spec/07-sequencing.md §7.1, §7.2; docs/spec/16-state.md §16.2, rule state.commit.2.
 * What follows beside storing it (sending again, healing) is only noted here and happens after the commit.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import type * as Content from "../envelope/Content.ts"
import type { Delivery } from "../ports/Transport.ts"
import * as FenceStep from "../sequence/Fence.ts"
import * as ReplayWindow from "../sequence/ReplayWindow.ts"
import type * as Crossing from "../session/Crossing.ts"
import * as Receive from "../session/Receive.ts"
import type * as Session from "../session/Session.ts"
import * as Answers from "./Answers.ts"
import * as Conversations from "./Conversations.ts"
import * as Fence from "./Fence.ts"
import * as Following from "./Following.ts"
import * as Inbox from "./Inbox.ts"
import * as Background from "./internal/background.ts"
import type { Device, Handle, Opened, SessionEntry } from "./Opened.ts"
import * as Settling from "./Settling.ts"
import * as Outdated from "./Outdated.ts"
import * as Own from "./Own.ts"
import * as OwnCopy from "./OwnCopy.ts"
import * as Peers from "./Peers.ts"
import * as Receipts from "./Receipts.ts"
import * as Trust from "./Trust.ts"
import * as TrustAllows from "./TrustAllows.ts"
import * as TrustAside from "./TrustAside.ts"
import * as Warnings from "./Warnings.ts"
import { type Burst, reject, warn } from "./Burst.ts"

export const complete = (opened: Opened, { half }: Receive.ReceivedTurning): Receive.Completed | undefined => {
  const completed = Receive.complete(opened.crypto, half, opened.entropy.bytes("ratchet.eph", 32))
  return Result.isSuccess(completed) ? completed.success : undefined
}

export const apply = (
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
export const store = (
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
  Outdated.note(opened, work, device, content.extensions.lists)
  Following.note(opened, work, handle, content.extensions.lists)
  const { deliveryToken } = content.extensions
  const { token } = device.peer
  if (deliveryToken !== undefined && (token === undefined || !Bytes.equal(token, deliveryToken))) {
    work.setPeer(device, { ...device.peer, token: deliveryToken })
  }
  const contact = work.contacts.get(handle.hex) ?? opened.contacts.get(handle.hex)
  if (contact !== undefined) Trust.message(opened, work, contact, device.id, next.ratchet.suite, content, work.now)
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
    case "Own":
    case "Text":
    case "Attachment":
    case "Application":
    case "Opaque":
      return deliver(opened, work, handle, device, content, delivery)
    case "Typing":
      return show(opened, work, handle, device, content, delivery, false)
    case "Receipt":
      return Settling.receipt(opened, work, device, body.state, body.messages, work.now)
    case "Acknowledge":
      return
    case "Reset":
      work.warnings.push(
        Warnings.sessionReset(
          Peers.senderOf(opened, device.account, device.hex),
          device.account === opened.hex.account,
          work.now
        )
      )
      return
    case "RetryRequest":
      Answers.want(opened, work, device, delivery, { digests: body.digests, above: undefined })
      return
    case "Resynchronise":
      work.resynchronised.push({ device, request: body, delivery })
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
  const id = Bytes.toHex(content.messageId)
  if (outcome._tag !== "Accepted") {
    // Rule sequence.reuse.1: its sender used a number twice, as a device does that runs from an old copy of its state.
    const isReused =
      outcome._tag === "Duplicate" &&
      content.sequence === entry.window.highest &&
      entry.newest !== undefined &&
      entry.newest !== id
    if (outcome._tag === "Duplicate" && entry.newest === id) Receipts.owe(device, content.messageId)
    // Rule own.received.3: it was not addressed to this device at first, and came as a copy.
    if (outcome._tag === "Duplicate" && !isReused && Own.isCopied(opened, content.extensions.lists)) return
    if (outcome._tag === "Duplicate" && entry.newest !== id) work.lost = true
    if (!isReused) {
      return warn(opened, work, delivery, outcome._tag === "Duplicate" ? "fresh.duplicate" : "fresh.stale", peer)
    }
    entry.newest = id
    work.warnings.push(Warnings.peerRollback(peer, work.now))
    return pass(opened, work, handle, device, content, delivery, false)
  }
  if (content.sequence === outcome.next.highest) entry.newest = id
  const { filled, gap, late } = outcome
  if (gap !== undefined) work.warnings.push(Warnings.gap(peer, conversation, gap.from, gap.to, work.now))
  if (filled) work.warnings.push(Warnings.gapFilled(peer, conversation, content.sequence, work.now))
  pass(opened, work, handle, device, content, delivery, late)
}

/** A message that counts: a word of an own device is taken, any other shown, here and where it was not addressed to. */
const pass = (
  opened: Opened,
  work: Burst,
  handle: Handle,
  device: Device,
  content: Content.Content,
  delivery: Delivery,
  late: boolean
): void => {
  const { body, extensions } = content
  if (body._tag === "Own" && device.account !== opened.hex.account) {
    return warn(opened, work, delivery, "policy.not-own", Peers.senderOf(opened, device.account, device.hex))
  }
  Receipts.owe(device, content.messageId)
  if (body._tag === "Own") return void work.said.push({ device, word: body.word, delivery })
  show(opened, work, handle, device, content, delivery, late)
  const { lists } = extensions
  // Rule own.received.1.
  if (lists === undefined || lists.peer >= opened.manifestVersion || handle.hex === opened.hex.account) return
  const own = work.held.get(opened.hex.account)
  const devices = Own.addedSince(opened, lists.peer)
  if (own === undefined || devices.length === 0) return
  const { receivedAt } = delivery
  const copy = { own: "received", peer: handle.account, device: device.id, receivedAt } as const
  Own.post(opened, work, own, { ...copy, content: OwnCopy.encode(content) }, work.now, { devices })
}

/** Puts a message into the inbox. */
export const show = (
  opened: Opened,
  work: Burst,
  handle: Handle,
  device: Device,
  content: Content.Content,
  { receivedAt }: Delivery,
  late: boolean
): void => {
  const contact = work.contacts.get(handle.hex) ?? opened.contacts.get(handle.hex)
  const isHeard = contact === undefined || TrustAllows.receives(opened, work, contact, work.now)
  if (isHeard && !TrustAside.isWaiting(opened, work, handle.hex)) {
    work.shows.push(Inbox.put(opened, work, handle, device, content, receivedAt, late, ++work.received))
    return
  }
  // Rule trust.effect.6. What passes by is not worth keeping.
  if (content.sequence === 0) return
  TrustAside.put(opened, work, handle, Inbox.recordOf(handle, device, content, receivedAt, late), work.now)
  if (isHeard) work.after.push(Background.persist(opened, TrustAside.release(opened, handle.hex)))
}
