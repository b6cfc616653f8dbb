/**
 * The state of one Double Ratchet: how it begins, and its stored form.
 *
 * Spec: docs/spec/06-ratchet.md §6.1; docs/spec/16-state.md §16.1.
 * Vectors: vectors/ratchet.
 * States are immutable and share arrays with each other; an array keeps its identity for as long as the key it holds is in
 * use. Skipped keys are not in here.
 */
import * as Result from "effect/Result"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { SuiteId } from "../crypto/Suite.ts"
import * as HeaderKey from "./HeaderKey.ts"
import * as RootKey from "./RootKey.ts"

/** All keys have 32 bytes. The letters are those of the Double Ratchet specification. */
export interface RatchetState {
  readonly suite: SuiteId
  /** AD: hash of the session transcript. */
  readonly ad: Uint8Array
  /** RK. */
  readonly rootKey: Uint8Array
  /** DHs: own ratchet key pair. */
  readonly ratchetSecret: Uint8Array
  readonly ratchetPublic: Uint8Array
  /** DHr: the peer's ratchet key; `undefined` at the responder before the first message. */
  readonly peerRatchet: Uint8Array | undefined
  /** CKs. `undefined` at the responder before the first message. */
  readonly sendChain: Uint8Array | undefined
  /** HKs. `undefined` together with CKs. */
  readonly sendHeader: HeaderKey.HeaderKey | undefined
  /** NHKs. */
  readonly nextSendHeader: Uint8Array
  /** CKr. `undefined` before the peer's first message. */
  readonly receiveChain: Uint8Array | undefined
  /** HKr. `undefined` together with CKr. */
  readonly receiveHeader: HeaderKey.HeaderKey | undefined
  /** NHKr. */
  readonly nextReceiveHeader: HeaderKey.HeaderKey
  /** Ns: number of the next message to send in this chain. */
  readonly sent: number
  /** Nr: number of the next message expected in this chain. */
  readonly received: number
  /** PN: messages sent in the previous sending chain. */
  readonly previous: number
  /** How many keys were ever skipped: the ordinal of the next one. */
  readonly skipped: number
}

/** What a key agreement hands to the ratchet. Spec: docs/spec/05-agreement.md §5.2. */
export interface Agreed {
  readonly suite: SuiteId
  /** AD, 32 bytes. */
  readonly ad: Uint8Array
  /** 32 bytes. */
  readonly rootKey: Uint8Array
  /** HKA: the initiator's first sending header key, 32 bytes. */
  readonly initiatorHeader: Uint8Array
  /** NHKB: the responder's first sending header key, 32 bytes. */
  readonly responderHeader: Uint8Array
}

/**
 * Rule ratchet.init.1. `ratchetSecret` is a fresh X25519 secret, `peerRatchet` the responder's signed prekey. The state
 * keeps the arrays it is given, except `agreed.rootKey`, which is used up. Fails with `auth.low-order`.
 */
export const initiate = (
  crypto: CryptoProvider,
  agreed: Agreed,
  ratchetSecret: Uint8Array,
  peerRatchet: Uint8Array
): Result.Result<RatchetState, Failure> => {
  const dh = crypto.x25519(ratchetSecret, peerRatchet)
  if (dh === undefined) return fail("auth.low-order")
  const { ad, suite } = agreed
  const root = RootKey.step(crypto, agreed.rootKey, dh)
  dh.fill(0)
  return Result.succeed({
    suite,
    ad,
    rootKey: root.rootKey,
    ratchetSecret,
    ratchetPublic: crypto.x25519PublicKey(ratchetSecret),
    peerRatchet,
    sendChain: root.chainKey,
    sendHeader: HeaderKey.make(crypto, suite, ad, agreed.initiatorHeader),
    nextSendHeader: root.headerKey,
    receiveChain: undefined,
    receiveHeader: undefined,
    nextReceiveHeader: HeaderKey.make(crypto, suite, ad, agreed.responderHeader),
    sent: 0,
    received: 0,
    previous: 0,
    skipped: 0
  })
}

/**
 * Rule ratchet.init.2. The responder's ratchet key pair is its signed prekey pair, kept by reference. The prekey outlives the
 * ratchet key: whoever wipes what the first opening consumed leaves out this array.
 */
export const respond = (
  crypto: CryptoProvider,
  agreed: Agreed,
  ratchetSecret: Uint8Array,
  ratchetPublic: Uint8Array
): RatchetState => {
  const { ad, suite } = agreed
  return {
    suite,
    ad,
    rootKey: agreed.rootKey,
    ratchetSecret,
    ratchetPublic,
    peerRatchet: undefined,
    sendChain: undefined,
    sendHeader: undefined,
    nextSendHeader: agreed.responderHeader,
    receiveChain: undefined,
    receiveHeader: undefined,
    nextReceiveHeader: HeaderKey.make(crypto, suite, ad, agreed.initiatorHeader),
    sent: 0,
    received: 0,
    previous: 0,
    skipped: 0
  }
}

