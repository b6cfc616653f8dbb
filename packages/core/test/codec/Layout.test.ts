import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, expectTypeOf, it } from "vitest"
import { fromHex, toHex } from "../../src/base/Bytes.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import * as Layout from "../../src/codec/Layout.ts"
import { reasons } from "../../src/codec/Malformed.ts"
import { arbitrary } from "../../src/testing/Arbitrary.ts"

const bytes = (hex: string): Uint8Array => fromHex(hex.replace(/ /g, ""))!
const reasonOf = (layout: Layout.AnyLayout, hex: string): string | undefined => {
  const result = layout.decode(bytes(hex))
  return Result.isFailure(result) ? result.failure.reason : undefined
}
const unwritable = <T>(layout: Layout.Layout<T>, value: T): string | undefined => {
  const result = layout.tryEncode(value)
  const reason = Result.isFailure(result) ? result.failure.reason : undefined
  if (reason !== undefined) expect(() => layout.encode(value)).toThrow(TypeError)
  return reason
}

const Key = Layout.bytes({ length: 2 })
const Slot = Layout.extensions({
  fence: Layout.extension(4, Layout.tuple({ generation: Layout.uint({ min: 1 }), start: Layout.bytes({ length: 1 }) })),
  note: Layout.extension(1, Layout.text({ max: 5 })),
  late: Layout.extension(300, Layout.uint())
})
const Message = Layout.tuple({
  version: Layout.literal(1),
  kind: Layout.uint({ max: 200 }),
  to: Key,
  body: Layout.bytes({ min: 1, max: 300 }),
  name: Layout.text({ max: 40 }),
  ids: Layout.list(Layout.bytes({ length: 1 }), { min: 0, max: 3 }),
  once: Layout.optional(Layout.uint()),
  extensions: Slot
})
type Message = Layout.Type<typeof Message>
const Frame = Layout.oneOf(
  Layout.tuple({ type: Layout.literal(1), text: Layout.text({ max: 9 }) }),
  Layout.tuple({ type: Layout.literal(200), numbers: Layout.list(Layout.uint(), { max: 4 }) })
)

const message: Message = {
  version: 1,
  kind: 2,
  to: bytes("abcd"),
  body: bytes("00"),
  name: "é",
  ids: [bytes("01"), bytes("02")],
  once: undefined,
  extensions: { unknown: [] }
}
const encoded = "98 01 02 c402abcd c40100 a2c3a9 92c40101c40102 90 80"

