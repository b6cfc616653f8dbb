/**
 * The part of JSON Schema that the suite's schemas use, beside a whole implementation of it.
 *
 * Spec: vectors/README.md.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import Ajv from "ajv/dist/2020.js"
import { describe, expect, it } from "vitest"
import { validator } from "../../src/audit/JsonSchema.ts"
import { folder, vectors } from "./suite.ts"

const cases: ReadonlyArray<readonly [schema: object, good: ReadonlyArray<unknown>, bad: ReadonlyArray<unknown>]> = [
  [{ type: "integer", minimum: 0, maximum: 3 }, [0, 3], [-1, 4, 1.5, "1", null, [], {}]],
  [{ type: "string", pattern: "^a+$", minLength: 2 }, ["aa"], ["a", "b", "", 1]],
  [{ enum: ["x", "y"] }, ["x"], ["z", 1]],
  [{ const: { a: [1] } }, [{ a: [1] }], [{ a: [2] }, {}]],
  [
    { type: "object", additionalProperties: false, required: ["a"], properties: { a: { type: "boolean" }, b: true } },
    [{ a: true }, { a: false, b: null }],
    [{}, { a: 1 }, { a: true, c: 1 }, []]
  ],
  [
    { type: "object", propertyNames: { pattern: "^[a-z]+$" }, additionalProperties: { type: "string" } },
    [{}, { ab: "x" }],
    [{ A: "x" }, { a: 1 }]
  ],
  [{ type: "array", items: { type: "integer" }, minItems: 1, maxItems: 2 }, [[1], [1, 2]], [[], ["a"], [1, 2, 3], {}]],
  [
    { type: "array", prefixItems: [{ type: "integer" }, { type: "string" }], items: false, minItems: 2 },
    [[1, "a"]],
    [[1], ["a", 1], [1, "a", 2]]
  ],
  [{ oneOf: [{ type: "integer" }, { minimum: 5 }] }, [1, "a"], [7, 0.5]],
  [{ anyOf: [{ type: "integer" }, { const: "a" }] }, [1, "a"], ["b", null]],
  [
    {
      $ref: "#/$defs/tree",
      $defs: { tree: { oneOf: [{ type: "integer" }, { type: "array", items: { $ref: "#/$defs/tree" } }] } }
    },
    [1, [1, [2, []]]],
    ["a", [1, ["a"]]]
  ]
]

describe("the schema check", () => {
  const ajv = new Ajv.default({ strict: false })

  it.each(cases)("%j", (schema, good, bad) => {
    const check = validator(schema as never)
    const whole = ajv.compile(schema)
    for (const value of good) {
      expect(check(value)).toBeUndefined()
      expect(whole(value)).toBe(true)
    }
    for (const value of bad) {
      expect(check(value)).toMatch(/./)
      expect(whole(value)).toBe(false)
    }
  })

  it("does not pass over a keyword it does not know", () => {
    expect(validator({ type: "string", format: "date" })("2026-01-01")).toMatch(/uses format/)
  })

  it("says where", () => {
    expect(validator({ properties: { a: { items: { type: "integer" } } } })({ a: [1, "x"] })).toBe(
      "/a/1: is string, not integer"
    )
  })

  it("agrees with a whole implementation on every case with one member taken away or put in", () => {
    let refused = 0
    for (const entry of folder().manifest.files) {
      const schema = JSON.parse(readFileSync(join(vectors, entry.schema), "utf8")) as { $id: string }
      const check = validator(schema)
      const whole = ajv.getSchema(schema.$id) ?? ajv.compile(schema)
      const { file } = folder().files.find(({ path }) => path === entry.path)!
      for (const item of [file.cases[0]!, file.cases.at(-1)!]) {
        const members = Object.keys(item)
        for (const name of members) {
          const { [name as keyof typeof item]: _, ...rest } = item
          const changed = { ...file, worlds: {}, cases: [rest] }
          expect(check(changed) === undefined, `${item.id} without ${name}`).toBe(whole(changed))
          refused += check(changed) === undefined ? 0 : 1
        }
        const more = { ...file, worlds: {}, cases: [{ ...item, extra: 1 }] }
        expect(check(more)).toMatch(/./)
        expect(whole(more)).toBe(false)
      }
    }
    expect(refused).toBeGreaterThan(500)
  }, 60_000)
})
