/**
 * The sanity conversation: what every subject must be able to say before anything else is worth asking.
 *
 * Spec: docs/spec/21-conformance.md §21.2 (level.cumulative.1), §21.4 (result.restart.1).
 * For each declared family the shortest case to accept and the shortest to refuse, and requests that are none.
 */
import { declares, suitesOf } from "../protocol/Hello.ts"
import type { Answer } from "../protocol/Message.ts"
import type { Subject } from "../subject/Subject.ts"
import { isSlow } from "../subject/Timeouts.ts"
import type { Case } from "../suite/Case.ts"
import { runCase } from "./CaseRun.ts"
import { judge } from "./Judge.ts"

const length = (item: Case): number => (item.script ?? [0]).length

/** The cases of the conversation with a subject, in the order of the suite. */
export const casesOf = (cases: ReadonlyArray<Case>, subject: Subject): ReadonlyArray<Case> => {
  const suites = suitesOf(subject.hello)
  const best = new Map<string, Case>()
  for (const item of cases) {
    if (!declares(subject.hello, item.family) || item.suites.some((suite) => !suites.includes(suite))) continue
    if (item.op !== undefined && isSlow(item.op)) continue
    const key = `${item.family} ${item.verdict}`
    const known = best.get(key)
    if (known === undefined || length(item) < length(known)) best.set(key, item)
  }
  return [...best.values()]
}

const isNo = (answer: Answer): boolean => "fault" in answer || "unsupported" in answer

const said = (answer: Answer): string => ("lost" in answer ? answer.lost.message : Object.keys(answer).join())

/** Holds the conversation. Answers what went wrong first. */
export const sanity = async (subject: Subject, cases: ReadonlyArray<Case>): Promise<string | undefined> => {
  const reset = judge(await subject.ask({ op: "reset" }), { ok: {} })
  if (reset.outcome !== "pass") return `reset: ${reset.message ?? ""}`
  const chosen = casesOf(cases, subject)
  if (chosen.length === 0 && !declares(subject.hello, "device")) return "it declares no family of this suite"
  for (const item of chosen) {
    const end = await runCase(subject, item)
    if (end.outcome !== "pass") return `${item.id}: ${end.message ?? end.outcome}`
  }
  const unknown = await subject.ask({ op: "no.such-operation" })
  if (!isNo(unknown)) return `an operation that does not exist was answered ${said(unknown)}, not unsupported or fault`
  const call = chosen.find(({ op }) => op !== undefined)
  if (call !== undefined) {
    const empty = await subject.ask({ op: call.op! })
    if (!isNo(empty)) return `${call.op!} without its inputs was answered ${said(empty)}, not fault`
  }
  const end = judge(await subject.ask({ op: "reset" }), { ok: {} })
  return end.outcome === "pass" ? undefined : `reset: ${end.message ?? ""}`
}