describe("Layout", () => {
  it("names the fields of a positional array, in the order of the source [codec.layout.1]", () => {
    expect(toHex(Message.encode(message))).toBe(encoded.replace(/ /g, ""))
    const result = Result.getOrThrow(Message.decode(bytes(encoded)))
    expect(result).toEqual(message)
    expect(Object.keys(result)).toEqual(Object.keys(message))
    expectTypeOf<Message["version"]>().toEqualTypeOf<1>()
    expectTypeOf<Message["to"]>().toEqualTypeOf<Uint8Array>()
    expectTypeOf<Message["ids"]>().toEqualTypeOf<ReadonlyArray<Uint8Array>>()
    expectTypeOf<Message["once"]>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Message["extensions"]["note"]>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Layout.Type<typeof Frame>["type"]>().toEqualTypeOf<1 | 200>()
  })

  it.each([
    ["fewer items", "97 01 02 c402abcd c40100 a2c3a9 90 90", "count"],
    ["more items", "99 01 02 c402abcd c40100 a2c3a9 90 90 80 00", "count"],
    ["no array", "c400", "type"]
  ])("refuses a tuple with %s [codec.layout.1]", (_, hex, reason) => expect(reasonOf(Message, hex)).toBe(reason))

  it("bounds the items of a list [codec.layout.2]", () => {
    const list = Layout.list(Layout.uint(), { min: 1, max: 2 })
    expect(reasonOf(list, "90")).toBe("count")
    expect(reasonOf(list, "9105")).toBeUndefined()
    expect(reasonOf(list, "93050505")).toBe("count")
    expect(reasonOf(list, "91a0")).toBe("type")
    expect(unwritable(list, [])).toBe("count")
    expect(unwritable(list, [1, 2, 3])).toBe("count")
  })

  it("bounds the length of bytes and texts, and tells the kinds apart [codec.layout.3]", () => {
    const some = Layout.bytes({ min: 1, max: 2 })
    const text = Layout.text({ min: 1, max: 2 })
    expect(["c400", "c40101", "c4020102", "c403010203", "a101", "01", "90"].map((hex) => reasonOf(some, hex))).toEqual([
      "size",
      undefined,
      undefined,
      "size",
      "type",
      "type",
      "type"
    ])
    expect(["a0", "a161", "a2c3a9", "a3616161", "c40161", "01", "80"].map((hex) => reasonOf(text, hex))).toEqual([
      "size",
      undefined,
      undefined,
      "size",
      "type",
      "type",
      "type"
    ])
    expect(unwritable(some, bytes(""))).toBe("size")
    expect(unwritable(some, bytes("010203"))).toBe("size")
    expect(unwritable(text, "")).toBe("size")
    expect(unwritable(text, "éé")).toBe("size")
    expect(unwritable(text, "\ud800")).toBe("size")
    expect(unwritable(Layout.text({ max: 9 }), "\ud800")).toBe("utf8")
    expect(reasonOf(text, "a1ff")).toBe("utf8")
  })

  it("bounds integers and knows literals [codec.layout.4]", () => {
    const uint = Layout.uint({ min: 3, max: 300 })
    expect(["02", "03", "cd012c", "cd012d", "c0"].map((hex) => reasonOf(uint, hex))).toEqual([
      "value",
      undefined,
      undefined,
      "value",
      "type"
    ])
    expect(reasonOf(Layout.uint(), "cf0020000000000000")).toBe("value")
    for (const bad of [2, 301, 3.5, Number.NaN]) expect(unwritable(uint, bad)).toBe("value")
    expect(reasonOf(Layout.literal(7), "07")).toBeUndefined()
    expect(reasonOf(Layout.literal(7), "08")).toBe("value")
    expect(unwritable(Layout.literal(7) as Layout.Layout<number>, 8)).toBe("value")
  })

  it("chooses the case of a union by its first item [codec.layout.5]", () => {
    expect(Result.getOrThrow(Frame.decode(bytes("9201a161")))).toEqual({ type: 1, text: "a" })
    expect(Result.getOrThrow(Frame.decode(bytes("92cc80 90".replace("80", "c8"))))).toEqual({ type: 200, numbers: [] })
    expect(reasonOf(Frame, "9202a161")).toBe("value")
    expect(reasonOf(Frame, "9102")).toBe("value")
    expect(reasonOf(Frame, "9101")).toBe("count")
    expect(reasonOf(Frame, "90")).toBe("count")
    expect(reasonOf(Frame, "92a161a161")).toBe("type")
    expect(toHex(Frame.encode({ type: 1, text: "a" }))).toBe("9201a161")
    expect(unwritable(Frame, { type: 5, text: "a" } as unknown as Layout.Type<typeof Frame>)).toBe("value")
  })

  it("writes an optional value as one item or none [codec.layout.6] [codec.value.2]", () => {
    const maybe = Layout.optional(Layout.text({ max: 3 }))
    expect(toHex(maybe.encode(undefined))).toBe("90")
    expect(toHex(maybe.encode("a"))).toBe("91a161")
    expect(Result.getOrThrow(maybe.decode(bytes("90")))).toBeUndefined()
    expect(Result.getOrThrow(maybe.decode(bytes("91a161")))).toBe("a")
    expect(reasonOf(maybe, "92a161a161")).toBe("count")
  })

  it("refuses input that no value could have before reading it [codec.bound.3]", () => {
    expect(Key.maxBytes).toBe(4)
    expect(reasonOf(Key, "c402abcd00")).toBe("size")
    expect(Layout.tuple({ a: Layout.uint(), b: Layout.literal(300) }).maxBytes).toBe(1 + 9 + 3)
  })

  it("reports the first fault in order of bytes [codec.decode.2]", () => {
    expect(reasonOf(Message, "98 02 c0 00 00 00 00 00 00")).toBe("value")
    expect(reasonOf(Message, "98 cc01 c0 00 00 00 00 00 00")).toBe("noncanonical")
    expect(reasonOf(Message, "98 02 c0")).toBe("truncated")
    expect(reasonOf(Message, "98 01 02 c403abcdef c0 00 00")).toBe("size")
    expect(reasonOf(Message, `${encoded}00`)).toBe("trailing")
    expect(reasonOf(Key, "c5")).toBe("truncated")
    expect(reasonOf(Key, "c50002abcd")).toBe("size")
    expect(reasonOf(Layout.bytes({ max: 300 }), "c50002abcd")).toBe("noncanonical")
    expect(reasonOf(Key, "c402ab")).toBe("truncated")
    expect(reasonOf(Layout.text({ max: 9 }), "a2ff")).toBe("truncated")
  })

  it("copies bytes out of the input [codec.decode.6]", () => {
    const input = Buffer.from(bytes(encoded))
    const value = Result.getOrThrow(Message.decode(input))
    input.fill(0)
    expect(value).toEqual(message)
    expect(value.to.buffer).not.toBe(input.buffer)
  })

  it("hands on a nested structure as the bytes received, which is what signatures cover [codec.decode.7]", () => {
    const Signed = Layout.tuple({ body: Layout.bytes({ max: 300 }), signature: Layout.bytes({ length: 2 }) })
    const body = Message.encode({ ...message, extensions: { unknown: [{ key: 7, value: bytes("92 01 a161") }] } })
    const received = Signed.encode({ body, signature: bytes("0102") })
    const signed = Result.getOrThrow(Signed.decode(received))
    expect(toHex(received)).toContain(toHex(signed.body))
    expect(signed.body).toEqual(body)
    expect(Result.getOrThrow(Message.decode(signed.body)).extensions.unknown).toHaveLength(1)
  })

  it("is given a bad shape only by a mistake in the program", () => {
    expect(() => Layout.uint({ min: 2, max: 1 })).toThrow(TypeError)
    expect(() => Layout.literal(-1)).toThrow(TypeError)
    expect(() => Layout.list(Key, { max: 4097 })).toThrow(TypeError)
    expect(() => Layout.tuple({})).toThrow(TypeError)
    expect(() => Layout.tuple({ 1: Key })).toThrow(TypeError)
    expect(() => Layout.extensions({ a: Layout.extension(1, Key), b: Layout.extension(1, Key) })).toThrow(TypeError)
    expect(() => Layout.extensions({ unknown: Layout.extension(1, Key) })).toThrow(TypeError)
    expect(() => Layout.oneOf(Key)).toThrow(TypeError)
    expect(() => Layout.oneOf(Layout.tuple({ a: Layout.literal(1) }), Layout.tuple({ a: Layout.literal(1) }))).toThrow(
      TypeError
    )
    expect(() => Layout.oneOf(Layout.tuple({ a: Layout.literal(1) }), Layout.tuple({ b: Layout.literal(2) }))).toThrow(
      TypeError
    )
    const deep = (n: number): Layout.AnyLayout =>
      n === 0 ? Key : Layout.list(deep(n - 1) as Layout.Layout<unknown>, { max: 1 })
    expect(() => deep(8)).not.toThrow()
    expect(() => deep(9)).toThrow(TypeError)
  })
})

