/** Histories on several devices: kept with what brings them, compared, the same everywhere. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { HistoryOptions } from "../../src/client/history/HistoryApi.ts"
import * as World from "./World.ts"

const start = TestClock.setTime(1_700_000_000_000)

const digestOf = ({ client }: World.Process, options?: { readonly conversation?: string; readonly since?: number }) =>
  client.history.digest(options)

const textsOf = (process: World.Process, conversation: string, limit = 1000) =>
  Effect.map(process.client.history.page({ conversation, limit }), ({ entries }) =>
    entries.map(({ body }) => (body.type === "text" ? body.text : body.type)).reverse()
  )

/** Alice with one device, bob with two, all with histories. */
const world = (history: boolean | HistoryOptions = { beginning: 0 }) =>
  Effect.gen(function* () {
    yield* start
    const world = World.make()
    const alice = yield* world.join("alice", { history: true })
    const bob = yield* world.join("bob", { history })
    yield* World.tick(5)
    const { actor } = World.addDevice(world, bob.actor, "bob/2")
    yield* world.register(actor)
    const phone = yield* world.open(actor, { history })
    yield* World.collect(alice)
    yield* World.collect(bob)
    yield* World.collect(phone)
    yield* World.tick(20)
    const conversation = (yield* alice.client.conversation("bob")).id
    return { world, alice, bob, phone, conversation }
  })

it.effect(
  "what is sent and delivered is in the history of every device, in one order, with one digest [history.keep.1] [history.order.1] [history.digest.1] [history.record.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, conversation, phone } = yield* world()
      yield* alice.client.send("bob", "1")
      yield* World.tick(10)
      yield* bob.client.send("alice", "2")
      yield* World.tick(10)
      yield* phone.client.send("alice", "3")
      yield* World.tick(10)
      const many = yield* (yield* alice.client.conversation("bob")).sendMany(["4", "5", "6", "7", "8"])
      yield* World.tick(60)
      const all = ["1", "2", "3", "4", "5", "6", "7", "8"]
      for (const process of [alice, bob, phone]) expect(yield* textsOf(process, conversation)).toEqual(all)
      const digest = yield* digestOf(alice)
      for (const process of [bob, phone]) {
        expect(yield* digestOf(process)).toBe(digest)
        expect(yield* digestOf(process, { conversation })).toBe(digest)
        const keys = [...process.actor.disk.snapshot().records.keys()]
        expect(keys.filter((key) => key.startsWith("history/entry/")).length).toBe(8)
        expect(keys.filter((key) => key.startsWith("history/index/")).length).toBe(8)
      }
      const { before, entries } = yield* bob.client.history.page({ conversation, limit: 5 })
      expect(entries.map(({ id }) => id)).toEqual(many.map(({ id }) => id).reverse())
      const older = yield* bob.client.history.page({ conversation, limit: 5, before: before! })
      expect([older.entries.length, older.before]).toEqual([3, undefined])
      expect(older.entries[0]).toMatchObject({ own: true, origin: "copy", number: 1, from: { user: "bob" } })
      expect((yield* phone.client.history.page({ conversation, limit: 6 })).entries.at(-1)).toMatchObject({
        own: true,
        origin: "sent"
      })
      expect(yield* phone.client.history.find(many[2]!.id)).toMatchObject([{ body: { text: "6" }, own: false }])
      expect(yield* phone.client.history.conversations).toMatchObject([
        { conversation, peer: { user: "alice" }, newest: { body: { text: "8" } } }
      ])
    })
)

it.effect("a client without the option stores nothing of it and says so [history.record.1]", () =>
  Effect.gen(function* () {
    yield* start
    const world = World.make()
    const alice = yield* world.join("alice")
    const bob = yield* world.join("bob", { history: true })
    yield* World.tick(5)
    yield* alice.client.send("bob", "1")
    yield* World.tick(10)
    expect([...alice.actor.disk.snapshot().records.keys()].filter((key) => key.startsWith("history/"))).toEqual([])
    for (const effect of [alice.client.history.conversations, digestOf(alice), alice.client.history.compare]) {
      expect(yield* Effect.flip(effect)).toMatchObject({ _tag: "HistoryOff" })
    }
    expect((yield* bob.client.history.conversations).length).toBe(1)
  })
)

