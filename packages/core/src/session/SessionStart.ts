/**
 * Session starts: beginning a session, sealing messages before the first answer, and accepting a start.
 *
 * Spec: docs/spec/08-sessions.md §8.2; docs/spec/05-agreement.md §5.2; docs/spec/03-envelopes.md §3.2.
 * The way of a start at its recipient: {@link decode} → the custody agrees with `ephemeral` → {@link unseal} → {@link admit} →
 * a known session opens `start.message` with {@link openKnown}, or the custody agrees with `start.ephemeral` and {@link accept}
 * makes a new one. It is for the caller to find known sessions by digest and prekeys by id, and to delete one-time keys.
 */
import * as Result from "effect/Result"
import * as Pqxdh from "../agreement/Pqxdh.ts"
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { SuiteId } from "../crypto/Suite.ts"
import * as Envelope from "../envelope/Envelope.ts"
import * as Padding from "../envelope/Padding.ts"
import * as SealedSender from "../envelope/SealedSender.ts"
import * as Certificate from "../identity/Certificate.ts"
import type { DeviceIdentity } from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as DoubleRatchet from "../ratchet/DoubleRatchet.ts"
import * as RatchetState from "../ratchet/RatchetState.ts"
import * as SkippedKeys from "../ratchet/SkippedKeys.ts"
import * as Receive from "./Receive.ts"
import type { Sent } from "./Send.ts"
import type { Peer, Session } from "./Session.ts"

/** What begins a session, beside the fresh secrets of {@link Pqxdh.InitiatorInput}. */
export interface BeginInput extends Pqxdh.InitiatorInput {
  /** Fresh X25519 secret (coin `ratchet.eph`), 32 bytes, kept by the session. */
  readonly ratchetSecret: Uint8Array
  /** From session/Crossing.ts, `nextRank`. */
  readonly rank: number
}

/** A session that was begun. */
export interface Begun {
  readonly session: Session
  readonly consumed: ReadonlyArray<Uint8Array>
}

/** Digest (16 bytes) by which a start is known again: over the initiator's account and device id, EK and KEM ciphertext (rule session.start.2). */
export const digest = (
  crypto: CryptoProvider,
  initiator: Peer,
  ephemeral: Uint8Array,
  kemCiphertext: Uint8Array
): Uint8Array =>
  crypto
    .sha256(Labels.prefixed(Labels.sessionStartId, initiator.account, initiator.device, ephemeral, kemCiphertext))
    .slice(0, 16)

/** Begins a session with the device of a checked bundle. Fails with `auth.low-order`, `auth.prekey` or `auth.reflected`. */
export const begin = (crypto: CryptoProvider, input: BeginInput): Result.Result<Begun, Failure> => {
  const { bundle, rank, ratchetSecret, self } = input
  const initiated = Pqxdh.initiate(crypto, input)
  if (Result.isFailure(initiated)) return Result.fail(initiated.failure)
  const { agreed, consumed, parameters } = initiated.success
  const ratchet = RatchetState.initiate(crypto, agreed, ratchetSecret, bundle.signedPrekey.key)
  agreed.rootKey.fill(0)
  if (Result.isFailure(ratchet)) return Result.fail(ratchet.failure)
  const { account, agreement, device } = bundle.certificate
  return Result.succeed({
    session: {
      id: Pqxdh.sessionId(agreed.ad),
      peer: { account, device },
      rank,
      initiated: true,
      start: digest(crypto, self, parameters.ephemeral, parameters.kemCiphertext),
      ratchet: ratchet.success,
      pending: { parameters, recipient: agreement, sealed: 0 }
    },
    consumed
  })
}

/** What a message before the first answer needs beside its content. */
export interface SealInput {
  /** The recipient's mailbox, 16 bytes. */
  readonly to: Uint8Array
  /** Encoded content. */
  readonly content: Uint8Array
  /** Fresh, 12 bytes, in suite 3 16. */
  readonly headerNonce: Uint8Array
  /** Fresh X25519 secret (coin `sealed.eph`), 32 bytes. Used up. */
  readonly ephemeralSecret: Uint8Array
  /** The own certificate. */
  readonly certificate: Uint8Array
  /** Version of the own newest manifest. */
  readonly manifestVersion: number
  /** The own mailbox, where answers go, 16 bytes. */
  readonly mailbox: Uint8Array
  /** The own user name, if it is to be told. */
  readonly user?: string | undefined
}

