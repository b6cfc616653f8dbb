import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { nobleProvider } from "../../src/crypto/Noble.ts"
import * as RatchetState from "../../src/ratchet/RatchetState.ts"
import { providers } from "../crypto/helpers.ts"
import { ok } from "../session/support.ts"
import { makeEnds, numbered, receive, send, sendMany } from "./support.ts"

const fast = providers.at(-1)!
const again = (state: RatchetState.RatchetState) => ok(RatchetState.decode(nobleProvider, RatchetState.encode(state)))
const reasonOf = (bytes: Uint8Array): string | undefined => {
  const decoded = RatchetState.decode(nobleProvider, bytes)
  return Result.isFailure(decoded) ? decoded.failure.reason : undefined
}

describe("RatchetState", () => {
  it.each([1, 2, 3] as const)(
    "comes back from its record in every phase, suite %i [ratchet.state.1] [state.version.1]",
    (suite) => {
      const { a, b } = makeEnds(nobleProvider, suite)
      expect(again(a.state)).toEqual(a.state)
      expect(again(b.state)).toEqual(b.state)
      for (let i = 0; i < 4; i++) {
        const [from, to] = i % 2 === 0 ? [a, b] : [b, a]
        send(nobleProvider, from, numbered(0))
        ok(receive(nobleProvider, to, send(nobleProvider, from, numbered(1))))
        expect(again(a.state)).toEqual(a.state)
        expect(again(b.state)).toEqual(b.state)
      }
    }
  )

  it("goes on after being stored and read at any moment [ratchet.state.1]", () => {
    const { a, b } = makeEnds(nobleProvider, 1)
    for (let i = 0; i < 8; i++) {
      const [from, to] = i % 3 === 0 ? [a, b] : [b, a]
      from.state = again(from.state)
      const message = send(nobleProvider, from, numbered(i))
      to.state = again(to.state)
      ok(receive(nobleProvider, to, message))
    }
  })

  it("stays under 400 bytes after 1,000 received messages, whatever was skipped [ratchet.state.1]", () => {
    const { a, b } = makeEnds(fast, 1)
    ok(receive(fast, b, send(fast, a, numbered(0))))
    ok(receive(fast, a, send(fast, b, numbered(0))))
    for (const message of sendMany(fast, a, 1000)) ok(receive(fast, b, message))
    expect(b.state.received).toBe(1000)
    expect(RatchetState.encode(b.state).length).toBeLessThanOrEqual(400)
    const more = sendMany(fast, a, 1001)
    ok(receive(fast, b, more[1000]!))
    expect(b.skipped.count).toBe(1000)
    expect(RatchetState.encode(b.state).length).toBeLessThanOrEqual(400)
  })

  it("keeps the arrays of keys that stay in use", () => {
    const { a, b } = makeEnds(nobleProvider, 1)
    ok(receive(nobleProvider, b, send(nobleProvider, a, numbered(0))))
    const before = b.state
    ok(receive(nobleProvider, b, send(nobleProvider, a, numbered(1))))
    send(nobleProvider, b, numbered(2))
    expect(b.state.ratchetSecret).toBe(before.ratchetSecret)
    expect(b.state.receiveHeader).toBe(before.receiveHeader)
    expect(b.state.sendHeader).toBe(before.sendHeader)
    expect(b.state.rootKey).toBe(before.rootKey)
  })

  it("names a version it does not know, and calls everything else corrupt [state.version.1] [state.corrupt.1]", () => {
    const record = RatchetState.encode(makeEnds(nobleProvider, 1).a.state)
    expect(reasonOf(record)).toBeUndefined()
    expect(reasonOf(record.map((byte, i) => (i === 1 ? 2 : byte)))).toBe("version")
    for (let length = 0; length < record.length; length++) {
      expect(reasonOf(record.slice(0, length))).toBe("corrupt")
    }
    expect(reasonOf(Uint8Array.from([...record, 0]))).toBe("corrupt")
    // A number of keys that no state has: 9 keys of 288 bytes, one byte less.
    const at = record.length - 288
    const shorter = Uint8Array.from([...record.slice(0, at - 2), 287 >> 8, 287 & 255, ...record.slice(at + 1)])
    expect(reasonOf(shorter)).toBe("corrupt")
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(["corrupt", "version"]).toContain(reasonOf(bytes))
      })
    )
  })
})
