/**
 * The chain key and its one step, KDF_CK.
 *
 * Spec: docs/spec/06-ratchet.md §6.2.
 * Vectors: vectors/ratchet.
 * One of the two places where a post-quantum ratchet can mix a secret in (rule ratchet.pq.1); suites 1 to 3 mix nothing.
 */
import type { CryptoProvider } from "../crypto/Provider.ts"

const messageByte = Uint8Array.of(1)
const chainByte = Uint8Array.of(2)

/** The message key at the chain's present number, and the next chain key; 32 bytes each. */
export const step = (
  crypto: CryptoProvider,
  chainKey: Uint8Array
): readonly [messageKey: Uint8Array, chainKey: Uint8Array] => crypto.hmacSha256Pair(chainKey, messageByte, chainByte)
