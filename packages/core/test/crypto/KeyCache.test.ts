import { describe, expect, it } from "vitest"
import * as KeyCache from "../../src/crypto/KeyCache.ts"

describe("KeyCache", () => {
  it("computes once for one array, and anew when its content changed or it was forgotten", () => {
    let computed = 0
    const double = KeyCache.make((key) => {
      computed++
      return key.map((byte) => 2 * byte)
    })
    const key = Uint8Array.of(1, 2, 3)
    expect(double(key)).toBe(double(key))
    expect(computed).toBe(1)
    key[0] = 7
    expect(double(key)).toEqual(Uint8Array.of(14, 4, 6))
    KeyCache.forget([key])
    expect(double(key)).toEqual(Uint8Array.of(14, 4, 6))
    expect(computed).toBe(3)
    // Equal content in another array is another key.
    double(key.slice())
    expect(computed).toBe(4)
  })

  it("erases what it remembered of a key that is forgotten or changed, in every cache [crypto.erase.1]", () => {
    const plain = KeyCache.make((key) => key.slice())
    const pair = KeyCache.make((key) => ({ secret: key.slice(), name: "pair" }))
    const key = Uint8Array.of(4, 5, 6)
    const [first, second] = [plain(key), pair(key)]
    expect([first, second.secret]).toEqual([key, key])
    KeyCache.forget([key, Uint8Array.of(9)])
    expect([first, second.secret]).toEqual([new Uint8Array(3), new Uint8Array(3)])
    const third = plain(key)
    key[0] = 0
    expect(plain(key)).toEqual(Uint8Array.of(0, 5, 6))
    expect(third).toEqual(new Uint8Array(3))
  })
})
