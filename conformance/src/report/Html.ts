/**
 * The report as one page: standing of each run, families by level, properties, what did not pass, and a page for every case.
 *
 * Spec: docs/spec/21-conformance.md §21.4.
 * The overview is there without any program; search and case pages need one, which the page carries. Several runs become columns.
 */
import type { Folder } from "../audit/Folder.ts"
import type { CaseIndex, Index, RunData } from "./PageData.ts"
import { dataElement, escapeHtml, frame, indexOf, suiteData } from "./Pages.ts"
import {
  actualText,
  expectedText,
  failed,
  line,
  replayCommand,
  searchCommand,
  standing,
  tallies,
  type Run
} from "./Run.ts"

/** An index made of results, where there is no suite to take it from. */
const indexOfRuns = (runs: ReadonlyArray<Run>): Index => {
  const cases = new Map<string, CaseIndex>()
  for (const run of runs)
    for (const result of run.results)
      if (!cases.has(result.case))
        cases.set(result.case, {
          id: result.case,
          title: result.title,
          file: -1,
          family: result.family,
          topic: result.topic,
          level: result.level,
          critical: result.critical,
          verdict: result.verdict,
          flags: [],
          clauses: result.clauses
        })
  return { suite: runs[0]?.header.suite ?? "", root: runs[0]?.header.root ?? "", files: [], cases: [...cases.values()] }
}

const runData = (run: Run, index: Index): RunData => {
  const results = new Map(run.results.map((result) => [result.case, result]))
  const shown = run.results.filter((result) => failed(result.outcome) || result.class !== undefined)
  return {
    name: run.name,
    outcomes: index.cases.map((item) => {
      const result = results.get(item.id)
      return result === undefined ? "-" : result.known === undefined ? result.outcome : "waived"
    }),
    details: Object.fromEntries(
      shown.map((result) => [
        result.case,
        { result, wire: run.wires.get(result.case) ?? [], replay: replayCommand(run, result.case) }
      ])
    ),
    properties: run.properties,
    talks: Object.fromEntries(run.properties.map((item) => [item.property, run.wires.get(item.property) ?? []])),
    searches: Object.fromEntries(run.properties.map((item) => [item.property, searchCommand(run, item.property)])),
    restarts: run.restarts
  }
}

const p = (name: string, text: string): string => `<div><dt>${name}</dt><dd>${escapeHtml(text)}</dd></div>`

/** A row of boxes for the levels up to the one reached. */
const ladder = (level: number | undefined): string =>
  `<ol class="ladder" aria-hidden="true">${[0, 1, 2, 3, 4, 5]
    .map((n) => `<li class="${level !== undefined && n <= level ? "reached" : ""}">${n}</li>`)
    .join("")}</ol>`

const card = (run: Run, several: boolean): string => {
  const of = standing(run)
  const state = of.critical.length > 0 ? "bad" : of.level === undefined ? "none" : "good"
  const notes = [
    ...(of.critical.length > 0
      ? [
          of.critical.length === 1
            ? "One critical failure. It cannot be waived."
            : `${of.critical.length} critical failures. They cannot be waived.`
        ]
      : []),
    ...(of.reason === undefined ? [] : [`No level: ${of.reason}.`]),
    ...run.problems.slice(of.reason === undefined ? 0 : 1).map((problem) => `${problem}.`),
    ...(run.footer?.stale ?? []).map((entry) => `Known failure ${entry.pattern}: ${entry.problem}.`)
  ]
  return `<section class="card ${state}">
${several ? `<h2>${escapeHtml(run.name)}</h2>` : ""}
<p class="standing"><strong>${of.level === undefined ? "No level" : `Level ${of.level}`}</strong>${of.marks
    .map((mark) => `<span class="tag mark">${escapeHtml(mark)}</span>`)
    .join("")}</p>
${ladder(of.level)}
<p class="dim">${escapeHtml(line(of))}</p>
${notes.map((note, i) => `<p class="notice${i === 0 && state === "bad" ? " alarm" : ""}">${escapeHtml(note)}</p>`).join("")}
<dl class="facts">${[
    p("language", run.header.subject.language),
    p("run", new Date(run.header.started).toISOString().replace("T", " ").slice(0, 16)),
    p("took", run.footer === undefined ? "not finished" : `${(run.footer.ms / 1000).toFixed(1)} s`),
    p("restarts", String(run.restarts.length)),
    p("coins", run.header.subject.features.coins ?? "none"),
    p("kit", run.header.kit)
  ].join("")}</dl>
<details><summary>Suite, seed, command</summary><dl class="facts wide">${[
    p("suite", `${run.header.suite}, protocol ${run.header.protocol}`),
    p("root", run.header.root),
    p("seed", run.header.seed),
    p("command", run.header.subject.command),
    p("source", run.header.subject.source)
  ].join("")}</dl></details>
</section>`
}