it.effect("a digest from a time on is that of what was sent since [history.digest.2]", () =>
  Effect.gen(function* () {
    const { alice, bob, conversation } = yield* world()
    yield* alice.client.send("bob", "early")
    yield* World.tick(10)
    const before = yield* digestOf(bob)
    yield* TestClock.adjust(1000)
    const since = 1_700_000_000_000 + 100_000
    yield* TestClock.setTime(since)
    const empty = yield* digestOf(bob, { since })
    yield* alice.client.send("bob", "late")
    yield* World.tick(10)
    expect(yield* textsOf(bob, conversation)).toEqual(["early", "late"])
    expect(yield* digestOf(bob)).not.toBe(before)
    expect(yield* digestOf(bob, { since: since + 3_600_000 })).toBe(empty)
    expect(yield* digestOf(bob, { since })).toBe(yield* digestOf(alice, { since }))
    expect(yield* digestOf(bob, { since })).not.toBe(yield* digestOf(bob))
  })
)

it.effect(
  "messages that were read here or on another own device are marked, and that is in no digest [history.entry.3]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, conversation, phone } = yield* world()
      const sent = yield* alice.client.send("bob", "1")
      yield* World.tick(10)
      const digest = yield* digestOf(bob)
      yield* (yield* bob.client.conversation("alice")).markRead([sent.id])
      yield* World.tick(20)
      for (const process of [bob, phone]) {
        const { entries } = yield* process.client.history.page({ conversation })
        expect(entries[0]!.readAt).toBeGreaterThan(1_700_000_000_000)
        expect(yield* digestOf(process)).toBe(digest)
      }
    })
)

it.effect(
  "a device that was away for months has what it missed soon after it is back, lost copies included [history.when.1] [history.answer.1] [history.trust.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, conversation, phone, world: net } = yield* world()
      yield* alice.client.send("bob", "1")
      yield* bob.client.send("alice", "a")
      yield* World.tick(20)
      yield* World.close(phone)
      for (let i = 0; i < 5; i++) {
        yield* bob.client.send("alice", `while away ${i}`)
        yield* World.tick(10)
      }
      // Nothing of it is kept for the phone so long.
      net.network.devices("bob")[1]!.kept.clear()
      for (const process of [alice, bob]) yield* World.close(process)
      yield* TestClock.setTime(1_700_000_000_000 + 90 * 24 * 3600 * 1000)
      const later = yield* net.open(alice.actor, { history: true })
      const laptop = yield* net.open(bob.actor, { history: true })
      yield* World.collect(laptop)
      yield* later.client.send("bob", "after months")
      yield* World.tick(20)
      const back = yield* net.open(phone.actor, { history: true })
      yield* World.collect(back)
      yield* World.tick(200)
      expect(yield* textsOf(back, conversation)).toEqual(yield* textsOf(laptop, conversation))
      expect(yield* digestOf(back)).toBe(yield* digestOf(laptop))
      expect((yield* textsOf(back, conversation)).length).toBe(8)
    })
)

it.effect(
  "a device restored from an old copy gets back what it had acknowledged after the copy was made [history.when.1] [history.id.2]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, conversation, phone, world: net } = yield* world()
      yield* alice.client.send("bob", "1")
      yield* World.tick(20)
      yield* World.close(phone)
      const old = phone.actor.disk.snapshot()
      const again = yield* net.open(phone.actor, { history: true })
      yield* World.collect(again)
      yield* World.tick(10)
      yield* again.client.send("alice", "from the phone")
      yield* World.tick(20)
      yield* alice.client.send("bob", "2")
      yield* World.tick(20)
      yield* World.close(again)
      phone.actor.disk.restore(old)
      const restored = yield* net.open(phone.actor, { history: true })
      yield* World.collect(restored)
      yield* restored.client.send("alice", "before it knows")
      yield* World.tick(400)
      expect(yield* textsOf(restored, conversation)).toEqual(yield* textsOf(bob, conversation))
      expect((yield* textsOf(restored, conversation)).toSorted()).toEqual(
        ["1", "2", "before it knows", "from the phone"].toSorted()
      )
      expect(yield* digestOf(restored)).toBe(yield* digestOf(bob))
    })
)

it.effect("a long entry that a device lacks comes in halves [history.words.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, conversation, phone, world: net } = yield* world()
    yield* World.close(phone)
    const long = "x".repeat(60_000)
    yield* alice.client.send("bob", long)
    yield* alice.client.send("bob", "short")
    yield* World.tick(20)
    net.network.devices("bob")[1]!.kept.clear()
    const back = yield* net.open(phone.actor, { history: true })
    yield* World.tick(200)
    expect(yield* textsOf(back, conversation)).toEqual([long, "short"])
    expect(yield* digestOf(back)).toBe(yield* digestOf(bob))
  })
)

