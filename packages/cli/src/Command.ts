/**
 * The shape of one command: how it is called, how it is explained, what it runs.
 *
 * Holds types only. Parsing is Arguments.ts, the help text Help.ts, dispatch Run.ts.
 */
import type { OptionForm, PositionalForm } from "@tacit/conformance/words"
import type { Inputs } from "./Arguments.ts"
import type { ExitCode } from "./ExitCode.ts"
import type { Terminal } from "./Terminal.ts"

/** An option. `value` is what stands for the value in the help text, such as `port`; `env` the environment variable that stands in for it. */
export interface Option extends OptionForm {
  readonly env?: string
  readonly text: string
  readonly default?: string
}

/** A positional argument. Of `many` a command gets all that remain, joined by blanks. */
export type Positional = PositionalForm

/** One worked example: what to type, and what it does. */
export interface Example {
  readonly line: string
  readonly text: string
}

/** What a command is given to work with. Nothing else of the process is touched by a command. */
export interface Context {
  readonly inputs: Inputs
  readonly terminal: Terminal
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
}

export interface Command {
  /** The words that call it, such as `relay start`. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Some sentences for the command's own help, one array item per paragraph. */
  readonly about: ReadonlyArray<string>
  readonly positionals: ReadonlyArray<Positional>
  readonly options: ReadonlyArray<Option>
  readonly examples: ReadonlyArray<Example>
  /** Resolves with the exit code; a rejection is explained by Explain.ts. */
  readonly run: (context: Context) => Promise<ExitCode>
  /** For a command that reads its words itself, help and options included; `run` is not called then. */
  readonly takes?: (words: ReadonlyArray<string>, terminal: Terminal, signal: AbortSignal) => Promise<ExitCode>
}
