/** Restored backups: noticed at login or by a peer, healed in one round trip, nothing sent later lost. */
import { expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Records from "../../src/client/Records.ts"
import * as World from "./World.ts"

/** Alice and bob after some traffic; alice's disk as it was in the middle of it. */
const talked = Effect.gen(function* () {
  const world = World.make()
  const alice = yield* world.join("alice")
  const bob = yield* world.join("bob")
  yield* World.tick(5)
  for (const text of ["1", "2", "3"]) {
    yield* alice.client.send("bob", text)
    yield* World.tick(3)
  }
  yield* bob.client.send("alice", "a")
  yield* World.tick(5)
  expect(World.texts(yield* World.receive(bob, 3))).toEqual(["1", "2", "3"])
  expect(World.texts(yield* World.receive(alice, 1))).toEqual(["a"])
  const backup = alice.actor.disk.snapshot()
  return { world, alice, bob, backup }
})

const warned = (process: World.Process, tag: string): number =>
  process.actor.warnings.filter(({ _tag }) => _tag === tag).length

it.effect(
  "a restored copy is noticed at login, warns once and heals in one round trip [fence.identity.1] [fence.detect.1] [fence.heal.1] [relay.login.2]",
  () =>
    Effect.gen(function* () {
      const { alice, backup, bob, world } = yield* talked
      yield* World.close(alice)
      const second = yield* world.open(alice.actor)
      yield* World.tick(5)
      for (const text of ["4", "5"]) {
        yield* second.client.send("bob", text)
        yield* World.tick(3)
      }
      expect(World.texts(yield* World.receive(bob, 2))).toEqual(["4", "5"])
      yield* World.close(second)
      alice.actor.disk.restore(backup)
      alice.actor.warnings.length = 0
      const restored = yield* world.open(alice.actor)
      // Written before anything is known, and before the login.
      const sent = yield* restored.client.send("bob", "6")
      expect(sent.devices).toBe(1)
      yield* World.tick(1)
      yield* restored.client.send("bob", "7")
      yield* World.tick(20)
      expect(warned(restored, "RestoredFromBackup")).toBe(1)
      const got = yield* World.receive(bob, 2)
      expect(World.texts(got)).toEqual(["6", "7"])
      // Rule fence.heal.1: numbers go on above the highest bob received, 5, and he misses nothing.
      expect(got.map(({ sequence }) => sequence)).toEqual([5 + 1024 + 1, 5 + 1024 + 2])
      expect(bob.actor.warnings).toEqual([])
      yield* bob.client.send("alice", "b")
      yield* World.tick(5)
      expect(World.texts(yield* World.receive(restored, 1))).toEqual(["b"])
      yield* World.tick(20)
      expect(restored.actor.events.filter(({ state }) => state === "delivered").length).toBeGreaterThanOrEqual(2)
    })
)

it.effect("what was sent to a restored device meanwhile, and what is sent to it later, arrives [fence.heal.1]", () =>
  Effect.gen(function* () {
    const { alice, backup, bob, world } = yield* talked
    yield* World.close(alice)
    const second = yield* world.open(alice.actor)
    yield* World.tick(5)
    // The ratchet turns several times after the copy was made.
    for (const text of ["x", "y"]) {
      yield* second.client.send("bob", text)
      yield* World.tick(3)
      yield* bob.client.send("alice", text)
      yield* World.tick(3)
    }
    expect(World.texts(yield* World.receive(second, 2))).toEqual(["x", "y"])
    yield* World.close(second)
    yield* bob.client.send("alice", "while offline")
    yield* World.tick(5)
    alice.actor.disk.restore(backup)
    const restored = yield* world.open(alice.actor)
    yield* World.tick(2)
    yield* bob.client.send("alice", "later")
    yield* World.tick(30)
    const got = yield* World.receive(restored, 2)
    expect(new Set(World.texts(got))).toEqual(new Set(["while offline", "later"]))
    expect(warned(restored, "RestoredFromBackup")).toBe(1)
  })
)

it.effect(
  "a copy that the relay does not notice is noticed by the peer's echo [fence.carry.1] [fence.observe.1] [fence.detect.1]",
  () =>
    Effect.gen(function* () {
      const { alice, backup, bob, world } = yield* talked
      yield* World.close(alice)
      for (let start = 0; start < 3; start++) {
        const again = yield* world.open(alice.actor)
        yield* World.tick(5)
        yield* again.client.send("bob", `start ${start}`)
        yield* World.tick(5)
        yield* World.close(again)
      }
      yield* World.receive(bob, 3)
      alice.actor.disk.restore(backup)
      // A relay that was itself restored, or another one.
      world.network.devices("alice")[0]!.fence = undefined
      const restored = yield* world.open(alice.actor)
      yield* World.tick(5)
      expect(warned(restored, "RestoredFromBackup")).toBe(0)
      const texts = ["r1", "r2", "r3", "r4", "r5"]
      for (const text of texts) {
        yield* restored.client.send("bob", text)
        yield* World.tick(2)
      }
      yield* World.tick(40)
      expect(warned(restored, "RestoredFromBackup")).toBe(1)
      expect(warned(bob, "PeerRollback")).toBeGreaterThanOrEqual(1)
      const got = yield* World.receive(bob, 5)
      expect(World.texts(got)).toEqual(texts)
      yield* bob.client.send("alice", "b")
      yield* World.tick(5)
      expect(World.texts(yield* World.receive(restored, 1))).toEqual(["b"])
    })
)

it.effect(
  "a restored device and a peer whose clock ran two hours ahead meet in one session at once, and lose nothing [session.cross.3] [session.rank.1] [fence.heal.1]",
  () =>
    Effect.gen(function* () {
      const { alice, backup, bob, world } = yield* talked
      yield* World.close(alice)
      const second = yield* world.open(alice.actor)
      yield* World.tick(5)
      const start = yield* Clock.currentTimeMillis
      // Bob begins a session while his clock is ahead; both go on in it.
      yield* TestClock.setTime(start + 2 * 60 * 60 * 1000)
      const conversation = yield* bob.client.conversation("alice")
      yield* conversation.reset
      yield* World.tick(5)
      yield* conversation.send("ahead")
      yield* World.tick(5)
      yield* second.client.send("bob", "4")
      yield* World.tick(5)
      yield* World.receive(second, 1)
      expect(World.texts(yield* World.receive(bob, 1))).toEqual(["4"])
      // A message of that session is held up on its way.
      const count = world.network.submitted.length
      world.network.faults({ drop: 1 })
      yield* second.client.send("bob", "5")
      yield* World.tick(5)
      world.network.faults({ drop: 0 })
      const late = world.network.submitted.slice(count).find(({ envelope }) => envelope[2] === 2)!.envelope
      yield* World.close(second)
      yield* TestClock.setTime(start + 60_000)
      alice.actor.disk.restore(backup)
      const restored = yield* world.open(alice.actor)
      const [atBob, atAlice] = [yield* World.collect(bob), yield* World.collect(restored)]
      yield* World.tick(10)
      alice.actor.warnings.length = 0
      bob.actor.warnings.length = 0
      yield* world.network.inject("bob", late)
      yield* World.tick(2)
      for (const text of ["x", "y", "z"]) {
        yield* bob.client.send("alice", text)
        yield* restored.client.send("bob", text)
        yield* World.tick(3)
      }
      yield* World.tick(10)
      expect(World.texts(atAlice)).toEqual(["x", "y", "z"])
      expect(World.texts(atBob)).toEqual(["5", "x", "y", "z"])
      // What the former life had taken is missing in this one, and named.
      expect(alice.actor.warnings).toMatchObject([{ _tag: "Gap", from: 2, to: 2 }])
      expect(bob.actor.warnings).toEqual([])
    })
)

/** Makes a device hold another fence as the highest of its one peer device, and echo it. */
const misremember = ({ disk }: World.Actor, ahead: number, startId: Uint8Array): void => {
  const snapshot = disk.snapshot()
  const records = new Map(snapshot.records)
  for (const [key, record] of records) {
    if (!key.startsWith("peer/")) continue
    const peer = Result.getOrThrow(Records.Peer.decode(record.value))
    const generation = (peer.fence.highest?.generation ?? 1) + ahead
    const fence = { ...peer.fence, highest: { generation, startId }, owed: 1 as const }
    records.set(key, { ...record, value: Records.Peer.encode({ ...peer, fence }) })
  }
  disk.restore({ ...snapshot, records })
}

it.effect("an echo that a contact made up freezes nothing, however often it comes [fence.identity.2]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* talked
    yield* World.close(bob)
    const before = Bytes.toHex(alice.actor.disk.snapshot().records.get("self")!.value)
    for (const [ahead, fill] of [
      [0, 1],
      [1, 2],
      [1000, 3]
    ] as const) {
      misremember(bob.actor, ahead, new Uint8Array(8).fill(fill))
      const liar = yield* world.open(bob.actor)
      yield* World.tick(5)
      yield* liar.client.send("alice", `forged ${fill}`)
      yield* World.tick(5)
      yield* World.close(liar)
    }
    expect(World.texts(yield* World.receive(alice, 3))).toEqual(["forged 1", "forged 2", "forged 3"])
    expect(warned(alice, "RestoredFromBackup")).toBe(0)
    expect(Bytes.toHex(alice.actor.disk.snapshot().records.get("self")!.value)).toBe(before)
    yield* alice.client.send("bob", "still here")
    const back = yield* world.open(bob.actor)
    yield* World.tick(5)
    expect(World.texts(yield* World.receive(back, 1))).toEqual(["still here"])
  })
)

