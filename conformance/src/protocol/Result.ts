/**
 * Results of a run: one JSON object a line, written as things happen. Every report is made from these.
 *
 * Spec: docs/spec/21-conformance.md §21.4.
 */
import * as Schema from "effect/Schema"
import { Features } from "./Hello.ts"
import { Reject } from "./Message.ts"
import { Count, Members } from "./Value.ts"

const optional = Schema.optionalKey

/** Rule verdict.outcome.1. */
export const outcomes = [
  "pass",
  "fail",
  "stage",
  "fault",
  "unsupported",
  "timeout",
  "crash",
  "violation",
  "excluded"
] as const
export const CaseOutcome = Schema.Literals(outcomes)
export type CaseOutcome = typeof CaseOutcome.Type

export const budgets = ["quick", "ci", "nightly"] as const
export const Budget = Schema.Literals(budgets)
export type Budget = typeof Budget.Type

/** First line: who was judged, by what, with what selection. `root` is that of the suite's manifest. */
export const Header = Schema.Struct({
  event: Schema.Literal("header"),
  kit: Schema.String,
  suite: Schema.String,
  protocol: Schema.String,
  root: Schema.String,
  seed: Schema.String,
  /** ms since 1970. */
  started: Count,
  subject: Schema.Struct({
    name: Schema.String,
    version: Schema.String,
    language: Schema.String,
    source: Schema.String,
    /** How it was reached: a command line, or `in-process` and a module. */
    command: Schema.String,
    features: Features
  }),
  selection: Schema.Struct({
    level: Count,
    families: Schema.Array(Schema.String),
    cases: Schema.Array(Schema.String),
    /** Absent where no properties run. */
    budget: optional(Budget),
    /** Whether nothing was left out below `level`. */
    whole: Schema.Boolean
  }),
  jobs: Count
})
export type Header = typeof Header.Type

export const CaseStart = Schema.Struct({
  event: Schema.Literal("case-start"),
  case: Schema.String,
  family: Schema.String,
  topic: Schema.String
})
export type CaseStart = typeof CaseStart.Type

/** One message of a case or of a property's script; `step` counts its steps, -1 stands for messages between them. */
export const Wire = Schema.Struct({
  event: Schema.Literal("wire"),
  case: Schema.String,
  step: Schema.Int,
  dir: Schema.Literals(["request", "reply", "lost"]),
  message: Members
})
export type Wire = typeof Wire.Type

/** What was expected of a step, or what came. Long values are cut to 4,096 characters of JSON in `ok`. */
export const Expectation = Schema.Struct({
  ok: optional(Members),
  stage: optional(Schema.String),
  class: optional(Schema.Array(Schema.String))
})
export type Expectation = typeof Expectation.Type

export const Actual = Schema.Struct({
  ok: optional(Members),
  reject: optional(Reject),
  unsupported: optional(Members),
  fault: optional(Members),
  lost: optional(Members)
})
export type Actual = typeof Actual.Type

/** How a known failure was taken into account. */
export const Known = Schema.Struct({
  pattern: Schema.String,
  outcome: CaseOutcome,
  reason: Schema.String,
  issue: optional(Schema.String),
  until: optional(Schema.String)
})
export type Known = typeof Known.Type

/** The end of one case. `known` is there when the failure was foreseen in that very way. */
export const Result = Schema.Struct({
  event: Schema.Literal("result"),
  case: Schema.String,
  title: Schema.String,
  family: Schema.String,
  topic: Schema.String,
  clauses: Schema.Array(Schema.String),
  needs: Schema.Array(Schema.String),
  level: Count,
  critical: Schema.Boolean,
  verdict: Schema.Literals(["valid", "invalid"]),
  outcome: CaseOutcome,
  /** The step of a transcript that went wrong, from 0. */
  step: optional(Count),
  op: optional(Schema.String),
  message: optional(Schema.String),
  expected: optional(Expectation),
  actual: optional(Actual),
  /** Shown, not scored: the class of a refusal at the right stage was another one. */
  class: optional(Schema.Struct({ expected: Schema.Array(Schema.String), actual: optional(Schema.String) })),
  stderr: optional(Schema.String),
  known: optional(Known),
  ms: Schema.Finite
})
export type Result = typeof Result.Type

/** The end of one property. `script`, `seed` and `roles` repeat the failure. */
export const Property = Schema.Struct({
  event: Schema.Literal("property"),
  property: Schema.String,
  title: Schema.String,
  level: Count,
  critical: Schema.Boolean,
  outcome: CaseOutcome,
  /** Scripts and steps it was judged over. */
  scripts: Count,
  steps: Count,
  message: optional(Schema.String),
  /** A script that breaks it, as small as it could be made. */
  failure: optional(
    Schema.Struct({
      world: Schema.String,
      seed: Schema.String,
      roles: Schema.Record(Schema.String, Schema.String),
      script: Schema.Array(Schema.Json),
      step: optional(Count)
    })
  ),
  stderr: optional(Schema.String),
  ms: Schema.Finite
})
export type Property = typeof Property.Type

/** How often each step of scripts did something, over all scripts by chance and all that are kept; honest steps and those of the adversary. */
export const Steps = Schema.Struct({
  event: Schema.Literal("steps"),
  done: Schema.Record(Schema.String, Count)
})
export type Steps = typeof Steps.Type

/** The subject was started again. */
export const Restart = Schema.Struct({
  event: Schema.Literal("restart"),
  /** The case or property it was at. */
  case: optional(Schema.String),
  cause: Schema.Literals(["timeout", "crash", "violation"]),
  message: Schema.String,
  stderr: Schema.String,
  /** How often this run, this one included. */
  count: Count
})
export type Restart = typeof Restart.Type

/** One line of the summary: a family, or the properties. */
export const Tally = Schema.Struct({
  total: Count,
  outcomes: Schema.Record(Schema.String, Count),
  waived: Count
})
export type Tally = typeof Tally.Type

/** Last line. Absent when the runner itself was killed. */
export const Footer = Schema.Struct({
  event: Schema.Literal("footer"),
  /** Absent when not even level 0 was reached, or the run was not whole. */
  level: optional(Count),
  marks: Schema.Array(Schema.Literals(["exact", "hardened"])),
  waived: Count,
  /** Ids of critical cases and properties that failed. */
  critical: Schema.Array(Schema.String),
  families: Schema.Record(Schema.String, Tally),
  properties: Tally,
  /** Entries of the file of known failures that are out of date. */
  stale: Schema.Array(Schema.Struct({ pattern: Schema.String, problem: Schema.String, case: optional(Schema.String) })),
  restarts: Count,
  /** Why the run ended before its end, if it did. */
  stopped: optional(Schema.String),
  exit: Count,
  ms: Schema.Finite
})
export type Footer = typeof Footer.Type

export const ResultEvent = Schema.Union([Header, CaseStart, Wire, Result, Property, Steps, Restart, Footer])
export type ResultEvent = typeof ResultEvent.Type
