/**
 * Holds one answer against what a case says.
 *
 * Spec: docs/spec/21-conformance.md §21.1.
 */
import type { Answer } from "../protocol/Message.ts"
import type { CaseOutcome } from "../protocol/Result.ts"
import { same, type Members, type Stage } from "../protocol/Value.ts"

/** What a step must be answered with. */
export type Expected =
  | { readonly ok: Members }
  | {
      readonly reject: {
        /** Absent where a bare primitive only answers no: then neither is compared. */
        readonly stage?: Stage
        readonly class?: ReadonlyArray<string>
      }
    }

/** `class` is there when the refusal was right and its class another one. */
export interface Judged {
  readonly outcome: CaseOutcome
  readonly message?: string
  readonly class?: { readonly expected: ReadonlyArray<string>; readonly actual?: string }
}

const passed: Judged = { outcome: "pass" }
/** Stages that an opaque refusal may stand for (rule subject.reject.2). */
const opaque: ReadonlySet<Stage> = new Set(["authenticate", "freshness", "decrypt"])

/** Where two values begin to differ, for people: `value.map[3]: 7, expected 8`. */
export const firstDifference = (actual: unknown, expected: unknown, at = ""): string | undefined => {
  if (same(actual, expected)) return undefined
  const isList = Array.isArray(actual) && Array.isArray(expected)
  if (isList || (isPlain(actual) && isPlain(expected))) {
    const a = actual as { readonly [key: string]: unknown }
    const e = expected as { readonly [key: string]: unknown }
    for (const key of new Set([...Object.keys(e), ...Object.keys(a)])) {
      const place = isList ? `${at}[${key}]` : at === "" ? key : `${at}.${key}`
      if (!Object.hasOwn(a, key)) return `${place}: missing, expected ${brief(e[key])}`
      if (!Object.hasOwn(e, key)) return `${place}: ${brief(a[key])}, expected nothing`
      const found = firstDifference(a[key], e[key], place)
      if (found !== undefined) return found
    }
  }
  return `${at === "" ? "" : `${at}: `}${brief(actual)}, expected ${brief(expected)}${byteOf(actual, expected)}`
}

const isPlain = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

const brief = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "nothing"
  return text.length > 80 ? `${text.slice(0, 72)}…` : text
}

const byteOf = (actual: unknown, expected: unknown): string => {
  if (typeof actual !== "string" || typeof expected !== "string") return ""
  let i = 0
  while (i < actual.length && actual[i] === expected[i]) i++
  return i < 40 ? "" : ` (from byte ${i >> 1})`
}

const refusal = (reject: { readonly stage?: string; readonly class?: string }): string =>
  `refused${reject.stage === undefined ? "" : ` at ${reject.stage}`}${reject.class === undefined ? "" : ` (${reject.class})`}`

/** The verdict on one answer. */
export const judge = (answer: Answer, expected: Expected): Judged => {
  if ("lost" in answer) return { outcome: answer.lost.kind, message: answer.lost.message }
  if ("fault" in answer) return { outcome: "fault", message: `a fault: ${answer.fault.message.slice(0, 400)}` }
  if ("unsupported" in answer) {
    return {
      outcome: "unsupported",
      message: `declared, but not supported: ${answer.unsupported.feature.slice(0, 80)}`
    }
  }
  if ("ok" in expected) {
    if ("reject" in answer) return { outcome: "fail", message: `${refusal(answer.reject)}, must be accepted` }
    const difference = firstDifference(answer.ok, expected.ok)
    return difference === undefined ? passed : { outcome: "fail", message: `gave ${difference}` }
  }
  const { class: classes, stage } = expected.reject
  if ("ok" in answer) {
    return { outcome: "fail", message: `accepted, must be refused${stage === undefined ? "" : ` at ${stage}`}` }
  }
  if (stage === undefined) return passed
  const { reject } = answer
  const hidden = reject.stage === "opaque" && opaque.has(stage)
  if (reject.stage !== stage && !hidden) {
    return { outcome: "stage", message: `${refusal(reject)}, must be refused at ${stage}` }
  }
  return classes === undefined || (reject.class !== undefined && classes.includes(reject.class))
    ? passed
    : {
        outcome: "pass",
        class: { expected: classes, ...(reject.class === undefined ? {} : { actual: reject.class }) }
      }
}
