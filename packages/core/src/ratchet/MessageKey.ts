/**
 * What a message key expands to: the AEAD key and nonce of one message body.
 *
 * Spec: docs/spec/06-ratchet.md §6.2.
 * Vectors: vectors/ratchet.
 * The random header nonce salts the expansion, so two copies of one state never meet the same key and nonce (rule ratchet.fence.1).
 */
import * as Bytes from "../base/Bytes.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Suite from "../crypto/Suite.ts"

const infoOf = {
  1: Labels.prefixed(Labels.messageKey, Bytes.be8(1)),
  2: Labels.prefixed(Labels.messageKey, Bytes.be8(2)),
  3: Labels.prefixed(Labels.messageKey, Bytes.be8(3))
} as const

/** AEAD key ‖ nonce: 44 bytes in suites 1 and 2, 80 in suite 3. The caller wipes it. */
export const expand = (
  crypto: CryptoProvider,
  suite: Suite.SuiteId,
  messageKey: Uint8Array,
  headerNonce: Uint8Array
): Uint8Array => {
  const { keyLength, nonceLength } = Suite.suites[suite]
  return crypto.hkdfSha256(messageKey, headerNonce, infoOf[suite], keyLength + nonceLength)
}

/** Seals a body with an expanded key. */
export const seal = (
  crypto: CryptoProvider,
  suite: Suite.SuiteId,
  expanded: Uint8Array,
  ad: Uint8Array,
  plaintext: Uint8Array
): Uint8Array => {
  const { keyLength } = Suite.suites[suite]
  return Suite.seal(crypto, suite, expanded.subarray(0, keyLength), expanded.subarray(keyLength), ad, plaintext)
}

/** Opens a body with an expanded key; `undefined` when it does not authenticate. */
export const open = (
  crypto: CryptoProvider,
  suite: Suite.SuiteId,
  expanded: Uint8Array,
  ad: Uint8Array,
  ciphertext: Uint8Array
): Uint8Array | undefined => {
  const { keyLength } = Suite.suites[suite]
  return Suite.open(crypto, suite, expanded.subarray(0, keyLength), expanded.subarray(keyLength), ad, ciphertext)
}
