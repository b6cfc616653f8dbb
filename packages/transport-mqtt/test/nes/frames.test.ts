/**
 * Frames against the vectors of the independent program, step by step; sealing, and what no vector can hold.
 */
import { constants, privateDecrypt, publicDecrypt } from "node:crypto"
import fc from "fast-check"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { decode, encode, maxFrameBytes, toBase64 } from "../../src/nes/Frame.ts"
import { quote, rawMember, stringify } from "../../src/nes/GoJson.ts"
import { encryptInner, innerBytes, open, seal, verifySender } from "../../src/nes/Message.ts"
import { causes } from "../../src/nes/Refusal.ts"
import { signPss, unwrap, verifyPss, wrap } from "../../src/nes/Rsa.ts"
import { bytes, type Case, fileOf, privateKey, publicKey, read, step } from "./Vectors.ts"

const file = read("frames")

/** What became of the frame of a case: the message, or the cause. */
const receive = (one: Case) => {
  const frame = decode(bytes(one.in["frame"]))
  if (Result.isFailure(frame)) return frame.failure.cause
  const opened = open(privateKey(fileOf(one.in["key"])), frame.success)
  if (Result.isFailure(opened)) return opened.failure.cause
  const verified = verifySender(opened.success, publicKey(fileOf(one.in["sender"])))
  return Result.isFailure(verified) ? verified.failure.cause : { ...verified.success, inner: opened.success.inner }
}

describe("frames of the independent program", () => {
  it("are as many as the file says, and most must fail", () => {
    expect(file.cases.length).toBe(file.count)
    expect(file.cases.filter(({ verdict }) => verdict === "invalid").length).toBeGreaterThan(file.count / 2)
    expect(new Set(file.cases.map(({ id }) => id)).size).toBe(file.count)
  })

  for (const one of file.cases.filter(({ verdict }) => verdict === "valid")) {
    it(`${one.id} opens to what was sent [nes.frame.1] [nes.frame.2] [nes.receive.1] [nes.receive.2] [nes.receive.3]`, () => {
      const { from, message, timestamp, to } = one.out!
      expect(receive(one)).toEqual({
        from,
        to,
        timestamp,
        message: Buffer.from(String(message), "hex").toString("utf8"),
        inner: step(one, "inner")
      })
    })

    it(`${one.id} has the intermediate values of our own steps [nes.send.1] [nes.send.2] [nes.unwrap.2] [nes.sign.1]`, () => {
      const key = privateKey(fileOf(one.in["key"]))
      const sender = publicKey(fileOf(one.in["sender"]))
      const raw = { key, padding: constants.RSA_NO_PADDING }
      expect(privateDecrypt(raw, step(one, "cipherkey"))).toEqual(step(one, "wrapped"))
      expect(Result.getOrThrow(unwrap(key, step(one, "cipherkey")))).toEqual(new Uint8Array(step(one, "message-key")))
      expect(encryptInner(step(one, "message-key"), step(one, "inner"))).toEqual(step(one, "ciphertext"))
      const encoded = publicDecrypt({ key: sender, padding: constants.RSA_NO_PADDING }, step(one, "signature"))
      expect(encoded).toEqual(step(one, "encoded"))
      expect(verifyPss(sender, step(one, "inner"), step(one, "signature"))).toBe(true)
    })
  }

  for (const one of file.cases.filter(({ verdict }) => verdict === "invalid")) {
    it(`${one.id} is refused: ${one.title} [nes.refuse.1]`, () => {
      expect(receive(one)).toBe(one.class![0]!.slice("nes.".length))
    })
  }

  it("between them know every cause that needs no key service", () => {
    const seen = new Set(file.cases.flatMap(({ class: classes = [] }) => classes.map((name) => name.slice(4))))
    expect(causes.filter((cause) => !seen.has(cause))).toEqual(["unknown-sender", "keys-unavailable"])
  })
})

describe("the inner text", () => {
  const spelt = file.cases.filter(
    ({ id }) =>
      id === "nes-plain" || (id.startsWith("nes-text-") && id !== "nes-text-invalid-utf8") || id === "nes-empty-text"
  )
  it.each(spelt.map((one) => [one.id, one] as const))("is written as Go writes it: %s [nes.json.1]", (_, one) => {
    const { from, message, timestamp, to } = one.out!
    const text = Buffer.from(String(message), "hex").toString("utf8")
    expect(
      Buffer.from(innerBytes({ from: String(from), to: String(to), timestamp: Number(timestamp), message: text }))
    ).toEqual(step(one, "inner"))
  })

  it("writes halves of surrogate pairs as Go writes what is not UTF-8 [nes.json.1]", () => {
    expect(quote("a\ud800b\udc00")).toBe('"a\\ufffdb\\ufffd"')
    expect(quote("\u{1f6b2}")).toBe('"\u{1f6b2}"')
  })

  it("is read back by any JSON parser", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.maxSafeInteger(), (text, number) => {
        expect(JSON.parse(stringify({ text, number }))).toEqual({ text, number })
      })
    )
  })

  it("keeps members where they stand in received bytes [nes.json.2]", () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), fc.constantFrom("", " ", "\n\t "), (value, other, blank) => {
        const text = `{${blank}"a"${blank}:${blank}${other}${blank},"response":${blank}${value}${blank}}`
        expect(Buffer.from(rawMember(Buffer.from(text), "response")!).toString()).toBe(value.trim())
        expect(rawMember(Buffer.from(text), "b")).toBeUndefined()
      })
    )
    expect(rawMember(Buffer.from('{"x":1,"x":2}'), "x")).toBeUndefined()
    expect(Buffer.from(rawMember(Buffer.from('{"\\u0078":1}'), "x")!).toString()).toBe("1")
  })
})

