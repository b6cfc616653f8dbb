import { createCipheriv, createHmac } from "node:crypto"
import { describe, expect, it } from "vitest"
import { be64, concat } from "../../src/base/Bytes.ts"
import * as Suite from "../../src/crypto/Suite.ts"
import { bitFlips } from "../../src/testing/Arbitrary.ts"
import { providers, random } from "./helpers.ts"

const ids: ReadonlyArray<Suite.SuiteId> = [1, 2, 3]

describe("Suites", () => {
  it("have the numbers and lengths of the table [suite.table.1]", () => {
    expect(ids.map((id) => Suite.suites[id])).toEqual([
      { id: 1, name: "ChaCha20-Poly1305", keyLength: 32, nonceLength: 12, tagLength: 16 },
      { id: 2, name: "AES-256-GCM", keyLength: 32, nonceLength: 12, tagLength: 16 },
      { id: 3, name: "AES-256-CBC-HMAC-SHA-256", keyLength: 64, nonceLength: 16, tagLength: 32 }
    ])
    expect([0, 1, 2, 3, 4, 1.5, Number.NaN].map(Suite.isSuiteId)).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
      false
    ])
  })

  const cases = providers.flatMap((crypto) => ids.map((id) => [crypto.name, id, crypto] as const))
  describe.each(cases)("%s, suite %d", (_, id, crypto) => {
    const { keyLength, nonceLength, tagLength } = Suite.suites[id]
    const [key, nonce] = [random(id, keyLength), random(id + 9, nonceLength)]

    it("opens what it sealed, at every length around a block [suite.aead.1]", () => {
      for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 200, 4096, 70_000]) {
        for (const adLength of [0, 1, 16, 100]) {
          const [plaintext, ad] = [random(length, length), random(adLength, adLength)]
          const sealed = Suite.seal(crypto, id, key, nonce, ad, plaintext)
          expect(sealed.length).toBe(Suite.sealedLength(id, length))
          expect(Suite.open(crypto, id, key, nonce, ad, sealed)).toEqual(plaintext)
        }
      }
    })

    it("opens nothing after any change of one bit anywhere [suite.aead.2]", () => {
      const [plaintext, ad] = [random(1, 20), random(2, 10)]
      const sealed = Suite.seal(crypto, id, key, nonce, ad, plaintext)
      for (const changed of bitFlips(sealed)) expect(Suite.open(crypto, id, key, nonce, ad, changed)).toBeUndefined()
      for (const changed of bitFlips(ad)) expect(Suite.open(crypto, id, key, nonce, changed, sealed)).toBeUndefined()
      for (const changed of bitFlips(nonce)) expect(Suite.open(crypto, id, key, changed, ad, sealed)).toBeUndefined()
      let step = 0
      for (const changed of bitFlips(key)) {
        if (step++ % 16 === 0) expect(Suite.open(crypto, id, changed, nonce, ad, sealed)).toBeUndefined()
      }
    })

    it("opens nothing that was cut or lengthened [suite.aead.2]", () => {
      const sealed = Suite.seal(crypto, id, key, nonce, random(2, 10), random(1, 40))
      for (let length = 0; length < sealed.length; length++) {
        expect(Suite.open(crypto, id, key, nonce, random(2, 10), sealed.slice(0, length))).toBeUndefined()
      }
      expect(Suite.open(crypto, id, key, nonce, random(2, 10), concat(sealed, new Uint8Array(16)))).toBeUndefined()
      expect(Suite.open(crypto, id, key, nonce, random(2, 11), sealed)).toBeUndefined()
    })

    it("gives the same for the same key and nonce, which is why they serve once [suite.aead.3]", () => {
      const seal = (text: Uint8Array, n: Uint8Array): Uint8Array =>
        Suite.seal(crypto, id, key, n, new Uint8Array(0), text)
      expect(seal(random(1, 40), nonce)).toEqual(seal(random(1, 40), nonce))
      expect(seal(random(1, 40), random(77, nonceLength))).not.toEqual(seal(random(1, 40), nonce))
    })

    it("stops at a key or nonce that is not the suite's [crypto.provider.3]", () => {
      const text = random(1, 40)
      for (const wrong of [0, keyLength - 1, keyLength + 1]) {
        expect(() => Suite.seal(crypto, id, random(1, wrong), nonce, text, text)).toThrow(TypeError)
        expect(() => Suite.open(crypto, id, random(1, wrong), nonce, text, text)).toThrow(TypeError)
      }
      for (const wrong of [0, nonceLength - 1, nonceLength + 1]) {
        expect(() => Suite.seal(crypto, id, key, random(1, wrong), text, text)).toThrow(TypeError)
        expect(() => Suite.open(crypto, id, key, random(1, wrong), text, text)).toThrow(TypeError)
      }
      expect(tagLength).toBeGreaterThanOrEqual(16)
    })
  })

  it("bind the suite into whatever is derived, because each has another form [suite.choice.1]", () => {
    const [crypto] = providers
    const key = random(1, 64)
    const sealed = Suite.seal(crypto!, 1, key.subarray(0, 32), random(2, 12), new Uint8Array(0), random(3, 40))
    expect(Suite.open(crypto!, 2, key.subarray(0, 32), random(2, 12), new Uint8Array(0), sealed)).toBeUndefined()
  })
})

