/**
 * `tacit conformance` is the conformance runner: its words, options, help and exit codes.
 */
import { PassThrough } from "node:stream"
import { describe, expect, it } from "vitest"
import { run } from "../src/Run.ts"

const tacit = async (...words: ReadonlyArray<string>) => {
  const texts = { stdout: "", stderr: "" }
  const stream = (name: "stdout" | "stderr") => {
    const through = new PassThrough()
    through.on("data", (chunk: Buffer) => (texts[name] += chunk.toString()))
    return through
  }
  const code = await run(words, {
    stdin: new PassThrough(),
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    env: {},
    signal: new AbortController().signal
  })
  return { code, ...texts }
}

describe("tacit conformance", () => {
  it("judges with the runner's own words and codes", async () => {
    const good = await tacit("conformance", "run", "--in-process", "reference", "--case", "window-first")
    expect(good.code).toBe(0)
    expect(good.stdout).toMatch(/^a part of the suite · suite /m)
    const bad = await tacit("conformance", "run", "--level", "9", "--in-process", "reference")
    expect(bad.code).toBe(4)
    expect(bad.stderr).toContain("--level takes a whole number from 0 to 5")
  }, 30_000)

  it("explains itself in the runner's help, and stands in the overview", async () => {
    expect((await tacit("conformance", "run", "--help")).stdout).toContain("Usage: tacit-conformance run [options]")
    expect((await tacit("help", "conformance")).stdout).toContain("tacit conformance run --in-process reference")
    expect((await tacit("help")).stdout).toMatch(/^ {2}conformance +judge an implementation/m)
  })
})
