/**
 * One session with one peer device, and its stored form.
 *
 * Spec: docs/spec/08-sessions.md §8.1; docs/spec/16-state.md §16.1.
 * Does not know which session is the active one (session/Crossing.ts) and holds no skipped keys.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Pqxdh from "../agreement/Pqxdh.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import * as MlKem from "../crypto/MlKem.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as RatchetState from "../ratchet/RatchetState.ts"
import type { SessionMark } from "./Crossing.ts"

/** Who is at the other end: account and device id, 32 bytes each. */
export interface Peer {
  readonly account: Uint8Array
  readonly device: Uint8Array
}

/** What an initiator repeats in every message until the first answer (rule session.start.1). */
export interface Pending {
  readonly parameters: Pqxdh.Parameters
  /** The peer's agreement key, to which starts are sealed, 32 bytes. */
  readonly recipient: Uint8Array
  /** Starts sealed so far. */
  readonly sealed: number
}

export interface Session {
  /** 16 bytes; the first half of the session's AD. */
  readonly id: Uint8Array
  readonly peer: Peer
  /** Its place in the order of sessions with this peer device (rule session.rank.1). */
  readonly rank: number
  /** Whether this side initiated it. */
  readonly initiated: boolean
  /** Digest (16 bytes) by which its start is known again (rule session.start.2). */
  readonly start: Uint8Array
  readonly ratchet: RatchetState.RatchetState
  /** `undefined` once a message was received in it, and always at the responder. */
  readonly pending: Pending | undefined
}

/** Id and rank: what {@link SessionMark} lists keep. */
export const markOf = ({ id, rank }: Session): SessionMark => ({ id, rank })

/**
 * The tags under which messages of the session arrive, 16 bytes each: of the present and the next receiving header key. Tags of
 * older ones are those of its skipped keys.
 */
export const tags = ({ ratchet }: Session): ReadonlyArray<Uint8Array> =>
  ratchet.receiveHeader === undefined
    ? [ratchet.nextReceiveHeader.tag]
    : [ratchet.receiveHeader.tag, ratchet.nextReceiveHeader.tag]

const version = 1
const key = Layout.bytes({ length: 32 })

const PendingLayout = Layout.tuple({
  ephemeral: key,
  signedPrekeyId: Layout.uint({ min: 1 }),
  oneTimePrekeyId: Layout.uint(),
  kemOneTime: Layout.uint({ max: 1 }),
  kemPrekeyId: Layout.uint({ min: 1 }),
  kemCiphertext: Layout.bytes({ length: MlKem.ciphertextBytes }),
  recipient: key,
  sealed: Layout.uint({ max: Limits.maxUnansweredStarts })
})

/** Layout of a stored session. */
export const Record = Layout.tuple({
  version: Layout.literal(version),
  account: key,
  device: key,
  rank: Layout.uint(),
  initiated: Layout.uint({ max: 1 }),
  start: Layout.bytes({ length: 16 }),
  ratchet: RatchetState.Record,
  pending: Layout.optional(PendingLayout)
})

/** The record of a session: under 500 bytes once it is answered. */
export const encode = (session: Session): Uint8Array => {
  const { initiated, peer, pending, rank, start } = session
  const ratchet = RatchetState.toRecord(session.ratchet)
  const out = Record.encode({
    version,
    account: peer.account,
    device: peer.device,
    rank,
    initiated: initiated ? 1 : 0,
    start,
    ratchet,
    pending:
      pending === undefined
        ? undefined
        : {
            ...pending.parameters,
            kemOneTime: pending.parameters.kemOneTime ? 1 : 0,
            recipient: pending.recipient,
            sealed: pending.sealed
          }
  })
  ratchet.keys.fill(0)
  return out
}

/** Reads what {@link encode} wrote. */
export const decode = (crypto: CryptoProvider, bytes: Uint8Array): Result.Result<Session, Stored.Unreadable> => {
  const decoded = Stored.decode(Record, version, bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const { account, device, initiated, pending, rank, start } = decoded.success
  const ratchet = RatchetState.fromRecord(crypto, decoded.success.ratchet)
  Bytes.wipe(decoded.success.ratchet.keys)
  if (ratchet === undefined) return Stored.corrupt
  return Result.succeed({
    id: Pqxdh.sessionId(ratchet.ad),
    peer: { account, device },
    rank,
    initiated: initiated === 1,
    start,
    ratchet,
    pending: pending === undefined ? undefined : pendingOf(pending)
  })
}

const pendingOf = (record: Layout.Type<typeof PendingLayout>): Pending => {
  const { recipient, sealed, ...parameters } = record
  return { parameters: { ...parameters, kemOneTime: record.kemOneTime === 1 }, recipient, sealed }
}
