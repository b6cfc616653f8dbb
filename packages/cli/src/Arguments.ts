/**
 * From words on the command line to a command and its inputs.
 *
 * An option given on the command line wins over its environment variable, and that over its default.
 * Does not run anything and prints nothing.
 */
import { bind, split, UsageError, whole } from "@tacit/conformance/words"
import type { Command, Option } from "./Command.ts"

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
  const { values, positionals } = split(options, words, help)
  const named = bind(command.positionals, positionals, help)

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
      return whole(name, value, least, most, help)
    },
    positional: (name) => named.get(name)?.join(" ") ?? "",
    given: (name) => values[name] !== undefined
  }
}
