/** One seed: play it, and where it fails, the fewest steps that still do. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import { type Outcome, play } from "./Play.ts"
import * as Script from "./Script.ts"

/** A run that failed: the steps that are needed, by their numbers, and what was wrong. */
export interface Failed {
  readonly seed: number
  readonly steps: ReadonlyArray<number>
  readonly problems: ReadonlyArray<string>
}

/** Plays the steps of a seed with these numbers, or all. */
export const once = async (seed: number, steps?: ReadonlyArray<number>, beginning = 0): Promise<Outcome> => {
  const script = Script.make(seed)
  const chosen = steps === undefined ? script : steps.map((at) => script[at]!)
  // Keeps the process alive and ends a run in which everybody waits for somebody.
  let patience: ReturnType<typeof setTimeout> | undefined
  const hung = new Promise<Outcome>((done) => {
    patience = setTimeout(() => done(brokenOff("it hangs")), patienceMs)
  })
  const outcome = Effect.runPromiseExit(
    Effect.provide(Effect.scoped(play(seed, chosen, beginning)), TestClock.layer())
  ).then((exit) => (Exit.isSuccess(exit) ? exit.value : brokenOff(`it broke off: ${String(exit.cause)}`)))
  return Promise.race([outcome, hung]).finally(() => clearTimeout(patience))
}

/** A run that takes longer, in real time, has come to a halt, ms. */
const patienceMs = 120_000

const brokenOff = (problem: string): Outcome => ({
  problems: [problem],
  messages: 0,
  devices: 0,
  restores: 0,
  same: false,
  healedMs: 0
})
/** Leaves out steps as long as something stays wrong. */
export const shrink = async (
  seed: number,
  problems: ReadonlyArray<string>,
  mostRuns = 60,
  problemsOf: (seed: number, steps: ReadonlyArray<number>) => Promise<ReadonlyArray<string>> = async (...run) =>
    (await once(...run)).problems
): Promise<Failed> => {
  let steps = Script.make(seed).map((_, at) => at)
  let found = problems
  let runs = 0
  for (let size = Math.ceil(steps.length / 2); size >= 1 && runs < mostRuns; size = Math.floor(size / 2)) {
    for (let at = 0; at < steps.length && runs < mostRuns;) {
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)]
      runs++
      const wrong = await problemsOf(seed, fewer)
      if (wrong.length > 0) {
        steps = fewer
        found = wrong
      } else at += size
    }
    if (size === 1) break
  }
  return { seed, steps, problems: found }
}

/** What to type to see a failure again. */
export const replay = ({ seed, steps }: Pick<Failed, "seed" | "steps">): string =>
  `npm run convergence -- --seed ${seed} --steps ${steps.join()}`
