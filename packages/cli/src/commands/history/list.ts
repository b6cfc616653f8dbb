/**
 * `tacit history list` and `tacit history digest`: reading what is kept.
 *
 * Spec: docs/spec/23-history.md §23.1, §23.2.
 */
import type { PromiseClient } from "@tacit/bots"
import type { HistoryConversation, HistoryEntry } from "@tacit/core"
import { accountOptions } from "../../Account.ts"
import type { Command, Context } from "../../Command.ts"
import { bodyLine, bodyRecord, senderRecord, shortId, stamp, who } from "../../Display.ts"
import { ExitCode } from "../../ExitCode.ts"
import { openHistory } from "./open.ts"
import { conversationsOf, sinceOf, sinceOption } from "./range.ts"

/** Messages of a conversation that are listed when nothing is said. */
const usual = 50

/** Messages that are read at once. */
const pageSize = 500

const record = ({ body, from, readAt, replyTo, ...rest }: HistoryEntry): object => ({
  type: "entry",
  ...rest,
  from: senderRecord(from),
  body: bodyRecord(body),
  replyTo: replyTo ?? null,
  readAt: readAt ?? null
})

const line = ({ terminal }: Context, entry: HistoryEntry): string =>
  `${terminal.paint("dim", stamp(entry.sentAt))} ${terminal.paint("cyan", entry.own ? "you" : who(entry.from))}: ${bodyLine(entry)}`

const nameOf = ({ conversation, peer }: HistoryConversation): string =>
  peer === undefined ? shortId(conversation) : who(peer)

/** The messages of a conversation, oldest first: at most so many, and none sent before a time. */
const messagesOf = async (
  client: PromiseClient,
  conversation: string,
  { last, since }: { readonly last: number; readonly since: number }
): Promise<ReadonlyArray<HistoryEntry>> => {
  const found: Array<HistoryEntry> = []
  for (let before: string | undefined; ;) {
    const limit = Math.min(pageSize, last - found.length)
    const page = await client.history.page({ conversation, limit, ...(before === undefined ? {} : { before }) })
    const wanted = page.entries.filter(({ sentAt }) => sentAt >= since)
    found.push(...wanted)
    before = page.before
    if (before === undefined || found.length >= last || wanted.length < page.entries.length) return found.reverse()
  }
}

export const list: Command = {
  name: "history list",
  summary: "read what was said",
  about: [
    "Without a word it lists the conversations, each with its newest message. With a user or a conversation id it prints that conversation, oldest message first: the last 50, or with --since all from then on. With --since or --last and no conversation it prints all of them, one after the other.",
    "Reads only what this device keeps; messages count as read by `tacit chat` or `tacit listen`, not by this."
  ],
  positionals: [{ name: "conversation", text: "a user, or a conversation id or the beginning of one", optional: true }],
  options: [
    ...accountOptions,
    sinceOption,
    { name: "last", value: "n", text: "the last n messages (default: 50, or with --since all)" }
  ],
  examples: [
    { line: "tacit history list", text: "every conversation" },
    { line: "tacit history list bob --last 10", text: "the last ten messages with bob" },
    { line: "tacit history list --since 24h --json", text: "everything since yesterday, for a program" }
  ],
  run: async (context) => {
    const { inputs, terminal } = context
    const word = inputs.positional("conversation")
    const since = sinceOf(context)
    const last = inputs.whole("last", 1, 1_000_000_000)
    await using client = await openHistory(context)
    const all = await client.history.conversations()
    if (word === "" && (since ?? last) === undefined) {
      for (const one of all) overview(context, one)
      if (all.length === 0 && !terminal.json) terminal.err("Nothing is kept yet.")
      return ExitCode.ok
    }
    const chosen = word === "" ? all.map(({ conversation }) => conversation) : await conversationsOf(client, [word])
    const bounds = { since: since ?? 0, last: last ?? (since === undefined ? usual : Infinity) }
    for (const conversation of chosen) {
      const entries = await messagesOf(client, conversation, bounds)
      const one = all.find((known) => known.conversation === conversation)!
      if (word === "" && entries.length > 0 && !terminal.json) terminal.out(terminal.paint("bold", nameOf(one)))
      for (const entry of entries) {
        if (terminal.json) terminal.record(record(entry))
        else terminal.out(line(context, entry))
      }
    }
    return ExitCode.ok
  }
}

const overview = (context: Context, one: HistoryConversation): void => {
  const { terminal } = context
  const { conversation, newest, peer } = one
  if (!terminal.json) {
    return terminal.out(`${shortId(conversation)}  ${terminal.paint("bold", nameOf(one))}  ${line(context, newest)}`)
  }
  terminal.record({
    type: "conversation",
    conversation,
    peer: peer === undefined ? null : senderRecord(peer),
    newest: record(newest)
  })
}

export const digest: Command = {
  name: "history digest",
  summary: "one number for everything that is kept, the same on equal devices",
  about: [
    "Two devices that print the same digest keep the same messages. Of a conversation, or of what was sent since a time, it is the digest of that part."
  ],
  positionals: [{ name: "conversation", text: "a user, or a conversation id or the beginning of one", optional: true }],
  options: [...accountOptions, sinceOption],
  examples: [
    { line: "tacit history digest", text: "of everything" },
    { line: "tacit history digest bob --since 2026-01-01", text: "of one conversation, from a day on" }
  ],
  run: async (context) => {
    const { inputs, terminal } = context
    const word = inputs.positional("conversation")
    const since = sinceOf(context)
    await using client = await openHistory(context)
    const [conversation] = word === "" ? [] : await conversationsOf(client, [word])
    const value = await client.history.digest({
      ...(conversation === undefined ? {} : { conversation }),
      ...(since === undefined ? {} : { since })
    })
    if (terminal.json)
      terminal.record({ type: "digest", digest: value, conversation: conversation ?? null, since: since ?? null })
    else terminal.out(value)
    return ExitCode.ok
  }
}
