/**
 * Reading a reply: the same as the schema `Reply`, written out because it runs once a request.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 */
import type { Outcome } from "./Message.ts"
import { isObject, stages } from "./Value.ts"

const kinds = ["ok", "reject", "unsupported", "fault"] as const
const rejectStages: ReadonlySet<unknown> = new Set([...stages, "opaque"])

const isText = (value: unknown): boolean => typeof value === "string"
const isTextOrAbsent = (value: unknown): boolean => value === undefined || typeof value === "string"

/** Why an object has a member it may not have. */
const excess = (value: object, allowed: ReadonlyArray<string>): string | undefined => {
  const found = Object.keys(value).find((key) => !allowed.includes(key))
  return found === undefined ? undefined : `it has a member ${JSON.stringify(found.slice(0, 40))}`
}

const checkBody = (kind: (typeof kinds)[number], body: { readonly [name: string]: unknown }): string | undefined => {
  switch (kind) {
    case "ok":
      return undefined
    case "reject":
      if (body["stage"] !== undefined && !rejectStages.has(body["stage"])) return "the stage of reject is none of 7.3"
      if (!isTextOrAbsent(body["class"])) return "the class of reject is no text"
      if (!isTextOrAbsent(body["native"])) return "native of reject is no text"
      return excess(body, ["stage", "class", "native"])
    case "unsupported":
      return isText(body["feature"]) ? excess(body, ["feature"]) : "unsupported names no feature"
    case "fault":
      if (!isText(body["message"])) return "fault has no message"
      if (!isTextOrAbsent(body["trace"])) return "the trace of fault is no text"
      return excess(body, ["message", "trace"])
  }
}

/** A reply taken apart, or why it is none. */
export type Read = { readonly id: number; readonly outcome: Outcome } | { readonly problem: string }

/** Holds a parsed object against rule subject.reply.1. */
export const readReply = (value: unknown): Read => {
  if (!isObject(value)) return { problem: "it is no object" }
  const { id } = value
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0) return { problem: "it has no id" }
  const found = kinds.filter((kind) => value[kind] !== undefined)
  const [kind] = found
  if (kind === undefined || found.length > 1) {
    return { problem: `it has ${found.length === 0 ? "none" : "more than one"} of ok, reject, unsupported, fault` }
  }
  const tooMuch = excess(value, ["id", kind])
  if (tooMuch !== undefined) return { problem: tooMuch }
  const body = value[kind]
  if (!isObject(body)) return { problem: `${kind} is no object` }
  const problem = checkBody(kind, body)
  return problem === undefined ? { id, outcome: { [kind]: body } as unknown as Outcome } : { problem }
}