it.effect(
  "a copy made since the last start is noticed by what the peer received [fence.detect.3] [fence.probe.1]",
  () =>
    Effect.gen(function* () {
      const { alice, backup, bob, world } = yield* talked
      for (const text of ["p", "q"]) {
        yield* alice.client.send("bob", text)
        yield* World.tick(5)
        yield* bob.client.send("alice", text)
        yield* World.tick(5)
      }
      yield* World.receive(bob, 2)
      yield* World.receive(alice, 2)
      yield* World.close(alice)
      alice.actor.disk.restore(backup)
      const restored = yield* world.open(alice.actor)
      const [atBob, atAlice] = [yield* World.collect(bob), yield* World.collect(restored)]
      yield* World.tick(5)
      const texts = ["r1", "r2", "r3", "r4", "r5"]
      for (const text of texts) {
        yield* restored.client.send("bob", text)
        yield* World.tick(2)
        yield* bob.client.send("alice", text)
        yield* World.tick(2)
      }
      yield* World.tick(60)
      expect(World.texts(atBob)).toEqual(texts)
      expect(World.texts(atAlice)).toEqual(texts)
      expect(warned(restored, "RestoredFromBackup")).toBe(1)
    })
)

it.effect("a restored device whose headers no longer fit is asked, and heals [fence.probe.2] [fence.detect.3]", () =>
  Effect.gen(function* () {
    const { alice, backup, bob, world } = yield* talked
    const count = world.network.submitted.length
    yield* bob.client.send("alice", "m1")
    yield* World.tick(5)
    const { envelope } = world.network.submitted[count]!
    yield* alice.client.send("bob", "p")
    yield* World.tick(5)
    yield* World.receive(bob, 1)
    yield* World.close(alice)
    alice.actor.disk.restore(backup)
    const restored = yield* world.open(alice.actor)
    const atBob = yield* World.collect(bob)
    yield* World.tick(5)
    // The relay gives out once more what the copy has not seen: Alice's ratchet turns again, to another key.
    yield* world.network.inject("alice", envelope)
    yield* World.tick(5)
    yield* restored.client.send("bob", "q")
    yield* World.tick(60)
    expect(bob.actor.warnings.some((warning) => warning._tag === "Rejected" && warning.cause === "auth.header")).toBe(
      true
    )
    expect(warned(restored, "RestoredFromBackup")).toBe(1)
    expect(World.texts(atBob)).toEqual(["q"])
  })
)