it.effect("entries that are too old are removed, and do not come back [history.keep.3]", () =>
  Effect.gen(function* () {
    const { alice, bob, conversation, phone, world: net } = yield* world()
    yield* alice.client.send("bob", "old")
    yield* World.tick(20)
    for (const process of [alice, bob, phone]) yield* World.close(process)
    yield* TestClock.setTime(1_700_000_000_000 + 40 * 24 * 3600 * 1000)
    const later = yield* net.open(alice.actor, { history: true })
    const laptop = yield* net.open(bob.actor, { history: true })
    yield* later.client.send("bob", "new")
    yield* World.tick(20)
    const keepMs = 30 * 24 * 3600 * 1000
    const back = yield* net.open(phone.actor, { history: { keepMs } })
    yield* World.tick(100)
    yield* back.client.history.compare
    yield* World.tick(100)
    expect(yield* textsOf(back, conversation)).toEqual(["new"])
    expect(yield* textsOf(laptop, conversation)).toEqual(["old", "new"])
    const keys = [...back.actor.disk.snapshot().records.keys()].filter((key) => key.startsWith("history/"))
    expect(keys.filter((key) => !/^history\/(self|compared\/)/.test(key)).length).toBe(2)
  })
)

it.effect("a device that joined later is not given what was said before, until it is asked for [history.keep.2]", () =>
  Effect.gen(function* () {
    const { alice, bob, conversation, world: net } = yield* world()
    yield* alice.client.send("bob", "before")
    yield* World.tick(20)
    const { actor } = World.addDevice(net, bob.actor, "bob/3")
    yield* net.register(actor)
    const tablet = yield* net.open(actor, { history: true })
    yield* World.collect(tablet)
    yield* World.tick(100)
    expect(yield* tablet.client.history.beginning).toBeGreaterThan(1_700_000_000_000)
    expect(yield* bob.client.history.beginning).toBe(0)
    yield* alice.client.send("bob", "since")
    yield* World.tick(100)
    expect(yield* textsOf(tablet, conversation)).toEqual(["since"])
    yield* tablet.client.history.ask({}, bob.client.self.device)
    yield* World.tick(200)
    expect(yield* textsOf(tablet, conversation)).toEqual(["before", "since"])
    expect(yield* tablet.client.history.beginning).toBe(0)
    expect(yield* digestOf(tablet)).toBe(yield* digestOf(bob))
  })
)

it.effect(
  "devices that agree say little, and devices that cannot agree do not keep each other busy [history.bound.1] [history.when.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, conversation, phone, world: net } = yield* world()
      for (let i = 0; i < 5; i++) yield* alice.client.send("bob", `${i}`)
      yield* World.tick(60)
      expect(yield* digestOf(bob)).toBe(yield* digestOf(phone))
      const hours = (count: number) => World.tick(count * 60, 60_000)
      const before = net.network.submitted.length
      yield* hours(3)
      // A word, its answer and their receipts, from either side, each hour.
      expect(net.network.submitted.length - before).toBeLessThan(3 * 12)
      // Bob still has the place of an entry that is gone from his file: he can never give it.
      yield* World.close(bob)
      yield* World.close(phone)
      const remove = (actor: World.Actor, keys: (key: string) => boolean) => {
        const snapshot = actor.disk.snapshot()
        const records = new Map([...snapshot.records].filter(([key]) => !keys(key)))
        actor.disk.restore({ ...snapshot, records })
      }
      const entryKeys = [...bob.actor.disk.snapshot().records.keys()].filter((key) => key.startsWith("history/entry/"))
      const lost = entryKeys[2]!
      remove(bob.actor, (key) => key === lost)
      remove(phone.actor, (key) => key.startsWith("history/entry/") || key.startsWith("history/index/"))
      const laptop = yield* net.open(bob.actor, { history: true })
      const back = yield* net.open(phone.actor, { history: true })
      yield* World.tick(100)
      expect((yield* textsOf(back, conversation)).length).toBe(4)
      expect(yield* digestOf(laptop)).not.toBe(yield* digestOf(back))
      const since = net.network.submitted.length
      yield* hours(3)
      expect(net.network.submitted.length - since).toBeLessThan(3 * 30)
      for (let i = 0; i < 30; i++) yield* laptop.client.history.compare
      yield* World.tick(100)
      expect(net.network.submitted.length - since).toBeLessThan(3 * 30 + 100)
    })
)
