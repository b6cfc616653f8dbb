/** What holds for every order, duplication, loss and forgery between two ends of a ratchet. */
import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as RatchetState from "../../src/ratchet/RatchetState.ts"
import { providers } from "../crypto/helpers.ts"
import { causeOf, ok } from "../session/support.ts"
import { copyOf, type End, makeEnds, numbered, receive, send } from "./support.ts"

const fast = providers.at(-1)!

/**
 * A script of total steps: whatever the numbers, each step means something. `send` seals at one end, `deliver` gives some
 * message in flight (and leaves it there: deliveries double), `store` writes an end and reads it back.
 */
type Step =
  | { readonly do: "send"; readonly at: 0 | 1 }
  | { readonly do: "deliver"; readonly at: 0 | 1; readonly pick: number }
  | { readonly do: "forge"; readonly at: 0 | 1; readonly pick: number; readonly place: number; readonly bits: number }
  | { readonly do: "store"; readonly at: 0 | 1 }

const end = fc.constantFrom<0 | 1>(0, 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const), at: end }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("deliver" as const), at: end, pick: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("forge" as const),
      at: end,
      pick: fc.nat(),
      place: fc.nat(),
      bits: fc.integer({ min: 1, max: 255 })
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("store" as const), at: end }) }
)

interface InFlight {
  readonly message: Uint8Array
  readonly said: Uint8Array
  delivered: boolean
}

describe("two ends of a ratchet", () => {
  it.each([1, 2, 3] as const)(
    "deliver every message exactly once and right, in whatever order, doubled, lost or forged; suite %i [ratchet.atomic.1] [ratchet.skip.3] [ratchet.receive.1]",
    (suite) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 80, size: "max" }), (script) => {
          const { a, b } = makeEnds(fast, suite)
          const ends = [a, b] as const
          const towards: readonly [Array<InFlight>, Array<InFlight>] = [[], []]
          let count = 0
          for (const act of script) {
            const self: End = ends[act.at]
            const inbox = towards[act.at]
            if (act.do === "send") {
              if (self.state.sendChain === undefined) continue
              const said = numbered(count++)
              towards[act.at === 0 ? 1 : 0].push({ message: send(fast, self, said), said, delivered: false })
            } else if (act.do === "store") {
              self.state = ok(RatchetState.decode(fast, RatchetState.encode(self.state)))
            } else if (inbox.length > 0) {
              const chosen = inbox[act.pick % inbox.length]!
              if (act.do === "forge") {
                const forged = chosen.message.slice()
                forged[act.place % forged.length]! ^= act.bits
                const before = copyOf(self.state)
                const kept = self.skipped.count
                expect(Result.isFailure(receive(fast, self, forged))).toBe(true)
                expect(self.state).toEqual(before)
                expect(self.skipped.count).toBe(kept)
              } else {
                const opened = receive(fast, self, chosen.message)
                if (chosen.delivered) {
                  expect(["fresh.used-key", "lookup.no-session"]).toContain(causeOf(opened))
                } else {
                  expect(ok(opened).padded).toEqual(chosen.said)
                  chosen.delivered = true
                }
              }
            }
          }
          // Nothing that is still in flight has become undeliverable. The responder's first needs the initiator's.
          for (const [at, inbox] of towards.entries()) {
            for (const { delivered, message, said } of inbox) {
              if (!delivered) expect(ok(receive(fast, ends[at]!, message)).padded).toEqual(said)
            }
            expect(ends[at]!.skipped.count).toBe(0)
          }
        }),
        { numRuns: 150 }
      )
    }
  )

  it.each([1, 2, 3] as const)(
    "refuse a message with any byte changed or cut off anywhere, then open the genuine one; suite %i [ratchet.atomic.1] [ratchet.atomic.2]",
    (suite) => {
      const { a, b } = makeEnds(fast, suite)
      const refuses = (self: End, message: Uint8Array): void => {
        const before = copyOf(self.state)
        const kept = self.skipped.oldest(10)
        for (let at = 0; at < message.length; at++) {
          for (const bit of [1, 0x80]) {
            const forged = message.slice()
            forged[at]! ^= bit
            expect(Result.isFailure(receive(fast, self, forged))).toBe(true)
          }
          expect(Result.isFailure(receive(fast, self, message.slice(0, at)))).toBe(true)
        }
        expect(Result.isFailure(receive(fast, self, Uint8Array.from([...message, 0])))).toBe(true)
        expect(self.state).toEqual(before)
        expect(self.skipped.oldest(10)).toEqual(kept)
        ok(receive(fast, self, message))
      }
      // A first message, one that turns the ratchet, one in order, one that skips, one with a skipped key, one of an older chain.
      refuses(b, send(fast, a, numbered(1)))
      refuses(a, send(fast, b, numbered(2)))
      refuses(b, send(fast, a, numbered(3)))
      const [first, second, third] = [
        send(fast, a, numbered(4)),
        send(fast, a, numbered(5)),
        send(fast, a, numbered(6))
      ]
      refuses(b, third)
      refuses(b, first)
      ok(receive(fast, a, send(fast, b, numbered(7))))
      ok(receive(fast, b, send(fast, a, numbered(8))))
      refuses(b, second)
    }
  )

  it("refuse headers and bodies put together from two messages [ratchet.message.1]", () => {
    const { a, b } = makeEnds(fast, 1)
    const [one, two] = [send(fast, a, numbered(1)), send(fast, a, numbered(2))]
    const splice = (head: Uint8Array, body: Uint8Array) => Uint8Array.from([...head.slice(0, 84), ...body.slice(84)])
    expect(causeOf(receive(fast, b, splice(one, two)))).toBe("auth.tag")
    expect(causeOf(receive(fast, b, splice(two, one)))).toBe("auth.tag")
    ok(receive(fast, b, two))
    ok(receive(fast, b, one))
  })

  it("refuse a message that was meant for another envelope [envelope.prefix.1]", () => {
    const { a, b } = makeEnds(fast, 1)
    const message = send(fast, a, numbered(1))
    const other = makeEnds(fast, 1, 2)
    expect(causeOf(receive(fast, other.b, message))).toBe("lookup.no-session")
    expect(causeOf(receive(fast, a, message))).toBe("lookup.no-session")
    ok(receive(fast, b, message))
  })
})
