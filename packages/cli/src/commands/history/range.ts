/**
 * Which part of a history a command means: times, numbers and conversations as they are typed.
 *
 * Spec: docs/spec/23-history.md rule history.choose.1.
 */
import type { PromiseClient } from "@tacit/bots"
import type { ArchiveRange } from "@tacit/core"
import type { Context, Option } from "../../Command.ts"
import { stamp } from "../../Display.ts"
import { safe } from "../../Terminal.ts"
import { UsageError } from "../../UsageError.ts"

/** Fewest digits of an id that name a conversation or a device. */
const fewest = 6

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

export const sinceOption: Option = {
  name: "since",
  value: "when",
  text: "what was sent from then on: 2026-11-01, 2026-11-01T18:30, or as long ago as 45m, 12h, 30d, 8w"
}

/** Options of every command that takes a part of the history. */
export const rangeOptions: ReadonlyArray<Option> = [
  { name: "all", text: "everything (when nothing is said)" },
  sinceOption,
  { name: "last", value: "n", text: "the last n messages of each conversation" },
  {
    name: "conversation",
    value: "names",
    text: "only these: users or conversation ids, separated by commas; may stand beside --since"
  }
]

/** A time as it is typed, ms since 1970. Dates without a zone are local. */
export const timeOf = (text: string, now: number): number => {
  const ago = /^(\d{1,6})([mhdw])$/.exec(text)
  if (ago !== null) return Math.max(0, now - Number(ago[1]) * units[ago[2]!]!)
  // A date alone would be read as midnight in Greenwich.
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00`) : Date.parse(text)
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && at >= 0) return at
  throw new UsageError(`${safe(text.slice(0, 40))} is no time`, "Write 2026-11-01, 2026-11-01T18:30, 12h or 30d.")
}

/** What `--since` says. */
export const sinceOf = ({ inputs }: Context): number | undefined => {
  const text = inputs.text("since")
  return text === undefined ? undefined : timeOf(text, Date.now())
}

/** The part that the options name; `{}` is everything. */
export const rangeOf = async (context: Context, client: PromiseClient): Promise<ArchiveRange> => {
  const { inputs } = context
  const since = sinceOf(context)
  const last = inputs.whole("last", 1, 1_000_000_000)
  const names = inputs.text("conversation")
  if (inputs.flag("all") && (since ?? last ?? names) !== undefined) {
    throw new UsageError("--all stands alone", "Leave it out, or the others.")
  }
  if (last !== undefined && (since ?? names) !== undefined) {
    throw new UsageError("--last stands alone", "It counts in every conversation. Leave it out, or the others.")
  }
  const conversations = names === undefined ? undefined : await conversationsOf(client, names.split(","))
  return {
    ...(since === undefined ? {} : { since }),
    ...(last === undefined ? {} : { last }),
    ...(conversations === undefined ? {} : { conversations })
  }
}

/** The conversations that words name: a user, an account id, or a conversation id or the beginning of one. */
export const conversationsOf = async (
  client: PromiseClient,
  words: ReadonlyArray<string>
): Promise<ReadonlyArray<string>> => {
  const known = await client.history.conversations()
  return words.map((word) => {
    const named = known.filter(
      ({ conversation, peer }) =>
        peer?.user === word ||
        peer?.account === word ||
        (word.length >= fewest && /^[0-9a-f]+$/.test(word) && conversation.startsWith(word))
    )
    if (named.length === 1) return named[0]!.conversation
    const what = safe(word.slice(0, 64))
    throw new UsageError(
      named.length === 0 ? `the history has no conversation ${what}` : `more than one conversation begins with ${what}`,
      "`tacit history list` shows the conversations there are."
    )
  })
}

/** The other own device that a word names: its id, or the beginning of it. */
export const deviceOf = async (client: PromiseClient, word: string): Promise<string> => {
  const given = word.toLowerCase()
  const { devices } = await client.devices()
  const named = given.length < fewest ? [] : devices.filter(({ id }) => id.startsWith(given))
  const [device] = named
  if (named.length === 1 && device!.current) throw new UsageError("that is this device itself", "Name another one.")
  if (named.length === 1) return device!.id
  throw new UsageError(
    named.length === 0 ? "the account has no device that begins so" : "more than one device begins so",
    `Give at least ${fewest} digits of its id: \`tacit device list\` shows them.`
  )
}

/** A part in words. */
export const rangeText = ({ conversations, last, since }: ArchiveRange): string => {
  if (last !== undefined)
    return last === 1 ? "the last message of each conversation" : `the last ${last} messages of each conversation`
  const from = since === undefined || since === 0 ? "everything" : `everything since ${stamp(since)}`
  if (conversations === undefined) return from
  return `${from} in ${conversations.length === 1 ? "one conversation" : `${conversations.length} conversations`}`
}
