/**
 * `tacit send`: one message, one per line of standard input, or a file, and wait until the relay has them.
 *
 * Spec: docs/spec/16-state.md §16.2 (state.outbox.1, state.outbox.2); docs/spec/11-attachments.md §11.6.
 */
import type { PromiseClient } from "@tacit/bots"
import type { PromiseFileSource } from "@tacit/core/promise"
import { accountOptions, openAccount, refusal } from "../Account.ts"
import type { Command, Context } from "../Command.ts"
import { fileRecord, warningLine } from "../Display.ts"
import { ExitCode } from "../ExitCode.ts"
import { mediaTypeOf, nameOf, sourceOf } from "../Files.ts"
import { readAll, split } from "../Lines.ts"
import { peerOf } from "../Peer.ts"
import { UsageError } from "../UsageError.ts"
import { within } from "../Within.ts"

export const send: Command = {
  name: "send",
  summary: "send text, every line of standard input, or a file to a user",
  about: [
    "Ends when the relay has everything. What could not be handed over in time stays in the store and is sent the next time this profile is opened.",
    "Without text, every line of standard input becomes one message. A line ends at a line feed, or at a carriage return and a line feed; the ending is not sent. Empty lines are sent as empty messages. Input that is not UTF-8 is refused before anything is sent.",
    "With --file the file is sealed, uploaded once and sent as a message; --timeout counts from the end of the upload. With --idempotency-key an upload that was cut goes on where it was when the same line is given again, and one that was sent is not sent twice."
  ],
  positionals: [
    { name: "user", text: "who gets it" },
    { name: "text", text: "what to say; words are joined by blanks", optional: true, many: true }
  ],
  options: [
    ...accountOptions,
    { name: "timeout", value: "seconds", default: "30", text: "how long to wait for the relay" },
    { name: "file", value: "path", text: "send this file instead of text" },
    { name: "reply-to", value: "id", text: "the message this answers" },
    { name: "idempotency-key", value: "key", text: "with the same key again nothing new is sent" },
    {
      name: "accept-identity",
      value: "account",
      text: "accept this changed identity first; compare it over another channel"
    }
  ],
  examples: [
    { line: "tacit send bob 'See you at eight'", text: "one message" },
    { line: "git log --oneline -5 | tacit send bob", text: "one message per line" },
    { line: "tacit send bob --file holiday.jpg", text: "a file" },
    { line: "tacit send ops 'backup done' --idempotency-key backup-2031-05-01", text: "safe to run twice" }
  ],
  run: async (context) => {
    const { inputs, terminal } = context
    const text = inputs.positional("text")
    const file = inputs.text("file")
    if (file !== undefined && text !== "") {
      throw new UsageError("--file and text are two messages", "Send one after the other.")
    }
    const key = inputs.text("idempotency-key")
    const replyTo = inputs.text("reply-to")
    const seconds = inputs.whole("timeout", 1, 86_400) ?? 30
    const source = file === undefined ? undefined : await sourceOf(file)
    const lines = source !== undefined ? [] : text === "" ? split(await readAll(terminal.stdin)) : [text]
    if (source === undefined && lines.length === 0)
      throw new UsageError("there is nothing to send", "Give text, or lines on standard input.")
    if (lines.length > 1 && (key !== undefined || replyTo !== undefined)) {
      throw new UsageError("--idempotency-key and --reply-to are for one message", "Send the lines one by one.")
    }
    await using client = await openAccount(context)
    const done = new AbortController()
    const watching = watch(client, { ...context, signal: AbortSignal.any([context.signal, done.signal]) })
    try {
      if (file !== undefined && source !== undefined) {
        await Promise.race([sendFile(client, context, file, source, { key, replyTo }), watching])
      }
      const work = Promise.race([sendAll(client, context, lines, { key, replyTo }), watching])
      await within(seconds, context.signal, work)
    } finally {
      done.abort(new DOMException("done", "AbortError"))
    }
    return ExitCode.ok
  }
}

/** Shows warnings meanwhile, and rejects when the relay turns this device away. Never resolves. */
const watch = async (client: PromiseClient, { terminal, signal }: Context): Promise<never> => {
  const warnings = async () => {
    for await (const warning of client.warnings({ signal })) terminal.err(warningLine(terminal, warning))
  }
  warnings().catch(() => undefined)
  const turnedAway = refusal(client, signal)
  turnedAway.catch(() => undefined)
  return turnedAway
}

interface Given {
  readonly key: string | undefined
  readonly replyTo: string | undefined
}

const acceptIdentity = async (client: PromiseClient, { inputs, signal }: Context): Promise<void> => {
  const accepted = inputs.text("accept-identity")
  if (accepted !== undefined) await client.acceptIdentity(inputs.positional("user"), accepted, { signal })
}

/** Uploads a file and queues the message about it. */
const sendFile = async (
  client: PromiseClient,
  context: Context,
  path: string,
  source: PromiseFileSource,
  { key, replyTo }: Given
): Promise<void> => {
  const { inputs, signal, terminal } = context
  await acceptIdentity(client, context)
  const options = {
    name: nameOf(path),
    mediaType: mediaTypeOf(path),
    ...(key === undefined ? {} : { resume: key }),
    ...(replyTo === undefined ? {} : { replyTo })
  }
  let shown = -1
  for await (const step of client.attachments.send(peerOf(inputs.positional("user")), source, options, { signal })) {
    if (step.state === "sent") {
      if (terminal.json) terminal.record({ type: "sent", ...step.message, attachment: fileRecord(step.attachment) })
      continue
    }
    const percent = Math.floor((100 * step.sent) / step.of)
    if (terminal.json) terminal.record({ type: "upload", state: step.state, sent: step.sent, of: step.of })
    else if (terminal.stdout.isTTY === true && percent >= shown + 10) {
      shown = percent
      terminal.err(terminal.paint("dim", `${percent} % uploaded`))
    }
  }
}

const sendAll = async (
  client: PromiseClient,
  context: Context,
  lines: ReadonlyArray<string>,
  { key, replyTo }: Given
): Promise<void> => {
  const { inputs, signal, terminal } = context
  const user = inputs.positional("user")
  if (lines.length > 0) await acceptIdentity(client, context)
  for (const line of lines) {
    const sent = await client.send(peerOf(user), line, {
      signal,
      ...(key === undefined ? {} : { idempotencyKey: key }),
      ...(replyTo === undefined ? {} : { replyTo })
    })
    if (terminal.json) terminal.record({ type: "sent", ...sent })
  }
  await client.flush({ signal })
  if (!terminal.json && terminal.stdout.isTTY === true) {
    terminal.out(terminal.paint("dim", lines.length <= 1 ? "sent" : `${lines.length} messages sent`))
  }
}
