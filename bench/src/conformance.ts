/**
 * `npm run conformance` in this folder: how fast the conformance runner asks, and how long the whole suite takes.
 *
 * Cheap operations a second in process and over standard streams, medians of rounds; then every case of the vectors, in
 * process and as a program. `--json` prints one object as the last line.
 */
import { parseArgs } from "node:util"
import { fileURLToPath } from "node:url"
import { inProcessSource, loadSuite, processSource, run, type Source, type Subject, Timeouts } from "@tacit/conformance"

const { values: options } = parseArgs({ options: { json: { type: "boolean", default: false } } })
const seed = "00".repeat(64)
const timeouts = new Timeouts()
const program = fileURLToPath(new URL("../../conformance/subjects/reference/main.ts", import.meta.url))
const sources: Readonly<Record<string, Source>> = {
  "in process": inProcessSource("reference", timeouts),
  "as a program": processSource(`'${process.execPath}' -C @tacit/source '${program}'`, timeouts)
}

/** A cheap operation: a canonical value of some bytes decoded. */
const ask = (subject: Subject) => subject.ask({ op: "canon.decode", in: { bytes: "9301c40401020304a26869" } })

const perSecond = async (source: Source, count: number): Promise<number> => {
  const subject = await source.start(seed)
  const rounds: Array<number> = []
  for (let round = 0; round < 9; round++) {
    const began = performance.now()
    for (let i = 0; i < count; i++) await ask(subject)
    rounds.push((count / (performance.now() - began)) * 1000)
  }
  const answer = await ask(subject)
  if (!("ok" in answer)) throw new Error("the operation does not work")
  await subject.close()
  return rounds.sort((a, b) => a - b)[4]!
}

const suite = loadSuite()
const whole = async (source: Source): Promise<number> => {
  const began = performance.now()
  const { footer } = await run({
    suite,
    source,
    timeouts,
    seed,
    selection: { families: [], cases: [] },
    jobs: 1,
    wires: "failures",
    peer: () => Promise.reject(new Error("no property was asked for")),
    emit: () => undefined,
    signal: new AbortController().signal,
    now: Date.now()
  })
  if (footer.exit !== 0) throw new Error(`the run ended with ${footer.exit}`)
  return (performance.now() - began) / 1000
}

const figures: Record<string, { readonly perSecond: number; readonly suiteSeconds: number }> = {}
for (const [name, source] of Object.entries(sources)) {
  const count = name === "in process" ? 20_000 : 3000
  figures[name] = { perSecond: Math.round(await perSecond(source, count)), suiteSeconds: await whole(source) }
  const { perSecond: rate, suiteSeconds } = figures[name]
  console.log(
    `${name.padEnd(12)}  ${rate.toLocaleString("en")} cheap operations/s  ${suite.cases.length} cases in ${suiteSeconds.toFixed(1)} s`
  )
}
if (options.json) console.log(JSON.stringify({ cases: suite.cases.length, ...figures }))
