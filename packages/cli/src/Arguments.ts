/**
 * From words on the command line to a command and its inputs.
 *
 * An option given on the command line wins over its environment variable, and that over its default.
 * Does not run anything and prints nothing.
 */
import { parseArgs } from "node:util"
import type { Command, Option } from "./Command.ts"
import { UsageError } from "./UsageError.ts"

/** Options every command takes. */
export const common: ReadonlyArray<Option> = [
  { name: "json", text: "write JSON, one object a line, for other programs" },
  { name: "profile", value: "name", env: "TACIT_PROFILE", default: "default", text: "which of your accounts to use" },
  {
    name: "data",
    value: "directory",
    env: "TACIT_DATA",
    text: "where profiles are kept (default: see docs/configuration.md)"
  },
  { name: "debug", env: "TACIT_DEBUG", text: "show the technical cause of an error" },
  { name: "help", short: "h", text: "show this help" }
]

/** Everything a command takes. A command's own option stands before a common one of the same name. */
export const optionsOf = (command: Command): ReadonlyArray<Option> => [
  ...command.options,
  ...common.filter((option) => !command.options.some((own) => own.name === option.name))
]

/** The options and positionals of one call, read by name. */
export interface Inputs {
  /** The value of an option: command line, then environment, then default. */
  readonly text: (name: string) => string | undefined
  /** The same, or a `UsageError` that names it. */
  readonly required: (name: string) => string
  readonly flag: (name: string) => boolean
  /** A whole number within bounds, or a `UsageError`. */
  readonly whole: (name: string, least: number, most: number) => number | undefined
  /** A positional argument; "" when an optional one was left out. */
  readonly positional: (name: string) => string
  /** Whether the option stood on the command line itself. */
  readonly given: (name: string) => boolean
}

/** The command named by the first words, and the words after its name. */
export const findCommand = (
  commands: ReadonlyArray<Command>,
  words: ReadonlyArray<string>
): { readonly command: Command; readonly rest: ReadonlyArray<string> } | undefined => {
  const matches = commands
    .map((command) => ({ command, name: command.name.split(" ") }))
    .filter(({ name }) => name.every((word, i) => words[i] === word))
    .sort((a, b) => b.name.length - a.name.length)
  const best = matches[0]
  return best === undefined ? undefined : { command: best.command, rest: words.slice(best.name.length) }
}

/** Reads the words after a command's name. Fails with `UsageError`; nothing is guessed. */
export const parse = (
  command: Command,
  words: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>
): Inputs => {
  const options = optionsOf(command)
  const help = `Run \`tacit help ${command.name}\` for what it takes.`
  const { values, positionals } = parseWords(options, words, help)
  const named = bindPositionals(command, positionals, help)

  const text = (name: string): string | undefined => {
    const option = options.find((o) => o.name === name)
    const given = values[name]
    if (typeof given === "string") return given
    const fromEnv = option?.env === undefined ? undefined : env[option.env]
    return fromEnv !== undefined && fromEnv !== "" ? fromEnv : option?.default
  }
  return {
    text,
    required: (name) => {
      const value = text(name)
      if (value !== undefined && value !== "") return value
      const variable = options.find((o) => o.name === name)?.env
      throw new UsageError(
        `--${name} is missing`,
        variable === undefined ? `Give --${name}.` : `Give --${name}, or set ${variable}.`
      )
    },
    flag: (name) => {
      if (values[name] === true) return true
      const variable = options.find((o) => o.name === name)?.env
      const value = variable === undefined ? undefined : env[variable]
      return value !== undefined && value !== "" && value !== "0"
    },
    whole: (name, least, most) => {
      const value = text(name)
      if (value === undefined) return undefined
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
      if (number >= least && number <= most) return number
      throw new UsageError(`--${name} takes a whole number from ${least} to ${most}`, help)
    },
    positional: (name) => named.get(name) ?? "",
    given: (name) => values[name] !== undefined
  }
}

const parseWords = (options: ReadonlyArray<Option>, words: ReadonlyArray<string>, help: string) => {
  try {
    return parseArgs({
      args: [...words],
      strict: true,
      allowPositionals: true,
      options: Object.fromEntries(
        options.map((option) => [
          option.name,
          {
            type: option.value === undefined ? ("boolean" as const) : ("string" as const),
            ...(option.short === undefined ? {} : { short: option.short })
          }
        ])
      )
    })
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(". ")[0] ?? "") : ""
    throw new UsageError(message === "" ? "the options cannot be read" : lowerFirst(message), help)
  }
}

const bindPositionals = (command: Command, words: ReadonlyArray<string>, help: string): ReadonlyMap<string, string> => {
  const named = new Map<string, string>()
  let at = 0
  for (const positional of command.positionals) {
    const taken = positional.rest === true ? words.slice(at) : words.slice(at, at + 1)
    if (taken.length === 0 && positional.optional !== true) {
      throw new UsageError(`<${positional.name}> is missing: ${positional.text}`, help)
    }
    if (taken.length > 0) named.set(positional.name, taken.join(" "))
    at += taken.length
  }
  if (at < words.length) throw new UsageError(`there are ${words.length - at} words too many`, help)
  return named
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)

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
