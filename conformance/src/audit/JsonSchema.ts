/**
 * The part of JSON Schema (draft 2020-12) that the suite's schemas use. A keyword that is not here is a complaint, never passed over.
 *
 * Spec: vectors/README.md (schema/). No remote references, no formats.
 */
import { isObject } from "./Model.ts"

type Schema = boolean | { readonly [keyword: string]: unknown }

/** Words that say nothing about a value. */
const silent: ReadonlySet<string> = new Set(["$schema", "$id", "$defs", "title", "description"])

const typeOf = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "array"
      : typeof value === "number"
        ? Number.isInteger(value)
          ? "integer"
          : "number"
        : typeof value

const patterns = new Map<string, RegExp>()
const matches = (pattern: string, text: string): boolean => {
  let found = patterns.get(pattern)
  if (found === undefined) patterns.set(pattern, (found = new RegExp(pattern, "u")))
  return found.test(text)
}

/** How much a complaint says: one from deep inside, and about a value rather than about the wrong alternative's members. */
const weight = (problem: string): number =>
  2 * problem.split("/").length + (/: (?:must not be there|lacks \S+)$/.test(problem) ? 0 : 1)

/** A check of values against one schema: the first complaint, with its place, or nothing. */
export const validator = (root: Schema): ((value: unknown) => string | undefined) => {
  const lookup = (ref: string): Schema => {
    const name = /^#\/\$defs\/(.+)$/.exec(ref)?.[1]
    const defs = isObject(root) ? root["$defs"] : undefined
    const found = name !== undefined && isObject(defs) ? defs[name] : undefined
    if (found === undefined) throw new Error(`no definition ${ref}`)
    return found as Schema
  }

  const check = (schema: Schema, value: unknown, path: string): string | undefined => {
    if (schema === true) return undefined
    if (schema === false) return `${path}: must not be there`
    for (const [keyword, rule] of Object.entries(schema)) {
      const problem = word(schema, keyword, rule, value, path)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  const first = (problems: Iterable<string | undefined>): string | undefined => {
    for (const problem of problems) if (problem !== undefined) return problem
    return undefined
  }

  const word = (
    schema: { readonly [keyword: string]: unknown },
    keyword: string,
    rule: unknown,
    value: unknown,
    path: string
  ): string | undefined => {
    switch (keyword) {
      case "$ref":
        return check(lookup(String(rule)), value, path)
      case "type": {
        const is = typeOf(value)
        const wanted = Array.isArray(rule) ? rule : [rule]
        return wanted.includes(is) || (is === "integer" && wanted.includes("number"))
          ? undefined
          : `${path}: is ${is}, not ${wanted.join(" or ")}`
      }
      case "const":
        return JSON.stringify(value) === JSON.stringify(rule) ? undefined : `${path}: is not ${JSON.stringify(rule)}`
      case "enum":
        return (rule as ReadonlyArray<unknown>).includes(value) ? undefined : `${path}: is none of the known values`
      case "pattern":
        return typeof value !== "string" || matches(String(rule), value)
          ? undefined
          : `${path}: does not fit ${String(rule)}`
      case "minLength":
        return typeof value !== "string" || value.length >= Number(rule) ? undefined : `${path}: is too short`
      case "minimum":
        return typeof value !== "number" || value >= Number(rule) ? undefined : `${path}: is below ${String(rule)}`
      case "maximum":
        return typeof value !== "number" || value <= Number(rule) ? undefined : `${path}: is above ${String(rule)}`
      case "minItems":
        return !Array.isArray(value) || value.length >= Number(rule) ? undefined : `${path}: has too few items`
      case "maxItems":
        return !Array.isArray(value) || value.length <= Number(rule) ? undefined : `${path}: has too many items`
      case "required":
        return isObject(value)
          ? first(
              (rule as ReadonlyArray<string>).map((name) =>
                Object.hasOwn(value, name) ? undefined : `${path}: lacks ${name}`
              )
            )
          : undefined
      case "properties":
        if (!isObject(value)) return undefined
        return first(
          Object.entries(rule as { readonly [name: string]: Schema }).map(([name, inner]) =>
            Object.hasOwn(value, name) ? check(inner, value[name], `${path}/${name}`) : undefined
          )
        )
      case "additionalProperties": {
        if (!isObject(value)) return undefined
        const known = isObject(schema["properties"]) ? schema["properties"] : {}
        return first(
          Object.entries(value).map(([name, inner]) =>
            Object.hasOwn(known, name) ? undefined : check(rule as Schema, inner, `${path}/${name}`)
          )
        )
      }
      case "propertyNames":
        return isObject(value)
          ? first(Object.keys(value).map((name) => check(rule as Schema, name, `${path}/${name}`)))
          : undefined
      case "prefixItems":
        return Array.isArray(value)
          ? first(
              (rule as ReadonlyArray<Schema>).map((inner, i) =>
                i < value.length ? check(inner, value[i], `${path}/${i}`) : undefined
              )
            )
          : undefined
      case "items": {
        if (!Array.isArray(value)) return undefined
        const from = Array.isArray(schema["prefixItems"]) ? schema["prefixItems"].length : 0
        return first(value.slice(from).map((inner, i) => check(rule as Schema, inner, `${path}/${from + i}`)))
      }
      case "oneOf":
      case "anyOf": {
        const problems = (rule as ReadonlyArray<Schema>).map((inner) => check(inner, value, path))
        const fits = problems.filter((problem) => problem === undefined).length
        if (fits === 1 || (fits > 1 && keyword === "anyOf")) return undefined
        if (fits > 1) return `${path}: fits ${fits} alternatives`
        const [best] = problems.flatMap((problem) => problem ?? []).sort((a, b) => weight(b) - weight(a))
        return best ?? `${path}: fits no alternative`
      }
      default:
        if (silent.has(keyword)) return undefined
        return `${path}: the schema uses ${keyword}, which this check does not know`
    }
  }
  return (value) => check(root, value, "")
}
