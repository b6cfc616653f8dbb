import { createHmac } from "node:crypto"
import { expect, it } from "vitest"
import * as Effect from "effect/Effect"
import * as EntropyLive from "../../src/client/EntropyLive.ts"
import { Entropy } from "../../src/ports/Crypto.ts"
import * as SeededEntropy from "../../src/testing/SeededEntropy.ts"
import { crypto } from "./World.ts"

const draw = (length: number) =>
  Effect.runPromise(
    Effect.provide(
      Entropy.use((entropy) => Effect.succeed(entropy.bytes("header.nonce", length))),
      EntropyLive.layer
    )
  )

it("the platform's bytes have the asked length, differ, and come in any amount", async () => {
  expect(await draw(12)).not.toEqual(await draw(12))
  expect((await draw(0)).length).toBe(0)
  const many = await draw(200_000)
  expect(many.length).toBe(200_000)
  expect(many.subarray(131_072, 131_104).some((byte) => byte !== 0)).toBe(true)
})

it("refuses to run without the platform's generator", async () => {
  const held = Object.getOwnPropertyDescriptor(globalThis, "crypto")!
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true })
  try {
    await expect(draw(1)).rejects.toMatchObject({ _tag: "NoSecureRandom" })
  } finally {
    Object.defineProperty(globalThis, "crypto", held)
  }
})

it("a coin is what HKDF-Expand with SHA-512 gives for actor, label and index", () => {
  const seed = Uint8Array.from({ length: 64 }, (_, i) => i)
  for (const [actor, label, index, length] of [
    ["alice/1", "ratchet.eph", 0, 32],
    ["bob", "kem.once", 7, 64],
    ["", "x", 70_000, 200]
  ] as const) {
    const lp = (text: string) => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)])
    const be32 = Buffer.alloc(4)
    be32.writeUInt32BE(index)
    const info = Buffer.concat([Buffer.from("kit-coin-v1"), lp(actor), lp(label), be32])
    let block = Buffer.alloc(0)
    let out = Buffer.alloc(0)
    for (let i = 1; out.length < length; i++) {
      block = createHmac("sha512", seed)
        .update(Buffer.concat([block, info, Buffer.from([i])]))
        .digest()
      out = Buffer.concat([out, block])
    }
    expect(Buffer.from(SeededEntropy.coin(crypto, seed, actor, label, index, length))).toEqual(out.subarray(0, length))
  }
})

it("a source counts the draws of each label", () => {
  const seed = new Uint8Array(64)
  const source = SeededEntropy.make(crypto, seed, "alice")
  const drawn = [source.bytes("a", 16), source.bytes("b", 16), source.bytes("a", 16)]
  expect(drawn).toEqual([
    SeededEntropy.coin(crypto, seed, "alice", "a", 0, 16),
    SeededEntropy.coin(crypto, seed, "alice", "b", 0, 16),
    SeededEntropy.coin(crypto, seed, "alice", "a", 1, 16)
  ])
})
