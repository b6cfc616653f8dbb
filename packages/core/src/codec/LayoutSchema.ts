/**
 * What a layout says to other tools: JSON Schema of its values in JSON form, and a line for documents.
 *
 * Spec: docs/spec/02-encoding.md §2.7.
 * JSON form: byte strings as lower-case hexadecimal, tuples and unions as objects by field name, optional values as arrays
 * of one item or none. Reads and writes no values.
 */
import * as Limits from "../base/Limits.ts"
import type { AnyLayout, Node } from "./Layout.ts"

/** A JSON Schema, as far as layouts need it. */
export type JsonSchema = { readonly [keyword: string]: JsonValue }
type JsonValue = string | number | boolean | ReadonlyArray<JsonValue> | { readonly [key: string]: JsonValue }

/** JSON Schema (draft 2020-12) of the JSON form of a layout's values; closed: no other properties, items or kinds. */
export const toJsonSchema = (layout: AnyLayout): JsonSchema => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  ...schemaOf(layout.node)
})

const hex = (min: number, max: number): JsonSchema => ({
  type: "string",
  pattern: "^(?:[0-9a-f]{2})*$",
  minLength: 2 * min,
  maxLength: 2 * max
})

const object = (properties: Readonly<Record<string, JsonSchema>>, required: ReadonlyArray<string>): JsonSchema => ({
  type: "object",
  properties,
  required,
  additionalProperties: false
})

const schemaOf = (node: Node): JsonSchema => {
  switch (node.kind) {
    case "uint":
      return { type: "integer", minimum: node.min, maximum: node.max }
    case "literal":
      return { const: node.value }
    case "bytes":
      return hex(node.min, node.max)
    case "text":
      // A text of n bytes has at least n/4 characters and at most n; the exact bound in bytes has no keyword.
      return { type: "string", minLength: Math.ceil(node.min / 4), maxLength: node.max }
    case "list":
      return { type: "array", items: schemaOf(node.item), minItems: node.min, maxItems: node.max }
    case "optional":
      return { type: "array", items: schemaOf(node.item), minItems: 0, maxItems: 1 }
    case "tuple":
      return object(
        Object.fromEntries(node.fields.map((field) => [field.name, schemaOf(field.node)])),
        node.fields.map((field) => field.name)
      )
    case "extensions":
      return object(
        {
          ...Object.fromEntries(node.known.map((entry) => [entry.name, schemaOf(entry.node)])),
          unknown: {
            type: "array",
            maxItems: Limits.maxExtensions,
            items: object(
              {
                key: { type: "integer", minimum: 1, maximum: Limits.maxUint, not: { multipleOf: 2 } },
                value: hex(1, Limits.maxUnknownExtensionBytes)
              },
              ["key", "value"]
            )
          }
        },
        ["unknown"]
      )
    case "oneOf":
      return { oneOf: node.cases.map((entry) => schemaOf(entry.node)) }
  }
}

/** A layout in the notation of the specification, e.g. `[version = 1, to: bin 16, body: bin 1…131072]`. */
export const describe = (layout: AnyLayout): string => describeNode(layout.node)

const range = (min: number, max: number): string => (min === max ? `${min}` : `${min}…${max}`)

const describeNode = (node: Node): string => {
  switch (node.kind) {
    case "uint":
      return node.max === Limits.maxUint
        ? node.min === 0
          ? "uint"
          : `uint ${node.min}…`
        : `uint ${range(node.min, node.max)}`
    case "literal":
      return `${node.value}`
    case "bytes":
      return `bin ${range(node.min, node.max)}`
    case "text":
      return `text ${range(node.min, node.max)}`
    case "list":
      return `list ${range(node.min, node.max)} of ${describeNode(node.item)}`
    case "optional":
      return `list 0…1 of ${describeNode(node.item)}`
    case "tuple":
      return `[${node.fields
        .map(({ name, node }) =>
          node.kind === "literal" ? `${name} = ${node.value}` : `${name}: ${describeNode(node)}`
        )
        .join(", ")}]`
    case "extensions":
      return `{${node.known.map(({ key, name, node }) => `${key} ${name}: ${describeNode(node)}`).join(", ")}}`
    case "oneOf":
      return node.cases.map((entry) => describeNode(entry.node)).join(" | ")
  }
}
