/**
 * Builds a derivation trace: every value that goes into a vector is the output of a named step over earlier ones.
 *
 * Spec: vectors/README.md describes the form.
 * A trace may stand on another one (a case on its file's world); names are unique along that line.
 */
import { concat, hex, unhex } from "./bytes.ts"
import { compute, type Input } from "./ops.ts"
import { sha256 as hash } from "./prim.ts"

/** `$name` of an earlier step. */
export type Ref = `$${string}`
/** What a step takes: a reference, literal bytes, a number, text in operations that say so, or structures of these. */
export type Arg = Ref | Uint8Array | number | string | ReadonlyArray<Arg> | { readonly [name: string]: Arg }

/** A step as it stands in the file. Bytes are hex. */
export interface Step {
  readonly id: string
  readonly op: string
  readonly in: { readonly [name: string]: unknown }
  readonly out: string
  readonly clause?: string
}

/** Inputs that are text or structures with text, not hex. */
const textual: ReadonlySet<string> = new Set(["actor", "label", "purpose", "text"])

/** Whether a JSON string in a bytes position refers to a step. */
export const isRef = (value: unknown): value is Ref => typeof value === "string" && value.startsWith("$")

/** Long bytes by recipe: head, a pattern so many times, tail; `sha256` is the digest of the result. */
export type Recipe = {
  readonly head: string
  readonly pattern: string
  readonly repeat: number
  readonly tail: string
  readonly sha256: string
}

export const isRecipe = (value: unknown): value is Recipe =>
  typeof value === "object" && value !== null && "pattern" in value

/** Bytes of a recipe; its digest must be right. */
export const expand = ({ head, pattern, repeat, sha256, tail }: Recipe): Uint8Array => {
  const out = concat(unhex(head), unhex(pattern.repeat(repeat)), unhex(tail))
  if (hex(hash(out)) !== sha256) throw new Error("a recipe's digest is wrong")
  return out
}

export const recipe = (head: string, pattern: string, repeat: number, tail = ""): Recipe => ({
  head,
  pattern,
  repeat,
  tail,
  sha256: hex(hash(concat(unhex(head), unhex(pattern.repeat(repeat)), unhex(tail))))
})

/** Replaces references and hex by bytes, following the rules of the file format. */
export const resolve = (value: unknown, look: (name: string) => Uint8Array, name = ""): Input => {
  if (typeof value === "number") return value
  if (typeof value === "string") {
    if (textual.has(name)) return value
    return isRef(value) ? look(value.slice(1)) : unhex(value)
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, look))
  if (isRecipe(value)) return expand(value)
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, resolve(item, look, key)]))
}

const toJson = (value: Arg): unknown => {
  if (value instanceof Uint8Array) return hex(value)
  if (typeof value === "number" || typeof value === "string") return value
  if (Array.isArray(value)) return value.map((item: Arg) => toJson(item))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]))
}

const refsIn = (value: unknown, name = ""): ReadonlyArray<string> => {
  if (typeof value === "string") return isRef(value) && !textual.has(name) ? [value.slice(1)] : []
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => refsIn(item, key))
}

/** Steps that depend on `value` and that `target` depends on, with both. */
export const dependents = (steps: ReadonlyArray<Step>, value: string, target: string): ReadonlySet<string> => {
  const above = new Set([value])
  for (const step of steps) if (refsIn(step.in).some((name) => above.has(name))) above.add(step.id)
  if (!above.has(target)) throw new Error(`${target} does not depend on ${value}`)
  const below = new Set([target])
  for (const step of [...steps].reverse()) if (below.has(step.id)) for (const name of refsIn(step.in)) below.add(name)
  return new Set([...above].filter((name) => below.has(name)))
}

/** The inputs of a step with a prime behind every reference to one of `names`. */
export const prime = (value: unknown, names: ReadonlySet<string>, name = ""): unknown => {
  if (typeof value === "string")
    return isRef(value) && !textual.has(name) && names.has(value.slice(1)) ? `${value}'` : value
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map((item) => prime(item, names))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, prime(item, names, key)]))
}

export class Trace {
  readonly steps: Array<Step> = []
  readonly #values = new Map<string, Uint8Array>()
  readonly #seed: Uint8Array
  readonly #parent: Trace | undefined

  constructor(seed: Uint8Array, parent?: Trace) {
    this.#seed = seed
    this.#parent = parent
  }

  /** A trace that may refer to this one's steps. */
  child(): Trace {
    return new Trace(this.#seed, this)
  }

  has(name: string): boolean {
    return this.#values.has(name) || (this.#parent?.has(name) ?? false)
  }

  look(name: string): Uint8Array {
    const value = this.#values.get(name) ?? this.#parent?.find(name)
    if (value === undefined) throw new Error(`no step ${name}`)
    return value
  }

  find(name: string): Uint8Array | undefined {
    return this.#values.get(name) ?? this.#parent?.find(name)
  }

  /** Bytes behind a reference, or the bytes themselves. */
  value(ref: Ref | Uint8Array): Uint8Array {
    return typeof ref === "string" ? this.look(ref.slice(1)) : ref
  }

  /** Adds a step and returns the reference to its output. */
  op(id: string, op: string, input: { readonly [name: string]: Arg }, clause?: string): Ref {
    if (this.has(id)) throw new Error(`step ${id} exists`)
    const json = toJson(input) as Step["in"]
    const out = compute(this.#seed, op, resolve(json, (name) => this.look(name)) as { readonly [name: string]: Input })
    if (out === undefined) throw new Error(`step ${id}: ${op} refused its input`)
    this.#values.set(id, out)
    this.steps.push({ id, op, in: json, out: hex(out), ...(clause === undefined ? {} : { clause }) })
    return `$${id}`
  }

  /** Every step of this trace and of those it stands on, in order. */
  all(): ReadonlyArray<Step> {
    return [...(this.#parent?.all() ?? []), ...this.steps]
  }

  /**
   * Repeats, with a prime behind every name, the steps between `value` and `target` that depend on `value`, after `value` itself
   * became `bytes`. So everything around a changed inner value is made anew by someone who holds the keys.
   */
  rederive(from: Trace, value: string, bytes: Uint8Array, target: string): Ref {
    const steps = from.all()
    const dependent = dependents(steps, value, target)
    this.literal(`${value}'`, bytes)
    for (const step of steps) {
      if (step.id === value || !dependent.has(step.id)) continue
      this.op(`${step.id}'`, step.op, prime(step.in, dependent) as { readonly [name: string]: Arg }, step.clause)
    }
    return `$${target}'`
  }

  /** A value that comes from outside the derivation: chosen, not computed. */
  literal(id: string, bytes: Uint8Array): Ref {
    return this.op(id, "literal", { bytes })
  }

  coin(id: string, actor: string, label: string, index: number, len: number): Ref {
    return this.op(id, "coin", { actor, label, index, len })
  }

  slice(id: string, bytes: Ref, from: number, to: number, clause?: string): Ref {
    return this.op(id, "slice", { bytes, from, to }, clause)
  }

  concat(id: string, parts: ReadonlyArray<Ref | Uint8Array>, clause?: string): Ref {
    return this.op(id, "concat", { parts }, clause)
  }
}
