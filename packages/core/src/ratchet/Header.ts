/**
 * The ratchet header and its encryption.
 *
 * Spec: docs/spec/06-ratchet.md §6.3.
 * Vectors: vectors/ratchet.
 * Does not decide whether a header fits a state.
 */
import * as Bytes from "../base/Bytes.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Suite from "../crypto/Suite.ts"
import type { HeaderKey } from "./HeaderKey.ts"

/** Ratchet key ‖ BE32(PN) ‖ BE32(N). */
export const byteLength = 40

export interface Header {
  /** The sender's ratchet key, X25519 public, 32 bytes. */
  readonly ratchetKey: Uint8Array
  /** PN: messages in the sender's previous sending chain. */
  readonly previous: number
  /** N: number of this message in its chain, from 0. */
  readonly number: number
}

/** Length of an encrypted header: 56 bytes in suites 1 and 2, 80 in suite 3. */
export const sealedLength = { 1: 56, 2: 56, 3: 80 } as const satisfies { readonly [S in Suite.SuiteId]: number }

/** The 40 bytes of a header. */
export const encode = (ratchetKey: Uint8Array, previous: number, number: number): Uint8Array => {
  const out = new Uint8Array(byteLength)
  out.set(ratchetKey)
  writeBe32(out, 32, previous)
  writeBe32(out, 36, number)
  return out
}

/** Reads 40 bytes, or `undefined` when there are more or fewer. */
export const decode = (bytes: Uint8Array): Header | undefined =>
  bytes.length === byteLength
    ? { ratchetKey: bytes.slice(0, 32), previous: Bytes.readBe32(bytes, 32), number: Bytes.readBe32(bytes, 36) }
    : undefined

/** The encrypted header. `nonce` is fresh and random, of the suite's length. */
export const seal = (
  crypto: CryptoProvider,
  suite: Suite.SuiteId,
  key: HeaderKey,
  nonce: Uint8Array,
  header: Uint8Array
): Uint8Array => Suite.seal(crypto, suite, key.sealing, nonce, key.ad, header)

/** The 40 bytes (if its sealer kept to the layout) of an encrypted header, or `undefined` when it does not authenticate. */
export const open = (
  crypto: CryptoProvider,
  suite: Suite.SuiteId,
  key: HeaderKey,
  nonce: Uint8Array,
  sealed: Uint8Array
): Uint8Array | undefined => Suite.open(crypto, suite, key.sealing, nonce, key.ad, sealed)

const writeBe32 = (out: Uint8Array, at: number, value: number): void => {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}
