import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Utf8 from "../../src/base/Utf8.ts"

const of = (...bytes: ReadonlyArray<number>): Uint8Array => Uint8Array.from(bytes)
const text = fc.string({ unit: "binary", maxLength: 200 })

describe("Bytes", () => {
  it("joins parts into memory of its own", () => {
    const part = of(1, 2)
    const joined = Bytes.concat(part, of(), of(3))
    expect(joined).toEqual(of(1, 2, 3))
    joined[0] = 9
    expect(part).toEqual(of(1, 2))
    expect(Bytes.concat()).toEqual(of())
  })

  it("compares contents without depending on where they differ [crypto.compare.1]", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, change) => {
        const copy = Uint8Array.from(bytes)
        expect(Bytes.constantTimeEqual(bytes, copy)).toBe(true)
        expect(Bytes.equal(bytes, copy)).toBe(true)
        expect(Bytes.constantTimeEqual(bytes, Bytes.concat(bytes, of(0)))).toBe(false)
        expect(Bytes.equal(bytes, Bytes.concat(bytes, of(0)))).toBe(false)
        if (bytes.length === 0) return
        copy[at % bytes.length]! ^= change
        expect(Bytes.constantTimeEqual(bytes, copy)).toBe(false)
        expect(Bytes.equal(bytes, copy)).toBe(false)
      })
    )
  })

  it("orders as unsigned bytes, a prefix before what it begins", () => {
    expect(Bytes.compare(of(0x7f), of(0x80))).toBeLessThan(0)
    expect(Bytes.compare(of(1), of(1, 0))).toBeLessThan(0)
    expect(Bytes.compare(of(2), of(1, 255))).toBeGreaterThan(0)
    expect(Bytes.compare(of(1, 2), of(1, 2))).toBe(0)
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        const order = Bytes.toHex(a) < Bytes.toHex(b) ? -1 : Bytes.toHex(a) > Bytes.toHex(b) ? 1 : 0
        expect(Math.sign(Bytes.compare(a, b))).toBe(order)
      })
    )
  })

  it("reads the hexadecimal it writes, in either case, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const written = Bytes.toHex(bytes)
        expect(written).toBe(Buffer.from(bytes).toString("hex"))
        expect(Bytes.fromHex(written)).toEqual(Uint8Array.from(bytes))
        expect(Bytes.fromHex(written.toUpperCase())).toEqual(Uint8Array.from(bytes))
      })
    )
    for (const wrong of ["0", "0g", "g0", " 00", "0x00", "é0", "00:", "/0", ":0", "@0", "`0"]) {
      expect(Bytes.fromHex(wrong)).toBeUndefined()
    }
  })

  it("writes big-endian integers at every width and stops at a number that does not fit", () => {
    expect(Bytes.toHex(Bytes.be8(255))).toBe("ff")
    expect(Bytes.toHex(Bytes.be32(0x01020304))).toBe("01020304")
    expect(Bytes.toHex(Bytes.be32(0xfffefdfc))).toBe("fffefdfc")
    expect(Bytes.readBe32(Bytes.concat(of(9), Bytes.be32(0xfffefdfc)), 1)).toBe(0xfffefdfc)
    expect(Bytes.toHex(Bytes.be64(0x0102030405))).toBe("0000000102030405")
    for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 48 + 7, Number.MAX_SAFE_INTEGER]) {
      const out = Bytes.be64(value)
      expect(new DataView(out.buffer).getBigUint64(0)).toBe(BigInt(value))
    }
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => Bytes.be64(bad)).toThrow(TypeError)
      expect(() => Bytes.be32(bad)).toThrow(TypeError)
      expect(() => Bytes.be8(bad)).toThrow(TypeError)
    }
    expect(() => Bytes.be32(2 ** 32)).toThrow(TypeError)
    expect(() => Bytes.be8(256)).toThrow(TypeError)
  })

  it("overwrites what it wipes [crypto.erase.1]", () => {
    const a = of(1, 2)
    const b = of(3)
    Bytes.wipe(a, b)
    expect(a).toEqual(of(0, 0))
    expect(b).toEqual(of(0))
    expect(Bytes.isZero(a)).toBe(true)
    expect(Bytes.isZero(of(0, 4))).toBe(false)
  })
})

describe("UTF-8", () => {
  it("agrees with the platform on every text [codec.text.1]", () => {
    fc.assert(
      fc.property(text, (value) => {
        const bytes = Bytes.utf8Encode(value)
        expect(Utf8.isWellFormed(value)).toBe(true)
        expect(Utf8.byteLength(value)).toBe(bytes.length)
        const out = new Uint8Array(bytes.length + 2)
        expect(Utf8.write(value, out, 1)).toBe(bytes.length + 1)
        expect(out.subarray(1, bytes.length + 1)).toEqual(bytes)
        expect(Bytes.utf8Decode(bytes)).toBe(value)
      }),
      { numRuns: 500 }
    )
  })

  it("agrees with the platform's strict decoder on any bytes [codec.text.1]", () => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
    const lead = fc.constantFrom(
      0x41,
      0x80,
      0xbf,
      0xc0,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
      0x8f,
      0x90,
      0x9f,
      0xa0
    )
    const bytes = fc.array(lead, { maxLength: 6 }).map((list) => Uint8Array.from(list))
    fc.assert(
      fc.property(fc.oneof(bytes, fc.uint8Array({ maxLength: 120 })), (input) => {
        let expected: string | undefined
        try {
          expected = strict.decode(input)
        } catch {
          expected = undefined
        }
        expect(Bytes.utf8Decode(Uint8Array.from(input))).toBe(expected)
      }),
      { numRuns: 3000 }
    )
  })

  it.each([
    ["an overlong slash", "c0af"],
    ["an overlong three-byte form", "e08080"],
    ["an overlong four-byte form", "f0808080"],
    ["a surrogate", "eda080"],
    ["a value past U+10FFFF", "f4908080"],
    ["a lone continuation", "80"],
    ["a cut sequence", "e282"],
    ["a first byte that never occurs", "ff"]
  ])("refuses %s [codec.text.1]", (_, bytes) => {
    expect(Bytes.utf8Decode(Bytes.fromHex(bytes)!)).toBeUndefined()
  })

  it("keeps a byte order mark and does not normalise [codec.text.2]", () => {
    for (const value of ["\ufefftext", "e\u0301", "\u00e9", "\u212b"]) {
      expect(Bytes.utf8Decode(Bytes.utf8Encode(value))).toBe(value)
    }
  })

  it("tells lone surrogates apart from pairs", () => {
    for (const bad of ["\ud800", "a\udc00", "\ud800\ud800", "\udc00\ud800", "\ud83d"])
      expect(Utf8.isWellFormed(bad)).toBe(false)
    for (const good of ["", "a", "\ud83d\ude00", "\ud7ff\ue000"]) expect(Utf8.isWellFormed(good)).toBe(true)
    for (const bad of ["\ud800", "a\udc00b", "\udc00\ud800"]) {
      const out = new Uint8Array(20)
      const end = Utf8.write(bad, out, 0)
      expect(end).toBe(Utf8.byteLength(bad))
      expect(out.slice(0, end)).toEqual(Bytes.utf8Encode(bad))
    }
  })
})
