// The clause index: what it collects, which gaps it names, when a written one is out of date.
import { describe, expect, it } from "vitest"
import { gaps, index, path, stale } from "./clause-index.mjs"
import { tree } from "./lib/temporary.ts"

// Citations in this file would count as citations of the project, so none is spelled whole.
const cite = (id: string): string => `[${id}]`
const rule = (id: string): string => `**${cite(id)}** Something holds.\n\n`

const vectors = {
  family: "demo",
  topic: "all",
  worlds: { w: { trace: [{ id: "s", clause: "demo.part.2" }] } },
  cases: [
    { id: "good", verdict: "valid", clauses: ["demo.part.1"] },
    { id: "bad", verdict: "invalid", twin: "good", clauses: ["demo.part.3"] },
    { id: "gone", verdict: "invalid", status: "withdrawn", twin: "good", clauses: ["demo.part.1"] }
  ]
}
const files = {
  "docs/spec/03-demo.md": `# 3 Demo\n\n${[1, 2, 3].map((n) => rule(`demo.part.${n}`)).join("")}`,
  "vectors/demo/all.json": JSON.stringify(vectors),
  "packages/core/test/a.test.ts": `it("holds ${cite("demo.part.1")}", () => {})\n`
}

describe("clause-index", () => {
  it("lists cases, twins, derivations and tests of every rule", () => {
    const rules = Object.fromEntries(index(tree(files)))
    expect(rules["demo.part.1"]).toMatchObject({
      positive: ["good"],
      negative: [],
      tests: [`packages/core/test/a.test.ts: holds ${cite("demo.part.1")}`]
    })
    expect(rules["demo.part.2"]).toMatchObject({ derivations: ["demo/all#w"] })
    expect(rules["demo.part.3"]).toMatchObject({ negative: ["bad"], twins: ["good"] })
  })

  it("names rules without a case of a kind; a derivation or a twin counts as shown", () => {
    const problems = gaps(index(tree(files))).filter((problem) => problem.includes("demo"))
    expect(problems).toEqual([
      `docs/spec/03-demo.md: no negative case of ${cite("demo.part.1")}`,
      `docs/spec/03-demo.md: no negative case of ${cite("demo.part.2")}`
    ])
  })

  it("names exceptions that are none", () => {
    expect(gaps(index(tree(files))).filter((problem) => problem.includes("needs no exception"))).not.toEqual([])
  })

  it("sees an index that is not there, has other cases, or names a test that is gone; new tests are no problem", () => {
    const base = tree(files)
    expect(stale(base, index(base))).toEqual([`${path} is not there; node scripts/clause-index.mjs`])
    const written = Object.fromEntries(index(base))
    const again = (changes: Readonly<Record<string, string>>): ReadonlyArray<string> => {
      const changed = tree({ ...files, [path]: JSON.stringify(written), ...changes })
      return stale(changed, index(changed))
    }
    expect(again({})).toEqual([])
    expect(again({ "packages/core/test/b.test.ts": `it("more ${cite("demo.part.2")}", () => {})\n` })).toEqual([])
    expect(again({ "packages/core/test/a.test.ts": "" })).toHaveLength(1)
    const cases = JSON.stringify({ ...vectors, cases: vectors.cases.slice(0, 1) })
    expect(again({ "vectors/demo/all.json": cases })).toHaveLength(1)
  })
})
