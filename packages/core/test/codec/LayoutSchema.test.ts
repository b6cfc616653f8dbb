import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { toHex } from "../../src/base/Bytes.ts"
import * as Layout from "../../src/codec/Layout.ts"
import { describe as describeLayout, toJsonSchema } from "../../src/codec/LayoutSchema.ts"
import { arbitrary } from "../../src/testing/Arbitrary.ts"

const Sample = Layout.tuple({
  version: Layout.literal(1),
  kind: Layout.uint({ max: 9 }),
  count: Layout.uint({ min: 1 }),
  to: Layout.bytes({ length: 16 }),
  body: Layout.bytes({ min: 1, max: 300 }),
  name: Layout.text({ max: 40 }),
  ids: Layout.list(Layout.uint(), { max: 3 }),
  maybe: Layout.optional(Layout.uint({ max: 5 })),
  choice: Layout.oneOf(
    Layout.tuple({ type: Layout.literal(1), a: Layout.uint() }),
    Layout.tuple({ type: Layout.literal(2) })
  ),
  extensions: Layout.extensions({ fence: Layout.extension(1, Layout.tuple({ g: Layout.uint() })) })
})

/** A value in JSON form. */
const toJson = (value: unknown, node: Layout.Node): unknown => {
  if (value instanceof Uint8Array) return toHex(value)
  switch (node.kind) {
    case "optional":
      return value === undefined ? [] : [toJson(value, node.item)]
    case "list":
      return (value as ReadonlyArray<unknown>).map((item) => toJson(item, node.item))
    case "tuple":
      return Object.fromEntries(
        node.fields.map(({ name, node }) => [name, toJson((value as Record<string, unknown>)[name], node)])
      )
    case "extensions": {
      const slot = value as Readonly<Record<string, unknown>> & {
        readonly unknown: ReadonlyArray<Layout.UnknownExtension>
      }
      return {
        ...Object.fromEntries(
          node.known.filter(({ name }) => name in slot).map(({ name, node }) => [name, toJson(slot[name], node)])
        ),
        unknown: slot.unknown.map(({ key, value }) => ({ key, value: toHex(value) }))
      }
    }
    case "oneOf": {
      const tag = (value as Record<string, unknown>)[node.tag]
      return toJson(value, node.cases.find((entry) => entry.value === tag)!.node)
    }
    default:
      return value
  }
}

/** What of a schema this validator reads; it knows no other keywords. */
interface Keywords {
  readonly const?: unknown
  readonly oneOf?: ReadonlyArray<Keywords>
  readonly not?: { readonly multipleOf: number }
  readonly type?: string
  readonly minimum: number
  readonly maximum: number
  readonly minLength: number
  readonly maxLength: number
  readonly pattern?: string
  readonly minItems?: number
  readonly maxItems: number
  readonly items: Keywords
  readonly required: ReadonlyArray<string>
  readonly properties: Readonly<Record<string, Keywords>>
}

const valid = (schema: Keywords, value: unknown): boolean => {
  if ("const" in schema) return value === schema.const
  if (schema.oneOf !== undefined) return schema.oneOf.filter((each) => valid(each, value)).length === 1
  if (schema.not !== undefined && Number(value) % schema.not.multipleOf === 0) return false
  switch (schema.type) {
    case "integer":
      return Number.isInteger(value) && Number(value) >= schema.minimum && Number(value) <= schema.maximum
    case "string": {
      if (typeof value !== "string") return false
      const length = Array.from(value).length
      const matches = schema.pattern === undefined || new RegExp(schema.pattern, "u").test(value)
      return matches && length >= schema.minLength && length <= schema.maxLength
    }
    case "array":
      return (
        Array.isArray(value) &&
        value.length >= (schema.minItems ?? 0) &&
        value.length <= schema.maxItems &&
        value.every((item) => valid(schema.items, item))
      )
    case "object": {
      if (typeof value !== "object" || value === null) return false
      const record = value as Readonly<Record<string, unknown>>
      return (
        schema.required.every((name) => name in record) &&
        Object.entries(record).every(([name, item]) => {
          const property = schema.properties[name]
          return property !== undefined && valid(property, item)
        })
      )
    }
    default:
      return false
  }
}

describe("LayoutSchema", () => {
  const schema = toJsonSchema(Sample)
  const keywords = schema as unknown as Keywords

  it("accepts the JSON form of every value [codec.json.1]", () => {
    fc.assert(fc.property(arbitrary(fc, Sample), (value) => valid(keywords, toJson(value, Sample.node))))
  })

  it("is closed and bounded [codec.json.1]", () => {
    const good = toJson(fc.sample(arbitrary(fc, Sample), { numRuns: 1, seed: 1 })[0], Sample.node) as Record<
      string,
      unknown
    >
    const changed = (change: Record<string, unknown>): boolean => valid(keywords, { ...good, ...change })
    expect(changed({})).toBe(true)
    expect(changed({ more: 1 })).toBe(false)
    expect(changed({ version: 2 })).toBe(false)
    expect(changed({ kind: 10 })).toBe(false)
    expect(changed({ count: 0 })).toBe(false)
    expect(changed({ to: "00" })).toBe(false)
    expect(changed({ to: "0G".repeat(16) })).toBe(false)
    expect(changed({ maybe: [1, 2] })).toBe(false)
    expect(changed({ choice: { type: 3 } })).toBe(false)
    expect(changed({ extensions: {} })).toBe(false)
    expect(changed({ extensions: { unknown: [{ key: 2, value: "00" }] } })).toBe(false)
    expect(schema["$schema"]).toBe("https://json-schema.org/draft/2020-12/schema")
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })

  it("says a layout in the notation of the specification", () => {
    expect(describeLayout(Sample)).toBe(
      "[version = 1, kind: uint 0…9, count: uint 1…, to: bin 16, body: bin 1…300, name: text 0…40, ids: list 0…3 of uint, " +
        "maybe: list 0…1 of uint 0…5, choice: [type = 1, a: uint] | [type = 2], extensions: {1 fence: [g: uint]}]"
    )
    expect(describeLayout(Layout.literal(4))).toBe("4")
  })
})
