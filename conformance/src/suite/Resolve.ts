/**
 * Values of a vector file as they are sent: names and recipes replaced by hex.
 *
 * Spec: vectors/README.md (values); docs/spec/20-subject.md §20.4.
 */
import { isObject, type Members, type Value } from "../protocol/Value.ts"

/** Hex behind the names of trace steps. */
export type Names = ReadonlyMap<string, string>

/** A name that no trace has: the file is damaged. */
export class UnknownName extends Error {
  readonly _tag = "UnknownName"
}

const value = (from: Value, names: Names): Value => {
  if (typeof from === "string" && from.startsWith("$")) {
    const found = names.get(from.slice(1))
    if (found === undefined) throw new UnknownName(`no value is named ${from}`)
    return found
  }
  if (Array.isArray(from)) return (from as ReadonlyArray<Value>).map((item) => value(item, names))
  return isObject(from) ? object(from, names) : from
}

const object = (from: Members, names: Names): Value => {
  const { head, pattern, repeat, tail } = from
  if (
    typeof pattern === "string" &&
    typeof repeat === "number" &&
    typeof head === "string" &&
    typeof tail === "string"
  ) {
    return head + pattern.repeat(repeat) + tail
  }
  return Object.fromEntries(Object.entries(from).map(([key, item]) => [key, value(item, names)]))
}

/** Members with every name and recipe replaced. Throws `UnknownName`. */
export const resolve = (from: Members, names: Names): Members =>
  Object.fromEntries(Object.entries(from).map(([key, item]) => [key, value(item, names)]))
