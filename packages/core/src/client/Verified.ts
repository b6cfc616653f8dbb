/**
 * Whether a contact is verified, as the devices of the account decided last: a register for each contact.
 *
 * Spec: docs/spec/24-trust.md §24.5, rules trust.verify.6 and trust.verify.7; docs/spec/22-own-devices.md §22.8.
 * Changes works and commits nothing. Compares no safety numbers: client/Verifying.ts does.
 */
import * as Bytes from "../base/Bytes.ts"
import type { VerifiedWord } from "../envelope/OwnDevice.ts"
import * as Register from "../identity/Register.ts"
import type { Batch } from "./Commit.ts"
import type * as Conversations from "./Conversations.ts"
import type { Contact, Opened } from "./Opened.ts"
import * as TrustAllows from "./TrustAllows.ts"
import * as TrustRecords from "./TrustRecords.ts"
import * as TrustState from "./TrustState.ts"

/** What was decided last about a contact, if anything was. */
const decided = (opened: Opened, account: string, batch?: Batch): Register.Written | undefined => {
  const known = TrustState.decidedOf(opened.trust, account, batch)
  if (known !== undefined) return known
  // Verified by a version that kept no register.
  const { by, print, verifiedAt } = TrustState.recordOf(opened.trust, account, batch)
  if (verifiedAt === 0) return undefined
  const stamp = by === TrustRecords.ways["own-device"] ? 0 : Register.stampOf(verifiedAt, 0)
  return { stamp, device: opened.self.device, value: print }
}

/** The word about it for own devices; none where nothing was decided but by hearsay. */
export const wordAbout = (
  opened: Opened,
  { account, hex }: Pick<Contact, "account" | "hex">,
  batch?: Batch
): VerifiedWord | undefined => {
  const last = decided(opened, hex, batch)
  if (last === undefined || last.stamp === 0) return undefined
  return { own: "verified", account, stamp: last.stamp, device: last.device, print: last.value ?? Bytes.empty }
}

/** The user decided here: `print` is what was compared, nothing when it is taken back. */
export const write = (
  opened: Opened,
  { batch }: Conversations.Work,
  account: string,
  print: Uint8Array | undefined,
  now: number
): void => {
  const stamp = Register.stampOf(now, decided(opened, account, batch)?.stamp ?? 0)
  TrustState.decide(opened.trust, batch, account, { stamp, device: opened.self.device, value: print })
}

/** What hearing of a writing came to: it stands and changed something, it changes nothing, or what this device knows stands above it. */
export type Heard = "changed" | "same" | "below"

/** Takes over what another own device says. Part of a work that holds the conversation. */
export const hear = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  written: Register.Written,
  now: number
): Heard => {
  const { trust } = opened
  const { batch } = work
  const before = decided(opened, contact.hex, batch)
  const order = before === undefined ? 1 : Register.compare(written, before)
  if (order <= 0) return order < 0 ? "below" : "same"
  TrustState.decide(trust, batch, contact.hex, written)
  const record = TrustState.recordOf(trust, contact.hex, batch)
  if (record.verifiedAt > 0 === (written.value !== undefined)) return "same"
  const next =
    written.value === undefined
      ? forget(record)
      : { ...record, verifiedAt: now, by: TrustRecords.ways["own-device"], print: written.value }
  TrustState.put(trust, batch, contact.hex, next)
  TrustAllows.reconsider(opened, work, contact, now)
  return "changed"
}

/** A word about the contact itself says so, by whichever version: it counts only where nothing was decided (rule trust.verify.7). */
export const hearsay = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  print: Uint8Array,
  now: number
): Heard =>
  print.length === 32 ? hear(opened, work, contact, { stamp: 0, device: nobody, value: print }, now) : "same"

const nobody = new Uint8Array(32)

/** The record of a contact that is not verified any more. */
export const forget = (record: TrustRecords.Trust): TrustRecords.Trust => ({
  ...record,
  verifiedAt: 0,
  by: 0,
  print: Bytes.empty,
  compared: []
})
