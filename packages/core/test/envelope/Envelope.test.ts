import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import * as Envelope from "../../src/envelope/Envelope.ts"
import { causeOf, ok } from "../session/support.ts"

const to = Uint8Array.from({ length: 16 }, (_, i) => i)
const body = Uint8Array.of(1, 2, 3)
const kinds = Object.values(Envelope.kinds)

describe("Envelope", () => {
  it("is [version, kind, to, body] [envelope.layout.1]", () => {
    for (const kind of kinds) {
      for (const length of [1, 2, 255, 256, 65_535, 65_536, 100_000]) {
        const envelope = { kind, to, body: new Uint8Array(length).fill(7) }
        const bytes = ok(Envelope.encode(envelope))
        expect(bytes).toEqual(Canonical.encode([1, kind, to, envelope.body]))
        expect(bytes).toEqual(Envelope.Frame.encode({ version: 1, ...envelope }))
        expect(ok(Envelope.decode(bytes))).toEqual(envelope)
        expect(bytes).toEqual(Bytes.concat(ok(Envelope.front(kind, to, length)), envelope.body))
      }
    }
    expect(causeOf(Envelope.decode(Canonical.encode([1, 1, to, new Uint8Array(0)])))).toBe("decode.size")
    expect(causeOf(Envelope.decode(Canonical.encode([1, 1, to.slice(1), body])))).toBe("decode.size")
    expect(causeOf(Envelope.decode(Canonical.encode([1, 1, to, body, 0])))).toBe("decode.size")
    expect(causeOf(Envelope.encode({ kind: 1, to, body: new Uint8Array(0) }))).toBe("decode.size")
  })

  it("has the encoding of [version, kind, to], 21 bytes, as prefix [envelope.prefix.1]", () => {
    for (const kind of kinds) {
      expect(Envelope.prefix(kind, to)).toEqual(Canonical.encode([1, kind, to]))
      expect(Envelope.prefix(kind, to).length).toBe(21)
    }
    expect(() => Envelope.prefix(1, to.slice(1))).toThrow(TypeError)
  })

  it("refuses other versions before the rest is looked at [envelope.version.1]", () => {
    for (const version of [0, 2, 127, 300]) {
      expect(causeOf(Envelope.decode(Canonical.encode([version, 1, to, body])))).toBe("envelope.version")
      // Neither shape nor length of what follows matters.
      expect(causeOf(Envelope.decode(Canonical.encode([version, "?"])))).toBe("envelope.version")
      expect(causeOf(Envelope.decode(Canonical.encode([version, 1, to, body]).slice(0, 9)))).toBe("envelope.version")
    }
    expect(causeOf(Envelope.decode(Canonical.encode(["1", 1, to, body])))).toBe("decode.type")
  })

  it("refuses kinds there are not [envelope.kind.1]", () => {
    for (const kind of [0, 6, 200]) {
      expect(causeOf(Envelope.decode(Canonical.encode([1, kind, to, body])))).toBe("envelope.kind")
    }
    expect(kinds).toEqual([1, 2, 3, 4, 5])
  })

  it("holds 131,072 bytes and no more, and refuses more before parsing [envelope.size.1]", () => {
    const most = Limits.maxEnvelopeBytes - 26
    const full = ok(Envelope.encode({ kind: 2, to, body: new Uint8Array(most) }))
    expect(full.length).toBe(131_072)
    ok(Envelope.decode(full))
    expect(causeOf(Envelope.encode({ kind: 2, to, body: new Uint8Array(most + 1) }))).toBe("decode.size")
    expect(causeOf(Envelope.decode(new Uint8Array(131_073).fill(0xff)))).toBe("decode.size")
  })

  it("refuses truncated and trailing bytes and longer forms [envelope.layout.1]", () => {
    const bytes = ok(Envelope.encode({ kind: 2, to, body }))
    for (let length = 0; length < bytes.length; length++) {
      expect(causeOf(Envelope.decode(bytes.slice(0, length)))).toBe("decode.truncated")
    }
    expect(causeOf(Envelope.decode(Bytes.concat(bytes, Uint8Array.of(0))))).toBe("decode.trailing")
    const wide = Bytes.concat(bytes.slice(0, 21), Uint8Array.of(0xc5, 0, 3), body)
    expect(causeOf(Envelope.decode(wide))).toBe("decode.noncanonical")
  })

  it("answers every byte string with an envelope that encodes to it, or a failure [envelope.layout.1]", () => {
    const near = fc
      .tuple(fc.nat(24), fc.nat(255))
      .map(([at, byte]) => ok(Envelope.encode({ kind: 2, to, body })).map((old, i) => (i === at ? byte : old)))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), near), (bytes) => {
        const decoded = Envelope.decode(bytes)
        if (Result.isSuccess(decoded)) expect(ok(Envelope.encode(decoded.success))).toEqual(bytes)
        else expect(decoded.failure._tag).toBe("Failure")
      }),
      { numRuns: 500 }
    )
  })

  it("answers version and then kind before anything else that is wrong [envelope.order.1]", () => {
    const cause = (value: Canonical.Value) => causeOf(Envelope.decode(Canonical.encode(value)))
    expect(cause([2])).toBe("envelope.version")
    expect(cause([2, 9, "x", 1, 1])).toBe("envelope.version")
    expect(cause([1, 9])).toBe("envelope.kind")
    expect(cause([1, 0, new Uint8Array(15), 1, 1])).toBe("envelope.kind")
    expect(cause([1, 1])).toBe("decode.size")
    expect(cause(["x", 9])).toMatch(/^decode\./)
    expect(Envelope.prefix(1, new Uint8Array(16))[0]).toBe(0x93)
  })
})
