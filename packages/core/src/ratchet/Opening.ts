/**
 * Opening a ratchet message, and turning the ratchet.
 *
 * Spec: docs/spec/06-ratchet.md §6.5.
 * Vectors: vectors/ratchet.
 * Receives in this order: find the header key by its tag, open the header, check bounds, derive beside the state,
 * authenticate, and only then answer with what changes. Does not take padding off.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Suite from "../crypto/Suite.ts"
import * as ChainKey from "./ChainKey.ts"
import * as Header from "./Header.ts"
import * as HeaderKey from "./HeaderKey.ts"
import * as Message from "./Message.ts"
import * as MessageKey from "./MessageKey.ts"
import type { RatchetState } from "./RatchetState.ts"
import * as RootKey from "./RootKey.ts"
import * as SkippedKeys from "./SkippedKeys.ts"

interface OpenedMessage {
  /** The padded plaintext. */
  readonly padded: Uint8Array
  /** It was opened with a skipped key: a message with a higher number was opened before it. */
  readonly late: boolean
  readonly delta: SkippedKeys.Delta
  readonly consumed: ReadonlyArray<Uint8Array>
}

/** A message that opened in the present receiving chain, or with a skipped key. */
export interface OpenedInChain extends OpenedMessage {
  readonly turning: false
  readonly next: RatchetState
}

/** A message that opened under the peer's next ratchet key. It counts once {@link turn} has completed the state. */
export interface OpenedTurning extends OpenedMessage {
  readonly turning: true
  readonly half: HalfTurned
}

/** What opening answers. */
export type Opened = OpenedInChain | OpenedTurning

/** A state whose receiving half has turned: it can do nothing but be completed. */
export interface HalfTurned extends Pick<
  RatchetState,
  "suite" | "ad" | "rootKey" | "nextReceiveHeader" | "received" | "previous" | "skipped"
> {
  readonly peerRatchet: Uint8Array
  readonly receiveChain: Uint8Array
  readonly receiveHeader: HeaderKey.HeaderKey
  /** Becomes HKs. */
  readonly sendHeader: Uint8Array
}

/** What {@link turn} answers. */
export interface Turned {
  readonly next: RatchetState
  readonly consumed: ReadonlyArray<Uint8Array>
}

/**
 * Opens a message. `skipped` shows the keys stored for this session, `now` is the time in ms at which keys are noted as
 * skipped. The tag alone says which header key is tried; no other is. Fails with `decode.truncated`, `lookup.no-session`,
 * `auth.tag`, `auth.header`, `auth.low-order`, `fresh.used-key`, `limit.skip` or `limit.chain`.
 */
export const open = (
  crypto: CryptoProvider,
  state: RatchetState,
  skipped: SkippedKeys.View,
  prefix: Uint8Array,
  message: Uint8Array,
  now: number
): Result.Result<Opened, Failure> => {
  const { nextReceiveHeader, receiveHeader, suite } = state
  const { nonceLength, tagLength } = Suite.suites[suite]
  const headLength = Message.headLengthOf[suite]
  if (message.length < headLength + tagLength) return fail("decode.truncated")
  const isCurrent = receiveHeader !== undefined && isTagged(message, receiveHeader.tag)
  const isNext = !isCurrent && isTagged(message, nextReceiveHeader.tag)
  const headerKey = isCurrent
    ? receiveHeader
    : isNext
      ? nextReceiveHeader
      : skipped.headerKey(message.subarray(0, Limits.sessionTagBytes))
  if (headerKey === undefined) return fail("lookup.no-session")
  const nonce = message.subarray(Limits.sessionTagBytes, Limits.sessionTagBytes + nonceLength)
  const opened = Header.open(
    crypto,
    suite,
    headerKey,
    nonce,
    message.subarray(nonce.length + Limits.sessionTagBytes, headLength)
  )
  if (opened === undefined) return fail("auth.tag")
  const header = Header.decode(opened)
  if (header === undefined) return fail("auth.header")
  const body: Body = { crypto, state, prefix, message, nonce, headLength }
  if (isNext) return openNext(body, skipped, header, now)
  if (!isCurrent || header.number < state.received) {
    // Rule ratchet.receive.5 for the present chain; of older chains the ratchet key is not kept.
    if (isCurrent && !Bytes.equal(header.ratchetKey, state.peerRatchet!)) return fail("auth.header")
    return openSkipped(body, skipped, headerKey, header, isCurrent, now)
  }
  return openCurrent(body, skipped, headerKey, header, now)
}

/**
 * Wipes what opening a message derived, when what it said is refused after all. `state` is the one it was opened in and stays as
 * good as it was, and so do the skipped keys.
 */
export const discard = (state: RatchetState, opened: Opened): void => {
  opened.padded.fill(0)
  forget(opened.delta.added)
  if (opened.turning) {
    const { nextReceiveHeader, receiveChain, rootKey } = opened.half
    Bytes.wipe(rootKey, receiveChain, nextReceiveHeader.key, nextReceiveHeader.sealing)
  } else if (opened.next.receiveChain !== undefined && opened.next.receiveChain !== state.receiveChain) {
    opened.next.receiveChain.fill(0)
  }
}

