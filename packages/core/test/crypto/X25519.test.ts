import { describe, expect, it } from "vitest"
import * as X25519 from "../../src/crypto/X25519.ts"
import { hex, providers, random, toHex } from "./helpers.ts"

const prime = 2n ** 255n - 19n
const littleEndian = (value: bigint): Uint8Array => hex(value.toString(16).padStart(64, "0")).reverse()
const base = littleEndian(9n)

/** u of the points of order 8 on the curve; those of order 1, 2 and 4 and on the twist are 0, 1 and p − 1. */
const orderEight = [
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n
]
const smallOrder = [0n, 1n, ...orderEight, prime - 1n, prime, prime + 1n]

describe("X25519", () => {
  it("knows exactly the small-order public keys, whatever the top bit [crypto.x25519.3]", () => {
    for (const u of smallOrder) {
      expect(X25519.isSmallOrder(littleEndian(u))).toBe(true)
      expect(X25519.isSmallOrder(littleEndian(u + 2n ** 255n))).toBe(true)
    }
    for (const u of [2n, 9n, prime - 2n, prime + 2n, orderEight[0]! + 1n, 2n ** 255n - 1n]) {
      expect(X25519.isSmallOrder(littleEndian(u))).toBe(false)
    }
  })
})

describe.each(providers.map((crypto) => [crypto.name, crypto] as const))("X25519: %s", (_, crypto) => {
  it.each([
    [
      "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
      "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
      "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
    ],
    [
      "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
      "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
      "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"
    ]
  ])("multiplies as in RFC 7748 §5.2 [crypto.x25519.1] [crypto.x25519.2]", (secret, publicKey, shared) => {
    expect(toHex(crypto.x25519(hex(secret), hex(publicKey))!)).toBe(shared)
  })

  it("agrees as in RFC 7748 §6.1 [crypto.x25519.1]", () => {
    const alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    const bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    const shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    expect(toHex(crypto.x25519PublicKey(alice))).toBe(
      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    )
    expect(toHex(crypto.x25519PublicKey(bob))).toBe("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    expect(toHex(crypto.x25519(alice, crypto.x25519PublicKey(bob))!)).toBe(shared)
    expect(toHex(crypto.x25519(bob, crypto.x25519PublicKey(alice))!)).toBe(shared)
  })

  it("iterates a thousand times as in RFC 7748 §5.2 [crypto.x25519.1]", () => {
    let k: Uint8Array = base.slice()
    let u: Uint8Array = base.slice()
    for (let i = 1; i <= 1000; i++) {
      const next = crypto.x25519(k, u)!
      u = k
      k = next
      if (i === 1) expect(toHex(k)).toBe("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")
    }
    expect(toHex(k)).toBe("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")
  })

  it("has the multiple of 9 as public key, and two sides agree [crypto.x25519.1]", () => {
    for (let i = 0; i < 5; i++) {
      const [a, b] = [random(i, 32), random(i + 100, 32)]
      const [publicA, publicB] = [crypto.x25519PublicKey(a), crypto.x25519PublicKey(b)]
      expect(crypto.x25519(a, base)).toEqual(publicA)
      expect(crypto.x25519(a, publicB)).toEqual(crypto.x25519(b, publicA))
    }
  })

  it("clamps secrets in use [crypto.x25519.1]", () => {
    const secret = random(5, 32)
    const same = Uint8Array.from(secret)
    same[0]! ^= 7
    same[31]! ^= 0x80
    const other = random(6, 32)
    expect(crypto.x25519(same, other)).toEqual(crypto.x25519(secret, other))
    expect(crypto.x25519PublicKey(same)).toEqual(crypto.x25519PublicKey(secret))
  })

  it("ignores the top bit and reduces what is not below p [crypto.x25519.2]", () => {
    const secret = random(7, 32)
    for (let u = 2n; u < 19n; u++) {
      const canonical = crypto.x25519(secret, littleEndian(u))
      expect(canonical).toBeDefined()
      for (const other of [u + prime, u + 2n ** 255n, u + prime + 2n ** 255n]) {
        expect(crypto.x25519(secret, littleEndian(other))).toEqual(canonical)
      }
    }
  })

  it("refuses every public key that gives zero, for any secret [crypto.x25519.3]", () => {
    for (let i = 0; i < 3; i++) {
      const secret = random(i, 32)
      for (const u of smallOrder) {
        expect(crypto.x25519(secret, littleEndian(u))).toBeUndefined()
        expect(crypto.x25519(secret, littleEndian(u + 2n ** 255n))).toBeUndefined()
      }
    }
  })

  it("refuses a public key of another length and stops at a secret of another length [crypto.x25519.4] [crypto.provider.3]", () => {
    for (const length of [0, 31, 33, 64]) {
      expect(crypto.x25519(random(1, 32), random(2, length))).toBeUndefined()
      expect(() => crypto.x25519(random(1, length), base)).toThrow(TypeError)
      expect(() => crypto.x25519PublicKey(random(1, length))).toThrow(TypeError)
    }
  })
})
