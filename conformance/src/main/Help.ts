/**
 * Help texts, made from the commands themselves so that they cannot disagree with what is parsed.
 */
import { meanings } from "../run/ExitCode.ts"
import type { Command, Option } from "./Command.ts"

const program = "tacit-conformance"

export const usage = (command: Command): string =>
  [
    program,
    command.name,
    ...command.positionals.map(({ many, name, optional }) => {
      const shown = many === true ? `${name}…` : name
      return optional === true ? `[${shown}]` : `<${shown}>`
    }),
    ...(command.options.length > 0 ? ["[options]"] : [])
  ].join(" ")

/** Every command with one line, then where to begin. */
export const overview = (commands: ReadonlyArray<Command>, version: string): string =>
  [
    `${program} ${version}: judges implementations of the Tacit protocol`,
    "",
    `Usage: ${program} <command> [options]`,
    "",
    ...table(commands.map(({ name, summary }) => [name, summary])),
    "",
    "First steps:",
    ...table([
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
    ...command.about.flatMap((paragraph) => ["", ...wrap(paragraph, 92)]),
    ...section(
      "Arguments",
      command.positionals.map(({ name, text }) => [name, text])
    ),
    ...section("Options", command.options.map(row)),
    "",
    "Examples:",
    ...command.examples.flatMap(({ line, text }) => [`  ${line}`, `      ${text}`]),
    ...section(
      "Exit codes",
      meanings.map(([code, text]) => [String(code), text])
    )
  ].join("\n")

const section = (title: string, rows: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> =>
  rows.length === 0 ? [] : ["", `${title}:`, ...table(rows)]

const row = ({ default: usual, many, name, text, value }: Option): readonly [string, string] => {
  const notes = [
    ...(usual === undefined ? [] : [`default: ${usual}`]),
    ...(many === true ? ["may be given several times"] : [])
  ]
  return [
    `--${name}${value === undefined ? "" : ` <${value}>`}`,
    notes.length === 0 ? text : `${text} (${notes.join("; ")})`
  ]
}

const table = (rows: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> => {
  const width = Math.min(34, Math.max(...rows.map(([name]) => name.length)))
  return rows.flatMap(([name, text]) =>
    name.length > width ? [`  ${name}`, `  ${" ".repeat(width)}  ${text}`] : [`  ${name.padEnd(width)}  ${text}`]
  )
}

const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}
