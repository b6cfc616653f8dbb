import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as WebSocketFrames from "../src/wire/WebSocketFrames.ts"

describe("WebSocket frames on the wire", () => {
  it("reads what it wrote, of every length class, masked or not", () => {
    for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 131_072]) {
      for (const masked of [true, false]) {
        const payload = new Uint8Array(length).map((_, i) => i)
        const wire = WebSocketFrames.write(payload, masked)
        expect(WebSocketFrames.read(wire)).toEqual({
          final: true,
          compressed: false,
          opcode: 2,
          masked,
          payload,
          raw: wire
        })
        expect(WebSocketFrames.read(wire.subarray(0, wire.length - 1))).toBeUndefined()
      }
    }
  })

  it("takes the mask off", () => {
    // The masked "Hello" of RFC 6455 §5.7.
    const wire = Uint8Array.from([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58])
    const frame = WebSocketFrames.read(wire)
    expect(frame?.opcode).toBe(1)
    expect(new TextDecoder().decode(frame?.payload)).toBe("Hello")
  })

  it("leaves what follows alone", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 20 }),
        fc.boolean(),
        (payload, rest, masked) => {
          const wire = WebSocketFrames.write(payload, masked)
          expect(WebSocketFrames.read(Buffer.concat([wire, rest]))?.raw).toEqual(wire)
        }
      )
    )
  })
})
