/**
 * Help texts, made from the commands themselves so that they cannot disagree with what is parsed.
 *
 * Prints nothing.
 */
import { Layout } from "@tacit/conformance/words"
import { optionsOf } from "./Arguments.ts"
import type { Command, Option } from "./Command.ts"
import { meanings } from "./ExitCode.ts"

/** `tacit relay start [options]`. */
export const usage = (command: Command): string => Layout.usage("tacit", command.name, command.positionals, true)

/** The overview: every command with one line, then where to go on. */
export const overview = (commands: ReadonlyArray<Command>, version: string): string =>
  [
    `tacit ${version}: end-to-end encrypted messaging from the command line`,
    "",
    "Usage: tacit <command> [options]",
    "",
    ...Layout.table(commands.map((command) => [command.name, command.summary])),
    "",
    "First steps:",
    ...Layout.table([
      ["tacit demo", "see everything work, and attacks fail, in ten seconds"],
      ["tacit relay start", "run a relay on this machine"],
      ["tacit relay invite alice", "print a one-time password for alice"],
      ["tacit register --relay ws://localhost:8443 --user alice", "become alice"],
      ["tacit chat bob", "talk to bob"]
    ]),
    "",
    "`tacit help <command>` explains one command. Environment and exit codes: docs/configuration.md."
  ].join("\n")

/** Everything about one command: usage, paragraphs, arguments, options, examples, exit codes. */
export const page = (command: Command): string =>
  [
    command.summary,
    "",
    `Usage: ${usage(command)}`,
    ...Layout.paragraphs(command.about),
    ...Layout.section(
      "Arguments",
      command.positionals.map((p) => [p.name, p.text])
    ),
    ...Layout.section("Options", command.options.map(optionRow)),
    ...Layout.section("Common options", optionsOf(command).slice(command.options.length).map(optionRow)),
    ...Layout.examples(command.examples),
    ...Layout.section(
      "Exit codes",
      meanings.map(([code, text]) => [String(code), text])
    )
  ].join("\n")

const optionRow = (option: Option): Layout.Row =>
  Layout.optionRow(option, [
    ...(option.default === undefined ? [] : [`default: ${option.default}`]),
    ...(option.env === undefined ? [] : [`env: ${option.env}`])
  ])
