// The links between specification, tests, vectors and source headers: each broken one is seen.
import { describe, expect, it } from "vitest"
import { check, checkReferences, citationsOfTest, citationsOfVector, rulesOf } from "./check-spec.mjs"
import { tree } from "./lib/temporary.ts"

// Citations in this file would count as citations of the project, so none is spelled whole.
const cite = (id: string): string => `[${id}]`
const rule = (id: string, text = "Something holds."): string => `**${cite(id)}** ${text}\n`

const sound = {
  "docs/spec/03-demo.md": `# 3 Demo\n\n## 3.1 Part\n\n${rule("demo.part.1")}\n- ${rule("demo.part.2")}`,
  "packages/core/src/a.ts":
    "/**\n * A part.\n *\n * Spec: docs/spec/03-demo.md §3.1.\n * Vectors: vectors/demo.json.\n */\nexport const a = 1\n",
  "packages/core/test/a.test.ts": `it("holds ${cite("demo.part.1")}", () => {})\n`,
  "vectors/demo.json": JSON.stringify({ tests: [{ id: "a", clauses: ["demo.part.2"] }] })
}

const problems = (changes: Readonly<Record<string, string>>): string =>
  check(tree({ ...sound, ...changes })).problems.join("\n")

describe("check-spec", () => {
  it("has nothing to say about a sound tree", () => {
    expect(check(tree(sound))).toEqual({ rules: 2, citations: 2, problems: [] })
  })

  it("sees a rule that no test and no vector cites", () => {
    expect(problems({ "vectors/demo.json": "{}" })).toBe(
      `docs/spec/03-demo.md:7: no test and no vector cites ${cite("demo.part.2")}`
    )
  })

  it("sees a citation of a rule that does not exist, in a test and in a vector", () => {
    expect(problems({ "scripts/b.test.ts": `it("holds ${cite("demo.part.9")}", () => {})` })).toBe(
      `scripts/b.test.ts:1: there is no rule ${cite("demo.part.9")}`
    )
    expect(problems({ "vectors/deep/b.json": `{"tests":[{"more":[{"clauses":["demo.part.8"]}]}]}` })).toBe(
      `vectors/deep/b.json: there is no rule ${cite("demo.part.8")}`
    )
  })

  it("sees the same id twice", () => {
    expect(problems({ "docs/spec/04-more.md": rule("demo.part.1") })).toBe(
      `docs/spec/04-more.md:1: ${cite("demo.part.1")} is already at docs/spec/03-demo.md:5`
    )
  })

  it("takes no citation from a comment, only from strings and templates", () => {
    expect(citationsOfTest("a.test.ts", `// ${cite("demo.part.1")}\nconst a = 1`)).toEqual([])
    expect(citationsOfTest("a.test.ts", `const a = "${cite("demo.part.1")} ${cite("demo.part.2")}"`)).toHaveLength(2)
    expect(citationsOfTest("a.test.ts", `\nconst a = \`x ${cite("demo.part.1")} \${1}\``)).toEqual([
      { id: "demo.part.1", at: "a.test.ts:2" }
    ])
  })

  it("takes clauses of a vector at any depth, and nothing else of it", () => {
    expect(citationsOfVector("a.json", `{"id":"demo.part.1","a":[{"clauses":["demo.part.2"]}]}`)).toEqual([
      { id: "demo.part.2", at: "a.json" }
    ])
  })

  it("refuses ids without a number, in capitals, or in the middle of a line, and leaves code alone", () => {
    expect(rulesOf("a.md", rule("demo.part")).problems).toHaveLength(1)
    expect(rulesOf("a.md", rule("Demo.part.1")).problems).toHaveLength(1)
    expect(rulesOf("a.md", `| cell | ${rule("demo.part.1")}`).problems).toHaveLength(1)
    expect(rulesOf("a.md", `\`\`\`\n${rule("demo.part.1")}\`\`\`\n`)).toEqual({ rules: [], problems: [] })
  })

  it("sees a header that leads to a missing document, vector or section", () => {
    const base = tree(sound)
    const of = (header: string): ReadonlyArray<string> =>
      checkReferences(base, "a.ts", `/**\n * A.\n *\n * ${header}\n */\n`)
    expect(of("Spec: docs/spec/03-demo.md §3, §3.1.")).toEqual([])
    expect(of("Spec: docs/spec/03-demo.md §3.2.")).toEqual(["a.ts:4: docs/spec/03-demo.md has no section 3.2"])
    expect(of("Spec: docs/spec/03-demo.md §3–3.4.")).toEqual(["a.ts:4: docs/spec/03-demo.md has no section 3.4"])
    expect(of("Spec: docs/spec/05-gone.md.")).toEqual(["a.ts:4: docs/spec/05-gone.md does not exist"])
    expect(of("Vectors: vectors/gone.json.")).toEqual(["a.ts:4: vectors/gone.json does not exist"])
    expect(of("Spec: §9.1.")).toEqual(["a.ts:4: the specification has no section 9.1"])
    expect(of("Spec: docs/spec/03-demo.md §3.1,\n * docs/spec/06-gone.md.")).toEqual([
      "a.ts:4: docs/spec/06-gone.md does not exist"
    ])
  })

  it("finds a section named without its document by its number", () => {
    const base = tree(sound)
    const text = "/** Spec: docs/spec/03-demo.md. */\n/** A length. Spec: §3.1. */\n/** Another. Spec: §3.7. */\n"
    expect(checkReferences(base, "a.ts", text)).toEqual(["a.ts:3: the specification has no section 3.7"])
  })

  it("sees a comment that names a rule that does not exist", () => {
    expect(
      problems({ "packages/core/src/b.ts": "// Rule before: rule demo.part.7 says so.\nexport const b = 1\n" })
    ).toBe("packages/core/src/b.ts:1: there is no rule demo.part.7")
  })

  it("does not pass on a tree without rules", () => {
    expect(check(tree({ "README.md": "" })).problems).toEqual(["docs/spec holds no rule"])
  })
})
