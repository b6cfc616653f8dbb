/**
 * The primitive operations of a derivation trace, on the platform's own cryptography.
 *
 * Spec: docs/spec/01-suites.md. The list of operations with their inputs is in vectors/README.md.
 * Uses `node:crypto`, and one library for ML-KEM with chosen coins. Takes nothing from the code under test; the second
 * verifier (vectors/verify) computes the same operations in another language.
 */
import * as crypto from "node:crypto"
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js"
import { concat, be, equal, fromLe, le, unhex } from "./bytes.ts"
import { elligator2 as mapToCurve, order, p, smallOrderEncodings } from "./edwards.ts"

export const sha256 = (data: Uint8Array): Uint8Array =>
  new Uint8Array(crypto.createHash("sha256").update(data).digest())
export const sha512 = (data: Uint8Array): Uint8Array =>
  new Uint8Array(crypto.createHash("sha512").update(data).digest())

export const hmac = (hash: "sha256" | "sha512", key: Uint8Array, data: Uint8Array): Uint8Array =>
  new Uint8Array(crypto.createHmac(hash, key).update(data).digest())

/** Argon2id (RFC 9106); memory in KiB. */
export const argon2id = (
  message: Uint8Array,
  nonce: Uint8Array,
  memory: number,
  passes: number,
  parallelism: number,
  tagLength: number
): Uint8Array =>
  new Uint8Array(crypto.argon2Sync("argon2id", { message, nonce, memory, passes, parallelism, tagLength }))

export const hkdfExtract = (salt: Uint8Array, ikm: Uint8Array): Uint8Array =>
  hmac("sha256", salt.length === 0 ? new Uint8Array(32) : salt, ikm)

/** RFC 5869 expand; `undefined` above 255 blocks or for nothing. */
export const hkdfExpand = (
  hash: "sha256" | "sha512",
  prk: Uint8Array,
  info: Uint8Array,
  length: number
): Uint8Array | undefined => {
  const block = hash === "sha256" ? 32 : 64
  if (length < 1 || length > 255 * block) return undefined
  const blocks: Array<Uint8Array> = []
  let previous: Uint8Array = new Uint8Array(0)
  for (let i = 1; (i - 1) * block < length; i++) {
    previous = hmac(hash, prk, concat(previous, info, Uint8Array.of(i)))
    blocks.push(previous)
  }
  return concat(...blocks).slice(0, length)
}

const derX25519Secret = unhex("302e020100300506032b656e04220420")
const derX25519Public = unhex("302a300506032b656e032100")
const derEd25519Secret = unhex("302e020100300506032b657004220420")
const derEd25519Public = unhex("302a300506032b6570032100")

const secretKey = (prefix: Uint8Array, raw: Uint8Array): crypto.KeyObject =>
  crypto.createPrivateKey({ key: Buffer.from(concat(prefix, raw)), format: "der", type: "pkcs8" })
const publicKey = (prefix: Uint8Array, raw: Uint8Array): crypto.KeyObject =>
  crypto.createPublicKey({ key: Buffer.from(concat(prefix, raw)), format: "der", type: "spki" })
const rawPublic = (key: crypto.KeyObject): Uint8Array =>
  new Uint8Array(crypto.createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12))

export const x25519Public = (k: Uint8Array): Uint8Array => rawPublic(secretKey(derX25519Secret, k))

/** X25519; `undefined` for a wrong length or an all-zero result. */
export const x25519 = (k: Uint8Array, u: Uint8Array): Uint8Array | undefined => {
  if (k.length !== 32 || u.length !== 32) return undefined
  try {
    const out = crypto.diffieHellman({
      privateKey: secretKey(derX25519Secret, k),
      publicKey: publicKey(derX25519Public, u)
    })
    return out.every((byte) => byte === 0) ? undefined : new Uint8Array(out)
  } catch {
    // The platform refuses an all-zero result by failing.
    return undefined
  }
}

/** Elligator 2 on Curve25519: a field element of 32 little-endian bytes, top bit ignored, to a u coordinate. */
export const elligator2 = (field: Uint8Array): Uint8Array => le(mapToCurve((fromLe(field) % 2n ** 255n) % p), 32)

export const ed25519Public = (seed: Uint8Array): Uint8Array => rawPublic(secretKey(derEd25519Secret, seed))
export const ed25519Sign = (seed: Uint8Array, message: Uint8Array): Uint8Array =>
  new Uint8Array(crypto.sign(null, message, secretKey(derEd25519Secret, seed)))

