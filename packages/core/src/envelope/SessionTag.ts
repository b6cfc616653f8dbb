/**
 * Session tags: 16 bytes in front of a session message that let its receiver find the session.
 *
 * Spec: docs/spec/03-envelopes.md §3.3.
 * Vectors: vectors/envelope.
 * Does not keep an index of tags.
 */
import * as Limits from "../base/Limits.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"

const purpose = Labels.prefixed(Labels.sessionTag)

/** The tag (16 bytes) of messages whose header is sealed with this header key (32 bytes). */
export const derive = (crypto: CryptoProvider, headerKey: Uint8Array): Uint8Array =>
  crypto.hmacSha256(headerKey, purpose).slice(0, Limits.sessionTagBytes)

/** The tag in front of a session message, or `undefined` when there is not even room for one. A view of the body. */
export const of = (body: Uint8Array): Uint8Array | undefined =>
  body.length < Limits.sessionTagBytes ? undefined : body.subarray(0, Limits.sessionTagBytes)
