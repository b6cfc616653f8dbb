/**
 * One case, told to somebody who has the specification and nothing else.
 *
 * Spec: docs/spec/README.md (rules); vectors/README.md.
 */
import * as Derivation from "./Derivation.ts"
import { hintOf, shapeOf } from "./Fields.ts"
import { isHex, isRef, resolve, unhex, type Case, type ScriptStep, type TraceStep, type Found } from "./Model.ts"
import type { RuleTexts } from "../report/PageData.ts"
import { brief, fieldLines, inline, markedLines, wrap } from "./Text.ts"
import * as Twin from "./Twin.ts"

export interface Options {
  /** How deep the derivation goes (default: to its ends). */
  readonly depth?: number
}

/** Inputs of a trace step: names of other steps, and short values. */
const inputs = (step: TraceStep): string =>
  Object.entries(step.in)
    .map(([name, value]) => {
      if (isRef(value)) return `${name} ${value.slice(1)}`
      if (Array.isArray(value))
        return `${name} [${value.map((item) => (isRef(item) ? item.slice(1) : inline(item, 8))).join(", ")}]`
      return `${name} ${inline(value, 8)}`
    })
    .join(", ")

const treeLines = (branch: Derivation.Branch, indent: string, depth: number): ReadonlyArray<string> => {
  const { step } = branch
  const clause = step.clause === undefined ? "" : `  [${step.clause}]`
  if (branch.again) return [`${indent}${step.id}  (above)`]
  return [
    `${indent}${step.id} = ${step.op}(${inputs(step)})${clause}`,
    `${indent}    ${brief(step.out, 32)}`,
    ...(depth <= 1 && branch.children.length > 0
      ? [`${indent}  …`]
      : branch.children.flatMap((child) => treeLines(child, `${indent}  `, depth - 1)))
  ]
}

const memberText = (value: unknown): string =>
  isRef(value) ? value.slice(1) : Array.isArray(value) ? `[${value.map(memberText).join(", ")}]` : inline(value, 12)

const members = (of: { readonly [name: string]: unknown } | undefined): string =>
  Object.entries(of ?? {})
    .map(([name, value]) => `${name} ${memberText(value)}`)
    .join(", ")

const wanted = (item: Case): string => `refused at ${item.stage ?? "?"} (${item.class?.join(" or ") ?? "any class"})`

const scriptLines = (item: Case, script: ReadonlyArray<ScriptStep>): ReadonlyArray<string> =>
  script.flatMap((step, index) => [
    ...(item.rejects !== undefined && index === item.rejects + 1
      ? ["      probe: genuine traffic that must still work"]
      : []),
    ...wrap(`${step.as ?? ""} ${step.do}: ${members(step.in)}`, "      ").map((line, i) =>
      i === 0 ? `${String(index).padStart(4)}  ${line.trimStart()}` : `  ${line}`
    ),
    ...wrap(
      step.expect === "reject"
        ? `-> must be ${wanted(item)}; nothing may change`
        : `-> ok${step.out === undefined || Object.keys(step.out).length === 0 ? "" : `: ${members(step.out)}`}`,
      "        "
    )
  ])

const changeLines = (found: Found): ReadonlyArray<string> => {
  const { file, item } = found
  const { delta } = item
  const change = Twin.changeOf(file, item)
  if (delta === undefined || change === undefined) return []
  const both = change.bytes && change.before !== undefined && change.after !== undefined
  const bits = both ? Twin.bitsBetween(unhex(change.before), unhex(change.after)) : undefined
  const shape = change.operation === undefined ? undefined : shapeOf(change.operation, change.member ?? "")
  const hint = hintOf(item.script ?? [], Number(delta.at.split("/")[1]))
  const touched =
    shape === undefined || change.after === undefined || !change.bytes
      ? []
      : fieldLines(shape, change.after, "    ", hint, change.come).filter((line) => line.startsWith("    *"))
  return [
    "",
    `What differs from its twin, ${item.twin ?? ""}, which is valid`,
    ...wrap(`In ${change.place}: ${Twin.describe(delta)}.`, "  "),
    ...(bits === undefined ? [] : [`  ${bits === 1 ? "One bit differs." : `${bits} bits differ.`}`]),
    ...(change.before === undefined
      ? []
      : ["  twin", ...(change.bytes ? markedLines(change.before, change.gone, "    ") : wrap(change.before, "    "))]),
    ...(change.after === undefined
      ? []
      : ["  here", ...(change.bytes ? markedLines(change.after, change.come, "    ") : wrap(change.after, "    "))]),
    ...(touched.length === 0 ? [] : ["  fields that changed", ...touched]),
    ...wrap(
      `What must notice: ${delta.op === "resign" ? "everything around the changed value was made anew with the right keys, so only the check of that value itself can object. " : ""}It must be ${wanted(item)}.`,
      "  "
    )
  ]
}

