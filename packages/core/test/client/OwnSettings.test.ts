/** Settings that the devices of an account share: told, greeted with, kept through crashes, restorations and bad networks. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Bytes from "../../src/base/Bytes.ts"
import type { SettingsApi } from "../../src/client/Api.ts"
import { add, alarms, idOf, person, type Seen, watch } from "./Household.ts"
import * as World from "./World.ts"

const day = 24 * 60 * 60 * 1000
const settingsOf = ({ process }: { readonly process: World.Process }) =>
  Effect.map(process.client.settings.list, (list) =>
    Object.fromEntries(list.map(({ name, value }) => [name, Bytes.utf8Decode(value)]))
  )
const reasonOf = (effect: ReturnType<SettingsApi["set"]>) =>
  Effect.map(Effect.flip(effect), (error) => (error._tag === "InvalidSetting" ? error.reason : error._tag))
/** What the application was told of settings, in order. */
const told = ({ synced }: Seen): ReadonlyArray<string> =>
  synced.flatMap((item) =>
    item.type === "settings"
      ? item.changed.map(({ name, value }) => `${name}=${value === undefined ? "" : Bytes.utf8Decode(value)}`)
      : []
  )
const submitted = (world: World.World): number => world.network.submitted.length

it.effect(
  "what is set on one device is set on all, until it is taken back on any [own.setting.1] [own.setting.2] [own.setting.4] [own.synced.1]",
  () =>
    Effect.gen(function* () {
      const world = World.make()
      const [desk, phone, tablet] = (yield* person(world, "alice", 3)) as [Seen, Seen, Seen]
      const { settings } = desk.process.client
      yield* settings.set("theme", "dark")
      yield* settings.set("notify/sound", Uint8Array.of(0, 255))
      yield* World.tick(30)
      for (const seen of [desk, phone, tablet]) {
        expect(yield* seen.process.client.settings.get("theme")).toEqual(Bytes.utf8Encode("dark"))
        expect(yield* seen.process.client.settings.get("notify/sound")).toEqual(Uint8Array.of(0, 255))
        expect(yield* seen.process.client.settings.get("other")).toBeUndefined()
      }
      yield* tablet.process.client.settings.unset("notify/sound")
      yield* tablet.process.client.settings.set("theme", "light")
      yield* World.tick(30)
      for (const seen of [desk, phone, tablet]) expect(yield* settingsOf(seen)).toEqual({ theme: "light" })
      expect(told(desk)).toEqual(["notify/sound=", "theme=light"])
      expect(told(phone)).toHaveLength(4)
      expect([told(phone)[0], ...told(phone).slice(2)]).toEqual(["theme=dark", "notify/sound=", "theme=light"])
      expect(told(tablet)).toHaveLength(2)
      expect(phone.synced.filter(({ type }) => type === "settings")[0]).toMatchObject({ by: { device: idOf(desk) } })
      for (const seen of [desk, phone, tablet]) expect(alarms(seen)).toEqual([])
      // What stands already is written nowhere.
      const before = submitted(world)
      yield* settings.set("theme", "light")
      yield* settings.unset("notify/sound")
      yield* World.tick(10)
      expect(submitted(world)).toBe(before)
      // It survives a restart, and what is not allowed changes nothing.
      yield* World.close(desk.process)
      const back = yield* watch(yield* world.open(desk.process.actor))
      const again = back.process.client.settings
      expect(yield* settingsOf(back)).toEqual({ theme: "light" })
      for (const name of ["", "two words", "schön", "n".repeat(65)])
        expect(yield* reasonOf(again.set(name, ""))).toBe("name")
      expect(yield* reasonOf(again.unset("two words"))).toBe("name")
      expect(yield* reasonOf(again.set("long", "x".repeat(257)))).toBe("value")
      expect(yield* settingsOf(back)).toEqual({ theme: "light" })
    })
)

it.effect(
  "with one device a setting is stored, and nothing is sent; there are at most 128 [own.cost.1] [own.setting.4]",
  () =>
    Effect.gen(function* () {
      const world = World.make()
      const alice = yield* watch(yield* world.join("alice"))
      yield* World.tick(10)
      const before = submitted(world)
      const { settings } = alice.process.client
      for (let i = 0; i < 128; i++) yield* settings.set(`n${i}`, `${i}`)
      expect(yield* reasonOf(settings.set("more", "x"))).toBe("full")
      yield* settings.set("n5", "changed")
      yield* settings.unset("n7")
      yield* settings.set("more", "x")
      yield* World.tick(10)
      expect(submitted(world)).toBe(before)
      expect(alice.synced).toEqual([])
      const list = yield* settingsOf(alice)
      expect(Object.keys(list)).toHaveLength(128)
      expect([list["n0"], list["n5"], list["n7"], list["more"]]).toEqual(["0", "changed", undefined, "x"])
    })
)

