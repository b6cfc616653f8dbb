/** Killed at every commit: nothing is lost, nothing comes twice, no key stream is used twice. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Incoming } from "../../src/client/Api.ts"
import * as Keystream from "./Keystream.ts"
import * as World from "./World.ts"

/** What an application remembers over its own crashes. */
interface Diary {
  /** Sends that returned. */
  readonly sent: Array<string>
  /** Messages it was given, in order, repetitions included. */
  readonly seen: Array<Incoming>
  /** How often a message was given again that was not the last one of a process that was killed. */
  wrong: number
  last: string | undefined
}

const lines = (name: string, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, i) => `${name} ${i} ${"A".repeat(60)}`)

const diary = (): Diary => ({ sent: [], seen: [], wrong: 0, last: undefined })

/** Reads what comes, until the process ends. */
const read = (process: World.Process, { seen, ...rest }: Diary, diaryOf: Diary) =>
  Effect.forkIn(
    Stream.runForEach(process.client.messages, (message) =>
      Effect.sync(() => {
        const before = seen.some(({ id }) => id === message.id)
        if (before && diaryOf.last !== message.id) diaryOf.wrong++
        seen.push(message)
        diaryOf.last = message.id
        void rest
      })
    ),
    process.scope
  )

/** Alternates; killed once at a commit, alice or bob goes on where the application knows it stopped. */
const conversation = (victim: "alice" | "bob" | undefined, nth: number, when: "before" | "after") =>
  Effect.gen(function* () {
    yield* TestClock.setTime(1_700_000_000_000)
    const world = World.make()
    const actors = { alice: world.actor("alice"), bob: world.actor("bob") }
    const diaries = { alice: diary(), bob: diary() }
    const scripts = { alice: lines("a", 6), bob: lines("b", 4) }
    const stop = victim === undefined ? undefined : World.stopAt(actors[victim], nth, when)
    const processes: { alice: World.Process | undefined; bob: World.Process | undefined } = {
      alice: undefined,
      bob: undefined
    }
    const start = (name: "alice" | "bob") =>
      Effect.gen(function* () {
        yield* Effect.exit(world.register(actors[name]))
        const process = yield* world.open(actors[name])
        processes[name] = process
        yield* read(process, diaries[name], diaries[name])
      })
    const step = (name: "alice" | "bob") =>
      Effect.gen(function* () {
        const next = scripts[name][diaries[name].sent.length]
        const process = processes[name]
        if (next === undefined || process === undefined) return
        const other = name === "alice" ? "bob" : "alice"
        yield* process.client.send(other, next, { idempotencyKey: next })
        diaries[name].sent.push(next)
      })
    const isDown = () => stop?.reached === true && victim !== undefined && actors[victim].intercept !== undefined
    /** Runs something that may never return because its device was stopped. */
    const guarded = (effect: Effect.Effect<void, unknown, never>) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(effect)
        for (let i = 0; i < 40 && fiber.pollUnsafe() === undefined; i++) {
          if (isDown()) break
          yield* World.tick(1)
        }
        yield* Fiber.interrupt(fiber)
        if (victim !== undefined && isDown()) {
          actors[victim].intercept = undefined
          const process = processes[victim]
          if (process !== undefined) yield* World.crash(process)
          else actors[victim].disk.crash()
          processes[victim] = undefined
          yield* start(victim)
          yield* World.tick(2)
        }
      })
    for (const name of ["alice", "bob"] as const) yield* guarded(Effect.orDie(start(name)) as Effect.Effect<void>)
    for (const name of ["alice", "bob"] as const) if (processes[name] === undefined) yield* start(name)
    yield* World.tick(3)
    for (let round = 0; round < 8; round++) {
      for (const name of ["alice", "bob"] as const) {
        yield* guarded(step(name))
        if (round % 2 === 0) yield* guarded(World.tick(2))
      }
    }
    yield* guarded(World.tick(10))
    yield* World.tick(120)
    return { world, actors, diaries, scripts, commits: stop?.commits ?? 0, reached: stop?.reached ?? false }
  })

const unique = (seen: ReadonlyArray<Incoming>): ReadonlyArray<string> => [
  ...new Map(seen.map((message) => [message.order, World.texts([message])[0]!])).values()
]

const checked = (victim: "alice" | "bob", nth: number, when: "before" | "after") =>
  Effect.gen(function* () {
    const name = `${victim} killed ${when} commit ${nth}`
    const { actors, diaries, reached, scripts, world } = yield* Effect.scoped(conversation(victim, nth, when))
    expect([name, diaries.alice.sent]).toEqual([name, scripts.alice])
    expect([name, diaries.bob.sent]).toEqual([name, scripts.bob])
    expect([name, unique(diaries.bob.seen)]).toEqual([name, scripts.alice])
    expect([name, unique(diaries.alice.seen)]).toEqual([name, scripts.bob])
    expect([name, diaries.alice.wrong, diaries.bob.wrong]).toEqual([name, 0, 0])
    for (const warning of [...actors.alice.warnings, ...actors.bob.warnings]) {
      expect([name, warning._tag, "cause" in warning ? warning.cause : undefined]).toEqual([name, "none", undefined])
    }
    expect([name, Keystream.reused(world.network.submitted.map(({ envelope }) => envelope))]).toEqual([name, []])
    return reached
  })

for (const victim of ["alice", "bob"] as const) {
  for (const when of ["before", "after"] as const) {
    it.effect(
      `${victim} is killed ${when} every commit of a conversation, in turn [state.commit.1] [state.commit.2] [state.once.1] [state.outbox.2] [prekey.once.1]`,
      () =>
        Effect.gen(function* () {
          let nth = 1
          while (yield* checked(victim, nth, when)) nth++
          expect(nth).toBeGreaterThan(20)
        }),
      60_000
    )
  }
}

export { Exit }
