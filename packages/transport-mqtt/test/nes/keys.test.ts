/**
 * Key files, the cache of keys, keys had offline, and names.
 */
import { createPublicKey, generateKeyPairSync } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { cached, firstOf, fromFiles, KeyError, type KeySource } from "../../src/nes/KeySource.ts"
import { generate, parsePair, parsePrivate, parsePublic, privatePem, publicPem } from "../../src/nes/Keys.ts"
import { isUsername, lower, topicOf } from "../../src/nes/Username.ts"
import { notice, weaknesses } from "../../src/nes/Weakness.ts"
import { folder, pem, publicKey } from "./Vectors.ts"

const reason = (result: Result.Result<unknown, { readonly reason: string }>) =>
  Result.isFailure(result) ? result.failure.reason : "none"

describe("names", () => {
  it("are 3 to 32 of a few characters, typed in any case [nes.name.1] [nes.topic.1]", () => {
    for (const name of ["abc", "a_b-c", "0".repeat(32)]) expect(isUsername(name)).toBe(true)
    for (const name of ["", "ab", "0".repeat(33), "Abc", "a b", "a/b", "a+b", "#", "äöü", "abc\n"]) {
      expect(isUsername(name)).toBe(false)
    }
    expect(lower("AlIcE")).toBe("alice")
    expect(topicOf("alice")).toBe("nes/alice/message")
  })
})

describe("key files", () => {
  it("of the independent program are read and written back byte for byte [nes.keys.2]", () => {
    for (const name of ["alice-rsa-message", "alice-rsa-sign", "dave-rsa-message"]) {
      const key = Result.getOrThrow(parsePrivate(pem(name)))
      expect(privatePem(key)).toBe(pem(name))
      expect(publicPem(key)).toBe(pem(`${name}.pub`))
      expect(publicPem(Result.getOrThrow(parsePublic(pem(`${name}.pub`))))).toBe(pem(`${name}.pub`))
    }
  })

  it("of another kind are refused [nes.keys.2] [nes.keys.4]", () => {
    const ed = generateKeyPairSync("ed25519")
    expect(reason(parsePublic(ed.publicKey.export({ type: "spki", format: "pem" }).toString()))).toBe("kind")
    expect(reason(parsePublic(pem("alice-rsa-sign")))).toBe("pem")
    expect(reason(parsePrivate(pem("alice-rsa-sign.pub")))).toBe("pem")
    expect(reason(parsePublic("none"))).toBe("pem")
    expect(reason(parsePublic(pem("alice-rsa-sign.pub") + " ".repeat(20_000)))).toBe("pem")
    const small = generateKeyPairSync("rsa", { modulusLength: 768 })
    expect(reason(parsePublic(small.publicKey.export({ type: "spki", format: "pem" }).toString()))).toBe("size")
  })

  it("with an exponent that makes checks dear are refused [nes.keys.4]", () => {
    // The exponent stands last in the DER of a public key: 02 03 01 00 01 becomes one of as many bytes as asked.
    const withExponent = (exponent: Buffer) => {
      const jwk = publicKey("alice-rsa-sign").export({ format: "jwk" })
      return publicPem(
        createPublicKey({
          key: { ...jwk, e: exponent.toString("base64url") },
          format: "jwk"
        })
      )
    }
    expect(reason(parsePublic(withExponent(Buffer.from([3]))))).toBe("none")
    expect(reason(parsePublic(withExponent(Buffer.from([1]))))).toBe("exponent")
    expect(reason(parsePublic(withExponent(Buffer.from([4]))))).toBe("exponent")
    expect(reason(parsePublic(withExponent(Buffer.from([1, 0, 0, 0, 1]))))).toBe("exponent")
  })

  it("for both uses differ, whatever their text looks like [nes.keys.1]", () => {
    const text = pem("alice-rsa-sign.pub")
    expect(reason(parsePair(pem("alice-rsa-message.pub"), text))).toBe("none")
    expect(reason(parsePair(text, text))).toBe("same")
    expect(reason(parsePair(text, `${text}\n`))).toBe("same")
  })

  it("are generated with the exponent 65537 [nes.keys.3]", async () => {
    const key = await generate(2048)
    expect(key.asymmetricKeyDetails).toEqual({ modulusLength: 2048, publicExponent: 65_537n })
  })
})

