import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as ReplayWindow from "../../src/sequence/ReplayWindow.ts"
import { causeOf, ok, snapshot } from "../session/support.ts"

const W = 2048

/** The window as the spec describes it, with a set of all numbers and no economy. */
class Model {
  highest = 0
  readonly received = new Set<number>()
  readonly gap = new Set<number>()
  lost: Array<number> = []

  private raise(to: number): void {
    for (const n of this.gap) if (n <= to - W) this.lost.push(n)
    for (const n of this.lost) this.gap.delete(n)
    this.highest = to
  }

  accept(c: number, floor: number): unknown {
    this.lost = []
    if (floor > this.highest) this.raise(floor)
    const lost = () => this.lost.sort((a, b) => a - b)
    if (c > this.highest) {
      const from = this.highest + 1
      for (let n = from; n < c; n++) this.gap.add(n)
      this.raise(c)
      this.received.add(c)
      return { tag: "Accepted", late: false, gap: c > from ? [from, c - 1] : undefined, filled: false, lost: lost() }
    }
    if (c <= this.highest - W) return { tag: "Stale", lost: lost() }
    if (this.received.has(c)) return { tag: "Duplicate", lost: lost() }
    const filled = this.gap.delete(c)
    this.received.add(c)
    return { tag: "Accepted", late: true, gap: undefined, filled, lost: lost() }
  }
}

const numbersOf = (ranges: ReadonlyArray<ReplayWindow.Range>): ReadonlyArray<number> =>
  ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i))

const plainOf = (outcome: ReplayWindow.Outcome): unknown =>
  outcome._tag === "Accepted"
    ? {
        tag: "Accepted",
        late: outcome.late,
        gap: outcome.gap && [outcome.gap.from, outcome.gap.to],
        filled: outcome.filled,
        lost: numbersOf(outcome.lost)
      }
    : { tag: outcome._tag, lost: numbersOf(outcome.lost) }

const take = (window: ReplayWindow.ReplayWindow, number: number, floor = 0) =>
  ok(ReplayWindow.accept(window, number, floor))
const after = (...numbers: ReadonlyArray<number>): ReplayWindow.ReplayWindow =>
  numbers.reduce((window, number) => take(window, number).next, ReplayWindow.empty)
const again = (window: ReplayWindow.ReplayWindow) => ok(ReplayWindow.decode(ReplayWindow.encode(window)))

