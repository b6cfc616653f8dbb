/**
 * The program of the report: search, and the pages of cases, rules and properties behind `#case/…`, `#rule/…`, `#property/…`.
 */
import * as Derivation from "../src/audit/Derivation.ts"
import { isHex, unhex, type VectorFile } from "../src/audit/Model.ts"
import { differences } from "../src/audit/Twin.ts"
import { ofWires } from "../src/audit/WireLog.ts"
import type { Wire } from "../src/protocol/Result.ts"
import type { CaseIndex, Index, RuleTexts, RunData } from "../src/report/PageData.ts"
import { hintOf, shapeOf, type Hint } from "../src/audit/Fields.ts"
import { fieldTable, hexView, type Ranges } from "./bytes.ts"
import { caseView, prose, tag, valueView } from "./casepage.ts"
import * as data from "./data.ts"
import { derivationTrees } from "./derivation.ts"
import { byId, fold, h, replace, section, themeButton, type Child } from "./dom.ts"
import { virtualList } from "./list.ts"

const glyphs: { readonly [outcome: string]: readonly [glyph: string, kind: string] } = {
  pass: ["✓", "good"],
  waived: ["◐", "waived"],
  excluded: ["–", "none"],
  "-": ["·", "none"]
}
const glyph = (outcome: string): readonly [string, string] => glyphs[outcome] ?? ["✕", "bad"]

const words: { readonly [outcome: string]: string } = {
  "-": "not run",
  pass: "passed",
  fail: "failed",
  stage: "refused at another stage",
  waived: "waived",
  excluded: "not declared",
  timeout: "no answer in time",
  crash: "crashed",
  violation: "broke the protocol"
}

interface State {
  text: string
  outcome: string
  family: string
}

interface Row {
  readonly item: CaseIndex
  readonly at: number
}

const isBad = (outcome: string): boolean => glyph(outcome)[1] === "bad"

/** Rows that fit what was asked for: every word in id, title, family, topic, rules or flags. */
const search = (index: Index, runs: ReadonlyArray<RunData>, state: State): ReadonlyArray<Row> => {
  const wanted = state.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
  return index.cases.flatMap((item, at) => {
    if (state.family !== "" && item.family !== state.family) return []
    const outcomes = runs.map((run) => run.outcomes[at] ?? "-")
    if (state.outcome === "bad" && !outcomes.some(isBad)) return []
    if (state.outcome === "critical" && !item.critical) return []
    if (state.outcome === "differ" && new Set(outcomes).size < 2) return []
    if (state.outcome === "waived" && !outcomes.includes("waived")) return []
    const text =
      `${item.id} ${item.title} ${item.family} ${item.topic} ${item.stage ?? ""} ${item.clauses.join(" ")} ${item.flags.join(" ")}`.toLowerCase()
    return wanted.every((word) => text.includes(word)) ? [{ item, at }] : []
  })
}

const browse = (index: Index, runs: ReadonlyArray<RunData>): ((change: Partial<State>) => void) => {
  const state: State = { text: "", outcome: "all", family: "" }
  const list = virtualList<Row>("cases", ({ at, item }) =>
    h(
      "a",
      { class: "row", href: `#case/${item.id}` },
      h(
        "span",
        { class: "outcomes" },
        ...runs.map((run) => {
          const outcome = run.outcomes[at] ?? "-"
          const [sign, kind] = glyph(outcome)
          return h("span", { class: `glyph ${kind}`, title: `${run.name}: ${words[outcome] ?? outcome}` }, sign)
        })
      ),
      h("span", { class: "id" }, item.id),
      h("span", { class: "title" }, item.title),
      item.critical ? tag("critical", runs.some((run) => isBad(run.outcomes[at] ?? "-")) ? "critical" : "") : undefined,
      h("span", { class: "where" }, `${item.family} · level ${item.level}`)
    )
  )
  const count = h("span", { class: "dim", role: "status", "aria-live": "polite" })
  const box = h("input", {
    type: "search",
    id: "search",
    placeholder: "Search id, title, rule, flag, stage",
    "aria-label": "Search cases",
    oninput: () => update({ text: box.value })
  })
  const families = h(
    "select",
    { "aria-label": "Family", onchange: () => update({ family: families.value }) },
    h("option", { value: "" }, "every family"),
    ...[...new Set(index.cases.map((item) => item.family))].map((family) => h("option", { value: family }, family))
  )
  const choices: ReadonlyArray<readonly [string, string]> = [
    ["all", "all"],
    ["bad", "did not pass"],
    ["critical", "critical"],
    ["waived", "waived"],
    ...(runs.length > 1 ? [["differ", "runs differ"] as const] : [])
  ]
  const chips = choices.map(([value, label]) =>
    h(
      "button",
      { type: "button", class: "chip", "data-value": value, onclick: () => update({ outcome: value }) },
      label
    )
  )
  const update = (change: Partial<State>): void => {
    Object.assign(state, change)
    families.value = state.family
    if (box.value !== state.text) box.value = state.text
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset["value"] === state.outcome))
    const rows = search(index, runs, state)
    count.textContent = `${rows.length.toLocaleString("en")} of ${index.cases.length.toLocaleString("en")} cases`
    list.show(rows)
  }
  const place = byId("browse")
  place.hidden = false
  replace(
    place,
    h("h2", {}, "Every case"),
    h(
      "div",
      { class: "filters" },
      box,
      families,
      h("div", { class: "chips", role: "group", "aria-label": "Outcome" }, ...chips),
      count
    ),
    list.element
  )
  update({})
  return update
}

