/**
 * `tacit-conformance run`: judges a subject.
 *
 * Spec: docs/spec/21-conformance.md.
 */
import { existsSync } from "node:fs"
import type { KnownFailures } from "../../protocol/KnownFailures.ts"
import { budgets, type ResultEvent } from "../../protocol/Result.ts"
import { judgeProperties, properties } from "../../properties/Run.ts"
import type { ExitCode } from "../../run/ExitCode.ts"
import { BadKnownFile, parseKnown, updated } from "../../run/Known.ts"
import { isFailure } from "../../run/Levels.ts"
import { isProperty } from "../../run/Properties.ts"
import { run, select, type RunEnd, type Selection } from "../../run/Run.ts"
import type { Suite } from "../../suite/Suite.ts"
import type { Inputs } from "../Arguments.ts"
import { UsageError, type Command, type Context } from "../Command.ts"
import { reportOptions, wantsReports, writeReports } from "../Reports.ts"
import { openResults } from "../Results.ts"
import {
  chooseSubject,
  chooseSuite,
  readText,
  startReference,
  subjectOptions,
  vectorsOption,
  writeText
} from "../Subjects.ts"
import { failureLines, summaryLines } from "../Summary.ts"

const selectionOf = (inputs: Inputs, suite: Suite): Selection => {
  const level = inputs.whole("level", 0, 5)
  const families = inputs.list("family")
  const cases = inputs.list("case")
  const budget = inputs.oneOf("budget", [...budgets, "none"])
  const known = new Set([...suite.cases.map(({ family }) => family), "device"])
  const strange = families.find((family) => !known.has(family))
  if (strange !== undefined) {
    throw new UsageError(`there is no family ${JSON.stringify(strange)}`, `There are ${[...known].join(", ")}.`)
  }
  const selection: Selection = {
    ...(level === undefined ? {} : { level }),
    families,
    cases,
    ...(budget === undefined || budget === "none" ? {} : { budget })
  }
  const properties = families.includes("device") || cases.some(isProperty)
  if ((families.length > 0 || cases.length > 0) && !properties && select(suite, selection).length === 0) {
    throw new UsageError("the selection holds no case", "`tacit-conformance coverage` shows what there is.")
  }
  return selection
}

const knownOf = (path: string | undefined, mayMiss: boolean): KnownFailures | undefined => {
  if (path === undefined || (mayMiss && !existsSync(path))) return undefined
  try {
    return parseKnown(readText(path))
  } catch (error) {
    if (!(error instanceof BadKnownFile)) throw error
    throw new UsageError(
      `${path} is no file of known failures: ${error.message}`,
      "Its form is rule known.file.1 of docs/spec/21-conformance.md."
    )
  }
}

/** Properties that belong to a level or one below. */
const upTo = (level: number): ReadonlyArray<string> =>
  properties.filter((property) => property.level <= level).map(({ id }) => id)

/** Failures that are shown while a run goes on; the rest is in the results. */
const shownFailures = 20

const updateKnown = (path: string, before: KnownFailures | undefined, suite: Suite, end: RunEnd): void => {
  const failures = end.ended.flatMap((one) =>
    one.event === "result" && isFailure(one.outcome)
      ? [{ path: `${one.family}/${one.topic}/${one.case}`, critical: one.critical, outcome: one.outcome }]
      : []
  )
  writeText(path, `${JSON.stringify(updated(before, suite.version, failures), null, 2)}\n`)
}

const judge = async ({ err, inputs, out, progress, signal }: Context): Promise<ExitCode> => {
  const chosen = chooseSubject(inputs)
  const suite = chooseSuite(inputs)
  const selection = selectionOf(inputs, suite)
  const knownPath = inputs.text("known")
  const update = inputs.flag("update-known")
  if (update && knownPath === undefined) throw new UsageError("--update-known needs --known <file>")
  const known = knownOf(knownPath, update)
  const jsonPath = inputs.text("json")
  const say = jsonPath === "-" ? err : out
  const results = openResults(jsonPath, out, wantsReports(inputs))
  let failures = 0
  const reached = new Set<string>()
  const emit = (event: ResultEvent): void => {
    results.write(event)
    const failed =
      (event.event === "result" && isFailure(event.outcome) && event.known === undefined) ||
      (event.event === "property" && isFailure(event.outcome))
    if (!failed) return
    failures += 1
    if (failures <= shownFailures) {
      progress("")
      for (const line of failureLines(event, chosen.words)) say(line)
    }
  }
  try {
    const end = await run({
      suite,
      source: chosen.source,
      timeouts: chosen.timeouts,
      seed: chosen.seed,
      selection,
      jobs: inputs.whole("jobs", 1, 64) ?? 1,
      wires: inputs.oneOf("wires", ["failures", "all", "none"]) ?? "failures",
      ...(known === undefined ? {} : { known }),
      properties: (run) => judgeProperties(reached)({ ...run, only: run.only.length > 0 ? run.only : upTo(run.level) }),
      peer: () => startReference(chosen.seed),
      emit,
      progress: (done, of) => progress(`${done} of ${of}`),
      signal,
      now: Date.now()
    })
    progress("")
    if (failures > shownFailures) say(`… and ${failures - shownFailures} more failures; --json <file> keeps all`)
    if (reached.size > 0) say(`  properties reached ${reached.size} combinations of operation, answer and role`)
    for (const line of summaryLines(end.header, end.footer, end.ended)) say(line)
    await writeReports(inputs, results.text(), suite.folder)
    if (update && end.footer.stopped === undefined) updateKnown(knownPath!, known, suite, end)
    return end.footer.exit as ExitCode
  } finally {
    results.close()
  }
}

export const runCommand: Command = {
  name: "run",
  summary: "judge a subject by all cases and properties, or some",
  about: [
    "Asks the subject everything its families declare, shows failures as they happen, and ends with the level it reached. Without --level nothing is expected but that what was declared is right; with it, everything up to that level must be declared.",
    "The reference is always at hand: --in-process reference."
  ],
  positionals: [],
  options: [
    ...subjectOptions,
    vectorsOption,
    { name: "level", value: "0-5", text: "run what belongs to this level and those below, and expect all of it" },
    { name: "family", value: "name", many: true, text: "only this family; `device` stands for the properties" },
    {
      name: "case",
      value: "id",
      many: true,
      text: "only this case, or a pattern of family/topic/id, or a property such as P03"
    },
    {
      name: "budget",
      value: "quick|ci|nightly|none",
      default: "quick",
      text: "how long properties are searched for a failure"
    },
    { name: "jobs", value: "n", default: "1", text: "how many subjects share the work" },
    { name: "wires", value: "failures|all|none", default: "failures", text: "of which cases the messages are kept" },
    {
      name: "json",
      value: "file",
      text: "write results as they happen, one JSON object a line; `-` is standard output"
    },
    ...reportOptions,
    { name: "known", value: "file", text: "known failures: they are run, and must fail in the way it says" },
    { name: "update-known", text: "write the known failures anew from this run; critical ones are never among them" }
  ],
  examples: [
    { line: "tacit-conformance run --in-process reference", text: "the reference; must reach the highest level" },
    {
      line: 'tacit-conformance run --subject "python3 adapter.py" --level 1',
      text: "is this a level 1 implementation?"
    },
    {
      line: "tacit-conformance run --subject ./adapter --family encoding --json results.ndjson",
      text: "one family, with results"
    },
    {
      line: "tacit-conformance run --subject ./adapter --known known.json --jobs 4 --html report.html",
      text: "as in CI"
    }
  ],
  run: judge
}
