/**
 * The part of a vector file that a run needs.
 *
 * Spec: vectors/README.md.
 */
import type { Members, Stage } from "../protocol/Value.ts"

export interface TraceStep {
  readonly id: string
  readonly out: string
}

/** A step of a transcript. */
export interface Step {
  readonly do: string
  readonly as: string
  readonly in: Members
  readonly expect: "ok" | "reject"
  readonly out?: Members
}

/** A case as it stands in a file. */
export interface CaseText {
  readonly id: string
  readonly title: string
  readonly clauses: ReadonlyArray<string>
  readonly flags: ReadonlyArray<string>
  readonly needs: ReadonlyArray<string>
  readonly level: number
  readonly critical: boolean
  readonly verdict: "valid" | "invalid"
  readonly status?: "withdrawn"
  readonly now?: number
  readonly world?: string
  readonly trace?: ReadonlyArray<TraceStep>
  readonly op?: string
  readonly in?: Members
  readonly out?: Members
  readonly twin?: string
  readonly stage?: Stage
  readonly class?: ReadonlyArray<string>
  readonly rejects?: number
  readonly script?: ReadonlyArray<Step>
}

export interface FileText {
  readonly family: string
  readonly topic: string
  readonly worlds: { readonly [name: string]: { readonly trace: ReadonlyArray<TraceStep> } }
  readonly cases: ReadonlyArray<CaseText>
}

/** A case with its place in the suite. */
export interface Case extends CaseText {
  readonly family: string
  readonly topic: string
  /** `family/topic/id`, which patterns are held against. */
  readonly path: string
  /** Suites it is about; empty where it is about none. */
  readonly suites: ReadonlyArray<number>
  /** Hex behind the names of its trace and its world's. */
  readonly names: () => ReadonlyMap<string, string>
}
