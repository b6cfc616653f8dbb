// Many seeds of the convergence test: `npm run convergence -- --runs 1000 [--from 1]`, or one again: `-- --seed 7 [--steps 1,2,5]`.
// Exit code 1 when a run fails; for each it prints what is wrong and the line that plays its fewest steps again.
import { parseArgs } from "node:util"
import * as Run from "./Run.ts"
import * as Script from "./Script.ts"

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    steps: { type: "string" }
  }
})

const report = (problems: ReadonlyArray<string>): void => {
  for (const problem of problems) console.log(`  ${problem}`)
}

if (values.seed !== undefined) {
  const seed = Number(values.seed)
  const steps = values.steps
    ?.split(",")
    .filter((text) => text !== "")
    .map(Number)
  const script = Script.make(seed)
  for (const at of steps ?? script.keys()) console.log(at, JSON.stringify(script[at]))
  const { problems, ...rest } = await Run.once(seed, steps)
  console.log(JSON.stringify(rest))
  report(problems)
  process.exitCode = problems.length > 0 ? 1 : 0
} else {
  const [from, runs] = [Number(values.from), Number(values.runs)]
  const began = performance.now()
  const sums = { green: 0, failed: 0, same: 0, messages: 0, restores: 0, devices: 0, healedMs: 0 }
  for (let seed = from; seed < from + runs; seed++) {
    const { devices, healedMs, messages, problems, restores, same } = await Run.once(seed)
    if (problems.length === 0) sums.green++
    else {
      sums.failed++
      console.log(`seed ${seed}:`)
      report(problems)
      console.log(Run.replay(await Run.shrink(seed, problems)))
    }
    if (same) sums.same++
    sums.messages += messages
    sums.restores += restores
    sums.devices += devices
    sums.healedMs = Math.max(sums.healedMs, healedMs)
    if ((seed - from + 1) % 50 === 0) {
      console.log(`${seed - from + 1} runs, ${sums.failed} failed, ${Math.round((performance.now() - began) / 1000)} s`)
    }
  }
  console.log(
    `${runs} runs from seed ${from}: ${sums.green} green, ${sums.failed} failed; ${sums.messages} messages, ${sums.devices} devices, ` +
      `${sums.restores} restores; both persons with the same history in ${sums.same}; longest healing ${sums.healedMs / 1000} s of test time`
  )
  process.exitCode = sums.failed > 0 ? 1 : 0
}
