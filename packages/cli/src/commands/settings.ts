/**
 * `tacit settings …`: settings that the devices of one's account share.
 *
 * Spec: docs/spec/22-own-devices.md §22.8.
 */
import type { Setting } from "@tacit/core"
import type { PromiseClient } from "@tacit/core/promise"
import { setTimeout } from "node:timers/promises"
import { accountOptions, openAccount } from "../Account.ts"
import type { Command, Context } from "../Command.ts"
import { ExitCode } from "../ExitCode.ts"
import { safe } from "../Terminal.ts"
import { Unreachable, within } from "../Within.ts"

/** How long the relay may take to get what other devices are told, seconds. */
const patience = 5

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** A value as text, where it is text; else in base 64. */
const textOf = (value: Uint8Array): { readonly text: string } | { readonly base64: string } => {
  try {
    return { text: decoder.decode(value) }
  } catch {
    return { base64: Buffer.from(value).toString("base64") }
  }
}

const record = ({ name, value }: Setting): object => ({ type: "setting", name, ...textOf(value) })

const line = (value: Uint8Array): string => {
  const shown = textOf(value)
  return "text" in shown ? safe(shown.text) : `base64:${shown.base64}`
}

const waitOption = {
  name: "wait",
  value: "seconds",
  text: "first take for so long what other devices changed"
} as const

/** Opens the account and waits as long as was asked for. */
const opened = async (context: Context): Promise<PromiseClient> => {
  const seconds = context.inputs.whole("wait", 0, 3600) ?? 0
  const client = await openAccount(context)
  if (seconds === 0) return client
  try {
    await setTimeout(seconds * 1000, undefined, { signal: context.signal })
    return client
  } catch (error) {
    await client.close()
    throw error
  }
}

/** What was changed is durable. The others are told now, or when this profile is used again. */
const tell = async (client: PromiseClient, { signal, terminal }: Context): Promise<void> => {
  try {
    await within(patience, signal, client.flush({ signal }))
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error
    terminal.err("Stored here. The other devices are told when this profile is used again.")
  }
}

const list: Command = {
  name: "settings list",
  summary: "list the settings that your devices share",
  about: [
    "What this device knows. While a command is connected, such as `tacit listen`, it takes what other devices change; `--wait` does so first."
  ],
  positionals: [],
  options: [...accountOptions, waitOption],
  examples: [{ line: "tacit settings list --wait 2", text: "one line per setting: its name and value" }],
  run: async (context) => {
    const { signal, terminal } = context
    await using client = await opened(context)
    for (const setting of await client.settings.list({ signal })) {
      if (terminal.json) terminal.record(record(setting))
      else terminal.out(`${setting.name}  ${line(setting.value)}`)
    }
    return ExitCode.ok
  }
}

const get: Command = {
  name: "settings get",
  summary: "print one setting",
  about: ["Exit code 1 when there is none of this name."],
  positionals: [{ name: "name", text: "1 to 64 characters of ASCII without blanks" }],
  options: [...accountOptions, waitOption],
  examples: [{ line: "tacit settings get theme", text: "its value alone" }],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    await using client = await opened(context)
    const name = inputs.positional("name")
    const value = await client.settings.get(name, { signal })
    if (value === undefined) {
      if (!terminal.json) terminal.err("There is no setting of this name.")
      return ExitCode.failed
    }
    if (terminal.json) terminal.record(record({ name, value }))
    else terminal.out(line(value))
    return ExitCode.ok
  }
}

const set: Command = {
  name: "settings set",
  summary: "change a setting on all your devices",
  about: ["Of two devices that set it at once, one stands, the same everywhere. At most 128 settings are kept."],
  positionals: [
    { name: "name", text: "1 to 64 characters of ASCII without blanks" },
    { name: "value", text: "at most 256 bytes", many: true }
  ],
  options: [...accountOptions],
  examples: [{ line: "tacit settings set theme dark", text: "here and on every other device" }],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    await using client = await openAccount(context)
    const [name, value] = [inputs.positional("name"), inputs.positional("value")]
    await client.settings.set(name, value, { signal })
    await tell(client, context)
    if (terminal.json) terminal.record({ type: "setting", name, text: value })
    else terminal.out(`${safe(name)} is set.`)
    return ExitCode.ok
  }
}

const unset: Command = {
  name: "settings unset",
  summary: "take a setting back on all your devices",
  about: ["One that is not there is no error."],
  positionals: [{ name: "name", text: "1 to 64 characters of ASCII without blanks" }],
  options: [...accountOptions],
  examples: [{ line: "tacit settings unset theme", text: "here and on every other device" }],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    await using client = await openAccount(context)
    const name = inputs.positional("name")
    await client.settings.unset(name, { signal })
    await tell(client, context)
    if (terminal.json) terminal.record({ type: "setting", name })
    else terminal.out(`${safe(name)} is taken back.`)
    return ExitCode.ok
  }
}

/** In the order of the overview. */
export const settingsCommands: ReadonlyArray<Command> = [list, get, set, unset]