it.effect(
  "a device that joins has the settings, and every other one those that it brought [own.greet.1] [own.setting.2]",
  () =>
    Effect.gen(function* () {
      const world = World.make()
      const desk = yield* watch(yield* world.join("alice"))
      yield* World.tick(5)
      yield* desk.process.client.settings.set("theme", "dark")
      const { actor } = World.addDevice(world, desk.process.actor, "alice/2")
      yield* world.register(actor)
      const phone = yield* watch(yield* world.open(actor))
      // Before the two have met.
      yield* phone.process.client.settings.set("sound", "off")
      yield* World.tick(60)
      for (const seen of [desk, phone]) expect(yield* settingsOf(seen)).toEqual({ theme: "dark", sound: "off" })
      expect([told(desk), told(phone)]).toEqual([["sound=off"], ["theme=dark"]])
      const third = yield* add(world, desk.process, "alice/3")
      yield* World.tick(60)
      expect(yield* settingsOf(third)).toEqual({ theme: "dark", sound: "off" })
      // Each of the others greeted it; it was told once.
      expect([...told(third)].sort()).toEqual(["sound=off", "theme=dark"])
      expect([told(desk), told(phone)]).toEqual([["sound=off"], ["theme=dark"]])
    })
)

it.effect("of two devices that set at once one stands, the same on all [own.register.1] [own.register.2]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const devices = yield* person(world, "alice", 3)
    world.network.cut("alice")
    for (const [i, { process }] of devices.entries()) {
      yield* process.client.settings.set("theme", `theme ${i}`)
      yield* process.client.settings.set(`own ${i}`.replace(" ", ""), "x")
    }
    yield* devices[1]!.process.client.settings.unset("theme")
    world.network.mend()
    yield* World.tick(80)
    const [first, ...others] = yield* Effect.forEach(devices, settingsOf)
    expect(first).toMatchObject({ own0: "x", own1: "x", own2: "x" })
    // Test time stood still: the one that wrote twice has the higher stamp.
    expect(first!["theme"]).toBeUndefined()
    for (const other of others) expect(other).toEqual(first)
  })
)

it.effect("what was lost while a device was away for months is told again within a week [own.setting.3]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const [desk, phone] = (yield* person(world, "alice", 2)) as [Seen, Seen]
    yield* desk.process.client.settings.set("theme", "dark")
    yield* World.tick(30)
    yield* World.close(phone.process)
    yield* desk.process.client.settings.set("theme", "light")
    yield* desk.process.client.settings.unset("gone")
    // The relay keeps what waits for 30 days.
    for (let week = 0; week < 6; week++) {
      yield* World.tick(1, 7 * day)
      yield* World.tick(10)
    }
    const back = yield* watch(yield* world.open(phone.process.actor))
    yield* World.tick(60)
    expect(yield* settingsOf(back)).toEqual({ theme: "light" })
  })
)

it.effect("nothing is told again within the week [own.setting.3]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const [desk] = yield* person(world, "alice", 2)
    yield* desk!.process.client.settings.set("theme", "dark")
    yield* World.tick(30)
    const words = () => [...desk!.process.actor.events].filter(({ own, state }) => own && state === "queued").length
    const before = words()
    yield* World.tick(20, 60 * 60 * 1000)
    expect(words()).toBe(before)
    yield* World.tick(1, 7 * day)
    yield* World.tick(10)
    expect(words()).toBe(before + 1)
  })
)

it.effect("a device restored from a copy has again what it had heard, and its own of before [own.greet.2]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const [desk, phone] = (yield* person(world, "alice", 2)) as [Seen, Seen]
    yield* World.close(phone.process)
    const copy = phone.process.actor.disk.snapshot()
    const later = yield* watch(yield* world.open(phone.process.actor))
    yield* World.tick(30)
    yield* desk.process.client.settings.set("theme", "dark")
    yield* later.process.client.settings.set("sound", "off")
    yield* World.tick(30)
    yield* World.close(later.process)
    phone.process.actor.disk.restore(copy)
    const back = yield* watch(yield* world.open(phone.process.actor))
    yield* World.tick(100)
    for (const seen of [desk, back]) expect(yield* settingsOf(seen)).toEqual({ theme: "dark", sound: "off" })
  })
)

