/**
 * Help texts, made from the commands themselves so that they cannot disagree with what is parsed.
 *
 * Prints nothing.
 */
import { optionsOf } from "./Arguments.ts"
import type { Command, Option } from "./Command.ts"
import { meanings } from "./ExitCode.ts"

const indent = "  "

/** `tacit relay start [options]`. */
export const usage = (command: Command): string =>
  [
    "tacit",
    command.name,
    ...command.positionals.map((p) => {
      const name = p.rest === true ? `${p.name}…` : p.name
      return p.optional === true ? `[${name}]` : `<${name}>`
    }),
    "[options]"
  ].join(" ")

/** The overview: every command with one line, then where to go on. */
export const overview = (commands: ReadonlyArray<Command>, version: string): string =>
  [
    `tacit ${version}: end-to-end encrypted messaging from the command line`,
    "",
    "Usage: tacit <command> [options]",
    "",
    ...table(commands.map((command) => [command.name, command.summary])),
    "",
    "First steps:",
    ...table([
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
    ...command.about.flatMap((paragraph) => ["", ...wrap(paragraph, 92)]),
    ...section(
      "Arguments",
      command.positionals.map((p) => [p.name, p.text])
    ),
    ...section("Options", command.options.map(optionRow)),
    ...section("Common options", optionsOf(command).slice(command.options.length).map(optionRow)),
    "",
    "Examples:",
    ...command.examples.flatMap((example) => [`${indent}${example.line}`, `${indent}${indent}${example.text}`]),
    ...section(
      "Exit codes",
      meanings.map(([code, text]) => [String(code), text])
    )
  ].join("\n")

const section = (title: string, rows: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> =>
  rows.length === 0 ? [] : ["", `${title}:`, ...table(rows)]

const optionRow = (option: Option): readonly [string, string] => {
  const short = option.short === undefined ? "" : `-${option.short}, `
  const value = option.value === undefined ? "" : ` <${option.value}>`
  const notes = [
    ...(option.default === undefined ? [] : [`default: ${option.default}`]),
    ...(option.env === undefined ? [] : [`env: ${option.env}`])
  ]
  return [`${short}--${option.name}${value}`, notes.length === 0 ? option.text : `${option.text} (${notes.join("; ")})`]
}

const table = (rows: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> => {
  const width = Math.min(34, Math.max(...rows.map(([name]) => name.length)))
  return rows.flatMap(([name, text]) =>
    name.length > width
      ? [`${indent}${name}`, `${indent}${" ".repeat(width)}  ${text}`]
      : [`${indent}${name.padEnd(width)}  ${text}`]
  )
}

/** Breaks a paragraph into lines of at most `width` characters, at blanks. */
export const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === "" ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
