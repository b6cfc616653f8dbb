/**
 * `tacit listen`: one line per message, for people or (with `--json`) for programs.
 *
 * Spec: docs/spec/16-state.md §16.2 (state.once.1). A message counts as taken once its line was written.
 */
import type { PromiseClient } from "@tacit/bots"
import type { Attachment, Incoming } from "@tacit/core"
import { accountOptions, openAccount, refusal } from "../Account.ts"
import type { Command, Context } from "../Command.ts"
import { messageLine, messageRecord, warningLine, warningRecord } from "../Display.ts"
import { ExitCode } from "../ExitCode.ts"
import { explain } from "../Explain.ts"
import { save } from "../Files.ts"
import { safe } from "../Terminal.ts"

export const listen: Command = {
  name: "listen",
  summary: "print messages as they arrive",
  about: [
    "Prints one line per message: time, sender, text. With --json one object per line; its `type` is `message` or `warning`. Messages of other programs and typing notices are shown too.",
    "Each message is printed once, also across restarts; the one being printed when the process is killed may be printed again, with the same `id` and `order`. Ends at SIGINT or SIGTERM with code 0.",
    "With --save the files of messages are fetched into a folder before the message counts as taken; with --json each is told in an object of the `type` `file`, with its path or the reason why there is none. Files are fetched from the own relay only."
  ],
  positionals: [],
  options: [
    ...accountOptions,
    { name: "count", value: "n", text: "end after so many messages" },
    { name: "timeout", value: "seconds", text: "end after so long, with code 0" },
    { name: "save", value: "folder", text: "fetch files into this folder" },
    { name: "max-file", value: "MiB", default: "100", text: "leave larger files where they are" }
  ],
  examples: [
    { line: "tacit listen", text: "watch your messages" },
    {
      line: "tacit listen --json | jq -r 'select(.type == \"message\") | .body.text'",
      text: "texts only, for a script"
    },
    { line: "tacit listen --save ~/Downloads", text: "keep the files that come" },
    { line: "tacit listen --count 1 --timeout 60", text: "wait at most a minute for one message" }
  ],
  run: async (context) => {
    const count = context.inputs.whole("count", 1, 1_000_000_000)
    const folder = context.inputs.text("save")
    const mebibytes = context.inputs.whole("max-file", 1, 16_384) ?? 100
    const saving = folder === undefined ? undefined : { folder, maxBytes: mebibytes * 1024 * 1024 }
    const seconds = context.inputs.whole("timeout", 1, 31_536_000)
    const signal =
      seconds === undefined ? context.signal : AbortSignal.any([context.signal, AbortSignal.timeout(seconds * 1000)])
    await using client = await openAccount(context)
    const { terminal } = context
    if (!terminal.json && terminal.stdout.isTTY === true) {
      terminal.err(terminal.paint("dim", `Listening as ${client.self.user ?? "this account"}. Stop with Ctrl-C.`))
    }
    const done = new AbortController()
    const stop = AbortSignal.any([signal, done.signal])
    try {
      const warnings = printWarnings(client, { ...context, signal: stop })
      await Promise.race([printMessages(client, { ...context, signal: stop }, count, saving), refusal(client, stop)])
      done.abort()
      await warnings
    } catch (error) {
      if (!stop.aborted) throw error
    }
    return ExitCode.ok
  }
}

/** Where files go, and up to which size, bytes. */
interface Saving {
  readonly folder: string
  readonly maxBytes: number
}

/** Fetches a file and says where it is. One that cannot be had is said, and does not end the listening; an interruption does. */
const saveFile = async (
  client: PromiseClient,
  { terminal, signal }: Pick<Context, "terminal" | "signal">,
  message: string,
  attachment: Attachment,
  { folder, maxBytes }: Saving
): Promise<void> => {
  const { id, name } = attachment
  try {
    const path = await save(client, attachment, folder, maxBytes, signal)
    if (terminal.json) terminal.record({ type: "file", message, id, path })
    else terminal.out(terminal.paint("dim", `  saved as ${safe(path)}`))
  } catch (error) {
    if (signal.aborted) throw error
    const { code, message: why } = explain(error)
    if (terminal.json) terminal.record({ type: "file", message, id, path: null, reason: code })
    else terminal.err(terminal.paint("yellow", `! ${safe(name)} was not saved: ${why}`))
  }
}

const printMessages = async (
  client: PromiseClient,
  { terminal, signal }: Context,
  count: number | undefined,
  saving: Saving | undefined
) => {
  let printed = 0
  for await (const message of client.messages({ signal })) {
    await write(
      terminal.stdout,
      terminal.json ? JSON.stringify(messageRecord(message)) : messageLine(terminal, message)
    )
    if (saving !== undefined && message.body.type === "attachment") {
      await saveFile(client, { terminal, signal }, message.id, message.body, saving)
    }
    await client.take(message)
    if (isMessage(message)) printed++
    if (printed === count) return
  }
}

const isMessage = (message: Incoming): boolean => message.body.type !== "typing"

const printWarnings = async (client: PromiseClient, { terminal, signal }: Context) => {
  try {
    for await (const warning of client.warnings({ signal })) {
      if (terminal.json) terminal.record(warningRecord(warning))
      else terminal.out(warningLine(terminal, warning))
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Resolves when the line was handed to the operating system, so that only printed messages are taken. */
const write = (stream: NodeJS.WritableStream, line: string): Promise<void> =>
  new Promise((resolve, reject) => stream.write(`${line}\n`, (error) => (error ? reject(error) : resolve())))
