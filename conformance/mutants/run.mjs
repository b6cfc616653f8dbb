// Mutates the protocol's folders in a private copy of the tree, tries the vectors on every mutant, the properties on those
// that the vectors let pass, and the core's own tests on those that the properties let pass.
//
// `npm run mutants` in the repository's root; `npm run mutants -- ratchet session` for some of the parts. One part after the
// other, so that a run that is stopped keeps what it has: results/<part>.json beside this file. All of it takes an hour.
// `npm run mutants -- --missed` tries again only what the stored results say nothing noticed, and survivors.json does not
// explain, after vectors were added; `--with vectors`, `properties` or `tests` tries one of the three alone.
// Then says the score, and which survivors survivors.json does not explain (report.mjs).
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { privateCopy } from "../breaks/copy.ts"
import { explained, missed, parts, report, results } from "./report.mjs"

const here = fileURLToPath(new URL(".", import.meta.url))
const { positionals: wanted, values } = parseArgs({
  allowPositionals: true,
  options: { missed: { type: "boolean", default: false }, with: { type: "string" } }
})
const stages = ["vectors", "properties", "tests"].filter((stage) => values.with === undefined || values.with === stage)
const unknown = wanted.filter((part) => !(part in parts))
if (unknown.length > 0) {
  console.error(`there is no part ${unknown.join(", ")}; the parts: ${Object.keys(parts).join(", ")}`)
  process.exit(2)
}
if (!existsSync(join(here, "node_modules"))) {
  const installed = spawnSync("npm", ["ci"], { cwd: here, stdio: "inherit" })
  if (installed.status !== 0) process.exit(4)
}

/** Tries these tests on the mutants of these files, or ranges of files. */
const tried = (copy, tests, mutated) => {
  const found = join(copy, "mutants.json")
  rmSync(found, { force: true })
  const stryker = join(here, "node_modules/@stryker-mutator/core/bin/stryker.js")
  const options = ["run", "conformance/mutants/stryker.config.json", "--mutate", mutated.join(",")]
  const { status } = spawnSync(process.execPath, [stryker, ...options], {
    cwd: copy,
    stdio: "inherit",
    env: { ...process.env, TACIT_MUTANTS: tests }
  })
  if (existsSync(found)) return JSON.parse(readFileSync(found, "utf8"))
  console.error(`Stryker ended with ${status} and without results`)
  process.exit(4)
}

const placeOf = ({ location: { end, start }, mutatorName, replacement }) =>
  [start.line, start.column, end.line, end.column, mutatorName, replacement].join(":")

/** Where a mutant is, in the form that says to mutate there: lines from 1, columns from 0. */
const rangeOf = (path, { location: { end, start } }) =>
  `${path}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`

/** Tries these tests on what nothing noticed so far. */
const triedOnMissed = (copy, tests, found) => {
  const passed = Object.entries(found.files).flatMap(([path, { mutants, source }]) =>
    mutants.filter((mutant) => missed(mutant) && !explained(source, path, mutant)).map((mutant) => ({ path, mutant }))
  )
  if (passed.length === 0) return
  console.log(`${tests}, on ${passed.length} that nothing noticed so far`)
  const now = tried(copy, tests, [...new Set(passed.map(({ mutant, path }) => rangeOf(path, mutant)))])
  for (const { mutant, path } of passed) {
    const same = now.files[path]?.mutants.find((other) => placeOf(other) === placeOf(mutant))
    if (same === undefined || same.status === "NoCoverage") continue
    mutant.status = same.status
    if (!missed(same)) mutant.statusReason = tests
  }
}

/** The results as they are stored, of the source as it is. */
const stored = (part) => {
  const file = join(results, `${part}.json`)
  if (!existsSync(file)) {
    console.error(`${part} was not run yet: npm run mutants -- ${part}`)
    process.exit(2)
  }
  const found = JSON.parse(readFileSync(file, "utf8"))
  for (const [path, { source }] of Object.entries(found.files)) {
    if (readFileSync(join(here, "../..", path), "utf8") === source) continue
    console.error(`${path} is not what it was when ${part} was run: npm run mutants -- ${part}`)
    process.exit(2)
  }
  return found
}

mkdirSync(results, { recursive: true })
const copy = privateCopy({ tests: true })
try {
  symlinkSync(join(here, "node_modules/@stryker-mutator"), join(copy, "node_modules/@stryker-mutator"))
  for (const [part, files] of Object.entries(parts)) {
    if (wanted.length > 0 && !wanted.includes(part)) continue
    console.log(`== ${part}`)
    const found = values.missed ? stored(part) : tried(copy, "vectors", files)
    for (const tests of values.missed ? stages : ["properties", "tests"]) triedOnMissed(copy, tests, found)
    writeFileSync(join(results, `${part}.json`), JSON.stringify(found))
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
process.exitCode = report()