describe("Extension slots", () => {
  type Slot = Layout.Type<typeof Slot>
  const decode = (hex: string): Slot => Result.getOrThrow(Slot.decode(bytes(hex)))

  it("are an empty map when there is nothing to say [codec.ext.1] [codec.value.3]", () => {
    expect(toHex(Slot.encode({ unknown: [] }))).toBe("80")
    expect(decode("80")).toEqual({ unknown: [] })
    expect(reasonOf(Slot, "90")).toBe("type")
    expect(reasonOf(Slot, "de0041" + "01".repeat(200))).toBe("count")
  })

  it("read known entries by name, sorted by key on the wire [codec.ext.2] [codec.map.1]", () => {
    const value: Slot = { late: 5, fence: { generation: 2, start: bytes("07") }, note: "n", unknown: [] }
    const hex = "83 01a16e 04 9202c40107 cd012c05"
    expect(toHex(Slot.encode(value))).toBe(hex.replace(/ /g, ""))
    expect(decode(hex)).toEqual(value)
    expect(toHex(Slot.encode({ note: undefined, unknown: [] }))).toBe("80")
    expect(reasonOf(Slot, "81 01 05")).toBe("type")
    expect(reasonOf(Slot, "82 04 9202c40107 01a16e")).toBe("key-order")
    expect(reasonOf(Slot, "82 01a16e 01a16e")).toBe("duplicate-key")
  })

  it("refuse an unknown even key [codec.ext.3]", () => {
    for (const hex of ["81 02 00", "82 01a16e cd0102 00", "81 00 00"])
      expect(reasonOf(Slot, hex)).toBe("unknown-critical")
    expect(reasonOf(Slot, "82 02 00 01a16e")).toBe("unknown-critical")
    expect(reasonOf(Slot, "81 cc02 00")).toBe("noncanonical")
  })

  it("keep an unknown odd key as it came and write it back in its place [codec.ext.4]", () => {
    const hex = "84 01a16e 03 92 01 81 02 c400 05 a0 cd012c 07"
    const value = decode(hex)
    expect(value).toEqual({
      note: "n",
      late: 7,
      unknown: [
        { key: 3, value: bytes("920181 02c400") },
        { key: 5, value: bytes("a0") }
      ]
    })
    expect(toHex(Slot.encode(value))).toBe(hex.replace(/ /g, ""))
  })

  it("refuse an unknown value that is malformed, too long or too deep [codec.ext.4]", () => {
    expect(reasonOf(Slot, "81 03 c0")).toBe("type")
    expect(reasonOf(Slot, "81 03 cc01")).toBe("noncanonical")
    expect(reasonOf(Slot, "81 03 82 0200 0100")).toBe("key-order")
    expect(reasonOf(Slot, `81 03 ${"91".repeat(7)}00`)).toBeUndefined()
    expect(reasonOf(Slot, `81 03 ${"91".repeat(8)}00`)).toBe("depth")
    expect(reasonOf(Slot, `81 03 c50ffd${"00".repeat(4093)}`)).toBeUndefined()
    expect(reasonOf(Slot, `81 03 c50ffe${"00".repeat(4094)}`)).toBe("size")
  })

  it("refuse to write an unknown value that would be too deep where it stands [codec.encode.2] [codec.ext.4]", () => {
    const nested = (depth: number) => ({ unknown: [{ key: 3, value: bytes(`${"91".repeat(depth)}00`) }] })
    const Inner = Layout.tuple({ slot: Slot })
    const Outer = Layout.list(Layout.optional(Inner), { max: 2 })
    expect(reasonOf(Slot, toHex(Slot.encode(nested(7))))).toBeUndefined()
    expect(unwritable(Slot, nested(8))).toBe("depth")
    const value = (depth: number) => [undefined, { slot: nested(depth) }]
    expect(reasonOf(Outer, toHex(Outer.encode(value(4))))).toBeUndefined()
    expect(unwritable(Outer, value(5))).toBe("depth")
  })

  it("refuse to write unknown entries that a reader would refuse [codec.encode.2]", () => {
    const entry = (key: number, hex: string): Slot => ({ unknown: [{ key, value: bytes(hex) }] })
    expect(unwritable(Slot, entry(2, "00"))).toBe("unknown-critical")
    expect(unwritable(Slot, entry(1, "a0"))).toBe("value")
    expect(unwritable(Slot, entry(300, "a0"))).toBe("value")
    expect(unwritable(Slot, entry(3, ""))).toBe("truncated")
    expect(unwritable(Slot, entry(3, "0000"))).toBe("trailing")
    expect(unwritable(Slot, entry(3, "cc01"))).toBe("noncanonical")
    expect(unwritable(Slot, entry(3, `c60000ffff`))).toBe("noncanonical")
    expect(unwritable(Slot, entry(3, `c51000${"00".repeat(4096)}`))).toBe("size")
    expect(unwritable(Slot, entry(1.5, "00"))).toBe("value")
    const two = (a: number, b: number): Slot => ({ unknown: [a, b].map((key) => ({ key, value: bytes("00") })) })
    expect(unwritable(Slot, two(5, 3))).toBe("key-order")
    expect(unwritable(Slot, two(5, 5))).toBe("duplicate-key")
    expect(
      unwritable(Slot, { unknown: Array.from({ length: 65 }, (_, i) => ({ key: 2 * i + 7, value: bytes("00") })) })
    ).toBe("count")
  })
})