const canonicalY = (encoded: Uint8Array): boolean => {
  const copy = Uint8Array.from(encoded)
  copy[31] = copy[31]! & 0x7f
  return fromLe(copy) < p
}

/** Strict verification: the checks of rule group `ed25519`, then the platform's cofactorless equation. */
export const ed25519Verify = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  if (key.length !== 32 || signature.length !== 64) return false
  const r = signature.subarray(0, 32)
  if (fromLe(signature.subarray(32)) >= order) return false
  for (const point of [key, r]) {
    if (!canonicalY(point) || smallOrderEncodings.some((small) => equal(small, point))) return false
  }
  try {
    return crypto.verify(null, message, publicKey(derEd25519Public, key), signature)
  } catch {
    // Not a point of the curve.
    return false
  }
}

export const mlKemPublic = (seed: Uint8Array): Uint8Array => ml_kem768.keygen(seed).publicKey
/** FIPS 203 §7.2: length and every coefficient below q = 3329. */
export const mlKemValid = (ek: Uint8Array): boolean => {
  if (ek.length !== 1184) return false
  for (let i = 0; i < 1152; i += 3) {
    const a = ek[i]! | ((ek[i + 1]! & 0x0f) << 8)
    const b = (ek[i + 1]! >> 4) | (ek[i + 2]! << 4)
    if (a >= 3329 || b >= 3329) return false
  }
  return true
}
/** Ciphertext (1088) ‖ shared secret (32). */
export const mlKemEncaps = (ek: Uint8Array, coins: Uint8Array): Uint8Array | undefined => {
  if (!mlKemValid(ek)) return undefined
  const out = ml_kem768.encapsulate(ek, coins)
  return concat(out.cipherText, out.sharedSecret)
}
export const mlKemDecaps = (seed: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined =>
  ciphertext.length === 1088 ? ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(seed).secretKey) : undefined

const aead = { 1: "chacha20-poly1305", 2: "aes-256-gcm" } as const

export const aesCbcEncrypt = (key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): Uint8Array => {
  const cipher = crypto.createCipheriv("aes-256-cbc", key, iv)
  return concat(cipher.update(plaintext), cipher.final())
}
export const aesCbcDecrypt = (key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined => {
  try {
    const decipher = crypto.createDecipheriv("aes-256-cbc", key, iv)
    return concat(decipher.update(ciphertext), decipher.final())
  } catch {
    return undefined
  }
}
const cbcTag = (key: Uint8Array, iv: Uint8Array, ad: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
  hmac("sha256", key.subarray(32), concat(ad, iv, ciphertext, be(ad.length * 8, 8)))

/** Key, nonce and tag lengths by suite. */
export const suites = {
  1: { key: 32, nonce: 12, tag: 16 },
  2: { key: 32, nonce: 12, tag: 16 },
  3: { key: 64, nonce: 16, tag: 32 }
} as const
export type Suite = 1 | 2 | 3

export const aeadSeal = (
  suite: Suite,
  key: Uint8Array,
  nonce: Uint8Array,
  ad: Uint8Array,
  plaintext: Uint8Array
): Uint8Array => {
  if (suite === 3) {
    const ciphertext = aesCbcEncrypt(key.subarray(0, 32), nonce, plaintext)
    return concat(ciphertext, cbcTag(key, nonce, ad, ciphertext))
  }
  const cipher = crypto.createCipheriv(aead[suite] as "aes-256-gcm", key, nonce, { authTagLength: 16 })
  cipher.setAAD(ad, { plaintextLength: plaintext.length })
  return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
}

export const aeadOpen = (
  suite: Suite,
  key: Uint8Array,
  nonce: Uint8Array,
  ad: Uint8Array,
  sealed: Uint8Array
): Uint8Array | undefined => {
  const split = sealed.length - suites[suite].tag
  if (split < 0) return undefined
  const ciphertext = sealed.subarray(0, split)
  const tag = sealed.subarray(split)
  if (suite === 3)
    return equal(cbcTag(key, nonce, ad, ciphertext), tag)
      ? aesCbcDecrypt(key.subarray(0, 32), nonce, ciphertext)
      : undefined
  try {
    const decipher = crypto.createDecipheriv(aead[suite] as "aes-256-gcm", key, nonce, { authTagLength: 16 })
    decipher.setAAD(ad, { plaintextLength: ciphertext.length })
    decipher.setAuthTag(tag)
    return concat(decipher.update(ciphertext), decipher.final())
  } catch {
    return undefined
  }
}
