/**
 * The crypto provider: a plain record of synchronous functions over byte strings.
 *
 * Spec: docs/spec/01-suites.md.
 * All providers give the same bytes for the same input and refuse the same inputs. Which one runs is the application's
 * choice, never the peer's. A provider draws no randomness: secrets, coins and nonces arrive as arguments.
 *
 * Lengths. Where a function returns `T | undefined`, `undefined` answers everything a peer can cause, wrong lengths of
 * peer-supplied arguments included. A wrong length of an argument that only our own code supplies (secret keys, AEAD
 * keys and nonces) is a defect.
 *
 * Arrays. Inputs are never changed and never kept as views; outputs are new arrays that own their memory and that the
 * caller may wipe. A provider may remember an imported key for as long as the very array that held it is alive.
 */

/** A ML-KEM-768 key pair. Spec: §1.5. */
export interface MlKemKeyPair {
  /** Encapsulation key, 1,184 bytes. */
  readonly publicKey: Uint8Array
  /** Decapsulation key in its seed form d ‖ z, 64 bytes: what records store and {@link CryptoProvider.mlKem768Decapsulate} takes. */
  readonly secretKey: Uint8Array
}

/** Result of an encapsulation. Spec: §1.5. */
export interface Encapsulation {
  /** 1,088 bytes. */
  readonly ciphertext: Uint8Array
  /** 32 bytes. */
  readonly sharedSecret: Uint8Array
}

/** Cost of Argon2id: memory in KiB (at least 8 for each lane), passes over it, lanes. Spec: §1.2. */
export interface Argon2Cost {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/** A SHA-256 over bytes that come in pieces. After `digest` it is used up. */
export interface Sha256 {
  readonly update: (data: Uint8Array) => void
  /** 32 bytes. */
  readonly digest: () => Uint8Array
}

/** See the head of this file for the rules that hold for every member. */
export interface CryptoProvider {
  /** Short name for reports, e.g. `noble`. */
  readonly name: string

  /** SHA-256 (FIPS 180-4): 32 bytes. */
  readonly sha256: (data: Uint8Array) => Uint8Array
  /** A SHA-256 of what is given piece by piece. */
  readonly sha256Start: () => Sha256
  /** SHA-512 (FIPS 180-4): 64 bytes. */
  readonly sha512: (data: Uint8Array) => Uint8Array

  /** HMAC-SHA-256 (RFC 2104): 32 bytes. Any key length. */
  readonly hmacSha256: (key: Uint8Array, data: Uint8Array) => Uint8Array
  /** `[hmacSha256(key, a), hmacSha256(key, b)]` with one key schedule: a chain step. */
  readonly hmacSha256Pair: (key: Uint8Array, a: Uint8Array, b: Uint8Array) => readonly [Uint8Array, Uint8Array]

  /** HKDF-SHA-256 (RFC 5869), extract then expand. `length` is 1…8,160 bytes. An empty salt means 32 zero bytes. */
  readonly hkdfSha256: (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number) => Uint8Array
  /** HKDF-Extract: the 32-byte pseudorandom key. */
  readonly hkdfExtract: (ikm: Uint8Array, salt: Uint8Array) => Uint8Array
  /** HKDF-Expand of a 32-byte pseudorandom key to `length` (1…8,160) bytes. */
  readonly hkdfExpand: (prk: Uint8Array, info: Uint8Array, length: number) => Uint8Array

  /**
   * Argon2id, version 0x13 (RFC 9106), without secret and associated data: `length` bytes out of a password and a salt of 8 bytes or
   * more. Takes as long as its cost says, in which nothing else runs; the caller bounds the cost. A cost no Argon2 has is a defect.
   */
  readonly argon2id: (password: Uint8Array, salt: Uint8Array, cost: Argon2Cost, length: number) => Uint8Array

  /** X25519 public key (32 bytes) of a 32-byte secret, which is clamped as in RFC 7748. */
  readonly x25519PublicKey: (secretKey: Uint8Array) => Uint8Array
  /**
   * X25519 (RFC 7748): 32 bytes, or `undefined` when the public key is not 32 bytes or the output is all zero, which is
   * so for exactly the small-order public keys. Other non-canonical public keys are reduced, as the RFC asks.
   */
  readonly x25519: (secretKey: Uint8Array, publicKey: Uint8Array) => Uint8Array | undefined

  /** Ed25519 public key (32 bytes) of a 32-byte seed. */
  readonly ed25519PublicKey: (seed: Uint8Array) => Uint8Array
  /** Ed25519 signature (64 bytes), deterministic as in RFC 8032. */
  readonly ed25519Sign: (seed: Uint8Array, message: Uint8Array) => Uint8Array
  /**
   * Strict Ed25519: wrong lengths, S ≥ L, non-canonical A or R and small-order A or R are `false`; then the cofactorless
   * equation `R = [S]B − [k]A`, compared as encodings. Spec: §1.4.
   */
  readonly ed25519Verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

  /** ML-KEM-768 key pair of a 64-byte seed d ‖ z (FIPS 203, ML-KEM.KeyGen_internal). */
  readonly mlKem768KeyPair: (seed: Uint8Array) => MlKemKeyPair
  /** Whether an encapsulation key has 1,184 bytes and passes the modulus check of FIPS 203 §7.2. */
  readonly mlKem768PublicKeyValid: (publicKey: Uint8Array) => boolean
  /**
   * ML-KEM.Encaps_internal with the 32 bytes `coins` as m. `undefined` when the public key fails
   * {@link CryptoProvider.mlKem768PublicKeyValid}.
   */
  readonly mlKem768Encapsulate: (publicKey: Uint8Array, coins: Uint8Array) => Encapsulation | undefined
  /**
   * ML-KEM.Decaps with the secret key as its 64-byte seed. `undefined` only when the ciphertext is not 1,088 bytes; any other wrong
   * ciphertext gives a secret that agrees with nobody (implicit rejection).
   */
  readonly mlKem768Decapsulate: (secretKey: Uint8Array, ciphertext: Uint8Array) => Uint8Array | undefined

  /** AES-256-GCM (NIST SP 800-38D): ciphertext ‖ 16-byte tag. Key 32, nonce 12. */
  readonly aesGcmSeal: (key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array) => Uint8Array
  /** The plaintext, or `undefined` when it does not authenticate. */
  readonly aesGcmOpen: (
    key: Uint8Array,
    nonce: Uint8Array,
    ad: Uint8Array,
    ciphertext: Uint8Array
  ) => Uint8Array | undefined
  /** ChaCha20-Poly1305 (RFC 8439): ciphertext ‖ 16-byte tag. Key 32, nonce 12. */
  readonly chachaSeal: (key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array) => Uint8Array
  /** The plaintext, or `undefined` when it does not authenticate. */
  readonly chachaOpen: (
    key: Uint8Array,
    nonce: Uint8Array,
    ad: Uint8Array,
    ciphertext: Uint8Array
  ) => Uint8Array | undefined
  /** AES-256-CBC with PKCS#7 padding. Key 32, IV 16. Unauthenticated: only suite 3 calls it. */
  readonly aesCbcEncrypt: (key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array) => Uint8Array
  /** The plaintext, or `undefined` for a wrong length or wrong padding. Call only after the MAC was checked. */
  readonly aesCbcDecrypt: (key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array) => Uint8Array | undefined
}