/** Differing bytes of what was expected and what came, and where the expected value comes from. */
const outputDifference = (
  expected: { readonly [name: string]: unknown },
  actual: { readonly [name: string]: unknown },
  names: (name: string) => string | undefined,
  file: VectorFile | undefined,
  id: string,
  operation: string,
  hint: Hint
): ReadonlyArray<Child> =>
  [...new Set([...Object.keys(expected), ...Object.keys(actual)])]
    .filter((name) => JSON.stringify(expected[name]) !== JSON.stringify(actual[name]))
    .map((name) => {
      const [want, got] = [expected[name], actual[name]]
      const both = isHex(want) && isHex(got)
      const { come, gone } = both ? differences(unhex(want), unhex(got)) : { come: [], gone: [] }
      const item = file?.cases.find((of) => of.id === id)
      const source = names(name)
      const shape = shapeOf(operation, name)
      const side = (title: string, value: unknown, ranges: Ranges): HTMLElement =>
        h(
          "div",
          { class: "side" },
          h("h5", {}, title),
          both ? hexView(String(value), ranges) : valueView(value ?? "absent"),
          both && shape !== undefined ? fold("fields", () => fieldTable(shape, String(value), hint, ranges)) : undefined
        )
      return h(
        "div",
        { class: "difference" },
        h("h4", {}, name),
        h("div", { class: "sides" }, side("expected", want, gone), side("actual", got, come)),
        source === undefined || file === undefined || item === undefined
          ? undefined
          : fold(`how the expected ${name} is derived`, () => derivationTrees(Derivation.of(file, item), [source]))
      )
    })

/** Messages, decoded field by field; as they were on the line behind that. */
const talk = (wires: ReadonlyArray<Wire>): Child =>
  wires.length === 0
    ? undefined
    : fold(wires.length === 1 ? "one message" : `${wires.length} messages`, () => [
        h("pre", { class: "json" }, ofWires(wires, { secrets: true }).join("\n").replace(/^\n+/, "")),
        fold("as they were on the line", () =>
          h(
            "pre",
            { class: "json" },
            wires.map((of) => `${of.dir === "request" ? ">" : "<"} ${JSON.stringify(of.message)}`).join("\n")
          )
        )
      ])