const words: { readonly [outcome: string]: string } = {
  pass: "passed",
  fail: "failed",
  stage: "refused at another stage",
  fault: "fault",
  unsupported: "unsupported",
  timeout: "no answer in time",
  crash: "crashed",
  violation: "broke the protocol",
  excluded: "not declared",
  known: "waived"
}

const cell = (tally: ReadonlyMap<string, number> | undefined, family: string): string => {
  if (tally === undefined) return `<td class="cell none"><span class="dim">not run</span></td>`
  const total = [...tally.values()].reduce((sum, n) => sum + n, 0)
  const passed = tally.get("pass") ?? 0
  const excluded = tally.get("excluded") ?? 0
  const waived = tally.get("known") ?? 0
  const bad = total - passed - excluded - waived
  const state = bad > 0 ? "bad" : waived > 0 ? "waived" : passed === 0 ? "none" : "good"
  const said = bad > 0 ? `${bad} of ${total} did not pass` : passed === 0 ? "not declared" : `all ${passed}`
  const rest = [...tally]
    .filter(([outcome]) => outcome !== "pass" && (bad > 0 || outcome !== "excluded" || passed > 0))
    .map(([outcome, n]) => `${n} ${words[outcome] ?? outcome}`)
    .join(", ")
  const glyph = { bad: "✕", waived: "◐", none: "–", good: "✓" }[state]
  return `<td class="cell ${state}"><a href="#list/${family}"><span class="glyph" aria-hidden="true">${glyph}</span>${escapeHtml(said)}</a>${
    rest === "" || passed === 0 ? "" : `<small>${escapeHtml(rest)}</small>`
  }</td>`
}

const matrix = (runs: ReadonlyArray<Run>): string => {
  const families = new Map<number, Set<string>>()
  for (const run of runs)
    for (const result of run.results) {
      const of = families.get(result.level) ?? new Set<string>()
      families.set(result.level, of.add(result.family))
    }
  const columns = runs.map((run) => ({ level: standing(run).level, tallies: tallies(run) }))
  const head = `<tr><th scope="col">family</th>${runs.map((run) => `<th scope="col">${escapeHtml(run.name)}</th>`).join("")}</tr>`
  const body = [...families.keys()]
    .sort((a, b) => a - b)
    .map((level) => {
      const reached = columns.map(
        (of) =>
          `<td class="reach">${of.level !== undefined && of.level >= level ? '<span class="tag good">reached</span>' : '<span class="tag">not reached</span>'}</td>`
      )
      const rows = [...families.get(level)!].map(
        (family) =>
          `<tr><th scope="row">${escapeHtml(family)}</th>${columns.map((of) => cell(of.tallies.get(family), family)).join("")}</tr>`
      )
      return `<tbody><tr class="level"><th scope="rowgroup">Level ${level}</th>${reached.join("")}</tr>${rows.join("")}</tbody>`
    })
  return `<div class="scroll"><table class="matrix"><caption class="sr">Families by level</caption><thead>${head}</thead>${body.join("")}</table></div>`
}

const properties = (runs: ReadonlyArray<Run>): string => {
  const titles = new Map(runs.flatMap((run) => run.properties.map((item) => [item.property, item] as const)))
  if (titles.size === 0) return ""
  const rows = [...titles.values()]
    .sort((a, b) => (a.property < b.property ? -1 : 1))
    .map((item) => {
      const broken = runs.some((run) =>
        run.properties.some((of) => of.property === item.property && failed(of.outcome))
      )
      const cells = runs.map((run) => {
        const of = run.properties.find((other) => other.property === item.property)
        if (of === undefined) return `<td class="cell none"><span class="dim">not run</span></td>`
        const state = of.outcome === "pass" ? "good" : of.outcome === "excluded" ? "none" : "bad"
        const glyph = { good: "✓", none: "–", bad: "✕" }[state]
        const text = state === "good" ? `held over ${of.scripts} scripts` : (words[of.outcome] ?? of.outcome)
        return `<td class="cell ${state}"><a href="#property/${escapeHtml(of.property)}"><span class="glyph" aria-hidden="true">${glyph}</span>${escapeHtml(text)}</a></td>`
      })
      return `<tr><th scope="row"><span class="id">${escapeHtml(item.property)}</span> ${escapeHtml(item.title)}${item.critical ? ` <span class="tag${broken ? " critical" : ""}">critical</span>` : ""}</th>${cells.join("")}</tr>`
    })
  return `<section class="part" id="properties"><h2>Properties</h2><div class="scroll"><table class="matrix"><thead><tr><th scope="col">property</th>${runs
    .map((run) => `<th scope="col">${escapeHtml(run.name)}</th>`)
    .join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div></section>`
}

