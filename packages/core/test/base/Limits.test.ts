import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import * as Limits from "../../src/base/Limits.ts"

const values: Readonly<Record<string, number>> = Limits
const source = readFileSync(new URL("../../src/base/Limits.ts", import.meta.url), "utf8")

interface Entry {
  readonly heading: string
  readonly name: string
  readonly reason: string
}

/** Every bound of the source with its reason, in order, under the heading it stands below. */
const entries: ReadonlyArray<Entry> = (() => {
  const out: Array<Entry> = []
  let heading = ""
  for (const match of source.matchAll(/^\/\/ ---- (.*)$|\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const (\w+) =/gm)) {
    if (match[1] !== undefined) heading = match[1]
    else {
      const reason = match[2]!
        .replace(/^\s*\* ?/gm, " ")
        .replace(/\{@link (\w+)\}/g, "`$1`")
        .replace(/\s+/g, " ")
        .trim()
      out.push({ heading, name: match[3]!, reason })
    }
  }
  return out
})()

const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",")

const page = (): string => {
  const lines = [
    "# Limits",
    "",
    "Every bound of the protocol with its reason, out of `packages/core/src/base/Limits.ts`; the test of that file writes this page",
    "(`npx vitest run packages/core/test/base/Limits.test.ts -u`) and fails when they differ. Lengths are bytes, times milliseconds."
  ]
  let heading = ""
  for (const entry of entries) {
    if (entry.heading !== heading) {
      heading = entry.heading
      lines.push("", `## ${heading}`, "", "| limit | value | reason |", "| --- | --- | --- |")
    }
    lines.push(`| \`${entry.name}\` | ${grouped(values[entry.name]!)} | ${entry.reason} |`)
  }
  return `${lines.join("\n")}\n`
}

describe("Limits", () => {
  it("gives every bound a reason and a safe positive value", () => {
    expect(entries.map(({ name }) => name).sort()).toEqual(Object.keys(values).sort())
    for (const { heading, name, reason } of entries) {
      const value = values[name]!
      expect({
        name,
        heading: heading !== "",
        reason: reason.length > 20,
        value: Number.isSafeInteger(value) && value > 0
      }).toEqual({
        name,
        heading: true,
        reason: true,
        value: true
      })
    }
  })

  it("fits a padded content of greatest size into an envelope", () => {
    // Padmé adds at most 12 %; 4 KiB hold a session start's keys, certificate and headers.
    expect(Limits.maxContentBytes * 1.12 + 4096).toBeLessThan(Limits.maxEnvelopeBytes)
    expect(Limits.maxBodyBytes).toBeLessThan(Limits.maxContentBytes)
  })

  it("is what the appendix of the specification says", async () => {
    await expect(page()).toMatchFileSnapshot("../../../../docs/spec/appendix-limits.md")
  })
})
