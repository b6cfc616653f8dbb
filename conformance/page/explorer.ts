/**
 * The program of the explorer: pick a file and a case, read why it exists, work through its derivation, all in this page.
 */
import { nobleProvider } from "@tacit/core/crypto/noble"
import * as Derivation from "../src/audit/Derivation.ts"
import { unhex, type TraceStep, type VectorFile } from "../src/audit/Model.ts"
import { complaints } from "../src/audit/Twin.ts"
import type { CaseIndex, Index, RuleTexts } from "../src/report/PageData.ts"
import { bench, recompute, stepsOf } from "./bench.ts"
import { caseView, prose, tag } from "./casepage.ts"
import * as data from "./data.ts"
import { byId, h, replace, section, themeButton, type Child } from "./dom.ts"
import { virtualList } from "./list.ts"

/** Recomputes every step of one file; gives how many there were, and the names of those that do not match. */
const checkFile = (file: VectorFile): { readonly steps: number; readonly bad: ReadonlyArray<string> } => {
  const seed = unhex(file.generator.seed)
  const bad: Array<string> = []
  let steps = 0
  const check = (where: string, trace: ReadonlyArray<TraceStep>, look: (name: string) => string | undefined): void => {
    for (const step of trace) {
      steps++
      if (!recompute(nobleProvider, seed, step, look).match) bad.push(`${where}: ${step.id}`)
    }
  }
  for (const [name, world] of Object.entries(file.worlds)) {
    const values = new Map(world.trace.map((step) => [step.id, step.out]))
    check(name, world.trace, (id) => values.get(id))
  }
  for (const item of file.cases) {
    if (item.trace !== undefined) check(item.id, item.trace, Derivation.of(file, item).look)
    for (const text of complaints(file, item)) bad.push(`${item.id}: ${text}`)
  }
  return { steps, bad }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

const checkAll = async (index: Index, tell: (text: string, bad: ReadonlyArray<string>) => void): Promise<void> => {
  let steps = 0
  const bad: Array<string> = []
  for (const [number, { path }] of index.files.entries()) {
    tell(`${number + 1} of ${index.files.length}: ${path}`, bad)
    await pause()
    const found = checkFile(await data.file(number))
    steps += found.steps
    bad.push(...found.bad.map((text) => `${path} ${text}`))
  }
  tell(
    `${steps.toLocaleString("en")} steps and ${index.cases.filter((item) => item.verdict === "invalid").length.toLocaleString("en")} deltas in ${index.files.length} files: ${bad.length === 0 ? "all match" : `${bad.length} do not match`}`,
    bad
  )
}

const casePage = async (item: CaseIndex, rules: RuleTexts): Promise<ReadonlyArray<Child>> => {
  const file = await data.fileOf(item)
  const full = file?.cases.find((of) => of.id === item.id)
  if (file === undefined || full === undefined) return [h("h2", {}, item.id)]
  const derivation = Derivation.of(file, full)
  const steps = stepsOf(derivation, Derivation.roots(full), full.trace ?? [])
  const wrong = complaints(file, full)
  return [
    h("h2", { class: "case-id" }, item.id),
    h(
      "p",
      { class: "tags" },
      tag(item.verdict === "valid" ? "must be accepted" : "must be refused", item.verdict === "valid" ? "good" : "bad"),
      item.critical ? tag("critical") : undefined,
      tag(`${item.family}/${item.topic}`),
      tag(`level ${item.level}`),
      full.twin === undefined
        ? undefined
        : tag(wrong.length === 0 ? "delta holds" : "delta does not hold", wrong.length === 0 ? "good" : "bad")
    ),
    ...wrong.map((text) => h("p", { class: "notice alarm" }, text)),
    ...caseView(file, full, rules, {
      derivation:
        steps.length === 0
          ? section(
              "Derivation",
              h(
                "p",
                { class: "dim" },
                "None: the values of this case are written down by hand or given by a published source."
              )
            )
          : bench(nobleProvider, file, derivation, steps, rules)
    })
  ]
}

const rulePage = (id: string, index: Index, rules: RuleTexts): ReadonlyArray<Child> => {
  const rule = rules[id]
  const part = (title: string, verdict: string): Child =>
    section(
      title,
      h(
        "ul",
        { class: "plain" },
        ...index.cases
          .filter((item) => item.verdict === verdict && item.clauses.includes(id))
          .map((item) => h("li", {}, h("a", { class: "id", href: `#case/${item.id}` }, item.id), ` ${item.title}`))
      )
    )
  return [
    h("h2", { class: "case-id" }, id),
    h(
      "blockquote",
      { class: "rule" },
      h("p", {}, ...(rule === undefined ? ["This page does not carry the text of this rule."] : prose(rule.text))),
      h("div", { class: "dim" }, rule?.page)
    ),
    part("Cases that must be accepted", "valid"),
    part("Cases that must be refused", "invalid")
  ]
}

const welcome = (index: Index): ReadonlyArray<Child> => [
  h("h2", {}, "Pick a case"),
  h(
    "p",
    {},
    `${index.cases.length.toLocaleString("en")} cases in ${index.files.length} files, suite ${index.suite}. Everything is in this page: it loads nothing and sends nothing, and what it says it recomputes here.`
  ),
  section(
    "Root of the manifest",
    h("p", {}, h("code", { class: "hex" }, index.root)),
    h("p", { class: "dim" }, "Compare it with the one in the release notes.")
  ),
  section(
    "Files",
    h(
      "div",
      { class: "scroll" },
      h(
        "table",
        { class: "matrix" },
        h(
          "thead",
          {},
          h("tr", {}, ...["file", "accepted", "refused", "specified in"].map((text) => h("th", { scope: "col" }, text)))
        ),
        h(
          "tbody",
          {},
          ...index.files.map((file, number) => {
            const of = index.cases.filter((item) => item.file === number)
            const count = (verdict: string): string => String(of.filter((item) => item.verdict === verdict).length)
            return h(
              "tr",
              {},
              h("th", { scope: "row" }, h("a", { href: `#file/${number}` }, file.path)),
              h("td", {}, count("valid")),
              h("td", {}, count("invalid")),
              h("td", {}, file.document)
            )
          })
        )
      )
    )
  )
]

const start = async (): Promise<void> => {
  const [index, rules] = await Promise.all([data.index(), data.rules()])
  const state = { text: "", file: "", verdict: "" }
  let current = ""
  const list = virtualList<CaseIndex>("cases", (item, selected) =>
    h(
      "a",
      { class: "row", href: `#case/${item.id}`, "aria-current": selected ? "true" : undefined, title: item.title },
      h("span", { class: "glyph none", "aria-hidden": "true" }, item.verdict === "valid" ? "✓" : "✕"),
      h("span", { class: "sr" }, item.verdict === "valid" ? "accepted" : "refused"),
      h("span", { class: "id" }, item.id)
    )
  )
  const count = h("span", { class: "dim", role: "status", "aria-live": "polite" })
  let rows: ReadonlyArray<CaseIndex> = []
  const update = (): void => {
    const words = state.text
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "")
    rows = index.cases.filter(
      (item) =>
        (state.file === "" || String(item.file) === state.file) &&
        (state.verdict === "" || item.verdict === state.verdict) &&
        words.every((word) =>
          `${item.id} ${item.title} ${item.topic} ${item.stage ?? ""} ${item.clauses.join(" ")} ${item.flags.join(" ")}`
            .toLowerCase()
            .includes(word)
        )
    )
    count.textContent = `${rows.length.toLocaleString("en")} cases`
    list.show(rows, (item) => item.id === current)
  }
  const box = h("input", {
    type: "search",
    id: "search",
    placeholder: "Search id, title, rule, flag",
    "aria-label": "Search cases",
    oninput: () => {
      state.text = box.value
      update()
    }
  })
  const files = h(
    "select",
    {
      "aria-label": "File",
      onchange: () => {
        state.file = files.value
        update()
      }
    },
    h("option", { value: "" }, "every file"),
    ...index.files.map(({ path }, number) => h("option", { value: number }, path))
  )
  const verdicts = h(
    "select",
    {
      "aria-label": "Verdict",
      onchange: () => {
        state.verdict = verdicts.value
        update()
      }
    },
    h("option", { value: "" }, "accepted and refused"),
    h("option", { value: "valid" }, "must be accepted"),
    h("option", { value: "invalid" }, "must be refused")
  )
  replace(byId("side"), box, files, verdicts, count, list.element)
  const progress = h("span", { class: "dim", role: "status", "aria-live": "polite", id: "check-status" })
  const check = h(
    "button",
    {
      type: "button",
      id: "check-all",
      onclick: () => {
        check.disabled = true
        void checkAll(index, (text, bad) => {
          progress.textContent = text
          progress.title = bad.slice(0, 20).join("\n")
          progress.className = bad.length > 0 ? "problem" : "dim"
        }).finally(() => {
          check.disabled = false
        })
      }
    },
    "Recompute all files"
  )
  replace(byId("tools"), progress, check, themeButton())
  const page = byId("page")
  const route = async (): Promise<void> => {
    const [kind, ...rest] = decodeURIComponent(location.hash.slice(1)).split("/")
    const id = rest.join("/")
    const item = kind === "case" ? index.cases.find((of) => of.id === id) : undefined
    current = item?.id ?? ""
    if (kind === "file") {
      files.value = state.file = id
      const first = index.cases.find((of) => String(of.file) === id)
      if (first !== undefined) location.hash = `case/${first.id}`
    }
    if (item !== undefined && !rows.includes(item)) {
      Object.assign(state, { text: "", verdict: "", file: state.file === String(item.file) ? state.file : "" })
      box.value = verdicts.value = ""
      files.value = state.file
    }
    update()
    if (kind === "file") return
    replace(
      page,
      ...(item !== undefined
        ? await casePage(item, rules)
        : kind === "rule"
          ? rulePage(id, index, rules)
          : welcome(index))
    )
    document.title = item === undefined ? "Tacit vectors" : `${item.id} · Tacit vectors`
    scrollTo(0, 0)
    page.focus({ preventScroll: true })
  }
  addEventListener("hashchange", () => void route())
  await route()
  document.documentElement.dataset["ready"] = "yes"
}

void start()
