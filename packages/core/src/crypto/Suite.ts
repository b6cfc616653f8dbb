/**
 * The three AEAD suites behind one seal and one open.
 *
 * Spec: docs/spec/01-suites.md §1.6.
 * Vectors: vectors/primitives.
 * Does not choose a suite, and never makes a key or nonce.
 */
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import type { CryptoProvider } from "./Provider.ts"

/** Suite number as it stands on the wire. */
export type SuiteId = 1 | 2 | 3

/** Lengths in bytes of one suite. */
export interface Suite {
  readonly id: SuiteId
  readonly name: string
  /** Whole AEAD key; in suite 3 the encryption key (32) ‖ the MAC key (32). */
  readonly keyLength: number
  readonly nonceLength: number
  readonly tagLength: number
}

/** By suite number. */
export const suites: { readonly [Id in SuiteId]: Suite & { readonly id: Id } } = {
  1: { id: 1, name: "ChaCha20-Poly1305", keyLength: 32, nonceLength: 12, tagLength: 16 },
  2: { id: 2, name: "AES-256-GCM", keyLength: 32, nonceLength: 12, tagLength: 16 },
  3: { id: 3, name: "AES-256-CBC-HMAC-SHA-256", keyLength: 64, nonceLength: 16, tagLength: 32 }
}

/** Whether a number read from the wire is a suite we speak. */
export const isSuiteId = (value: number): value is SuiteId => value === 1 || value === 2 || value === 3

/** Length of what {@link seal} returns for a plaintext of `plaintextLength` bytes. */
export const sealedLength = (suite: SuiteId, plaintextLength: number): number =>
  suite === 3 ? plaintextLength - (plaintextLength % 16) + 16 + 32 : plaintextLength + 16

/** Ciphertext and tag. `key` and `nonce` have the suite's lengths and never serve two plaintexts. */
export const seal = (
  crypto: CryptoProvider,
  suite: SuiteId,
  key: Uint8Array,
  nonce: Uint8Array,
  ad: Uint8Array,
  plaintext: Uint8Array
): Uint8Array => {
  const { keyLength, nonceLength } = suites[suite]
  if (key.length !== keyLength || nonce.length !== nonceLength)
    return defect("key or nonce does not have the suite's length")
  if (suite === 1) return crypto.chachaSeal(key, nonce, ad, plaintext)
  if (suite === 2) return crypto.aesGcmSeal(key, nonce, ad, plaintext)
  const ciphertext = crypto.aesCbcEncrypt(key.subarray(0, 32), nonce, plaintext)
  return Bytes.concat(ciphertext, cbcTag(crypto, key, nonce, ad, ciphertext))
}

/** The plaintext, or `undefined` when it does not authenticate, whatever the reason. */
export const open = (
  crypto: CryptoProvider,
  suite: SuiteId,
  key: Uint8Array,
  nonce: Uint8Array,
  ad: Uint8Array,
  ciphertext: Uint8Array
): Uint8Array | undefined => {
  const { keyLength, nonceLength, tagLength } = suites[suite]
  if (key.length !== keyLength || nonce.length !== nonceLength)
    return defect("key or nonce does not have the suite's length")
  if (ciphertext.length < tagLength) return undefined
  if (suite === 1) return crypto.chachaOpen(key, nonce, ad, ciphertext)
  if (suite === 2) return crypto.aesGcmOpen(key, nonce, ad, ciphertext)
  const split = ciphertext.length - tagLength
  const encrypted = ciphertext.subarray(0, split)
  // Rule suite.cbc.3: the tag is checked before anything is decrypted, so wrong padding is never an oracle.
  if (!Bytes.constantTimeEqual(cbcTag(crypto, key, nonce, ad, encrypted), ciphertext.subarray(split))) return undefined
  return crypto.aesCbcDecrypt(key.subarray(0, 32), nonce, encrypted)
}

/** HMAC-SHA-256(MAC key, ad ‖ IV ‖ ciphertext ‖ BE64(bits of ad)), whole. Rule suite.cbc.2. */
const cbcTag = (
  crypto: CryptoProvider,
  key: Uint8Array,
  iv: Uint8Array,
  ad: Uint8Array,
  ciphertext: Uint8Array
): Uint8Array => crypto.hmacSha256(key.subarray(32), Bytes.concat(ad, iv, ciphertext, Bytes.be64(ad.length * 8)))
