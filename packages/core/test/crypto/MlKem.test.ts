import { describe, expect, it } from "vitest"
import * as MlKem from "../../src/crypto/MlKem.ts"
import { providers, random } from "./helpers.ts"

/** Sets coefficient `index` (of 768) of an encapsulation key to a 12-bit value. */
const withCoefficient = (publicKey: Uint8Array, index: number, value: number): Uint8Array => {
  const out = Uint8Array.from(publicKey)
  const at = (index >> 1) * 3
  if (index % 2 === 0) {
    out[at] = value & 0xff
    out[at + 1] = (out[at + 1]! & 0xf0) | (value >> 8)
  } else {
    out[at + 1] = (out[at + 1]! & 0x0f) | ((value & 0x0f) << 4)
    out[at + 2] = value >> 4
  }
  return out
}

describe.each(providers.map((crypto) => [crypto.name, crypto] as const))("ML-KEM-768: %s", (_, crypto) => {
  const seed = random(1, 64)
  const { publicKey, secretKey } = crypto.mlKem768KeyPair(seed)
  const { ciphertext, sharedSecret } = crypto.mlKem768Encapsulate(publicKey, random(2, 32))!

  it("keeps the secret key as its seed, in memory of its own [crypto.mlkem.1] [crypto.provider.4]", () => {
    expect(secretKey).toEqual(seed)
    expect(secretKey).not.toBe(seed)
    expect(publicKey.length).toBe(1184)
    const again = crypto.mlKem768KeyPair(seed)
    again.publicKey.fill(0)
    expect(crypto.mlKem768KeyPair(seed).publicKey).toEqual(publicKey)
  })

  it("gives the same for the same coins and another for others [crypto.mlkem.2]", () => {
    expect(ciphertext.length).toBe(1088)
    expect(sharedSecret.length).toBe(32)
    expect(crypto.mlKem768Encapsulate(publicKey, random(2, 32))).toEqual({ ciphertext, sharedSecret })
    const other = crypto.mlKem768Encapsulate(publicKey, random(3, 32))!
    expect(other.ciphertext).not.toEqual(ciphertext)
    expect(other.sharedSecret).not.toEqual(sharedSecret)
    expect(crypto.mlKem768Decapsulate(secretKey, ciphertext)).toEqual(sharedSecret)
  })

  it("refuses encapsulation keys with a coefficient of 3,329 or more, wherever it stands [crypto.mlkem.3]", () => {
    for (const index of [0, 1, 2, 255, 256, 511, 766, 767]) {
      for (const value of [3329, 3330, 4095]) {
        const bad = withCoefficient(publicKey, index, value)
        expect(crypto.mlKem768PublicKeyValid(bad)).toBe(false)
        expect(crypto.mlKem768Encapsulate(bad, random(2, 32))).toBeUndefined()
      }
      expect(crypto.mlKem768PublicKeyValid(withCoefficient(publicKey, index, 3328))).toBe(true)
    }
    expect(crypto.mlKem768PublicKeyValid(publicKey)).toBe(true)
  })

  it("refuses encapsulation keys of another length [crypto.mlkem.3]", () => {
    for (const length of [0, 1183, 1185, 800, 1568]) {
      expect(crypto.mlKem768PublicKeyValid(new Uint8Array(length))).toBe(false)
      expect(crypto.mlKem768Encapsulate(new Uint8Array(length), random(2, 32))).toBeUndefined()
    }
  })

  it("refuses ciphertexts of another length and answers all others with some secret [crypto.mlkem.4]", () => {
    for (const length of [0, 1087, 1089])
      expect(crypto.mlKem768Decapsulate(secretKey, new Uint8Array(length))).toBeUndefined()
    const damaged = Uint8Array.from(ciphertext)
    damaged[1087]! ^= 1
    const secret = crypto.mlKem768Decapsulate(secretKey, damaged)!
    expect(secret.length).toBe(32)
    expect(secret).not.toEqual(sharedSecret)
    expect(crypto.mlKem768Decapsulate(secretKey, damaged)).toEqual(secret)
    // The answer depends on z, the second half of the seed, and so on the key.
    const otherZ = Uint8Array.from(seed)
    otherZ[63]! ^= 1
    expect(crypto.mlKem768Decapsulate(otherZ, damaged)).not.toEqual(secret)
    expect(crypto.mlKem768Decapsulate(otherZ, ciphertext)).toEqual(sharedSecret)
  })

  it("stops at a seed or coins of another length [crypto.provider.3]", () => {
    expect(MlKem.seedBytes).toBe(64)
    for (const length of [0, 32, 63, 65, 2400]) {
      expect(() => crypto.mlKem768KeyPair(new Uint8Array(length))).toThrow(TypeError)
      expect(() => crypto.mlKem768Decapsulate(new Uint8Array(length), ciphertext)).toThrow(TypeError)
    }
    for (const length of [0, 31, 33])
      expect(() => crypto.mlKem768Encapsulate(publicKey, new Uint8Array(length))).toThrow(TypeError)
  })
})
