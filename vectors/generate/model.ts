/**
 * The shape of a vector file, as the generator and the linter see it.
 *
 * Spec: vectors/README.md; the closed form of the same is vectors/schema.
 */
import type { Step } from "./trace.ts"

export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [name: string]: Json }
export type JsonObject = { readonly [name: string]: Json }

/** Stages of rule failure.stage.1, in order. */
export const stages = [
  "decode",
  "version",
  "policy",
  "lookup",
  "authenticate",
  "freshness",
  "decrypt",
  "apply",
  "limit"
] as const
export type Stage = (typeof stages)[number]

/** The single change that turns the twin into this case. Offsets and lengths are bytes. */
export type Delta = { readonly at: string; readonly field?: string } & (
  | { readonly op: "xor" | "set" | "insert"; readonly offset: number; readonly bytes: string }
  | { readonly op: "cut"; readonly offset: number; readonly length: number }
  | {
      readonly op: "reencode"
      readonly offset: number
      readonly length: number
      readonly bytes: string
      readonly kind: string
    }
  | { readonly op: "swap"; readonly a: readonly [number, number]; readonly b: readonly [number, number] }
  | {
      readonly op: "splice"
      readonly offset: number
      readonly length: number
      readonly from: string
      readonly source: readonly [number, number]
    }
  | { readonly op: "assign"; readonly value: Json }
  | { readonly op: "replay"; readonly step: number }
  | { readonly op: "redirect"; readonly to: string }
  | { readonly op: "omit" }
  | { readonly op: "resign"; readonly value: string; readonly inner: Delta }
)

/** One step of a transcript. */
export interface ScriptStep {
  readonly do: string
  readonly as: string
  readonly in: JsonObject
  readonly expect: "ok" | "reject"
  readonly out?: JsonObject
}

export interface Case {
  readonly id: string
  readonly title: string
  readonly clauses: ReadonlyArray<string>
  readonly flags: ReadonlyArray<string>
  readonly needs: ReadonlyArray<string>
  readonly level: number
  readonly critical: boolean
  /** A case that was wrong or is no longer right; it keeps its id, and `reason` says why. */
  readonly status?: "withdrawn"
  readonly reason?: string
  readonly replaced_by?: string
  readonly now?: number
  readonly verdict: "valid" | "invalid"
  readonly twin?: string
  readonly delta?: Delta
  readonly stage?: Stage
  readonly class?: ReadonlyArray<string>
  readonly after?: "probe"
  readonly world?: string
  readonly op?: string
  readonly in?: JsonObject
  readonly out?: JsonObject
  readonly rejects?: number
  readonly script?: ReadonlyArray<ScriptStep>
  readonly trace?: ReadonlyArray<Step>
}

export interface World {
  readonly title: string
  readonly trace: ReadonlyArray<Step>
}

export interface Note {
  readonly kind: string
  readonly text: string
  readonly refs: ReadonlyArray<string>
}

export interface VectorFile {
  readonly schema: string
  readonly suite: string
  readonly protocol: string
  readonly family: string
  readonly topic: string
  readonly spec: { readonly document: string }
  readonly generator: { readonly name: string; readonly version: string; readonly seed: string }
  readonly licence: string
  readonly notes: { readonly [flag: string]: Note }
  readonly worlds: { readonly [name: string]: World }
  readonly count: number
  readonly cases: ReadonlyArray<Case>
}

/** Release of the vector set. Patch: wording; minor: new cases; major: changed meaning or schema. */
export const suiteVersion = "1.0.0"
export const protocolVersion = "1"
export const licence = "CC0-1.0 OR 0BSD"
export const generator = { name: "tacit-vectors", version: "1.0.0" } as const

/** Reads a slash-separated path into JSON. */
export const at = (value: unknown, path: string): unknown =>
  path.split("/").reduce<unknown>((inside, key) => {
    if (typeof inside !== "object" || inside === null || !(key in inside)) throw new Error(`no ${path}`)
    return (inside as { readonly [name: string]: unknown })[key]
  }, value)
