/**
 * Opening a message in a session: header, body, padding, content, or a failure that changes nothing.
 *
 * Spec: docs/spec/06-ratchet.md §6.5; docs/spec/03-envelopes.md §3.3–3.5.
 * Does not look for the session (its tag does), judge sequence numbers, or store anything.
 */
import * as Result from "effect/Result"
import type { Failure } from "../base/Failure.ts"
import * as Content from "../envelope/Content.ts"
import * as Padding from "../envelope/Padding.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as DoubleRatchet from "../ratchet/DoubleRatchet.ts"
import type * as SkippedKeys from "../ratchet/SkippedKeys.ts"
import type { Session } from "./Session.ts"

/** A message on its way into a session. */
export interface Incoming {
  /** Prefix of its envelope: kind and mailbox it came to. */
  readonly prefix: Uint8Array
  /** The ratchet message: the body of a session message, or what stands inside a session start. */
  readonly message: Uint8Array
  /** Identifier of the direct conversation of the two accounts, 16 bytes. */
  readonly direct: Uint8Array
  /** ms; noted with skipped keys. */
  readonly now: number
}

interface Opened {
  readonly content: Content.Content
  /** It was opened with a skipped key: it is not the newest of its session. */
  readonly late: boolean
  /** Changes of the session's skipped keys. */
  readonly delta: SkippedKeys.Delta
  readonly consumed: ReadonlyArray<Uint8Array>
}

/** A message that opened without a turn of the ratchet. */
export interface Received extends Opened {
  readonly turning: false
  readonly next: Session
}

/** A message under the peer's next ratchet key; it counts once {@link complete} has made the next session. */
export interface ReceivedTurning extends Opened {
  readonly turning: true
  readonly half: HalfSession
}

/** A session whose receiving half has turned. */
export interface HalfSession extends Omit<Session, "ratchet" | "pending"> {
  readonly half: DoubleRatchet.HalfTurned
}

/** What {@link complete} answers. */
export interface Completed {
  readonly next: Session
  readonly consumed: ReadonlyArray<Uint8Array>
}

/**
 * Opens a message. `skipped` shows the skipped keys stored for this session, every earlier delta included. Fails with what the
 * ratchet, padding and content fail with; then nothing has happened (rule ratchet.atomic.1).
 */
export const open = (
  crypto: CryptoProvider,
  session: Session,
  skipped: SkippedKeys.View,
  incoming: Incoming
): Result.Result<Received | ReceivedTurning, Failure> => {
  const { direct, message, now, prefix } = incoming
  const opened = DoubleRatchet.open(crypto, session.ratchet, skipped, prefix, message, now)
  if (Result.isFailure(opened)) return Result.fail(opened.failure)
  const { consumed, delta, late, padded } = opened.success
  const unpadded = Padding.unpad(padded)
  if (Result.isFailure(unpadded)) {
    DoubleRatchet.discard(session.ratchet, opened.success)
    return Result.fail(unpadded.failure)
  }
  const content = Content.decode(unpadded.success, direct)
  padded.fill(0)
  if (Result.isFailure(content)) {
    DoubleRatchet.discard(session.ratchet, opened.success)
    return Result.fail(content.failure)
  }
  const result = { content: content.success, late, delta, consumed }
  if (opened.success.turning) {
    const { id, initiated, peer, rank, start } = session
    return Result.succeed({
      ...result,
      turning: true,
      half: { id, peer, rank, initiated, start, half: opened.success.half }
    })
  }
  return Result.succeed({
    ...result,
    turning: false,
    next: opened.success.next === session.ratchet ? session : { ...session, ratchet: opened.success.next }
  })
}

/** Completes a turn with a fresh ratchet secret (coin `ratchet.eph`, 32 bytes, kept by the session). From here the session is answered. */
export const complete = (
  crypto: CryptoProvider,
  { half, ...session }: HalfSession,
  ratchetSecret: Uint8Array
): Result.Result<Completed, Failure> =>
  Result.map(DoubleRatchet.turn(crypto, half, ratchetSecret), ({ consumed, next }) => ({
    next: { ...session, ratchet: next, pending: undefined },
    consumed
  }))
