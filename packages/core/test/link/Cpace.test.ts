import { _map_to_curve_elligator2_curve25519 } from "@noble/curves/ed25519.js"
import { Bytes, Cpace, Elligator2 } from "@tacit/core/hazmat"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { providers } from "../crypto/helpers.ts"

const hex = (text: string): Uint8Array => Bytes.fromHex(text.replace(/\s/g, ""))!
const ascii = (text: string): Uint8Array => Bytes.utf8Encode(text)

/** The test vector of draft-irtf-cfrg-cpace-21 for X25519 and SHA-512. */
const draft = {
  prs: ascii("Password"),
  channel: {
    ci: hex("0b415f696e69746961746f720b425f726573706f6e646572"),
    sid: hex("7e4b4791d6a8ef019b936c79fb7f2c57")
  },
  string: hex(`0843506163653235350850617373776f72646d ${"00".repeat(109)}
    180b415f696e69746961746f720b425f726573706f6e646572107e4b4791d6a8ef019b936c79fb7f2c57`),
  field: hex("03998087bdb1a2617bbe25ef5a7c18cd4f84f902328701790958755ee4aed153"),
  generator: hex("d04bf6d41f6a289632a2e929fa29bebd51092512a7829fdde7d314b62f05a73f"),
  ya: hex("21b4f4bd9e64ed355c3eb676a28ebedaf6d8f17bdc365995b319097153044080"),
  a: hex("1d13c89278cdadd826f6d8d7f887701430f8380ddc17611cdd6dc989ce0c9f32"),
  yb: hex("848b0779ff415f0af4ea14df9dd1d3c29ac41d836c7808896c4eba19c51ac40a"),
  b: hex("248cccf6d5cdc3646f0ad593f9e6cef4e69d4945f8372e623512ecea32185623"),
  isk: hex(`6e19b875f7a561d6b3ca3dbb9ef42ac55de3e717881018204b8922b4d5e53bb2
    aa82c300bea7b65d2b671da71922ddf6472301b79bc270adfa8bf413285f2263`)
}
const [initiator, responder] = [
  { share: draft.a, ad: ascii("ADa") },
  { share: draft.b, ad: ascii("ADb") }
]

/** Low-order points and near misses of the draft, with what X25519 of its scalar gives. */
const scalar = hex("af46e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449aff")
const low = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
]
const near: ReadonlyArray<readonly [string, string]> = [
  [
    "daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "d8e2c776bbacd510d09fd9278b7edcd25fc5ae9adfba3b6e040e8d3b71b21806"
  ],
  [
    "dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "c85c655ebe8be44ba9c0ffde69f2fe10194458d137f09bbff725ce58803cdb38"
  ],
  [
    "d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "db64dafa9b8fdd136914e61461935fe92aa372cb056314e1231bc4ec12417456"
  ],
  [
    "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
    "e062dcd5376d58297be2618c7498f55baa07d7e03184e8aada20bca28888bf7a"
  ],
  [
    "4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
    "993c6ad11c4c29da9a56f7691fd0ff8d732e49de6250b6c2e80003ff4629a175"
  ]
]

