/**
 * The messages of a case, or of a run, decoded field by field.
 *
 * Spec: docs/spec/03-envelopes.md; docs/spec/06-ratchet.md §6.3, §6.4.
 * What only an actor knows is hidden unless it is asked for: keys, secrets, plaintexts and what is inside encryption.
 */
import type { Wire } from "../protocol/Result.ts"
import * as Derivation from "./Derivation.ts"
import { hintOf, shapeOf, type Hint, type Shape } from "./Fields.ts"
import { isHex, isObject, isRef, refsIn, resolve, type ScriptStep, type Found } from "./Model.ts"
import { fieldLines, inline } from "./Text.ts"

export interface Options {
  /** Show what only an actor knows. */
  readonly secrets?: boolean
}

const hidden = "hidden (--secrets shows it)"

const memberLines = (
  operation: string,
  name: string,
  value: unknown,
  source: string | undefined,
  hide: boolean,
  hint: Hint
): ReadonlyArray<string> => {
  const label = `      ${name}${source === undefined ? "" : ` = ${source}`}`
  if (hide) return [`${label}: ${hidden}`]
  const shape = shapeOf(operation, name)
  if (isHex(value) && value !== "" && shape !== undefined)
    return [`${label}, ${value.length / 2} bytes`, ...fieldLines(shape, value, "      ", hint)]
  if (Array.isArray(value) && shape !== undefined)
    return [
      `${label}:`,
      ...value.flatMap((item: unknown, i) =>
        isHex(item)
          ? [`      ${name} ${i}, ${item.length / 2} bytes`, ...fieldLines(shape, item, "      ", hint)]
          : [`        ${inline(item)}`]
      )
    ]
  return [`${label}: ${inline(value, 48)}`]
}

/** How a sealed plaintext reads: by its length and what it was made by. */
const insideShape = (derivation: Derivation.Derivation, name: string): Shape | undefined => {
  const step = derivation.byId.get(name)
  if (step?.op === "pad") return "padded"
  if (step?.op === "concat" && step.out.length === 80) return "header"
  if (step?.op === "canon" && step.out.startsWith("9c")) return "start"
  return undefined
}

/** What is encrypted inside a value, opened with what its derivation knows. */
const insideLines = (
  derivation: Derivation.Derivation,
  name: string,
  hint: Hint,
  seen: Set<string>
): ReadonlyArray<string> => {
  const step = derivation.byId.get(name)
  if (step === undefined || seen.has(name)) return []
  seen.add(name)
  if (step.op === "aead-seal") {
    const plaintext = step.in["plaintext"]
    if (!isRef(plaintext)) return []
    const inner = plaintext.slice(1)
    const shape = insideShape(derivation, inner)
    const text = derivation.look(inner) ?? ""
    const key = isRef(step.in["key"]) ? step.in["key"].slice(1) : "?"
    return [
      `      inside ${name}, sealed with ${key}: ${inner}, ${text.length / 2} bytes`,
      ...(shape === undefined ? [`        ${inline(text, 48)}`] : fieldLines(shape, text, "        ", hint)),
      ...(shape === "start" ? insideLines(derivation, inner, hint, seen) : [])
    ]
  }
  if (step.op !== "concat" && step.op !== "canon") return []
  return refsIn(step.in).flatMap((part) => insideLines(derivation, part, hint, seen))
}

const travelling: ReadonlySet<string> = new Set(["message", "envelope", "wire"])

