/**
 * Warnings in plain words.
 *
 * Spec: docs/spec/07-sequencing.md §7.1–7.3; docs/spec/04-accounts.md §4.3.
 * A line promises nothing: a request to repeat names what arrived, and a sender does not know what was made of its messages on their way.
 * It is made of fixed text and numbers of our own: no name, no text and no bytes of a peer get into it. Who it is about
 * stands in the warning's `peer`.
 */
import type { Cause } from "../base/Failure.ts"
import type { Sender, Warning } from "./Api.ts"

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
export const rejected = (cause: Cause, peer: Sender | undefined, at: number): Warning => ({
  _tag: "Rejected",
  cause,
  peer,
  at,
  line: refused[cause]
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

export const sessionReset = (peer: Sender, at: number): Warning => ({
  _tag: "SessionReset",
  peer,
  at,
  line: "A contact started the encryption of this conversation afresh."
})