const callLines = (item: Case, look: (name: string) => string | undefined): ReadonlyArray<string> => [
  "",
  `The call: ${item.op ?? ""}`,
  ...Object.entries(item.in ?? {}).flatMap(([name, value]) => {
    const bytes = resolve(value, look, name)
    const shape = shapeOf(item.op ?? "", name)
    const source = isRef(value) ? ` (${value.slice(1)})` : ""
    return isHex(bytes) && shape !== undefined && bytes !== ""
      ? [
          `  ${name}${source}, ${bytes.length / 2} bytes`,
          ...fieldLines(shape, bytes, "    ", typeof item.in?.["suite"] === "number" ? { suite: item.in["suite"] } : {})
        ]
      : [`  ${name}${source} ${inline(bytes, 48)}`]
  }),
  ...(item.verdict === "valid"
    ? [
        "  must give",
        ...Object.entries(item.out ?? {}).map(
          ([name, value]) =>
            `    ${name} ${isRef(value) ? `(${value.slice(1)}) ` : ""}${inline(resolve(value, look, name), 48)}`
        )
      ]
    : [`  must be ${wanted(item)}`])
]

/** The lines of an explanation. */
export const explain = (found: Found, rules: RuleTexts, options: Options = {}): ReadonlyArray<string> => {
  const { file, item, path } = found
  const derivation = Derivation.of(file, item)
  const shown = new Set<string>()
  const roots = Derivation.roots(item)
  const withdrawn = item.status === "withdrawn" ? ["  withdrawn: do not judge by it"] : []
  return [
    `${item.id}: ${item.title}`,
    `  ${path}, level ${item.level}, ${item.verdict === "valid" ? "must be accepted" : `must be ${wanted(item)}`}`,
    ...withdrawn,
    "",
    "Why it exists",
    ...(item.flags.length === 0
      ? wrap(`It shows ${item.clauses.length === 1 ? "one rule" : `${item.clauses.length} rules`} at work.`, "  ")
      : item.flags.flatMap((flag) => {
          const note = file.notes[flag]
          return wrap(
            `${flag}: ${note?.text ?? ""}${note === undefined ? "" : ` (${note.kind.toLowerCase().replaceAll("_", " ")})`}`,
            "  "
          )
        })),
    ...(item.critical
      ? wrap("Critical: taking it the other way breaks confidentiality, authentication or replay protection.", "  ")
      : []),
    "",
    item.clauses.length === 1 ? "The rule" : "The rules",
    ...item.clauses.flatMap((id) => [
      `  ${id}${rules[id] === undefined ? "" : `  ${rules[id].page}`}`,
      ...wrap(rules[id]?.text ?? "(its text does not lie beside the vectors)", "    ")
    ]),
    ...changeLines(found),
    ...(item.script === undefined
      ? callLines(item, derivation.look)
      : [
          "",
          `What happens${item.now === undefined ? "" : `, at ${new Date(item.now).toISOString()}`}`,
          ...scriptLines(item, item.script)
        ]),
    ...(roots.length === 0
      ? ["", "Its values are written down by hand or given by a published source: there is no derivation."]
      : [
          "",
          "Where its values come from",
          ...roots.flatMap((name) => {
            const tree = shown.has(name) ? undefined : Derivation.tree(derivation, name, shown)
            return tree === undefined ? [] : treeLines(tree, "  ", options.depth ?? Number.POSITIVE_INFINITY)
          }),
          ...wrap(
            `coin is HKDF-Expand-SHA512 of the file's seed ${file.generator.seed.slice(0, 16)}… (rule subject.coins.1).`,
            "  "
          )
        ])
  ]
}
