import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import type { Setting } from "../../src/envelope/OwnDevice.ts"
import * as Register from "../../src/identity/Register.ts"
import * as Settings from "../../src/identity/Settings.ts"

const device = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const text = (value: string): Uint8Array => Bytes.utf8Encode(value)
const setting = (name: string, stamp: number, by: number, value?: string): Setting => ({
  name,
  stamp,
  device: device(by),
  value: value === undefined ? undefined : text(value)
})
const shown = (settings: Settings.Settings): ReadonlyArray<string> =>
  settings.map(
    ({ device, name, stamp, value }) =>
      `${name} ${stamp} ${device[0]} ${value === undefined ? "-" : Bytes.toHex(value)}`
  )

describe("registers", () => {
  it("gives a stamp of the clock, or one above what is known [own.register.1]", () => {
    expect(Register.stampOf(1000, 7)).toBe(1000)
    expect(Register.stampOf(1000.7, 7)).toBe(1000)
    expect(Register.stampOf(7, 1000)).toBe(1001)
    expect(Register.stampOf(0, 0)).toBe(1)
    expect(Register.stampOf(-5, 0)).toBe(1)
    expect(Register.stampOf(7, 2 ** 52)).toBe(2 ** 52)
    expect(Register.stampOf(2 ** 53 - 1, 7)).toBe(2 ** 52)
  })

  it("orders writings by stamp, device, and value, none below any [own.register.1]", () => {
    const ascending: ReadonlyArray<Register.Written> = [
      setting("", 1, 9, "z"),
      setting("", 2, 1),
      setting("", 2, 1, ""),
      setting("", 2, 1, "a"),
      setting("", 2, 1, "aa"),
      setting("", 2, 1, "b"),
      setting("", 2, 2)
    ]
    for (const [i, a] of ascending.entries())
      for (const [j, b] of ascending.entries()) expect(Math.sign(Register.compare(a, b))).toBe(Math.sign(i - j))
  })
})

describe("settings", () => {
  it("takes over what stands above, and nothing else [own.register.2] [own.setting.2]", () => {
    const held = [setting("a", 5, 1, "x"), setting("b", 5, 1, "x")]
    expect(Settings.merge(held, [setting("a", 4, 9, "y"), setting("b", 5, 1, "x")])).toBe(held)
    expect(Settings.covers(held, [setting("a", 5, 1)])).toBe(true)
    expect(Settings.covers(held, [setting("a", 6, 1)])).toBe(false)
    expect(shown(Settings.merge(held, [setting("a", 6, 1), setting("0", 1, 1, "n")]))).toEqual([
      "0 1 1 6e",
      "a 6 1 -",
      "b 5 1 78"
    ])
  })

  it("says what is different for an application [own.setting.2]", () => {
    const before = [setting("a", 5, 1, "x"), setting("b", 5, 1), setting("c", 1, 1, "x")]
    const after = [setting("a", 6, 1, "x"), setting("b", 6, 1), setting("c", 2, 1), setting("d", 1, 1, "y")]
    expect(shown(Settings.changes(before, after))).toEqual(["c 2 1 -", "d 1 1 79"])
    expect(shown(Settings.changes(before, before.slice(0, 2)))).toEqual(["c 1 1 -"])
  })

  const value = fc.option(fc.uint8Array({ maxLength: 2 }), { nil: undefined })
  const writing = (names: number) =>
    fc.record({
      name: fc.nat(names - 1).map((n) => `n${String(n).padStart(3, "0")}`),
      stamp: fc.integer({ min: 1, max: 400 }),
      device: fc.integer({ min: 1, max: 3 }).map(device),
      value
    })
  const heard = (told: ReadonlyArray<ReadonlyArray<Setting>>): Settings.Settings =>
    told.reduce<Settings.Settings>(Settings.merge, [])

  it("comes to the same in whatever order and however often words come, also beyond what is kept [own.register.2] [own.setting.1]", () => {
    for (const names of [4, 300]) {
      const words = fc.array(fc.array(writing(names), { maxLength: names }), { maxLength: 8 })
      fc.assert(
        fc.property(words, fc.infiniteStream(fc.nat()), (told, dice) => {
          const whole = heard(told)
          const shuffled = [...told, ...told]
            .map((word) => [dice.next().value as number, word] as const)
            .sort(([a], [b]) => a - b)
            .map(([, word]) => [...word].reverse())
          expect(shown(heard(shuffled))).toEqual(shown(whole))
          // What a device passes on is as good as the words themselves.
          const half = Math.floor(told.length / 2)
          expect(shown(heard([heard(told.slice(half)), heard(told.slice(0, half))]))).toEqual(shown(whole))
          expect(whole.length).toBeLessThanOrEqual(128)
          expect(whole.map(({ name }) => name)).toEqual(whole.map(({ name }) => name).toSorted())
        }),
        { numRuns: names === 4 ? 200 : 60 }
      )
    }
  })

  it("writes above everything it knows, and nothing that stands already [own.register.1] [own.setting.4]", () => {
    const held = [setting("a", 5000, 1, "x"), setting("b", 3, 1)]
    expect(Settings.write(held, "a", text("x"), 1, device(2))).toBe(held)
    expect(Settings.write(held, "b", undefined, 1, device(2))).toBe(held)
    expect(Settings.write(held, "c", undefined, 1, device(2))).toBe(held)
    expect(shown(Settings.write(held, "b", text("y"), 1, device(2))!)).toEqual(["a 5000 1 78", "b 5001 2 79"])
    expect(shown(Settings.write(held, "a", undefined, 9000, device(2))!)).toEqual(["a 9000 2 -", "b 3 1 -"])
  })

  it("gives a new name the place of the lowest one that was taken back, or none [own.setting.4]", () => {
    const name = (n: number) => `n${String(n).padStart(3, "0")}`
    const full = Array.from({ length: 128 }, (_, n) => setting(name(n), 10 + n, 1, "x"))
    expect(Settings.write(full, "new", text("y"), 1, device(2))).toBeUndefined()
    expect(Settings.write(full, name(3), text("y"), 1, device(2))).toBeDefined()
    // The third and the ninth were taken back: the first two are written again, and stay.
    const some = full.map((one, n) => (n === 2 || n === 8 ? { ...one, value: undefined } : one))
    const next = Settings.write(some, "new", text("y"), 1, device(2))!
    expect(next).toHaveLength(128)
    const of = (wanted: string) => next.find((one) => one.name === wanted)
    expect(of(name(2))).toBeUndefined()
    expect([of(name(0)), of(name(1)), of("new"), of(name(8))].map((one) => one?.stamp)).toEqual([138, 139, 140, 18])
    expect(shown([of(name(0))!])).toEqual([`${name(0)} 138 2 78`])
    // Whoever heard of the old ones and of the new agrees.
    expect(shown(Settings.merge(some, next))).toEqual(shown(next))
    expect(shown(Settings.merge(next, some))).toEqual(shown(next))
    const last = [setting("a", 2 ** 52, 9, "z")]
    expect(Settings.write(last, "a", text("y"), 1, device(2))).toBeUndefined()
  })
})