describe.each(providers.map((crypto) => [crypto.name, crypto] as const))("Suite 3: %s", (_, crypto) => {
  const [key, iv, ad] = [random(1, 64), random(2, 16), random(3, 21)]

  /** Suite 3 written down once more, with the platform's primitives. */
  const expected = (plaintext: Uint8Array): Uint8Array => {
    const cipher = createCipheriv("aes-256-cbc", key.subarray(0, 32), iv)
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
    const tag = createHmac("sha256", key.subarray(32))
      .update(ad)
      .update(iv)
      .update(ciphertext)
      .update(be64(ad.length * 8))
      .digest()
    return new Uint8Array(Buffer.concat([ciphertext, tag]))
  }

  it("is CBC, then the whole HMAC of associated data, IV, ciphertext and length [suite.cbc.1] [suite.cbc.2]", () => {
    for (const length of [0, 1, 15, 16, 17, 64, 1000]) {
      expect(Suite.seal(crypto, 3, key, iv, ad, random(length, length))).toEqual(expected(random(length, length)))
    }
  })

  it("keeps associated data and IV apart by the length in the tag [suite.cbc.2]", () => {
    const moved = concat(ad, iv)
    const sealed = Suite.seal(crypto, 3, key, iv, ad, random(4, 20))
    // The same bytes under the tag, cut elsewhere: `ad ‖ IV` as associated data, the first block as IV.
    expect(Suite.open(crypto, 3, key, sealed.slice(0, 16), moved, sealed.slice(16))).toBeUndefined()
  })

  it("does not decrypt before the tag is right [suite.cbc.3]", () => {
    let decrypted = 0
    const watched = {
      ...crypto,
      aesCbcDecrypt: (k: Uint8Array, n: Uint8Array, c: Uint8Array) => {
        decrypted++
        return crypto.aesCbcDecrypt(k, n, c)
      }
    }
    const sealed = Suite.seal(crypto, 3, key, iv, ad, random(5, 20))
    for (const changed of bitFlips(sealed)) expect(Suite.open(watched, 3, key, iv, ad, changed)).toBeUndefined()
    expect(decrypted).toBe(0)
    expect(Suite.open(watched, 3, key, iv, ad, sealed)).toEqual(random(5, 20))
    expect(decrypted).toBe(1)
  })

  it("refuses wrong padding under a right tag [suite.cbc.1]", () => {
    for (const last of [0, 17, 255]) {
      const block = new Uint8Array(16).fill(1)
      block[15] = last
      const cipher = createCipheriv("aes-256-cbc", key.subarray(0, 32), iv).setAutoPadding(false)
      const ciphertext = new Uint8Array(cipher.update(block))
      const tag = crypto.hmacSha256(key.subarray(32), concat(ad, iv, ciphertext, be64(ad.length * 8)))
      expect(Suite.open(crypto, 3, key, iv, ad, concat(ciphertext, tag))).toBeUndefined()
    }
    const empty = crypto.hmacSha256(key.subarray(32), concat(ad, iv, be64(ad.length * 8)))
    expect(Suite.open(crypto, 3, key, iv, ad, empty)).toBeUndefined()
  })
})