describe("Every layout", () => {
  const layouts: ReadonlyArray<readonly [string, Layout.Layout<unknown>]> = [
    ["a message", Message as Layout.Layout<unknown>],
    ["a union", Frame as Layout.Layout<unknown>],
    ["a slot", Slot as Layout.Layout<unknown>]
  ]

  it.each(layouts)("gives back %s from its encoding [codec.encode.1]", (_, layout) => {
    fc.assert(
      fc.property(arbitrary(fc, layout), (value) => {
        const out = layout.encode(value)
        expect(out.length).toBeLessThanOrEqual(layout.maxBytes)
        expect(Canonical.scan(out, { maxBytes: 1 << 20 })).toBeUndefined()
        expect(Result.getOrThrow(layout.decode(out))).toEqual(value)
      }),
      { numRuns: 300 }
    )
  })

  it.each(layouts)(
    "encodes accepted bytes of %s to the same bytes, after any damage [codec.decode.5] [codec.decode.1]",
    (_, layout) => {
      fc.assert(
        fc.property(
          arbitrary(fc, layout),
          fc.nat(),
          fc.nat(255),
          fc.constantFrom("set", "cut", "insert"),
          (value, at, byte, damage) => {
            const good = layout.encode(value)
            const where = at % good.length
            const head = good.subarray(0, where)
            const bad =
              damage === "cut"
                ? head
                : Uint8Array.from([...head, byte, ...good.subarray(damage === "set" ? where + 1 : where)])
            const result = layout.decode(bad)
            if (Result.isSuccess(result)) expect(layout.encode(result.success)).toEqual(bad)
            else expect(reasons).toContain(result.failure.reason)
          }
        ),
        { numRuns: 2000 }
      )
    }
  )

  it.each(layouts)("never stops at random bytes given for %s [codec.decode.1]", (_, layout) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (input) => {
        const result = layout.decode(Uint8Array.from(input))
        if (Result.isSuccess(result)) expect(layout.encode(result.success)).toEqual(Uint8Array.from(input))
      }),
      { numRuns: 5000 }
    )
  })

  it.each(layouts)(
    "agrees with the walk without a layout about which bytes of %s are well formed [codec.decode.5]",
    (_, layout) => {
      fc.assert(
        fc.property(arbitrary(fc, layout), fc.nat(), fc.nat(255), (value, at, byte) => {
          const input = layout.encode(value)
          input[at % input.length] = byte
          if (Result.isSuccess(layout.decode(input)))
            expect(Canonical.scan(input, { maxBytes: 1 << 20 })).toBeUndefined()
        }),
        { numRuns: 2000 }
      )
    }
  )
})
