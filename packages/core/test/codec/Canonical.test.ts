import * as Result from "effect/Result"
import fc from "fast-check"
import { Packr, Unpackr } from "msgpackr"
import { describe, expect, it } from "vitest"
import { fromHex, toHex } from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import { reasons } from "../../src/codec/Malformed.ts"
import { bitFlips, canonicalValue } from "../../src/testing/Arbitrary.ts"

const bytes = (hex: string): Uint8Array => fromHex(hex.replace(/ /g, ""))!
const reasonOf = (input: Uint8Array, maxBytes?: number): string | undefined => {
  const bounds = maxBytes === undefined ? undefined : { maxBytes }
  const result = Canonical.decode(input, bounds)
  const reason = Result.isFailure(result) ? result.failure.reason : undefined
  expect(Canonical.scan(input, bounds)).toBe(reason)
  return reason
}
const decoded = (input: Uint8Array, maxBytes?: number): Canonical.Value =>
  Result.getOrThrow(Canonical.decode(input, maxBytes === undefined ? undefined : { maxBytes }))
const large = { maxBytes: 1 << 20 }

/** First bytes of the shortest form and whole length, on either side of every width. */
const integers: ReadonlyArray<readonly [number, string]> = [
  [0, "00"],
  [1, "01"],
  [127, "7f"],
  [128, "cc80"],
  [255, "ccff"],
  [256, "cd0100"],
  [65_535, "cdffff"],
  [65_536, "ce00010000"],
  [2 ** 31, "ce80000000"],
  [2 ** 32 - 1, "ceffffffff"],
  [2 ** 32, "cf0000000100000000"],
  [1_700_000_000_123, "cf0000018bcfe5687b"],
  [2 ** 53 - 1, "cf001fffffffffffff"]
]
const binaries: ReadonlyArray<readonly [number, string]> = [
  [0, "c400"],
  [255, "c4ff"],
  [256, "c50100"],
  [65_535, "c5ffff"],
  [65_536, "c600010000"]
]
const texts: ReadonlyArray<readonly [number, string]> = [
  [0, "a0"],
  [31, "bf"],
  [32, "d920"],
  [255, "d9ff"],
  [256, "da0100"],
  [65_535, "daffff"],
  [65_536, "db00010000"]
]
const arrays: ReadonlyArray<readonly [number, string]> = [
  [0, "90"],
  [15, "9f"],
  [16, "dc0010"],
  [4096, "dc1000"]
]
const maps: ReadonlyArray<readonly [number, string]> = [
  [0, "80"],
  [15, "8f"],
  [16, "de0010"],
  [4096, "de1000"]
]

describe("Canonical forms", () => {
  it.each(integers)(
    "writes and reads the integer %d in its shortest form [codec.form.1] [codec.value.1]",
    (value, hex) => {
      expect(toHex(Canonical.encode(value))).toBe(hex)
      expect(decoded(bytes(hex))).toBe(value)
    }
  )

  it.each(binaries)("writes and reads %d bytes in their shortest form [codec.form.1]", (length, hex) => {
    const value = new Uint8Array(length).fill(7)
    const encoded = Canonical.encode(value)
    expect(toHex(encoded.subarray(0, hex.length / 2))).toBe(hex)
    expect(encoded.length).toBe(hex.length / 2 + length)
    expect(decoded(encoded)).toEqual(value)
  })

  it.each(texts)("writes and reads %d bytes of text in their shortest form [codec.form.1]", (length, hex) => {
    for (const value of ["x".repeat(length), `${"é".repeat(length >> 1)}${"x".repeat(length & 1)}`]) {
      const encoded = Canonical.encode(value)
      expect(toHex(encoded.subarray(0, hex.length / 2))).toBe(hex)
      expect(encoded.length).toBe(hex.length / 2 + length)
      expect(decoded(encoded)).toBe(value)
    }
  })

  it.each(arrays)("writes and reads %d items in their shortest form [codec.form.1] [codec.bound.2]", (count, hex) => {
    const value = Array.from({ length: count }, (_, i) => i % 128)
    const encoded = Canonical.encode(value)
    expect(toHex(encoded.subarray(0, hex.length / 2))).toBe(hex)
    expect(decoded(encoded)).toEqual(value)
  })

  it.each(maps)("writes and reads %d entries in their shortest form [codec.form.1] [codec.bound.2]", (count, hex) => {
    const value = new Map(Array.from({ length: count }, (_, i) => [i * 3, i % 5] as const))
    const encoded = Canonical.encode(value)
    expect(toHex(encoded.subarray(0, hex.length / 2))).toBe(hex)
    expect(decoded(encoded)).toEqual(value)
  })

  it("sorts map keys when it writes [codec.map.1]", () => {
    const value = new Map<number, Canonical.Value>([
      [300, 1],
      [2, 2],
      [128, 3]
    ])
    expect(toHex(Canonical.encode(value))).toBe("830202cc8003cd012c01")
  })

  it.each([
    ["an integer in one byte more", "cc7f"],
    ["an integer in two bytes", "cd00ff"],
    ["an integer in four bytes", "ce0000ffff"],
    ["an integer in eight bytes", "cf00000000ffffffff"],
    ["a zero in eight bytes", "cf0000000000000000"],
    ["bytes with a two-byte length", "c5000141"],
    ["bytes with a four-byte length", "c60000000141"],
    ["a text with a one-byte length", "d90141"],
    ["a text with a two-byte length", "da000141"],
    ["a text with a four-byte length", "db0000000141"],
    ["an array with a two-byte count", "dc000101"],
    ["an array with a four-byte count", "dd0000000101"],
    ["a map with a two-byte count", "de00010101"],
    ["a map with a four-byte count", "df000000010101"]
  ])("refuses %s [codec.form.2]", (_, hex) => {
    expect(reasonOf(bytes(hex))).toBe("noncanonical")
    expect(reasonOf(bytes(`91${hex}`))).toBe("noncanonical")
  })

  it("refuses every first byte that announces nothing of ours [codec.form.3] [codec.value.2]", () => {
    const forbidden = [0xc0, 0xc1, 0xc2, 0xc3, 0xc7, 0xc8, 0xc9, 0xca, 0xcb]
    for (let byte = 0xd0; byte <= 0xd8; byte++) forbidden.push(byte)
    for (let byte = 0xe0; byte <= 0xff; byte++) forbidden.push(byte)
    for (const byte of forbidden) {
      for (const tail of ["", "00".repeat(20)]) expect(reasonOf(bytes(byte.toString(16) + tail))).toBe("type")
      expect(reasonOf(bytes(`92 01 ${byte.toString(16)}`))).toBe("type")
    }
  })

  it("refuses integers above 2^53 - 1 [codec.int.1]", () => {
    expect(reasonOf(bytes("cf0020000000000000"))).toBe("value")
    expect(reasonOf(bytes("cfffffffffffffffff"))).toBe("value")
  })
})

