/**
 * Which rules the suite shows, from both sides, and what a run did not reach.
 *
 * Spec: docs/spec/README.md (rules); docs/spec/21-conformance.md §21.4.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { RuleTexts } from "../report/PageData.ts"
import * as Script from "../properties/Script.ts"
import type { Run } from "../report/Run.ts"
import { stages } from "../protocol/Value.ts"
import type { Folder } from "./Folder.ts"

export interface Clause {
  readonly id: string
  readonly page: string
  readonly positive: ReadonlyArray<string>
  readonly negative: ReadonlyArray<string>
  /** Cited by a step of a derivation only. */
  readonly derived: boolean
}

/** Every rule with the cases that show it, in order of pages and ids. Withdrawn cases do not count. */
export const clauses = (folder: Folder, rules: RuleTexts): ReadonlyArray<Clause> => {
  const positive = new Map<string, Array<string>>()
  const negative = new Map<string, Array<string>>()
  const derived = new Set<string>()
  for (const { file } of folder.files) {
    for (const world of Object.values(file.worlds))
      for (const step of world.trace) if (step.clause !== undefined) derived.add(step.clause)
    for (const item of file.cases) {
      if (item.status === "withdrawn") continue
      for (const step of item.trace ?? []) if (step.clause !== undefined) derived.add(step.clause)
      const side = item.verdict === "valid" ? positive : negative
      for (const id of item.clauses) {
        const list = side.get(id)
        if (list === undefined) side.set(id, [item.id])
        else list.push(item.id)
      }
    }
  }
  const ids = new Set([...Object.keys(rules), ...positive.keys(), ...negative.keys()])
  return [...ids]
    .map((id) => ({
      id,
      page: rules[id]?.page ?? "no rule of the specification",
      positive: positive.get(id) ?? [],
      negative: negative.get(id) ?? [],
      derived: derived.has(id)
    }))
    .sort((x, y) => (x.page === y.page ? (x.id < y.id ? -1 : 1) : x.page < y.page ? -1 : 1))
}

/** Stages at which cases must be refused, by family. */
export const stagesReached = (folder: Folder): ReadonlyMap<string, ReadonlyMap<string, number>> => {
  const out = new Map<string, Map<string, number>>()
  for (const { file } of folder.files) {
    const family = out.get(file.family) ?? new Map<string, number>()
    out.set(file.family, family)
    for (const item of file.cases)
      if (item.stage !== undefined) family.set(item.stage, (family.get(item.stage) ?? 0) + 1)
  }
  return out
}

/** An entry of the clause index, `vectors/clauses.json`: by rule, the cases and tests that show it. */
interface Indexed {
  readonly positive: ReadonlyArray<string>
  readonly negative: ReadonlyArray<string>
  readonly tests: ReadonlyArray<string>
}

const readIndex = (folder: Folder): { readonly [id: string]: Indexed } | undefined => {
  const path = join(folder.path, "clauses.json")
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { readonly [id: string]: Indexed }) : undefined
}

/** Where the clause index says otherwise than the cases. Nothing where there is no index. */
export const indexProblems = (folder: Folder, found: ReadonlyArray<Clause>): ReadonlyArray<string> => {
  const index = readIndex(folder)
  if (index === undefined) return []
  const key = (ids: ReadonlyArray<string>): string => [...ids].sort().join(" ")
  return found
    .filter(({ negative, positive }) => positive.length > 0 || negative.length > 0)
    .flatMap(({ id, negative, positive }) => {
      const of = index[id]
      if (of === undefined) return [`! ${id}: is not in clauses.json`]
      const same = key(of.positive) === key(positive) && key(of.negative) === key(negative)
      return same ? [] : [`! ${id}: clauses.json lists other cases`]
    })
}

/** Pages whose rules vectors do not show: how subjects are talked to, and what results look like. */
const elsewhere = /^(?:20-subject|21-conformance|README)/

export interface Options {
  /** A run, to say what it did not reach. */
  readonly run?: Run
  /** One line for each rule, not only those with a side missing. */
  readonly all?: boolean
}

