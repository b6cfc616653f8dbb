/**
 * Manifests of accounts, contacts' and the own: what an answer of the directory comes to, and what follows from a newer one.
 *
 * Spec: docs/spec/04-accounts.md §4.3, §4.4, §4.5.
 * Fetches nothing: client/Peers.ts does. Changes a work that holds the account's conversation, and commits nothing.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { type Cause, fail, type Failure } from "../base/Failure.ts"
import * as ForkProof from "../identity/ForkProof.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as Crossing from "../session/Crossing.ts"
import * as Conversations from "./Conversations.ts"
import * as Notices from "./Notices.ts"
import type { Contact, Handle, Opened } from "./Opened.ts"
import * as Records from "./Records.ts"
import { senderOf } from "./Senders.ts"
import * as Trust from "./Trust.ts"
import * as Warnings from "./Warnings.ts"

/** {@link Manifest.advance} of a question that began with the version held: an answer without it denies it (rule manifest.own.2). */
export const advance = (
  opened: Opened,
  account: Uint8Array,
  held: Manifest.Manifest | undefined,
  answer: ReadonlyArray<Uint8Array>
): Result.Result<Manifest.Advanced, Failure> => {
  if (held !== undefined && answer.length === 0) return fail("fresh.rollback")
  // Most answers: nothing new. What is held was checked when it came.
  const isSame = held !== undefined && answer.length === 1 && Bytes.equal(answer[0]!, held.bytes)
  return isSame ? Result.succeed({ newest: held, passed: [] }) : Manifest.advance(opened.crypto, account, held, answer)
}

/** Tells of an answer that contradicts what the account has signed before, and keeps the proof (rules manifest.fork.1 and proof.keep.1). */
export const report = (
  opened: Opened,
  work: Conversations.Work,
  handle: Handle,
  held: Manifest.Manifest | undefined,
  answer: ReadonlyArray<Uint8Array>,
  cause: Cause,
  now: number
): void => {
  if (cause !== "auth.fork" && cause !== "fresh.rollback") return
  const known = opened.contacts.get(handle.hex)
  const decisions = known === undefined ? [] : Trust.manifestRefused(opened, work, known, cause, now)
  const proof = cause === "auth.fork" ? ForkProof.find(opened.crypto, handle.account, held, answer) : undefined
  if (proof !== undefined && Notices.fork(opened, work.batch, proof, now, decisions)) return
  const about = `${cause} ${handle.hex} ${held?.version ?? 0}`
  if (opened.warned.has(about)) return
  opened.warned.add(about)
  work.batch.applied(() =>
    opened.warnings.publish(Warnings.rejected(cause, senderOf(opened, handle.hex, ""), now, decisions))
  )
}

/** What follows from newer manifests, in the commit that stores them; memory follows after it. */
export const follow = (
  opened: Opened,
  work: Conversations.Work,
  handle: Handle,
  contact: Contact,
  held: Manifest.Manifest | undefined,
  { newest, passed }: Manifest.Advanced,
  now: number
): void => {
  work.batch.applied(() => {
    contact.manifest = newest
  })
  if (passed.length === 0) return
  const decisions = held === undefined ? [] : Trust.manifestChanged(opened, work, contact, held, newest, now)
  // Rule manifest.told.1. What this device changed itself is no news.
  const { proposal } = opened
  const isProposed = proposal !== undefined && passed.some(({ hash }) => Bytes.equal(hash, proposal.hash))
  const quiet = isProposed ? proposal.version : 0
  if (held !== undefined) Notices.changes(opened, work.batch, handle.hex, held, passed, now, quiet, decisions)
  const revoked = newest.revocations.filter(({ device }) => held === undefined || !Manifest.isRevoked(held, device))
  expel(opened, work, handle, newest)
  if (held !== undefined && revoked.length > 0) {
    const since = revoked.reduce((latest, { revokedIn }) => Math.max(latest, revokedIn), 0)
    renew(opened, work, handle, newest, since)
  }
  if (revoked.length > 0) work.batch.applied(() => opened.clear(handle.hex))
  if (handle.hex !== opened.hex.account) return
  work.batch.applied(() => {
    opened.manifestVersion = newest.version
  })
  if (isProposed) settleProposal(opened, work)
  else if (proposal !== undefined && newest.version >= proposal.version) work.batch.applied(() => opened.resume())
  if (Manifest.deviceOf(newest, opened.self.device) === undefined) retire(opened, work, newest.version, now)
  else if (revoked.length > 0) {
    // Rule manifest.revoke.4. A session of this very millisecond may have begun before.
    const before = now + 1
    work.batch.put(Records.keys.renewed, Records.Renewed.encode({ version: Records.written, before }))
    work.batch.applied(() => {
      opened.renewBefore = before
    })
  }
}

/** Rules manifest.device.2 and manifest.revoke.2: the sessions with devices that a manifest revokes go, and nothing is sealed for them. */
export const expel = (opened: Opened, work: Conversations.Work, handle: Handle, manifest: Manifest.Statement): void => {
  for (const device of handle.devices.values()) {
    if (Manifest.isRevoked(manifest, device.id)) Conversations.dropSessions(opened, work, device)
  }
  for (const { device } of manifest.revocations) work.barred.add(Bytes.toHex(device))
}

/** Rule manifest.revoke.3. `since` is the version that revoked. */
const renew = (
  opened: Opened,
  work: Conversations.Work,
  handle: Handle,
  manifest: Manifest.Manifest,
  since: number
): void => {
  for (const device of handle.devices.values()) {
    if (Manifest.deviceOf(manifest, device.id) === undefined || (work.begun.get(device.hex) ?? 0) >= since) continue
    Conversations.setSessions(opened, work, device, Crossing.archive(device.peer.sessions))
  }
}

/** Takes the proposal out of the store: the relay has it, or another one in its place. */
export const settleProposal = (opened: Opened, work: Conversations.Work): void => {
  work.batch.remove(Records.keys.proposal, opened.proposalSlot)
  work.batch.applied(() => {
    opened.proposal = undefined
  })
}

/** Rule manifest.removed.1. */
const retire = (opened: Opened, work: Conversations.Work, version: number, at: number): void => {
  if (opened.removed !== undefined) return
  const removed: Records.Removed = { version: Records.written, manifest: version, at }
  work.batch.put(Records.keys.removed, Records.Removed.encode(removed))
  work.batch.applied(() => {
    opened.removed = removed
    opened.gone.openUnsafe()
    Notices.removed(opened)
    for (const account of new Set([...opened.lanes.values()].map((lane) => lane.account))) opened.clear(account)
  })
}

/** Whether what waits for a device can never go to it: {@link isBarred}, or its account's newest known manifest does not list it. */
export const isGone = (opened: Opened, account: string, device: Uint8Array): boolean => {
  const contact = opened.contacts.get(account)
  return isBarred(opened, account, device) || (contact !== undefined && isRemoved(contact, device))
}

/** Whether nothing may be sealed for a device: its account removed it or is about to, or this device was removed. */
export const isBarred = (opened: Opened, account: string, device: Uint8Array): boolean => {
  const { contacts, hex, proposal, removed } = opened
  if (removed !== undefined) return true
  const manifest = contacts.get(account)?.manifest
  if (manifest !== undefined && Manifest.isRevoked(manifest, device)) return true
  return account === hex.account && proposal !== undefined && Manifest.isRevoked(proposal, device)
}

/** Whether an account's newest known manifest says that a device is not, or no longer, one of its. */
export const isRemoved = ({ manifest }: Contact, device: Uint8Array): boolean =>
  manifest !== undefined && Manifest.deviceOf(manifest, device) === undefined