/**
 * Completes a turn with a fresh ratchet secret (32 bytes, kept by the state). Never fails for what {@link open} answered; the
 * failure is the provider's.
 */
export const turn = (
  crypto: CryptoProvider,
  half: HalfTurned,
  ratchetSecret: Uint8Array
): Result.Result<Turned, Failure> => {
  const dh = crypto.x25519(ratchetSecret, half.peerRatchet)
  if (dh === undefined) return fail("auth.low-order")
  const root = RootKey.step(crypto, half.rootKey, dh)
  dh.fill(0)
  const { ad, suite } = half
  return Result.succeed({
    next: {
      suite,
      ad,
      rootKey: root.rootKey,
      ratchetSecret,
      ratchetPublic: crypto.x25519PublicKey(ratchetSecret),
      peerRatchet: half.peerRatchet,
      sendChain: root.chainKey,
      sendHeader: HeaderKey.make(crypto, suite, ad, half.sendHeader),
      nextSendHeader: root.headerKey,
      receiveChain: half.receiveChain,
      receiveHeader: half.receiveHeader,
      nextReceiveHeader: half.nextReceiveHeader,
      sent: 0,
      received: half.received,
      previous: half.previous,
      skipped: half.skipped
    },
    consumed: [half.rootKey]
  })
}

/** The parts of a message whose header opened. */
interface Body {
  readonly crypto: CryptoProvider
  readonly state: RatchetState
  readonly prefix: Uint8Array
  readonly message: Uint8Array
  readonly nonce: Uint8Array
  /** Length of what stands in front of the ciphertext. */
  readonly headLength: number
}

/** Opens the ciphertext with a message key. */
const openBody = (
  { crypto, headLength, message, nonce, prefix, state }: Body,
  messageKey: Uint8Array
): Uint8Array | undefined => {
  const ad = Message.adBuffer(Message.adBytes + prefix.length + headLength)
  ad.set(state.ad)
  ad.set(prefix, Message.adBytes)
  ad.set(message.subarray(0, headLength), Message.adBytes + prefix.length)
  const expanded = MessageKey.expand(crypto, state.suite, messageKey, nonce)
  const padded = MessageKey.open(crypto, state.suite, expanded, ad, message.subarray(headLength))
  expanded.fill(0)
  return padded
}

/** Rules ratchet.receive.2 and ratchet.receive.3: a number of the past takes its skipped key. */
const openSkipped = (
  body: Body,
  skipped: SkippedKeys.View,
  headerKey: HeaderKey.HeaderKey,
  header: Header.Header,
  isCurrent: boolean,
  now: number
): Result.Result<Opened, Failure> => {
  const key = skipped.get(headerKey.tag, header.number)
  if (key === undefined || SkippedKeys.isExpired(key, now)) return fail("fresh.used-key")
  const padded = openBody(body, key.messageKey)
  if (padded === undefined) return fail("auth.tag")
  const consumed = [key.messageKey]
  // Rule ratchet.skip.4: with the last key of an old chain its header key goes.
  if (!isCurrent && skipped.remaining(headerKey.tag) === 1) consumed.push(headerKey.key, headerKey.sealing)
  return Result.succeed({
    turning: false,
    next: body.state,
    padded,
    late: true,
    delta: { added: [], removed: [key] },
    consumed
  })
}

/** Rule ratchet.receive.3: the next number of the present chain, or one further on. */
const openCurrent = (
  body: Body,
  skipped: SkippedKeys.View,
  headerKey: HeaderKey.HeaderKey,
  header: Header.Header,
  now: number
): Result.Result<Opened, Failure> => {
  const { crypto, state } = body
  const { number } = header
  if (!Bytes.equal(header.ratchetKey, state.peerRatchet!)) return fail("auth.header")
  if (number >= Limits.maxChainIndex) return fail("limit.chain")
  // Rule ratchet.skip.1: decided before any key is derived.
  if (number - state.received > Limits.maxSkipPerStep) return fail("limit.skip")
  const chain = walk(crypto, headerKey, state.receiveChain!, state.received, number, state.skipped, now)
  const [messageKey, receiveChain] = ChainKey.step(crypto, chain.chainKey)
  const padded = openBody(body, messageKey)
  messageKey.fill(0)
  if (chain.chainKey !== state.receiveChain) chain.chainKey.fill(0)
  if (padded === undefined) {
    forget(chain.added)
    receiveChain.fill(0)
    return fail("auth.tag")
  }
  const delta = chain.added.length === 0 ? SkippedKeys.unchanged : store(skipped, chain.added)
  const evicted = SkippedKeys.secretsOf(skipped, delta.removed, [headerKey, state.nextReceiveHeader])
  return Result.succeed({
    turning: false,
    next: { ...state, receiveChain, received: number + 1, skipped: state.skipped + chain.added.length },
    padded,
    late: false,
    delta,
    consumed: [state.receiveChain!, ...evicted]
  })
}

