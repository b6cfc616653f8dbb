/**
 * From words on the command line to the inputs of a command.
 *
 * Runs nothing and prints nothing.
 */
import { parseArgs } from "node:util"
import { UsageError, type Command } from "./Command.ts"

/** The options and positionals of one call, read by name. */
export interface Inputs {
  /** The value of an option, or its default. */
  readonly text: (name: string) => string | undefined
  readonly flag: (name: string) => boolean
  /** Every value of an option that may be given several times; each may be a list with commas. */
  readonly list: (name: string) => ReadonlyArray<string>
  /** A whole number within bounds. Throws `UsageError`. */
  readonly whole: (name: string, least: number, most: number) => number | undefined
  /** One of some words. Throws `UsageError`. */
  readonly oneOf: <A extends string>(name: string, allowed: ReadonlyArray<A>) => A | undefined
  /** A positional; "" when an optional one was left out. */
  readonly positional: (name: string) => string
  /** All values of a positional that takes many. */
  readonly rest: (name: string) => ReadonlyArray<string>
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)

const split = (command: Command, words: ReadonlyArray<string>, help: string) => {
  try {
    return parseArgs({
      args: [...words],
      strict: true,
      allowPositionals: true,
      options: Object.fromEntries(
        command.options.map(({ many, name, value }) => [
          name,
          { type: value === undefined ? ("boolean" as const) : ("string" as const), multiple: many === true }
        ])
      )
    })
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(". ")[0] ?? "") : "the options cannot be read"
    throw new UsageError(lowerFirst(message), help)
  }
}

const bind = (
  command: Command,
  words: ReadonlyArray<string>,
  help: string
): ReadonlyMap<string, ReadonlyArray<string>> => {
  const named = new Map<string, ReadonlyArray<string>>()
  let at = 0
  for (const { many, name, optional, text } of command.positionals) {
    const taken = many === true ? words.slice(at) : words.slice(at, at + 1)
    if (taken.length === 0 && optional !== true) throw new UsageError(`<${name}> is missing: ${text}`, help)
    named.set(name, taken)
    at += taken.length
  }
  if (at < words.length) throw new UsageError(`there is no use for ${JSON.stringify(words[at])}`, help)
  return named
}

/** Reads the words after a command's name. Throws `UsageError`; nothing is guessed. */
export const parse = (command: Command, words: ReadonlyArray<string>): Inputs => {
  const help = `Run \`tacit-conformance help ${command.name}\` for what it takes.`
  const { positionals, values } = split(command, words, help)
  const named = bind(command, positionals, help)
  const defaultOf = (name: string): string | undefined => command.options.find((o) => o.name === name)?.default
  const text = (name: string): string | undefined => {
    const value = values[name]
    return typeof value === "string" ? value : defaultOf(name)
  }
  return {
    text,
    flag: (name) => values[name] === true,
    list: (name) => {
      const value = values[name]
      return Array.isArray(value) ? value.flatMap((item) => String(item).split(",")).filter((item) => item !== "") : []
    },
    whole: (name, least, most) => {
      const value = text(name)
      if (value === undefined) return undefined
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
      if (number >= least && number <= most) return number
      throw new UsageError(`--${name} takes a whole number from ${least} to ${most}`, help)
    },
    oneOf: (name, allowed) => {
      const value = text(name)
      if (value === undefined) return undefined
      const found = allowed.find((one) => one === value)
      if (found === undefined) throw new UsageError(`--${name} takes one of ${allowed.join(", ")}`, help)
      return found
    },
    positional: (name) => named.get(name)?.[0] ?? "",
    rest: (name) => named.get(name) ?? []
  }
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