/**
 * Seals content in a session that was not answered yet, as one more session start. Fails with `limit.unanswered`, `limit.chain`,
 * `decode.size` or `auth.low-order`. An answered session is a defect.
 */
export const seal = (crypto: CryptoProvider, session: Session, input: SealInput): Result.Result<Sent, Failure> => {
  const { pending, ratchet } = session
  if (pending === undefined) return defect("an answered session seals session messages")
  if (pending.sealed >= Limits.maxUnansweredStarts) return fail("limit.unanswered")
  const { certificate, content, ephemeralSecret, headerNonce, mailbox, manifestVersion, to, user } = input
  const { parameters, recipient } = pending
  const prefix = Envelope.prefix(Envelope.kinds.sessionStart, to)
  const padded = Padding.pad(content)
  const sealed = DoubleRatchet.seal(crypto, ratchet, prefix, padded, headerNonce)
  padded.fill(0)
  if (Result.isFailure(sealed)) return Result.fail(sealed.failure)
  const start = SealedSender.encodeStart({
    suite: ratchet.suite,
    certificate,
    manifestVersion,
    mailbox,
    ephemeral: parameters.ephemeral,
    signedPrekeyId: parameters.signedPrekeyId,
    oneTimePrekeyId: parameters.oneTimePrekeyId,
    kemOneTime: parameters.kemOneTime ? 1 : 0,
    kemPrekeyId: parameters.kemPrekeyId,
    kemCiphertext: parameters.kemCiphertext,
    message: sealed.success.message,
    extensions: { ...(user === undefined ? {} : { user }), rank: session.rank, unknown: [] }
  })
  const body = SealedSender.seal(crypto, ratchet.suite, ephemeralSecret, recipient, prefix, start)
  start.fill(0)
  if (Result.isFailure(body)) return Result.fail(body.failure)
  const envelope = Envelope.encode({ kind: Envelope.kinds.sessionStart, to, body: body.success })
  if (Result.isFailure(envelope)) return Result.fail(envelope.failure)
  return Result.succeed({
    next: { ...session, ratchet: sealed.success.next, pending: { ...pending, sealed: pending.sealed + 1 } },
    envelope: envelope.success,
    consumed: [...sealed.success.consumed, ephemeralSecret]
  })
}

/** Reads the body of a session start envelope. Fails with `decode.*`, and with `policy.suite` for a suite that is not in `accepted`. */
export const decode = (
  body: Uint8Array,
  accepted: ReadonlyArray<SuiteId>
): Result.Result<SealedSender.SealedStart, Failure> => {
  const sealed = SealedSender.decode(body)
  return Result.isSuccess(sealed) && !accepted.includes(sealed.success.suite) ? fail("policy.suite") : sealed
}

/** A start whose seal opened and whose certificate verified. Who sent it is proved only when its message opens. */
export interface Unsealed {
  readonly suite: SuiteId
  readonly start: SealedSender.Start
  readonly certificate: Certificate.Certificate
  /** {@link digest} of the start. */
  readonly digest: Uint8Array
}

/**
 * Opens the seal. `shared` is X25519 of the own agreement key with `sealed.ephemeral`, `undefined` if that is zero. Fails with
 * `auth.low-order`, `auth.tag`, `decode.*`, `policy.suite`, `auth.certificate` or `auth.reflected`.
 */
export const unseal = (
  crypto: CryptoProvider,
  self: DeviceIdentity,
  sealed: SealedSender.SealedStart,
  shared: Uint8Array | undefined,
  prefix: Uint8Array
): Result.Result<Unsealed, Failure> => {
  const opened = SealedSender.open(crypto, sealed, shared, self.agreement, prefix)
  if (Result.isFailure(opened)) return Result.fail(opened.failure)
  const start = SealedSender.decodeStart(sealed, opened.success)
  opened.success.fill(0)
  if (Result.isFailure(start)) return Result.fail(start.failure)
  const certificate = Certificate.verify(crypto, start.success.certificate)
  if (Result.isFailure(certificate)) return Result.fail(certificate.failure)
  if (Bytes.equal(certificate.success.device, self.device)) return fail("auth.reflected")
  const { ephemeral, kemCiphertext } = start.success
  return Result.succeed({
    suite: sealed.suite,
    start: start.success,
    certificate: certificate.success,
    digest: digest(crypto, certificate.success, ephemeral, kemCiphertext)
  })
}

