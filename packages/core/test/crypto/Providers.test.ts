/** The providers against each other: same bytes, same refusals, at every size where a provider changes its backend. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Argon2Cost, CryptoProvider } from "../../src/crypto/Provider.ts"
import { providers, random } from "./helpers.ts"

const [reference, ...others] = providers as readonly [CryptoProvider, ...Array<CryptoProvider>]

/** Sizes around blocks, and on either side of every threshold of crypto/Node.ts and of the arena of crypto/Sodium.ts. */
const sizes = [
  0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 255, 256, 257, 767,
  768, 769, 1023, 1024, 1025, 4079, 4080, 4095, 4096, 4097, 16_384, 32_767, 32_768, 32_769, 65_536, 131_072
]

const same = (run: (crypto: CryptoProvider) => unknown): void => {
  const expected = run(reference)
  for (const crypto of others) expect(run(crypto)).toEqual(expected)
}

describe("Providers give the same bytes", () => {
  it.each(sizes)("for hashes, MACs and key derivation of %d bytes [crypto.provider.1]", (size) => {
    const [data, key, other] = [random(size, size), random(1, 32), random(2, size % 90)]
    same((crypto) => [crypto.sha256(data), crypto.sha512(data)])
    same((crypto) => [crypto.hmacSha256(key, data), crypto.hmacSha256(data, key), crypto.hmacSha256(data, data)])
    same((crypto) => [crypto.hmacSha256Pair(key, data, other), crypto.hmacSha256Pair(data, other, key)])
    same((crypto) => [crypto.hkdfExtract(data, other), crypto.hkdfExtract(other, data)])
    same((crypto) => crypto.hkdfSha256(data, other, key, 1 + (size % 200)))
    same((crypto) => crypto.hkdfSha256(key, other, data, 1 + (size % 200)))
    same((crypto) => [crypto.hkdfExpand(key, data, 1 + (size % 8160)), crypto.hkdfExpand(key, other, 32)])
  })

  it.each(sizes)("for AEADs and CBC of %d bytes, opened and refused alike [crypto.provider.1]", (size) => {
    const [data, key, nonce, iv] = [random(size, size), random(1, 32), random(2, 12), random(3, 16)]
    for (const ad of [new Uint8Array(0), random(4, 1 + (size % 140))]) {
      for (const [seal, open] of [
        ["aesGcmSeal", "aesGcmOpen"],
        ["chachaSeal", "chachaOpen"]
      ] as const) {
        const sealed = reference[seal](key, nonce, ad, data)
        same((crypto) => crypto[seal](key, nonce, ad, data))
        expect(others.map((crypto) => crypto[open](key, nonce, ad, sealed))).toEqual(others.map(() => data))
        const damaged = Uint8Array.from(sealed)
        damaged[size >> 1]! ^= 4
        same((crypto) => [
          crypto[open](key, nonce, ad, damaged),
          crypto[open](key, nonce, ad, sealed.subarray(1)),
          crypto[open](key, nonce, ad, data)
        ])
      }
    }
    const encrypted = reference.aesCbcEncrypt(key, iv, data)
    same((crypto) => crypto.aesCbcEncrypt(key, iv, data))
    expect(others.map((crypto) => crypto.aesCbcDecrypt(key, iv, encrypted))).toEqual(others.map(() => data))
    for (let i = 0; i < 4; i++) {
      const damaged = Uint8Array.from(encrypted)
      damaged[damaged.length - 1 - (i % 2) * 16]! ^= 1 << i
      same((crypto) => [
        crypto.aesCbcDecrypt(key, iv, damaged),
        crypto.aesCbcDecrypt(key, iv, encrypted.subarray(i + 1)),
        crypto.aesCbcDecrypt(key, iv, data)
      ])
    }
  })

  it("for signatures over any message [crypto.provider.1] [crypto.ed25519.1]", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 300 }),
        (rawSeed, rawMessage) => {
          const [seed, message] = [Uint8Array.from(rawSeed), Uint8Array.from(rawMessage)]
          const [key, signature] = [reference.ed25519PublicKey(seed), reference.ed25519Sign(seed, message)]
          same((crypto) => [crypto.ed25519PublicKey(seed), crypto.ed25519Sign(seed, message)])
          same((crypto) => [
            crypto.ed25519Verify(key, message, signature),
            crypto.ed25519Verify(seed, message, signature),
            crypto.ed25519Verify(key, seed, signature)
          ])
        }
      ),
      { numRuns: 25 }
    )
  })

  it("for agreements with any public key [crypto.provider.1] [crypto.x25519.2]", () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Uint8Array.from(bytes))
    fc.assert(
      fc.property(
        key,
        fc.oneof(
          key,
          fc.constantFrom(0, 1, 9).map((u) => Uint8Array.of(u, ...new Uint8Array(31)))
        ),
        (secret, other) => {
          same((crypto) => [crypto.x25519PublicKey(secret), crypto.x25519(secret, other), crypto.x25519(secret, other)])
        }
      ),
      { numRuns: 40 }
    )
  })

  it("for Argon2id of every shape of cost [crypto.argon2.1] [crypto.provider.1]", () => {
    for (const [memoryKiB, passes, lanes] of [
      [8, 1, 1],
      [9, 2, 1],
      [33, 1, 4],
      [64, 3, 4],
      [255, 1, 3]
    ] as const) {
      for (const [password, salt, length] of [
        [0, 8, 4],
        [1, 16, 32],
        [200, 33, 65],
        [9, 16, 128]
      ] as const) {
        same((crypto) => crypto.argon2id(random(1, password), random(2, salt), { memoryKiB, passes, lanes }, length))
      }
    }
  })

  it("stop on a cost that no Argon2 has, and on short salts [crypto.argon2.1]", () => {
    const cost = { memoryKiB: 64, passes: 1, lanes: 2 }
    for (const crypto of providers) {
      for (const wrong of [
        { ...cost, memoryKiB: 15 },
        { ...cost, passes: 0 },
        { ...cost, lanes: 0 },
        { ...cost, lanes: 1.5 }
      ])
        expect(() => crypto.argon2id(random(1, 9), random(2, 16), wrong, 32)).toThrow(TypeError)
      expect(() => crypto.argon2id(random(1, 9), random(2, 7), cost, 32)).toThrow(TypeError)
      expect(() => crypto.argon2id(random(1, 9), random(2, 16), cost, 3)).toThrow(TypeError)
    }
  })

  it("for encapsulation and for decapsulation of right and wrong ciphertexts [crypto.provider.1]", () => {
    for (let i = 0; i < 12; i++) {
      const [seed, coins] = [random(i, 64), random(i + 50, 32)]
      const { publicKey } = reference.mlKem768KeyPair(seed)
      const { ciphertext } = reference.mlKem768Encapsulate(publicKey, coins)!
      same((crypto) => [crypto.mlKem768KeyPair(seed), crypto.mlKem768Encapsulate(publicKey, coins)])
      same((crypto) => [
        crypto.mlKem768Decapsulate(seed, ciphertext),
        crypto.mlKem768Decapsulate(seed, random(i, 1088)),
        crypto.mlKem768Encapsulate(random(i, 1184), coins)
      ])
    }
  })
})

