import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { nobleProvider } from "../../src/crypto/Noble.ts"
import * as HeaderKey from "../../src/ratchet/HeaderKey.ts"
import * as SkippedKeys from "../../src/ratchet/SkippedKeys.ts"
import { coins, ok } from "../session/support.ts"

const draw = coins(4)
const ad = draw(32)
const headers = [draw(32), draw(32), draw(32)].map((key) => HeaderKey.make(nobleProvider, 1, ad, key))
const keyOf = (chain: number, number: number, ordinal: number, at = 0): SkippedKeys.SkippedKey => ({
  header: headers[chain]!,
  number,
  messageKey: draw(32),
  at,
  ordinal
})

describe("SkippedKeys", () => {
  it("finds what was added by tag and number, and the header key as long as keys remain [ratchet.skip.4]", () => {
    const keys = SkippedKeys.make()
    const [one, two, other] = [keyOf(0, 3, 0), keyOf(0, 4, 1), keyOf(1, 3, 2)]
    keys.apply({ added: [one, two, other], removed: [] })
    expect(keys.count).toBe(3)
    expect(keys.get(headers[0]!.tag, 3)).toBe(one)
    expect(keys.get(headers[1]!.tag, 3)).toBe(other)
    expect(keys.get(headers[2]!.tag, 3)).toBeUndefined()
    expect(keys.remaining(headers[0]!.tag)).toBe(2)
    keys.apply({ added: [], removed: [one] })
    expect(keys.headerKey(headers[0]!.tag)).toBe(headers[0])
    keys.apply({ added: [], removed: [two] })
    expect(keys.headerKey(headers[0]!.tag)).toBeUndefined()
    expect(keys.remaining(headers[0]!.tag)).toBe(0)
    expect(keys.tags().length).toBe(1)
    keys.apply({ added: [], removed: [two] })
    expect(keys.count).toBe(1)
  })

  it("tells the oldest first, whatever chain they are of [ratchet.skip.2]", () => {
    const keys = SkippedKeys.make()
    keys.apply({ added: [keyOf(1, 9, 0, 50), keyOf(0, 1, 1, 40), keyOf(1, 2, 2, 60)], removed: [] })
    expect(keys.oldest(2).map(({ ordinal }) => ordinal)).toEqual([0, 1])
    expect(keys.oldest(9).length).toBe(3)
    expect(keys.oldest(0)).toEqual([])
    const life = 30 * 24 * 3_600_000
    expect(keys.expired(50 + life).map(({ ordinal }) => ordinal)).toEqual([1])
  })

  it("comes back from its records in whatever order they are read [state.version.1] [ratchet.skip.2]", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.nat(2), fc.nat(40)), { selector: ([chain, n]) => `${chain}/${n}`, maxLength: 30 }),
        fc.func(fc.nat()),
        (places, shuffle) => {
          const added = places.map(([chain, number], ordinal) => keyOf(chain, number, ordinal, 1000 + ordinal))
          const keys = SkippedKeys.make()
          keys.apply({ added, removed: [] })
          const records = added
            .map((key) => ({ number: key.number, bytes: SkippedKeys.encode(key) }))
            .sort((a, b) => shuffle(a.number) - shuffle(b.number))
          const read = ok(SkippedKeys.decodeAll(nobleProvider, 1, ad, records))
          expect(read.oldest(100)).toEqual(keys.oldest(100))
          expect(read.tags().slice().sort()).toEqual(keys.tags().slice().sort())
        }
      )
    )
  })

  it("shares one header key among the keys of a chain", () => {
    const records = [keyOf(0, 1, 0), keyOf(0, 2, 1)].map((key) => ({
      number: key.number,
      bytes: SkippedKeys.encode(key)
    }))
    const [one, two] = ok(SkippedKeys.decodeAll(nobleProvider, 1, ad, records)).oldest(2)
    expect(one!.header).toBe(two!.header)
  })

  it("writes one record per key, under 90 bytes [ratchet.state.1]", () => {
    expect(SkippedKeys.encode(keyOf(0, 1, 2_000_000, 1_700_000_000_000)).length).toBeLessThan(90)
  })

  it("refuses records it cannot read [state.version.1] [state.corrupt.1]", () => {
    const bytes = SkippedKeys.encode(keyOf(0, 1, 0))
    const read = (given: Uint8Array) => {
      const result = SkippedKeys.decodeAll(nobleProvider, 1, ad, [{ number: 1, bytes: given }])
      return Result.isFailure(result) ? result.failure.reason : undefined
    }
    expect(read(bytes)).toBeUndefined()
    expect(read(bytes.slice(1))).toBe("corrupt")
    expect(read(bytes.map((byte, i) => (i === 1 ? 9 : byte)))).toBe("version")
  })
})
