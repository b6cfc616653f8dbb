/**
 * Session starts, sealed to the recipient device so that nobody else learns who sends.
 *
 * Spec: docs/spec/03-envelopes.md §3.2.
 * Vectors: vectors/envelope.
 * Authenticates nobody: that is done by the certificate and the ratchet message inside. The recipient's agreement key stays
 * in its custody, which computes the shared secret.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as Labels from "../crypto/Labels.ts"
import * as MlKem from "../crypto/MlKem.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Suite from "../crypto/Suite.ts"

/** The body of a session start envelope. */
export interface SealedStart {
  readonly suite: Suite.SuiteId
  /** X25519 public key, 32 bytes. */
  readonly ephemeral: Uint8Array
  readonly box: Uint8Array
}

/** The layout of the body. */
export const Outer = Layout.tuple({
  suite: Layout.uint(),
  ephemeral: Layout.bytes({ length: 32 }),
  box: Layout.bytes({ max: Limits.maxEnvelopeBytes })
})

/** The layout of the plaintext. */
export const Inner = Layout.tuple({
  suite: Layout.uint(),
  certificate: Layout.bytes({ max: Limits.maxCertificateBytes }),
  manifestVersion: Layout.uint({ min: 1 }),
  mailbox: Layout.bytes({ length: Limits.mailboxBytes }),
  ephemeral: Layout.bytes({ length: 32 }),
  signedPrekeyId: Layout.uint({ min: 1 }),
  oneTimePrekeyId: Layout.uint(),
  kemOneTime: Layout.uint({ max: 1 }),
  kemPrekeyId: Layout.uint({ min: 1 }),
  kemCiphertext: Layout.bytes({ length: MlKem.ciphertextBytes }),
  message: Layout.bytes({ max: Limits.maxEnvelopeBytes }),
  extensions: Layout.extensions({
    user: Layout.extension(1, Layout.text({ max: Limits.maxUserNameBytes })),
    rank: Layout.extension(3, Layout.uint({ max: Limits.maxSessionRank }))
  })
})

/** What a session start says once it is opened. */
export type Start = Layout.Type<typeof Inner>

/** The bytes of a start, to be sealed. */
export const encodeStart = (start: Start): Uint8Array => Inner.encode(start)

/** Reads the plaintext of a start. Fails with `decode.*`, and with `policy.suite` when it names another suite than its seal. */
export const decodeStart = (sealed: SealedStart, bytes: Uint8Array): Result.Result<Start, Failure> => {
  const decoded = Refusal.decode(Inner, bytes)
  return Result.isSuccess(decoded) && decoded.success.suite !== sealed.suite ? fail("policy.suite") : decoded
}

/** Reads the body of a session start envelope. Fails with `decode.*` or `policy.suite`. */
export const decode = (body: Uint8Array): Result.Result<SealedStart, Failure> => {
  const decoded = Refusal.decode(Outer, body)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const { box, ephemeral, suite } = decoded.success
  return Suite.isSuiteId(suite) ? Result.succeed({ suite, ephemeral, box }) : fail("policy.suite")
}

/**
 * The body of a session start envelope. `ephemeralSecret` is fresh for every envelope (rule sealed.fresh.1), `recipient` the
 * recipient device's agreement key, `prefix` the envelope prefix. Fails with `auth.low-order`.
 */
export const seal = (
  crypto: CryptoProvider,
  suite: Suite.SuiteId,
  ephemeralSecret: Uint8Array,
  recipient: Uint8Array,
  prefix: Uint8Array,
  start: Uint8Array
): Result.Result<Uint8Array, Failure> => {
  const shared = crypto.x25519(ephemeralSecret, recipient)
  if (shared === undefined) return fail("auth.low-order")
  const ephemeral = crypto.x25519PublicKey(ephemeralSecret)
  const keys = deriveKeys(crypto, suite, shared, ephemeral, recipient)
  shared.fill(0)
  const { keyLength } = Suite.suites[suite]
  const ad = associated(prefix, suite, ephemeral)
  const box = Suite.seal(crypto, suite, keys.subarray(0, keyLength), keys.subarray(keyLength), ad, start)
  keys.fill(0)
  return Result.succeed(Outer.encode({ suite, ephemeral, box }))
}

/**
 * The plaintext of a start. `shared` is X25519 of the recipient's agreement key with `sealed.ephemeral`, `undefined` if that
 * is zero; `recipient` is the public half. Fails with `auth.low-order` or `auth.tag`.
 */
export const open = (
  crypto: CryptoProvider,
  sealed: SealedStart,
  shared: Uint8Array | undefined,
  recipient: Uint8Array,
  prefix: Uint8Array
): Result.Result<Uint8Array, Failure> => {
  if (shared === undefined) return fail("auth.low-order")
  const { box, ephemeral, suite } = sealed
  const keys = deriveKeys(crypto, suite, shared, ephemeral, recipient)
  const { keyLength } = Suite.suites[suite]
  const ad = associated(prefix, suite, ephemeral)
  const start = Suite.open(crypto, suite, keys.subarray(0, keyLength), keys.subarray(keyLength), ad, box)
  keys.fill(0)
  return start === undefined ? fail("auth.tag") : Result.succeed(start)
}

/** Rule sealed.key.1: key ‖ nonce. */
const deriveKeys = (
  crypto: CryptoProvider,
  suite: Suite.SuiteId,
  shared: Uint8Array,
  ephemeral: Uint8Array,
  recipient: Uint8Array
): Uint8Array => {
  const { keyLength, nonceLength } = Suite.suites[suite]
  const info = Labels.prefixed(Labels.sealedSender, Bytes.be8(suite))
  return crypto.hkdfSha256(shared, Bytes.concat(ephemeral, recipient), info, keyLength + nonceLength)
}

/** Rule sealed.ad.1. */
const associated = (prefix: Uint8Array, suite: Suite.SuiteId, ephemeral: Uint8Array): Uint8Array =>
  Bytes.concat(prefix, Bytes.be8(suite), ephemeral)
