/**
 * What a contact's devices were seen to do, and whether one does less than before.
 *
 * Spec: docs/spec/24-trust.md §24.6.
 * Only to be fed with what authenticated. Stores nothing.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"

/** Bits of features. */
export const features = { lists: 1 } as const

/** What was seen of one device. */
export interface Seen {
  /** Device id, 32 bytes. */
  readonly device: Uint8Array
  /** Suites of its sessions: suite s is bit s − 1. */
  readonly suites: number
  /** Features of its messages; see {@link features}. */
  readonly features: number
  /** Features its messages had and no longer have. */
  readonly missing: number
  /** ms. */
  readonly since: number
  /** ms. */
  readonly changed: number
}

/** The devices of one contact, the one that changed last at the end. */
export type Ledger = ReadonlyArray<Seen>

const bits = Layout.uint({ max: 0xffff_ffff })

/** The stored form. */
export const LedgerLayout = Layout.list(
  Layout.tuple({
    device: Layout.bytes({ length: 32 }),
    suites: bits,
    features: bits,
    missing: bits,
    since: Layout.uint(),
    changed: Layout.uint()
  }),
  { max: Limits.maxLedgerDevices }
)

const bitOf = (suite: number): number => 2 ** (suite - 1)
const has = (field: number, bit: number): boolean => Math.floor(field / bit) % 2 === 1

/** A device's entry. */
export const find = (ledger: Ledger, device: Uint8Array): Seen | undefined =>
  ledger.find((seen) => Bytes.equal(seen.device, device))

/** The suites of a bit field, ascending. */
export const suitesOf = (field: number): ReadonlyArray<number> =>
  Array.from({ length: 32 }, (_, i) => i + 1).filter((suite) => has(field, bitOf(suite)))

/** Places in the order of a policy: 0 is the strongest; suites it does not name share the last place (rule trust.ledger.2). */
const placeOf = (order: ReadonlyArray<number>, suite: number): number => {
  const at = order.indexOf(suite)
  return at < 0 ? order.length : at
}

/** The strongest suite seen of a device, if any was. */
export const strongest = (seen: Seen | undefined, order: ReadonlyArray<number>): number | undefined => {
  let best: number | undefined
  for (const suite of suitesOf(seen?.suites ?? 0)) {
    if (best === undefined || placeOf(order, suite) < placeOf(order, best)) best = suite
  }
  return best
}

/** The strongest suite seen of a device, if it is stronger than this one. */
export const downgradeFrom = (
  ledger: Ledger,
  device: Uint8Array,
  suite: number,
  order: ReadonlyArray<number>
): number | undefined => {
  const before = strongest(find(ledger, device), order)
  return before !== undefined && placeOf(order, before) < placeOf(order, suite) ? before : undefined
}

/** With a session of this suite. The same ledger when that is nothing new. */
export const withSuite = (ledger: Ledger, device: Uint8Array, suite: number, now: number): Ledger => {
  const seen = find(ledger, device)
  if (seen !== undefined && has(seen.suites, bitOf(suite))) return ledger
  return put(ledger, { ...(seen ?? fresh(device, now)), suites: (seen?.suites ?? 0) + bitOf(suite), changed: now })
}

/** What a message's features change. */
export interface Noticed {
  readonly ledger: Ledger
  /** Features that earlier messages had and this one is the first to lack; 0 for none. */
  readonly lost: number
}

/** With a numbered message that had these features. */
export const withFeatures = (ledger: Ledger, device: Uint8Array, shown: number, now: number): Noticed => {
  const seen = find(ledger, device)
  const features = ((seen?.features ?? 0) | shown) >>> 0
  const missing = (features & ~shown) >>> 0
  if (features === (seen?.features ?? 0) && missing === (seen?.missing ?? 0)) return { ledger, lost: 0 }
  const next = put(ledger, { ...(seen ?? fresh(device, now)), features, missing, changed: now })
  return { ledger: next, lost: (missing & ~(seen?.missing ?? 0)) >>> 0 }
}

const fresh = (device: Uint8Array, since: number): Seen => ({
  device,
  suites: 0,
  features: 0,
  missing: 0,
  since,
  changed: since
})

const put = (ledger: Ledger, seen: Seen): Ledger => {
  const others = ledger.filter(({ device }) => !Bytes.equal(device, seen.device))
  return [...others.slice(Math.max(0, others.length + 1 - Limits.maxLedgerDevices)), seen]
}
