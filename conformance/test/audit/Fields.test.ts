/**
 * Field boundaries: every byte belongs to one field, also of damaged input.
 *
 * Spec: docs/spec/02-encoding.md; docs/spec/03-envelopes.md; docs/spec/06-ratchet.md.
 */
import { describe, expect, it } from "vitest"
import * as Derivation from "../../src/audit/Derivation.ts"
import { fieldsOf, hintOf, shapeOf, shapes, type Field } from "../../src/audit/Fields.ts"
import { isHex, resolve, unhex } from "../../src/audit/Model.ts"
import { folder, found } from "./suite.ts"

/** Leaves follow each other without gap or overlap, from the first byte to the last. */
const covers = (fields: ReadonlyArray<Field>, length: number): boolean => {
  let at = 0
  for (const field of fields) {
    if (field.group) continue
    if (field.at !== at) return false
    at += field.length
  }
  return at === length
}

const named = (fields: ReadonlyArray<Field>, name: string): ReadonlyArray<Field> =>
  fields.filter((field) => field.name === name && !field.group)

describe("the fields of a structure", () => {
  it("cover every wire structure of the suite, and read the genuine ones without a problem", () => {
    let seen = 0
    for (const { file } of folder().files)
      for (const item of file.cases) {
        const { look } = Derivation.of(file, item)
        const steps = item.script ?? [{ do: item.op ?? "", in: item.in ?? {}, expect: "ok" as const }]
        for (const [index, step] of steps.entries())
          for (const [name, value] of Object.entries(step.in)) {
            const shape = shapeOf(step.do, name)
            const bytes = resolve(value, look, name)
            if (shape === undefined || !isHex(bytes)) continue
            const fields = fieldsOf(shape, unhex(bytes), hintOf(steps, index))
            expect(covers(fields, bytes.length / 2), `${item.id} ${step.do} ${name}`).toBe(true)
            // Elsewhere bodies are fillers.
            const genuine = item.verdict === "valid" && ["agreement", "identity", "ratchet"].includes(file.family)
            if (genuine && shape !== "padded")
              expect(
                fields.filter(({ problem }) => problem !== undefined),
                `${item.id} ${name}`
              ).toEqual([])
            seen++
          }
      }
    expect(seen).toBeGreaterThan(2000)
  }, 30_000)

  it("have the places that the specification gives an envelope of kind 1 [envelope.layout.1] [sealed.layout.1]", () => {
    const { file, item } = found("session-1-first")
    const envelope = String(resolve(item.script![2]!.in["envelope"], Derivation.of(file, item).look))
    const fields = fieldsOf("envelope", unhex(envelope))
    expect(named(fields, "version")).toMatchObject([{ at: 1, length: 1, value: "1" }])
    expect(named(fields, "kind")).toMatchObject([{ at: 2, value: "1 (session start)" }])
    expect(named(fields, "to")).toMatchObject([{ at: 5, length: 16 }])
    expect(named(fields, "ephemeral")).toMatchObject([{ at: 28, length: 32 }])
  })

  it("of a ratchet message are as long as its suite says [ratchet.message.1]", () => {
    const message = new Uint8Array(300)
    const lengths = (suite: number): ReadonlyArray<number> =>
      fieldsOf("message", message, { suite }).map(({ length }) => length)
    expect(lengths(1)).toEqual([16, 12, 56, 200, 16])
    expect(lengths(2)).toEqual([16, 12, 56, 200, 16])
    expect(lengths(3)).toEqual([16, 16, 80, 156, 32])
    expect(fieldsOf("message", message).map(({ length }) => length)).toEqual([16, 284])
  })

  it("of a header are ratchet key, PN and N [ratchet.header.1]", () => {
    const header = unhex(`${"aa".repeat(32)}0000000500000102`)
    expect(fieldsOf("header", header).map(({ name, value }) => [name, value])).toEqual([
      ["ratchet key", undefined],
      ["PN", "5"],
      ["N", "258"]
    ])
  })

  it("cover input that is cut off anywhere, and say where it stops making sense", () => {
    const { file, item } = found("bundle-full")
    const bundle = unhex(String(resolve(item.in!["bytes"], Derivation.of(file, item).look)))
    for (let length = 0; length < bundle.length; length += 7) {
      const fields = fieldsOf("bundle", bundle.subarray(0, length))
      expect(covers(fields, length), String(length)).toBe(true)
      expect(
        fields.some(({ problem }) => problem !== undefined),
        String(length)
      ).toBe(true)
    }
  })

  it("cover anything at all, whatever it is read as", () => {
    let state = 1
    const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) >> 8
    for (let i = 0; i < 3000; i++) {
      const bytes = Uint8Array.from({ length: next() % 40 }, (_, at) =>
        at < 3 && i % 2 === 0 ? [0x94, 0x01, next() % 6][at]! : next() % 256
      )
      for (const shape of shapes) expect(covers(fieldsOf(shape, bytes, { suite: next() % 5 }), bytes.length)).toBe(true)
    }
  })

  it("name bytes behind the end", () => {
    const fields = fieldsOf("prefix", unhex(`930102c410${"00".repeat(16)}ff`))
    expect(fields.at(-1)).toMatchObject({ name: "trailing", at: 21, length: 1, problem: "bytes behind the end" })
  })
})
