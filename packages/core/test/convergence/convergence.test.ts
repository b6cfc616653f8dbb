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

it("without comparing they do not: what heals is the comparison", async () => {
  // Nothing was sent so late: there is nothing to compare.
  const { problems } = await Run.once(5, undefined, 2 ** 50)
  expect(problems[0]).toMatch(/histories differ/)
}, 60_000)

it("a script is its seed", () => {
  expect(Script.make(7)).toEqual(Script.make(7))
  expect(Script.make(7)).not.toEqual(Script.make(8))
})

it("a run is its script: played again it comes to the same", async () => {
  expect(await Run.once(3)).toEqual(await Run.once(3))
}, 60_000)

it("a failing seed is cut down to the steps it needs, and the line to play it again names them", async () => {
  // Fails, without being played, where two devices are restored.
  const problemsOf = async (seed: number, steps: ReadonlyArray<number>) =>
    steps.filter((at) => Script.make(seed)[at]!.do === "restore").length > 1 ? ["restored twice"] : []
  const seed = Array.from({ length: 50 }, (_, at) => at + 1).find(
    (one) => Script.make(one).filter((step) => step.do === "restore").length > 2
  )!
  const failed = await Run.shrink(seed, ["restored twice"], 200, problemsOf)
  expect(failed.steps.map((at) => Script.make(seed)[at]!.do)).toEqual(["restore", "restore"])
  expect(Run.replay(failed)).toBe(`npm run convergence -- --seed ${seed} --steps ${failed.steps.join()}`)
})