it.effect(
  "numbers passed over after a rollback are no gap, in session messages as in starts, on devices that answer early and late [sequence.floor.1] [fence.heal.1]",
  () =>
    Effect.gen(function* () {
      const { alice, backup, bob, world } = yield* talked
      const { actor } = World.addDevice(world, bob.actor, "bob/2")
      yield* world.register(actor)
      const phone = yield* world.open(actor)
      yield* World.tick(5)
      yield* phone.client.send("alice", "phone")
      yield* World.tick(10)
      yield* alice.client.send("bob", "4")
      yield* World.tick(10)
      const both = alice.actor.disk.snapshot()
      expect(both).not.toBe(backup)
      yield* alice.client.send("bob", "5")
      yield* World.tick(10)
      yield* World.close(alice)
      const again = yield* world.open(alice.actor)
      yield* World.tick(5)
      yield* World.close(again)
      yield* World.close(phone)
      alice.actor.disk.restore(both)
      const count = world.network.submitted.length
      const restored = yield* world.open(alice.actor)
      yield* World.tick(20)
      for (const text of ["6", "7"]) {
        yield* restored.client.send("bob", text)
        yield* World.tick(5)
      }
      const atBob = yield* World.receive(bob, 4)
      expect(World.texts(atBob)).toEqual(["4", "5", "6", "7"])
      expect(atBob[2]!.sequence).toBe(5 + 4096 + 1)
      // The laptop had answered: these were session messages.
      expect(world.network.submitted.slice(count).some(({ envelope }) => envelope[2] === 2)).toBe(true)
      const back = yield* world.open(phone.actor)
      yield* World.tick(40)
      expect(World.texts(yield* World.receive(back, 4))).toEqual(["4", "5", "6", "7"])
      yield* restored.client.send("bob", "8")
      yield* World.tick(10)
      expect(World.texts(yield* World.receive(back, 1))).toEqual(["8"])
      // Nothing but that bob has a phone.
      expect([...bob.actor.warnings, ...phone.actor.warnings]).toMatchObject([{ _tag: "DevicesChanged", version: 2 }])
    })
)

it.effect(
  "a number that a copy of the same run gives out again loses nothing, and tells of the copy [sequence.reuse.1]",
  () =>
    Effect.gen(function* () {
      const { alice, backup, bob, world } = yield* talked
      yield* alice.client.send("bob", "before")
      yield* World.tick(5)
      expect(World.texts(yield* World.receive(bob, 1))).toEqual(["before"])
      yield* World.close(alice)
      // No start between: neither the relay nor a fence can know.
      alice.actor.disk.restore(backup)
      const copy = yield* world.open(alice.actor)
      yield* World.tick(3)
      // In the old session the key would be used up already (fresh.used-key); a new one opens.
      const conversation = yield* copy.client.conversation("bob")
      yield* conversation.reset
      const sent = yield* conversation.send("after")
      expect(sent.sequence).toBe(4)
      yield* World.tick(20)
      const got = yield* World.receive(bob, 1)
      expect(World.texts(got)).toEqual(["after"])
      expect(got[0]!.sequence).toBe(4)
      expect(warned(bob, "PeerRollback")).toBe(1)
      yield* copy.client.send("bob", "later")
      yield* World.tick(20)
      expect(World.texts(yield* World.receive(bob, 1))).toEqual(["later"])
    })
)
