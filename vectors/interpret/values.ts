/**
 * Reading values out of a vector file: hex, references to trace steps, recipes.
 *
 * Spec: vectors/README.md (values).
 * Runs in browsers too: nothing here or beside it imports from the host.
 */

export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject
export type JsonObject = { readonly [name: string]: Json }

/** Bytes of lower-case hex. */
export const unhex = (text: string): Uint8Array => {
  if (text.length % 2 !== 0) throw new Error("odd number of hex digits")
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) {
    const byte = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
    if (Number.isNaN(byte)) throw new Error("not hex")
    out[i] = byte
  }
  return out
}

export const hex = (bytes: Uint8Array): string => {
  let out = ""
  for (let i = 0; i < bytes.length; i++) out += bytes[i]!.toString(16).padStart(2, "0")
  return out
}

/** Hex behind the names of trace steps. */
export type Names = ReadonlyMap<string, string>

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The value with every reference and recipe replaced by hex. */
export const resolve = (value: Json, names: Names): Json => {
  if (typeof value === "string" && value.startsWith("$")) {
    const found = names.get(value.slice(1))
    if (found === undefined) throw new Error(`no value ${value}`)
    return found
  }
  if (Array.isArray(value)) return (value as ReadonlyArray<Json>).map((item) => resolve(item, names))
  if (!isObject(value)) return value
  const { head, pattern, repeat, tail } = value
  if (
    typeof pattern === "string" &&
    typeof repeat === "number" &&
    typeof head === "string" &&
    typeof tail === "string"
  ) {
    return head + pattern.repeat(repeat) + tail
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, names)]))
}

/** Typed access to the members of an operation's input. */
export class Input {
  readonly #members: JsonObject

  constructor(members: JsonObject) {
    this.#members = members
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined
  }

  json(name: string): Json {
    const value = this.#members[name]
    if (value === undefined) throw new Error(`no input ${name}`)
    return value
  }

  text(name: string): string {
    const value = this.json(name)
    if (typeof value !== "string") throw new Error(`${name} is not text`)
    return value
  }

  bytes(name: string): Uint8Array {
    return unhex(this.text(name))
  }

  /** Bytes, or nothing when the member is absent. */
  maybe(name: string): Uint8Array | undefined {
    return this.has(name) ? this.bytes(name) : undefined
  }

  number(name: string): number {
    const value = this.json(name)
    if (typeof value !== "number") throw new Error(`${name} is not a number`)
    return value
  }

  list(name: string): ReadonlyArray<Json> {
    const value = this.json(name)
    if (!Array.isArray(value)) throw new Error(`${name} is not a list`)
    return value as ReadonlyArray<Json>
  }
}

/** Same JSON, whatever the order of members. */
export const same = (a: Json, b: Json): boolean => {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => same(item as Json, b[i] as Json))
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a)
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && same(a[key]!, b[key]!))
  }
  return a === b
}
