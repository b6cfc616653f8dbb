/**
 * From words on the command line to the inputs of a command.
 *
 * Runs nothing and prints nothing.
 */
import { bind, split, UsageError, whole } from "../words/Words.ts"
import type { Command } from "./Command.ts"

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

/** Reads the words after a command's name. Throws `UsageError`; nothing is guessed. */
export const parse = (command: Command, words: ReadonlyArray<string>): Inputs => {
  const help = `Run \`tacit-conformance help ${command.name}\` for what it takes.`
  const { positionals, values } = split(command.options, words, help)
  const named = bind(command.positionals, positionals, help)
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
      return whole(name, value, least, most, help)
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
