import { Canonical } from "@tacit/core/hazmat"
import { arbitrary } from "@tacit/core/testing"
import * as Frames from "@tacit/transport-ws/frames"
import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const reasonOf = (result: Result.Result<unknown, unknown>): unknown =>
  Result.isFailure(result) ? result.failure : undefined

describe("frames", () => {
  it("reads back every client frame it writes [relay.frame.1]", () => {
    fc.assert(
      fc.property(arbitrary(fc, Frames.ClientFrame), (frame) => {
        const bytes = Result.getOrThrow(Frames.encodeClient(frame))
        expect(Result.getOrThrow(Frames.decodeClient(bytes))).toEqual(frame)
      }),
      { numRuns: 300 }
    )
  })

  it("reads back every relay frame it writes [relay.frame.1]", () => {
    fc.assert(
      fc.property(arbitrary(fc, Frames.RelayFrame), (frame) => {
        const decoded = Result.getOrThrow(Frames.decodeRelay(Frames.encodeRelay(frame)))
        expect(decoded).toEqual(frame)
      }),
      { numRuns: 300 }
    )
  })

  it("has the bytes of the table [relay.frame.1]", () => {
    const token = new Uint8Array(16).fill(7)
    const envelope = Uint8Array.of(1, 2, 3)
    const submit: Frames.ClientFrame = { type: 14, request: 5, token, envelope }
    expect(Result.getOrThrow(Frames.encodeClient(submit))).toEqual(
      Uint8Array.of(0x94, 14, 5, 0xc4, 16, ...token, 0xc4, 3, 1, 2, 3)
    )
    expect(Frames.encodeRelay({ type: 4, request: 200 })).toEqual(Uint8Array.of(0x92, 4, 0xcc, 200))
    expect(
      Frames.encodeRelay({
        type: 255,
        request: 0,
        code: "quota",
        message: "",
        retryAfterMs: 0,
        detail: new Uint8Array()
      })
    ).toEqual(Uint8Array.of(0x96, 0xcc, 255, 0, 0xa5, 0x71, 0x75, 0x6f, 0x74, 0x61, 0xa0, 0, 0xc4, 0))
  })

  it("tells an unknown type, with its request, from a damaged frame [relay.frame.2]", () => {
    expect(reasonOf(Frames.decodeClient(Canonical.encode([99, 7, "x"])))).toMatchObject({
      _tag: "UnknownFrame",
      request: 7
    })
    // A frame of the other direction is unknown in this one.
    expect(reasonOf(Frames.decodeClient(Canonical.encode([15, 8])))).toMatchObject({ _tag: "UnknownFrame", request: 8 })
    for (const value of [[14, 1], [14, 1, new Uint8Array(17), Uint8Array.of(1)], ["x", 1], [20], [99], 20, []]) {
      expect(reasonOf(Frames.decodeClient(Canonical.encode(value)))).toMatchObject({ _tag: "Malformed" })
    }
    expect(reasonOf(Frames.decodeClient(Uint8Array.of(0x92, 99, 0xcc, 1)))).toMatchObject({ _tag: "Malformed" })
  })

  it("refuses what is longer than a frame may be [relay.frame.1]", () => {
    expect(reasonOf(Frames.decodeRelay(new Uint8Array(Frames.maxFrameBytes + 1)))).toMatchObject({ reason: "size" })
    expect(reasonOf(Frames.decodeClient(new Uint8Array(Frames.maxFrameBytes + 1)))).toMatchObject({ reason: "size" })
  })

  it("decodes nothing that does not encode to the same bytes [relay.frame.2]", () => {
    const mutated = fc
      .tuple(
        arbitrary(fc, Frames.ClientFrame),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom("set", "cut", "add")
      )
      .map(([frame, at, byte, how]) => {
        const bytes = Result.getOrThrow(Frames.encodeClient(frame))
        if (how === "cut") return bytes.slice(0, at % bytes.length)
        if (how === "add") return Uint8Array.of(...bytes, byte)
        const copy = bytes.slice()
        copy[at % copy.length] = byte
        return copy
      })
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 400 })), (bytes) => {
        const decoded = Frames.decodeClient(bytes)
        if (Result.isSuccess(decoded)) expect(Result.getOrThrow(Frames.encodeClient(decoded.success))).toEqual(bytes)
      }),
      { numRuns: 2000 }
    )
  })

  it("keeps the list of error codes closed [relay.error.1]", () => {
    expect(Frames.codes).toHaveLength(25)
    expect(new Set(Frames.codes).size).toBe(25)
    expect(Frames.isErrorCode("stale-device")).toBe(true)
    expect(Frames.isErrorCode("teapot")).toBe(false)
  })
})
