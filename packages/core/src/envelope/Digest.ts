/**
 * Envelope digests: how a retry request names what did not open.
 *
 * Spec: docs/spec/03-envelopes.md §3.5, rule content.retry.1.
 * Vectors: vectors/envelope.
 */
import * as Limits from "../base/Limits.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"

/** The digest (16 bytes) of an envelope's body. */
export const derive = (crypto: CryptoProvider, body: Uint8Array): Uint8Array =>
  crypto.sha256(Labels.prefixed(Labels.envelopeDigest, body)).slice(0, Limits.envelopeDigestBytes)
