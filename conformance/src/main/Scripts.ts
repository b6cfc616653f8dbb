/**
 * Scripts of properties on a command line: read from a file, run with a subject and a reference.
 *
 * Spec: docs/spec/21-conformance.md §21.3 (property.script.1).
 */
import { provider, readReproducer, type Reproducer, type Stage } from "../properties/Run.ts"
import type { Members } from "../protocol/Value.ts"
import { isObject } from "../protocol/Value.ts"
import type { Subject } from "../subject/Subject.ts"
import { UsageError } from "./Command.ts"
import { readText, seedOf, startReference, type Chosen } from "./Subjects.ts"

/** A script with what its file says about it. */
export interface ReadScript {
  readonly reproducer: Reproducer
  /** The property it breaks, where a result says so. */
  readonly property: string | undefined
  /** The seed it was found with. */
  readonly seed: string | undefined
}

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}

const fromValue = (value: unknown): ReadScript | undefined => {
  if (!isObject(value)) return undefined
  const failure = isObject(value["failure"]) ? value["failure"] : value
  const reproducer = readReproducer(failure)
  if (reproducer === undefined) return undefined
  const text = (of: unknown): string | undefined => (typeof of === "string" ? of : undefined)
  return { reproducer, property: text(value["property"]), seed: text(failure["seed"]) }
}

/**
 * The script in a file: a kept script, the `failure` of a result, or a file of results, of which the first failed property
 * is taken, or the one that is named. Throws `UsageError`.
 */
export const readScript = (path: string, property?: string): ReadScript => {
  const text = readText(path)
  const whole = fromValue(parse(text))
  const all = whole === undefined ? text.split("\n").map((line) => fromValue(parse(line))) : [whole]
  const found = all.find(
    (one) => one !== undefined && (property === undefined || (one.property ?? property) === property)
  )
  if (found === undefined) {
    throw new UsageError(
      `${path} holds no script${property === undefined ? "" : ` of ${property}`}`,
      "A script is { world, roles, script }, or the failure of a property in a file of results."
    )
  }
  return found
}

/** One message of a script. */
export type Told = (step: number, dir: "request" | "reply", message: Members) => void

/** Runs something with a subject and a reference; both end with it. */
export const withStage = async <A>(
  chosen: Chosen,
  seed: string,
  use: (stage: Stage) => Promise<A>,
  record?: Told
): Promise<A> => {
  const started: Array<Subject> = []
  const kept = (start: () => Promise<Subject>) => {
    let current: Subject | undefined
    return async () => {
      if (current?.alive() === true) return current
      started.push((current = await start()))
      return current
    }
  }
  try {
    return await use({
      crypto: await provider(),
      subject: kept(() => chosen.source.start(seed)),
      reference: kept(() => startReference(seed)),
      reached: new Set(),
      ...(record === undefined ? {} : { record })
    })
  } finally {
    await Promise.all(started.map((subject) => subject.close()))
  }
}

/** The seed of a script: what the caller gave, what the file says, or a fixed one. */
export const seedFor = (given: string | undefined, script: ReadScript): string =>
  given === undefined ? (script.seed ?? seedOf("script")) : seedOf(given)