describe("Canonical bounds", () => {
  const nested = (depth: number): Uint8Array => bytes("91".repeat(depth) + "00")

  it("takes eight levels of nesting and refuses nine [codec.bound.1]", () => {
    expect(Limits.maxDepth).toBe(8)
    expect(reasonOf(nested(8))).toBeUndefined()
    expect(reasonOf(nested(9))).toBe("depth")
    expect(reasonOf(bytes("8101".repeat(8) + "00"))).toBeUndefined()
    expect(reasonOf(bytes("8101".repeat(9) + "00"))).toBe("depth")
    expect(reasonOf(bytes("91".repeat(8) + "90"))).toBe("depth")
    expect(reasonOf(bytes("91".repeat(100_000)))).toBe("depth")
  })

  it("refuses more than 4,096 items or entries before it looks at them [codec.bound.2]", () => {
    expect(reasonOf(bytes("dc1001"))).toBe("count")
    expect(reasonOf(bytes("de1001"))).toBe("count")
    expect(reasonOf(bytes("ddffffffff"))).toBe("count")
    expect(reasonOf(bytes("dfffffffff"))).toBe("count")
  })

  it("refuses input longer than the bound [codec.bound.3]", () => {
    const value = Canonical.encode(new Uint8Array(100))
    expect(reasonOf(value, 102)).toBeUndefined()
    expect(reasonOf(value, 101)).toBe("size")
    expect(reasonOf(new Uint8Array(131_073))).toBe("size")
  })

  it("takes no memory for content that is not there [codec.decode.3]", () => {
    for (const hex of [
      "c6ffffffff",
      "dbffffffff",
      "dc1000",
      "de0800",
      "c5ffff00",
      "db7fffffff00",
      "9f",
      "8f0102",
      "9201",
      "820102"
    ]) {
      expect(reasonOf(bytes(hex))).toBe("truncated")
    }
  })

  it("refuses bytes after the value [codec.decode.4]", () => {
    for (const hex of ["0000", "9000", "c400c4", "a0c0", "8000"]) expect(reasonOf(bytes(hex))).toBe("trailing")
  })

  it("refuses keys that do not ascend [codec.map.1]", () => {
    expect(reasonOf(bytes("82 0100 0100"))).toBe("duplicate-key")
    expect(reasonOf(bytes("82 0200 0100"))).toBe("key-order")
    expect(reasonOf(bytes("82 cc8000 0100"))).toBe("key-order")
    expect(reasonOf(bytes("81 a0 00"))).toBe("type")
    expect(reasonOf(bytes("81 cc01 00"))).toBe("noncanonical")
  })

  it("refuses every strict prefix of a value as truncated [codec.decode.1]", () => {
    fc.assert(
      fc.property(canonicalValue(fc), (value) => {
        const encoded = Canonical.encode(value)
        const step = 1 + (encoded.length >> 7)
        for (let length = 0; length < encoded.length; length += step) {
          expect(reasonOf(encoded.subarray(0, length))).toBe("truncated")
        }
      })
    )
  })
})

