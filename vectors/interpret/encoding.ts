/**
 * F03: the canonical encoding and layouts over it.
 *
 * Spec: docs/spec/02-encoding.md.
 * Vectors: vectors/encoding.
 */
import { Canonical, Layout } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Operation } from "./outcome.ts"
import { hex, type Json, type JsonObject, unhex } from "./values.ts"

/** The JSON form of a canonical value in vectors: text and maps are objects, bytes are hex. */
const toJson = (value: Canonical.Value): Json => {
  if (typeof value === "number") return value
  if (typeof value === "string") return { text: value }
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return (value as ReadonlyArray<Canonical.Value>).map(toJson)
  return { map: [...(value as ReadonlyMap<number, Canonical.Value>)].map(([key, item]) => [key, toJson(item)]) }
}

const fromJson = (json: Json): Canonical.Value => {
  if (typeof json === "number") return json
  if (typeof json === "string") return unhex(json)
  if (Array.isArray(json)) return (json as ReadonlyArray<Json>).map(fromJson)
  const object = json as JsonObject
  if ("text" in object) return object["text"] as string
  return new Map((object["map"] as ReadonlyArray<readonly [number, Json]>).map(([key, item]) => [key, fromJson(item)]))
}

// A layout is invariant in its type, and here the type is only known when the case is read.
// oxlint-disable-next-line typescript/no-explicit-any
type AnyLayout = Layout.Layout<any>

/** A layout with the JSON form of its values, out of a layout written as data. */
interface Built {
  readonly layout: AnyLayout
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly toJson: (value: any) => Json
}

const build = (json: Json): Built => {
  const node = json as JsonObject
  const n = (name: string): number => node[name] as number
  switch (node["kind"]) {
    case "uint":
      return { layout: Layout.uint({ min: n("min"), max: n("max") }), toJson: (value: number) => value }
    case "literal":
      return { layout: Layout.literal(n("value")), toJson: (value: number) => value }
    case "bytes":
      return { layout: Layout.bytes({ min: n("min"), max: n("max") }), toJson: hex }
    case "text":
      return { layout: Layout.text({ min: n("min"), max: n("max") }), toJson: (value: string) => value }
    case "list": {
      const item = build(node["item"]!)
      return {
        layout: Layout.list(item.layout, { min: n("min"), max: n("max") }),
        toJson: (values: ReadonlyArray<unknown>) => values.map(item.toJson)
      }
    }
    case "optional": {
      const item = build(node["item"]!)
      return {
        layout: Layout.optional(item.layout),
        toJson: (value: unknown) => (value === undefined ? [] : [item.toJson(value)])
      }
    }
    case "tuple":
      return tuple(node["fields"] as ReadonlyArray<JsonObject>)
    case "extensions":
      return extensions(node["known"] as ReadonlyArray<JsonObject>)
    case "oneOf": {
      const tag = node["tag"] as string
      const cases = (node["cases"] as ReadonlyArray<JsonObject>).map((item) => ({
        value: item["value"],
        ...build(item["node"]!)
      }))
      const [first, ...rest] = cases.map(({ layout }) => layout)
      return {
        layout: Layout.oneOf(first!, ...rest),
        toJson: (value: JsonObject) => cases.find((item) => item.value === value[tag])!.toJson(value)
      }
    }
    default:
      throw new Error("no such layout")
  }
}

const tuple = (fields: ReadonlyArray<JsonObject>): Built => {
  const built = fields.map((field) => [field["name"] as string, build(field["node"]!)] as const)
  return {
    layout: Layout.tuple(Object.fromEntries(built.map(([name, { layout }]) => [name, layout]))),
    toJson: (value: { readonly [name: string]: unknown }) =>
      Object.fromEntries(built.map(([name, item]) => [name, item.toJson(value[name])]))
  }
}

const extensions = (known: ReadonlyArray<JsonObject>): Built => {
  const built = known.map((entry) => ({
    name: entry["name"] as string,
    key: entry["key"] as number,
    ...build(entry["node"]!)
  }))
  return {
    layout: Layout.extensions(
      Object.fromEntries(built.map(({ key, layout, name }) => [name, Layout.extension(key, layout)]))
    ),
    toJson: (value: {
      readonly [name: string]: unknown
      readonly unknown: ReadonlyArray<Layout.UnknownExtension>
    }) => ({
      ...Object.fromEntries(
        built
          .filter(({ name }) => value[name] !== undefined)
          .map((entry) => [entry.name, entry.toJson(value[entry.name])])
      ),
      unknown: value.unknown.map((entry) => ({ key: entry.key, value: hex(entry.value) }))
    })
  }
}

/** What was read must encode again to the bytes it was read from. */
const again = (encoded: Uint8Array, bytes: Uint8Array): void => {
  if (hex(encoded) !== hex(bytes)) throw new Error("does not encode again to the same bytes")
}

export const operations: { readonly [op: string]: Operation } = {
  "canon.decode": (_, input) => {
    const bytes = input.bytes("bytes")
    const decoded = Canonical.decode(bytes)
    const scanned = Canonical.scan(bytes)
    if (Result.isFailure(decoded)) {
      if (scanned !== decoded.failure.reason) throw new Error("scan and decode disagree")
      return reject(`codec.${decoded.failure.reason}`)
    }
    if (scanned !== undefined) throw new Error("scan and decode disagree")
    const value = toJson(decoded.success)
    again(Canonical.encode(decoded.success), bytes)
    again(Canonical.encode(fromJson(value)), bytes)
    return ok({ value })
  },
  "layout.decode": (_, input) => {
    const bytes = input.bytes("bytes")
    const built = build(input.json("layout"))
    const decoded = built.layout.decode(bytes)
    if (Result.isFailure(decoded)) return reject(`codec.${decoded.failure.reason}`)
    again(built.layout.encode(decoded.success), bytes)
    return ok({ value: built.toJson(decoded.success) })
  }
}