/** Rule ratchet.receive.4: the peer's ratchet has turned. */
const openNext = (
  body: Body,
  skipped: SkippedKeys.View,
  header: Header.Header,
  now: number
): Result.Result<Opened, Failure> => {
  const { crypto, state } = body
  const { ad, nextReceiveHeader, receiveChain, receiveHeader, suite } = state
  const { number, previous, ratchetKey } = header
  // Rule ratchet.receive.5.
  if (receiveChain === undefined ? previous !== 0 : previous < state.received) return fail("auth.header")
  if (number >= Limits.maxChainIndex) return fail("limit.chain")
  // Rule ratchet.skip.1: decided before any key is derived.
  const passed = previous - state.received
  if (passed > Limits.maxSkipPerStep || number > Limits.maxSkipPerStep) return fail("limit.skip")
  const dh = crypto.x25519(state.ratchetSecret, ratchetKey)
  if (dh === undefined) return fail("auth.low-order")
  const root = RootKey.step(crypto, state.rootKey, dh)
  dh.fill(0)
  const chain = walk(crypto, nextReceiveHeader, root.chainKey, 0, number, state.skipped + passed, now)
  const [messageKey, nextChain] = ChainKey.step(crypto, chain.chainKey)
  const padded = openBody(body, messageKey)
  Bytes.wipe(messageKey, chain.chainKey, root.chainKey)
  if (padded === undefined) {
    forget(chain.added)
    Bytes.wipe(root.rootKey, root.headerKey, nextChain)
    return fail("auth.tag")
  }
  let added: ReadonlyArray<SkippedKeys.SkippedKey> = chain.added
  const consumed = [state.rootKey, state.ratchetSecret]
  if (receiveChain !== undefined && receiveHeader !== undefined) {
    // The old chain is walked last, yet its keys are the older ones.
    const old = walk(crypto, receiveHeader, receiveChain, state.received, previous, state.skipped, now)
    if (old.chainKey !== receiveChain) old.chainKey.fill(0)
    consumed.push(receiveChain)
    if (old.added.length > 0) added = old.added.concat(chain.added)
    else if (skipped.remaining(receiveHeader.tag) === 0) consumed.push(receiveHeader.key, receiveHeader.sealing)
  }
  if (state.sendChain !== undefined) consumed.push(state.sendChain)
  if (state.sendHeader !== undefined) consumed.push(state.sendHeader.key, state.sendHeader.sealing)
  const delta = added.length === 0 ? SkippedKeys.unchanged : store(skipped, added)
  const inUse = [nextReceiveHeader, ...(added.length > chain.added.length ? [receiveHeader] : [])]
  consumed.push(...SkippedKeys.secretsOf(skipped, delta.removed, inUse))
  return Result.succeed({
    turning: true,
    half: {
      suite,
      ad,
      rootKey: root.rootKey,
      peerRatchet: ratchetKey,
      receiveChain: nextChain,
      receiveHeader: nextReceiveHeader,
      nextReceiveHeader: HeaderKey.make(crypto, suite, ad, root.headerKey),
      sendHeader: state.nextSendHeader,
      received: number + 1,
      previous: state.sent,
      skipped: state.skipped + added.length
    },
    padded,
    late: false,
    delta,
    consumed
  })
}

interface Walked {
  /** The chain key at `to`: the given array when nothing was skipped. */
  readonly chainKey: Uint8Array
  readonly added: Array<SkippedKeys.SkippedKey>
}

/** Skips the numbers from…to−1 of a chain. */
const walk = (
  crypto: CryptoProvider,
  header: HeaderKey.HeaderKey,
  start: Uint8Array,
  from: number,
  to: number,
  ordinal: number,
  now: number
): Walked => {
  const added: Array<SkippedKeys.SkippedKey> = []
  let chainKey = start
  for (let number = from; number < to; number++) {
    const [messageKey, next] = ChainKey.step(crypto, chainKey)
    if (chainKey !== start) chainKey.fill(0)
    chainKey = next
    added.push({ header, number, messageKey, at: now, ordinal: ordinal + number - from })
  }
  return { chainKey, added }
}

/** Rule ratchet.skip.2: what is stored beyond the bound displaces the oldest. */
const store = (skipped: SkippedKeys.View, added: ReadonlyArray<SkippedKeys.SkippedKey>): SkippedKeys.Delta => {
  const excess = skipped.count + added.length - Limits.maxSkippedPerSession
  return { added, removed: excess > 0 ? skipped.oldest(excess) : [] }
}

/** Wipes keys that were derived for a message which did not open. */
const forget = (added: ReadonlyArray<SkippedKeys.SkippedKey>): void => {
  for (let i = 0; i < added.length; i++) added[i]!.messageKey.fill(0)
}

const isTagged = (message: Uint8Array, tag: Uint8Array): boolean => {
  for (let i = 0; i < Limits.sessionTagBytes; i++) if (message[i] !== tag[i]) return false
  return true
}