describe("ReplayWindow", () => {
  it("accepts what is new, once [sequence.window.1] [sequence.warn.1]", () => {
    const window = after(1, 2, 3)
    expect(take(window, 4)).toMatchObject({ _tag: "Accepted", late: false, gap: undefined, lost: [] })
    for (const number of [1, 2, 3]) expect(take(window, number)._tag).toBe("Duplicate")
    expect(take(window, 3).next).toBe(window)
  })

  it("judges the edges of the window: 0, W−1, W and W+1 behind the highest [sequence.window.1]", () => {
    const highest = 10_000
    const window = after(highest)
    expect(take(window, highest)._tag).toBe("Duplicate")
    expect(take(window, highest - (W - 1))).toMatchObject({ _tag: "Accepted", late: true })
    expect(take(window, highest - W)._tag).toBe("Stale")
    expect(take(window, highest - (W + 1))._tag).toBe("Stale")
    expect(take(take(window, highest - (W - 1)).next, highest - (W - 1))._tag).toBe("Duplicate")
  })

  it("refuses numbers outside 1…2⁵³−1 [sequence.window.1]", () => {
    for (const number of [0, -1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(causeOf(ReplayWindow.accept(ReplayWindow.empty, number))).toBe("decode.value")
    }
    expect(take(ReplayWindow.empty, Number.MAX_SAFE_INTEGER)._tag).toBe("Accepted")
  })

  it("reports a gap exactly, and filling it, and losing it, each once [sequence.gap.1]", () => {
    const gapped = take(after(1), 5)
    expect(gapped).toMatchObject({ gap: { from: 2, to: 4 }, late: false })
    expect(ReplayWindow.gaps(gapped.next)).toEqual([{ from: 2, to: 4 }])
    const filled = take(gapped.next, 3)
    expect(filled).toMatchObject({ late: true, filled: true, gap: undefined })
    expect(ReplayWindow.gaps(filled.next)).toEqual([
      { from: 2, to: 2 },
      { from: 4, to: 4 }
    ])
    // The window moves until 2, then 4 leave it.
    let window = filled.next
    const lost: Array<unknown> = []
    for (let number = 6; number < 5 + W + 10; number++) {
      const outcome = take(window, number)
      for (const range of outcome.lost) lost.push([number, range.from, range.to])
      window = outcome.next
    }
    expect(lost).toEqual([
      [2 + W, 2, 2],
      [4 + W, 4, 4]
    ])
    expect(take(window, 4)._tag).toBe("Stale")
  })

  it("reports a giant jump as one gap, and as lost what cannot come any more [sequence.gap.1]", () => {
    const outcome = take(after(1, 2, 7), 1_000_000)
    expect(outcome).toMatchObject({ gap: { from: 8, to: 999_999 } })
    expect(outcome.lost).toEqual([
      { from: 3, to: 6 },
      { from: 8, to: 1_000_000 - W }
    ])
    const far = take(after(1), Number.MAX_SAFE_INTEGER)
    expect(far.lost).toEqual([{ from: 2, to: Number.MAX_SAFE_INTEGER - W }])
    expect(take(far.next, Number.MAX_SAFE_INTEGER - 5)).toMatchObject({ late: true, filled: true })
  })

  it("takes a floor without reporting what it passes over [sequence.floor.1]", () => {
    const first = take(ReplayWindow.empty, 7, 6)
    expect(first).toMatchObject({ _tag: "Accepted", gap: undefined, lost: [] })
    // The second start of a device that was not addressed before comes first.
    const crossed = take(ReplayWindow.empty, 8, 6)
    expect(crossed).toMatchObject({ gap: { from: 7, to: 7 } })
    expect(take(crossed.next, 7, 6)).toMatchObject({ filled: true, late: true })
    expect(ReplayWindow.gaps(first.next)).toEqual([])
    // What was passed over and comes after all is delivered, late, without having been a gap.
    expect(take(first.next, 3)).toMatchObject({ _tag: "Accepted", late: true, filled: false })
    expect(take(take(first.next, 3).next, 3)._tag).toBe("Duplicate")
    // A floor below what was received changes nothing; gaps stay gaps.
    const held = after(1, 5)
    expect(ReplayWindow.gaps(take(held, 6, 3).next)).toEqual([{ from: 2, to: 4 }])
    // A floor moves the window, so gaps can be lost by it.
    expect(take(held, 5000, 4999).lost).toEqual([{ from: 2, to: 4 }])
    expect(take(held, 5, 5000)).toMatchObject({ _tag: "Stale", lost: [{ from: 2, to: 4 }] })
  })

  it("does what the spec's description does, in every order, with records in between [sequence.window.1] [sequence.window.2] [sequence.gap.1] [sequence.floor.1]", () => {
    const near = fc.integer({ min: -60, max: 60 })
    const jump = fc.constantFrom(-W - 1, -W, -W + 1, W - 1, W, W + 1, 2 * W, 300)
    const step = fc.record({
      move: fc.oneof({ weight: 6, arbitrary: near }, { weight: 1, arbitrary: jump }),
      floor: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: near }),
      store: fc.boolean()
    })
    fc.assert(
      fc.property(fc.nat(4000), fc.array(step, { maxLength: 60, size: "max" }), (origin, script) => {
        const model = new Model()
        let window = ReplayWindow.empty
        for (const { floor, move, store } of script) {
          const number = Math.max(1, (window.highest || origin) + move)
          const f = floor === undefined ? 0 : Math.max(0, window.highest + floor)
          const outcome = take(window, number, f)
          expect(plainOf(outcome)).toEqual(model.accept(number, f))
          window = store ? again(outcome.next) : outcome.next
          expect(again(window)).toEqual(window)
          expect(numbersOf(ReplayWindow.gaps(window))).toEqual([...model.gap].sort((a, b) => a - b))
        }
      }),
      { numRuns: 60 }
    )
  })

  it("never reports a gap for a number that was received [sequence.gap.1]", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(Array.from({ length: 80 }, (_, i) => i + 1)), (order) => {
        let window = ReplayWindow.empty
        const received = new Set<number>()
        for (const number of order) {
          const outcome = take(window, number)
          if (outcome._tag !== "Accepted") return expect.unreachable()
          if (outcome.gap) for (const n of numbersOf([outcome.gap])) expect(received.has(n)).toBe(false)
          received.add(number)
          window = outcome.next
        }
        const missing = numbersOf(ReplayWindow.gaps(window))
        expect(missing).toEqual(Array.from({ length: window.highest }, (_, i) => i + 1).filter((n) => !received.has(n)))
      })
    )
  })

  it("changes no window it is given [ratchet.atomic.2]", () => {
    const window = after(1, 9, 4)
    const before = snapshot(window)
    for (const [number, floor] of [
      [10, 0],
      [2, 0],
      [500, 0],
      [5000, 4000],
      [4, 0]
    ] as const)
      take(window, number, floor)
    expect(window).toEqual(before)
    // Number 1 leaves the window, and was missing.
    const full = after(2048)
    const whole = snapshot(full)
    take(full, 2049)
    expect(full).toEqual(whole)
    expect(ReplayWindow.empty).toEqual({
      highest: 0,
      received: new Uint32Array(64),
      missing: new Uint32Array(64),
      open: 0
    })
  })

  it("has a small record when little is missing, and a bounded one at worst [state.version.1]", () => {
    let window = ReplayWindow.empty
    for (let number = 1; number <= 5000; number++) window = take(window, number).next
    expect(ReplayWindow.encode(window).length).toBeLessThanOrEqual(10)
    for (let number = 5002; number < 9000; number += 2) window = take(window, number).next
    expect(ReplayWindow.encode(window).length).toBeLessThanOrEqual(525)
    expect(ReplayWindow.encode(take(ReplayWindow.empty, 100_001, 100_000).next).length).toBeLessThan(16)
  })

  it("refuses records it cannot read [state.version.1] [state.corrupt.1]", () => {
    const record = ReplayWindow.encode(after(1, 9, 4))
    const reason = (bytes: Uint8Array) => {
      const decoded = ReplayWindow.decode(bytes)
      return Result.isFailure(decoded) ? decoded.failure.reason : undefined
    }
    expect(reason(record)).toBeUndefined()
    expect(reason(record.map((byte, i) => (i === 1 ? 2 : byte)))).toBe("version")
    expect(reason(record.slice(0, -1))).toBe("corrupt")
    // Missing, yet received.
    const inner = record.slice()
    inner[inner.length - 1]! |= 1
    expect(reason(inner)).toBe("corrupt")
  })
})
