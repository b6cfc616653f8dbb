/**
 * JUnit XML and the badge.
 *
 * Spec: docs/spec/21-conformance.md §21.2, §21.4.
 */
import { describe, expect, it } from "vitest"
import { endpoint, message, svg } from "../../src/report/Badge.ts"
import { junit } from "../../src/report/JUnit.ts"
import { read } from "../../src/report/Run.ts"
import { bad, failures, good, lines, property, result, sanity } from "./fixture.ts"
import { elements, parseXml } from "./xml.ts"

describe("JUnit XML", () => {
  const root = parseXml(junit(read(bad())))

  it("is well formed whatever a subject said, and has a suite for each family [result.events.1]", () => {
    expect(root.name).toBe("testsuites")
    const names = elements(root, "testsuite").map((suite) => suite.attributes["name"])
    expect(names).toEqual([...new Set(names)])
    expect(names).toEqual(expect.arrayContaining(["ratchet", "encoding", "sequence", "properties"]))
  })

  it("has every case that did not pass, with rule, step, both answers and how to run it again", () => {
    const cases = elements(root, "testcase")
    for (const failure of failures) {
      const found = cases.filter((of) => of.attributes["name"]?.startsWith(`${failure.case}: `))
      expect(found).toHaveLength(1)
      const [inner] = found[0]!.children
      const kind = failure.known !== undefined ? "skipped" : failure.outcome === "crash" ? "error" : "failure"
      expect(inner?.name).toBe(kind)
      if (kind === "skipped") {
        expect(inner?.attributes["message"]).toContain(failure.known!.reason)
        continue
      }
      for (const id of failure.clauses) expect(inner?.text).toContain(id)
      expect(inner?.text).toContain(`tacit-conformance replay ${failure.case} --subject './adapter --quiet'`)
      expect(inner?.attributes["type"]).toBe(failure.critical ? `critical ${failure.outcome}` : failure.outcome)
    }
  })

  it("counts what it lists", () => {
    for (const suite of [root, ...elements(root, "testsuite")]) {
      const cases = elements(suite, "testcase")
      const count = (kind: string): number => cases.filter((of) => of.children[0]?.name === kind).length
      expect(suite.attributes).toMatchObject({
        tests: String(cases.length),
        failures: String(count("failure")),
        errors: String(count("error")),
        skipped: String(count("skipped"))
      })
    }
  })

  it("shows the end of standard error, with characters XML does not have written out", () => {
    const [stderr] = elements(root, "system-err")
    expect(stderr?.text).toContain('panic: gave ]]> <script>alert("x")</script> & \\u{0}\\u{1b}[31m')
  })

  it("shows a case that never ended as an error", () => {
    const open = { event: "case-start", case: "window-in-order", family: "sequence", topic: "window" } as const
    const [suite] = elements(parseXml(junit(read(lines([sanity], { extra: [open] })))), "testsuite")
    expect(suite?.attributes).toMatchObject({ name: "unfinished", errors: "1" })
  })
})

describe("the badge", () => {
  it("is one line: level, marks, suite, waivers [level.honest.1]", () => {
    expect(message(read(good()))).toMatch(/^level 2 · exact · hardened · \d+\.\d+\.\d+ · 0 waived$/)
    expect(endpoint(read(good()))).toMatchObject({ schemaVersion: 1, isError: false })
  })

  it("is red on a critical failure, whatever level was reached [verdict.critical.1]", () => {
    const run = read(bad())
    expect(endpoint(run)).toMatchObject({ color: "b3261e", isError: true })
    expect(svg(run)).toContain("#b3261e")
    expect(message(run)).toMatch(/critical failures$/)
  })

  it("is neither red nor green without a level", () => {
    const run = read(lines([property("sanity", { level: 0, critical: false, outcome: "timeout" })]))
    expect(message(run)).toMatch(/^no level · /)
    expect(svg(run)).toContain("#6b7280")
  })

  it("does not look like a clean pass when something was waived", () => {
    const clean = read(good())
    const waived = read(lines([sanity, failures[1]!]))
    expect(endpoint(waived)["color"]).not.toBe(endpoint(clean)["color"])
    expect(message(waived)).toContain("1 waived")
  })

  it("is one SVG that asks for nothing, and says it to those who cannot see it", () => {
    const text = svg(read(lines([sanity, result("window-first")])))
    const root = parseXml(text)
    expect(root.name).toBe("svg")
    expect(root.attributes["aria-label"]).toContain("level 0")
    expect(text).not.toMatch(/%|href|url\((?!#)|<image|<script/)
  })
})
