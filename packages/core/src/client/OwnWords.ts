/**
 * What own devices say: copies, read marks, contacts, settings, all stored in the commit of the burst that brought them.
 *
 * Spec: docs/spec/22-own-devices.md §22.3–22.6, §22.8.
 * Says nothing itself: client/Own.ts does. Words about history go to whoever keeps one, after the commit.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import type { Cause } from "../base/Failure.ts"
import type * as OwnDevice from "../envelope/OwnDevice.ts"
import * as Settings from "../identity/Settings.ts"
import * as ReplayWindow from "../sequence/ReplayWindow.ts"
import { type Burst, hold, type OwnSaid, warn } from "./Burst.ts"
import * as Conversations from "./Conversations.ts"
import * as Delivering from "./Delivering.ts"
import * as Noting from "./history/Noting.ts"
import type { ClientError } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Contact, Handle, Opened } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Own from "./Own.ts"
import * as OwnCopy from "./OwnCopy.ts"
import * as Peers from "./Peers.ts"
import * as SettingsState from "./SettingsState.ts"
import * as Synced from "./Synced.ts"
import * as TrustAside from "./TrustAside.ts"
import * as Verified from "./Verified.ts"

/** Takes what own devices said in this burst, in order. */
export const settle = (opened: Opened, work: Burst): Effect.Effect<void, ClientError> =>
  work.said.length === 0
    ? Effect.void
    : Effect.andThen(
        Effect.forEach(work.said, (said) => takeOne(opened, work, said), { discard: true }),
        Effect.suspend(() => (work.untold.size === 0 ? Effect.void : answer(opened, work)))
      )

const takeOne = Effect.fnUntraced(function* (opened: Opened, work: Burst, said: OwnSaid) {
  const { word } = said
  switch (word.own) {
    case "sent": {
      const copied = OwnCopy.decode(opened, word.peer, word.content)
      if (Result.isFailure(copied)) return refuse(opened, work, said, copied.failure.cause)
      yield* known(opened, work, word.peer)
      Noting.copy(opened, work, said.device.id, word.peer, word.content, said.delivery.receivedAt)
      return Synced.put(opened, work, said)
    }
    case "read":
      Noting.read(opened, work, word.messages, work.now)
      return Synced.put(opened, work, said)
    case "contact":
      if (Bytes.equal(word.account, opened.self.account)) return
      yield* takeContact(opened, work, word)
      return Synced.put(opened, work, said)
    case "received":
      return yield* takeReceived(opened, work, said, word)
    case "settings":
      return takeSettings(opened, work, said, word)
    case "verified":
      return yield* takeVerified(opened, work, said, word)
    case "history":
    case "archive":
      if (opened.hearHistory !== undefined) work.after.push(opened.hearHistory(said.device.id, word))
      return
    case "unknown":
      return
  }
})

const refuse = (opened: Opened, work: Burst, { delivery, device }: OwnSaid, cause: Cause): void =>
  warn(opened, work, delivery, cause, Peers.senderOf(opened, device.account, device.hex))

/** The contact behind an account that an own device speaks of; one that is not known here is pinned (rule own.contact.2). */
const known = Effect.fnUntraced(function* (opened: Opened, work: Burst, account: Uint8Array) {
  const hex = Bytes.toHex(account)
  const handle = yield* hold(opened, work, hex)
  const contact = work.contacts.get(hex) ?? opened.contacts.get(hex)
  return { handle, contact: contact ?? pin(opened, work, handle) }
})

const pin = (opened: Opened, work: Burst, handle: Handle): Contact => {
  const contact = Peers.fresh(handle, work.now)
  work.contacts.set(handle.hex, contact)
  Peers.put(opened, work, contact, contact.record)
  work.after.push(Effect.ignore(Effect.suspend(() => Peers.refresh(opened, handle.hex))))
  return contact
}

/** Rules own.contact.2 and own.contact.3. */
const takeContact = Effect.fnUntraced(function* (
  opened: Opened,
  work: Burst,
  { account, state, user, verified }: OwnDevice.OwnContact
) {
  const { contact } = yield* known(opened, work, account)
  if (Verified.hearsay(opened, work, contact, verified, work.now) === "changed") release(opened, work, contact)
  if (user === "" || user === opened.self.user) return
  const pinned = work.renamed.get(user) ?? opened.names.get(user)
  if (pinned === contact.hex) return
  if (pinned !== undefined) {
    // The name stands for somebody else here: only the user's own decision moves it, wherever it was made.
    if (state !== 2) return
    yield* hold(opened, work, pinned)
    const before = opened.contacts.get(pinned)
    if (before !== undefined) {
      Peers.put(opened, work, before, { ...before.record, user: undefined, offered: undefined })
    }
  } else if (contact.record.user !== undefined) return
  work.renamed.set(user, contact.hex)
  work.after.push(opened.deliverHeld)
  Peers.put(opened, work, contact, { ...contact.record, user, offered: undefined })
})

