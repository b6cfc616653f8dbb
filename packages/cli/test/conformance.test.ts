/**
 * `tacit conformance` is the conformance runner: its words, options, help and exit codes.
 */
import { describe, expect, it } from "vitest"
import { call, type Done } from "./InProcess.ts"

const tacit = (...words: ReadonlyArray<string>): Promise<Done> => call(words, { env: {} })

describe("tacit conformance", () => {
  it("judges with the runner's own words and codes", async () => {
    const good = await tacit("conformance", "run", "--in-process", "reference", "--case", "window-first")
    expect(good.code).toBe(0)
    expect(good.out).toMatch(/^a part of the suite · suite /m)
    const bad = await tacit("conformance", "run", "--level", "9", "--in-process", "reference")
    expect(bad.code).toBe(4)
    expect(bad.err).toContain("--level takes a whole number from 0 to 5")
  }, 30_000)

  it("explains itself in the runner's help, and stands in the overview", async () => {
    expect((await tacit("conformance", "run", "--help")).out).toContain("Usage: tacit-conformance run [options]")
    expect((await tacit("help", "conformance")).out).toContain("tacit conformance run --in-process reference")
    expect((await tacit("help")).out).toMatch(/^ {2}conformance +judge an implementation/m)
  })
})
