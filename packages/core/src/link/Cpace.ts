/**
 * CPace with X25519 and SHA-512, initiator and responder: two ends that know the same PIN get the same key, and others learn nothing.
 *
 * Spec: docs/spec/19-linking.md §19.5, rules link.pin.2 and link.pin.3; draft-irtf-cfrg-cpace-21.
 * Vectors: vectors/linking; the draft's own in the tests.
 * Draws no scalars and counts no attempts. The point K never leaves this file.
 */
import * as Bytes from "../base/Bytes.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Elligator2 from "../crypto/Elligator2.ts"

const dsi = Bytes.utf8Encode("CPace255")
const dsiIsk = Bytes.utf8Encode("CPace255_ISK")
const macLabel = Bytes.utf8Encode("CPaceMac")
/** Input block of SHA-512. */
const blockBytes = 128

/** Length in LEB128, then the bytes. */
const prependLength = (bytes: Uint8Array): Uint8Array => {
  const head: Array<number> = []
  let length = bytes.length
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) + 128)
  return Bytes.concat(Uint8Array.of(...head, length), bytes)
}

/** Each part with its length in front: `lv_cat` of the draft. */
export const lengthValue = (...parts: ReadonlyArray<Uint8Array>): Uint8Array =>
  Bytes.concat(...parts.map(prependLength))

/** What both ends know before, beside the PIN. */
export interface Channel {
  /** Channel identifier: both ends, the initiator first. */
  readonly ci: Uint8Array
  readonly sid: Uint8Array
}

/** A share with its associated data, as it was sent. */
export interface Message {
  /** 32 bytes. */
  readonly share: Uint8Array
  readonly ad: Uint8Array
}

/** The string that is hashed to the generator. */
export const generatorString = (prs: Uint8Array, { ci, sid }: Channel): Uint8Array => {
  const [head, secret] = [prependLength(dsi), prependLength(prs)]
  const padding = new Uint8Array(Math.max(0, blockBytes - 1 - secret.length - head.length))
  return Bytes.concat(head, secret, lengthValue(padding, ci, sid))
}

/** The generator, a u coordinate of 32 bytes. Secret, as the PIN is. */
export const generator = (crypto: CryptoProvider, prs: Uint8Array, channel: Channel): Uint8Array => {
  const text = generatorString(prs, channel)
  const hash = crypto.sha512(text)
  const out = Elligator2.map(hash.subarray(0, 32))
  Bytes.wipe(text, hash)
  return out
}

/** The share of a scalar (32 random bytes): `undefined` when it is zero, which no generator of this file gives. */
export const share = (crypto: CryptoProvider, scalar: Uint8Array, base: Uint8Array): Uint8Array | undefined =>
  crypto.x25519(scalar, base)

/**
 * The intermediate session key, 64 bytes, out of one's scalar and both messages, the initiator's first. `undefined` when the other's share
 * is not 32 bytes or of low order.
 */
export const sessionKey = (
  crypto: CryptoProvider,
  role: "initiator" | "responder",
  scalar: Uint8Array,
  channel: Channel,
  initiator: Message,
  responder: Message
): Uint8Array | undefined => {
  const k = crypto.x25519(scalar, role === "initiator" ? responder.share : initiator.share)
  if (k === undefined) return undefined
  const transcript = lengthValue(initiator.share, initiator.ad, responder.share, responder.ad)
  const input = Bytes.concat(lengthValue(dsiIsk, channel.sid, k), transcript)
  const out = crypto.sha512(input)
  Bytes.wipe(k, input)
  return out
}

/** The tag (32 bytes) by which the sender of a message confirms its key. */
export const confirmation = (
  crypto: CryptoProvider,
  isk: Uint8Array,
  sid: Uint8Array,
  { ad, share }: Message
): Uint8Array => {
  const key = crypto.sha512(Bytes.concat(macLabel, sid, isk))
  const out = crypto.hmacSha256(key, lengthValue(share, ad))
  Bytes.wipe(key)
  return out
}
