/** Archives between own devices and in files: whole, in part, over crashes and losses, and refused. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import type { ArchiveProgress, ArchiveRange } from "../../src/client/history/HistoryApi.ts"
import * as World from "./World.ts"

const start = TestClock.setTime(1_700_000_000_000)

const idsOf = (process: World.Process, conversation: string) =>
  Effect.map(process.client.history.page({ conversation, limit: 1000 }), ({ entries }) => entries.map(({ id }) => id))

const progress = (process: World.Process): Effect.Effect<Array<ArchiveProgress>> => {
  const seen: Array<ArchiveProgress> = []
  return Effect.as(
    Effect.forkIn(
      Stream.runForEach(process.client.history.archives, (one) => Effect.sync(() => void seen.push(one))),
      process.scope
    ),
    seen
  )
}

/** Bob with a history of `count` long messages from alice, and a tablet that joined after them. */
const joined = (count: number, length = 9000) =>
  Effect.gen(function* () {
    yield* start
    const world = World.make()
    const alice = yield* world.join("alice", { history: true })
    const bob = yield* world.join("bob", { history: true })
    yield* World.tick(5)
    yield* World.collect(bob)
    const conversation = yield* alice.client.conversation("bob")
    yield* conversation.send("first")
    yield* World.tick(10)
    for (let i = 0; i < count; i += 10) {
      const bodies = Array.from({ length: Math.min(10, count - i) }, (_, n) => `${i + n} ${"x".repeat(length)}`)
      yield* conversation.sendMany(bodies)
      yield* World.tick(3)
    }
    yield* World.tick(10)
    const { actor } = World.addDevice(world, bob.actor, "bob/2")
    yield* world.register(actor)
    const tablet = yield* world.open(actor, { history: true })
    yield* World.collect(tablet)
    yield* World.tick(60)
    return { world, alice, bob, tablet, conversation: conversation.id }
  })

