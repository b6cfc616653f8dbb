/**
 * Help texts, made from the commands themselves so that they cannot disagree with what is parsed.
 */
import { meanings } from "../run/ExitCode.ts"
import * as Layout from "../words/Layout.ts"
import type { Command, Option } from "./Command.ts"

const program = "tacit-conformance"

export const usage = (command: Command): string =>
  Layout.usage(program, command.name, command.positionals, command.options.length > 0)

/** Every command with one line, then where to begin. */
export const overview = (commands: ReadonlyArray<Command>, version: string): string =>
  [
    `${program} ${version}: judges implementations of the Tacit protocol`,
    "",
    `Usage: ${program} <command> [options]`,
    "",
    ...Layout.table(commands.map(({ name, summary }) => [name, summary])),
    "",
    "First steps:",
    ...Layout.table([
      [`${program} run --in-process reference`, "see the reference pass"],
      [`${program} smoke --subject "./adapter"`, "is your adapter understood?"],
      [`${program} run --subject "./adapter" --family encoding`, "one family"],
      [`${program} replay <id> --subject "./adapter"`, "one case, with all that is said"]
    ]),
    "",
    `\`${program} help <command>\` explains one command.`
  ].join("\n")

/** Everything about one command. */
export const page = (command: Command): string =>
  [
    command.summary,
    "",
    `Usage: ${usage(command)}`,
    ...Layout.paragraphs(command.about),
    ...Layout.section(
      "Arguments",
      command.positionals.map(({ name, text }) => [name, text])
    ),
    ...Layout.section("Options", command.options.map(row)),
    ...Layout.examples(command.examples),
    ...Layout.section(
      "Exit codes",
      meanings.map(([code, text]) => [String(code), text])
    )
  ].join("\n")

const row = (option: Option): Layout.Row =>
  Layout.optionRow(option, [
    ...(option.default === undefined ? [] : [`default: ${option.default}`]),
    ...(option.many === true ? ["may be given several times"] : [])
  ])
