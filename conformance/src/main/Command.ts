/**
 * The shape of one command: how it is called, how it is explained, what it runs.
 *
 * Holds types only. Parsing is Arguments.ts, help Help.ts, dispatch Dispatch.ts.
 */
import type { ExitCode } from "../run/ExitCode.ts"
import type { OptionForm, PositionalForm } from "../words/Words.ts"
import type { Inputs } from "./Arguments.ts"

export { UsageError } from "../words/Words.ts"

/** An option. `value` is what stands for the value in the help text, such as `file`. */
export interface Option extends OptionForm {
  readonly text: string
  readonly default?: string
}

/** A positional argument. */
export type Positional = PositionalForm

export interface Example {
  readonly line: string
  readonly text: string
}

/** What a command is given to work with. */
export interface Context {
  readonly inputs: Inputs
  /** Writes one line to standard output. */
  readonly out: (line: string) => void
  /** Writes one line to standard error. */
  readonly err: (line: string) => void
  /** Shows how far it is, on a terminal; an empty text clears it. */
  readonly progress: (text: string) => void
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
}

export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** One item per paragraph. */
  readonly about: ReadonlyArray<string>
  readonly positionals: ReadonlyArray<Positional>
  readonly options: ReadonlyArray<Option>
  readonly examples: ReadonlyArray<Example>
  /** Resolves with the exit code. `UsageError` becomes code 4. */
  readonly run: (context: Context) => Promise<ExitCode>
}
