/**
 * Reads a file of result events into one run.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (result.events.1).
 * What a report may say comes from here alone. Does not judge a case; it checks that the last line says no more than the lines
 * before it show.
 */
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import {
  ResultEvent,
  type Footer,
  type Header,
  type Property,
  type Steps,
  type Restart,
  type Result,
  type Wire
} from "../protocol/Result.ts"
import { levelOf, marksOf } from "../run/Levels.ts"

/** One file of results. */
export interface Run {
  /** Name for columns: subject and version. */
  readonly name: string
  readonly header: Header
  readonly results: ReadonlyArray<Result>
  readonly properties: ReadonlyArray<Property>
  /** How often each step of scripts did something; absent where no scripts ran. */
  readonly steps: Steps["done"] | undefined
  readonly restarts: ReadonlyArray<Restart>
  /** Messages by case or property. */
  readonly wires: ReadonlyMap<string, ReadonlyArray<Wire>>
  /** Cases that began and never ended. */
  readonly open: ReadonlyArray<string>
  /** Absent when the run did not come to its end. */
  readonly footer: Footer | undefined
  /** What is wrong with the file. A run with problems reaches no level in a report. */
  readonly problems: ReadonlyArray<string>
}

/** What a report says of a run as a whole. */
export interface Standing {
  /** Absent: none reached, or nothing can be said. */
  readonly level: number | undefined
  readonly marks: ReadonlyArray<string>
  readonly suite: string
  readonly waived: number
  /** Ids of critical cases and properties that did not pass. */
  readonly critical: ReadonlyArray<string>
  /** Why there is no level although a footer may claim one. */
  readonly reason: string | undefined
}

/** Not a file of results at all. */
export class NotResults extends Error {
  readonly _tag = "NotResults"
}

const decode = Schema.decodeUnknownExit(ResultEvent)

/** Whether an outcome counts against a level. What was not declared lowers the level by being absent, not by failing. */
export const failed = (outcome: string): boolean => outcome !== "pass" && outcome !== "excluded"

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}

/** The run in a text of result lines. Throws {@link NotResults} when there is no header. */
export const read = (text: string): Run => {
  const problems: Array<string> = []
  const results: Array<Result> = []
  const properties: Array<Property> = []
  const restarts: Array<Restart> = []
  const wires = new Map<string, Array<Wire>>()
  const open = new Set<string>()
  const seen = new Set<string>()
  let header: Header | undefined
  let footer: Footer | undefined
  let steps: Steps["done"] | undefined
  const lines = text.split("\n")
  for (const [index, line] of lines.entries()) {
    if (line === "") continue
    const decoded = decode(parse(line))
    if (Exit.isFailure(decoded)) {
      if (header === undefined) throw new NotResults("the first line is not the header of a result file")
      problems.push(`line ${index + 1} is no event of a result file`)
      continue
    }
    const event = decoded.value
    if (header === undefined && event.event !== "header")
      throw new NotResults("the first line is not the header of a result file")
    if (footer !== undefined) problems.push(`line ${index + 1} comes after the footer`)
    switch (event.event) {
      case "header":
        if (header !== undefined) problems.push(`line ${index + 1} is a second header`)
        else header = event
        break
      case "case-start":
        open.add(event.case)
        break
      case "wire": {
        const list = wires.get(event.case)
        if (list === undefined) wires.set(event.case, [event])
        else list.push(event)
        break
      }
      case "result":
        if (seen.has(event.case)) problems.push(`${event.case} has two results`)
        seen.add(event.case)
        open.delete(event.case)
        results.push(event)
        break
      case "property":
        if (seen.has(event.property)) problems.push(`${event.property} has two results`)
        seen.add(event.property)
        properties.push(event)
        break
      case "steps":
        if (steps !== undefined) problems.push(`line ${index + 1} counts steps a second time`)
        steps = event.done
        break
      case "restart":
        restarts.push(event)
        break
      case "footer":
        footer = event
        break
    }
  }
  if (header === undefined) throw new NotResults("there is no event in the file")
  if (footer === undefined) problems.push("the run did not come to its end: there is no footer")
  const run = {
    name: `${header.subject.name} ${header.subject.version}`,
    header,
    results,
    properties,
    steps,
    restarts,
    wires,
    open: [...open],
    footer,
    problems
  }
  problems.push(...contradictions(run))
  return run
}

/** Critical cases and properties that did not pass, as the lines show them. */
const criticals = (run: Pick<Run, "results" | "properties">): ReadonlyArray<string> => [
  ...run.results.filter((result) => result.critical && failed(result.outcome)).map((result) => result.case),
  ...run.properties.filter((item) => item.critical && failed(item.outcome)).map((item) => item.property)
]