/** The report as lines. */
export const lines = (folder: Folder, rules: RuleTexts, options: Options = {}): ReadonlyArray<string> => {
  const every = clauses(folder, rules)
  const found = every.filter(({ page }) => !elsewhere.test(page))
  const index = readIndex(folder)
  const tests = (id: string): number => index?.[id]?.tests.length ?? 0
  const row = ({ derived, id, negative, positive }: Clause): string =>
    `  ${id.padEnd(30)} ${String(positive.length).padStart(5)} accepted ${String(negative.length).padStart(5)} refused${positive.length + negative.length === 0 && derived ? "  (in derivations)" : ""}`
  const both = found.filter((of) => of.positive.length > 0 && of.negative.length > 0)
  const only = (title: string, some: ReadonlyArray<Clause>): ReadonlyArray<string> =>
    some.length === 0
      ? []
      : [
          "",
          `${title} (${some.length})`,
          ...some.map((of) => {
            const notes = [
              ...(of.derived && of.positive.length + of.negative.length === 0 ? ["in derivations"] : []),
              ...(tests(of.id) > 0
                ? [tests(of.id) === 1 ? "one test of the reference" : `${tests(of.id)} tests of the reference`]
                : [])
            ]
            return `  ${of.id.padEnd(28)}  ${notes.join(", ")}`.trimEnd()
          })
        ]
  const reached = stagesReached(folder)
  const width = Math.max(...[...reached.keys()].map((name) => name.length), 8)
  return [
    `${found.length} rules: ${both.length} shown from both sides, ${found.filter((of) => of.positive.length > 0 !== of.negative.length > 0).length} from one, ${found.filter((of) => of.positive.length + of.negative.length === 0).length} by no case of the vectors`,
    ...indexProblems(folder, every),
    ...(options.all === true ? ["", "Rules", ...found.map(row)] : []),
    ...only(
      "Refused, never accepted: no positive case",
      found.filter((of) => of.positive.length === 0 && of.negative.length > 0)
    ),
    ...only(
      "Accepted, never refused: no negative case",
      found.filter((of) => of.positive.length > 0 && of.negative.length === 0)
    ),
    ...only(
      "By no case, in tests of the reference",
      found.filter((of) => of.positive.length + of.negative.length === 0 && tests(of.id) > 0)
    ),
    ...only(
      "By nothing",
      found.filter((of) => of.positive.length + of.negative.length === 0 && tests(of.id) === 0)
    ),
    "",
    "Stages at which cases must be refused",
    `  ${"".padEnd(width)} ${stages.map((stage) => stage.slice(0, 12).padStart(13)).join("")}`,
    ...[...reached].map(
      ([family, of]) =>
        `  ${family.padEnd(width)} ${stages.map((stage) => String(of.get(stage) ?? "·").padStart(13)).join("")}`
    ),
    ...(options.run === undefined ? [] : runLines(folder, options.run))
  ]
}

/** What one run did not reach. */
const runLines = (folder: Folder, run: Run): ReadonlyArray<string> => {
  const families = [...new Set(folder.files.map(({ file }) => file.family))]
  const declared = run.header.subject.features.families
  const missing = [...families, "device"].filter((family) => declared[family] === undefined)
  const results = new Map(run.results.map((of) => [of.case, of]))
  const unrun = folder.files
    .flatMap(({ file }) => file.cases)
    .filter((item) => item.status !== "withdrawn" && !results.has(item.id)).length
  const seen = new Map<string, number>()
  for (const result of run.results) {
    const stage =
      result.actual?.reject?.stage ??
      (result.outcome === "pass" && result.verdict === "invalid" ? "as expected" : undefined)
    if (stage !== undefined) seen.set(stage, (seen.get(stage) ?? 0) + 1)
  }
  return [
    "",
    run.name,
    missing.length === 0 ? "  every family is declared" : `  families not declared: ${missing.join(", ")}`,
    `  ${unrun} cases of the suite did not run`,
    `  properties: ${run.properties.length === 0 ? "none ran" : run.properties.map((of) => `${of.property} (${of.scripts} scripts, ${of.steps} steps)`).join(", ")}`,
    ...(seen.size === 0 ? [] : [`  refusals: ${[...seen].map(([stage, n]) => `${n} ${stage}`).join(", ")}`]),
    ...(run.steps === undefined ? [] : stepLines(run.steps))
  ]
}

/** Steps of scripts that did something, the adversary's first. */
const stepLines = (done: { readonly [name: string]: number }): ReadonlyArray<string> => {
  const list = (title: string, names: ReadonlyArray<string>): ReadonlyArray<string> => {
    const used = names.filter((name) => (done[name] ?? 0) > 0)
    const unused = names.filter((name) => !used.includes(name))
    return [
      `  ${title}: ${used.length} of ${names.length} did something: ${used.map((name) => `${name} ${done[name]}`).join(", ")}`,
      ...(unused.length === 0 ? [] : [`  ${title} that did nothing: ${unused.join(", ")}`])
    ]
  }
  return [...list("adversary steps", Script.adversary), ...list("honest steps", Script.honest)]
}
