/**
 * Members of a request, as they must be. What is not throws, and is answered `fault`.
 *
 * Spec: docs/spec/20-subject.md, rules subject.line.2 and subject.reject.1.
 */
import { Bytes } from "@tacit/core/hazmat"
import type { Members, Value } from "../../../src/protocol/Value.ts"

const wrong = (name: string): never => {
  throw new TypeError(`the request's ${name} is missing or of another type`)
}

export const textOf = (input: Members, name: string): string => {
  const value = input[name]
  return typeof value === "string" ? value : wrong(name)
}

export const bytesOf = (input: Members, name: string): Uint8Array => Bytes.fromHex(textOf(input, name)) ?? wrong(name)

export const countOf = (input: Members, name: string): number => {
  const value = input[name]
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : wrong(name)
}

const isList = (value: Value | undefined): value is ReadonlyArray<Value> => Array.isArray(value)

/** A list of hex strings. */
export const listOf = (input: Members, name: string): ReadonlyArray<string> => {
  const value = input[name]
  if (!isList(value)) return wrong(name)
  return value.map((item) => (typeof item === "string" && Bytes.fromHex(item) !== undefined ? item : wrong(name)))
}

/** A list of integers, if there is one. */
export const optionalList = (input: Members, name: string): ReadonlyArray<number> | undefined => {
  const value = input[name]
  if (value === undefined) return undefined
  if (!isList(value)) return wrong(name)
  return value.map((item) => (typeof item === "number" && Number.isSafeInteger(item) ? item : wrong(name)))
}

/** Where a request is to end the process, if anywhere. */
export const crashOf = (input: Members): "before-persist" | "after-persist" | undefined => {
  const { crash } = input
  if (crash === undefined || crash === "before-persist" || crash === "after-persist") return crash
  return wrong("crash")
}
