/**
 * Scripts that failed once: they are kept, and run before all others.
 *
 * Spec: docs/spec/21-conformance.md, rule property.script.1.
 * One file a script, `conformance/seeds/*.json`: `{ "title", "world", "roles", "script" }`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { isObject } from "../protocol/Value.ts"
import type { Reproducer } from "./RunScript.ts"
import * as Script from "./Script.ts"
import { textOf } from "./Text.ts"

/** A kept script and why. */
export interface Seed extends Reproducer {
  readonly title: string
}

const sides = new Set<unknown>(["subject", "reference"])

/** Reads a script with its world and roles, as a seed or as the `failure` of a result; `undefined` when it is none. */
export const read = (value: unknown): Reproducer | undefined => {
  if (!isObject(value)) return undefined
  const { roles, world } = value
  const script = Script.read(value["script"])
  const known = Script.worlds.find((name) => name === world)
  const all = Array.isArray(roles) ? roles : isObject(roles) ? Object.values(roles) : undefined
  const isWhole = script !== undefined && known !== undefined && all?.every((side) => sides.has(side)) === true
  return isWhole ? { world: known, roles: all as Reproducer["roles"], script } : undefined
}

/** The folder beside package.json. */
const folder = (): string | undefined => {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) return join(at, "seeds")
  }
  return undefined
}

/** Every seed of the kit. Throws at a file that is none. */
export const load = (from = folder()): ReadonlyArray<Seed> => {
  if (from === undefined || !existsSync(from)) return []
  return readdirSync(from)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => {
      const value: unknown = JSON.parse(readFileSync(join(from, name), "utf8"))
      const reproducer = read(value)
      if (reproducer === undefined || !isObject(value)) throw new TypeError(`${name} is no seed`)
      return { ...reproducer, title: textOf(value["title"] ?? name) }
    })
}
