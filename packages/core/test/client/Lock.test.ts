/** The lock of a conversation: exclusive, first come first served, and never lost. */
import { it } from "@effect/vitest"
import { expect } from "vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import { Lock } from "../../src/client/internal/lock.ts"

const soon = Effect.andThen(
  Effect.yieldNow,
  Effect.promise(() => Promise.resolve())
)

/** Whether the lock is free: nothing else runs while this looks. */
const isFree = (lock: Lock) =>
  Effect.map(
    Effect.timeoutOption(
      lock.hold(() => Effect.succeed("held")),
      1_000
    ),
    (held) => held._tag === "Some"
  )

it.live("runs one at a time, in the order of arrival, whatever each waits for", () =>
  Effect.gen(function* () {
    const lock = new Lock()
    const order: Array<number> = []
    let inside = 0
    const one = (i: number) =>
      lock.hold(() =>
        Effect.gen(function* () {
          expect(++inside).toBe(1)
          order.push(i)
          for (let turns = 0; turns < i % 4; turns++) yield* soon
          inside--
          return i
        })
      )
    const results = yield* Effect.forEach(
      Array.from({ length: 200 }, (_, i) => i),
      one,
      { concurrency: "unbounded" }
    )
    expect(results).toEqual(order)
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(yield* isFree(lock)).toBe(true)
  })
)

it.live("is given back after failures, defects and exceptions, which come out as they are", () =>
  Effect.gen(function* () {
    const lock = new Lock()
    const thrown = new Error("thrown")
    expect(yield* Effect.flip(lock.hold(() => Effect.fail("failure")))).toBe("failure")
    const died = yield* Effect.exit(lock.hold(() => Effect.die(thrown)))
    const threw = yield* Effect.exit(
      lock.hold((): Effect.Effect<void> => {
        throw thrown
      })
    )
    expect(died).toEqual(Exit.die(thrown))
    expect(threw).toEqual(Exit.die(thrown))
    expect(yield* isFree(lock)).toBe(true)
  })
)

it.live("an interrupted waiter leaves the queue, and those behind it get their turn", () =>
  Effect.gen(function* () {
    const lock = new Lock()
    const gate = yield* Deferred.make<void>()
    const ran: Array<string> = []
    const enter = (name: string) => lock.hold(() => Effect.sync(() => void ran.push(name)))
    const first = yield* Effect.forkChild(lock.hold(() => Deferred.await(gate)))
    yield* soon
    const second = yield* Effect.forkChild(enter("second"))
    const third = yield* Effect.forkChild(enter("third"))
    yield* soon
    yield* Fiber.interrupt(second)
    expect(ran).toEqual([])
    yield* Deferred.succeed(gate, undefined)
    yield* Fiber.join(first)
    yield* Fiber.join(third)
    expect(ran).toEqual(["third"])
    expect(yield* isFree(lock)).toBe(true)
  })
)

it.live("what runs under it ends before an interruption counts", () =>
  Effect.gen(function* () {
    const lock = new Lock()
    const gate = yield* Deferred.make<void>()
    let ended = false
    const fiber = yield* Effect.forkChild(
      lock.hold(() =>
        Effect.andThen(
          Deferred.await(gate),
          Effect.sync(() => void (ended = true))
        )
      )
    )
    yield* soon
    const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
    yield* soon
    expect(ended).toBe(false)
    yield* Deferred.succeed(gate, undefined)
    yield* Fiber.join(interrupting)
    expect(ended).toBe(true)
    expect(yield* isFree(lock)).toBe(true)
  })
)

it.live("taken by hand it excludes as well, until it is given back", () =>
  Effect.gen(function* () {
    const lock = new Lock()
    yield* lock.take
    let entered = false
    const fiber = yield* Effect.forkChild(lock.hold(() => Effect.sync(() => void (entered = true))))
    yield* soon
    expect(entered).toBe(false)
    lock.release()
    yield* Fiber.join(fiber)
    expect(entered).toBe(true)
  })
)

it.live("is never lost to interruptions, wherever they hit and however often fibers yield", () =>
  Effect.gen(function* () {
    for (let seed = 1; seed <= 60; seed++) {
      const lock = new Lock()
      let inside = 0
      let state = seed
      const dice = (sides: number) => (state = (state * 48_271) % 2_147_483_647) % sides
      const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
      for (let i = 0; i < 12; i++) {
        const turns = dice(3)
        const body = Effect.gen(function* () {
          expect(++inside).toBe(1)
          for (let turn = 0; turn < turns; turn++) yield* soon
          inside--
        })
        const program =
          dice(4) === 0
            ? Effect.uninterruptible(
                Effect.andThen(
                  lock.take,
                  Effect.andThen(
                    body,
                    Effect.sync(() => lock.release())
                  )
                )
              )
            : lock.hold(() => body)
        fibers.push(yield* Effect.forkChild(Effect.provideService(program, Scheduler.MaxOpsBeforeYield, 3 + dice(6))))
        if (dice(2) === 0) yield* soon
        if (dice(2) === 0) yield* Effect.forkChild(Fiber.interrupt(fibers[dice(fibers.length)]!))
      }
      for (const fiber of fibers) yield* Fiber.await(fiber)
      expect(inside).toBe(0)
      expect(yield* isFree(lock)).toBe(true)
    }
  })
)
