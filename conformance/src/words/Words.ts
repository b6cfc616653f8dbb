/**
 * Words on a command line: split into options and positionals, bound to names, or refused with what to type instead.
 *
 * Serves `tacit-conformance` and `tacit`, each with commands of its own. Runs nothing and prints nothing; nothing is guessed.
 */
import { parseArgs } from "node:util"

/** The caller's mistake: nothing was done. `next` says what to type instead. */
export class UsageError extends Error {
  readonly _tag = "UsageError"
  readonly next: string

  constructor(message: string, next = "") {
    super(message)
    this.name = "UsageError"
    this.next = next
  }
}

/** What is read of an option. Without `value` it is a flag; `many` may be given again and again. */
export interface OptionForm {
  readonly name: string
  readonly short?: string
  readonly value?: string
  readonly many?: boolean
}

/** What is read of a positional. `many` takes all that remain. */
export interface PositionalForm {
  readonly name: string
  readonly text: string
  readonly optional?: boolean
  readonly many?: boolean
}

/** Options by name, and the words that are none. */
export interface Split {
  readonly values: { readonly [name: string]: string | boolean | ReadonlyArray<string | boolean> | undefined }
  readonly positionals: ReadonlyArray<string>
}

/** Splits words. Throws {@link UsageError} with `help` for an option that is not there, or lacks its value. */
export const split = (options: ReadonlyArray<OptionForm>, words: ReadonlyArray<string>, help: string): Split => {
  try {
    return parseArgs({
      args: [...words],
      strict: true,
      allowPositionals: true,
      options: Object.fromEntries(
        options.map(({ many, name, short, value }) => [
          name,
          {
            type: value === undefined ? ("boolean" as const) : ("string" as const),
            multiple: many === true,
            ...(short === undefined ? {} : { short })
          }
        ])
      )
    })
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(". ")[0] ?? "") : ""
    throw new UsageError(message === "" ? "the options cannot be read" : lowerFirst(message), help)
  }
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)

/** Words by the names of positionals. Throws {@link UsageError} where one is missing, or one has no use. */
export const bind = (
  positionals: ReadonlyArray<PositionalForm>,
  words: ReadonlyArray<string>,
  help: string
): ReadonlyMap<string, ReadonlyArray<string>> => {
  const named = new Map<string, ReadonlyArray<string>>()
  let at = 0
  for (const { many, name, optional, text } of positionals) {
    const taken = many === true ? words.slice(at) : words.slice(at, at + 1)
    if (taken.length === 0 && optional !== true) throw new UsageError(`<${name}> is missing: ${text}`, help)
    named.set(name, taken)
    at += taken.length
  }
  if (at < words.length) throw new UsageError(`there is no use for ${JSON.stringify(words[at])}`, help)
  return named
}

/** A whole number within bounds. Throws {@link UsageError}. */
export const whole = (name: string, value: string, least: number, most: number, help: string): number => {
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most) return number
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}`, help)
}

/** The known name nearest to a mistyped one, if it is near at all. */
export const nearest = (names: ReadonlyArray<string>, typed: string): string | undefined => {
  const ranked = names
    .map((name) => ({ name, distance: editDistance(name, typed) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= Math.max(1, Math.floor(typed.length / 3)) ? best.name : undefined
}

const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