describe("the cache", () => {
  const alice = { message: publicKey("alice-rsa-message"), sign: publicKey("alice-rsa-sign") }
  const counting = (fails: () => boolean) => {
    const asked: Array<string> = []
    const source: KeySource = {
      keysOf: async (username) => {
        asked.push(username)
        if (fails()) throw new KeyError({ reason: "unreachable" })
        return alice
      }
    }
    return { asked, source }
  }

  it("asks once for each user, also when asked at the same time [nes.cache.1]", async () => {
    const { asked, source } = counting(() => false)
    const keys = cached(source)
    await Promise.all([keys.keysOf("alice"), keys.keysOf("alice")])
    for (let i = 0; i < 20; i++) expect(await keys.keysOf("alice")).toBe(alice)
    await keys.keysOf("bob")
    expect(asked).toEqual(["alice", "bob"])
  })

  it("remembers a failure for half a minute [nes.cache.1]", async () => {
    let now = 0
    let failing = true
    const { asked, source } = counting(() => failing)
    const keys = cached(source, { now: () => now })
    await expect(keys.keysOf("alice")).rejects.toMatchObject({ reason: "unreachable" })
    now = 29_999
    failing = false
    await expect(keys.keysOf("alice")).rejects.toMatchObject({ reason: "unreachable" })
    now = 30_000
    expect(await keys.keysOf("alice")).toBe(alice)
    expect(asked.length).toBe(2)
  })

  it("is bounded, and the user asked for longest ago goes first [nes.cache.1]", async () => {
    const { asked, source } = counting(() => false)
    const keys = cached(source, { most: 2 })
    for (const name of ["aaa", "bbb", "aaa", "ccc", "aaa", "bbb"]) await keys.keysOf(name)
    expect(asked).toEqual(["aaa", "bbb", "ccc", "bbb"])
  })

  it("asks no more often than the key service can bear [nes.cache.1]", async () => {
    let now = 0
    const { asked, source } = counting(() => false)
    const keys = cached(source, { now: () => now })
    for (let i = 0; i < 120; i++) await keys.keysOf(`user-${i}`)
    await expect(keys.keysOf("one-more")).rejects.toMatchObject({ reason: "busy" })
    expect(await keys.keysOf("user-0")).toBe(alice)
    expect(asked.length).toBe(120)
    now = 60_000
    expect(await keys.keysOf("another")).toBe(alice)
  })

  it("gives way to keys that were had offline [nes.offline.1]", async () => {
    const directory = mkdtempSync(join(tmpdir(), "tacit-nes-known-"))
    try {
      const { asked, source } = counting(() => false)
      const keys = firstOf(fromFiles(new URL("nes/keys/", folder).pathname), source)
      expect(publicPem((await keys.keysOf("carol")).sign)).toBe(pem("carol-rsa-sign.pub"))
      expect(asked).toEqual([])
      await keys.keysOf("erin")
      expect(asked).toEqual(["erin"])
      // A damaged file ends the search: another key must not take its place silently.
      writeFileSync(join(directory, "erin-rsa-message.pub"), "none")
      writeFileSync(join(directory, "erin-rsa-sign.pub"), "none")
      await expect(firstOf(fromFiles(directory), source).keysOf("erin")).rejects.toMatchObject({ reason: "keys" })
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe("the notice", () => {
  it("names every weakness, for people and for programs [nes.profile.1]", () => {
    expect(weaknesses.map(({ id }) => id)).toEqual(["N-w1", "N-w2", "N-w3", "N-w4", "N-w5", "N-w6", "N-w7"])
    for (const { id, title } of weaknesses) expect(notice.join("\n")).toContain(`${id}: ${title}`)
  })
})
