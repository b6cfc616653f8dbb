/**
 * Sealing content in a session that was answered: padding, ratchet, envelope.
 *
 * Spec: docs/spec/03-envelopes.md §3.3, §3.4; docs/spec/06-ratchet.md §6.4.
 * Before the first answer every message is a session start: session/SessionStart.ts.
 */
import * as Result from "effect/Result"
import { defect } from "../base/Defect.ts"
import type { Failure } from "../base/Failure.ts"
import * as Envelope from "../envelope/Envelope.ts"
import * as Padding from "../envelope/Padding.ts"
import * as DoubleRatchet from "../ratchet/DoubleRatchet.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { Session } from "./Session.ts"

/** What sealing answers. */
export interface Sent {
  readonly next: Session
  /** The whole envelope. */
  readonly envelope: Uint8Array
  readonly consumed: ReadonlyArray<Uint8Array>
}

/**
 * Seals encoded content to the peer's mailbox (16 bytes). `headerNonce` is fresh, random, 12 bytes, in suite 3 16. Fails with
 * `policy.no-chain`, `limit.chain` or `decode.size`. A session that was not answered yet is a defect.
 */
export const seal = (
  crypto: CryptoProvider,
  session: Session,
  to: Uint8Array,
  content: Uint8Array,
  headerNonce: Uint8Array
): Result.Result<Sent, Failure> => {
  if (session.pending !== undefined) return defect("a session that was not answered seals session starts")
  const { ratchet } = session
  const kind = Envelope.kinds.sessionMessage
  const padded = Padding.pad(content)
  const front = Envelope.front(kind, to, DoubleRatchet.messageLength(ratchet.suite, padded.length))
  if (Result.isFailure(front)) return Result.fail(front.failure)
  const prefix = Envelope.prefix(kind, to)
  const sealed = DoubleRatchet.seal(crypto, ratchet, prefix, padded, headerNonce, front.success)
  padded.fill(0)
  if (Result.isFailure(sealed)) return Result.fail(sealed.failure)
  const { consumed, message, next } = sealed.success
  return Result.succeed({ next: { ...session, ratchet: next }, envelope: message, consumed })
}

/** What sealing several answers. */
export interface SentMany {
  readonly next: Session
  readonly envelopes: ReadonlyArray<Uint8Array>
  readonly consumed: ReadonlyArray<Uint8Array>
}

/** Seals several contents in order, all or none; the envelopes are those of as many calls of {@link seal}. */
export const sealMany = (
  crypto: CryptoProvider,
  session: Session,
  to: Uint8Array,
  contents: ReadonlyArray<Uint8Array>,
  headerNonces: ReadonlyArray<Uint8Array>
): Result.Result<SentMany, Failure> => {
  if (contents.length !== headerNonces.length) return defect("every content needs a header nonce")
  const envelopes: Array<Uint8Array> = []
  const consumed: Array<Uint8Array> = []
  let next = session
  for (let i = 0; i < contents.length; i++) {
    const sealed = seal(crypto, next, to, contents[i]!, headerNonces[i]!)
    if (Result.isFailure(sealed)) return Result.fail(sealed.failure)
    envelopes.push(sealed.success.envelope)
    consumed.push(...sealed.success.consumed)
    next = sealed.success.next
  }
  return Result.succeed({ next, envelopes, consumed })
}
