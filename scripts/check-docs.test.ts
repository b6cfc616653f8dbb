// Examples of the documentation compile, and its links lead somewhere.
import { describe, expect, it } from "vitest"
import { blocksOf, check, checkLinks } from "./check-docs.mjs"
import { anchors, links } from "./lib/markdown.mjs"
import { tree } from "./lib/temporary.ts"

const block = (code: string, info = "ts"): string => `\`\`\`${info}\n${code}\n\`\`\`\n`

describe("check-docs", () => {
  it("compiles every block as a module of its own, against the real packages", () => {
    const base = tree({
      "README.md": `# A\n\n${block(`import * as Effect from "effect/Effect"\nconst a: number = await Effect.runPromise(Effect.succeed(1))\nconsole.log(a)`)}`,
      "docs/guide.md": block("const a = 1\nexport const b: number = a"),
      "packages/core/README.md": block(`import type * as Core from "@tacit/core"\nexport type A = typeof Core`)
    })
    expect(check(base)).toEqual({ documents: 3, blocks: 3, problems: [] })
  })

  it("names document and line of what does not compile", () => {
    const base = tree({
      "README.md": `# A\n\nText.\n\n${block(`const a = 1\nconst b: string = a\nconsole.log(b)`)}`,
      "docs/guide.md": block(`import { gone } from "@tacit/core/gone"\nconsole.log(gone)`)
    })
    const { problems } = check(base)
    expect(problems).toHaveLength(2)
    expect(problems.join("\n")).toMatch(/^README\.md:7: error TS2322/m)
    expect(problems.join("\n")).toMatch(/^docs\/guide\.md:2: error TS2307/m)
  })

  it("leaves out other languages, and a block that says why it is ignored", () => {
    expect(blocksOf("a.md", block("ls", "sh") + block("…", "ts ignore: pseudo-code of a step"))).toEqual({
      blocks: [],
      problems: []
    })
  })

  it("refuses a block ignored without a reason, with an unknown mark, or never closed", () => {
    expect(blocksOf("a.md", block("x", "ts ignore")).problems).toEqual(["a.md:1: say why: `ts ignore: reason`"])
    expect(blocksOf("a.md", block("x", "ts twoslash")).problems).toEqual(["a.md:1: unknown mark of a block: twoslash"])
    expect(blocksOf("a.md", "\n```ts\nconst a = 1\n").problems).toEqual(["a.md:2: the block is not closed"])
  })

  it("resolves relative links with their anchors", () => {
    const base = tree({
      "README.md": "",
      "docs/a.md": "# Über uns: A & B\n\n## Same\n\n## Same\n",
      "docs/spec/b.md": ""
    })
    const of = (text: string): ReadonlyArray<string> => checkLinks(base, "docs/spec/b.md", text)
    expect(
      of(
        "[a](../a.md) [b](../a.md#über-uns-a--b) [c](../a.md#same-1) [d](../../README.md) [e](https://example.org) ![f](../spec)"
      )
    ).toEqual([])
    expect(of("\n[a](gone.md)")).toEqual(["docs/spec/b.md:2: gone.md leads nowhere"])
    expect(of("[a](../a.md#gone)")).toEqual(["docs/spec/b.md:1: docs/a.md has no heading for #gone"])
    expect(of("[a](/docs/a.md)")).toEqual(["docs/spec/b.md:1: /docs/a.md is not relative"])
    expect(of("[a](../../../x.md)")).toEqual(["docs/spec/b.md:1: ../../../x.md leads nowhere"])
    expect(of("[a]: gone.md")).toEqual(["docs/spec/b.md:1: gone.md leads nowhere"])
  })

  it("reads no links and no headings in code", () => {
    expect(links("`[a](b)` and\n```\n[c](d)\n```\n[e](f)")).toEqual([{ target: "f", line: 5 }])
    expect([...anchors("```\n# not one\n```\n# One `two`")]).toEqual(["one-two"])
  })
})
