// oxlint-disable-next-line typescript/triple-slash-reference -- an ambient module cannot be imported
/// <reference path="./libsodium-sumo.d.ts" />
/**
 * The WebAssembly provider: libsodium for everything it has, noble for AES, Argon2id and the rarest case of Ed25519.
 * Fast in browsers and workers as well as in Node, and the small-message half of the Node provider.
 *
 * Spec: docs/spec/01-suites.md.
 * Vectors: vectors/primitives.
 * Calls the module's exports directly over one arena of its memory, because the usual wrapper allocates and frees for
 * every argument. What was secret in the arena is overwritten before a call returns.
 */
import load from "libsodium-sumo"
import { defect } from "../base/Defect.ts"
import * as Ed25519 from "./Ed25519.ts"
import * as KeyCache from "./KeyCache.ts"
import * as MlKem from "./MlKem.ts"
import { nobleProvider } from "./Noble.ts"
import type { CryptoProvider } from "./Provider.ts"
import * as X25519 from "./X25519.ts"

type Sodium = Awaited<ReturnType<typeof load>>

let loading: Promise<CryptoProvider> | undefined

/**
 * Loads the module once and gives the provider over it. Rejects where WebAssembly is not allowed. The library's own start-up is left out: it seeds
 * a random generator, which nothing here uses, and picks processor-specific code, of which WebAssembly has none.
 */
export const loadSodiumProvider = (): Promise<CryptoProvider> => (loading ??= load().then(make))

const digestBytes = 32
/** RFC 5869: at most 255 blocks. */
const maxExpandBytes = 255 * digestBytes
/** Expanded decapsulation key of FIPS 203. */
const expandedKeyBytes = 2400

// Places in the arena, from its start. Fixed ones first, then as much input as fits.
const atKey = 0 // any 32-byte key, 64-byte Ed25519 secret key or KEM seed
const atNonce = 64
const atFirst = 128 // HMAC state, up to 208 bytes
const atSecond = 384 // copy of it
const atOut = 640 // results up to an HKDF output, an expanded KEM key and a KEM public key
const atInput = atOut + 8192
const initialInput = 32_768
/** Beyond this an arena is given back after the call instead of being kept. */
const keptInput = 1_048_576

const checkLength = (bytes: Uint8Array, length: number): void => {
  if (bytes.length !== length) defect(`key or nonce is not ${length} bytes`)
}

