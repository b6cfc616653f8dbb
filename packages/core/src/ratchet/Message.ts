/**
 * The ratchet message: its lengths, and the associated data of its body.
 *
 * Spec: docs/spec/06-ratchet.md §6.4; docs/spec/03-envelopes.md §3.3.
 * Vectors: vectors/ratchet.
 * Does not seal or open.
 */
import * as Limits from "../base/Limits.ts"
import * as Suite from "../crypto/Suite.ts"
import * as Header from "./Header.ts"

/** A session's AD. */
export const adBytes = 32

/** Length of what stands in front of the ciphertext: tag, header nonce, encrypted header. */
export const headLengthOf = {
  1: Limits.sessionTagBytes + Suite.suites[1].nonceLength + Header.sealedLength[1],
  2: Limits.sessionTagBytes + Suite.suites[2].nonceLength + Header.sealedLength[2],
  3: Limits.sessionTagBytes + Suite.suites[3].nonceLength + Header.sealedLength[3]
} as const

const prefixBytes = 21
const shortAd = new Uint8Array(adBytes + prefixBytes + headLengthOf[1])
const longAd = new Uint8Array(adBytes + prefixBytes + headLengthOf[3])

/**
 * Room for the associated data of one body, to be filled and used before the next call. With the prefix of an envelope one of
 * two buffers serves every message: allocating costs as much as a hash, no step calls another while it fills one, and
 * nothing in it is secret.
 */
export const adBuffer = (length: number): Uint8Array =>
  length === shortAd.length ? shortAd : length === longAd.length ? longAd : new Uint8Array(length)

/** Length of the message that sealing makes of a padded plaintext. */
export const sealedLength = (suite: Suite.SuiteId, paddedLength: number): number =>
  headLengthOf[suite] + Suite.sealedLength(suite, paddedLength)
