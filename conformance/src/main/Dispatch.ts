/**
 * The command as a function: words and streams in, exit code out.
 *
 * Does not touch the process: main.ts does.
 */
import { kit } from "../protocol/Kit.ts"
import { ExitCode } from "../run/ExitCode.ts"
import { Tampered } from "../suite/Suite.ts"
import { nearest } from "../words/Words.ts"
import { parse } from "./Arguments.ts"
import { UsageError, type Command, type Context } from "./Command.ts"
import { attestCommand } from "./commands/attest.ts"
import { coverageCommand } from "./commands/coverage.ts"
import { deriveCommand } from "./commands/derive.ts"
import { diffCommand } from "./commands/diff.ts"
import { explainCommand } from "./commands/explain.ts"
import { explorerCommand } from "./commands/explorer.ts"
import { replayCommand } from "./commands/replay.ts"
import { reportCommand } from "./commands/report.ts"
import { promoteCommand, shrinkCommand } from "./commands/shrink.ts"
import { runCommand } from "./commands/run.ts"
import { smokeCommand } from "./commands/smoke.ts"
import { traceCommand } from "./commands/trace.ts"
import { verifyCommand } from "./commands/verify.ts"
import * as Help from "./Help.ts"

/** What the process gives. `progress` is there on a terminal: it shows a text in place of the last one. */
export interface Surroundings {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  readonly progress?: (text: string) => void
  readonly signal: AbortSignal
}

const helpCommand: Command = {
  name: "help",
  summary: "explain this command, or one of its commands",
  about: ["Without a name it lists all of them."],
  positionals: [{ name: "command", text: "the command to explain", optional: true }],
  options: [],
  examples: [{ line: "tacit-conformance help run", text: "every option of a run" }],
  run: ({ inputs, out }) => {
    const name = inputs.positional("command")
    out(name === "" ? Help.overview(commands, kit) : Help.page(find(name)))
    return Promise.resolve(ExitCode.conformant)
  }
}

/** Every command, in the order of the overview. */
export const commands: ReadonlyArray<Command> = [
  runCommand,
  smokeCommand,
  replayCommand,
  shrinkCommand,
  promoteCommand,
  reportCommand,
  verifyCommand,
  explainCommand,
  traceCommand,
  diffCommand,
  coverageCommand,
  deriveCommand,
  attestCommand,
  explorerCommand,
  helpCommand
]

const find = (name: string): Command => {
  const found = commands.find((command) => command.name === name)
  if (found !== undefined) return found
  const close = nearest(
    commands.map((command) => command.name),
    name
  )
  throw new UsageError(
    `there is no command ${JSON.stringify(name.slice(0, 40))}`,
    close === undefined ? "`tacit-conformance help` lists all." : `Did you mean \`tacit-conformance ${close}\`?`
  )
}

const asksForHelp = (words: ReadonlyArray<string>): boolean => {
  const end = words.indexOf("--")
  return words.slice(0, end < 0 ? words.length : end).some((word) => word === "--help" || word === "-h")
}

const dispatch = (words: ReadonlyArray<string>, { err, out, progress, signal }: Surroundings): Promise<ExitCode> => {
  const [first, ...rest] = words
  if (first === undefined) {
    err(Help.overview(commands, kit))
    return Promise.resolve(ExitCode.usage)
  }
  if (first === "--version") {
    out(`tacit-conformance ${kit}`)
    return Promise.resolve(ExitCode.conformant)
  }
  if (first === "--help" || first === "-h") {
    out(Help.overview(commands, kit))
    return Promise.resolve(ExitCode.conformant)
  }
  const command = find(first)
  if (asksForHelp(rest)) {
    out(Help.page(command))
    return Promise.resolve(ExitCode.conformant)
  }
  let shown = -Infinity
  const show = (text: string): void => {
    const now = performance.now()
    if (progress === undefined || (text !== "" && now - shown < 100)) return
    shown = now
    progress(text)
  }
  const context: Context = { inputs: parse(command, rest), out, err, progress: show, signal }
  return command.run(context)
}

/** Runs one call. Never rejects. */
export const main = async (words: ReadonlyArray<string>, surroundings: Surroundings): Promise<ExitCode> => {
  const { err } = surroundings
  try {
    return await dispatch(words, surroundings)
  } catch (error) {
    if (error instanceof Tampered) {
      err(`tacit-conformance: the suite is damaged: ${error.message}`)
      return ExitCode.tampered
    }
    if (error instanceof UsageError) {
      err(`tacit-conformance: ${error.message}`)
      if (error.next !== "") err(`  ${error.next}`)
    } else {
      err(
        `tacit-conformance: an error of the runner: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
      )
    }
    return ExitCode.usage
  }
}