const release = (opened: Opened, work: Burst, { hex }: Contact): void =>
  void work.after.push(Background.persist(opened, TrustAside.release(opened, hex)))

// ---- Registers

/** Rule own.setting.2. The application is told what is different for it. */
const takeSettings = (opened: Opened, work: Burst, said: OwnSaid, { settings }: OwnDevice.SettingsWord): void => {
  const before = SettingsState.of(opened.settings, work.batch)
  const next = Settings.merge(before, settings)
  if (next !== before) {
    SettingsState.put(opened.settings, work.batch, next)
    const changed = Settings.changes(before, next)
    if (changed.length > 0) Synced.put(opened, work, { ...said, word: SettingsState.word(changed) })
  }
  if (!Settings.covers(settings, next)) untold(work, said).settings = true
}

/** Rule trust.verify.6. */
const takeVerified = Effect.fnUntraced(function* (
  opened: Opened,
  work: Burst,
  said: OwnSaid,
  { account, device, print, stamp }: OwnDevice.VerifiedWord
) {
  if (Bytes.equal(account, opened.self.account)) return
  const { contact } = yield* known(opened, work, account)
  const written = { stamp, device, value: print.length === 0 ? undefined : print }
  const heard = Verified.hear(opened, work, contact, written, work.now)
  if (heard === "below") untold(work, said).contacts.add(contact.hex)
  if (heard !== "changed") return
  release(opened, work, contact)
  Synced.put(opened, work, said)
})

const untold = (work: Burst, { device }: OwnSaid) => {
  const before = work.untold.get(device.hex)
  if (before !== undefined) return before
  const fresh = { settings: false, contacts: new Set<string>() }
  work.untold.set(device.hex, fresh)
  return fresh
}

/** Whoever knows less is told, once for all it said here, in the commit that takes it. */
const answer = Effect.fnUntraced(function* (opened: Opened, work: Burst) {
  const own = work.held.get(opened.hex.account)!
  for (const [hex, { contacts, settings }] of work.untold) {
    const devices = Own.others(opened).filter((id) => Bytes.toHex(id) === hex)
    if (devices.length === 0) continue
    const words: Array<OwnDevice.Word> = settings
      ? [SettingsState.word(SettingsState.of(opened.settings, work.batch))]
      : []
    for (const account of contacts) {
      const contact = work.contacts.get(account) ?? opened.contacts.get(account)
      const word = contact === undefined ? undefined : Verified.wordAbout(opened, contact, work.batch)
      if (word !== undefined) words.push(word)
    }
    yield* Orders.reserve(opened, words.length)
    for (const word of words) Own.post(opened, work, own, word, work.now, { devices })
  }
})

/** A message that another own device received: into the inbox, unless it came here too (rule own.received.2). */
const takeReceived = Effect.fnUntraced(function* (
  opened: Opened,
  work: Burst,
  said: OwnSaid,
  word: OwnDevice.ReceivedCopy
) {
  const copied = OwnCopy.decode(opened, word.peer, word.content)
  if (Result.isFailure(copied)) return refuse(opened, work, said, copied.failure.cause)
  const content = copied.success
  if (content.sequence === 0 || Bytes.equal(word.peer, opened.self.account)) {
    return refuse(opened, work, said, "decode.value")
  }
  const { handle } = yield* known(opened, work, word.peer)
  const hex = Bytes.toHex(word.device)
  const device =
    handle.devices.get(hex) ?? Conversations.addDevice(opened, work, handle, word.device, Conversations.nowhere)
  const conversation = content.conversation.length === 0 ? handle.conversation : Bytes.toHex(content.conversation)
  if (!Conversations.hasRoom(handle, device, conversation)) return refuse(opened, work, said, "limit.sessions")
  const entry = Conversations.windowOf(handle, device, conversation)
  // Numbers below it may never have been addressed to this device: they are no gap, and may still come.
  const judged = ReplayWindow.accept(entry.window, content.sequence, content.sequence - 1)
  if (Result.isFailure(judged) || judged.success._tag !== "Accepted") return
  work.setWindow(entry, judged.success.next)
  if (content.sequence === judged.success.next.highest) entry.newest = Bytes.toHex(content.messageId)
  const delivery = { ...said.delivery, receivedAt: word.receivedAt }
  Delivering.show(opened, work, handle, device, content, delivery, judged.success.late)
})
