import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as ReplayWindow from "../../src/sequence/ReplayWindow.ts"
import * as Sequence from "../../src/sequence/Sequence.ts"
import { causeOf, ok } from "../session/support.ts"

describe("Sequence", () => {
  it("counts 1, 2, 3 and stops at the end [sequence.number.1]", () => {
    const one = ok(Sequence.step(Sequence.start))
    expect([one.last, ok(Sequence.step(one)).last]).toEqual([1, 2])
    expect(causeOf(Sequence.step({ last: Number.MAX_SAFE_INTEGER }))).toBe("limit.chain")
    expect(ok(Sequence.step({ last: Number.MAX_SAFE_INTEGER - 1 })).last).toBe(Number.MAX_SAFE_INTEGER)
  })

  it("tells a device that was not addressed before where to begin [sequence.floor.1]", () => {
    const window = ok(ReplayWindow.accept(ReplayWindow.empty, 41, Sequence.floorBefore(41)))
    expect(window).toMatchObject({ _tag: "Accepted", gap: undefined })
    expect(Sequence.floorBefore(1)).toBe(0)
  })

  it("goes on after what a peer received, and never back [fence.heal.1]", () => {
    expect(Sequence.resume({ last: 5 }, 12)).toEqual({ last: 12 })
    expect(Sequence.resume({ last: 12 }, 5)).toEqual({ last: 12 })
  })

  it("comes back from its record [state.version.1]", () => {
    expect(ok(Sequence.decode(Sequence.encode({ last: 70_000 })))).toEqual({ last: 70_000 })
    const other = Sequence.decode(Uint8Array.of(0x92, 2, 5))
    expect(Result.isFailure(other) && other.failure.reason).toBe("version")
  })
})
