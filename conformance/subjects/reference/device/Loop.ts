/**
 * Time and turns of one device: a scheduler that runs fibers until all of them wait, and a clock that only moves when it is told to.
 *
 * Spec: docs/spec/20-subject.md, rules subject.time.1 and subject.features.1 (`deterministic`).
 * Names no timer and no clock of its host, so that the same requests do the same things at the same times, anywhere.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"

interface Timer {
  readonly at: number
  readonly wake: () => void
}

/** Turns without anything settling; a device that needs more is in a loop. */
const mostTurns = 5_000_000

/** Turns of promises without anything to run after which nothing more comes: a chain of locks handed on is shorter. */
const quietTurns = 12

/** One device's turns. */
export class Loop {
  #now = 0
  #tasks: Array<() => void> = []
  readonly #timers: Array<Timer> = []

  /** The present, ms since 1970. */
  get now(): number {
    return this.#now
  }

  /** Services that make everything run on this loop. Chance, which core uses to spread its pauses, always falls in the middle. */
  readonly services: Context.Context<never> = Context.empty().pipe(
    Context.add(Scheduler.Scheduler, {
      executionMode: "async",
      shouldYield: () => false,
      makeDispatcher: () => ({
        scheduleTask: (task: () => void) => void this.#tasks.push(task),
        flush: () => this.#drain()
      })
    }),
    Context.add(Clock.Clock, this.#clock()),
    Context.add(Random.Random, { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 0.5 })
  )

  /** Runs until every fiber waits for something from outside, or for time to pass. */
  async settle(): Promise<void> {
    // Some wakings take the way of promises: it is quiet when several turns of those have brought nothing.
    for (let quiet = 0; quiet < quietTurns; quiet++) {
      if (this.#drain()) quiet = 0
      await Promise.resolve()
    }
  }

  /** Lets time pass up to `now`, with all that happens on the way. A time in the past is only taken over. */
  async advance(now: number): Promise<void> {
    for (;;) {
      await this.settle()
      const next = this.#timers[0]
      if (next === undefined || next.at > now) break
      this.#now = Math.max(this.#now, next.at)
    }
    this.#now = now
    await this.settle()
  }

  /** Runs what is ready. Answers whether anything was. */
  #drain(): boolean {
    let turns = 0
    while (this.#tasks.length > 0 || this.#fire()) {
      const tasks = this.#tasks
      this.#tasks = []
      for (const task of tasks) task()
      turns += tasks.length + 1
      if (turns > mostTurns) throw new Error("the device does not settle")
    }
    return turns > 0
  }

  /** Wakes whoever waits for a time that has come. */
  #fire(): boolean {
    const next = this.#timers[0]
    if (next === undefined || next.at > this.#now) return false
    this.#timers.shift()
    next.wake()
    return true
  }

  #clock(): Clock.Clock {
    const millis = (): number => this.#now
    const nanos = (): bigint => BigInt(this.#now) * 1_000_000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Effect.callback<void>((resume) => {
          const timer: Timer = { at: this.#now + Duration.toMillis(duration), wake: () => resume(Effect.void) }
          // Sorted by time; of equal times the one that was set first comes first.
          let at = this.#timers.length
          while (at > 0 && this.#timers[at - 1]!.at > timer.at) at--
          this.#timers.splice(at, 0, timer)
          return Effect.sync(() => {
            const index = this.#timers.indexOf(timer)
            if (index >= 0) this.#timers.splice(index, 1)
          })
        })
    }
  }
}
