/**
 * What an opened client holds in memory of trust: the policy, and what each contact has earned.
 *
 * Spec: docs/spec/24-trust.md; docs/spec/16-state.md §16.1.
 * Reads the store once, at opening, and writes into the batches of others; decides nothing.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type * as Register from "../identity/Register.ts"
import type { Store } from "../ports/Store.ts"
import * as Policy from "../trust/Policy.ts"
import { absent, type Batch, type Slot } from "./Commit.ts"
import { StoredRecordError } from "./Errors.ts"
import * as Loading from "./Loading.ts"
import * as Records from "./Records.ts"
import * as TrustRecords from "./TrustRecords.ts"

/** The record of one contact. */
interface Entry {
  record: TrustRecords.Trust
  readonly slot: Slot
}

/** Whether a contact is verified, as it was decided last. */
interface Decided {
  readonly written: Register.Written
  readonly slot: Slot
}

/** Messages of a contact that are kept aside: how many, and the order of the next. */
interface Aside {
  readonly count: number
  readonly next: number
}

/** Everything about trust that is in memory. */
export interface TrustState {
  policy: Policy.Policy
  /** {@link TrustRecords.digestOf} of the policy. */
  digest: Uint8Array
  readonly policySlot: Slot
  /** By account in hexadecimal. */
  readonly entries: Map<string, Entry>
  readonly decided: Map<string, Decided>
  readonly aside: Map<string, Aside>
  /** Orders of the log: the oldest that may be stored, and the next. */
  oldest: number
  next: number
  /** Accounts that the user named, by invitation or by accepting them: their first contact is `pinned` (rule trust.fact.1). */
  readonly named: Set<string>
  /** What was warned of while the client is open (rule trust.effect.7). */
  readonly warned: Set<string>
}

/** Reads what is stored. A policy that is given stands before the stored one while the client is open. */
export const load = Effect.fnUntraced(function* (
  store: Store["Service"],
  crypto: CryptoProvider,
  given: Policy.Policy | undefined
) {
  const stored = yield* store.get(Records.keys.trustPolicy)
  let policy = given ?? Policy.standard
  if (stored !== undefined) {
    const { json } = yield* Records.read(TrustRecords.StoredPolicy, stored.key, stored.value)
    const text = Bytes.utf8Decode(json)
    const read = text === undefined ? undefined : Policy.parse(text)
    if (read === undefined || Result.isFailure(read)) {
      return yield* new StoredRecordError({ kind: "trust-policy", reason: "corrupt" })
    }
    policy = given ?? read.success
  }
  const entries = new Map<string, Entry>()
  for (const { key, revision, value } of yield* Loading.scanAll(store, "trust/")) {
    const record = yield* Records.read(TrustRecords.Trust, key, value)
    entries.set(Records.partsOf(key)[1]!, { record, slot: { revision } })
  }
  const decided = new Map<string, Decided>()
  for (const { key, revision, value } of yield* Loading.scanAll(store, "verified/")) {
    const { device, print, stamp } = yield* Records.read(TrustRecords.Verified, key, value)
    const written = { stamp, device, value: print.length === 0 ? undefined : print }
    decided.set(Records.partsOf(key)[1]!, { written, slot: { revision } })
  }
  const aside = new Map<string, Aside>()
  for (const { key } of yield* Loading.scanAll(store, "aside/")) {
    const account = Records.partsOf(key)[1]!
    aside.set(account, { count: (aside.get(account)?.count ?? 0) + 1, next: Records.orderOf(key) + 1 })
  }
  const log = yield* Loading.scanAll(store, "trust-log/")
  const state: TrustState = {
    policy,
    digest: TrustRecords.digestOf(crypto, policy),
    policySlot: { revision: stored?.revision },
    entries,
    decided,
    aside,
    oldest: log.length === 0 ? 1 : Records.orderOf(log[0]!.key),
    next: log.length === 0 ? 1 : Records.orderOf(log.at(-1)!.key) + 1,
    named: new Set(),
    warned: new Set()
  }
  return state
})

/** Records of works that are not committed yet. */
const pending = new WeakMap<Batch, Map<string, Entry>>()

/** A contact's record as it will be after this batch, or as it is. */
export const recordOf = (trust: TrustState, account: string, batch?: Batch): TrustRecords.Trust =>
  (batch === undefined ? undefined : pending.get(batch)?.get(account)?.record) ??
  trust.entries.get(account)?.record ??
  TrustRecords.empty

/** Puts a contact's record into a batch; memory follows after the commit. To be called under the lock of its conversation. */
export const put = (trust: TrustState, batch: Batch, account: string, record: TrustRecords.Trust): void => {
  const known = pending.get(batch) ?? new Map<string, Entry>()
  pending.set(batch, known)
  const before = known.get(account)
  const entry = before ?? { record, slot: trust.entries.get(account)?.slot ?? absent() }
  entry.record = record
  batch.put(Records.keys.trust(account), TrustRecords.Trust.encode(record), entry.slot)
  if (before !== undefined) return
  known.set(account, entry)
  batch.applied(() => trust.entries.set(account, entry))
}

/** Writings of works that are not committed yet. */
const undecided = new WeakMap<Batch, Map<string, Decided>>()

/** What was decided last about verifying a contact, as it will be after this batch, or as it is. */
export const decidedOf = (trust: TrustState, account: string, batch?: Batch): Register.Written | undefined =>
  ((batch === undefined ? undefined : undecided.get(batch)?.get(account)) ?? trust.decided.get(account))?.written

/** Puts a decision into a batch; memory follows after the commit. To be called under the lock of the contact's conversation. */
export const decide = (trust: TrustState, batch: Batch, account: string, written: Register.Written): void => {
  const known = undecided.get(batch) ?? new Map<string, Decided>()
  undecided.set(batch, known)
  const slot = (known.get(account) ?? trust.decided.get(account))?.slot ?? absent()
  const { device, stamp, value } = written
  const record = { version: TrustRecords.written, stamp, device, print: value ?? Bytes.empty } as const
  batch.put(Records.keys.verified(account), TrustRecords.Verified.encode(record), slot)
  known.set(account, { written, slot })
  batch.applied(() => trust.decided.set(account, { written, slot }))
}
