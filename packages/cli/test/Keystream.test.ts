import { Envelope } from "@tacit/core/hazmat"
import { createCipheriv, randomBytes } from "node:crypto"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Keystream from "./crash/Keystream.ts"
import { textOf } from "./crash/Script.ts"

/** A session message as somebody outside sees it, with keys of our choosing. */
const message = (number: number, key: Uint8Array, nonce: Uint8Array, headerNonce: Uint8Array): Uint8Array => {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 })
  const sealed = Buffer.concat([
    cipher.update(`${randomBytes(20).toString("latin1")}${textOf(number)}`),
    cipher.final()
  ])
  const body = Buffer.concat([randomBytes(16), headerNonce, randomBytes(56), sealed, cipher.getAuthTag()])
  return Result.getOrThrow(Envelope.encode({ kind: 2, to: new Uint8Array(16), body }))
}

describe("the look for repeated keystreams", () => {
  it("finds nothing in messages under keys of their own", () => {
    const envelopes = Array.from({ length: 200 }, (_, i) =>
      message(i, randomBytes(32), randomBytes(12), randomBytes(12))
    )
    expect(Keystream.examine(envelopes)).toMatchObject({ messages: 200, repeatedNonces: 0, agreements: 0 })
  })

  it("finds two different plaintexts under one key and nonce", () => {
    const key = randomBytes(32)
    const nonce = randomBytes(12)
    const pair = [message(7, key, nonce, randomBytes(12)), message(8, key, nonce, randomBytes(12))]
    expect(Keystream.examine(pair).agreements).toBeGreaterThan(5)
  })

  it("finds a header nonce that is used twice, and takes the same bytes twice for one envelope", () => {
    const nonce = randomBytes(12)
    const one = message(1, randomBytes(32), randomBytes(12), nonce)
    const other = message(2, randomBytes(32), randomBytes(12), nonce)
    expect(Keystream.examine([one, one, other])).toMatchObject({ messages: 2, repeatedNonces: 1 })
  })
})
