/**
 * Fork proofs: two signed manifests of one account that cannot stand in one history, for anybody to check.
 *
 * Spec: docs/spec/04-accounts.md §4.5.
 * Vectors: vectors/identity/proof.json.
 * Says nothing about which history is the right one, and keeps nothing.
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import type { Cause } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Manifest from "./Manifest.ts"

const format = 1

/** The layout of a proof. */
export const Proof = Layout.tuple({
  format: Layout.literal(format),
  first: Layout.bytes({ max: Limits.maxManifestBytes }),
  second: Layout.bytes({ max: Limits.maxManifestBytes })
})

/** Refusals that are none of the failure taxonomy, with their stage. */
export const outcomes = {
  "proof.accounts": "authenticate",
  "proof.same": "apply",
  "proof.consistent": "apply"
} as const
export type Outcome = keyof typeof outcomes

/** Bytes that prove no fork, and why (rule proof.check.1). */
export class NoProof extends Data.TaggedClass("NoProof")<{ readonly cause: Cause | Outcome }> {}

/** A proof that was checked. */
export interface ForkProof {
  /** The account whose key signed both, 32 bytes. */
  readonly account: Uint8Array
  /** The lower version; of equal ones the lower hash. */
  readonly first: Manifest.Manifest
  readonly second: Manifest.Manifest
  readonly contradiction: Manifest.Contradiction
  /** The whole, as it is kept and handed on. */
  readonly bytes: Uint8Array
}

/** A proof's bytes out of both signed manifests, which stand in their order already (rule proof.layout.1). */
export const encode = (first: Uint8Array, second: Uint8Array): Uint8Array => Proof.encode({ format, first, second })

const refuse = (cause: NoProof["cause"]): Result.Result<never, NoProof> => Result.fail(new NoProof({ cause }))

/** Checks a proof; needs nothing but its bytes. Fails with `decode.*`, `auth.account` or one of {@link outcomes}. */
export const verify = (crypto: CryptoProvider, bytes: Uint8Array): Result.Result<ForkProof, NoProof> => {
  if (bytes.length > Limits.maxForkProofBytes) return refuse("decode.size")
  const decoded = Refusal.decode(Proof, bytes)
  if (Result.isFailure(decoded)) return refuse(decoded.failure.cause)
  const first = Manifest.verify(crypto, decoded.success.first)
  if (Result.isFailure(first)) return refuse(first.failure.cause)
  const second = Manifest.verify(crypto, decoded.success.second)
  if (Result.isFailure(second)) return refuse(second.failure.cause)
  return judge(first.success, second.success, bytes)
}

const judge = (
  first: Manifest.Manifest,
  second: Manifest.Manifest,
  bytes: Uint8Array
): Result.Result<ForkProof, NoProof> => {
  const { account } = first
  if (!Bytes.equal(account, second.account)) return refuse("proof.accounts")
  if (Bytes.equal(first.hash, second.hash)) return refuse("proof.same")
  if (compare(first, second) > 0) return refuse("decode.noncanonical")
  const contradiction = Manifest.contradiction(first, second)
  return contradiction === undefined
    ? refuse("proof.consistent")
    : Result.succeed({ account, first, second, contradiction, bytes: bytes.slice() })
}

/** The order of the two in a proof. */
const compare = (a: Manifest.Manifest, b: Manifest.Manifest): number =>
  a.version === b.version ? Bytes.compare(a.hash, b.hash) : a.version - b.version

/** The proof that two verified manifests make, if they contradict each other. */
export const of = (a: Manifest.Manifest, b: Manifest.Manifest): ForkProof | undefined => {
  const [first, second] = compare(a, b) <= 0 ? [a, b] : [b, a]
  const made = judge(first, second, encode(first.bytes, second.bytes))
  return Result.isSuccess(made) ? made.success : undefined
}

/**
 * The first proof in an answer that was refused with `auth.fork`: one of its manifests against the one held, or against the one
 * before it in the answer. What does not verify is no part of a proof.
 */
export const find = (
  crypto: CryptoProvider,
  account: Uint8Array,
  held: Manifest.Manifest | undefined,
  answer: ReadonlyArray<Uint8Array>
): ForkProof | undefined => {
  let before: Manifest.Manifest | undefined
  for (const bytes of answer) {
    const verified = Manifest.verify(crypto, bytes, account)
    if (Result.isFailure(verified)) continue
    const next = verified.success
    const proof =
      (held === undefined ? undefined : of(held, next)) ?? (before === undefined ? undefined : of(before, next))
    if (proof !== undefined) return proof
    before = next
  }
  return undefined
}
