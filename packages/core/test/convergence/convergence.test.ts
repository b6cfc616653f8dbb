/** The first seeds of the convergence test; more of them with `npm run convergence -- --runs 1000`. */
import { expect, it } from "vitest"
import * as Run from "./Run.ts"
import * as Script from "./Script.ts"

const seeds = 30
const atOnce = 5

for (let from = 1; from <= seeds; from += atOnce) {
  it(`devices of a person come to have the same history, whatever happens: seeds ${from} to ${from + atOnce - 1} [history.when.1] [history.digest.1] [history.keep.1]`, async () => {
    for (let seed = from; seed < from + atOnce; seed++) {
      const { problems } = await Run.once(seed)
      if (problems.length === 0) continue
      const failed = await Run.shrink(seed, problems)
      expect([...failed.problems, Run.replay(failed)]).toEqual([])
    }
  }, 240_000)
}

it("a script is its seed", () => {
  expect(Script.make(7)).toEqual(Script.make(7))
  expect(Script.make(7)).not.toEqual(Script.make(8))
})

it("a run is its script: played again it comes to the same", async () => {
  expect(await Run.once(3)).toEqual(await Run.once(3))
}, 60_000)

it("a failing seed is cut down to the steps it needs, and the line to play it again names them", async () => {
  // Everything is a failure here that sends more than four messages.
  const problemsOf = async (seed: number, steps?: ReadonlyArray<number>) =>
    (await Run.once(seed, steps)).messages > 4 ? ["too many messages"] : []
  const { seed, steps } = await Run.shrink(2, await problemsOf(2), 25, problemsOf)
  expect(steps.length).toBeLessThan(8)
  expect(steps.every((at) => Script.make(seed)[at]!.do === "send")).toBe(true)
  expect(Run.replay({ seed, steps })).toBe(`npm run convergence -- --seed 2 --steps ${steps.join()}`)
}, 120_000)