describe("Canonical values", () => {
  it("gives back what was encoded, in memory of its own [codec.encode.1] [codec.decode.6]", () => {
    fc.assert(
      fc.property(canonicalValue(fc), (value) => {
        const encoded = Canonical.encode(value)
        const input = Uint8Array.from(encoded)
        const again = Result.getOrThrow(Canonical.decode(input, large))
        input.fill(0xc1)
        expect(again).toEqual(value)
      }),
      { numRuns: 500 }
    )
  })

  it("encodes accepted bytes to the same bytes, whatever they were [codec.decode.5]", () => {
    const heads = fc.constantFrom(
      0x00,
      0x7f,
      0x80,
      0x81,
      0x82,
      0x90,
      0x91,
      0x92,
      0xa0,
      0xa1,
      0xc4,
      0xc5,
      0xcc,
      0xcd,
      0xd9,
      0xdc,
      0x01
    )
    const soup = fc.array(heads, { maxLength: 12 }).map((list) => Uint8Array.from(list))
    let accepted = 0
    fc.assert(
      fc.property(fc.oneof(soup, fc.uint8Array({ maxLength: 40 })), (input) => {
        const result = Canonical.decode(Uint8Array.from(input))
        if (Result.isSuccess(result)) {
          accepted++
          expect(Canonical.encode(result.success)).toEqual(Uint8Array.from(input))
        } else {
          expect(reasons).toContain(result.failure.reason)
          expect(Object.keys(result.failure).sort()).toEqual(["_tag", "reason"])
        }
      }),
      { numRuns: 20_000 }
    )
    expect(accepted).toBeGreaterThan(500)
  })

  it("refuses or changes the value for every flipped bit [codec.decode.5]", () => {
    const value: Canonical.Value = [
      1,
      new Uint8Array([9, 8]),
      "text",
      2 ** 40,
      new Map<number, Canonical.Value>([
        [3, [1, 2]],
        [5, "x"]
      ])
    ]
    for (const flipped of bitFlips(Canonical.encode(value))) {
      const result = Canonical.decode(flipped)
      if (Result.isSuccess(result)) {
        expect(result.success).not.toEqual(value)
        expect(Canonical.encode(result.success)).toEqual(flipped)
      }
    }
  })

  it("reads a Buffer or a view inside a larger memory like plain bytes [codec.decode.6]", () => {
    const encoded = Canonical.encode([new Uint8Array([1, 2, 3]), "abc"])
    const memory = new Uint8Array(100)
    memory.set(encoded, 7)
    const view = memory.subarray(7, 7 + encoded.length)
    const inputs: ReadonlyArray<Uint8Array> = [view, Buffer.from(encoded)]
    for (const input of inputs) {
      const value = decoded(input) as ReadonlyArray<Canonical.Value>
      input.fill(0)
      expect(value).toEqual([new Uint8Array([1, 2, 3]), "abc"])
      expect(Object.getPrototypeOf(value[0])).toBe(Uint8Array.prototype)
      input.set(encoded)
    }
  })

  it("stops at a value that has no encoding [codec.encode.2]", () => {
    const bad: ReadonlyArray<unknown> = [
      -1,
      1.5,
      Number.NaN,
      2 ** 53,
      "\ud800",
      null,
      undefined,
      true,
      {},
      [null],
      Array.from({ length: 4097 }, () => 0),
      new Map([[-1, 1]]),
      new Map([[1.5, 1]]),
      [[[[[[[[[0]]]]]]]]]
    ]
    for (const value of bad) expect(() => Canonical.encode(value as Canonical.Value)).toThrow(TypeError)
    expect(toHex(Canonical.encode([1, "a"]))).toBe("9201a161")
  })

  it("survives a value that encodes something while it is being encoded", () => {
    const inner = {
      get length() {
        return Canonical.encode([9, 9]).length
      }
    }
    const value = Object.assign([1, 2], {})
    Object.defineProperty(value, 0, { get: () => inner.length, enumerable: true })
    expect(toHex(Canonical.encode(value))).toBe("920302")
  })

  it("agrees with msgpackr on everything both can say [codec.form.1]", () => {
    const unpackr = new Unpackr({ mapsAsObjects: false, int64AsType: "number", copyBuffers: true, useRecords: false })
    const packr = new Packr({ useRecords: false, variableMapSize: true })
    // msgpackr writes an integer above 2^32 - 1 as a float, or as a signed one when given a bigint: never in our form.
    const small = (value: Canonical.Value): boolean => {
      if (typeof value === "number") return value <= 0xffff_ffff
      if (value instanceof Map) return [...value].every(([key, item]) => small(key) && small(item as Canonical.Value))
      return !Array.isArray(value) || value.every(small)
    }
    const plain = (value: unknown): unknown => {
      if (value instanceof Uint8Array) return new Uint8Array(value)
      if (value instanceof Map) return new Map([...value].map(([key, item]) => [Number(key), plain(item)]))
      return Array.isArray(value) ? value.map(plain) : value
    }
    fc.assert(
      fc.property(canonicalValue(fc), (value) => {
        const encoded = Canonical.encode(value)
        expect(plain(unpackr.unpack(Uint8Array.from(encoded)))).toEqual(value)
        if (small(value)) expect(new Uint8Array(packr.pack(value))).toEqual(encoded)
      }),
      { numRuns: 300 }
    )
  })
})