const version = 1
const keyBytes = 32
/** Which keys there are follows from how many: a responder that received nothing, an initiator that did not, and everybody else. */
const awaitingKeys = 6
const initiatedKeys = 9
const establishedKeys = 11

/** Layout of a stored state: the keys stand one after the other, 352 bytes in the usual case. */
export const Record = Layout.tuple({
  version: Layout.literal(version),
  suite: Layout.uint({ min: 1, max: 3 }),
  sent: Layout.uint({ max: Limits.maxChainIndex }),
  received: Layout.uint({ max: Limits.maxChainIndex }),
  previous: Layout.uint({ max: Limits.maxChainIndex }),
  skipped: Layout.uint(),
  keys: Layout.bytes({ min: awaitingKeys * keyBytes, max: establishedKeys * keyBytes })
})
export type Record = Layout.Type<typeof Record>

/** The record of a state, to be wiped once it is encoded. */
export const toRecord = (state: RatchetState): Record => {
  const { previous, received, sent, skipped, suite } = state
  const { peerRatchet, receiveChain, receiveHeader, sendChain, sendHeader } = state
  const isInitiated = peerRatchet !== undefined && sendChain !== undefined && sendHeader !== undefined
  const isEstablished = isInitiated && receiveChain !== undefined && receiveHeader !== undefined
  const count = isEstablished ? establishedKeys : isInitiated ? initiatedKeys : awaitingKeys
  const keys = new Uint8Array(count * keyBytes)
  keys.set(state.ad)
  keys.set(state.rootKey, keyBytes)
  keys.set(state.ratchetSecret, 2 * keyBytes)
  keys.set(state.ratchetPublic, 3 * keyBytes)
  keys.set(state.nextSendHeader, 4 * keyBytes)
  keys.set(state.nextReceiveHeader.key, 5 * keyBytes)
  if (isInitiated) {
    keys.set(peerRatchet, 6 * keyBytes)
    keys.set(sendChain, 7 * keyBytes)
    keys.set(sendHeader.key, 8 * keyBytes)
  }
  if (isEstablished) {
    keys.set(receiveChain, 9 * keyBytes)
    keys.set(receiveHeader.key, 10 * keyBytes)
  }
  return { version, suite, sent, received, previous, skipped, keys }
}

/** The state of a record; derives the tags again. `undefined` when the record has a number of keys no state has. */
export const fromRecord = (crypto: CryptoProvider, record: Record): RatchetState | undefined => {
  const { keys, previous, received, sent, skipped } = record
  const suite = record.suite as SuiteId
  const count = keys.length / keyBytes
  if (count !== awaitingKeys && count !== initiatedKeys && count !== establishedKeys) return undefined
  const key = (index: number): Uint8Array => keys.slice(index * keyBytes, (index + 1) * keyBytes)
  const ad = key(0)
  const header = (index: number): HeaderKey.HeaderKey => HeaderKey.make(crypto, suite, ad, key(index))
  const isInitiated = count >= initiatedKeys
  const isEstablished = count === establishedKeys
  return {
    suite,
    ad,
    rootKey: key(1),
    ratchetSecret: key(2),
    ratchetPublic: key(3),
    peerRatchet: isInitiated ? key(6) : undefined,
    sendChain: isInitiated ? key(7) : undefined,
    sendHeader: isInitiated ? header(8) : undefined,
    nextSendHeader: key(4),
    receiveChain: isEstablished ? key(9) : undefined,
    receiveHeader: isEstablished ? header(10) : undefined,
    nextReceiveHeader: header(5),
    sent,
    received,
    previous,
    skipped
  }
}

/** The bytes of a state, at most 390: `[1, suite, Ns, Nr, PN, skipped, keys]`. */
export const encode = (state: RatchetState): Uint8Array => {
  const record = toRecord(state)
  const out = Record.encode(record)
  record.keys.fill(0)
  return out
}

/** Reads what {@link encode} wrote. */
export const decode = (crypto: CryptoProvider, bytes: Uint8Array): Result.Result<RatchetState, Stored.Unreadable> => {
  const decoded = Stored.decode(Record, version, bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const state = fromRecord(crypto, decoded.success)
  decoded.success.keys.fill(0)
  return state === undefined ? Stored.corrupt : Result.succeed(state)
}
