import { readdirSync, readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { toHex } from "../../src/base/Bytes.ts"
import * as Labels from "../../src/crypto/Labels.ts"
import { ascii } from "./helpers.ts"

const folder = new URL("../../../../docs/spec/", import.meta.url)
const specification = readdirSync(folder)
  .filter((name) => name.endsWith(".md"))
  .map((name) => readFileSync(new URL(name, folder), "utf8"))
  .join("\n")

const page = (): string =>
  [
    "# Labels",
    "",
    "Every label, with the rule that uses it; out of `packages/core/src/crypto/Labels.ts`. The test of that file writes this page",
    "(`npx vitest run packages/core/test/crypto/Labels.test.ts -u`) and fails when they differ. In rules, `L(purpose, …)` names a label by",
    "its purpose: the text after `tacit/1` and a space.",
    "",
    "| label | rule | ASCII in hexadecimal |",
    "| --- | --- | --- |",
    ...Labels.all.map(({ bytes, spec, text }) => `| \`${text}\` | ${spec} | \`${toHex(bytes)}\` |`),
    ""
  ].join("\n")

describe("Labels", () => {
  it("are distinct ASCII texts of one form without a zero byte [crypto.label.1]", () => {
    const texts = Labels.all.map(({ text }) => text)
    expect(new Set(texts).size).toBe(texts.length)
    for (const { bytes, prefix, text } of Labels.all) {
      expect(text).toMatch(/^tacit\/1 [A-Za-z][A-Za-z -]*[A-Za-z]$/)
      expect(bytes).toEqual(ascii(text))
      expect(prefix).toEqual(ascii(`${text}\0`))
    }
  })

  it("are all listed, and each names a rule of the specification [crypto.label.1]", () => {
    const exported = Object.values(Labels).filter(
      (value): value is Labels.Label => typeof value === "object" && "text" in value
    )
    expect(exported.map(({ text }) => text).sort()).toEqual(Labels.all.map(({ text }) => text).sort())
    expect(Labels.all.filter(({ spec }) => !specification.includes(`**[${spec}]**`))).toEqual([])
  })

  it("joins label, zero byte and contexts [crypto.label.2] [crypto.label.3]", () => {
    expect(Labels.prefixed(Labels.pqxdh, Uint8Array.of(1), Uint8Array.of(2, 3))).toEqual(
      Uint8Array.from([...ascii("tacit/1 pqxdh"), 0, 1, 2, 3])
    )
    const bare = Labels.prefixed(Labels.pqxdh)
    expect(bare).toEqual(ascii("tacit/1 pqxdh\0"))
    bare[0] = 0
    expect(Labels.prefixed(Labels.pqxdh)).toEqual(ascii("tacit/1 pqxdh\0"))
  })

  it("never makes two uses with different labels equal or one the beginning of the other [crypto.label.2]", () => {
    const any = fc.constantFrom(...Labels.all)
    fc.assert(
      fc.property(any, any, fc.uint8Array(), fc.uint8Array(), (a, b, x, y) => {
        if (a === b) return
        const first = toHex(Labels.prefixed(a, x))
        const second = toHex(Labels.prefixed(b, y))
        expect(first.startsWith(second) || second.startsWith(first)).toBe(false)
      })
    )
  })

  it("is what the appendix of the specification says", async () => {
    await expect(page()).toMatchFileSnapshot("../../../../docs/spec/appendix-labels.md")
  })
})
