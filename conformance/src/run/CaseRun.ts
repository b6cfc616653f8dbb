/**
 * One case against one subject: the steps, and what was said.
 *
 * Spec: docs/spec/20-subject.md §20.4; docs/spec/21-conformance.md §21.1.
 */
import type { Answer, Ask } from "../protocol/Message.ts"
import type { Actual, CaseOutcome, Expectation, Wire } from "../protocol/Result.ts"
import type { Members } from "../protocol/Value.ts"
import type { Subject } from "../subject/Subject.ts"
import type { Case, Step } from "../suite/Case.ts"
import { resolve } from "../suite/Resolve.ts"
import { judge, type Expected, type Judged } from "./Judge.ts"

/** How a case ended. */
export interface CaseEnd {
  readonly outcome: CaseOutcome
  readonly step?: number
  readonly op?: string
  readonly message?: string
  readonly expected?: Expectation
  readonly actual?: Actual
  readonly class?: NonNullable<Judged["class"]>
  readonly stderr?: string
  /** Everything that was said, in order. */
  readonly wires: ReadonlyArray<Omit<Wire, "event" | "case">>
}

/** Families whose operations are bare primitives: a refusal there has no stage to compare (rule verdict.stage.1). */
const bare: ReadonlySet<string> = new Set(["primitives"])

/** What a case says about its refused step. */
export const refusalOf = (item: Case): Expected => ({
  reject: bare.has(item.family)
    ? {}
    : {
        ...(item.stage === undefined ? {} : { stage: item.stage }),
        ...(item.class === undefined ? {} : { class: item.class })
      }
})

const expectation = (expected: Expected): Expectation => ("ok" in expected ? { ok: expected.ok } : expected.reject)

const shown = (answer: Answer): Members => ("lost" in answer ? { ...answer.lost } : { ...answer })

type Told = Array<Omit<Wire, "event" | "case">>

/** Asks and writes down. `step` is -1 for what the runner asks of its own. */
const recorder = (subject: Subject, wires: Told) => async (step: number, request: Ask) => {
  wires.push({ step, dir: "request", message: request })
  const answer = await subject.ask(request)
  wires.push({ step, dir: "lost" in answer ? "lost" : "reply", message: shown(answer) })
  return answer
}

type Tell = ReturnType<typeof recorder>

const failed = (
  subject: Subject,
  judged: Judged,
  where: { readonly step?: number; readonly op: string },
  expected: Expected | undefined,
  answer: Answer
): Omit<CaseEnd, "wires"> => {
  const stderr = "lost" in answer ? answer.lost.stderr : subject.stderr()
  return {
    ...judged,
    ...where,
    ...(expected === undefined ? {} : { expected: expectation(expected) }),
    actual: answer as unknown as Actual,
    ...(stderr === "" ? {} : { stderr: stderr.slice(-4096) })
  }
}

const runCall = async (subject: Subject, item: Case, tell: Tell): Promise<Omit<CaseEnd, "wires">> => {
  const op = item.op!
  const names = item.names()
  const expected: Expected = item.verdict === "invalid" ? refusalOf(item) : { ok: resolve(item.out ?? {}, names) }
  const answer = await tell(0, {
    op,
    in: resolve(item.in ?? {}, names),
    ...(item.now === undefined ? {} : { now: item.now })
  })
  const judged = judge(answer, expected)
  return judged.outcome === "pass" ? judged : failed(subject, judged, { op }, expected, answer)
}

/** Bytes that stand for all an actor keeps; nothing where the actor cannot tell. */
const digest = async (tell: Tell, as: string): Promise<Answer> => tell(-1, { op: "digest", as })

const runStep = async (
  tell: Tell,
  item: Case,
  step: Step,
  index: number,
  known: boolean
): Promise<{ readonly judged: Judged; readonly expected?: Expected; readonly answer: Answer }> => {
  const names = item.names()
  const refused = step.expect === "reject"
  const expected: Expected = refused ? refusalOf(item) : { ok: resolve(step.out ?? {}, names) }
  const before = refused && known ? await digest(tell, step.as) : undefined
  if (before !== undefined && !("ok" in before)) {
    return { judged: { ...judge(before, { ok: {} }), message: "it has no digest of an actor" }, answer: before }
  }
  const answer = await tell(index, {
    op: step.do,
    as: step.as,
    in: resolve(step.in, names),
    ...(item.now === undefined ? {} : { now: item.now })
  })
  const judged = judge(answer, expected)
  if (judged.outcome !== "pass" || before === undefined) return { judged, expected, answer }
  const after = await digest(tell, step.as)
  const unchanged = judge(after, { ok: before.ok })
  return unchanged.outcome === "pass"
    ? { judged, expected, answer }
    : {
        judged:
          unchanged.outcome === "fail"
            ? { outcome: "fail", message: "the refused step changed what the actor keeps" }
            : unchanged,
        expected: { ok: before.ok },
        answer: after
      }
}

const runScript = async (subject: Subject, item: Case, tell: Tell): Promise<Omit<CaseEnd, "wires">> => {
  const reset = await tell(-1, { op: "reset" })
  const cleared = judge(reset, { ok: {} })
  if (cleared.outcome !== "pass") return failed(subject, cleared, { op: "reset" }, { ok: {} }, reset)
  const known = new Set<string>()
  let shownClass: Judged["class"]
  for (const [index, step] of item.script!.entries()) {
    const { answer, expected, judged } = await runStep(tell, item, step, index, known.has(step.as))
    known.add(step.as)
    if (judged.outcome !== "pass") {
      const probe = item.rejects !== undefined && index > item.rejects
      const message = `${probe ? "after the refused step: " : ""}${judged.message ?? ""}`
      return failed(subject, { ...judged, message }, { step: index, op: step.do }, expected, answer)
    }
    if (judged.class !== undefined) shownClass = judged.class
  }
  return { outcome: "pass", ...(shownClass === undefined ? {} : { class: shownClass }) }
}

/** Runs a case. Never rejects, unless the suite itself is damaged. */
export const runCase = async (subject: Subject, item: Case): Promise<CaseEnd> => {
  const wires: Told = []
  const tell = recorder(subject, wires)
  const end = item.script === undefined ? await runCall(subject, item, tell) : await runScript(subject, item, tell)
  return { ...end, wires }
}
