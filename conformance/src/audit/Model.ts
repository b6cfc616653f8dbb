/**
 * A vector file as auditors' tools and pages read it, and how its values are resolved.
 *
 * Spec: vectors/README.md (a file, values).
 * Runs in browsers: nothing here imports from the host. Does not check a file; that is Verify.ts.
 */

/** One step of a derivation. `out` is hex. */
export interface TraceStep {
  readonly id: string
  readonly op: string
  readonly in: { readonly [name: string]: unknown }
  readonly out: string
  readonly clause?: string
}

/** One step of a transcript. */
export interface ScriptStep {
  readonly do: string
  readonly as?: string
  readonly in: { readonly [name: string]: unknown }
  readonly expect: "ok" | "reject"
  readonly out?: { readonly [name: string]: unknown }
}

/** The one change between a case and its twin; which members there are depends on `op`. */
export interface Delta {
  readonly at: string
  readonly op: string
  readonly field?: string
  readonly offset?: number
  readonly length?: number
  readonly bytes?: string
  readonly kind?: string
  readonly a?: readonly [number, number]
  readonly b?: readonly [number, number]
  readonly from?: string
  readonly source?: readonly [number, number]
  readonly value?: unknown
  readonly step?: number
  readonly to?: string
  readonly inner?: Delta
}

export interface Case {
  readonly id: string
  readonly title: string
  readonly clauses: ReadonlyArray<string>
  readonly flags: ReadonlyArray<string>
  readonly needs: ReadonlyArray<string>
  readonly level: number
  readonly critical: boolean
  readonly now?: number
  readonly status?: string
  readonly verdict: "valid" | "invalid"
  readonly twin?: string
  readonly delta?: Delta
  readonly stage?: string
  readonly class?: ReadonlyArray<string>
  readonly world?: string
  readonly op?: string
  readonly in?: { readonly [name: string]: unknown }
  readonly out?: { readonly [name: string]: unknown }
  readonly rejects?: number
  readonly script?: ReadonlyArray<ScriptStep>
  readonly trace?: ReadonlyArray<TraceStep>
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
  readonly notes: { readonly [flag: string]: Note }
  readonly worlds: { readonly [name: string]: { readonly title: string; readonly trace: ReadonlyArray<TraceStep> } }
  readonly count: number
  readonly cases: ReadonlyArray<Case>
}

/** A case with the file it stands in. */
export interface Found {
  readonly file: VectorFile
  readonly path: string
  readonly item: Case
}

export interface ManifestEntry {
  readonly path: string
  readonly sha256: string
  readonly size: number
  readonly family: string
  readonly schema: string
  readonly count: number
  readonly valid: number
  readonly invalid: number
}

export interface Manifest {
  readonly schema: string
  readonly suite: string
  readonly protocol: string
  /** Digest over the wording of the cited rules. */
  readonly rules: string
  readonly root: string
  readonly count: number
  readonly files: ReadonlyArray<ManifestEntry>
}

export const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether a value names the output of a step. */
export const isRef = (value: unknown): value is string => typeof value === "string" && /^\$./.test(value)

/** Members that hold text, where a string is neither hex nor a reference. */
const textual: ReadonlySet<string> = new Set(["actor", "label", "purpose", "text"])

/** Lower-case hex of any length, empty included. */
export const isHex = (value: unknown): value is string => typeof value === "string" && /^(?:[0-9a-f]{2})*$/.test(value)

/** Long bytes by recipe: head, a pattern so many times, tail. */
export const recipeHex = (value: unknown): string | undefined => {
  if (!isObject(value)) return undefined
  const { head, pattern, repeat, tail } = value
  return isHex(head) && isHex(pattern) && isHex(tail) && typeof repeat === "number"
    ? head + pattern.repeat(repeat) + tail
    : undefined
}

/** Names that a value refers to, in order, without repetition. `name` is the member it stands in. */
export const refsIn = (value: unknown, name = ""): ReadonlyArray<string> => {
  const found = new Set<string>()
  const walk = (inside: unknown, member: string): void => {
    if (isRef(inside)) {
      if (!textual.has(member)) found.add(inside.slice(1))
    } else if (Array.isArray(inside)) for (const item of inside) walk(item, "")
    else if (isObject(inside)) for (const [key, item] of Object.entries(inside)) walk(item, key)
  }
  walk(value, name)
  return [...found]
}

/** The value with every reference and recipe replaced by hex. An unknown name is an error. */
export const resolve = (value: unknown, look: (name: string) => string | undefined, name = ""): unknown => {
  if (typeof value === "string") {
    if (!isRef(value) || textual.has(name)) return value
    const found = look(value.slice(1))
    if (found === undefined) throw new Error(`no value ${value}`)
    return found
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, look))
  if (!isObject(value)) return value
  return (
    recipeHex(value) ?? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, look, key)]))
  )
}

/** What stands at a slash-separated path, or `undefined`. */
export const at = (value: unknown, path: string): unknown =>
  path.split("/").reduce<unknown>((inside, key) => {
    if (Array.isArray(inside)) return (inside as ReadonlyArray<unknown>)[Number(key)]
    return isObject(inside) && Object.hasOwn(inside, key) ? inside[key] : undefined
  }, value)

/** JSON with members in order of their names: equal for equal values. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    isObject(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) : item
  )

export const unhex = (text: string): Uint8Array => {
  const out = new Uint8Array(text.length >> 1)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return out
}

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

export const hex = (bytes: Uint8Array): string => {
  let out = ""
  for (let i = 0; i < bytes.length; i++) out += digits[bytes[i]!]!
  return out
}
