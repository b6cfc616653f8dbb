/**
 * The JSON Schema (2020-12) of each family's files: closed, self-contained, made from the families' own tables.
 *
 * Spec: vectors/README.md (file shape).
 */
import type { Family, FieldType, Operation } from "./family.ts"
import { stages, type JsonObject } from "./model.ts"
import { operations } from "./operations.ts"

type Schema = JsonObject

const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` })
const object = (
  required: { readonly [name: string]: Schema },
  optional: { readonly [name: string]: Schema } = {}
): Schema => ({
  type: "object",
  additionalProperties: false,
  required: Object.keys(required),
  properties: { ...required, ...optional }
})
const list = (items: Schema, min = 0): Schema => ({ type: "array", items, ...(min === 0 ? {} : { minItems: min }) })
const uint: Schema = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
const text: Schema = { type: "string" }
const named = (pattern: string): Schema => ({ type: "string", pattern })

const types: { readonly [type: string]: Schema } = {
  bytes: ref("bytes"),
  uint,
  text,
  value: ref("value"),
  list: list(ref("value")),
  flag: { type: "boolean" },
  layout: ref("layout"),
  json: true as unknown as Schema
}
const fields = (table: { readonly [name: string]: FieldType }): Schema => {
  const required: { [name: string]: Schema } = {}
  const optional: { [name: string]: Schema } = {}
  for (const [name, type] of Object.entries(table)) {
    if (type.endsWith("?")) optional[name] = types[type.slice(0, -1)]!
    else required[name] = types[type]!
  }
  return object(required, optional)
}

const common: { readonly [name: string]: Schema } = {
  id: named("^[a-z0-9]+(?:[.-][a-z0-9]+)*$"),
  title: text,
  clauses: list(named("^[a-z0-9-]+(?:\\.[a-z0-9-]+)+$"), 1),
  flags: list(named("^[A-Z][A-Za-z0-9]*$")),
  needs: list(named("^[a-z]+/[0-9]+$"), 1),
  level: { type: "integer", minimum: 0, maximum: 5 },
  critical: { type: "boolean" }
}
const optionalCommon: { readonly [name: string]: Schema } = {
  status: { const: "withdrawn" },
  reason: text,
  replaced_by: common["id"]!,
  now: uint,
  world: named("^[a-z0-9-]+$"),
  trace: list(ref("step"), 1)
}
const negative = {
  twin: common["id"]!,
  delta: ref("delta"),
  stage: { enum: [...stages] },
  class: list(named("^[a-z]+\\.[a-z0-9-]+$"), 1)
}

const delta = (): Schema => {
  const at = named("^(?:in|script/[0-9]+)(?:/[A-Za-z0-9]+)*$|^value$")
  const form = (op: string | ReadonlyArray<string>, rest: { readonly [name: string]: Schema }): Schema =>
    object({ at, op: typeof op === "string" ? { const: op } : { enum: [...op] }, ...rest }, { field: text })
  const pair: Schema = { type: "array", prefixItems: [uint, uint], items: false, minItems: 2 }
  const hex = ref("hex")
  return {
    oneOf: [
      form(["xor", "set", "insert"], { offset: uint, bytes: hex }),
      form("cut", { offset: uint, length: uint }),
      form("reencode", { offset: uint, length: uint, bytes: hex, kind: text }),
      form("swap", { a: pair, b: pair }),
      form("splice", { offset: uint, length: uint, from: text, source: pair }),
      form("assign", { value: true as unknown as Schema }),
      form("replay", { step: uint }),
      form("redirect", { to: text }),
      form("omit", {}),
      form("resign", { value: text, inner: ref("delta") })
    ]
  }
}

/** A layout as data, in the words of docs/spec/02-encoding.md §2.5. */
const layout = (): Schema => {
  const form = (kind: string, rest: { readonly [name: string]: Schema }): Schema =>
    object({ kind: { const: kind }, ...rest })
  const node = ref("layout")
  const field = list(object({ name: text, node }))
  return {
    oneOf: [
      form("uint", { min: uint, max: uint }),
      form("literal", { value: uint }),
      form("bytes", { min: uint, max: uint }),
      form("text", { min: uint, max: uint }),
      form("list", { min: uint, max: uint, item: node }),
      form("optional", { item: node }),
      form("tuple", { fields: field }),
      form("extensions", { known: list(object({ name: text, key: uint, node })) }),
      form("oneOf", { tag: text, cases: list(object({ value: uint, node })) })
    ]
  }
}

const step = (): Schema => ({
  oneOf: Object.entries(operations).map(([op, { in: input }]) =>
    object(
      { id: named("^[a-z0-9][a-z0-9._-]*'*$"), op: { const: op }, in: fields(input), out: ref("hex") },
      { clause: common["clauses"]!["items"] as Schema }
    )
  )
})

const calls = (table: { readonly [op: string]: Operation }): ReadonlyArray<Schema> =>
  Object.entries(table).flatMap(([op, { in: input, out }]) => {
    const call = { op: { const: op }, in: fields(input) }
    return [
      object({ ...common, verdict: { const: "valid" }, ...call, out: fields(out) }, optionalCommon),
      object({ ...common, verdict: { const: "invalid" }, ...negative, ...call }, optionalCommon)
    ]
  })

const scriptSteps = (table: { readonly [op: string]: Operation }): Schema => ({
  oneOf: Object.entries(table).flatMap(([op, { in: input, out }]) => {
    const head = { do: { const: op }, as: named("^[a-z]+/[0-9]+$"), in: fields(input) }
    return [
      object({ ...head, expect: { const: "ok" }, out: fields(out) }),
      object({ ...head, expect: { const: "reject" } })
    ]
  })
})

const transcripts = (): ReadonlyArray<Schema> => {
  const script = list(ref("scriptStep"), 1)
  const { now, ...optional } = optionalCommon
  return [
    object({ ...common, verdict: { const: "valid" }, now: now!, script }, optional),
    object(
      {
        ...common,
        verdict: { const: "invalid" },
        ...negative,
        now: now!,
        after: { const: "probe" },
        script,
        rejects: uint
      },
      optional
    )
  ]
}

/** The schema of one family. */
export const schemaOf = (family: Family): JsonObject => {
  const stateful = Object.fromEntries(
    Object.entries(family.operations).filter(([, operation]) => operation.stateful === true)
  )
  const stateless = Object.fromEntries(
    Object.entries(family.operations).filter(([, operation]) => operation.stateful !== true)
  )
  const scripts = Object.keys(stateful).length > 0
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:tacit:vectors:${family.name}:1`,
    title: `Tacit test vectors: ${family.name}`,
    ...object({
      schema: { const: `tacit/${family.name}/1` },
      suite: named("^[0-9]+\\.[0-9]+\\.[0-9]+$"),
      protocol: text,
      family: { const: family.name },
      topic: named("^[a-z0-9-]+$"),
      spec: object({ document: named("^docs/spec/[a-z0-9-]+\\.md$") }),
      generator: object({ name: text, version: text, seed: ref("hex") }),
      licence: { const: "CC0-1.0 OR 0BSD" },
      notes: {
        type: "object",
        propertyNames: { pattern: "^[A-Z][A-Za-z0-9]*$" },
        additionalProperties: object({ kind: text, text, refs: list(text) })
      },
      worlds: {
        type: "object",
        propertyNames: { pattern: "^[a-z0-9-]+$" },
        additionalProperties: object({ title: text, trace: list(ref("step")) })
      },
      count: uint,
      cases: list(ref("case"), 1)
    }),
    $defs: {
      hex: named("^(?:[0-9a-f]{2})*$"),
      bytes: {
        oneOf: [
          named("^(?:(?:[0-9a-f]{2})*|\\$[a-z0-9][a-z0-9._-]*'*)$"),
          object({ head: ref("hex"), pattern: ref("hex"), repeat: uint, tail: ref("hex"), sha256: ref("hex") })
        ]
      },
      ...(family.name === "encoding" ? { layout: layout() } : {}),
      value: {
        oneOf: [
          uint,
          ref("bytes"),
          list(ref("value")),
          object({ text }),
          object({ raw: ref("bytes") }),
          object({ map: list({ type: "array", prefixItems: [uint, ref("value")], items: false, minItems: 2 }) })
        ]
      },
      delta: delta(),
      step: step(),
      ...(scripts ? { scriptStep: scriptSteps(stateful) } : {}),
      case: { oneOf: [...calls(stateless), ...(scripts ? transcripts() : [])] }
    }
  }
}