/** How many failures of one run stand in the overview in full; the rest is in the list. */
const listed = 200

const failures = (run: Run, several: boolean): string => {
  const bad = run.results.filter((result) => failed(result.outcome))
  if (bad.length === 0 && run.open.length === 0) return ""
  const order = [...bad].sort((a, b) => Number(b.critical) - Number(a.critical))
  const row = (result: (typeof bad)[number]): string =>
    `<li class="${result.known === undefined ? "" : "waived"}"><a class="id" href="#case/${escapeHtml(result.case)}">${escapeHtml(result.case)}</a> ${escapeHtml(result.title)} ${
      result.critical ? '<span class="tag critical">critical</span>' : ""
    }${result.known === undefined ? "" : '<span class="tag waived">waived</span>'}<span class="tag">${escapeHtml(words[result.outcome] ?? result.outcome)}</span>
<div class="versus"><div><span class="key">expected</span><code>${escapeHtml(expectedText(result).slice(0, 240))}</code></div><div><span class="key">actual</span><code>${escapeHtml(actualText(result).slice(0, 240))}</code></div></div></li>`
  const rest = order.slice(listed)
  return `<section class="part failures"><h2>${several ? `Did not pass: ${escapeHtml(run.name)}` : "Did not pass"} <span class="count">${bad.length}</span></h2><ol>${order
    .slice(0, listed)
    .map(row)
    .join("")}</ol>${
    rest.length === 0
      ? ""
      : `<details><summary>${rest.length} more</summary><p class="ids">${rest
          .map((result) => `<a class="id" href="#case/${escapeHtml(result.case)}">${escapeHtml(result.case)}</a>`)
          .join(" ")}</p></details>`
  }${run.open.length === 0 ? "" : `<p class="notice">Began and never ended: ${escapeHtml(run.open.join(", "))}</p>`}</section>`
}

/** One page for one or more runs. With the suite's folder, case pages show script, bytes, derivation and rules. */
export const html = async (runs: ReadonlyArray<Run>, folder?: Folder): Promise<string> => {
  const index = folder === undefined ? indexOfRuns(runs) : withUnknown(indexOf(folder), runs)
  const title = `Conformance: ${runs.map((run) => run.name).join(", ")}`
  const other = folder === undefined ? [] : runs.filter((run) => run.header.root !== folder.manifest.root)
  const body = `<a class="skip" href="#overview">To the results</a>
<header class="top"><div><p class="kicker">Tacit conformance report</p><h1>${escapeHtml(runs.map((run) => run.name).join(" · "))}</h1></div><div id="tools"></div></header>
<main>
<div id="overview" tabindex="-1">
<div class="cards">${runs.map((run) => card(run, runs.length > 1)).join("")}</div>
${other.map((run) => `<p class="notice">${escapeHtml(run.name)} was judged by another suite than the one these pages show (root ${escapeHtml(run.header.root.slice(0, 16))}…).</p>`).join("")}
<section class="part" id="families"><h2>Families by level</h2>${matrix(runs)}</section>
${properties(runs)}
<section id="browse" class="part" hidden></section>
${runs.map((run) => failures(run, runs.length > 1)).join("")}
</div>
<article id="page" tabindex="-1" hidden></article>
<noscript><p class="notice">Search and case pages need JavaScript; nothing is loaded from elsewhere.</p></noscript>
</main>`
  return frame("report", title, body, [
    dataElement("data-index", index),
    dataElement(
      "data-runs",
      runs.map((run) => runData(run, index))
    ),
    ...(folder === undefined ? [dataElement("data-rules", {})] : suiteData(folder))
  ])
}

/** The index with the cases that only a run knows, as of another version of the suite. */
const withUnknown = (index: Index, runs: ReadonlyArray<Run>): Index => {
  const known = new Set(index.cases.map((item) => item.id))
  const more = indexOfRuns(runs).cases.filter((item) => !known.has(item.id))
  return more.length === 0 ? index : { ...index, cases: [...index.cases, ...more] }
}