/** Alice's first device is killed at a commit while it sets; the person sets again what is not there. */
const killed = (nth: number, when: "before" | "after") =>
  Effect.gen(function* () {
    const world = World.make()
    const [desk, phone] = (yield* person(world, "alice", 2)) as [Seen, Seen]
    const { actor } = desk.process
    yield* World.close(desk.process)
    const stop = World.stopAt(actor, nth, when)
    let process: World.Process | undefined
    const open = Effect.gen(function* () {
      const opened = yield* Effect.exit(world.open(actor))
      if (Exit.isSuccess(opened)) process = opened.value
    })
    const set = Effect.suspend(() =>
      process === undefined
        ? Effect.void
        : Effect.andThen(process.client.settings.set("a", "1"), process.client.settings.set("b", "2"))
    )
    yield* open
    yield* Effect.forkChild(Effect.exit(set))
    yield* World.tick(10)
    if (stop.reached) {
      if (process === undefined) actor.disk.crash()
      else yield* World.crash(process)
      actor.intercept = undefined
      yield* open
      yield* World.tick(20)
      // What stands here after the crash stands there, too.
      expect([nth, when, yield* settingsOf(phone)]).toEqual([nth, when, yield* settingsOf({ process: process! })])
      yield* set
    }
    yield* World.tick(30)
    expect([nth, when, yield* settingsOf(phone)]).toEqual([nth, when, { a: "1", b: "2" }])
    return stop.reached
  })

for (const when of ["before", "after"] as const) {
  it.effect(`a device killed ${when} every commit has set and told, or neither [own.setting.2] [state.commit.1]`, () =>
    Effect.gen(function* () {
      let nth = 1
      while (yield* Effect.scoped(killed(nth, when))) nth++
      expect(nth).toBeGreaterThan(3)
    })
  )
}

/** Three devices on a bad network set, take back, crash, and are restored from older copies; then everything is well again. */
const played = (seed: number) =>
  Effect.gen(function* () {
    const world = World.make(seed)
    const devices = [...(yield* person(world, "alice", 3))]
    const copies = new Map<number, ReturnType<World.Actor["disk"]["snapshot"]>>()
    const below = (n: number) => Random.nextIntBetween(0, n - 1)
    for (let step = 0; step < 40; step++) {
      const i = yield* below(3)
      const { actor, client } = devices[i]!.process
      switch (yield* below(10)) {
        case 0:
          world.network.faults({
            drop: 0.2,
            duplicate: 0.3,
            reorder: 0.4,
            reorderMs: 400,
            loseRequest: 0.2,
            loseAnswer: 0.2,
            delayMs: [0, 120]
          })
          break
        case 1:
          yield* World.crash(devices[i]!.process)
          devices[i] = yield* watch(yield* world.open(actor))
          break
        case 2:
          copies.set(i, actor.disk.snapshot())
          break
        case 3: {
          const copy = copies.get(i)
          if (copy === undefined) break
          yield* World.crash(devices[i]!.process)
          actor.disk.restore(copy)
          devices[i] = yield* watch(yield* world.open(actor))
          break
        }
        case 4:
          yield* client.settings.unset(`n${yield* below(4)}`)
          break
        case 5:
          yield* World.tick(yield* below(12))
          break
        default:
          yield* client.settings.set(`n${yield* below(4)}`, `${seed} ${step}`)
      }
    }
    world.network.faults({ drop: 0, duplicate: 0, reorder: 0, loseRequest: 0, loseAnswer: 0, delayMs: [0, 0] })
    yield* World.tick(150, 100)
    // Words that the network lost for good are made good for by the next ones, after a week at the latest.
    yield* World.tick(1, 8 * day)
    yield* World.tick(100, 100)
    const settings = yield* Effect.forEach(devices, settingsOf)
    expect([seed, settings[1], settings[2]]).toEqual([seed, settings[0], settings[0]])
    return settings[0]!
  }).pipe(Random.withSeed(`settings ${seed}`))

it.effect(
  "three devices come to have the same settings, whatever the network, crashes and restorations do [own.register.2] [own.setting.2] [own.greet.2]",
  () =>
    Effect.gen(function* () {
      let some = 0
      for (let seed = 1; seed <= 5; seed++) some += Object.keys(yield* Effect.scoped(played(seed))).length
      expect(some).toBeGreaterThan(4)
    }),
  120_000
)
