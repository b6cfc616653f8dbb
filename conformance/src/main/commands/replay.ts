/**
 * `tacit-conformance replay`: one case, with all that is said.
 *
 * Spec: docs/spec/21-conformance.md §21.1.
 */
import { existsSync } from "node:fs"
import { properties, replay } from "../../properties/Run.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { runCase, type CaseEnd } from "../../run/CaseRun.ts"
import { missing } from "../../run/Run.ts"
import type { Wire } from "../../protocol/Result.ts"
import { StartFailure } from "../../subject/Subject.ts"
import { inProcessSource, reference } from "../../subject/InProcess.ts"
import { processSource } from "../../subject/Process.ts"
import type { Case } from "../../suite/Case.ts"
import type { Suite } from "../../suite/Suite.ts"
import { nearest } from "../../words/Words.ts"
import { UsageError, type Command, type Context } from "../Command.ts"
import { readScript, seedFor, withStage } from "../Scripts.ts"
import { chooseSubject, chooseSuite, subjectOptions, vectorsOption, type Chosen } from "../Subjects.ts"
import { safe } from "../Summary.ts"

/** The case with an id, or at the end of a path. Throws `UsageError`. */
export const findCase = (suite: Suite, name: string): Case => {
  const found = suite.cases.find(({ id, path }) => id === name || path === name)
  if (found !== undefined) return found
  const close = nearest(
    suite.cases.map(({ id }) => id),
    name
  )
  throw new UsageError(
    `there is no case ${JSON.stringify(name)}`,
    close === undefined ? "Ids are in the results of a run." : `Did you mean ${close}?`
  )
}

/** Words after `--` are a command line, as results have it: a program, or `in-process` and a module. */
const afterDashes = (context: Context, words: ReadonlyArray<string>): Chosen => {
  if (words.length === 0) return chooseSubject(context.inputs, reference)
  const base = chooseSubject(context.inputs, reference)
  const [first, second] = words
  return first === "in-process" && second !== undefined
    ? { ...base, source: inProcessSource(second, base.timeouts) }
    : { ...base, source: processSource(words.join(" "), base.timeouts) }
}

const arrow = { request: ">", reply: "<", lost: "!" } as const

const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most)}… (${text.length})` : text

/** One message as a line. */
export const wireLine = ({ dir, message, step }: Omit<Wire, "event" | "case">, most: number): string =>
  `${step < 0 ? "  ·" : String(step).padStart(3)} ${arrow[dir]} ${cut(safe(JSON.stringify(message)), most)}`

const verdictLines = (item: Case, end: CaseEnd): ReadonlyArray<string> => {
  if (end.outcome === "pass") {
    const note =
      end.class === undefined
        ? ""
        : ` (its class ${end.class.actual ?? "none"} is not ${end.class.expected.join(" or ")}; shown, not scored)`
    return [`pass${note}`]
  }
  return [
    `${end.outcome}${item.critical ? " [critical]" : ""}${end.step === undefined ? "" : ` at step ${end.step}`}: ${safe(end.message ?? "")}`,
    ...(end.expected === undefined ? [] : [`  expected ${safe(cut(JSON.stringify(end.expected), 2000))}`]),
    ...(end.actual === undefined ? [] : [`  got      ${safe(cut(JSON.stringify(end.actual), 2000))}`]),
    ...(end.stderr === undefined
      ? []
      : ["  its standard error ended with:", ...end.stderr.split("\n").slice(-20).map(safe)])
  ]
}

/** A script of a property, with all that is said to the subject and to the reference beside it. */
const replayScript = async (context: Context, path: string): Promise<ExitCode> => {
  const { inputs, out } = context
  const named = inputs.text("property")
  const script = readScript(path, named)
  const property = named ?? script.property
  const most = inputs.flag("full") ? Infinity : 400
  const { roles, script: steps, world } = script.reproducer
  out(`${steps.length} steps in the world ${world}, answered by ${roles.join(", ")}`)
  const watched = property === undefined ? properties.map(({ id }) => id) : [property]
  const { broken, violation } = await withStage(
    afterDashes(context, inputs.rest("subject")),
    seedFor(inputs.text("seed"), script),
    (stage) => replay(stage, script.reproducer, watched),
    (step, dir, message) => out(wireLine({ step, dir, message }, most))
  )
  if (broken !== undefined) out(`${broken.kind}: ${safe(broken.message)}`)
  else if (violation !== undefined)
    out(`${violation.property} is broken at step ${violation.step}: ${safe(violation.message)}`)
  else out("pass")
  return broken === undefined && violation === undefined ? ExitCode.conformant : ExitCode.notConformant
}

export const replayCommand: Command = {
  name: "replay",
  summary: "run one case, or a script, and show all that is said",
  about: [
    "Without a subject the reference answers, which shows what the right answers are. A subject may also follow after `--`, as results of a run name it.",
    "Lines are numbered by the steps of the case; · marks what the runner asks of its own, such as digests."
  ],
  positionals: [
    { name: "case", text: "the id of a case, its family/topic/id, or a file with the script of a property" },
    { name: "subject", text: "after --: a command line", optional: true, many: true }
  ],
  options: [
    ...subjectOptions,
    vectorsOption,
    { name: "property", value: "id", text: "of a file of results, the property whose script is meant" },
    { name: "full", text: "do not cut long messages" }
  ],
  examples: [
    { line: "tacit-conformance replay window-in-order-1-1", text: "what the reference says" },
    { line: "tacit-conformance replay window-in-order-1-1 --subject ./adapter", text: "what your adapter says" },
    {
      line: "tacit-conformance replay results.ndjson --property P03 --subject ./adapter",
      text: "what broke a property"
    }
  ],
  run: async (context) => {
    const { err, inputs, out } = context
    if (existsSync(inputs.positional("case"))) return replayScript(context, inputs.positional("case"))
    const suite = chooseSuite(inputs)
    const item = findCase(suite, inputs.positional("case"))
    const { seed, source } = afterDashes(context, inputs.rest("subject"))
    try {
      const subject = await source.start(seed)
      const { clauses, critical, path, title } = item
      out(`${path}: ${title}${critical ? " [critical]" : ""}`)
      out(`  ${clauses.join(" ")}`)
      const lacking = missing(subject.hello, item)
      if (lacking !== undefined) out(`  not declared: ${lacking}; asked all the same`)
      const end = await runCase(subject, item)
      for (const wire of end.wires) out(wireLine(wire, inputs.flag("full") ? Infinity : 400))
      for (const line of verdictLines(item, end)) out(line)
      await subject.close()
      return end.outcome === "pass" ? ExitCode.conformant : ExitCode.notConformant
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error
      err(`the subject does not come up: ${safe(error.message)}`)
      if (error.stderr !== "") err(error.stderr)
      return ExitCode.unusable
    }
  }
}
