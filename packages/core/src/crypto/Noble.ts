/**
 * The portable provider: pure JavaScript, every platform, no start-up. The reference the other providers are compared with.
 *
 * Spec: docs/spec/01-suites.md.
 * Vectors: vectors/primitives.
 * The only file that imports the noble packages. JavaScript big integers are not constant time; where a native provider
 * is at hand, prefer it for long-term keys.
 */
import { cbc, gcm } from "@noble/ciphers/aes.js"
import { chacha20poly1305 } from "@noble/ciphers/chacha.js"
import { ed25519, x25519 } from "@noble/curves/ed25519.js"
import { argon2id } from "@noble/hashes/argon2.js"
import { expand, extract } from "@noble/hashes/hkdf.js"
import { hmac } from "@noble/hashes/hmac.js"
import { sha256, sha512 } from "@noble/hashes/sha2.js"
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js"
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import * as Argon2 from "./Argon2.ts"
import * as Ed25519 from "./Ed25519.ts"
import * as KeyCache from "./KeyCache.ts"
import * as MlKem from "./MlKem.ts"
import type { CryptoProvider } from "./Provider.ts"
import * as X25519 from "./X25519.ts"

const { Point } = ed25519
const groupOrder = Point.Fn.ORDER

/** Little-endian integer. */
const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${Bytes.toHex(new Uint8Array(bytes).reverse())}`)

/** The curve point of 32 canonical bytes, or `undefined` when there is none. */
const point = (bytes: Uint8Array) => {
  try {
    return Point.fromBytes(bytes)
  } catch {
    return undefined
  }
}

/** What noble reports by an exception, as `undefined`. Only around calls whose other arguments were checked. */
const attempt = (open: () => Uint8Array): Uint8Array | undefined => {
  try {
    return own(open())
  } catch {
    return undefined
  }
}

/** The expanded key of a ML-KEM seed. */
const expandSeed = KeyCache.make((seed) => ml_kem768.keygen(seed))

/** The bytes in memory of their own: noble gives parts of larger buffers here and there. */
const own = (bytes: Uint8Array): Uint8Array =>
  bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)

/** RFC 5869: 1 to 255 blocks of 32 bytes. */
const checkExpand = (length: number): void => {
  if (!Number.isInteger(length) || length < 1 || length > 8160) defect("HKDF gives 1…8160 bytes")
}

const checkLength = (bytes: Uint8Array, length: number): void => {
  if (bytes.length !== length) defect(`key or nonce is not ${length} bytes`)
}

export const nobleProvider: CryptoProvider = {
  name: "noble",
  sha256: (data) => sha256(data),
  sha256Start: () => {
    const hash = sha256.create()
    return { update: (data) => void hash.update(data), digest: () => hash.digest() }
  },
  sha512: (data) => sha512(data),
  hmacSha256: (key, data) => hmac(sha256, key, data),
  hmacSha256Pair: (key, a, b) => {
    const first = hmac.create(sha256, key)
    const second = first.clone()
    const out = [first.update(a).digest(), second.update(b).digest()] as const
    first.destroy()
    second.destroy()
    return out
  },
  hkdfSha256: (ikm, salt, info, length) => {
    checkExpand(length)
    const prk = extract(sha256, ikm, salt)
    const out = expand(sha256, prk, info, length)
    prk.fill(0)
    return out
  },
  hkdfExtract: (ikm, salt) => extract(sha256, ikm, salt),
  hkdfExpand: (prk, info, length) => {
    checkLength(prk, 32)
    checkExpand(length)
    return expand(sha256, prk, info, length)
  },
  argon2id: (password, salt, { lanes, memoryKiB, passes }, length) => {
    Argon2.check(salt, memoryKiB, passes, lanes, length)
    // noble takes 2 GiB of memory at most; callers stay below.
    return own(argon2id(password, salt, { m: memoryKiB, t: passes, p: lanes, dkLen: length, maxmem: 2 ** 32 - 1 }))
  },
  x25519PublicKey: (secretKey) => {
    checkLength(secretKey, 32)
    return x25519.getPublicKey(secretKey)
  },
  x25519: (secretKey, publicKey) => {
    checkLength(secretKey, 32)
    if (publicKey.length !== 32 || X25519.isSmallOrder(publicKey)) return undefined
    return x25519.getSharedSecret(secretKey, publicKey)
  },
  ed25519PublicKey: (seed) => {
    checkLength(seed, 32)
    return ed25519.getPublicKey(seed)
  },
  ed25519Sign: (seed, message) => {
    checkLength(seed, 32)
    return ed25519.sign(message, seed)
  },
  ed25519Verify: (publicKey, message, signature) => {
    if (!Ed25519.admissible(publicKey, signature)) return false
    const a = point(publicKey)
    if (a === undefined) return false
    const r = signature.subarray(0, 32)
    const s = littleEndian(signature.subarray(32))
    const k = littleEndian(sha512.create().update(r).update(publicKey).update(message).digest()) % groupOrder
    // Rule crypto.ed25519.6: cofactorless. noble's own verify multiplies by the cofactor and accepts more.
    const sB = s === 0n ? Point.ZERO : Point.BASE.multiplyUnsafe(s)
    return Bytes.equal(sB.subtract(a.multiplyUnsafe(k)).toBytes(), r)
  },
  mlKem768KeyPair: (seed) => {
    checkLength(seed, MlKem.seedBytes)
    return { publicKey: new Uint8Array(expandSeed(seed).publicKey), secretKey: new Uint8Array(seed) }
  },
  mlKem768PublicKeyValid: MlKem.isPublicKeyValid,
  mlKem768Encapsulate: (publicKey, coins) => {
    checkLength(coins, MlKem.coinsBytes)
    if (!MlKem.isPublicKeyValid(publicKey)) return undefined
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, coins)
    return { ciphertext: own(cipherText), sharedSecret: own(sharedSecret) }
  },
  mlKem768Decapsulate: (secretKey, ciphertext) => {
    checkLength(secretKey, MlKem.seedBytes)
    if (ciphertext.length !== MlKem.ciphertextBytes) return undefined
    return own(ml_kem768.decapsulate(ciphertext, expandSeed(secretKey).secretKey))
  },
  aesGcmSeal: (key, nonce, ad, plaintext) => {
    checkLength(key, 32)
    checkLength(nonce, 12)
    return gcm(key, nonce, ad).encrypt(plaintext)
  },
  aesGcmOpen: (key, nonce, ad, ciphertext) => {
    checkLength(key, 32)
    checkLength(nonce, 12)
    return attempt(() => gcm(key, nonce, ad).decrypt(ciphertext))
  },
  chachaSeal: (key, nonce, ad, plaintext) => {
    checkLength(key, 32)
    checkLength(nonce, 12)
    return chacha20poly1305(key, nonce, ad).encrypt(plaintext)
  },
  chachaOpen: (key, nonce, ad, ciphertext) => {
    checkLength(key, 32)
    checkLength(nonce, 12)
    return attempt(() => chacha20poly1305(key, nonce, ad).decrypt(ciphertext))
  },
  aesCbcEncrypt: (key, iv, plaintext) => {
    checkLength(key, 32)
    checkLength(iv, 16)
    return cbc(key, iv).encrypt(plaintext)
  },
  aesCbcDecrypt: (key, iv, ciphertext) => {
    checkLength(key, 32)
    checkLength(iv, 16)
    if (ciphertext.length === 0 || ciphertext.length % 16 !== 0) return undefined
    return attempt(() => cbc(key, iv).decrypt(ciphertext))
  }
}
