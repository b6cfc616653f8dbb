/**
 * What changed between two result files, or between two releases of the suite.
 *
 * Spec: docs/spec/21-conformance.md §21.4; vectors/README.md (versions, withdrawn cases).
 */
import type { Property, Result } from "../protocol/Result.ts"
import { failed, line, standing, type Run } from "../report/Run.ts"
import * as Derivation from "./Derivation.ts"
import type { Folder } from "./Folder.ts"
import { canonicalJson, resolve, type Case, type Found } from "./Model.ts"

const outcomeOf = (of: Result | Property | undefined): string =>
  of === undefined ? "not run" : of.event === "result" && of.known !== undefined ? `${of.outcome} (waived)` : of.outcome

const endings = (run: Run): ReadonlyMap<string, Result | Property> => {
  const out = new Map<string, Result | Property>()
  for (const of of run.results) out.set(of.case, of)
  for (const of of run.properties) out.set(of.property, of)
  return out
}

/** Two runs: standing, then every case and property that did not end in the same way. */
export const runs = (a: Run, b: Run): ReadonlyArray<string> => {
  const lines = [`${a.name}: ${line(standing(a))}`, `${b.name}: ${line(standing(b))}`]
  if (a.header.root !== b.header.root) lines.push("They were judged by different suites.")
  const [left, right] = [endings(a), endings(b)]
  const ids = [...new Set([...left.keys(), ...right.keys()])]
  const changed = ids.filter((id) => outcomeOf(left.get(id)) !== outcomeOf(right.get(id)))
  const bad = (id: string, side: typeof left): boolean => {
    const of = side.get(id)
    return of !== undefined && failed(of.outcome)
  }
  const part = (title: string, some: ReadonlyArray<string>): void => {
    if (some.length === 0) return
    lines.push("", `${title} (${some.length})`)
    for (const id of some) {
      const of = right.get(id) ?? left.get(id)
      lines.push(
        `  ${id}: ${outcomeOf(left.get(id))} -> ${outcomeOf(right.get(id))}${of?.critical === true ? "  [critical]" : ""}`
      )
    }
  }
  const worse = changed.filter((id) => !bad(id, left) && bad(id, right))
  const better = changed.filter((id) => bad(id, left) && !bad(id, right))
  part("Worse", worse)
  part("Better", better)
  part(
    "Otherwise",
    changed.filter((id) => !worse.includes(id) && !better.includes(id))
  )
  if (changed.length === 0) lines.push("", "Every case and property ended in the same way.")
  return lines
}

/** What a case means: everything in it, with its values written out. */
const meaning = ({ file, item }: Found): string => {
  const { look } = Derivation.of(file, item)
  const { trace: _, title: __, world: ___, ...rest } = item
  return canonicalJson({
    ...rest,
    in: resolve(item.in ?? {}, look),
    out: resolve(item.out ?? {}, look),
    script: resolve(item.script ?? [], look)
  })
}

const all = (folder: Folder): ReadonlyMap<string, Found> =>
  new Map(folder.files.flatMap(({ file, path }) => file.cases.map((item) => [item.id, { file, path, item }] as const)))

const isWithdrawn = (item: Case | undefined): boolean => item?.status === "withdrawn"

export interface SuiteChange {
  readonly added: ReadonlyArray<string>
  readonly withdrawn: ReadonlyArray<string>
  /** Gone without a word: ids are permanent, so this is never right. */
  readonly lost: ReadonlyArray<string>
  readonly changed: ReadonlyArray<string>
  readonly retitled: ReadonlyArray<string>
  /** Least step of the suite's version that these changes ask for. */
  readonly asks: "major" | "minor" | "patch" | "none"
}

/** Two releases of the suite, older first. */
export const suites = (a: Folder, b: Folder): SuiteChange => {
  const [left, right] = [all(a), all(b)]
  const kept = [...left.keys()].filter((id) => right.has(id))
  const added = [...right.keys()].filter((id) => !left.has(id))
  const lost = [...left.keys()].filter((id) => !right.has(id))
  const withdrawn = kept.filter((id) => isWithdrawn(right.get(id)?.item) && !isWithdrawn(left.get(id)?.item))
  const changed = kept.filter((id) => !withdrawn.includes(id) && meaning(left.get(id)!) !== meaning(right.get(id)!))
  const retitled = kept.filter((id) => left.get(id)!.item.title !== right.get(id)!.item.title)
  const asks =
    lost.length > 0 || changed.length > 0
      ? "major"
      : added.length > 0 || withdrawn.length > 0
        ? "minor"
        : a.manifest.root === b.manifest.root
          ? "none"
          : "patch"
  return { added, withdrawn, lost, changed, retitled, asks }
}

/** The change between two releases as lines. */
export const suiteLines = (a: Folder, b: Folder): ReadonlyArray<string> => {
  const change = suites(a, b)
  const part = (title: string, ids: ReadonlyArray<string>): ReadonlyArray<string> =>
    ids.length === 0 ? [] : ["", `${title} (${ids.length})`, ...ids.map((id) => `  ${id}`)]
  return [
    `${a.manifest.suite} (${a.manifest.count} cases, root ${a.manifest.root.slice(0, 16)}…) -> ${b.manifest.suite} (${b.manifest.count} cases, root ${b.manifest.root.slice(0, 16)}…)`,
    ...part("Added", change.added),
    ...part("Withdrawn", change.withdrawn),
    ...part("Gone without being withdrawn", change.lost),
    ...part("Changed", change.changed),
    ...part("Other title", change.retitled),
    "",
    change.asks === "none" ? "The same suite." : `The version moves by at least one ${change.asks} step.`
  ]
}