const make = (sodium: Sodium): CryptoProvider => {
  const stateBytes = sodium._crypto_auth_hmacsha256_statebytes()
  const allocate = (input: number): number =>
    sodium._malloc(atInput + input) || defect("WebAssembly memory is exhausted")
  let capacity = initialInput
  let base = allocate(capacity)
  let heap = sodium.HEAPU8

  /** Makes room for `bytes` of input and makes `heap` valid; call before touching `heap` or `base`. */
  const reserve = (bytes: number): void => {
    if (bytes > capacity) {
      sodium._free(base)
      capacity = Math.max(bytes, 2 * capacity)
      base = allocate(capacity)
    }
    heap = sodium.HEAPU8
  }

  /** Gives back an arena that one large input blew up. Its contents are wiped by the call that used it. */
  const settle = (): void => {
    if (capacity <= keptInput) return
    sodium._free(base)
    capacity = initialInput
    base = allocate(capacity)
    heap = sodium.HEAPU8
  }

  const put = (bytes: Uint8Array, at: number): number => {
    heap.set(bytes, base + at)
    return base + at
  }
  const take = (at: number, length: number): Uint8Array => heap.slice(base + at, base + at + length)
  const wipe = (at: number, length: number): void => {
    heap.fill(0, base + at, base + at + length)
  }

  /** Leaves the HMAC state of a key in the first slot. Uses the input area. */
  const startMac = (key: Uint8Array): void => {
    put(key, atInput)
    sodium._crypto_auth_hmacsha256_init(base + atFirst, base + atInput, key.length)
    wipe(atInput, key.length)
  }
  const copyState = (): void => {
    heap.copyWithin(base + atSecond, base + atFirst, base + atFirst + stateBytes)
  }
  /** MAC of `length` bytes at `at` with the state in `slot`, to `out`. Consumes the state. */
  const finishMac = (slot: number, at: number, length: number, out: number): void => {
    sodium._crypto_auth_hmacsha256_update(base + slot, base + at, length, 0)
    sodium._crypto_auth_hmacsha256_final(base + slot, base + out)
  }

  const hmacSha256 = (key: Uint8Array, data: Uint8Array): Uint8Array => {
    reserve(Math.max(key.length, data.length))
    startMac(key)
    put(data, atInput)
    finishMac(atFirst, atInput, data.length, atOut)
    const mac = take(atOut, digestBytes)
    wipe(atInput, data.length)
    wipe(atFirst, stateBytes)
    wipe(atOut, digestBytes)
    settle()
    return mac
  }

  /**
   * HKDF-Expand with the key whose HMAC state is in the first slot. The input area holds T(i−1) ‖ info ‖ i in one piece,
   * so that each block is one update.
   */
  const expand = (info: Uint8Array, length: number): Uint8Array => {
    if (!Number.isInteger(length) || length < 1 || length > maxExpandBytes) return defect("HKDF gives 1…8160 bytes")
    put(info, atInput + digestBytes)
    const counter = atInput + digestBytes + info.length
    const blocks = Math.ceil(length / digestBytes)
    for (let i = 1; i <= blocks; i++) {
      const out = atOut + (i - 1) * digestBytes
      heap[base + counter] = i
      copyState()
      if (i === 1) finishMac(atSecond, atInput + digestBytes, info.length + 1, out)
      else {
        heap.copyWithin(base + atInput, base + out - digestBytes, base + out)
        finishMac(atSecond, atInput, digestBytes + info.length + 1, out)
      }
    }
    const okm = take(atOut, length)
    wipe(atInput, digestBytes + info.length + 1)
    wipe(atFirst, atSecond - atFirst + stateBytes)
    wipe(atOut, blocks * digestBytes)
    return okm
  }

  const ed25519Secret = KeyCache.make((seed) => {
    reserve(0)
    sodium._crypto_sign_ed25519_seed_keypair(base + atOut, base + atKey, put(seed, atNonce))
    const pair = { publicKey: take(atOut, 32), secretKey: take(atKey, 64) }
    wipe(atKey, 128)
    return pair
  })

  const mlKemPair = KeyCache.make((seed) => {
    reserve(0)
    sodium._crypto_kem_mlkem768_seed_keypair(base + atOut + expandedKeyBytes, base + atOut, put(seed, atKey))
    const pair = {
      publicKey: take(atOut + expandedKeyBytes, MlKem.publicKeyBytes),
      expanded: take(atOut, expandedKeyBytes)
    }
    wipe(atKey, MlKem.seedBytes)
    wipe(atOut, expandedKeyBytes)
    return pair
  })

  return {
    name: "sodium",
    sha256: (data) => {
      reserve(data.length)
      sodium._crypto_hash_sha256(base + atOut, put(data, atInput), data.length, 0)
      wipe(atInput, data.length)
      const digest = take(atOut, 32)
      settle()
      return digest
    },
    // Its state would lie in memory that grows and moves between calls.
    sha256Start: nobleProvider.sha256Start,
    sha512: (data) => {
      reserve(data.length)
      sodium._crypto_hash_sha512(base + atOut, put(data, atInput), data.length, 0)
      wipe(atInput, data.length)
      const digest = take(atOut, 64)
      settle()
      return digest
    },
    hmacSha256,
    hmacSha256Pair: (key, a, b) => {
      reserve(Math.max(key.length, a.length, b.length))
      startMac(key)
      copyState()
      put(a, atInput)
      finishMac(atFirst, atInput, a.length, atOut)
      put(b, atInput)
      finishMac(atSecond, atInput, b.length, atOut + digestBytes)
      const out = [take(atOut, digestBytes), take(atOut + digestBytes, digestBytes)] as const
      wipe(atInput, Math.max(a.length, b.length))
      wipe(atFirst, atSecond - atFirst + stateBytes)
      wipe(atOut, 2 * digestBytes)
      settle()
      return out
    },
    hkdfSha256: (ikm, salt, info, length) => {
      reserve(Math.max(ikm.length, salt.length, digestBytes + info.length + 1))
      startMac(salt)
      put(ikm, atInput)
      finishMac(atFirst, atInput, ikm.length, atOut)
      wipe(atInput, ikm.length)
      // The pseudorandom key goes from the output area straight into the next HMAC and never leaves the module.
      sodium._crypto_auth_hmacsha256_init(base + atFirst, base + atOut, digestBytes)
      const okm = expand(info, length)
      settle()
      return okm
    },
    hkdfExtract: (ikm, salt) => hmacSha256(salt, ikm),
    hkdfExpand: (prk, info, length) => {
      checkLength(prk, digestBytes)
      reserve(Math.max(prk.length, digestBytes + info.length + 1))
      startMac(prk)
      const okm = expand(info, length)
      settle()
      return okm
    },
    x25519PublicKey: (secretKey) => {
      checkLength(secretKey, 32)
      reserve(0)
      sodium._crypto_scalarmult_curve25519_base(base + atOut, put(secretKey, atKey))
      wipe(atKey, 32)
      return take(atOut, 32)
    },
    x25519: (secretKey, publicKey) => {
      checkLength(secretKey, 32)
      if (publicKey.length !== 32 || X25519.isSmallOrder(publicKey)) return undefined
      reserve(0)
      sodium._crypto_scalarmult_curve25519(base + atOut, put(secretKey, atKey), put(publicKey, atNonce))
      const shared = take(atOut, 32)
      wipe(atKey, 32)
      wipe(atOut, 32)
      return shared
    },
    ed25519PublicKey: (seed) => {
      checkLength(seed, 32)
      return ed25519Secret(seed).publicKey.slice()
    },
    ed25519Sign: (seed, message) => {
      checkLength(seed, 32)
      const { secretKey } = ed25519Secret(seed)
      reserve(message.length)
      sodium._crypto_sign_ed25519_detached(
        base + atOut,
        0,
        put(message, atInput),
        message.length,
        0,
        put(secretKey, atKey)
      )
      wipe(atKey, 64)
      wipe(atInput, message.length)
      const signature = take(atOut, 64)
      settle()
      return signature
    },
    ed25519Verify: (publicKey, message, signature) => {
      if (!Ed25519.admissible(publicKey, signature)) return false
      reserve(message.length)
      const key = put(publicKey, atKey)
      const valid =
        sodium._crypto_sign_ed25519_verify_detached(
          put(signature, atNonce),
          put(message, atInput),
          message.length,
          0,
          key
        ) === 0
      // libsodium checks the equation times the cofactor, which holds whenever ours does. They differ only when a point
      // has a small-order part, which honest software never makes: then the exact equation decides.
      const exact =
        valid &&
        sodium._crypto_core_ed25519_is_valid_point(key) === 1 &&
        sodium._crypto_core_ed25519_is_valid_point(base + atNonce) === 1
      wipe(atInput, message.length)
      settle()
      return exact || (valid && nobleProvider.ed25519Verify(publicKey, message, signature))
    },
    mlKem768KeyPair: (seed) => {
      checkLength(seed, MlKem.seedBytes)
      return { publicKey: mlKemPair(seed).publicKey.slice(), secretKey: new Uint8Array(seed) }
    },
    mlKem768PublicKeyValid: MlKem.isPublicKeyValid,
    mlKem768Encapsulate: (publicKey, coins) => {
      checkLength(coins, MlKem.coinsBytes)
      if (!MlKem.isPublicKeyValid(publicKey)) return undefined
      reserve(MlKem.publicKeyBytes)
      const secret = atOut + MlKem.ciphertextBytes
      sodium._crypto_kem_mlkem768_enc_deterministic(
        base + atOut,
        base + secret,
        put(publicKey, atInput),
        put(coins, atKey)
      )
      const out = {
        ciphertext: take(atOut, MlKem.ciphertextBytes),
        sharedSecret: take(secret, MlKem.sharedSecretBytes)
      }
      wipe(atKey, MlKem.coinsBytes)
      wipe(secret, MlKem.sharedSecretBytes)
      return out
    },
    mlKem768Decapsulate: (secretKey, ciphertext) => {
      checkLength(secretKey, MlKem.seedBytes)
      if (ciphertext.length !== MlKem.ciphertextBytes) return undefined
      const { expanded } = mlKemPair(secretKey)
      reserve(expandedKeyBytes + MlKem.ciphertextBytes)
      sodium._crypto_kem_mlkem768_dec(base + atOut, put(ciphertext, atInput + expandedKeyBytes), put(expanded, atInput))
      const shared = take(atOut, MlKem.sharedSecretBytes)
      wipe(atInput, expandedKeyBytes)
      wipe(atOut, MlKem.sharedSecretBytes)
      return shared
    },
    aesGcmSeal: nobleProvider.aesGcmSeal,
    aesGcmOpen: nobleProvider.aesGcmOpen,
    chachaSeal: (key, nonce, ad, plaintext) => {
      checkLength(key, 32)
      checkLength(nonce, 12)
      const length = plaintext.length + 16
      reserve(ad.length + length)
      const text = atInput + ad.length
      put(ad, atInput)
      put(plaintext, text)
      // In place: the plaintext is overwritten by the ciphertext.
      sodium._crypto_aead_chacha20poly1305_ietf_encrypt(
        base + text,
        0,
        base + text,
        plaintext.length,
        0,
        base + atInput,
        ad.length,
        0,
        0,
        put(nonce, atNonce),
        put(key, atKey)
      )
      const out = take(text, length)
      wipe(atKey, 32)
      settle()
      return out
    },
    chachaOpen: (key, nonce, ad, ciphertext) => {
      checkLength(key, 32)
      checkLength(nonce, 12)
      const length = ciphertext.length - 16
      if (length < 0) return undefined
      reserve(ad.length + ciphertext.length)
      const text = atInput + ad.length
      put(ad, atInput)
      put(ciphertext, text)
      const result = sodium._crypto_aead_chacha20poly1305_ietf_decrypt(
        base + text,
        0,
        0,
        base + text,
        ciphertext.length,
        0,
        base + atInput,
        ad.length,
        0,
        put(nonce, atNonce),
        put(key, atKey)
      )
      const out = result === 0 ? take(text, length) : undefined
      wipe(atKey, 32)
      wipe(text, length)
      settle()
      return out
    },
    aesCbcEncrypt: nobleProvider.aesCbcEncrypt,
    aesCbcDecrypt: nobleProvider.aesCbcDecrypt,
    // libsodium's Argon2id knows one lane only.
    argon2id: nobleProvider.argon2id
  }
}