const runSection = (
  run: RunData,
  outcome: string,
  file: VectorFile | undefined,
  id: string,
  several: boolean
): HTMLElement => {
  const detail = run.details[id]
  const [sign, kind] = glyph(outcome)
  const head = h(
    "p",
    { class: `verdict ${kind}` },
    h("span", { class: "glyph", "aria-hidden": "true" }, sign),
    several ? h("strong", {}, `${run.name}: `) : undefined,
    h("strong", {}, words[outcome] ?? outcome)
  )
  if (detail === undefined) return section(several ? `Result: ${run.name}` : "Result", head)
  const { replay, result, wire } = detail
  const values = result.expected?.ok !== undefined && result.actual?.ok !== undefined
  const item = file?.cases.find((of) => of.id === id)
  const outputs = result.step === undefined ? item?.out : item?.script?.[result.step]?.out
  const name = (member: string): string | undefined => {
    const value = outputs?.[member]
    return typeof value === "string" && value.startsWith("$") ? value.slice(1) : undefined
  }
  return section(
    several ? `Result: ${run.name}` : "Result",
    head,
    result.known === undefined
      ? undefined
      : h("p", { class: "notice" }, `Known failure ${result.known.pattern}: ${result.known.reason}`),
    result.message === undefined || values ? undefined : h("p", {}, result.message),
    result.step === undefined
      ? undefined
      : h("p", {}, `At step ${result.step}${result.op === undefined ? "" : `, ${result.op}`}.`),
    values
      ? outputDifference(
          result.expected.ok,
          result.actual.ok,
          name,
          file,
          id,
          result.op ?? item?.op ?? "",
          item?.script === undefined ? {} : hintOf(item.script, result.step ?? 0)
        )
      : h(
          "div",
          { class: "sides" },
          h(
            "div",
            { class: "side" },
            h("h4", {}, "Expected"),
            h("pre", { class: "json" }, JSON.stringify(result.expected ?? {}, null, 2))
          ),
          h(
            "div",
            { class: "side" },
            h("h4", {}, "Actual"),
            h("pre", { class: "json" }, JSON.stringify(result.actual ?? {}, null, 2))
          )
        ),
    result.class === undefined
      ? undefined
      : h(
          "p",
          { class: "dim" },
          `Class: expected ${result.class.expected.join(" or ")}, got ${result.class.actual ?? "none"} (shown, not scored).`
        ),
    talk(wire),
    result.stderr === undefined || result.stderr === ""
      ? undefined
      : fold("end of standard error", () => h("pre", { class: "json" }, result.stderr ?? ""), true),
    h("p", { class: "key" }, "Run it again"),
    h("pre", { class: "command" }, replay)
  )
}

const casePage = async (
  id: string,
  index: Index,
  runs: ReadonlyArray<RunData>,
  rules: RuleTexts
): Promise<ReadonlyArray<Child>> => {
  const at = index.cases.findIndex((item) => item.id === id)
  const item = index.cases[at]
  if (item === undefined) return [h("h2", {}, id), h("p", {}, "This report has no such case.")]
  const file = await data.fileOf(item)
  const full = file?.cases.find((of) => of.id === id)
  const results = runs.map((run) => runSection(run, run.outcomes[at] ?? "-", file, id, runs.length > 1))
  const failure = runs.map((run) => run.details[id]?.result).find((result) => result?.step !== undefined)
  const neighbour = (other: CaseIndex | undefined, text: string): Child =>
    other === undefined ? undefined : h("a", { class: "quiet", href: `#case/${other.id}` }, text)
  return [
    h(
      "nav",
      { class: "crumbs" },
      h("a", { href: "#" }, "← Report"),
      neighbour(index.cases[at - 1], "previous"),
      neighbour(index.cases[at + 1], "next")
    ),
    h("h2", { class: "case-id" }, item.id),
    h(
      "p",
      { class: "tags" },
      tag(item.verdict === "valid" ? "must be accepted" : "must be refused", item.verdict === "valid" ? "good" : "bad"),
      item.critical ? tag("critical", runs.some((run) => isBad(run.outcomes[at] ?? "-")) ? "critical" : "") : undefined,
      tag(`${item.family}/${item.topic}`),
      tag(`level ${item.level}`)
    ),
    ...(file === undefined || full === undefined
      ? [
          h("p", {}, item.title),
          ...results,
          section("Rules", h("ul", {}, ...item.clauses.map((clause) => h("li", {}, h("code", {}, clause)))))
        ]
      : caseView(file, full, rules, { before: results, ...(failure === undefined ? {} : { failure }) }))
  ]
}

