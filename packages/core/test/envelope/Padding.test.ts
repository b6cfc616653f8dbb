import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Padding from "../../src/envelope/Padding.ts"
import { causeOf, ok } from "../session/support.ts"

/** P(L) as the spec writes it, with real logarithms of exact powers. */
const specified = (length: number): number => {
  if (length <= 64) return 64
  let e = 0
  while (2 ** (e + 1) <= length) e++
  let s = 0
  while (2 ** (s + 1) <= e) s++
  const multiple = 2 ** (e - (s + 1))
  return Math.ceil(length / multiple) * multiple
}

describe("Padding", () => {
  it("rounds up to 64, then as Padmé does [padding.length.1]", () => {
    for (let length = 1; length < 5000; length++) expect(Padding.paddedLength(length)).toBe(specified(length))
    for (const length of [65_535, 65_536, 65_537, 98_305, 131_071]) {
      expect(Padding.paddedLength(length)).toBe(specified(length))
    }
    // Examples, worked by hand.
    expect([64, 65, 66, 72, 73, 128, 129, 1000].map(Padding.paddedLength)).toEqual([64, 72, 72, 72, 80, 128, 144, 1024])
    for (let length = 65; length < 131_072; length += 97) {
      const padded = Padding.paddedLength(length)
      expect(padded).toBeGreaterThanOrEqual(length)
      expect(padded / length).toBeLessThan(1.12)
    }
  })

  it("is the content, 0x80 and zeros, up to that length [padding.layout.1]", () => {
    const padded = Padding.pad(Uint8Array.of(1, 2, 3))
    expect(padded.length).toBe(64)
    expect(padded.slice(0, 4)).toEqual(Uint8Array.of(1, 2, 3, 0x80))
    expect(padded.slice(4).every((byte) => byte === 0)).toBe(true)
    expect([63, 64].map((n) => Padding.pad(new Uint8Array(n)).length)).toEqual([64, 72])
  })

  it("comes off again, whatever the content ends with [padding.check.1]", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(3), (content, tail) => {
        const tricky = Uint8Array.from([...content, ...[[], [0x80], [0], [0x80, 0, 0]][tail]!])
        expect(ok(Padding.unpad(Padding.pad(tricky)))).toEqual(tricky)
      })
    )
  })

  it("refuses another last byte, no marker, and a length that is too long or too short [padding.check.1]", () => {
    const refused = (padded: Uint8Array) => expect(causeOf(Padding.unpad(padded))).toBe("decode.padding")
    refused(new Uint8Array(0))
    refused(new Uint8Array(64))
    refused(Padding.pad(Uint8Array.of(1)).map((byte) => (byte === 0x80 ? 0x81 : byte)))
    refused(Uint8Array.from([...Padding.pad(Uint8Array.of(1)), 0]))
    refused(Padding.pad(Uint8Array.of(1)).slice(0, 63))
    // 72 bytes for content that fits into 64.
    const loose = new Uint8Array(72)
    loose[10] = 0x80
    refused(loose)
    // A marker moved to the next step of Padmé.
    const other = new Uint8Array(80)
    other[71] = 0x80
    refused(other)
    other[72] = 0x80
    expect(ok(Padding.unpad(other)).length).toBe(72)
  })
})
