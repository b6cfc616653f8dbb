/** Whom a restored device asks, how often, and what it takes from the directory for it. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Bytes from "../../src/base/Bytes.ts"
import { Refused } from "../../src/ports/Transport.ts"
import { alarms, idOf, person, sentTexts, watch } from "./Household.ts"
import * as World from "./World.ts"

const hour = 60 * 60 * 1000

/** Puts a device back to `backup`, after a start the relay has seen. */
const rolledBack = (world: World.World, actor: World.Actor, backup: ReturnType<typeof actor.disk.snapshot>) =>
  Effect.gen(function* () {
    const later = yield* world.open(actor)
    yield* World.tick(5)
    yield* World.close(later)
    actor.disk.restore(backup)
    actor.warnings.length = 0
  })

for (const killed of [false, true]) {
  it.effect(
    `a restored device whose directory is silent for a day ${killed ? "and which is killed meanwhile " : ""}takes keys of each device once, and reaches all of them [fence.heal.2]`,
    () =>
      Effect.gen(function* () {
        const world = World.make()
        const [desk, phone, pad] = yield* person(world, "alice", 3)
        const [bob] = yield* person(world, "bob", 1)
        const { actor, client } = desk!.process
        yield* client.send("bob", "1")
        yield* World.tick(30)
        const backup = actor.disk.snapshot()
        yield* World.close(desk!.process)
        yield* rolledBack(world, actor, backup)
        let answers = Latch.makeUnsafe(false)
        let taken: Array<string> = []
        actor.spoof = (directory) => ({
          ...directory,
          bundle: (account, device) =>
            Effect.suspend(() => {
              taken.push(Bytes.toHex(device))
              return Effect.andThen(answers.await, directory.bundle(account, device))
            })
        })
        let restored = yield* watch(yield* world.open(actor))
        yield* World.tick(24, hour)
        if (killed) {
          // Silence dies with the process: what it asked is asked again, once.
          yield* World.crash(restored.process)
          answers = Latch.makeUnsafe(false)
          taken = []
          restored = yield* watch(yield* world.open(actor))
          yield* World.tick(24, hour)
        }
        yield* answers.open
        yield* World.tick(40)
        yield* restored.process.client.send("bob", "2")
        yield* World.tick(40)
        expect([...taken].sort()).toEqual([phone!, pad!, bob!].map(idOf).sort())
        expect(World.texts(bob!.messages)).toEqual(["1", "2"])
        for (const other of [phone!, pad!]) expect(sentTexts(other)).toEqual(["1", "2"])
        expect(alarms(restored)).toEqual(["RestoredFromBackup"])
      })
  )
}

it.effect("a restored device reaches whom it can ask, whoever else cannot be asked [fence.heal.2]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = yield* world.join("alice")
    const contacts = []
    for (const user of ["b", "c", "d", "e", "f", "g"]) contacts.push(yield* watch(yield* world.join(user)))
    yield* World.tick(5)
    for (const { process } of contacts) yield* alice.client.send(process.actor.user, "1")
    yield* World.tick(20)
    const { actor } = alice
    const backup = actor.disk.snapshot()
    yield* World.close(alice)
    yield* rolledBack(world, actor, backup)
    // The last one that is come to.
    contacts.sort((a, b) => (a.process.client.self.account < b.process.client.self.account ? -1 : 1))
    const last = contacts.at(-1)!
    let refusals = 0
    actor.spoof = (directory) => ({
      ...directory,
      bundle: (account, device) => {
        if (Bytes.toHex(device) === idOf(last)) return directory.bundle(account, device)
        refusals++
        return Effect.fail(
          new Refused({ code: "internal", explanation: "", retryAfterMs: 60_000, detail: Bytes.empty })
        )
      }
    })
    const restored = yield* world.open(actor)
    yield* World.tick(40)
    yield* restored.client.send(last.process.actor.user, "2")
    yield* World.tick(20)
    expect(World.texts(last.messages)).toEqual(["1", "2"])
    // Each is tried again no sooner than the relay said.
    expect(refusals).toBe(contacts.length - 1)
    yield* World.tick(1, 60_000)
    expect(refusals).toBe(2 * (contacts.length - 1))
  })
)
