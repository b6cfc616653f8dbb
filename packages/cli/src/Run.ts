/**
 * The command as a function: words and streams in, exit code out.
 *
 * Finds the command, parses, runs it, explains what went wrong. Does not touch the process: main.ts does.
 */
import { nearest } from "@tacit/conformance/words"
import { common, findCommand, type Inputs, parse } from "./Arguments.ts"
import type { Command } from "./Command.ts"
import { bot } from "./commands/bot.ts"
import { chat } from "./commands/chat.ts"
import { conformance } from "./commands/conformance.ts"
import { contactCommands } from "./commands/contact.ts"
import { contacts } from "./commands/contacts.ts"
import { demo } from "./commands/demo.ts"
import { deviceCommands } from "./commands/device/index.ts"
import { doctor } from "./commands/doctor.ts"
import { historyCommands } from "./commands/history/index.ts"
import { listen } from "./commands/listen.ts"
import { nesCommands } from "./commands/nes/index.ts"
import { register } from "./commands/register.ts"
import { relayInvite, relayStart } from "./commands/relay.ts"
import { relayRemove, relayUsers } from "./commands/relayUsers.ts"
import { send } from "./commands/send.ts"
import { settingsCommands } from "./commands/settings.ts"
import { trustCommands } from "./commands/trust.ts"
import { vaultCommands } from "./commands/vault/index.ts"
import { verify } from "./commands/verify.ts"
import { ExitCode } from "./ExitCode.ts"
import { explain } from "./Explain.ts"
import * as Help from "./Help.ts"
import * as Terminal from "./Terminal.ts"
import { UsageError } from "./UsageError.ts"
import { version } from "./Version.ts"

/** What the process gives. */
export interface Surroundings extends Terminal.Streams {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

const helpCommand: Command = {
  name: "help",
  summary: "explain tacit, or one command",
  about: ["Without a command it lists all of them."],
  positionals: [{ name: "command", text: "the command to explain", optional: true, many: true }],
  options: [],
  examples: [{ line: "tacit help relay start", text: "every option of the relay" }],
  run: ({ inputs, terminal }) => {
    const words = inputs
      .positional("command")
      .split(" ")
      .filter((word) => word !== "")
    if (words.length === 0) terminal.out(Help.overview(commands, version))
    else terminal.out(helpFor(words))
    return Promise.resolve(ExitCode.ok)
  }
}

const versionCommand: Command = {
  name: "version",
  summary: "print the version",
  about: ["The same number as of the packages it is made of."],
  positionals: [],
  options: [],
  examples: [{ line: "tacit version --json", text: "the versions of tacit and of Node.js as an object" }],
  run: ({ terminal }) => {
    if (terminal.json) terminal.record({ tacit: version, node: process.versions.node })
    else terminal.out(`tacit ${version}`)
    return Promise.resolve(ExitCode.ok)
  }
}

/** Every command, in the order of the overview. */
export const commands: ReadonlyArray<Command> = [
  demo,
  relayStart,
  relayInvite,
  relayUsers,
  relayRemove,
  register,
  chat,
  send,
  listen,
  contacts,
  ...contactCommands,
  verify,
  ...trustCommands,
  ...deviceCommands,
  ...settingsCommands,
  ...historyCommands,
  bot,
  ...vaultCommands,
  doctor,
  ...nesCommands,
  conformance,
  versionCommand,
  helpCommand
]

/** Runs one call. Never rejects. */
export const run = async (words: ReadonlyArray<string>, surroundings: Surroundings): Promise<ExitCode> => {
  const options = words.includes("--") ? words.slice(0, words.indexOf("--")) : words
  const terminal = Terminal.make(surroundings, surroundings.env, {
    json: options.includes("--json"),
    debug: options.includes("--debug") || (surroundings.env.TACIT_DEBUG ?? "0") !== "0"
  })
  try {
    return await dispatch(words, terminal, surroundings)
  } catch (error) {
    return complain(terminal, error)
  }
}

const dispatch = async (words: ReadonlyArray<string>, terminal: Terminal.Terminal, surroundings: Surroundings) => {
  const first = words[0]
  if (first === undefined || first === "--help" || first === "-h") {
    const text = Help.overview(commands, version)
    if (first !== undefined) return (terminal.out(text), ExitCode.ok)
    terminal.err(text)
    return ExitCode.usage
  }
  const found = findCommand(commands, first === "--version" ? ["version", ...words.slice(1)] : words)
  if (found === undefined) throw unknownCommand(words)
  if (found.command.takes !== undefined) return found.command.takes(found.rest, terminal, surroundings.signal)
  if (asksForHelp(found.rest)) return (terminal.out(Help.page(found.command)), ExitCode.ok)
  const inputs: Inputs = parse(found.command, found.rest, surroundings.env)
  return found.command.run({ inputs, terminal, env: surroundings.env, signal: surroundings.signal })
}

const asksForHelp = (rest: ReadonlyArray<string>): boolean => {
  const end = rest.indexOf("--")
  return rest.slice(0, end < 0 ? rest.length : end).some((word) => word === "--help" || word === "-h")
}

const helpFor = (words: ReadonlyArray<string>): string => {
  const found = findCommand(commands, words)
  if (found !== undefined) return Help.page(found.command)
  const group = commands.filter((command) => command.name.startsWith(`${words[0]} `))
  if (group.length === 0) throw unknownCommand(words)
  return group.map(Help.page).join("\n\n")
}

const unknownCommand = (words: ReadonlyArray<string>): UsageError => {
  const [first = "", second = ""] = words
  const names = commands.map((command) => command.name)
  const group = names.filter((name) => name.startsWith(`${first} `))
  if (group.length > 0) {
    return new UsageError(
      `\`tacit ${first}\` needs one more word`,
      `One of: ${group.map((name) => `tacit ${name}`).join(", ")}.`
    )
  }
  const close =
    nearest(names, `${first} ${second}`) ??
    nearest([...new Set(names.flatMap((n) => [n, n.split(" ")[0] ?? n]))], first)
  const shown = Terminal.safe(first.slice(0, 40))
  return new UsageError(
    `there is no command \`${shown}\``,
    close === undefined
      ? "Run `tacit help` for the list."
      : `Did you mean \`tacit ${close}\`? \`tacit help\` lists all.`
  )
}

const complain = (terminal: Terminal.Terminal, error: unknown): ExitCode => {
  const { exit, code, message, next } = explain(error)
  if (exit === ExitCode.interrupted && !terminal.json) return exit
  if (terminal.json) terminal.err(JSON.stringify({ error: { code, exit, message, next } }))
  else {
    terminal.err(`tacit: ${message}`)
    if (next !== "") terminal.err(`       ${next}`)
  }
  if (terminal.debug) terminal.err(technical(error))
  return exit
}

const technical = (error: unknown): string => {
  const cause = error instanceof Error && error.cause !== undefined ? `\ncaused by ${technical(error.cause)}` : ""
  return `${error instanceof Error ? (error.stack ?? error.message) : String(error)}${cause}`
}

/** Names of the options every command takes, for completion scripts and tests. */
export const commonOptions: ReadonlyArray<string> = common.map((option) => option.name)