/** Where the footer says something else than the lines before it show. */
const contradictions = (run: Pick<Run, "results" | "properties" | "footer" | "header">): ReadonlyArray<string> => {
  const { footer } = run
  if (footer === undefined) return []
  const out: Array<string> = []
  const missing = criticals(run).filter((id) => !footer.critical.includes(id))
  if (missing.length > 0) out.push(`the footer leaves out critical failures: ${missing.join(", ")}`)
  const waived = run.results.filter((result) => result.known !== undefined).length
  if (waived !== footer.waived) out.push(`the footer says ${footer.waived} waived, the results show ${waived}`)
  const ended = [...run.results, ...run.properties]
  const level = levelOf(run.header, ended)
  if (footer.level !== undefined && level !== footer.level)
    out.push(
      `the footer claims level ${footer.level}, the results show ${level === undefined ? "none" : `level ${level}`}`
    )
  else {
    const marks = marksOf(run.header, ended, level)
    const more = footer.marks.filter((mark) => !marks.includes(mark))
    if (more.length > 0) out.push(`the footer claims the mark ${more.join(", ")}, the results do not`)
  }
  return out
}

/** Level, marks, suite and waivers: what may be said of a run (rule level.honest.1). */
export const standing = (run: Run): Standing => {
  const reason = run.problems[0] ?? run.footer?.stopped
  return {
    level: reason === undefined ? run.footer?.level : undefined,
    marks: reason === undefined ? (run.footer?.marks ?? []) : [],
    suite: run.header.suite,
    waived: run.results.filter((result) => result.known !== undefined).length,
    critical: criticals(run),
    reason:
      reason ??
      (run.footer?.level === undefined
        ? run.header.selection.whole
          ? undefined
          : "only a selection of the suite ran"
        : undefined)
  }
}

/** The line of a badge: `level 2 · exact · hardened · 1.0.0 · 0 waived`. */
export const line = (of: Standing): string =>
  [of.level === undefined ? "no level" : `level ${of.level}`, ...of.marks, of.suite, `${of.waived} waived`].join(" · ")

/** How many of each outcome, by family, in the order in which families appear. */
export const tallies = (run: Run): ReadonlyMap<string, ReadonlyMap<string, number>> => {
  const out = new Map<string, Map<string, number>>()
  for (const result of run.results) {
    const family = out.get(result.family) ?? new Map<string, number>()
    out.set(result.family, family)
    const key = result.known === undefined ? result.outcome : "known"
    family.set(key, (family.get(key) ?? 0) + 1)
  }
  return out
}

/** Members with long bytes cut short. */
const membersText = (members: { readonly [name: string]: unknown }): string =>
  Object.entries(members)
    .map(([name, value]) => {
      const text = typeof value === "string" ? value : JSON.stringify(value)
      return `${name} ${text === "" ? "empty" : text.length > 40 ? `${text.slice(0, 24)}…${text.slice(-8)}` : text}`
    })
    .join(", ")

/** What was expected of a step, as a reader wants it: `reject authenticate (auth.tag)` or the values. */
export const expectedText = (result: Pick<Result, "expected" | "verdict">): string => {
  const { expected } = result
  if (expected === undefined) return result.verdict === "invalid" ? "a refusal" : "acceptance"
  if (expected.ok !== undefined) return `ok ${membersText(expected.ok)}`.trim()
  return `reject${expected.stage === undefined ? "" : ` at ${expected.stage}`}${
    expected.class === undefined || expected.class.length === 0 ? "" : ` (${expected.class.join(" or ")})`
  }`
}

/** What came instead, in the same form. */
export const actualText = (result: Pick<Result, "actual" | "message" | "outcome">): string => {
  const { actual } = result
  if (actual === undefined) return result.message ?? result.outcome
  if (actual.ok !== undefined) return `ok ${membersText(actual.ok)}`.trim()
  if (actual.reject !== undefined) {
    const { class: name, native, stage } = actual.reject
    const said = [name, native].filter((part) => part !== undefined).join(", ")
    return `reject${stage === undefined ? "" : ` at ${stage}`}${said === "" ? "" : ` (${said})`}`
  }
  if (actual.unsupported !== undefined) return `unsupported: ${membersText(actual.unsupported)}`
  if (actual.fault !== undefined) return `fault: ${membersText(actual.fault)}`
  return `no reply: ${membersText(actual.lost ?? {})}`
}

const quote = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** How the subject is named on a command line. */
const subjectWords = (run: Run): string => {
  const { command } = run.header.subject
  const [, how, module] = /^(in-process|worker) (.+)$/.exec(command) ?? []
  return how === undefined || module === undefined ? `--subject ${quote(command)}` : `--${how} ${quote(module)}`
}

/** Command line that runs one case again. */
export const replayCommand = (run: Run, id: string): string => `tacit-conformance replay ${id} ${subjectWords(run)}`

/** Command lines that repeat what broke a property, or search for it again in the same way. */
export const searchCommand = (run: Run, id: string): string => {
  const { budget } = run.header.selection
  const search = `tacit-conformance run --case ${id}${budget === undefined ? "" : ` --budget ${budget}`} --seed ${run.header.seed} ${subjectWords(run)}`
  const broken = run.properties.some((item) => item.property === id && item.failure !== undefined)
  return broken ? `tacit-conformance replay results.ndjson --property ${id} ${subjectWords(run)}\n${search}` : search
}
