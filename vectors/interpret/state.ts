/**
 * F20: stored records of this SDK.
 *
 * Spec: docs/spec/16-state.md §16.1.
 * Vectors: vectors/state.
 */
import {
  Account,
  Device,
  RatchetState,
  Records,
  ReplayWindow,
  Retry,
  Sequence,
  Session,
  SkippedKeys,
  Stored,
  type CryptoProvider,
  type Layout
} from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { toJson } from "./envelope.ts"
import { ok, reject, type Answer, type Operation } from "./outcome.ts"
import { hex, type Json } from "./values.ts"

type Unreadable = { readonly reason: string }

/** What was read, with the bytes it writes again. */
interface Read {
  readonly fields: Json
  readonly bytes: Uint8Array
}

const ratchet = (state: RatchetState.RatchetState): Json => ({
  suite: state.suite,
  ad: hex(state.ad),
  rootKey: hex(state.rootKey),
  sent: state.sent,
  received: state.received,
  previous: state.previous,
  skipped: state.skipped,
  canSend: state.sendChain !== undefined,
  hasReceived: state.receiveChain !== undefined
})

const session = ({ id, initiated, peer, pending, rank, ratchet: state, start }: Session.Session): Json => ({
  id: hex(id),
  account: hex(peer.account),
  device: hex(peer.device),
  rank,
  initiated,
  start: hex(start),
  ratchet: ratchet(state),
  pending:
    pending === undefined
      ? []
      : [toJson({ ...pending.parameters, recipient: pending.recipient, sealed: pending.sealed })]
})

const skipped = (crypto: CryptoProvider, bytes: Uint8Array): Result.Result<Read, Unreadable> =>
  Result.map(SkippedKeys.decodeAll(crypto, 1, new Uint8Array(32), [{ number: 5, bytes }]), (keys) => {
    const [key] = keys.oldest(1)
    if (key === undefined || key.number !== 5) throw new Error("the skipped key is not there")
    const { at, header, messageKey, ordinal } = key
    return {
      fields: { ordinal, at, headerKey: hex(header.key), messageKey: hex(messageKey) },
      bytes: SkippedKeys.encode(key)
    }
  })

/** A record of the client: whatever its layout reads and writes. */
const client =
  <T>(layout: Layout.Layout<T>) =>
  (_: CryptoProvider, bytes: Uint8Array): Result.Result<Read, Unreadable> =>
    Result.map(Stored.decode(layout, Records.written, bytes), (read) => ({
      fields: toJson(read),
      bytes: layout.encode(read)
    }))

const kinds: {
  readonly [kind: string]: (crypto: CryptoProvider, bytes: Uint8Array) => Result.Result<Read, Unreadable>
} = {
  account: (_, bytes) =>
    Result.map(Account.decode(bytes), (read) => ({ fields: toJson(read), bytes: Account.encode(read) })),
  device: (_, bytes) =>
    Result.map(Device.decode(bytes), (read) => ({ fields: toJson(read), bytes: Device.encode(read) })),
  sequence: (_, bytes) =>
    Result.map(Sequence.decode(bytes), (read) => ({ fields: toJson(read), bytes: Sequence.encode(read) })),
  window: (_, bytes) =>
    Result.map(ReplayWindow.decode(bytes), (read) => ({
      fields: { highest: read.highest, gaps: ReplayWindow.gaps(read).map(({ from, to }) => [from, to]) },
      bytes: ReplayWindow.encode(read)
    })),
  ratchet: (crypto, bytes) =>
    Result.map(RatchetState.decode(crypto, bytes), (read) => ({
      fields: ratchet(read),
      bytes: RatchetState.encode(read)
    })),
  session: (crypto, bytes) =>
    Result.map(Session.decode(crypto, bytes), (read) => ({ fields: session(read), bytes: Session.encode(read) })),
  skipped,
  self: client(Records.Self),
  "progress-in": client(Records.ProgressIn),
  "progress-out": client(Records.ProgressOut),
  prekey: client(Records.Prekey),
  contact: client(Records.Contact),
  peer: client(Records.Peer),
  outbox: client(Records.Outbox),
  message: client(Records.Sent),
  inbox: client(Records.Inbox),
  seen: client(Records.Seen),
  owed: client(Records.Owed),
  once: client(Records.Once),
  held: client(Records.Held),
  synced: client(Records.Synced),
  greeted: client(Records.Greeted),
  settings: client(Records.Settings),
  unsent: client(Records.Unsent),
  proposal: client(Records.Proposal),
  removed: client(Records.Removed),
  renewed: client(Records.Renewed),
  notice: client(Records.Notice),
  proof: client(Records.Proof),
  sent: (_, bytes) => Result.map(Retry.decode(bytes), (read) => ({ fields: toJson(read), bytes: Retry.encode(read) }))
}

const read = (crypto: CryptoProvider, kind: string, bytes: Uint8Array): Answer => {
  const decode = kinds[kind]
  if (decode === undefined) throw new Error(`no record ${kind}`)
  const decoded = decode(crypto, bytes)
  if (Result.isFailure(decoded)) return reject(`state.${decoded.failure.reason}`)
  if (hex(decoded.success.bytes) !== hex(bytes)) throw new Error("writes other bytes than it read")
  return ok({ fields: decoded.success.fields })
}

export const operations: { readonly [op: string]: Operation } = {
  "record.read": (crypto, input) => read(crypto, input.text("kind"), input.bytes("bytes"))
}
