/**
 * Coins: repeatable random bytes addressed by actor, label and index.
 *
 * Spec: docs/spec/appendix-coins.md.
 * `coin(actor, label, i) = HKDF-Expand-SHA-512(seed, "kit-coin-v1" ‖ lp(actor) ‖ lp(label) ‖ BE32(i), length)`, `lp` being a
 * two-byte length before the text. For tests and vectors only: whoever knows the seed knows every key.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { Crypto, Entropy } from "../ports/Crypto.ts"

const blockLength = 128
const hashLength = 64
const purpose = Bytes.utf8Encode("kit-coin-v1")

/** HMAC-SHA-512 (RFC 2104) of a key of at most 128 bytes. */
const hmacSha512 = (crypto: CryptoProvider, key: Uint8Array, data: Uint8Array): Uint8Array => {
  const inner = new Uint8Array(blockLength).fill(0x36)
  const outer = new Uint8Array(blockLength).fill(0x5c)
  for (let i = 0; i < key.length; i++) {
    inner[i]! ^= key[i]!
    outer[i]! ^= key[i]!
  }
  return crypto.sha512(Bytes.concat(outer, crypto.sha512(Bytes.concat(inner, data))))
}

const lengthPrefixed = (text: string): Uint8Array => {
  const bytes = Bytes.utf8Encode(text)
  return Bytes.concat(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes)
}

/** One coin. `seed` has 64 bytes, `length` is at most 16,320. */
export const coin = (
  crypto: CryptoProvider,
  seed: Uint8Array,
  actor: string,
  label: string,
  index: number,
  length: number
): Uint8Array => {
  if (seed.length !== hashLength) return defect("a run seed has 64 bytes")
  if (length > 255 * hashLength) return defect("a coin has at most 16,320 bytes")
  const info = Bytes.concat(purpose, lengthPrefixed(actor), lengthPrefixed(label), Bytes.be32(index))
  const out = new Uint8Array(length)
  let block: Uint8Array = Bytes.empty
  for (let at = 0, counter = 1; at < length; at += hashLength, counter++) {
    block = hmacSha512(crypto, seed, Bytes.concat(block, info, Uint8Array.of(counter)))
    out.set(block.subarray(0, Math.min(hashLength, length - at)), at)
  }
  return out
}

/**
 * A source of coins for one actor. The index counts draws of a label, so one source is kept for the whole life of an actor, restarts
 * included: a source made anew would give the same coins again.
 */
export const make = (crypto: CryptoProvider, seed: Uint8Array, actor: string): Entropy["Service"] => {
  const drawn = new Map<string, number>()
  return Entropy.of({
    bytes: (label, length) => {
      const index = drawn.get(label) ?? 0
      drawn.set(label, index + 1)
      return coin(crypto, seed, actor, label, index, length)
    }
  })
}

/** {@link make} as a layer. */
export const layer = (seed: Uint8Array, actor: string): Layer.Layer<Entropy, never, Crypto> =>
  Layer.effect(
    Entropy,
    Effect.map(Crypto, (crypto) => make(crypto, seed, actor))
  )
