/**
 * The ledger: one sealed record that knows which records there are and in which version, so that one that was put back, removed or
 * added behind the vault's back is noticed.
 *
 * Spec: docs/spec/12-vault.md §12.6.
 * Vectors: vectors/vault.
 * Cannot notice that the whole store, itself included, is an older one: the rollback fence does, later.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Suite from "../crypto/Suite.ts"
import { fail, unreadable, type VaultFailure } from "./VaultFailure.ts"
import type { VaultKeys } from "./VaultKeys.ts"

const format = 1
const suite = 1

/** What is true of all records together. */
export interface Ledger {
  /** Rises with every commit and every record that is written; a record's version is the clock of its writing. */
  readonly clock: number
  /** Generation of the header that belongs to this. */
  readonly generation: number
  /** Stored pieces. */
  readonly count: number
  /** 32 bytes: the exclusive-or of every piece's mark. */
  readonly marks: Uint8Array
}

/** The ledger of a vault without records. */
export const empty = (generation: number): Ledger => ({ clock: 1, generation, count: 0, marks: new Uint8Array(32) })

const ContentLayout = Layout.tuple({
  generation: Layout.uint({ min: 1 }),
  count: Layout.uint(),
  marks: Layout.bytes({ length: 32 })
})

/** A ledger as it is stored. */
export const LedgerLayout = Layout.tuple({
  format: Layout.literal(format),
  clock: Layout.uint({ min: 1 }),
  nonce: Layout.bytes({ length: 12 }),
  sealed: Layout.bytes({ min: 16, max: ContentLayout.maxBytes + 16 })
})

const keyOf = (crypto: CryptoProvider, keys: VaultKeys, clock: number): Uint8Array =>
  crypto.hkdfExpand(keys.ledger, Labels.prefixed(Labels.vaultLedger, Bytes.be64(clock)), 32)

/** Bytes of a ledger. `nonce` is 12 fresh random bytes. */
export const seal = (crypto: CryptoProvider, keys: VaultKeys, ledger: Ledger, nonce: Uint8Array): Uint8Array => {
  const { clock, count, generation, marks } = ledger
  const key = keyOf(crypto, keys, clock)
  const plain = ContentLayout.encode({ generation, count, marks })
  const sealed = Suite.seal(crypto, suite, key, nonce, Bytes.empty, plain)
  Bytes.wipe(key, plain)
  return LedgerLayout.encode({ format, clock, nonce, sealed })
}

/** Opens a stored ledger. Fails with `state.corrupt`, `state.version` or `vault.damaged`. */
export const open = (
  crypto: CryptoProvider,
  keys: VaultKeys,
  stored: Uint8Array
): Result.Result<Ledger, VaultFailure> => {
  const decoded = Stored.decode(LedgerLayout, format, stored)
  if (Result.isFailure(decoded)) return Result.fail(unreadable(decoded.failure))
  const { clock, nonce, sealed } = decoded.success
  const key = keyOf(crypto, keys, clock)
  const plain = Suite.open(crypto, suite, key, nonce, Bytes.empty, sealed)
  Bytes.wipe(key)
  if (plain === undefined) return fail("vault.damaged")
  const content = ContentLayout.decode(plain)
  return Result.isSuccess(content) ? Result.succeed({ ...content.success, clock }) : fail("state.corrupt")
}

/** Adds the mark of a stored piece to `marks`, in place; adding it again takes it away. */
export const toggle = (
  crypto: CryptoProvider,
  keys: VaultKeys,
  marks: Uint8Array,
  id: Uint8Array,
  version: number
): void => {
  const mark = crypto.hmacSha256(keys.marks, Labels.prefixed(Labels.vaultMark, id, Bytes.be64(version)))
  for (let i = 0; i < marks.length; i++) marks[i]! ^= mark[i]!
}
