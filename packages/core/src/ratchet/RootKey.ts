/**
 * The root key and its one step, KDF_RK.
 *
 * Spec: docs/spec/06-ratchet.md §6.2.
 * Vectors: vectors/ratchet.
 * One of the two places where a post-quantum ratchet can mix a secret in (rule ratchet.pq.1); suites 1 to 3 mix nothing.
 */
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"

/** What one step of the root gives, 32 bytes each. */
export interface RootStep {
  readonly rootKey: Uint8Array
  readonly chainKey: Uint8Array
  readonly headerKey: Uint8Array
}

const info = Labels.prefixed(Labels.rootStep)

/** KDF_RK. `agreed` is an X25519 output (32 bytes) that its caller refused if it was zero. */
export const step = (crypto: CryptoProvider, rootKey: Uint8Array, agreed: Uint8Array): RootStep => {
  const derived = crypto.hkdfSha256(agreed, rootKey, info, 96)
  const out = { rootKey: derived.slice(0, 32), chainKey: derived.slice(32, 64), headerKey: derived.slice(64, 96) }
  derived.fill(0)
  return out
}
