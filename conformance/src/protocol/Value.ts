/**
 * Values that travel in requests and replies.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 */
import * as Schema from "effect/Schema"

/** JSON without null: what is absent is left out (rule subject.line.2). */
export type Value = boolean | number | string | ReadonlyArray<Value> | Members
/** An object of values. */
export type Members = { readonly [name: string]: Value }

/** An object whose members are the operation's own affair. */
export const Members: Schema.Codec<Members> = Schema.Record(Schema.String, Schema.Json) as never

/** A whole number from 0 to 2⁵³ − 1. */
export const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

/** Lower-case hex of any number of bytes. */
export const Hex = Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{2})*$/u))

/** The stages of refusals, in the order in which they are checked (rule failure.stage.1). */
export const stages = [
  "decode",
  "version",
  "policy",
  "lookup",
  "authenticate",
  "freshness",
  "decrypt",
  "apply",
  "limit"
] as const
export type Stage = (typeof stages)[number]

export const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Same values, whatever the order of members. */
export const same = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => same(item, b[i]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
}