it.effect(
  "a device is handed a history in chunks, with progress, and goes on comparing from its beginning [history.hand.1] [history.hand.2] [history.hand.4] [history.keep.2]",
  () =>
    Effect.gen(function* () {
      const { bob, conversation, tablet } = yield* joined(80)
      expect(yield* idsOf(tablet, conversation)).toEqual([])
      const [giving, taking] = [yield* progress(bob), yield* progress(tablet)]
      const id = yield* bob.client.history.offer(tablet.client.self.device)
      yield* World.tick(100)
      expect(yield* idsOf(tablet, conversation)).toEqual(yield* idsOf(bob, conversation))
      expect(yield* tablet.client.history.digest()).toBe(yield* bob.client.history.digest())
      expect(yield* tablet.client.history.beginning).toBe(0)
      expect(giving[0]).toMatchObject({ archive: id, direction: "giving", state: "offered", of: { entries: 81 } })
      expect(giving.at(-1)).toMatchObject({ archive: id, state: "done", entries: 81 })
      expect(taking.at(-1)).toMatchObject({ archive: id, direction: "taking", state: "done", entries: 81 })
      expect(taking.filter(({ state }) => state === "under-way").length).toBeGreaterThan(8)
      for (const { actor } of [bob, tablet]) {
        const keys = [...actor.disk.snapshot().records.keys()]
        expect(keys.filter((key) => /^history\/(offer|take|chunk)\//.test(key))).toEqual([])
      }
      expect(tablet.actor.warnings.filter(({ _tag }) => _tag !== "DevicesChanged")).toEqual([])
    })
)

it.effect("a part of a history, as it is chosen [history.choose.1]", () =>
  Effect.gen(function* () {
    const { bob, conversation, tablet } = yield* joined(20, 10)
    const all = yield* idsOf(bob, conversation)
    const { entries } = yield* bob.client.history.page({ conversation, limit: 8 })
    const since = entries.at(-1)!.sentAt
    const fresh = entries.filter(({ sentAt }) => sentAt >= since).length
    const cases: ReadonlyArray<readonly [ArchiveRange, number]> = [
      [{ last: 3 }, 3],
      [{ conversations: ["00".repeat(16)] }, 3],
      [{ conversations: [conversation], since }, Math.max(fresh, 10)],
      [{ since: 0 }, 21]
    ]
    for (const [range, count] of cases) {
      yield* tablet.client.history.ask(range, bob.client.self.device)
      yield* World.tick(300)
      const ids = yield* idsOf(tablet, conversation)
      expect([range, ids.length]).toEqual([range, count])
      expect(ids).toEqual(all.slice(0, count))
    }
    for (const range of [
      { last: 0 },
      { last: 1, since: 5 },
      { since: -1 },
      { conversations: [] },
      { conversations: ["ab"] }
    ]) {
      expect(yield* Effect.flip(tablet.client.history.ask(range))).toMatchObject({ reason: "bad-range" })
    }
    expect(yield* Effect.flip(bob.client.history.offer("00".repeat(32)))).toMatchObject({ reason: "bad-device" })
  })
)

it.effect("an offer nobody wants is declined [history.hand.5]", () =>
  Effect.gen(function* () {
    const { bob, conversation, tablet, world } = yield* joined(5, 10)
    yield* World.close(tablet)
    const closed = yield* world.open(tablet.actor, { history: { takeOffers: false } })
    yield* World.tick(10)
    const giving = yield* progress(bob)
    yield* bob.client.history.offer(tablet.client.self.device)
    yield* World.tick(100)
    expect(giving.at(-1)).toMatchObject({ state: "ended", reason: "declined" })
    expect(yield* idsOf(closed, conversation)).toEqual([])
    yield* closed.client.history.ask()
    yield* World.tick(300)
    expect((yield* idsOf(closed, conversation)).length).toBe(6)
  })
)

for (const victim of ["giver", "taker"] as const) {
  for (const when of ["before", "after"] as const) {
    it.effect(
      `the ${victim} is killed ${when} commits of a handing over, in turn, and it goes on from the last chunk [history.hand.3] [history.hand.4]`,
      () =>
        Effect.gen(function* () {
          for (let nth = 1; nth <= 21; nth += 4) {
            const { bob, conversation, tablet, world } = yield* joined(60)
            const wanted = yield* idsOf(bob, conversation)
            const process = victim === "giver" ? bob : tablet
            // The store of a running client is the one it was opened with: a new process sees the stop.
            yield* World.close(process)
            const stop = World.stopAt(process.actor, nth + 3, when)
            const stopped = yield* world.open(process.actor, { history: true })
            yield* World.tick(4)
            const giver = victim === "giver" ? stopped : bob
            yield* Effect.forkIn(Effect.exit(giver.client.history.offer(tablet.client.self.device)), stopped.scope)
            for (let i = 0; i < 60 && !stop.reached; i++) yield* World.tick(5)
            expect([nth, stop.reached]).toEqual([nth, true])
            process.actor.intercept = undefined
            yield* World.crash(stopped)
            yield* World.tick(10)
            const back = yield* world.open(process.actor, { history: true })
            yield* World.tick(600)
            const taker = victim === "giver" ? tablet : back
            if ((yield* idsOf(taker, conversation)).length === 0) {
              // It was killed before the offer was durable.
              const again = victim === "giver" ? back : bob
              yield* again.client.history.offer(tablet.client.self.device)
              yield* World.tick(300)
            }
            expect([nth, yield* idsOf(taker, conversation)]).toEqual([nth, wanted])
          }
        }),
      120_000
    )
  }
}

it.effect("chunks that get lost are asked for again [history.hand.2]", () =>
  Effect.gen(function* () {
    const { bob, conversation, tablet, world } = yield* joined(60)
    world.network.faults({ drop: 0.2, duplicate: 0.1, reorder: 0.2 })
    yield* bob.client.history.offer(tablet.client.self.device)
    yield* World.tick(200)
    world.network.faults({ drop: 0, duplicate: 0, reorder: 0 })
    yield* World.tick(1500, 200)
    expect((yield* idsOf(tablet, conversation)).length).toBe(61)
    expect(yield* idsOf(tablet, conversation)).toEqual(yield* idsOf(bob, conversation))
  })
)

it.effect(
  "a giver that was restored in the middle seals nothing twice, and another archive is asked for [history.hand.4]",
  () =>
    Effect.gen(function* () {
      const { bob, conversation, tablet, world } = yield* joined(100)
      yield* bob.client.history.offer(tablet.client.self.device)
      yield* World.tick(2)
      const old = bob.actor.disk.snapshot()
      const taking = yield* progress(tablet)
      yield* World.tick(7)
      expect(taking.at(-1)?.state ?? "under-way").toBe("under-way")
      yield* World.close(bob)
      bob.actor.disk.restore(old)
      const restored = yield* world.open(bob.actor, { history: true })
      yield* World.tick(3000)
      expect((yield* idsOf(tablet, conversation)).length).toBe(101)
      expect(yield* tablet.client.history.digest()).toBe(yield* restored.client.history.digest())
    })
)

const key = Bytes.utf8Encode("0123456789abcdef0123456789abcdef")

const written = (process: World.Process, range?: ArchiveRange) =>
  Effect.map(Stream.runCollect(process.client.history.export(key, range)), (pieces) => [...pieces])

it.effect(
  "an archive in a file is what another device of the account takes, however it is cut [history.archive.1] [history.archive.5]",
  () =>
    Effect.gen(function* () {
      const { bob, conversation, tablet } = yield* joined(60)
      const pieces = yield* written(bob)
      expect(pieces.slice(1).every(({ length }) => length <= Limits.streamChunkBytes + 16)).toBe(true)
      const file = Bytes.concat(...pieces)
      const cut = [0, 1, 2, 100, 70_000, 70_001, 300_000, file.length]
      const parts = cut.slice(1).map((at, i) => file.slice(cut[i], at))
      const seen = yield* Stream.runCollect(tablet.client.history.import(key, Stream.fromIterable(parts)))
      expect([...seen].at(-1)).toMatchObject({ entries: 61 })
      expect(yield* idsOf(tablet, conversation)).toEqual(yield* idsOf(bob, conversation))
      expect(yield* tablet.client.history.digest()).toBe(yield* bob.client.history.digest())
      expect(tablet.actor.warnings.filter(({ _tag }) => _tag !== "DevicesChanged")).toEqual([])
    })
)

it.effect(
  "a file that was damaged gives what stands before the damage and a reason, nothing behind it [history.archive.5] [history.outcome.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, conversation, tablet } = yield* joined(60)
      const all = yield* idsOf(bob, conversation)
      const file = Bytes.concat(...(yield* written(bob)))
      const reasonOf = (bytes: Uint8Array, with_ = key, process = tablet) =>
        Effect.map(Effect.flip(Stream.runDrain(process.client.history.import(with_, Stream.make(bytes)))), (error) =>
          "reason" in error ? error.reason : error._tag
        )
      expect(yield* reasonOf(file, new Uint8Array(32))).toBe("history.key")
      expect(yield* reasonOf(file, key.slice(1))).toBe("bad-key")
      expect(yield* reasonOf(file, key, alice)).toBe("history.account")
      expect(yield* reasonOf(file.slice(0, 10))).toBe("history.truncated")
      expect(yield* reasonOf(Bytes.concat(Bytes.utf8Encode("no archive"), file))).toBe("history.header")
      expect(yield* idsOf(tablet, conversation)).toEqual([])
      const header = 2 + file[0]! * 256 + file[1]!
      const edge = header + 3 * 65_552
      expect(yield* reasonOf(file.slice(0, edge))).toBe("history.truncated")
      const three = yield* idsOf(tablet, conversation)
      expect(three).toEqual(all.slice(-three.length))
      expect([three.length > 5, three.length < 30]).toEqual([true, true])
      const touched = file.slice()
      touched[edge + 65_552 + 5]! ^= 1
      expect(yield* reasonOf(touched)).toBe("history.chunk")
      const four = yield* idsOf(tablet, conversation)
      expect(four).toEqual(all.slice(-four.length))
      expect(four.length).toBeGreaterThan(three.length)
      expect(yield* reasonOf(Bytes.concat(file, Uint8Array.of(1)))).toBe("history.chunk")
    })
)
