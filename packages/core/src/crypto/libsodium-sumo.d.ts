/** The WebAssembly module of libsodium, as far as crypto/Sodium.ts calls it. Pointers and lengths are numbers; 64-bit lengths are two numbers, low then high. */
declare module "libsodium-sumo" {
  interface Sodium {
    /** The module's memory. Replaced whenever the memory grows. */
    readonly HEAPU8: Uint8Array<ArrayBuffer>
    readonly _malloc: (bytes: number) => number
    readonly _free: (pointer: number) => void
    readonly _crypto_hash_sha256: (out: number, data: number, lengthLow: number, lengthHigh: number) => number
    readonly _crypto_hash_sha512: (out: number, data: number, lengthLow: number, lengthHigh: number) => number
    readonly _crypto_auth_hmacsha256_statebytes: () => number
    readonly _crypto_auth_hmacsha256_init: (state: number, key: number, keyLength: number) => number
    readonly _crypto_auth_hmacsha256_update: (
      state: number,
      data: number,
      lengthLow: number,
      lengthHigh: number
    ) => number
    readonly _crypto_auth_hmacsha256_final: (state: number, out: number) => number
    readonly _crypto_scalarmult_curve25519: (out: number, scalar: number, point: number) => number
    readonly _crypto_scalarmult_curve25519_base: (out: number, scalar: number) => number
    readonly _crypto_core_ed25519_is_valid_point: (point: number) => number
    readonly _crypto_sign_ed25519_seed_keypair: (publicKey: number, secretKey: number, seed: number) => number
    readonly _crypto_sign_ed25519_detached: (
      signature: number,
      lengthOut: number,
      data: number,
      lengthLow: number,
      lengthHigh: number,
      secretKey: number
    ) => number
    readonly _crypto_sign_ed25519_verify_detached: (
      signature: number,
      data: number,
      lengthLow: number,
      lengthHigh: number,
      publicKey: number
    ) => number
    readonly _crypto_kem_mlkem768_seed_keypair: (publicKey: number, secretKey: number, seed: number) => number
    readonly _crypto_kem_mlkem768_enc_deterministic: (
      ciphertext: number,
      secret: number,
      publicKey: number,
      coins: number
    ) => number
    readonly _crypto_kem_mlkem768_dec: (secret: number, ciphertext: number, secretKey: number) => number
    readonly _crypto_aead_chacha20poly1305_ietf_encrypt: (
      out: number,
      lengthOut: number,
      data: number,
      lengthLow: number,
      lengthHigh: number,
      ad: number,
      adLow: number,
      adHigh: number,
      unused: number,
      nonce: number,
      key: number
    ) => number
    readonly _crypto_aead_chacha20poly1305_ietf_decrypt: (
      out: number,
      lengthOut: number,
      unused: number,
      data: number,
      lengthLow: number,
      lengthHigh: number,
      ad: number,
      adLow: number,
      adHigh: number,
      nonce: number,
      key: number
    ) => number
  }
  const load: () => Promise<Sodium>
  export default load
}
