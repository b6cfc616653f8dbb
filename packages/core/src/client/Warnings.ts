/**
 * Warnings in plain words.
 *
 * Spec: docs/spec/07-sequencing.md §7.1–7.3; docs/spec/04-accounts.md §4.3.
 * A line promises nothing: a request to repeat names what arrived, and a sender does not know what was made of its messages on their way.
 * It is made of fixed text and numbers of our own: no name, no text and no bytes of a peer get into it. Who it is about
 * stands in the warning's `peer`.
 */
import type { Cause } from "../base/Failure.ts"
import type { Decision, EventName } from "../trust/Event.ts"
import type { Judged, Sender, Warning } from "./Api.ts"

/** What the user reads when a message was refused, by cause. */
const refused: Readonly<Record<Cause, string>> = {
  "decode.truncated": "A damaged message arrived and was deleted.",
  "decode.trailing": "A damaged message arrived and was deleted.",
  "decode.noncanonical": "A damaged message arrived and was deleted.",
  "decode.type": "A damaged message arrived and was deleted.",
  "decode.size": "A message larger than allowed arrived and was deleted.",
  "decode.utf8": "A damaged message arrived and was deleted.",
  "decode.unknown-critical": "A message needs a newer version of this software; it was deleted. Please update.",
  "decode.value": "A damaged message arrived and was deleted.",
  "decode.padding": "A damaged message arrived and was deleted.",
  "envelope.version": "A message needs a newer version of this software; it was deleted. Please update.",
  "envelope.kind": "A message needs a newer version of this software; it was deleted. Please update.",
  "envelope.mailbox": "A message for somebody else arrived here and was deleted.",
  "policy.suite": "A message used encryption this device does not accept; it was deleted.",
  "policy.revoked-device": "A message came from a device its owner has removed; it was deleted.",
  "policy.no-chain": "A message cannot be sent before this contact's first message arrived.",
  "policy.identity-changed":
    "A message came from a changed identity; it is held until you compared safety numbers and accept it.",
  "policy.not-own": "A contact sent what only a device of your own may send; it was deleted.",
  "lookup.no-session": "A message belongs to no conversation this device knows; it was deleted.",
  "lookup.prekey-unknown":
    "A first message used a key this device no longer has and was deleted; its sender may repeat it.",
  "lookup.prekey-consumed":
    "A first message used a one-time key a second time and was deleted; its sender may repeat it.",
  "lookup.manifest-gap": "A contact's list of devices is incomplete; it was refused.",
  "auth.tag": "A message was changed on its way and was deleted. It shows as missing if its sender does not repeat it.",
  "auth.certificate": "A message carried a false device certificate and was deleted.",
  "auth.prekey": "A contact's published keys do not verify; nothing was sent.",
  "auth.low-order": "A message carried an unsafe key and was deleted.",
  "auth.header": "A message with a false header arrived and was deleted.",
  "auth.reflected": "A message of this device came back to it and was deleted.",
  "auth.account": "A message claimed a false account and was deleted.",
  "auth.fork": "A contact's list of devices contradicts itself; it was refused.",
  "fresh.used-key": "A message arrived a second time; the copy was deleted.",
  "fresh.duplicate": "A message arrived a second time; the copy was deleted.",
  "fresh.stale": "A message arrived far too late to be checked and was deleted.",
  "fresh.replayed-start": "A first message arrived a second time; the copy was deleted.",
  "fresh.rollback": "An outdated list of devices was offered for a contact; it was refused.",
  "limit.skip": "A message skipped too many others and was deleted; its sender may repeat it.",
  "limit.chain": "A conversation used up its keys; it starts afresh with the next message.",
  "limit.unanswered": "Further messages wait until this contact answers for the first time.",
  "limit.sessions": "A contact opened too many conversations at once; a message was deleted."
}

/** A message did not open. */
export const rejected = (
  cause: Cause,
  peer: Sender | undefined,
  at: number,
  decisions: ReadonlyArray<Judged> = []
): Warning => ({
  _tag: "Rejected",
  cause,
  peer,
  decisions,
  at,
  line: `${refused[cause]}${following(decisions)}`
})

const range = (from: number, to: number, what: string): string =>
  from === to ? `Message ${from} of this contact ${what}.` : `Messages ${from} to ${to} of this contact ${what}.`

export const gap = (peer: Sender, conversation: string, from: number, to: number, at: number): Warning => ({
  _tag: "Gap",
  peer,
  conversation,
  from,
  to,
  at,
  line: range(from, to, from === to ? "has not arrived" : "have not arrived")
})

export const gapFilled = (peer: Sender, conversation: string, number: number, at: number): Warning => ({
  _tag: "GapFilled",
  peer,
  conversation,
  number,
  at,
  line: range(number, number, "arrived late")
})

export const lost = (peer: Sender, conversation: string, from: number, to: number, at: number): Warning => ({
  _tag: "Lost",
  peer,
  conversation,
  from,
  to,
  at,
  line: range(from, to, from === to ? "is lost for good" : "are lost for good")
})

export const identityChanged = (peer: Sender, pinned: string, offered: string, at: number): Warning => ({
  _tag: "IdentityChanged",
  peer,
  pinned,
  offered,
  at,
  line: "The identity behind a contact's name changed. Compare safety numbers before you accept it; until then nothing is sent or shown."
})

