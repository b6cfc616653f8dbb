/**
 * The Double Ratchet with header encryption: seal a message, open a message, turn the ratchet.
 *
 * Spec: docs/spec/06-ratchet.md §6.4, §6.5.
 * Vectors: vectors/ratchet.
 * Does not pad, does not know content, sessions or envelopes beyond the prefix it binds. A step that fails has no effect;
 * what a step answers takes effect when its caller stores it.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as ChainKey from "./ChainKey.ts"
import * as Header from "./Header.ts"
import * as Message from "./Message.ts"
import * as MessageKey from "./MessageKey.ts"
import type { RatchetState } from "./RatchetState.ts"

export { sealedLength as messageLength } from "./Message.ts"
export {
  discard,
  type HalfTurned,
  open,
  type Opened,
  type OpenedInChain,
  type OpenedTurning,
  turn,
  type Turned
} from "./Opening.ts"

/** What sealing answers. */
export interface Sealed {
  readonly next: RatchetState
  /** Tag ‖ header nonce ‖ encrypted header ‖ ciphertext; 100 bytes longer than the padded plaintext in suites 1 and 2. */
  readonly message: Uint8Array
  readonly consumed: ReadonlyArray<Uint8Array>
}

/** What sealing many answers. */
export interface SealedMany {
  readonly next: RatchetState
  readonly messages: ReadonlyArray<Uint8Array>
  readonly consumed: ReadonlyArray<Uint8Array>
}

/**
 * Seals a padded plaintext. `prefix` is the envelope prefix, `headerNonce` is fresh, random and of the suite's nonce length.
 * `front` is put in front of the message, unsealed and unauthenticated: a frame that ends with the message is so built
 * without another copy. Fails with `policy.no-chain` or `limit.chain`.
 */
export const seal = (
  crypto: CryptoProvider,
  state: RatchetState,
  prefix: Uint8Array,
  padded: Uint8Array,
  headerNonce: Uint8Array,
  front: Uint8Array = Bytes.empty
): Result.Result<Sealed, Failure> => {
  const { sendChain, sendHeader, sent, suite } = state
  if (sendChain === undefined || sendHeader === undefined) return fail("policy.no-chain")
  if (sent >= Limits.maxChainIndex) return fail("limit.chain")
  const [messageKey, nextChain] = ChainKey.step(crypto, sendChain)
  const header = Header.encode(state.ratchetPublic, state.previous, sent)
  const sealedHeader = Header.seal(crypto, suite, sendHeader, headerNonce, header)
  const headLength = Message.headLengthOf[suite]
  const ad = Message.adBuffer(Message.adBytes + prefix.length + headLength)
  ad.set(state.ad)
  ad.set(prefix, Message.adBytes)
  let at = Message.adBytes + prefix.length
  ad.set(sendHeader.tag, at)
  ad.set(headerNonce, (at += Limits.sessionTagBytes))
  ad.set(sealedHeader, (at += headerNonce.length))
  const expanded = MessageKey.expand(crypto, suite, messageKey, headerNonce)
  const ciphertext = MessageKey.seal(crypto, suite, expanded, ad, padded)
  expanded.fill(0)
  messageKey.fill(0)
  const message = new Uint8Array(front.length + headLength + ciphertext.length)
  message.set(front)
  message.set(ad.subarray(Message.adBytes + prefix.length), front.length)
  message.set(ciphertext, front.length + headLength)
  return Result.succeed({ next: { ...state, sendChain: nextChain, sent: sent + 1 }, message, consumed: [sendChain] })
}

/**
 * Seals several plaintexts in order, all or none; `headerNonces` has one for each. The messages are those of as many calls
 * of {@link seal}.
 */
export const sealMany = (
  crypto: CryptoProvider,
  state: RatchetState,
  prefix: Uint8Array,
  padded: ReadonlyArray<Uint8Array>,
  headerNonces: ReadonlyArray<Uint8Array>
): Result.Result<SealedMany, Failure> => {
  const messages: Array<Uint8Array> = []
  const consumed: Array<Uint8Array> = []
  let next = state
  for (let i = 0; i < padded.length; i++) {
    const sealed = seal(crypto, next, prefix, padded[i]!, headerNonces[i]!)
    if (Result.isFailure(sealed)) return Result.fail(sealed.failure)
    messages.push(sealed.success.message)
    consumed.push(...sealed.success.consumed)
    next = sealed.success.next
  }
  return Result.succeed({ next, messages, consumed })
}
