/** What a drill says of copies of real devices' stores, and that the prophecy comes true when one is put back. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Records from "../../../src/client/Records.ts"
import * as Drill from "../../../src/client/vault/Drill.ts"
import type * as MemoryStore from "../../../src/testing/MemoryStore.ts"
import * as World from "../World.ts"

const contentsOf = ({ records }: MemoryStore.Snapshot): Drill.Contents =>
  new Map([...records].map(([key, { value }]) => [key, value.slice()]))

/** Repeatable choices. */
const options = (sample = 1000): Drill.Options => {
  let state = 7
  return { sample, choose: (below) => (state = (state * 48_271) % 2_147_483_647) % below }
}

const survey = (copy: MemoryStore.Snapshot, current?: MemoryStore.Snapshot, sample?: number): Drill.Survey =>
  Drill.survey(World.crypto, contentsOf(copy), current === undefined ? undefined : contentsOf(current), options(sample))

const talked = Effect.gen(function* () {
  yield* TestClock.setTime(1_700_000_000_000)
  const world = World.make()
  const [alice, bob] = [yield* world.join("alice"), yield* world.join("bob")]
  yield* World.tick(5)
  for (const text of ["one", "two"]) {
    yield* alice.client.send("bob", text)
    yield* World.tick(5)
    yield* bob.client.send("alice", text)
    yield* World.tick(5)
  }
  yield* World.receive(alice, 2)
  yield* World.receive(bob, 2)
  yield* World.tick(5)
  return { world, alice, bob }
})

const warned = (process: World.Process, tag: string) => process.actor.warnings.filter(({ _tag }) => _tag === tag).length

it.effect("a copy of now lacks nothing, and every record of every kind is read [vault.drill.1] [vault.drill.3]", () =>
  Effect.gen(function* () {
    const { alice } = yield* talked
    yield* World.close(alice)
    const now = alice.actor.disk.snapshot()
    const found = survey(now, now)
    expect(found).toMatchObject({ damaged: [], unknown: 0, absent: [], opened: now.records.size })
    expect(found.kinds.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["session", "peer", "prekey", "custody"])
    )
    expect(Object.values(found.lost!)).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(found.restore).toMatchObject({ sameDevice: true, noticedBy: "nobody", frozen: 0 })
  })
)

it.effect("a sample is as large as it was asked for and holds what makes the account [vault.drill.1]", () =>
  Effect.gen(function* () {
    const { alice } = yield* talked
    const now = alice.actor.disk.snapshot()
    expect(survey(now, undefined, 10)).toMatchObject({ opened: 10, records: now.records.size })
    const spoilt = (key: string, value: Uint8Array): MemoryStore.Snapshot => ({
      ...now,
      records: new Map(now.records).set(key, { ...now.records.get(key)!, key, value })
    })
    const session = [...now.records.keys()].find((key) => key.startsWith("session/"))!
    const whole = now.records.get(session)!.value
    expect(survey(spoilt(session, whole.subarray(1)))).toMatchObject({
      damaged: [{ kind: "session", reason: "corrupt" }]
    })
    const later = spoilt(Records.keys.self, Uint8Array.of(0x91, 99))
    expect(survey(later, undefined, 3).damaged).toEqual([{ kind: "self", reason: "version" }])
    expect(survey(later, now).restore).toBe(undefined)
    expect(survey(spoilt("note/1", Uint8Array.of(1)))).toMatchObject({ unknown: 1, damaged: [] })
    const lacking: MemoryStore.Snapshot = { ...now, records: new Map(now.records) }
    ;(lacking.records as Map<string, unknown>).delete("custody/device")
    expect(survey(lacking).absent).toEqual(["custody/device"])
  })
)

it.effect(
  "of a copy before a start it says that the relay notices, and so it comes [vault.drill.2] [vault.drill.3]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* talked
      const copy = alice.actor.disk.snapshot()
      yield* World.close(alice)
      const again = yield* world.open(alice.actor)
      const carol = yield* world.join("carol")
      yield* World.tick(5)
      yield* again.client.send("carol", "hello")
      yield* World.tick(5)
      yield* carol.client.send("alice", "not taken")
      yield* World.tick(5)
      yield* World.close(again)
      const found = survey(copy, alice.actor.disk.snapshot())
      expect(found.lost).toMatchObject({ contacts: 1, arrived: 1, unsent: 0, shownAgain: 0, sentAgain: 0 })
      expect(found.lost!.conversations).toBeGreaterThanOrEqual(1)
      expect(found.restore).toEqual({
        sameDevice: true,
        generation: { copy: 2, current: 3 },
        noticedBy: "relay",
        frozen: 1
      })
      // The other way round the copy is the later one.
      expect(survey(alice.actor.disk.snapshot(), copy).restore).toMatchObject({ noticedBy: "nobody", frozen: 0 })
      expect(survey(bob.actor.disk.snapshot(), copy).restore).toMatchObject({ sameDevice: false, noticedBy: "nobody" })

      alice.actor.disk.restore(copy)
      const sent = world.network.submitted.length
      const restored = yield* world.open(alice.actor)
      yield* World.tick(40)
      expect(warned(restored, "RestoredFromBackup")).toBe(1)
      expect(world.network.submitted.length).toBeGreaterThan(sent)
      yield* restored.client.send("bob", "three")
      yield* World.tick(10)
      expect(World.texts(yield* World.receive(bob, 1))).toEqual(["three"])
    })
)

it.effect(
  "of a copy of the same run it says that peers notice, and what would come twice [vault.drill.2] [vault.drill.3]",
  () =>
    Effect.gen(function* () {
      const { alice, bob } = yield* talked
      yield* bob.client.send("alice", "waits")
      yield* World.tick(5)
      const copy = alice.actor.disk.snapshot()
      yield* World.receive(alice, 1)
      yield* alice.client.send("bob", "further")
      yield* World.tick(10)
      yield* World.close(alice)
      const found = survey(copy, alice.actor.disk.snapshot())
      expect(found.lost).toMatchObject({ shownAgain: 1, arrived: 0, conversations: 1 })
      expect(found.restore).toMatchObject({ noticedBy: "peers", frozen: 1 })
    })
)