/** The log of a case of the suite. A call is a log of one step. */
export const ofCase = ({ file, item }: Found, options: Options = {}): ReadonlyArray<string> => {
  const derivation = Derivation.of(file, item)
  const secret = Derivation.secrets(derivation)
  const show = options.secrets === true
  const script: ReadonlyArray<ScriptStep> = item.script ?? [
    {
      do: item.op ?? "",
      in: item.in ?? {},
      expect: item.verdict === "valid" ? "ok" : "reject",
      ...(item.out === undefined ? {} : { out: item.out })
    }
  ]
  const gave = new Map<string, string>()
  const lines: Array<string> = [`${item.id}: ${item.title}`]
  for (const [index, step] of script.entries()) {
    const actor = step.as ?? "call"
    const hint = hintOf(script, index)
    const member = ([name, value]: readonly [string, unknown]): ReadonlyArray<string> => {
      const source = isRef(value) ? value.slice(1) : undefined
      const found = resolve(value, derivation.look, name)
      const own = Derivation.secretMembers.has(name) && !travelling.has(name)
      const hide = !show && (own || (source !== undefined && secret.has(source)))
      return [
        ...memberLines(step.do, name, found, source, hide, hint),
        ...(show && source !== undefined && travelling.has(name)
          ? insideLines(derivation, source, hint, new Set())
          : [])
      ]
    }
    const arrival = Object.entries(step.in).find(([name]) => travelling.has(name))?.[1]
    const text = arrival === undefined ? undefined : resolve(arrival, derivation.look)
    const from = typeof text === "string" ? (gave.get(text) ?? "network") : undefined
    lines.push("", `${String(index).padStart(4)}  ${from === undefined ? actor : `${from} -> ${actor}`}  ${step.do}`)
    lines.push(...Object.entries(step.in).flatMap(member))
    if (step.expect === "reject")
      lines.push(`      <- must be refused at ${item.stage ?? "?"} (${item.class?.join(" or ") ?? "any class"})`)
    else {
      lines.push("      <- ok")
      lines.push(...Object.entries(step.out ?? {}).flatMap(member))
    }
    for (const value of Object.values(step.out ?? {})) {
      const out = isRef(value) ? derivation.look(value.slice(1)) : value
      if (typeof out === "string" && out.length > 32 && !gave.has(out)) gave.set(out, actor)
    }
  }
  return lines
}

/** Members of a message as lines, down through objects and lists. */
const messageLines = (operation: string, members: unknown, show: boolean, indent: string): ReadonlyArray<string> => {
  if (!isObject(members)) return [`${indent}${inline(members, 48)}`]
  return Object.entries(members).flatMap(([name, value]): ReadonlyArray<string> => {
    if (!show && Derivation.secretMembers.has(name)) return [`${indent}${name}: ${hidden}`]
    const shape = shapeOf(operation, name)
    if (isHex(value) && value !== "" && shape !== undefined)
      return [`${indent}${name}, ${value.length / 2} bytes`, ...fieldLines(shape, value, indent)]
    if (Array.isArray(value) && value.some((item) => isObject(item)))
      return [
        `${indent}${name}:`,
        ...value.flatMap((item: unknown, i) => [
          `${indent}  ${i}`,
          ...messageLines(operation, item, show, `${indent}    `)
        ])
      ]
    if (isObject(value)) return [`${indent}${name}:`, ...messageLines(operation, value, show, `${indent}  `)]
    return [`${indent}${name}: ${inline(value, 48)}`]
  })
}

/** Who is meant where subject and reference talk in one script; the runner says it beside the message. */
const sideOf = (message: { readonly [name: string]: unknown }): string =>
  typeof message["side"] === "string" ? ` (${message["side"]})` : ""

/** The log of what a run kept of a case or property. */
export const ofWires = (wires: ReadonlyArray<Wire>, options: Options = {}): ReadonlyArray<string> => {
  const show = options.secrets === true
  // Each side numbers its requests itself.
  const operations = new Map<string, string>()
  return wires.flatMap(({ dir, message, step }) => {
    const key = `${JSON.stringify(message["id"])}${sideOf(message)}`
    const where = step < 0 ? "   -" : String(step).padStart(4)
    if (dir === "request") {
      const operation = typeof message["op"] === "string" ? message["op"] : "?"
      operations.set(key, operation)
      const actor = typeof message["as"] === "string" ? message["as"] : "call"
      const now = typeof message["now"] === "number" ? `  at ${new Date(message["now"]).toISOString()}` : ""
      return [
        "",
        `${where}  runner -> ${actor}${sideOf(message)}  ${operation}${now}`,
        ...messageLines(operation, message["in"] ?? {}, show, "      ")
      ]
    }
    const { id: _, side: __, ...rest } = message
    return [
      `${where}  <- ${dir === "lost" ? "no reply" : Object.keys(rest).join(" ")}`,
      ...Object.values(rest).flatMap((value) => messageLines(operations.get(key) ?? "", value, show, "      "))
    ]
  })
}
