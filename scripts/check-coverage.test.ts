// The table of features: complete, without doubles, with states and proofs that exist.
import { describe, expect, it } from "vitest"
import { check, ids } from "./check-coverage.mjs"
import { tree } from "./lib/temporary.ts"

const rows = (change: (id: string) => string | undefined = () => undefined): string =>
  [
    "| id | state | proof |",
    "| --- | --- | --- |",
    ...ids.map((id: string) => change(id) ?? `| ${id} | open | |`)
  ].join("\n")

const problems = (text: string): ReadonlyArray<string> =>
  check(tree({ "docs/coverage.md": text, "packages/core/test/a.test.ts": "" })).problems

describe("check-coverage", () => {
  it("knows the 143 rows of the ledger", () => {
    expect(ids).toHaveLength(143)
    expect([ids[0], ids[40], ids[41], ids[142]]).toEqual(["B-01", "B-41", "N-01", "E-15"])
  })

  it("accepts a complete table and counts its states", () => {
    const text = rows((id) =>
      id === "B-01" ? "| **B-01** | done | [test](../packages/core/test/a.test.ts) |" : undefined
    )
    expect(check(tree({ "docs/coverage.md": text, "packages/core/test/a.test.ts": "" }))).toEqual({
      counts: { open: 142, partly: 0, done: 1 },
      problems: []
    })
  })

  it.each([
    ["a missing row", rows((id) => (id === "W-07" ? "" : undefined)), /W-07 is missing/],
    ["a row twice", `${rows()}\n| B-02 | open | |`, /B-02 is already at docs\/coverage\.md:4/],
    ["an id the ledger lacks", `${rows()}\n| W-51 | open | |`, /the ledger has no W-51/],
    ["a row without a state", rows((id) => (id === "D-01" ? "| D-01 | soon | |" : undefined)), /D-01 needs one cell/],
    [
      "a row with two states",
      rows((id) => (id === "D-01" ? "| D-01 | open | done |" : undefined)),
      /D-01 needs one cell/
    ],
    [
      "a done row without a link",
      rows((id) => (id === "N-03" ? "| N-03 | done | trust me |" : undefined)),
      /N-03 is done but links to nothing/
    ],
    [
      "a partly row without a link",
      rows((id) => (id === "N-03" ? "| N-03 | partly | |" : undefined)),
      /N-03 is partly but links to nothing/
    ],
    [
      "a link that leads nowhere",
      rows((id) => (id === "E-4" ? "| E-4 | done | [t](../gone.ts) |" : undefined)),
      /E-4 links to gone\.ts/
    ]
  ])("sees %s", (_, text, expected) => {
    const found = problems(text)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(expected)
  })

  it("does not pass without the document", () => {
    expect(check(tree({ "README.md": "" })).problems).toEqual(["docs/coverage.md does not exist"])
  })
})
