import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { maxLineBytes, split } from "../src/Lines.ts"
import { UsageError } from "../src/UsageError.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe("lines of standard input", () => {
  it.each([
    ["", []],
    ["a", ["a"]],
    ["a\n", ["a"]],
    ["a\nb", ["a", "b"]],
    ["\n", [""]],
    ["\n\n", ["", ""]],
    ["a\r\nb\r\n", ["a", "b"]],
    ["\r\n", [""]],
    ["a\r", ["a\r"]],
    ["a\rb\n", ["a\rb"]],
    ["a\r\r\n", ["a\r"]],
    ["\ufeffa\n", ["\ufeffa"]],
    ["🚲\n\u0000\n", ["🚲", "\u0000"]]
  ])("cuts %j", (input, expected) => {
    expect(split(bytes(input))).toEqual(expected)
  })

  it("gives back what was joined by line feeds", () => {
    const line = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n]/.test(text))
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        expect(split(bytes(`${lines.join("\n")}\n`))).toEqual(lines)
        expect(split(bytes(lines.map((each) => `${each}\r\n`).join("")))).toEqual(lines)
      })
    )
  })

  it("refuses bytes that are not UTF-8, and names the line", () => {
    const input = Buffer.concat([bytes("good\n"), Buffer.from([0x61, 0xff, 0x0a])])
    expect(() => split(input)).toThrow(UsageError)
    expect(() => split(input)).toThrow("line 2 of standard input is not valid UTF-8")
    expect(() => split(Buffer.from([0xed, 0xa0, 0x80]))).toThrow("line 1")
  })

  it("takes the longest line a message may have and refuses one byte more", () => {
    expect(split(new Uint8Array(maxLineBytes).fill(0x61))[0]).toHaveLength(maxLineBytes)
    expect(() => split(new Uint8Array(maxLineBytes + 1).fill(0x61))).toThrow("65537 bytes")
  })
})
