/**
 * The report and the explorer as pages: whole, self-contained, and safe to open whatever a subject said.
 *
 * Spec: docs/spec/21-conformance.md §21.4.
 */
import { gunzipSync } from "node:zlib"
import { beforeAll, describe, expect, it } from "vitest"
import * as Folder from "../../src/audit/Folder.ts"
import { explorer } from "../../src/report/Explorer.ts"
import { html } from "../../src/report/Html.ts"
import type { Index, RunData, RuleTexts } from "../../src/report/PageData.ts"
import { read } from "../../src/report/Run.ts"
import { bad, failures, folder, good, header, lines, resultOf, sanity, standing } from "./fixture.ts"

/** What stands in a data element of a page. */
const data = (page: string, id: string): unknown => {
  const packed = new RegExp(`<script type="application/gzip" id="${id}">([^<]*)</script>`).exec(page)?.[1]
  if (packed === undefined) throw new Error(`no ${id}`)
  return JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString("utf8"))
}

/** The page without its program, style sheet and data. */
const markup = (page: string): string => page.replaceAll(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, "")

const loads =
  /\b(?:src|srcset|poster|action|formaction|ping)\s*=|<(?:link|iframe|object|embed|base|form|img|video|audio|source)\b/i

describe("the report", () => {
  let page = ""
  beforeAll(async () => {
    page = await html([read(bad())], folder())
  }, 60_000)

  it("loads nothing and forbids itself to [result.events.1]", () => {
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';`)
    expect(markup(page)).not.toMatch(loads)
    for (const [, target] of markup(page).matchAll(/href="([^"]*)"/g)) expect(target).toMatch(/^#/)
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ""
    expect(style).not.toMatch(/@import|url\(/)
    const program = page.slice(page.lastIndexOf("<script>"))
    expect(program).not.toMatch(/\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|import\(/)
  })

  it("names every case that did not pass without running a program", () => {
    for (const failure of failures) {
      expect(markup(page)).toContain(`href="#case/${failure.case}"`)
      expect(markup(page)).toContain(failure.title.replaceAll("&", "&amp;"))
    }
    expect(markup(page)).toContain('<span class="tag critical">critical</span>')
    expect(markup(page)).toContain('<span class="tag waived">waived</span>')
  })

  it("shows families by level, and no share of anything [level.honest.1]", () => {
    for (const family of ["encoding", "ratchet", "sequence"])
      expect(markup(page)).toContain(`<th scope="row">${family}</th>`)
    expect(markup(page)).toMatch(/Level 1<\/th>.*Level 2<\/th>/s)
    expect(markup(page)).not.toMatch(/\d\s*%|percent/)
  })

  it("takes nothing that a subject said for markup", () => {
    const hostile = '<script>alert("x")</script>'
    expect(markup(page)).not.toContain("<script>alert")
    expect(page).not.toContain(hostile)
    const runs = data(page, "data-runs") as ReadonlyArray<RunData>
    expect(runs[0]?.details["encoding-uint-0"]?.result.message).toContain(hostile)
  })

  it("carries every case, its file, and the text of every rule that is cited", () => {
    const index = data(page, "data-index") as Index
    const rules = data(page, "data-rules") as RuleTexts
    expect(index.cases).toHaveLength(standing())
    for (const item of index.cases)
      for (const id of item.clauses) expect(rules[id]?.text.length ?? 0, id).toBeGreaterThan(10)
    for (const [number, { file }] of folder().files.entries()) expect(data(page, `data-file-${number}`)).toEqual(file)
  })

  it("keeps messages, both answers, standard error and the way to repeat a failure", () => {
    const [run] = data(page, "data-runs") as ReadonlyArray<RunData>
    for (const failure of failures) {
      expect(run?.details[failure.case]?.result).toEqual(JSON.parse(JSON.stringify(failure)))
      expect(run?.details[failure.case]?.replay).toContain(failure.case)
    }
    expect(run?.details["layout-uint-least"]?.wire).toHaveLength(1)
    expect(run?.searches["P03"]).toBe(
      `tacit-conformance run --case P03 --budget ci --seed ${header().seed} --subject './adapter --quiet'`
    )
  })

  it("puts several runs side by side, and says when one is about another suite", async () => {
    const other = lines([sanity, ...failures], {
      header: { root: "00".repeat(32), subject: { ...header().subject, name: "other" } }
    })
    const both = await html([read(good()), read(other)], folder())
    expect(markup(both)).toMatch(/<th scope="col">acme 0\.3\.1<\/th><th scope="col">other 0\.3\.1<\/th>/)
    expect(markup(both)).toContain("other 0.3.1 was judged by another suite")
    expect((data(both, "data-runs") as ReadonlyArray<RunData>).map((run) => run.outcomes.length)).toEqual([
      standing(),
      standing()
    ])
  })

  it("is made of results alone where there is no suite", async () => {
    const page = await html([read(bad())])
    const index = data(page, "data-index") as Index
    expect(index.files).toEqual([])
    expect(index.cases.map((item) => item.id)).toEqual(expect.arrayContaining(failures.map((failure) => failure.case)))
    expect(index.cases.every((item) => item.file === -1)).toBe(true)
  })

  it("stays small with 5,000 cases, all of them failed, of two subjects", async () => {
    const cases = folder().files.flatMap(({ file }) => file.cases.map((item) => ({ family: file.family, item })))
    const many = Array.from({ length: 5000 }, (_, i) => {
      const { family, item } = cases[i % cases.length]!
      const failure = {
        outcome: "fail",
        message: "gave other values",
        actual: { ok: { out: "5e".repeat(200) } }
      } as const
      return resultOf(family, { ...item, id: `${item.id}-${i}` }, failure)
    })
    const run = read(lines([sanity, ...many]))
    const page = await html([run, run], folder())
    expect(page.length).toBeLessThan(10_000_000)
    // In full there are only some; the others are named.
    expect(markup(page).length).toBeLessThan(2_000_000)
    for (const failure of many) expect(page).toContain(`#case/${failure.case}"`)
  }, 60_000)
})

describe("the explorer", () => {
  it("carries the suite, asks for nothing, and is one file", async () => {
    const page = await explorer(folder())
    expect(markup(page)).not.toMatch(loads)
    expect(page.length).toBeLessThan(10_000_000)
    expect((data(page, "data-index") as Index).root).toBe(folder().manifest.root)
    expect(Object.keys(data(page, "data-rules") as RuleTexts).length).toBeGreaterThan(150)
    expect(Object.keys(Folder.rules(folder()))).toEqual(
      expect.arrayContaining(Object.keys(data(page, "data-rules") as RuleTexts))
    )
  }, 60_000)
})
