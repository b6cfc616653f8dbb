/**
 * The page of one case: what it is for, the rules it shows, what it changes, what happens, and where its values come from.
 */
import * as Derivation from "../src/audit/Derivation.ts"
import { hintOf, shapeOf } from "../src/audit/Fields.ts"
import { isHex, unhex, type Case, type VectorFile } from "../src/audit/Model.ts"
import * as Twin from "../src/audit/Twin.ts"
import type { Result } from "../src/protocol/Result.ts"
import type { RuleTexts } from "../src/report/PageData.ts"
import { fieldTable, hexView } from "./bytes.ts"
import { derivationTrees } from "./derivation.ts"
import { fold, h, section, type Child } from "./dom.ts"
import { lanes, member } from "./lanes.ts"

export const tag = (text: string, kind = ""): HTMLElement => h("span", { class: `tag ${kind}`.trim() }, text)

/** A text with `code` spans of the specification's Markdown. */
export const prose = (text: string): ReadonlyArray<Child> =>
  text
    .replaceAll(/\[([^\]]*)\]\((?:[^()]|\([^)]*\))*\)/g, "$1")
    .split(/(`[^`]+`|\*\*[^*]+\*\*)/)
    .map((part) => {
      if (/^`.*`$/s.test(part)) return h("code", {}, part.slice(1, -1))
      if (/^\*\*.*\*\*$/s.test(part)) return h("strong", {}, part.slice(2, -2))
      return part
    })

/** A rule, quoted. */
export const ruleView = (id: string, rules: RuleTexts): HTMLElement => {
  const rule = rules[id]
  return h(
    "blockquote",
    { class: "rule" },
    h(
      "div",
      { class: "rule-id" },
      h("a", { href: `#rule/${id}` }, id),
      rule === undefined ? undefined : h("span", { class: "dim" }, rule.page)
    ),
    h("p", {}, ...(rule === undefined ? ["This page does not carry the text of this rule."] : prose(rule.text)))
  )
}

const notes = (file: VectorFile, item: Case): Child =>
  item.flags.length === 0
    ? undefined
    : h(
        "dl",
        { class: "notes" },
        ...item.flags.flatMap((flag) => {
          const note = file.notes[flag]
          return [
            h("dt", {}, tag(flag)),
            h(
              "dd",
              {},
              note?.text ?? "",
              note === undefined
                ? undefined
                : h("span", { class: "dim" }, ` ${note.kind.toLowerCase().replaceAll("_", " ")}`)
            )
          ]
        })
      )

/** What differs from the twin, with the changed bytes marked. */
export const changeView = (file: VectorFile, item: Case): Child => {
  const { delta } = item
  const change = Twin.changeOf(file, item)
  if (delta === undefined || change === undefined) return undefined
  const shape = change.operation === undefined ? undefined : shapeOf(change.operation, change.member ?? "")
  const index = Number(delta.at.split("/")[1])
  const hint = item.script === undefined ? {} : hintOf(item.script, Number.isNaN(index) ? 0 : index)
  const both = change.before !== undefined && change.after !== undefined && change.bytes
  const bits = both ? Twin.bitsBetween(unhex(change.before), unhex(change.after)) : undefined
  const side = (title: string, text: string | undefined, ranges: ReadonlyArray<readonly [number, number]>): Child =>
    text === undefined
      ? undefined
      : h(
          "div",
          { class: "side" },
          h("h4", {}, title),
          change.bytes ? hexView(text, ranges, title) : h("pre", { class: "json" }, text),
          change.bytes && shape !== undefined ? fold("fields", () => fieldTable(shape, text, hint, ranges)) : undefined
        )
  return section(
    "What differs from its twin",
    h(
      "p",
      {},
      "Twin: ",
      h("a", { href: `#case/${item.twin ?? ""}` }, item.twin ?? ""),
      " (valid). One change, in ",
      h("strong", {}, change.place),
      ": ",
      Twin.describe(delta),
      "."
    ),
    h(
      "p",
      {},
      bits === undefined || bits > 64 ? undefined : `${bits} ${bits === 1 ? "bit differs" : "bits differ"}. `,
      "It must be noticed at the stage ",
      h("strong", {}, item.stage ?? "?"),
      item.class === undefined ? "." : ` (${item.class.join(" or ")}).`
    ),
    h(
      "div",
      { class: "sides" },
      side("The twin's", change.before, change.gone),
      side("This case's", change.after, change.come)
    )
  )
}

const callView = (
  item: Case,
  derivation: Derivation.Derivation,
  marks: ReadonlyArray<readonly [number, number]>
): Child => {
  const hint = typeof item.in?.["suite"] === "number" ? { suite: item.in["suite"] } : {}
  const changed = item.delta?.at.split("/")[1]
  return section(
    "Call",
    h(
      "div",
      { class: `step solo${item.verdict === "invalid" ? " refused" : ""}` },
      h("div", { class: "do" }, item.op ?? ""),
      ...Object.entries(item.in ?? {}).map(([name, value]) =>
        member(item.op ?? "", name, value, derivation.look, hint, name === changed ? marks : [])
      ),
      item.verdict === "invalid"
        ? h(
            "div",
            { class: "answer refused" },
            h("span", { class: "glyph", "aria-hidden": "true" }, "✕"),
            `must be refused at ${item.stage ?? "?"}`,
            h("span", { class: "dim" }, ` ${item.class?.join(" or ") ?? ""}`)
          )
        : h(
            "div",
            { class: "answer" },
            h("span", { class: "glyph ok", "aria-hidden": "true" }, "✓"),
            ...Object.entries(item.out ?? {}).map(([name, value]) =>
              member(item.op ?? "", name, value, derivation.look, hint)
            )
          )
    )
  )
}

/** Everything about a case that does not depend on a run. `extra` is put in front of the derivation. */
export const caseView = (
  file: VectorFile,
  item: Case,
  rules: RuleTexts,
  options: { readonly failure?: Result; readonly before?: Child; readonly derivation?: Child } = {}
): ReadonlyArray<Child> => {
  const derivation = Derivation.of(file, item)
  const change = Twin.changeOf(file, item)
  const index = Number(item.delta?.at.split("/")[1])
  const roots = Derivation.roots(item)
  return [
    options.before,
    section("Purpose", h("p", {}, `${item.title[0]?.toUpperCase() ?? ""}${item.title.slice(1)}.`), notes(file, item)),
    section(
      item.clauses.length === 1 ? "Rule" : "Rules",
      h("div", { class: "rules" }, ...item.clauses.map((id) => ruleView(id, rules)))
    ),
    changeView(file, item),
    item.script === undefined
      ? callView(item, derivation, change?.come ?? [])
      : section(
          "Transcript",
          lanes(item, item.script, derivation.look, {
            ...(change?.member === undefined || Number.isNaN(index)
              ? {}
              : { marks: { step: index, member: change.member, ranges: change.come } }),
            ...(options.failure === undefined ? {} : { failure: options.failure })
          })
        ),
    options.derivation ??
      (roots.length === 0
        ? undefined
        : section(
            "Derivation",
            h("p", { class: "dim" }, "Where every value comes from. Open a value to see what it was computed of."),
            derivationTrees(derivation, roots)
          ))
  ]
}

/** Bytes or JSON, whichever a text is. */
export const valueView = (value: unknown): HTMLElement =>
  isHex(value) ? hexView(value) : h("pre", { class: "json" }, JSON.stringify(value, null, 2))
