/**
 * A run as JUnit XML: a suite for each family, one for the properties.
 *
 * Spec: docs/spec/21-conformance.md §21.4.
 * Known failures are skipped with their reason; a crash, a hang, a fault or a breach of the protocol is an error, any other failure a
 * failure; what was not declared is skipped.
 */
import type { Result } from "../protocol/Result.ts"
import { actualText, expectedText, failed, replayCommand, type Run } from "./Run.ts"

/** Text for XML 1.0: markup escaped, characters that XML does not allow shown as `\u{…}`. */
export const escapeXml = (text: string): string =>
  text
    .replaceAll(
      /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu,
      (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`
    )
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")

const errors: ReadonlySet<string> = new Set(["fault", "timeout", "crash", "violation"])

interface Entry {
  readonly name: string
  readonly group: string
  readonly ms: number
  readonly kind: "pass" | "failure" | "error" | "skipped"
  readonly type?: string
  readonly message?: string
  readonly body?: string
  readonly stderr?: string
}

const kindOf = (outcome: string): "failure" | "error" => (errors.has(outcome) ? "error" : "failure")

const entryOf = (run: Run, result: Result): Entry => {
  const common = { name: `${result.case}: ${result.title}`, group: `${result.family}.${result.topic}`, ms: result.ms }
  if (result.known !== undefined) {
    const { issue, reason } = result.known
    const message = `known failure (${result.outcome}): ${reason}${issue === undefined ? "" : ` ${issue}`}`
    return { ...common, kind: "skipped", message }
  }
  if (result.outcome === "excluded")
    return { ...common, kind: "skipped", message: result.message ?? "needs what was not declared" }
  if (!failed(result.outcome)) return { ...common, kind: "pass" }
  return {
    ...common,
    kind: kindOf(result.outcome),
    type: result.critical ? `critical ${result.outcome}` : result.outcome,
    message: `expected ${expectedText(result)}, got ${actualText(result)}`.slice(0, 500),
    body: [
      `case      ${result.case}`,
      `rules     ${result.clauses.join(" ")}`,
      ...(result.step === undefined
        ? []
        : [`step      ${result.step}${result.op === undefined ? "" : ` ${result.op}`}`]),
      `expected  ${expectedText(result)}`,
      `actual    ${actualText(result)}`,
      ...(result.message === undefined ? [] : [`message   ${result.message}`]),
      `replay    ${replayCommand(run, result.case)}`
    ].join("\n"),
    ...(result.stderr === undefined || result.stderr === "" ? {} : { stderr: result.stderr })
  }
}

const propertyEntries = (run: Run): ReadonlyArray<Entry> =>
  run.properties.map((item): Entry => {
    const common = { name: `${item.property}: ${item.title}`, group: "properties", ms: item.ms }
    if (item.outcome === "excluded")
      return { ...common, kind: "skipped", message: item.message ?? "needs what was not declared" }
    if (!failed(item.outcome)) return { ...common, kind: "pass" }
    return {
      ...common,
      kind: kindOf(item.outcome),
      type: item.critical ? `critical ${item.outcome}` : item.outcome,
      message: item.message ?? item.outcome,
      body: item.failure === undefined ? (item.message ?? "") : JSON.stringify(item.failure),
      ...(item.stderr === undefined || item.stderr === "" ? {} : { stderr: item.stderr })
    }
  })

const seconds = (ms: number): string => (ms / 1000).toFixed(3)
const attribute = (name: string, value: string | number): string => ` ${name}="${escapeXml(String(value))}"`

const testcase = (entry: Entry): string => {
  const open = `    <testcase${attribute("name", entry.name)}${attribute("classname", entry.group)}${attribute("time", seconds(entry.ms))}`
  if (entry.kind === "pass") return `${open}/>`
  const type = entry.type === undefined ? "" : attribute("type", entry.type)
  const inner = `      <${entry.kind}${attribute("message", entry.message ?? "")}${type}`
  const body = entry.body === undefined ? `${inner}/>` : `${inner}>${escapeXml(entry.body)}</${entry.kind}>`
  const stderr = entry.stderr === undefined ? "" : `\n      <system-err>${escapeXml(entry.stderr)}</system-err>`
  return `${open}>\n${body}${stderr}\n    </testcase>`
}

const count = (entries: ReadonlyArray<Entry>, kind: Entry["kind"]): number =>
  entries.filter((entry) => entry.kind === kind).length

const totals = (entries: ReadonlyArray<Entry>): string =>
  attribute("tests", entries.length) +
  attribute("failures", count(entries, "failure")) +
  attribute("errors", count(entries, "error")) +
  attribute("skipped", count(entries, "skipped")) +
  attribute("time", seconds(entries.reduce((sum, entry) => sum + entry.ms, 0)))

/** The XML text, ending in a line feed. */
export const junit = (run: Run): string => {
  const groups = new Map<string, Array<Entry>>()
  for (const result of run.results) {
    const entry = entryOf(run, result)
    const group = groups.get(result.family)
    if (group === undefined) groups.set(result.family, [entry])
    else group.push(entry)
  }
  const unfinished = run.open.map((id): Entry => ({
    name: id,
    group: "unfinished",
    ms: 0,
    kind: "error",
    type: "crash",
    message: "began and never ended"
  }))
  if (unfinished.length > 0) groups.set("unfinished", unfinished)
  const properties = propertyEntries(run)
  if (properties.length > 0) groups.set("properties", [...properties])
  const all = [...groups.values()].flat()
  const started = new Date(run.header.started).toISOString()
  const suites = [...groups].map(
    ([name, entries]) =>
      `  <testsuite${attribute("name", name)}${totals(entries)}${attribute("timestamp", started)}>\n${entries
        .map(testcase)
        .join("\n")}\n  </testsuite>`
  )
  const name = `${run.name}, Tacit suite ${run.header.suite}`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${attribute("name", name)}${totals(all)}>\n${suites.join("\n")}\n</testsuites>\n`
}
