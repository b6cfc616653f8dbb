/**
 * The auditors' commands as they are called: what they print, what they write, how they end.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (result.exit.1).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { commands, main } from "../../src/main/Dispatch.ts"
import { bad, good } from "../report/fixture.ts"
import { vectors, withCopy } from "./suite.ts"

const run = async (...words: ReadonlyArray<string>): Promise<{ readonly code: number; readonly out: string }> => {
  let out = ""
  const say = (line: string): void => void (out += `${line}\n`)
  const code = await main(words, { out: say, err: say, signal: new AbortController().signal })
  return { code, out }
}

let folder = ""
const path = (name: string): string => join(folder, name)
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tacit-commands-"))
  writeFileSync(path("good.ndjson"), good())
  writeFileSync(path("bad.ndjson"), bad())
  writeFileSync(path("junk.ndjson"), "junk\n")
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("report", () => {
  it("writes every form out of one result file [result.events.1]", async () => {
    const { code, out } = await run(
      "report",
      path("bad.ndjson"),
      ...["html", "junit", "badge", "summary"].flatMap((name) => [`--${name}`, path(`one.${name}`)])
    )
    expect(code).toBe(0)
    expect(out).toMatch(/^acme 0\.3\.1: level 0 · .* · 1 waived · \d+ critical$/m)
    expect(readFileSync(path("one.html"), "utf8")).toMatch(/^<!doctype html>/)
    expect(readFileSync(path("one.junit"), "utf8")).toMatch(/^<\?xml /)
    expect(readFileSync(path("one.badge"), "utf8")).toMatch(/^<svg /)
    expect(JSON.parse(readFileSync(path("one.summary"), "utf8"))).toMatchObject({
      schema: "tacit/summary/1",
      waived: 1
    })
    await run("report", path("good.ndjson"), "--badge", path("badge.json"))
    expect(JSON.parse(readFileSync(path("badge.json"), "utf8"))).toMatchObject({ schemaVersion: 1, isError: false })
  }, 30_000)

  it("puts several side by side, and only in the page", async () => {
    expect((await run("report", path("good.ndjson"), path("bad.ndjson"), "--html", path("two.html"))).code).toBe(0)
    expect(readFileSync(path("two.html"), "utf8").match(/<section class="card /g)).toHaveLength(2)
    expect((await run("report", path("good.ndjson"), path("bad.ndjson"), "--junit", path("two.xml"))).code).toBe(4)
    expect(existsSync(path("two.xml"))).toBe(false)
  }, 30_000)

  it("is wrong usage without results [result.exit.1]", async () => {
    expect((await run("report")).code).toBe(4)
    expect((await run("report", path("junk.ndjson"))).code).toBe(4)
    expect((await run("report", path("none.ndjson"))).code).toBe(4)
  })
})

describe("explain and trace", () => {
  it("take an id or a path, and offer the nearest id for a mistyped one", async () => {
    const { code, out } = await run("explain", "ratchet/limits/ratchet-skip-1001", "--depth", "1")
    expect(code).toBe(0)
    expect(out).toContain("must be refused at limit (limit.skip)")
    const wrong = await run("explain", "ratchet-skip-101")
    expect(wrong.code).toBe(4)
    expect(wrong.out).toMatch(/Did you mean ratchet-skip-\d+\?/)
  })

  it("hide secrets until they are asked for", async () => {
    const { out } = await run("trace", "ratchet-s1-straight")
    expect(out).toContain("rootKey = root: hidden (--secrets shows it)")
    expect((await run("trace", "ratchet-s1-straight", "--secrets")).out).not.toContain("hidden")
  })

  it("list and show what a run kept", async () => {
    expect((await run("trace", path("bad.ndjson"))).out).toBe("layout-uint-least  one message\n")
    const { code, out } = await run("trace", path("bad.ndjson"), "--case", "layout-uint-least")
    expect(code).toBe(0)
    expect(out).toContain("runner -> call  layout.decode")
    expect((await run("trace", path("bad.ndjson"), "--case", "window-first")).code).toBe(4)
    expect((await run("trace", path("none.ndjson"), "--case", "window-first")).code).toBe(4)
  })
})

describe("diff, coverage, derive, explorer", () => {
  it("compare runs and suites, and not one with the other", async () => {
    expect((await run("diff", path("good.ndjson"), path("bad.ndjson"))).out).toContain("P03: pass -> fail  [critical]")
    await withCopy(async (copy) => {
      const { code, out } = await run("diff", copy, vectors)
      expect(code).toBe(0)
      expect(out).toMatch(/Added \(\d+\)/)
      expect(out).toContain("The version moves by at least one minor step.")
    })
    expect((await run("diff", vectors, path("good.ndjson"))).code).toBe(4)
  })

  it("show holes, and of a run what it did not reach", async () => {
    const { code, out } = await run("coverage", path("bad.ndjson"))
    expect(code).toBe(0)
    expect(out).toMatch(/^\d+ rules: \d+ shown from both sides/)
    expect(out).toContain("families not declared")
    expect((await run("coverage", "--all")).out).toMatch(/ratchet\.skip\.1 +\d+ accepted +\d+ refused/)
  })

  it("end with code 5 when values do not follow from the seed that is given [result.exit.1]", async () => {
    await withCopy(async (copy) => {
      expect((await run("derive", "--vectors", copy)).code).toBe(0)
      const other = await run("derive", "--vectors", copy, "--seed", "00".repeat(64))
      expect(other.code).toBe(5)
      expect(other.out).toContain("names another seed")
      expect((await run("derive", "--vectors", copy, "--seed", "00")).code).toBe(4)
    })
  }, 60_000)

  it("write the explorer, into a folder that is not there yet", async () => {
    expect((await run("explorer", path("new/vectors.html"))).code).toBe(0)
    expect(readFileSync(path("new/vectors.html"), "utf8")).toContain("Vector explorer")
  }, 30_000)
})

describe("help", () => {
  it("explains each of them", async () => {
    for (const name of ["report", "verify", "explain", "trace", "diff", "coverage", "derive", "attest", "explorer"]) {
      expect(commands.map((command) => command.name)).toContain(name)
      const { code, out } = await run("help", name)
      expect(code).toBe(0)
      expect(out).toContain(`Usage: tacit-conformance ${name}`)
    }
  })
})
