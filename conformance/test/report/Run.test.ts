/**
 * Reading result lines: what may be said of a run, and what its lines must back.
 *
 * Spec: docs/spec/21-conformance.md §21.2, §21.4.
 */
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { Summary } from "../../src/protocol/Reports.ts"
import { line, NotResults, read, replayCommand, standing } from "../../src/report/Run.ts"
import { summary } from "../../src/report/Summary.ts"
import { bad, failures, good, header, lines, property, result, sanity } from "./fixture.ts"

describe("a run out of its lines", () => {
  it("has level, marks, suite and waivers, and nothing else to boast of [level.honest.1] [result.events.1]", () => {
    const run = read(good())
    expect(run.problems).toEqual([])
    expect(standing(run)).toMatchObject({ level: 2, marks: ["exact", "hardened"], waived: 0, critical: [] })
    expect(line(standing(run))).toBe(`level 2 · exact · hardened · ${header().suite} · 0 waived`)
  })

  it("counts waivers and critical failures from the results, not from the footer", () => {
    const run = read(bad())
    const of = standing(run)
    expect(of.level).toBe(0)
    expect(of.waived).toBe(1)
    expect(of.critical).toEqual([...failures.filter(({ critical }) => critical).map((failure) => failure.case), "P03"])
    expect(of.critical.length).toBeGreaterThan(1)
  })

  it("reaches no level when its end is missing: the runner was killed [result.events.1]", () => {
    const run = read(lines([sanity, result("window-first"), property("P03")], { footer: false }))
    expect(run.problems).toEqual(["the run did not come to its end: there is no footer"])
    expect(standing(run)).toMatchObject({ level: undefined, marks: [] })
    expect(run.results).toHaveLength(1)
  })

  it("keeps what came before a line that was cut off", () => {
    const whole = lines([sanity, result("window-first")])
    const run = read(whole.slice(0, whole.lastIndexOf('"footer"')))
    expect(run.results.map((of) => of.case)).toEqual(["window-first"])
    expect(run.problems[0]).toMatch(/^line \d+ is no event of a result file$/)
    expect(standing(run).level).toBeUndefined()
  })

  it("names cases that began and never ended", () => {
    const open = { event: "case-start", case: "window-in-order", family: "sequence", topic: "window" } as const
    expect(read(lines([sanity], { extra: [open] })).open).toEqual(["window-in-order"])
  })

  const claims: ReadonlyArray<readonly [what: string, text: () => string, problem: RegExp]> = [
    [
      "a level above the one its results show",
      () => lines([sanity, result("window-first", { outcome: "fail" }), property("P03")], { claim: { level: 2 } }),
      /claims level 2, the results show level 0/
    ],
    [
      "a level for a part of the suite",
      () =>
        lines([sanity, result("window-first"), property("P03")], {
          header: { selection: { level: 2, families: ["sequence"], cases: [], whole: false } },
          claim: { level: 2 }
        }),
      /claims level 2, the results show none/
    ],
    [
      "a mark it has not earned",
      () =>
        lines([sanity, result("window-first", { class: { expected: ["fresh.duplicate"] } }), property("P03")], {
          claim: { marks: ["exact"] }
        }),
      /claims the mark exact/
    ],
    ["fewer waivers", () => lines([sanity, failures[1]!], { claim: { waived: 0 } }), /0 waived, the results show 1/],
    [
      "no critical failure",
      () => lines([sanity, failures[2]!], { claim: { critical: [] } }),
      /leaves out critical failures/
    ]
  ]
  it.each(claims)("reaches no level when its footer claims %s [level.honest.1] [level.whole.1]", (_, text, problem) => {
    const run = read(text())
    expect(run.problems.join("\n")).toMatch(problem)
    expect(standing(run)).toMatchObject({ level: undefined, marks: [] })
  })

  it("does not take two results for one case", () => {
    expect(read(lines([sanity, result("window-first"), result("window-first")])).problems).toContain(
      "window-first has two results"
    )
  })

  it.each(["", "\n", "{}\n", "not json\n", `${JSON.stringify({ event: "footer" })}\n`])(
    "is not read out of %j",
    (text) => {
      expect(() => read(text)).toThrow(NotResults)
    }
  )

  it("says how to run a case again, as its subject was named", () => {
    const command = (text: string): string => {
      const base = header()
      return replayCommand(read(lines([sanity], { header: { subject: { ...base.subject, command: text } } })), "x")
    }
    expect(command("./adapter")).toBe("tacit-conformance replay x --subject ./adapter")
    expect(command("python3 it's.py")).toBe("tacit-conformance replay x --subject 'python3 it'\\''s.py'")
    expect(command("in-process reference")).toBe("tacit-conformance replay x --in-process reference")
    expect(command("worker ./a b.ts")).toBe("tacit-conformance replay x --worker './a b.ts'")
  })
})

describe("the summary", () => {
  it("holds every case that did not pass, waived ones marked, and no share of anything [level.honest.1]", () => {
    const of = summary(read(bad()))
    expect(of.failures.map((failure) => failure.case)).toEqual(failures.map((failure) => failure.case))
    expect(of.failures.filter((failure) => failure.known !== undefined)).toHaveLength(1)
    expect(JSON.stringify(of)).not.toMatch(/%|percent|ratio/)
  })

  it.each([
    ["a good run", good],
    ["a bad one", bad],
    ["one without an end", () => lines([sanity], { footer: false })]
  ])("is what its schema says, of %s [result.events.1]", (_, text) => {
    const of: unknown = JSON.parse(JSON.stringify(summary(read(text()))))
    expect(Schema.decodeUnknownSync(Summary, { onExcessProperty: "error" })(of)).toEqual(of)
  })
})
