/**
 * Codecs of the records that trust is kept in, and the policy's digest.
 *
 * Spec: docs/spec/24-trust.md §24.3–24.6; docs/spec/16-state.md §16.1.
 * Does not read or write a store. Keys are in client/Records.ts.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { LedgerLayout } from "../trust/Ledger.ts"
import * as Policy from "../trust/Policy.ts"

const version = 1
const format = { version: Layout.literal(version) }
const uint = Layout.uint()
const event = Layout.uint({ min: 1, max: 10 })
const decision = Layout.uint({ min: 1, max: 6 })
const rule = Layout.text({ min: 1, max: 64 })
const facts = Layout.uint({ max: 15 })
const digest = Layout.bytes({ length: 8 })
/** A device id, or nothing. */
const device = Layout.bytes({ max: 32 })

/** How a contact was verified, as numbers in records. */
export const ways = { digits: 1, code: 2, "own-device": 3 } as const
export type Way = keyof typeof ways

/** What stops something until it is lifted (rule trust.effect.2). */
export const Hold = Layout.tuple({
  event,
  device,
  from: uint,
  to: uint,
  pinned: Layout.uint({ max: 1 }),
  decision,
  rule,
  at: uint
})
export type Hold = Layout.Type<typeof Hold>

/** The last decision about sending or receiving that was written down. */
export const Noted = Layout.tuple({ event, decision, facts, rule, policy: digest })
export type Noted = Layout.Type<typeof Noted>

/**
 * What one contact has earned. `verifiedAt` is 0 while it is not verified; `by` one of {@link ways}, `print` its fingerprint (32 bytes) and
 * `compared` its devices of then; `approvedAt` is 0 while the operator has not approved it by hand.
 */
export const Trust = Layout.tuple({
  ...format,
  verifiedAt: uint,
  by: Layout.uint({ max: 3 }),
  print: Layout.bytes({ max: 32 }),
  compared: Layout.list(Layout.bytes({ length: 32 }), { max: Limits.maxManifestDevices }),
  approvedAt: uint,
  holds: Layout.list(Hold, { max: Limits.maxTrustHolds }),
  noted: Layout.list(Noted, { max: 2 }),
  ledger: LedgerLayout
})
export type Trust = Layout.Type<typeof Trust>

/**
 * Whether a contact is verified as it was decided last, here or on another own device (rule trust.verify.6). `print` is empty where it was
 * taken back; `stamp` is 0 where only a word about the contact said so.
 */
export const Verified = Layout.tuple({
  ...format,
  stamp: Layout.uint({ max: Limits.maxStamp }),
  device: Layout.bytes({ length: 32 }),
  print: Layout.bytes({ max: 32 })
})

/** Of a contact of whom nothing is known. */
export const empty: Trust = {
  version,
  verifiedAt: 0,
  by: 0,
  print: Bytes.empty,
  compared: [],
  approvedAt: 0,
  holds: [],
  noted: [],
  ledger: []
}

/** One decision of the log. `facts` has the bits verified 1, pinned 2, vouched 4, approved 8. */
export const Log = Layout.tuple({
  ...format,
  at: uint,
  event,
  account: Layout.bytes({ length: 32 }),
  device,
  from: uint,
  to: uint,
  facts,
  ageMs: uint,
  decision,
  rule,
  policy: digest,
  name: Layout.text({ min: 1, max: 64 })
})
export type Log = Layout.Type<typeof Log>

/** The policy the operator set, as JSON. */
export const StoredPolicy = Layout.tuple({ ...format, json: Layout.bytes({ max: Limits.maxTrustPolicyBytes }) })

/** What tells one policy from another in records of this device: 8 bytes. */
export const digestOf = (crypto: CryptoProvider, policy: Policy.Policy): Uint8Array =>
  crypto.sha256(Bytes.utf8Encode(Policy.format(policy))).slice(0, 8)

/** The version every record here is written with. */
export const written = version
