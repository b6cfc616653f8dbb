/**
 * A transcript as sequence lanes: one lane for each actor, time downwards, what one actor gave and another got as an arrow.
 */
import { fieldsOf, hintOf, shapeOf, type Hint } from "../src/audit/Fields.ts"
import { isHex, isObject, isRef, resolve, unhex, type Case, type ScriptStep } from "../src/audit/Model.ts"
import type { Result } from "../src/protocol/Result.ts"
import { brief, fieldTable, hexView, type Ranges } from "./bytes.ts"
import { fold, h, type Child } from "./dom.ts"

type Look = (name: string) => string | undefined

const resolved = (value: unknown, look: Look): unknown => {
  try {
    return resolve(value, look)
  } catch {
    return value
  }
}

/** A member of a step: its name, its value in short, and the whole behind a fold. */
export const member = (
  operation: string,
  name: string,
  value: unknown,
  look: Look,
  hint: Hint = {},
  marks: Ranges = []
): HTMLElement => {
  const bytes = resolved(value, look)
  const source = isRef(value) ? h("span", { class: "ref" }, value.slice(1)) : undefined
  if (isHex(bytes) && bytes.length > 0 && name !== "text") {
    const shape = shapeOf(operation, name)
    return h(
      "div",
      { class: "member" },
      fold(
        [h("span", { class: "key" }, name), source, h("code", { class: "brief" }, brief(bytes))],
        () => [
          shape === undefined ? undefined : fieldTable(shape, bytes, hint, marks),
          shape === undefined ? hexView(bytes, marks, name) : fold("as bytes", () => hexView(bytes, marks, name))
        ],
        false
      )
    )
  }
  if (isObject(bytes) || Array.isArray(bytes)) {
    const text = JSON.stringify(value)
    return h(
      "div",
      { class: "member" },
      text.length <= 60
        ? [h("span", { class: "key" }, name), h("code", { class: "brief" }, text)]
        : fold([h("span", { class: "key" }, name), h("code", { class: "brief" }, `${text.slice(0, 44)}…`)], () =>
            h("pre", { class: "json" }, JSON.stringify(bytes, null, 2))
          )
    )
  }
  return h(
    "div",
    { class: "member" },
    h("span", { class: "key" }, name),
    source,
    h("code", { class: "brief" }, bytes === "" ? "empty" : String(bytes))
  )
}

/** Members whose value travels between actors. */
const travelling: ReadonlySet<string> = new Set(["message", "envelope", "wire"])

/** What is told of a travelling value in one line: its kind where the bytes say it. */
const says = (operation: string, name: string, text: string, hint: Hint): string => {
  const shape = shapeOf(operation, name)
  if (shape !== "envelope") return name
  const kind = fieldsOf(shape, unhex(text), hint).find((field) => field.name === "kind")?.value
  return kind === undefined ? name : kind.replace(/^\d+ \((.*)\)$/, "$1")
}

const outcomeOf = (item: Case, step: ScriptStep, look: Look, hint: Hint): Child => {
  if (step.expect === "reject")
    return h(
      "div",
      { class: "answer refused" },
      h("span", { class: "glyph", "aria-hidden": "true" }, "✕"),
      `must be refused at ${item.stage ?? "?"}`,
      item.class === undefined ? undefined : h("span", { class: "dim" }, ` ${item.class.join(" or ")}`)
    )
  const entries = Object.entries(step.out ?? {})
  return h(
    "div",
    { class: "answer" },
    h("span", { class: "glyph ok", "aria-hidden": "true" }, "✓"),
    entries.length === 0 ? "ok" : undefined,
    ...entries.map(([name, value]) => member(step.do, name, value, look, hint))
  )
}

/** The lanes of a transcript. `failure` marks the step at which a run went wrong. */
export const lanes = (
  item: Case,
  script: ReadonlyArray<ScriptStep>,
  look: Look,
  options: {
    readonly marks?: { readonly step: number; readonly member: string; readonly ranges: Ranges }
    readonly failure?: Result
  } = {}
): HTMLElement => {
  const actors = [...new Set(script.map((step) => step.as ?? "runner"))]
  const column = new Map(actors.map((actor, i) => [actor, i]))
  const gave = new Map<string, string>()
  const rows: Array<Child> = []
  for (const [index, step] of script.entries()) {
    const actor = step.as ?? "runner"
    const here = column.get(actor) ?? 0
    const hint = hintOf(script, index)
    for (const [name, value] of Object.entries(step.in)) {
      if (!travelling.has(name)) continue
      const text = resolved(value, look)
      if (!isHex(text)) continue
      const from = gave.get(text)
      const source = from === undefined ? undefined : column.get(from)
      const label = says(step.do, name, text, hint)
      rows.push(
        source === undefined || source === here
          ? h(
              "div",
              { class: "arrow in", style: `grid-column:${here + 2}` },
              h("span", {}, `${label}, from the network`)
            )
          : h(
              "div",
              {
                class: source < here ? "arrow right" : "arrow left",
                style: `grid-column:${Math.min(source, here) + 2}/${Math.max(source, here) + 3};--span:${Math.abs(source - here) + 1}`
              },
              h("span", {}, label)
            )
      )
    }
    const failed = options.failure?.step === index
    rows.push(
      h("div", { class: "number", id: `step-${index}` }, String(index)),
      h(
        "div",
        {
          class: ["step", step.expect === "reject" ? "refused" : "", failed ? "failed" : ""].join(" ").trim(),
          style: `grid-column:${here + 2}`
        },
        h("div", { class: "do" }, step.do, actors.length > 1 ? h("span", { class: "who" }, actor) : undefined),
        ...Object.entries(step.in).map(([name, value]) =>
          member(
            step.do,
            name,
            value,
            look,
            hint,
            options.marks?.step === index && options.marks.member === name ? options.marks.ranges : []
          )
        ),
        outcomeOf(item, step, look, hint),
        failed ? h("div", { class: "answer wrong" }, h("strong", {}, "here the run went wrong")) : undefined
      )
    )
    if (item.rejects === index && index + 1 < script.length)
      rows.push(h("div", { class: "probe", style: "grid-column:1/-1" }, "probe: genuine traffic that must still work"))
    for (const value of Object.values(step.out ?? {})) {
      const text = resolved(value, look)
      if (isHex(text) && text.length > 32 && !gave.has(text)) gave.set(text, actor)
    }
  }
  return h(
    "div",
    { class: "scroll" },
    h(
      "div",
      { class: "lanes", style: `--lanes:${actors.length}` },
      h("div", { class: "number head" }, "#"),
      ...actors.map((actor, i) => h("div", { class: "lane-head", style: `grid-column:${i + 2}` }, actor)),
      ...actors.map((_, i) =>
        h("div", { class: "lane", style: `grid-column:${i + 2}/${i + 3}`, "aria-hidden": "true" })
      ),
      ...rows
    )
  )
}