const rulePage = (id: string, index: Index, rules: RuleTexts): ReadonlyArray<Child> => {
  const rule = rules[id]
  const citing = index.cases.filter((item) => item.clauses.includes(id))
  const part = (title: string, verdict: string): Child =>
    section(
      title,
      h(
        "ul",
        { class: "plain" },
        ...citing
          .filter((item) => item.verdict === verdict)
          .map((item) => h("li", {}, h("a", { class: "id", href: `#case/${item.id}` }, item.id), ` ${item.title}`))
      )
    )
  return [
    h("nav", { class: "crumbs" }, h("a", { href: "#" }, "← Report")),
    h("h2", { class: "case-id" }, id),
    h(
      "blockquote",
      { class: "rule" },
      h("p", {}, ...(rule === undefined ? ["No text."] : prose(rule.text))),
      h("div", { class: "dim" }, rule?.page)
    ),
    part("Cases that must be accepted", "valid"),
    part("Cases that must be refused", "invalid")
  ]
}

const propertyPage = (id: string, runs: ReadonlyArray<RunData>): ReadonlyArray<Child> => [
  h("nav", { class: "crumbs" }, h("a", { href: "#" }, "← Report")),
  h("h2", { class: "case-id" }, id),
  ...runs.flatMap((run) => {
    const item = run.properties.find((of) => of.property === id)
    if (item === undefined) return []
    const [sign, kind] = glyph(item.outcome)
    return [
      section(
        run.name,
        h("p", {}, `${item.title[0]?.toUpperCase() ?? ""}${item.title.slice(1)}.`),
        h(
          "p",
          { class: `verdict ${kind}` },
          h("span", { class: "glyph", "aria-hidden": "true" }, sign),
          h("strong", {}, words[item.outcome] ?? item.outcome),
          ` over ${item.scripts} scripts, ${item.steps} steps`
        ),
        item.message === undefined ? undefined : h("p", {}, item.message),
        item.failure === undefined
          ? undefined
          : [
              h("p", {}, `World ${item.failure.world}, seed `, h("code", {}, item.failure.seed)),
              h(
                "p",
                {},
                "Roles: ",
                Object.entries(item.failure.roles)
                  .map(([actor, role]) => `${actor} ${role}`)
                  .join(", ")
              ),
              item.failure.script.length === 0
                ? h("p", { class: "dim" }, "An empty script shows it: it happens before the first step.")
                : h(
                    "pre",
                    { class: "json" },
                    item.failure.script.map((step, i) => `${String(i).padStart(3)}  ${JSON.stringify(step)}`).join("\n")
                  )
            ],
        talk(run.talks[item.property] ?? []),
        h("p", { class: "key" }, "Run it again"),
        h("pre", { class: "command" }, run.searches[item.property] ?? ""),
        item.stderr === undefined
          ? undefined
          : fold("end of standard error", () => h("pre", { class: "json" }, item.stderr ?? ""))
      )
    ]
  })
]

const start = async (): Promise<void> => {
  const [index, runs, rules] = await Promise.all([data.index(), data.runs(), data.rules()])
  replace(byId("tools"), themeButton())
  const update = browse(index, runs)
  const [overview, list, page] = [byId("overview"), byId("browse"), byId("page")]
  const title = document.title
  let scrolled = 0
  const route = async (): Promise<void> => {
    const [kind, ...rest] = decodeURIComponent(location.hash.slice(1)).split("/")
    const id = rest.join("/")
    const content =
      kind === "case"
        ? await casePage(id, index, runs, rules)
        : kind === "rule"
          ? rulePage(id, index, rules)
          : kind === "property"
            ? propertyPage(id, runs)
            : undefined
    const opened = page.hidden
    if (opened && content !== undefined) scrolled = scrollY
    overview.hidden = content !== undefined
    page.hidden = content === undefined
    document.title = content === undefined ? title : `${id} · ${title}`
    if (content !== undefined) {
      replace(page, ...content)
      scrollTo(0, 0)
      page.focus({ preventScroll: true })
    } else if (kind === "list" || kind === "search") {
      update(kind === "list" ? { family: id, text: "", outcome: "all" } : { family: "", text: id, outcome: "all" })
      list.scrollIntoView()
    } else scrollTo(0, scrolled)
  }
  addEventListener("hashchange", () => void route())
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
      const box = document.getElementById("search")
      if (box !== null && !overview.hidden) {
        event.preventDefault()
        box.focus()
      }
    }
  })
  await route()
  document.documentElement.dataset["ready"] = "yes"
}

void start()
