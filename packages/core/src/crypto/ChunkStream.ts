/**
 * A stream of sealed chunks behind a header that commits to its key: what archives and attachments are made of.
 *
 * Spec: docs/spec/23-history.md §23.5, docs/spec/11-attachments.md §11.1.
 * Vectors: vectors/history, vectors/attachment.
 * After STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015). Knows neither what the header says nor what the chunks hold, and holds no state.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import type { CryptoProvider } from "./Provider.ts"
import * as Suite from "./Suite.ts"

const suite = 1

/** Length of a sealed chunk that is not the last one. */
export const sealedChunkBytes = Limits.streamChunkBytes + Limits.tagBytes

/** Key of the chunks and commitment to it, 32 bytes each; the caller's to wipe. `info` holds what the header says. */
export const derive = (
  crypto: CryptoProvider,
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array
): { readonly key: Uint8Array; readonly commitment: Uint8Array } => {
  const both = crypto.hkdfSha256(secret, salt, info, 64)
  const derived = { key: both.slice(0, 32), commitment: both.slice(32) }
  Bytes.wipe(both)
  return derived
}

/** The key of the chunks (32 bytes, the caller's to wipe), if the commitment is the one of these values. */
export const unlock = (
  crypto: CryptoProvider,
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  expected: Uint8Array
): Uint8Array | undefined => {
  const { commitment, key } = derive(crypto, secret, salt, info)
  if (Bytes.constantTimeEqual(commitment, expected)) return key
  Bytes.wipe(key)
  return undefined
}

/** A header ahead of its chunks: its length, two bytes, and itself. */
export const framed = (header: Uint8Array): Uint8Array =>
  Bytes.concat(Uint8Array.of(header.length >>> 8, header.length & 0xff), header)

/** Nonce of a chunk: its index, and whether it is the last. */
const nonceOf = (index: number, last: boolean): Uint8Array =>
  Bytes.concat(new Uint8Array(3), Bytes.be64(index), Uint8Array.of(last ? 1 : 0))

/** Seals a chunk: 65,536 bytes, the last one 1 to 65,536, or 0 where it is the only one. An index serves one plaintext. */
export const sealChunk = (
  crypto: CryptoProvider,
  key: Uint8Array,
  index: number,
  last: boolean,
  plaintext: Uint8Array
): Uint8Array => Suite.seal(crypto, suite, key, nonceOf(index, last), Bytes.empty, plaintext)

/** Opens a chunk at its place; `undefined` when it is not the one that was sealed there. */
export const openChunk = (
  crypto: CryptoProvider,
  key: Uint8Array,
  index: number,
  last: boolean,
  sealed: Uint8Array
): Uint8Array | undefined => {
  const length = sealed.length - Limits.tagBytes
  const fits = last
    ? length >= (index === 0 ? 0 : 1) && length <= Limits.streamChunkBytes
    : length === Limits.streamChunkBytes
  return fits ? Suite.open(crypto, suite, key, nonceOf(index, last), Bytes.empty, sealed) : undefined
}