/** What is known about the account that a start says it comes from. */
export interface Known {
  /** The account pinned for the name that the start claims, if one is. */
  readonly pinned: Uint8Array | undefined
  /** The newest manifest known of the certificate's account. */
  readonly manifest: Manifest.Statement | undefined
}

/**
 * Whether a start may go on, as far as the manifest known says (rule manifest.device.2). Fails with `policy.revoked-device`,
 * `policy.identity-changed`, or `lookup.manifest-gap` when a later manifest than the one known must be fetched first.
 */
export const admit = (
  { certificate }: Pick<Unsealed, "certificate">,
  { manifest, pinned }: Known
): Result.Result<void, Failure> => {
  const admitted = manifest === undefined ? Result.void : Manifest.admits(manifest, certificate)
  if (Result.isFailure(admitted)) return admitted
  return pinned !== undefined && !Bytes.equal(pinned, certificate.account)
    ? fail("policy.identity-changed")
    : Result.void
}

/** What accepting a start needs. */
export interface AcceptInput extends Pqxdh.OwnPrekeys {
  readonly self: DeviceIdentity
  readonly unsealed: Unsealed
  /** DH2 = X25519(own agreement key, `unsealed.start.ephemeral`); `undefined` if that is zero. */
  readonly dh2: Uint8Array | undefined
  readonly prefix: Uint8Array
  /** Identifier of the direct conversation of the two accounts, 16 bytes. */
  readonly direct: Uint8Array
  /** ms. */
  readonly now: number
}

/**
 * Accepts a start that belongs to no known session: agrees on its keys and opens its message. {@link Receive.complete} makes the
 * session of the answer. Prekeys stay untouched until the caller's commit. Fails with `auth.low-order`, `auth.tag`,
 * `lookup.prekey-unknown`, and whatever {@link Receive.open} fails with.
 */
export const accept = (crypto: CryptoProvider, input: AcceptInput): Result.Result<Receive.ReceivedTurning, Failure> => {
  const { dh2, direct, kemPrekey, now, oneTimePrekey, prefix, self, signedPrekey, unsealed } = input
  const { certificate, start, suite } = unsealed
  const responded = Pqxdh.respond(crypto, {
    suite,
    initiator: certificate,
    self,
    parameters: { ...start, kemOneTime: start.kemOneTime === 1 },
    dh2,
    signedPrekey,
    oneTimePrekey,
    kemPrekey
  })
  if (Result.isFailure(responded)) return Result.fail(responded.failure)
  const { agreed, consumed } = responded.success
  const session: Session = {
    id: Pqxdh.sessionId(agreed.ad),
    peer: { account: certificate.account, device: certificate.device },
    rank: start.extensions.rank ?? 0,
    initiated: false,
    start: unsealed.digest,
    ratchet: RatchetState.respond(crypto, agreed, signedPrekey.secret, signedPrekey.key),
    pending: undefined
  }
  const opened = Receive.open(crypto, session, SkippedKeys.none, { prefix, message: start.message, direct, now })
  if (Result.isSuccess(opened) && opened.success.turning) {
    // The ratchet's first secret is the signed prekey's, which goes on serving.
    const spent = opened.success.consumed.filter((bytes) => bytes !== signedPrekey.secret)
    return Result.succeed({ ...opened.success, consumed: [...consumed, ...spent] })
  }
  Bytes.wipe(agreed.rootKey, agreed.initiatorHeader, agreed.responderHeader)
  // A tag that the agreed keys do not give means that the keys are not the sender's. Whatever does open turns the ratchet of a
  // session that received nothing.
  if (Result.isSuccess(opened) || opened.failure.cause === "lookup.no-session") return fail("auth.tag")
  return Result.fail(opened.failure)
}

/**
 * Opens a start of a known session with that session, without touching prekeys (rule session.start.2). Fails as
 * {@link Receive.open} does, and with `fresh.replayed-start` when the session has long gone past the message.
 */
export const openKnown = (
  crypto: CryptoProvider,
  session: Session,
  skipped: SkippedKeys.View,
  incoming: Receive.Incoming
): Result.Result<Receive.Received | Receive.ReceivedTurning, Failure> => {
  const opened = Receive.open(crypto, session, skipped, incoming)
  return Result.isFailure(opened) && opened.failure.cause === "lookup.no-session"
    ? fail("fresh.replayed-start")
    : opened
}
