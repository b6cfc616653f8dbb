/**
 * `tacit chat`: a conversation in the terminal.
 *
 * Spec: docs/spec/16-state.md §16.2; docs/spec/08-sessions.md §8.4 (reset).
 * Line editing and history are node:readline's; what arrives is printed above the line being typed.
 */
import type { PromiseClient, PromiseConversation } from "@tacit/bots"
import type { Incoming } from "@tacit/core"
import { clearLine, createInterface, cursorTo, type Interface } from "node:readline"
import { accountOptions, openAccount } from "../Account.ts"
import type { Command, Context } from "../Command.ts"
import {
  messageLine,
  messageRecord,
  stateRecord,
  syncedLine,
  syncedRecord,
  time,
  warningLine,
  warningRecord,
  who
} from "../Display.ts"
import { ExitCode } from "../ExitCode.ts"
import { explain } from "../Explain.ts"
import { safe, type Terminal } from "../Terminal.ts"
import { within } from "../Within.ts"

export const chat: Command = {
  name: "chat",
  summary: "talk with a user in the terminal",
  about: [
    "Type a line and press Enter to send it. What arrives is shown with time and sender, and warnings with an exclamation mark. Each of your messages has a number; what became of it is shown as `#3 delivered`.",
    "Commands inside: /help, /accept <account id>, /reset, /states, /quit. A line that begins with // is sent with one slash. Messages from other people are shown too, with their names, because each message is shown only once.",
    "Ends at /quit, Ctrl-D, SIGINT or SIGTERM. Lines may also come from a pipe."
  ],
  positionals: [{ name: "user", text: "whom to talk with" }],
  options: [
    ...accountOptions,
    { name: "no-receipts", text: "do not tell the other side what was read" },
    {
      name: "wait",
      value: "seconds",
      default: "10",
      text: "at the end, how long to wait for the relay to take the last lines"
    }
  ],
  examples: [
    { line: "tacit chat bob", text: "talk with bob" },
    { line: "tacit chat bob --profile work", text: "the same from another of your accounts" }
  ],
  run: async (context) => {
    const user = context.inputs.positional("user")
    const wait = context.inputs.whole("wait", 0, 3600) ?? 10
    await using client = await openAccount(context)
    const conversation = await client.conversation(user, { signal: context.signal })
    const done = new AbortController()
    const signal = AbortSignal.any([context.signal, done.signal])
    const screen = openScreen(context.terminal, client.self.user ?? "you")
    const room = new Room(client, conversation, { ...context, signal }, screen)
    try {
      room.greet(user)
      const watching = Promise.all([room.showMessages(), room.showSynced(), room.showWarnings(), room.showStates()])
      await Promise.race([room.readLines(), watching])
      await room.settle(wait)
    } finally {
      done.abort(new DOMException("closed", "AbortError"))
      screen.close()
    }
    return ExitCode.ok
  }
}

/** Where lines are typed, and printed above what is being typed. */
interface Screen {
  readonly lines: Interface
  readonly print: (line: string) => void
  readonly prompt: () => void
  readonly close: () => void
}

const openScreen = (terminal: Terminal, name: string): Screen => {
  const interactive = terminal.stdin.isTTY === true && terminal.stdout.isTTY === true && !terminal.json
  const lines = createInterface({
    input: terminal.stdin,
    ...(interactive ? { output: terminal.stdout, terminal: true } : { terminal: false }),
    prompt: `${name}> `,
    historySize: 200
  })
  return {
    lines,
    print: (line) => {
      if (interactive) {
        clearLine(terminal.stdout, 0)
        cursorTo(terminal.stdout, 0)
      }
      terminal.out(line)
      if (interactive) lines.prompt(true)
    },
    prompt: () => {
      if (interactive) lines.prompt()
    },
    close: () => lines.close()
  }
}

/** One running conversation. */
class Room {
  readonly #client: PromiseClient
  readonly #conversation: PromiseConversation
  readonly #context: Context
  readonly #screen: Screen
  readonly #numbers = new Map<string, number>()
  #showStates = true
  #sending: Promise<void> = Promise.resolve()

  constructor(client: PromiseClient, conversation: PromiseConversation, context: Context, screen: Screen) {
    this.#client = client
    this.#conversation = conversation
    this.#context = context
    this.#screen = screen
  }

  greet(user: string): void {
    const { terminal } = this.#context
    if (terminal.json) return
    this.#note(`Talking with ${user}, end-to-end encrypted. /help shows the commands.`)
    this.#screen.prompt()
  }

  /** Reads until the end of the input or /quit. */
  readLines(): Promise<void> {
    const { lines } = this.#screen
    return new Promise((resolve) => {
      this.#context.signal.addEventListener("abort", () => resolve(), { once: true })
      lines.on("SIGINT", () => resolve())
      lines.on("close", () => resolve())
      lines.on("line", (line) => {
        if (line.trim() === "/quit") return resolve()
        this.#sending = this.#sending.then(() => this.#handle(line))
        return undefined
      })
    })
  }

