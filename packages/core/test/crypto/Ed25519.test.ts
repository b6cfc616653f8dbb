import { createHash } from "node:crypto"
import { ed25519 } from "@noble/curves/ed25519.js"
import { describe, expect, it } from "vitest"
import { concat } from "../../src/base/Bytes.ts"
import * as Ed25519 from "../../src/crypto/Ed25519.ts"
import { hex, providers, random, toHex } from "./helpers.ts"

const { Point } = ed25519
const order = Point.Fn.ORDER
const prime = 2n ** 255n - 19n
const fromLe = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`)
const toLe = (value: bigint): Uint8Array => hex(value.toString(16).padStart(64, "0")).reverse()
const challenge = (...parts: ReadonlyArray<Uint8Array>): bigint =>
  fromLe(
    createHash("sha512")
      .update(concat(...parts))
      .digest()
  ) % order

/** A point of order 8 and its multiples: all small-order points. */
const torsion = Point.fromBytes(hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
const smallOrder = Array.from({ length: 8 }, (_, i) => (i === 0 ? Point.ZERO : torsion.multiplyUnsafe(BigInt(i))))

const secret = 0x1234567890abcdefn
const nonce = 0xfedcba987654321n
const publicPoint = Point.BASE.multiply(secret)
const noncePoint = Point.BASE.multiply(nonce)

/** A signature by `secret` and `nonce` whose points are shifted by small-order ones. */
const crafted = (message: Uint8Array, shiftA = Point.ZERO, shiftR = Point.ZERO) => {
  const a = publicPoint.add(shiftA).toBytes()
  const r = noncePoint.add(shiftR).toBytes()
  const k = challenge(r, a, message)
  return { a, k, message, signature: concat(r, toLe((nonce + k * secret) % order)) }
}

describe("Ed25519 strictness", () => {
  it("knows all points of small order, canonical or not [crypto.ed25519.5]", () => {
    expect(new Set(smallOrder.map((point) => toHex(point.toBytes()))).size).toBe(8)
    for (const point of smallOrder) {
      const encoded = point.toBytes()
      expect(point.multiplyUnsafe(8n).is0()).toBe(true)
      expect(Ed25519.isPlainPublicKey(encoded)).toBe(false)
      encoded[31]! ^= 0x80
      expect(Ed25519.isPlainPublicKey(encoded)).toBe(false)
    }
    expect(Ed25519.isPlainPublicKey(publicPoint.toBytes())).toBe(true)
    expect(Ed25519.isPlainPublicKey(Point.BASE.toBytes())).toBe(true)
  })

  it("refuses y from p upward and takes y below it [crypto.ed25519.4]", () => {
    for (let y = prime; y < 2n ** 255n; y++) {
      expect(Ed25519.isPlainPublicKey(toLe(y))).toBe(false)
      expect(Ed25519.isPlainPublicKey(toLe(y + 2n ** 255n))).toBe(false)
    }
    for (const y of [2n, 3n, prime - 2n, prime - 3n]) expect(Ed25519.isPlainPublicKey(toLe(y))).toBe(true)
  })
})

describe.each(providers.map((crypto) => [crypto.name, crypto] as const))("Ed25519: %s", (_, crypto) => {
  it.each([
    [
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ],
    [
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ],
    [
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    ]
  ])(
    "signs and verifies as in RFC 8032 §7.1 [crypto.ed25519.1] [crypto.ed25519.6]",
    (seed, key, message, signature) => {
      expect(toHex(crypto.ed25519PublicKey(hex(seed)))).toBe(key)
      expect(toHex(crypto.ed25519Sign(hex(seed), hex(message)))).toBe(signature)
      expect(crypto.ed25519Verify(hex(key), hex(message), hex(signature))).toBe(true)
    }
  )

  it("refuses any change of key, message or signature [crypto.ed25519.6]", () => {
    const seed = random(1, 32)
    const key = crypto.ed25519PublicKey(seed)
    const message = random(2, 20)
    const signature = crypto.ed25519Sign(seed, message)
    const flip = (bytes: Uint8Array, bit: number): Uint8Array => {
      const out = Uint8Array.from(bytes)
      out[bit >> 3]! ^= 1 << (bit & 7)
      return out
    }
    const step = crypto.name === "noble" ? 37 : 3
    for (let bit = 0; bit < 512; bit += step)
      expect(crypto.ed25519Verify(key, message, flip(signature, bit))).toBe(false)
    for (let bit = 0; bit < 256; bit += step)
      expect(crypto.ed25519Verify(flip(key, bit), message, signature)).toBe(false)
    for (let bit = 0; bit < 160; bit += step)
      expect(crypto.ed25519Verify(key, flip(message, bit), signature)).toBe(false)
    expect(crypto.ed25519Verify(key, message.slice(1), signature)).toBe(false)
  })

  it("refuses keys and signatures of another length [crypto.ed25519.2] [crypto.provider.3]", () => {
    const { a, message, signature } = crafted(random(3, 9))
    expect(crypto.ed25519Verify(a, message, signature)).toBe(true)
    for (const length of [0, 31, 33]) expect(crypto.ed25519Verify(random(4, length), message, signature)).toBe(false)
    expect(crypto.ed25519Verify(concat(a, Uint8Array.of(0)), message, signature)).toBe(false)
    for (const length of [0, 32, 63]) expect(crypto.ed25519Verify(a, message, signature.slice(0, length))).toBe(false)
    expect(crypto.ed25519Verify(a, message, concat(signature, Uint8Array.of(0)))).toBe(false)
  })

  it("refuses S of L and above, also where it is right modulo L [crypto.ed25519.3]", () => {
    const { a, message, signature } = crafted(random(5, 9))
    const s = fromLe(signature.slice(32))
    for (let multiple = 1n; s + multiple * order < 2n ** 256n; multiple++) {
      expect(crypto.ed25519Verify(a, message, concat(signature.slice(0, 32), toLe(s + multiple * order)))).toBe(false)
    }
    expect(crypto.ed25519Verify(a, message, concat(signature.slice(0, 32), toLe(order)))).toBe(false)
  })

  it("refuses every small-order A and R, and the same with another sign bit [crypto.ed25519.5]", () => {
    const message = random(7, 9)
    const zero = new Uint8Array(32)
    const honest = crafted(message)
    for (const point of smallOrder) {
      for (const sign of [0, 0x80]) {
        const encoded = point.toBytes()
        encoded[31]! ^= sign
        // S = 0, R = A: the equation holds for a good part of the messages when nobody checks the order.
        for (let i = 0; i < 4; i++)
          expect(crypto.ed25519Verify(encoded, random(i, 3), concat(encoded, zero))).toBe(false)
        expect(crypto.ed25519Verify(encoded, message, honest.signature)).toBe(false)
        expect(crypto.ed25519Verify(honest.a, message, concat(encoded, honest.signature.slice(32)))).toBe(false)
        // R small: S = k·a makes [S]B − [k]A the neutral point.
        const k = challenge(encoded, honest.a, message)
        expect(crypto.ed25519Verify(honest.a, message, concat(encoded, toLe((k * secret) % order)))).toBe(false)
      }
    }
  })

  it("refuses A and R whose y is not below p [crypto.ed25519.4]", () => {
    const honest = crafted(random(8, 9))
    for (let y = 0n; y < 19n; y++) {
      for (const sign of [0n, 2n ** 255n]) {
        const encoded = toLe(prime + y + sign)
        expect(crypto.ed25519Verify(encoded, honest.message, honest.signature)).toBe(false)
        expect(crypto.ed25519Verify(honest.a, honest.message, concat(encoded, honest.signature.slice(32)))).toBe(false)
        const k = challenge(encoded, honest.a, honest.message)
        expect(crypto.ed25519Verify(honest.a, honest.message, concat(encoded, toLe((k * secret) % order)))).toBe(false)
      }
    }
  })

  it("decides keys with a small-order part by the cofactorless equation [crypto.ed25519.6]", () => {
    const seen = { accepted: 0, refused: 0 }
    for (let i = 0; i < 24; i++) {
      const { a, k, message, signature } = crafted(random(i, 9), torsion)
      // [S]B − [k]A = R − [k]T, which is R exactly when 8 divides k. Times the cofactor it always is.
      const holds = k % 8n === 0n
      seen[holds ? "accepted" : "refused"]++
      expect(crypto.ed25519Verify(a, message, signature)).toBe(holds)
    }
    expect(seen.accepted).toBeGreaterThan(0)
    expect(seen.refused).toBeGreaterThan(0)
  })

  it("refuses R with a small-order part under an honest key [crypto.ed25519.6]", () => {
    for (const shift of smallOrder.slice(1)) {
      const { a, message, signature } = crafted(random(9, 9), Point.ZERO, shift)
      expect(crypto.ed25519Verify(a, message, signature)).toBe(false)
    }
  })

  it("takes shifted A and R together only when the shifts cancel [crypto.ed25519.6]", () => {
    let accepted = 0
    for (let i = 0; i < 64; i++) {
      const { a, k, message, signature } = crafted(random(i, 5), torsion, torsion)
      // R' = R + T must equal R − [k]T: k ≡ −1 modulo 8.
      const holds = k % 8n === 7n
      if (holds) accepted++
      if (holds || i < 8) expect(crypto.ed25519Verify(a, message, signature)).toBe(holds)
    }
    expect(accepted).toBeGreaterThan(0)
  })

  it("refuses A that is on no curve [crypto.ed25519.7]", () => {
    const honest = crafted(random(10, 9))
    let tried = 0
    for (let y = 2n; tried < 8; y++) {
      const encoded = toLe(y)
      let onCurve = true
      try {
        Point.fromBytes(encoded)
      } catch {
        onCurve = false
      }
      if (onCurve) continue
      tried++
      expect(crypto.ed25519Verify(encoded, honest.message, honest.signature)).toBe(false)
      expect(crypto.ed25519Verify(honest.a, honest.message, concat(encoded, honest.signature.slice(32)))).toBe(false)
    }
  })

  it("stops at a seed of another length [crypto.provider.3]", () => {
    for (const length of [0, 31, 33, 64]) {
      expect(() => crypto.ed25519Sign(random(1, length), new Uint8Array(1))).toThrow(TypeError)
      expect(() => crypto.ed25519PublicKey(random(1, length))).toThrow(TypeError)
    }
  })
})