describe.each(providers.map((crypto) => [crypto.name, crypto] as const))("Provider %s", (_, crypto) => {
  /** Every member with arguments that succeed, as fresh arrays. */
  const calls = (): ReadonlyArray<readonly [string, ReadonlyArray<Uint8Array | number | Argon2Cost>]> => {
    const [key, nonce, ad, text] = [random(1, 32), random(2, 12), random(3, 20), random(4, 100)]
    const kem = crypto.mlKem768KeyPair(random(5, 64))
    return [
      ["sha256", [text]],
      ["sha512", [text]],
      ["hmacSha256", [key, text]],
      ["hmacSha256Pair", [key, ad, text]],
      ["hkdfSha256", [key, nonce, ad, 100]],
      ["hkdfExtract", [key, nonce]],
      ["hkdfExpand", [key, ad, 100]],
      ["argon2id", [text, key, { memoryKiB: 64, passes: 1, lanes: 2 }, 40]],
      ["x25519PublicKey", [key]],
      ["x25519", [key, random(6, 32)]],
      ["ed25519PublicKey", [key]],
      ["ed25519Sign", [key, text]],
      ["ed25519Verify", [crypto.ed25519PublicKey(key), text, crypto.ed25519Sign(key, text)]],
      ["mlKem768KeyPair", [random(5, 64)]],
      ["mlKem768PublicKeyValid", [kem.publicKey]],
      ["mlKem768Encapsulate", [kem.publicKey, key]],
      ["mlKem768Decapsulate", [random(5, 64), crypto.mlKem768Encapsulate(kem.publicKey, key)!.ciphertext]],
      ["aesGcmSeal", [key, nonce, ad, text]],
      ["aesGcmOpen", [key, nonce, ad, crypto.aesGcmSeal(key, nonce, ad, text)]],
      ["chachaSeal", [key, nonce, ad, text]],
      ["chachaOpen", [key, nonce, ad, crypto.chachaSeal(key, nonce, ad, text)]],
      ["aesCbcEncrypt", [key, random(7, 16), text]],
      ["aesCbcDecrypt", [key, random(7, 16), crypto.aesCbcEncrypt(key, random(7, 16), text)]]
    ]
  }
  const members = crypto as unknown as Readonly<Record<string, (...args: ReadonlyArray<unknown>) => unknown>>

  it("has the members of the reference and no others", () => {
    expect(Object.keys(crypto).sort()).toEqual(["name", "sha256Start", ...calls().map(([member]) => member)].sort())
  })

  it("hashes pieces as the whole, changes none of them and keeps none [crypto.hash.1] [crypto.provider.4]", () => {
    const hash = crypto.sha256Start()
    const piece = random(1, 100)
    const before = piece.slice()
    hash.update(piece)
    expect(piece).toEqual(before)
    piece.fill(0)
    const larger = random(2, 300)
    hash.update(Buffer.from(larger.buffer, larger.byteOffset, 200))
    const digest = hash.digest()
    expect(digest.constructor).toBe(Uint8Array)
    expect(digest).toEqual(crypto.sha256(Uint8Array.from([...before, ...larger.subarray(0, 200)])))
  })

  it("changes no input, and gives plain arrays that share no memory with it [crypto.provider.4]", () => {
    const arraysIn = (value: unknown): ReadonlyArray<Uint8Array> =>
      value instanceof Uint8Array
        ? [value]
        : typeof value === "object" && value !== null
          ? Object.values(value).flatMap(arraysIn)
          : []
    for (const [member, args] of calls()) {
      const before = structuredClone(args)
      const result = members[member]!(...args)
      expect([member, Boolean(result)]).toEqual([member, true])
      expect(args).toEqual(before)
      const answer = structuredClone(result)
      for (const out of arraysIn(result)) {
        expect([member, Object.getPrototypeOf(out) === Uint8Array.prototype]).toEqual([member, true])
        expect([member, out.buffer.byteLength === out.length]).toEqual([member, true])
        expect(args.some((arg) => arg instanceof Uint8Array && arg.buffer === out.buffer)).toBe(false)
        out.fill(0xee)
      }
      expect(members[member]!(...args)).toEqual(answer)
    }
  })

  it("draws no randomness: the same arguments give the same answer [crypto.provider.2]", () => {
    for (const [member, args] of calls())
      expect(members[member]!(...structuredClone(args))).toEqual(members[member]!(...args))
  })

  it("takes Buffers and views into larger memory like plain arrays", () => {
    for (const [member, args] of calls()) {
      const moved = args.map((arg) => {
        if (!(arg instanceof Uint8Array)) return arg
        const memory = new Uint8Array(arg.length + 11).fill(0xaa)
        memory.set(arg, 5)
        return memory.subarray(5, 5 + arg.length)
      })
      expect(members[member]!(...moved)).toEqual(members[member]!(...args))
      expect(members[member]!(...args.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg) : arg)))).toEqual(
        members[member]!(...args)
      )
    }
  })

  it("never lets a wiped or refilled array act as the key it held [crypto.provider.4] [crypto.erase.1]", () => {
    const text = random(1, 9)
    const [first, second] = [random(2, 32), random(3, 32)]
    const use = (key: Uint8Array): unknown => [
      crypto.x25519PublicKey(key),
      crypto.x25519(key, random(4, 32)),
      crypto.x25519(random(4, 32), key),
      crypto.ed25519Sign(key, text),
      crypto.ed25519PublicKey(key)
    ]
    const array = Uint8Array.from(first)
    const one = use(array)
    array.set(second)
    const two = use(array)
    expect(two).not.toEqual(one)
    expect(two).toEqual(use(Uint8Array.from(second)))
    const seed = random(5, 64)
    const { publicKey } = crypto.mlKem768KeyPair(seed)
    const { ciphertext, sharedSecret } = crypto.mlKem768Encapsulate(publicKey, first)!
    expect(crypto.mlKem768Decapsulate(seed, ciphertext)).toEqual(sharedSecret)
    seed.fill(0)
    expect(crypto.mlKem768Decapsulate(seed, ciphertext)).not.toEqual(sharedSecret)
    expect(crypto.mlKem768KeyPair(seed).publicKey).not.toEqual(publicKey)
  })

  it("leaves the program's stack traces as they were, and works where they cannot be changed", () => {
    const { stackTraceLimit } = Error
    const agree = () => crypto.x25519(random(6, 32), crypto.x25519PublicKey(random(7, 32)))
    try {
      Error.stackTraceLimit = 7
      const shared = agree()
      expect(Error.stackTraceLimit).toBe(7)
      Object.defineProperty(Error, "stackTraceLimit", { writable: false })
      expect(agree()).toEqual(shared)
      expect(Error.stackTraceLimit).toBe(7)
    } finally {
      Object.defineProperty(Error, "stackTraceLimit", { writable: true, value: stackTraceLimit })
    }
  })

  it("keeps its answers right while a large input makes it move its memory", () => {
    const big = random(9, 3_000_000)
    const before = crypto.hmacSha256(random(1, 32), random(2, 40))
    const digest = crypto.sha256(big)
    expect(crypto.sha256(big)).toEqual(digest)
    expect(
      crypto.chachaOpen(
        random(1, 32),
        random(2, 12),
        random(3, 9),
        crypto.chachaSeal(random(1, 32), random(2, 12), random(3, 9), big)
      )?.length
    ).toBe(big.length)
    expect(crypto.hmacSha256(random(1, 32), random(2, 40))).toEqual(before)
  })
})