  /** Waits for what was typed to be stored, then a while for the relay to take it. */
  async settle(seconds: number): Promise<void> {
    await this.#sending
    if (seconds === 0) return
    const signal = new AbortController().signal
    try {
      await within(seconds, signal, this.#client.flush())
    } catch {
      this.#note("The relay has not taken everything yet; the rest is sent the next time this profile is opened.")
    }
  }

  async showMessages(): Promise<void> {
    for await (const message of this.#quietly(this.#client.messages({ signal: this.#context.signal }))) {
      this.#showMessage(message)
      await this.#client.take(message)
      if (message.conversation === this.#conversation.id && message.body.type !== "typing")
        await this.#markRead(message)
    }
  }

  /** What was written on other devices of the account. */
  async showSynced(): Promise<void> {
    const { terminal, signal } = this.#context
    for await (const item of this.#quietly(this.#client.synced({ signal }))) {
      const line = terminal.json ? JSON.stringify(syncedRecord(item)) : syncedLine(terminal, item)
      if (line !== undefined) this.#screen.print(line)
      await this.#client.takeSynced(item)
    }
  }

  async showWarnings(): Promise<void> {
    const { terminal, signal } = this.#context
    for await (const warning of this.#quietly(this.#client.warnings({ signal }))) {
      this.#screen.print(terminal.json ? JSON.stringify(warningRecord(warning)) : warningLine(terminal, warning))
    }
  }

  async showStates(): Promise<void> {
    const { terminal, signal } = this.#context
    for await (const event of this.#quietly(this.#client.outbox({ signal }))) {
      const number = event.own ? undefined : this.#numbers.get(event.id)
      if (terminal.json) this.#screen.print(JSON.stringify(stateRecord(event)))
      else if (number !== undefined && (this.#showStates || event.state === "failed") && event.state !== "queued") {
        this.#note(`#${number} ${event.state}${event.reason === undefined ? "" : `: ${safe(event.reason)}`}`)
      }
    }
  }

  async #handle(line: string): Promise<void> {
    try {
      if (line.startsWith("/") && !line.startsWith("//")) await this.#command(line)
      else if (line.trim() !== "") await this.#send(line.startsWith("//") ? line.slice(1) : line)
    } catch (error) {
      const { message, next } = explain(error)
      this.#screen.print(this.#context.terminal.paint("red", `${message}. ${next}`))
    }
    this.#screen.prompt()
  }

  async #send(text: string): Promise<void> {
    const { terminal, signal } = this.#context
    const sent = await this.#conversation.send(text, { signal })
    const number = this.#numbers.size + 1
    this.#numbers.set(sent.id, number)
    if (terminal.json) terminal.record({ type: "sent", ...sent })
    else this.#note(`${time(Date.now())} #${number} on its way`)
  }

  async #command(line: string): Promise<void> {
    const [name = "", argument = ""] = line.trim().split(/\s+/)
    switch (name) {
      case "/help":
        for (const text of [
          "/accept <account id>  accept a changed identity, after comparing it over another channel",
          "/reset                start the encryption afresh with the next message",
          "/states               show or hide what becomes of your messages",
          "/quit                 leave; Ctrl-D does the same"
        ]) {
          this.#note(text)
        }
        return
      case "/reset":
        await this.#conversation.reset({ signal: this.#context.signal })
        return this.#note("The next message starts a new session.")
      case "/states":
        this.#showStates = !this.#showStates
        return this.#note(this.#showStates ? "States are shown." : "States are hidden.")
      case "/accept":
        await this.#client.acceptIdentity(this.#conversation.user, argument, { signal: this.#context.signal })
        return this.#note("Accepted. Messages go to this identity from now on.")
      default:
        return this.#note("There is no such command; /help lists them.")
    }
  }

  #showMessage(message: Incoming): void {
    const { terminal } = this.#context
    if (terminal.json) this.#screen.print(JSON.stringify(messageRecord(message)))
    else if (message.body.type === "typing") {
      if (message.body.typing) this.#note(`${who(message.from)} is typing`)
    } else this.#screen.print(messageLine(terminal, message))
  }

  /** Receipts are a courtesy: when one cannot be sent, nothing else suffers. */
  async #markRead(message: Incoming): Promise<void> {
    if (this.#context.inputs.flag("no-receipts")) return
    try {
      await this.#conversation.markRead([message.id])
    } catch (error) {
      if (this.#context.terminal.debug) this.#context.terminal.err(explain(error).message)
    }
  }

  #note(text: string): void {
    const { terminal } = this.#context
    if (!terminal.json) this.#screen.print(terminal.paint("dim", text))
  }

  /** A stream that ends, instead of failing, when the conversation is over. */
  async *#quietly<A>(stream: AsyncIterable<A>): AsyncGenerator<A> {
    try {
      yield* stream
    } catch (error) {
      if (!this.#context.signal.aborted) throw error
    }
  }
}
