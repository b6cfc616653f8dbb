/**
 * `tacit nes chat`: a conversation with one user, in the terminal.
 *
 * Spec: docs/spec/15-nes.md §15.8 (rule nes.chat.1).
 * Line editing is node:readline's; what arrives is printed above the line being typed.
 */
import { lower, type NesClient, openNes } from "@tacit/transport-mqtt/nes"
import { clearLine, createInterface, cursorTo } from "node:readline"
import type { Command, Context } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { explain } from "../../Explain.ts"
import type { Terminal } from "../../Terminal.ts"
import { keysOfOthers, messageKey, signKey } from "./Keyring.ts"
import { eventLines, eventRecord, messageLine, warn } from "./Notice.ts"
import { blindOption, options, resolve } from "./Settings.ts"

export const nesChat: Command = {
  name: "nes chat",
  summary: "talk with one user of the nes profile in the terminal",
  about: [
    "Type a line and press Enter to send it. What the other one sends is shown with its time and warnings; messages of anybody else, and frames that do not open, are passed over.",
    "Ends at /quit, Ctrl-D, SIGINT or SIGTERM. A line that begins with // is sent with one slash."
  ],
  positionals: [],
  options: [...options, blindOption, { name: "to", short: "t", value: "name", text: "whom to talk with" }],
  examples: [
    { line: "tacit nes chat -t bob", text: "talk with bob" },
    { line: "tacit nes chat -t bob -c work.conf", text: "with the settings of another file" }
  ],
  run: async (context) => {
    const { inputs, terminal } = context
    const settings = resolve(context)
    const to = lower(inputs.required("to"))
    const keys = keysOfOthers(settings)
    const own = { messageKey: messageKey(settings), signKey: signKey(settings) }
    warn(terminal)
    await keys.keysOf(to)
    await using client = await openNes({
      broker: settings.broker,
      user: settings.user,
      blind: inputs.flag("blind"),
      keys,
      ...own
    })
    const done = new AbortController()
    const signal = AbortSignal.any([context.signal, done.signal])
    const screen = openScreen(terminal, settings.user)
    try {
      if (terminal.json) terminal.record({ type: "ready", user: settings.user, to })
      else screen.print(terminal.paint("dim", `Talking with ${to}. /quit or Ctrl-D leaves.`))
      const showing = show(client, to, { ...context, signal }, screen)
      await Promise.race([talk(client, to, { ...context, signal }, screen), showing])
    } finally {
      done.abort()
      screen.lines.close()
    }
    return ExitCode.ok
  }
}

const openScreen = (terminal: Terminal, name: string) => {
  const interactive = terminal.stdin.isTTY === true && terminal.stdout.isTTY === true && !terminal.json
  const lines = createInterface({
    input: terminal.stdin,
    ...(interactive ? { output: terminal.stdout, terminal: true } : { terminal: false }),
    prompt: `${name}> `,
    historySize: 200
  })
  return {
    lines,
    print: (line: string): void => {
      if (interactive) {
        clearLine(terminal.stdout, 0)
        cursorTo(terminal.stdout, 0)
      }
      terminal.out(line)
      if (interactive) lines.prompt(true)
    }
  }
}

type Screen = ReturnType<typeof openScreen>

/** Shows what the partner sends, until the conversation is over. */
const show = async (client: NesClient, to: string, { signal, terminal }: Context, screen: Screen): Promise<void> => {
  for await (const event of client.events(signal)) {
    // Anybody can publish to one's topic; only the partner is listened to.
    if (event.type !== "message" || event.message.from !== to) continue
    if (terminal.json) screen.print(JSON.stringify(eventRecord(event)))
    else for (const line of eventLines(terminal, event)) screen.print(line)
  }
}

/** Sends what is typed, line by line, until the end of the input. */
const talk = async (client: NesClient, to: string, { signal, terminal }: Context, screen: Screen): Promise<void> => {
  let sending: Promise<void> = Promise.resolve()
  const send = async (text: string): Promise<void> => {
    try {
      const sent = await client.send(to, text)
      screen.print(terminal.json ? JSON.stringify({ type: "sent", ...sent }) : messageLine(terminal, sent))
    } catch (error) {
      const { message, next } = explain(error)
      screen.print(terminal.paint("red", `${message}. ${next}`))
    }
  }
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true })
    screen.lines.on("SIGINT", () => resolve())
    screen.lines.on("close", () => resolve())
    screen.lines.on("line", (line) => {
      if (line.trim() === "/quit") return resolve()
      if (line.trim() !== "") sending = sending.then(() => send(line.startsWith("//") ? line.slice(1) : line))
      return undefined
    })
  })
  await sending
}