describe("sealing", () => {
  const message = { from: "alice", to: "bob", timestamp: 1_700_000_000_000, message: "Hello <Bob> \u2028" }
  const signKey = privateKey("alice-rsa-sign")
  const recipient = publicKey("bob-rsa-message")

  it("opens again, and is fresh each time [nes.send.1] [nes.send.2] [nes.send.3] [nes.receive.4]", () => {
    const frames = Array.from({ length: 5 }, (_, i) => seal(recipient, signKey, { ...message, message: `${i}` }))
    for (const part of ["cipherkey", "ciphertext", "signature"] as const) {
      expect(new Set(frames.map((frame) => toBase64(frame[part]))).size).toBe(5)
    }
    // The fifth opens without the first four.
    const opened = Result.getOrThrow(open(privateKey("bob-rsa-message"), Result.getOrThrow(decode(encode(frames[4]!)))))
    expect(Result.getOrThrow(verifySender(opened, publicKey("alice-rsa-sign")))).toEqual({ ...message, message: "4" })
  })

  it("refuses a genuine frame with any one byte changed [nes.receive.3] [nes.frame.2]", () => {
    const genuine = encode(seal(recipient, signKey, message))
    for (let at = 0; at < genuine.length; at++) {
      const changed = Uint8Array.from(genuine)
      changed[at]! ^= 1
      const frame = decode(changed)
      if (Result.isFailure(frame)) continue
      const opened = open(privateKey("bob-rsa-message"), frame.success)
      if (Result.isFailure(opened)) continue
      expect(Result.isFailure(verifySender(opened.success, publicKey("alice-rsa-sign"))), `byte ${at}`).toBe(true)
    }
  })

  it("signs with the longest salt [nes.sign.1]", () => {
    for (const [name, salt] of [
      ["alice-rsa-sign", 222],
      ["dave-rsa-sign", 478]
    ] as const) {
      const signature = signPss(privateKey(name), Buffer.from("M"))
      const encoded = publicDecrypt({ key: publicKey(name), padding: constants.RSA_NO_PADDING }, signature)
      expect(verifyPss(publicKey(name), Buffer.from("M"), signature)).toBe(true)
      expect(encoded.length - 34).toBe(salt)
    }
    const one = read("frames").cases.find(({ id }) => id === "nes-4096")!
    expect(step(one, "salt").length).toBe(478)
  })

  it("gives every sealed key of the right size 48 bytes, the same each time, others for another key [nes.unwrap.2] [nes.unwrap.3]", () => {
    const key = privateKey("bob-rsa-message")
    const sealed = wrap(recipient, Buffer.alloc(48, 7))
    expect(Result.getOrThrow(unwrap(key, sealed))).toEqual(new Uint8Array(48).fill(7))
    const seen = new Set<string>()
    for (let i = 1; i < 40; i++) {
      const changed = Buffer.from(sealed)
      changed[200]! ^= i
      const first = Result.getOrThrow(unwrap(key, changed))
      expect(first.length).toBe(48)
      expect(Result.getOrThrow(unwrap(key, changed))).toEqual(first)
      seen.add(toBase64(first))
    }
    expect(seen.size).toBe(39)
  })

  it("refuses sealed keys that are not as long as the modulus, or not below it [nes.unwrap.1]", () => {
    const key = privateKey("bob-rsa-message")
    const cause = (cipherkey: Uint8Array) => {
      const result = unwrap(key, cipherkey)
      return Result.isFailure(result) ? result.failure.cause : "none"
    }
    for (const length of [0, 1, 255, 257, 512]) expect(cause(new Uint8Array(length))).toBe("cipherkey-length")
    expect(cause(new Uint8Array(256).fill(255))).toBe("cipherkey-range")
    expect(cause(new Uint8Array(256))).toBe("none")
  })

  it("refuses frames outside the bounds [nes.frame.2] [nes.frame.3]", () => {
    const cause = (text: string) => {
      const result = decode(Buffer.from(text))
      return Result.isFailure(result) ? result.failure.cause : "none"
    }
    const frame = Buffer.from(encode(seal(recipient, signKey, message))).toString()
    expect(cause(frame)).toBe("none")
    expect(cause(frame.padEnd(maxFrameBytes))).toBe("none")
    expect(cause(frame.padEnd(maxFrameBytes + 1))).toBe("frame-size")
    expect(cause(frame.replaceAll("=", ""))).toBe("frame-base64")
    expect(cause("[".repeat(maxFrameBytes))).toBe("frame-json")
    const deep = `"deep":${"[".repeat(60_000)}${"]".repeat(60_000)}`
    expect(["none", "frame-json"]).toContain(cause(`{${deep},${frame.slice(1)}`))
  })
})
