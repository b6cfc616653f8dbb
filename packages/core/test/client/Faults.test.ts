import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { Incoming } from "../../src/client/Api.ts"
import * as Stream from "effect/Stream"
import type { Faults } from "../../src/testing/MemoryNetwork.ts"
import * as World from "./World.ts"

/** Collects everything a process delivers, for as long as it runs. */
const collect = (process: World.Process, into: Array<Incoming>) =>
  Effect.forkIn(
    Stream.runForEach(process.client.messages, (message) => Effect.sync(() => void into.push(message))),
    process.scope
  )

const run = (seed: number, faults: Partial<Faults>, count: number) =>
  Effect.gen(function* () {
    const world = World.make(seed)
    const alice = yield* world.join("alice")
    const bob = yield* world.join("bob")
    yield* World.tick(20)
    const [atAlice, atBob]: [Array<Incoming>, Array<Incoming>] = [[], []]
    yield* collect(alice, atAlice)
    yield* collect(bob, atBob)
    world.network.faults(faults)
    for (let i = 0; i < count; i++) {
      yield* alice.client.send("bob", `a${i}`)
      if (i % 3 === seed % 3) yield* bob.client.send("alice", `b${i}`)
      if (i % 5 === 0) yield* World.tick(1)
    }
    yield* World.tick(400)
    world.network.faults({ drop: 0, duplicate: 0, corrupt: 0, forge: 0, reorder: 0, loseRequest: 0, loseAnswer: 0 })
    yield* World.tick(400)
    return { world, alice, bob, atAlice, atBob }
  })

it.effect(
  "prints",
  () =>
    Effect.gen(function* () {
      const faults = JSON.parse(process.env["F"] ?? "{}") as Partial<Faults>
      for (let seed = 1; seed <= Number(process.env["S"] ?? 3); seed++) {
        const { alice, atAlice, atBob, bob } = yield* Effect.scoped(run(seed, faults, 60))
        const tags = (w: ReadonlyArray<{ _tag: string; cause?: string }>) => {
          const out: Record<string, number> = {}
          for (const x of w) out[x.cause ?? x._tag] = (out[x.cause ?? x._tag] ?? 0) + 1
          return out
        }
        const seqA = atBob.map((m) => m.sequence)
        console.log(
          seed,
          "bob got",
          atBob.length,
          "of 60, distinct",
          new Set(atBob.map((m) => m.id)).size,
          "alice got",
          atAlice.length,
          "of 20"
        )
        console.log(
          "  missing",
          Array.from({ length: 60 }, (_, i) => i + 1)
            .filter((n) => !seqA.includes(n))
            .join(","),
          "late",
          atBob.filter((m) => m.late).length
        )
        console.log(
          "  bob warns",
          JSON.stringify(tags(bob.actor.warnings as never)),
          "alice warns",
          JSON.stringify(tags(alice.actor.warnings as never))
        )
        const states: Record<string, number> = {}
        for (const e of alice.actor.events) states[e.state] = (states[e.state] ?? 0) + 1
        console.log("  alice events", JSON.stringify(states))
      }
      expect(1).toBe(1)
    }),
  120000
)
