/**
 * Answers of the key service against the vectors of the independent program.
 */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { bound, compatible, digestOf, readBound, readCompatible, type Seen } from "../../src/nes/Answer.ts"
import { publicPem } from "../../src/nes/Keys.ts"
import { bytes, type Case, fileOf, pem, privateKey, publicKey, read } from "./Vectors.ts"

const file = read("answers")

const verdict = (one: Case) => {
  const body = bytes(one.in["body"])
  const key = publicKey(fileOf(one.in["directory"]))
  if (one.op === "nes.answer") {
    const result = readCompatible(body, key)
    return Result.isFailure(result) ? result.failure.reason : result.success
  }
  const { now, seen, username } = one.in
  const result = readBound(body, key, {
    username: String(username),
    now: Number(now),
    seen: seen as Seen | undefined
  })
  return Result.isFailure(result) ? result.failure.reason : { ...result.success.keys, ...result.success.seen }
}

describe("answers of the independent program", () => {
  it("are as many as the file says", () => expect(file.cases.length).toBe(file.count))

  for (const one of file.cases) {
    it(`${one.id}: ${one.title} [nes.answer.1] [nes.answer.2] [nes.answer.3] [nes.answer.4] [nes.service.1]`, () => {
      const found = verdict(one)
      if (one.verdict === "invalid") return expect(found).toBe(one.class![0]!.slice("nes.".length))
      const { message, sign, ...rest } = found as Exclude<typeof found, string>
      expect(rest).toEqual(Object.fromEntries(Object.entries(one.out!).filter(([name]) => !/message|sign/.test(name))))
      expect(publicPem(message)).toBe(pem(`${fileOf(one.out!["message"])}.pub`))
      expect(publicPem(sign)).toBe(pem(`${fileOf(one.out!["sign"])}.pub`))
      return undefined
    })
  }
})

describe("answers we make", () => {
  const key = privateKey("directory-rsa-sign")
  const texts = { message: pem("alice-rsa-message.pub"), sign: pem("alice-rsa-sign.pub") }

  it("have the bytes of the independent program up to the signature [nes.answer.1] [nes.answer.3]", () => {
    const published = (id: string) => Buffer.from(bytes(file.cases.find((one) => one.id === id)!.in["body"])).toString()
    const upTo = (text: string) => text.slice(0, text.indexOf(',"signature":"'))
    expect(upTo(compatible(texts, key))).toBe(upTo(published("nes-answer-plain")))
    const first = { username: "alice", version: 1, previous: "", ...texts }
    expect(upTo(bound(first, 1_700_000_000_000, key))).toBe(upTo(published("nes-bound-first")))
    const out = file.cases.find(({ id }) => id === "nes-bound-first")!.out!
    expect(digestOf(first)).toBe(out["digest"])
  })

  it("verify, and end in a line feed [nes.get.1]", () => {
    const body = compatible(texts, key)
    expect(body.endsWith('"}\n')).toBe(true)
    expect(Result.isSuccess(readCompatible(Buffer.from(body), publicKey("directory-rsa-sign")))).toBe(true)
    expect(Result.isFailure(readCompatible(Buffer.from(body), publicKey("alice-rsa-sign")))).toBe(true)
  })
})
