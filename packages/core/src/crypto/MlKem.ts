/**
 * Lengths of ML-KEM-768 and the check of encapsulation keys, in one place for every provider.
 *
 * Spec: docs/spec/01-suites.md §1.5.
 * Does no lattice arithmetic.
 */

/** Seed d ‖ z, and the form in which a secret key is stored. */
export const seedBytes = 64
export const coinsBytes = 32
export const publicKeyBytes = 1184
export const ciphertextBytes = 1088
export const sharedSecretBytes = 32

/** The prime modulus of the ring. */
const modulus = 3329
/** Bytes of the encoded vector t̂: 3 polynomials of 256 coefficients of 12 bits. */
const vectorBytes = 1152

/**
 * FIPS 203 §7.2: the length, and the modulus check, i.e. that every 12-bit coefficient of t̂ is below 3,329, which is to
 * say that decoding and encoding again changes nothing.
 */
export const isPublicKeyValid = (publicKey: Uint8Array): boolean => {
  if (publicKey.length !== publicKeyBytes) return false
  let bad = 0
  for (let i = 0; i < vectorBytes; i += 3) {
    const middle = publicKey[i + 1]!
    const low = publicKey[i]! | ((middle & 0x0f) << 8)
    const high = (middle >> 4) | (publicKey[i + 2]! << 4)
    if (low >= modulus || high >= modulus) bad++
  }
  return bad === 0
}
