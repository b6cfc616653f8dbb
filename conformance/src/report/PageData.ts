/**
 * The shape of the data that a page carries, and how it is packed.
 *
 * Spec: docs/spec/21-conformance.md §21.4.
 * Types are shared with the pages; packing runs where pages are made.
 */
import type { Property, Restart, Result, Wire } from "../protocol/Result.ts"

/** A case in the index of a page. */
export interface CaseIndex {
  readonly id: string
  readonly title: string
  /** Number of its file, -1 where the page does not carry it. */
  readonly file: number
  readonly family: string
  readonly topic: string
  readonly level: number
  readonly critical: boolean
  readonly verdict: "valid" | "invalid"
  readonly stage?: string
  readonly flags: ReadonlyArray<string>
  readonly clauses: ReadonlyArray<string>
}

export interface Index {
  readonly suite: string
  readonly root: string
  readonly files: ReadonlyArray<{
    readonly path: string
    readonly family: string
    readonly topic: string
    readonly document: string
  }>
  readonly cases: ReadonlyArray<CaseIndex>
}

/** Text of a rule and the page it stands on. */
export type RuleTexts = { readonly [id: string]: { readonly text: string; readonly page: string } }

/** One run, as far as its pages show it. */
export interface RunData {
  readonly name: string
  /** Outcome of every case of the index, in its order; `-` where it did not run. `waived` stands for a known failure. */
  readonly outcomes: ReadonlyArray<string>
  /** Results of cases that did not pass, or whose class was another one, with their messages. */
  readonly details: {
    readonly [id: string]: { readonly result: Result; readonly wire: ReadonlyArray<Wire>; readonly replay: string }
  }
  readonly properties: ReadonlyArray<Property>
  /** Messages that were kept of properties, by property. */
  readonly talks: { readonly [property: string]: ReadonlyArray<Wire> }
  /** Command lines that judge a property again, by property. */
  readonly searches: { readonly [property: string]: string }
  readonly restarts: ReadonlyArray<Restart>
}