describe.each(providers.map((provider) => [provider.name, provider] as const))("Cpace with %s", (_, crypto) => {
  it("gives every value of the draft's test vector [link.pin.2]", () => {
    expect(Cpace.generatorString(draft.prs, draft.channel)).toEqual(draft.string)
    const hash = crypto.sha512(draft.string).slice(0, 32)
    expect(hash[31]! & 0x7f).toBe(draft.field[31])
    expect(hash.slice(0, 31)).toEqual(draft.field.slice(0, 31))
    expect(Elligator2.map(hash)).toEqual(draft.generator)
    expect(Cpace.generator(crypto, draft.prs, draft.channel)).toEqual(draft.generator)
    expect(Cpace.share(crypto, draft.ya, draft.generator)).toEqual(draft.a)
    expect(Cpace.share(crypto, draft.yb, draft.generator)).toEqual(draft.b)
    const isk = (role: "initiator" | "responder", secret: Uint8Array) =>
      Cpace.sessionKey(crypto, role, secret, draft.channel, initiator, responder)
    expect(isk("initiator", draft.ya)).toEqual(draft.isk)
    expect(isk("responder", draft.yb)).toEqual(draft.isk)
  })

  it("refuses the draft's low-order points and takes its near misses [link.pin.4]", () => {
    for (const point of low) {
      expect(Cpace.share(crypto, scalar, hex(point))).toBeUndefined()
      const message = { share: hex(point), ad: Bytes.empty }
      expect(Cpace.sessionKey(crypto, "initiator", draft.ya, draft.channel, initiator, message)).toBeUndefined()
      expect(Cpace.sessionKey(crypto, "responder", draft.yb, draft.channel, message, responder)).toBeUndefined()
    }
    for (const [point, product] of near) expect(crypto.x25519(scalar, hex(point))).toEqual(hex(product))
  })

  it("binds PIN, ends, session, both messages and the direction of the key confirmation [link.pin.2] [link.pin.3]", () => {
    const others = [
      { ...draft.channel, ci: hex("00") },
      { ...draft.channel, sid: hex("00") }
    ]
    for (const channel of others) expect(Cpace.generator(crypto, draft.prs, channel)).not.toEqual(draft.generator)
    expect(Cpace.generator(crypto, ascii("password"), draft.channel)).not.toEqual(draft.generator)
    const other = Cpace.sessionKey(
      crypto,
      "initiator",
      draft.ya,
      draft.channel,
      { ...initiator, ad: ascii("other") },
      responder
    )
    expect(other).not.toEqual(draft.isk)
    const tags = [initiator, responder].map((message) =>
      Cpace.confirmation(crypto, draft.isk, draft.channel.sid, message)
    )
    expect(tags[0]).not.toEqual(tags[1])
    const key = crypto.sha512(Bytes.concat(ascii("CPaceMac"), draft.channel.sid, draft.isk))
    expect(tags[1]).toEqual(crypto.hmacSha256(key, Bytes.concat(hex("20"), draft.b, hex("03414462"))))
  })
})

describe("Cpace", () => {
  it("puts lengths in front as LEB128 [link.pin.2]", () => {
    expect(Cpace.lengthValue(ascii("1234"), ascii("5"), Bytes.empty, ascii("678"))).toEqual(
      hex("043132333401350003363738")
    )
    expect(Cpace.lengthValue(new Uint8Array(127))[0]).toBe(127)
    expect(Cpace.lengthValue(new Uint8Array(128)).slice(0, 2)).toEqual(hex("8001"))
    expect(Cpace.lengthValue(new Uint8Array(300)).slice(0, 3)).toEqual(hex("ac0200"))
  })
})

const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
const prime = 2n ** 255n - 19n

describe("Elligator2", () => {
  it("agrees with another implementation for any field element [link.pin.2]", () => {
    const other = (value: bigint): Uint8Array => {
      const { xMd, xMn } = _map_to_curve_elligator2_curve25519(value)
      let inverse = 1n
      for (let i = 254; i >= 0; i--) {
        inverse = (inverse * inverse) % prime
        if (((prime - 2n) >> BigInt(i)) & 1n) inverse = (inverse * xMd) % prime
      }
      return littleEndian((((xMn * inverse) % prime) + prime) % prime)
    }
    for (const value of [0n, 1n, 2n, prime - 1n, prime - 2n, 486662n, prime / 2n])
      expect(Elligator2.map(littleEndian(value))).toEqual(other(value))
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: prime - 1n }), (value) => {
        expect(Elligator2.map(littleEndian(value))).toEqual(other(value))
        // The map forgets the sign.
        expect(Elligator2.map(littleEndian((prime - value) % prime))).toEqual(other(value))
      }),
      { numRuns: 60 }
    )
  })

  it("ignores the top bit and reduces, as RFC 7748 decodes a coordinate [link.pin.2]", () => {
    for (const value of [0n, 5n, 18n]) {
      const plain = Elligator2.map(littleEndian(value))
      expect(Elligator2.map(littleEndian(value + prime))).toEqual(plain)
      expect(Elligator2.map(littleEndian(value + 2n ** 255n))).toEqual(plain)
    }
  })
})