export const peerRollback = (peer: Sender, at: number): Warning => ({
  _tag: "PeerRollback",
  peer,
  at,
  line: "A contact's device runs from an old copy of its data. Recent messages to it may be repeated."
})

export const restoredFromBackup = (at: number): Warning => ({
  _tag: "RestoredFromBackup",
  at,
  line: "This device was restored from an old copy. Sending pauses until each contact confirmed what it has; messages since the copy may be missing here."
})

export const sessionReset = (peer: Sender, own: boolean, at: number): Warning => ({
  _tag: "SessionReset",
  peer,
  at,
  line: own
    ? "Another device of your account started the encryption with this one afresh."
    : "A contact started the encryption of this conversation afresh."
})

const devices = (count: number): string => (count === 1 ? "a device" : `${count} devices`)

export const devicesChanged = (
  peer: Sender,
  own: boolean,
  version: number,
  added: ReadonlyArray<string>,
  removed: ReadonlyArray<string>,
  at: number,
  decisions: ReadonlyArray<Judged>
): Warning => {
  const what = [
    ...(added.length > 0 ? [`added ${devices(added.length)}`] : []),
    ...(removed.length > 0 ? [`removed ${devices(removed.length)}`] : [])
  ].join(" and ")
  const line = own
    ? `Another device of your account ${what}. If that was not you, look at your devices now.`
    : `A contact ${what}. The safety number with them changed.${following(decisions)}`
  return { _tag: "DevicesChanged", peer, version, added, removed, decisions, at, line }
}

export const forked = (
  peer: Sender,
  own: boolean,
  proof: Uint8Array,
  at: number,
  decisions: ReadonlyArray<Judged>
): Warning => ({
  _tag: "Forked",
  peer,
  proof,
  decisions,
  at,
  line: own
    ? "Somebody has signed another list of devices with your account's key. The proof is kept. Unless two of your devices did it at the same moment, the key is known to somebody else: make a new account."
    : "A contact's account key has signed two lists of devices that contradict each other; the second was refused and the proof kept. Ask them over another channel." +
      following(decisions)
})

export const revoked = (version: number, at: number): Warning => ({
  _tag: "Revoked",
  version,
  at,
  line: "This device was removed from its account. It sends nothing any more; what it has stored can still be read. Link it anew to go on."
})

export const removedByRelay = (
  peer: Sender,
  own: boolean,
  isThis: boolean,
  removedAt: number,
  at: number
): Warning => ({
  _tag: "RemovedByRelay",
  peer,
  own,
  removedAt,
  at,
  line: isThis
    ? "The relay says that its administrator removed this account or device. It sends nothing any more; what it has stored can still be read. Ask the administrator."
    : own
      ? "The relay says that its administrator removed another device of your account. The device is still in your list: remove it there too if it is not to come back."
      : peer.device === ""
        ? "The relay says that its administrator removed a contact. The contact did not say so: ask them over another channel."
        : "The relay says that its administrator removed a device of a contact. The contact did not say so; their other devices still get what you send."
})

const trusted: Readonly<Record<EventName, string>> = {
  "first-contact": "A contact is there for the first time",
  "identity-changed": "The identity behind a contact's name changed",
  "device-added": "A contact added a device",
  "device-removed": "A contact removed a device",
  "manifest-forked": "A contact's list of devices contradicts an earlier one and was refused",
  "manifest-rolled-back": "An outdated list of devices was offered for a contact and was refused",
  "suite-downgraded": "A contact's device uses weaker encryption than before",
  "feature-downgraded": "A contact's device lacks what it had before",
  sending: "You write to a contact",
  receiving: "A contact wrote"
}

const consequence: Readonly<Record<Decision, string>> = {
  allow: "Your policy allows it.",
  warn: "Your policy asks you to know.",
  "block-sending": "By your policy nothing is sent to it.",
  "block-receiving": "By your policy its messages are set aside.",
  block: "By your policy nothing is sent to it, and its messages are set aside.",
  ask: "By your policy this waits until you approve."
}

/** What follows from decisions, the hardest first; nothing is said of what is allowed. */
const following = (decisions: ReadonlyArray<Judged>): string => {
  const hardest = hardness.find((decision) => decisions.some((one) => one.decision === decision))
  return hardest === undefined ? "" : ` ${consequence[hardest]}`
}

const hardness: ReadonlyArray<Decision> = ["block", "ask", "block-sending", "block-receiving", "warn"]

/** A decision of the trust policy that the user must know (rule trust.effect.7). */
export const trust = (peer: Sender, event: EventName, decision: Decision, rule: string, at: number): Warning => ({
  _tag: "Trust",
  peer,
  event,
  decision,
  rule,
  at,
  line: `${trusted[event]}. ${consequence[decision]}`
})

/** A message of a contact that is not heard was deleted: too many are kept (rule trust.effect.6). */
export const asideFull = (peer: Sender, at: number): Warning => ({
  _tag: "SetAsideFull",
  peer,
  at,
  line: "A contact that your policy does not show wrote more than is kept; a message was deleted."
})
