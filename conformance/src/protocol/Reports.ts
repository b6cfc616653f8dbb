/**
 * The forms of a summary and of an attestation.
 *
 * Spec: docs/spec/21-conformance.md §21.2, §21.4.
 * Making them is `src/report/Summary.ts` and `src/audit/Attest.ts`.
 */
import * as Schema from "effect/Schema"
import { CaseOutcome, Footer, Known } from "./Result.ts"
import { Count } from "./Value.ts"

const optional = Schema.optionalKey
const hash = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))
const instant = Schema.String.check(Schema.isPattern(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/))
const counts = Schema.Record(Schema.String, Count)

const Failure = Schema.Struct({
  case: Schema.String,
  family: Schema.String,
  topic: Schema.String,
  title: Schema.String,
  level: Count,
  critical: Schema.Boolean,
  clauses: Schema.Array(Schema.String),
  outcome: CaseOutcome,
  step: optional(Count),
  expected: Schema.String,
  actual: Schema.String,
  known: optional(Known)
})

/** One run in one object. There is no share of anything in it (rule level.honest.1). */
export const Summary = Schema.Struct({
  schema: Schema.Literal("tacit/summary/1"),
  subject: Schema.Struct({
    name: Schema.String,
    version: Schema.String,
    language: Schema.String,
    source: Schema.String
  }),
  kit: Schema.String,
  suite: Schema.String,
  protocol: Schema.String,
  root: Schema.String,
  seed: Schema.String,
  started: instant,
  /** Absent when none was reached, or when the file shows less than it claims. */
  level: optional(Count),
  marks: Schema.Array(Schema.String),
  waived: Count,
  /** Level, marks, suite and waivers in one line. */
  line: Schema.String,
  /** Why there is no level. */
  reason: optional(Schema.String),
  critical: Schema.Array(Schema.String),
  /** By family: how many cases of each outcome; `known` counts foreseen failures. */
  families: Schema.Record(Schema.String, counts),
  properties: Schema.Record(Schema.String, CaseOutcome),
  failures: Schema.Array(Failure),
  /** Refusals at the right stage with another class: shown, not scored. */
  classes: Schema.Array(
    Schema.Struct({
      case: Schema.String,
      expected: Schema.Array(Schema.String),
      actual: optional(Schema.String)
    })
  ),
  stale: Footer.fields.stale,
  restarts: Count,
  /** What is wrong with the result file. */
  problems: Schema.Array(Schema.String),
  exit: optional(Count),
  ms: optional(Schema.Finite)
})
export type Summary = typeof Summary.Type

const Digest = Schema.Struct({ sha256: hash, size: Count })

/** What the signer of an attestation says of a run. */
export const Statement = Schema.Struct({
  results: Digest,
  kit: Schema.String,
  suite: Schema.String,
  root: Schema.String,
  subject: Schema.Struct({
    name: Schema.String,
    version: Schema.String,
    source: Schema.String,
    command: Schema.String,
    /** Of the program that was judged. */
    binary: optional(Digest)
  }),
  seed: Schema.String,
  /** When the run began. */
  started: instant,
  /** When this was signed. */
  signed: instant,
  line: Schema.String,
  critical: Count,
  exit: optional(Count)
})
export type Statement = typeof Statement.Type

/** A statement with an Ed25519 signature over it. */
export const Attestation = Schema.Struct({
  schema: Schema.Literal("tacit/attestation/1"),
  statement: Statement,
  /** Public key, 32 bytes as hex. */
  key: hash,
  /** 64 bytes as hex. */
  signature: Schema.String.check(Schema.isPattern(/^[0-9a-f]{128}$/))
})
export type Attestation = typeof Attestation.Type
