/**
 * `tacit history ask` and `tacit history offer`: archives between one's own devices.
 *
 * Spec: docs/spec/23-history.md §23.6.
 */
import type { PromiseClient } from "@tacit/bots"
import { accountOptions } from "../../Account.ts"
import type { Command, Context } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { openHistory } from "./open.ts"
import { deviceOf, rangeOf, rangeOptions, rangeText } from "./range.ts"
import { timeoutOption } from "./status.ts"
import { goesOn, HistoryEnded, HistoryPending, stay, type Stay } from "./watch.ts"

/** Stays until it is over, and says what becomes of it otherwise. */
const finish = async (client: PromiseClient, context: Context, what: Stay): Promise<ExitCode> => {
  const { end, ended } = await stay(client, context, what)
  if (end === "late") throw new HistoryPending()
  if (end === "stopped" && !context.terminal.json) context.terminal.err(goesOn)
  const refused = ended.find(({ reason, state }) => state === "ended" && reason !== "gone")
  if (refused !== undefined && !ended.some(({ state }) => state === "done")) {
    throw new HistoryEnded(refused.reason ?? "")
  }
  return ExitCode.ok
}

export const ask: Command = {
  name: "history ask",
  summary: "ask your other devices for what was said before",
  about: [
    "Asks one of your other devices, or all of them, for an archive of the history or of a part of it, and stays until it is here. A device that keeps a history gives it as soon as both are open; what is missing only here and there they find out by themselves, without being asked.",
    "Killed or interrupted anywhere, it goes on from the last piece that was stored, the next time both are open."
  ],
  positionals: [],
  options: [
    ...accountOptions,
    {
      name: "device",
      value: "id",
      text: "the device to ask, or the first digits of its id (default: every other one)"
    },
    ...rangeOptions,
    timeoutOption
  ],
  examples: [
    { line: "tacit history ask", text: "everything, of every other device" },
    { line: "tacit history ask --device 3f2a9c1b --last 100", text: "a hundred messages of each conversation" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const seconds = inputs.whole("timeout", 1, 31_536_000)
    await using client = await openHistory(context)
    const range = await rangeOf(context, client)
    const word = inputs.text("device")
    const device = word === undefined ? undefined : await deviceOf(client, word)
    await client.history.ask(range, device, { signal })
    if (!terminal.json) terminal.err(`Asked for ${rangeText(range)}.`)
    const isOver: Stay["isOver"] = ({ archives, wishes }, ended) =>
      // Of several devices, what the first one gives is enough.
      (device === undefined && ended.some(({ direction, state }) => direction === "taking" && state === "done")) ||
      (wishes.length === 0 && archives.every(({ direction }) => direction === "giving"))
    return await finish(client, context, { isOver, seconds })
  }
}

export const offer: Command = {
  name: "history offer",
  summary: "give one of your other devices what was said before",
  about: [
    "Offers an archive of the history, or of a part of it, to another device of yours, and stays until it was taken. A device that keeps a history takes it without a question.",
    "Killed or interrupted anywhere, it goes on from the last piece that was stored, the next time both are open. An offer nobody takes is forgotten after 30 days."
  ],
  positionals: [{ name: "device", text: "its id, or the first digits of it (`tacit device list`)" }],
  options: [...accountOptions, ...rangeOptions, timeoutOption],
  examples: [
    { line: "tacit history offer 9d40e7aa", text: "everything" },
    { line: "tacit history offer 9d40e7aa --since 30d", text: "the last thirty days" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const seconds = inputs.whole("timeout", 1, 31_536_000)
    await using client = await openHistory(context)
    const device = await deviceOf(client, inputs.positional("device"))
    const range = await rangeOf(context, client)
    const archive = await client.history.offer(device, range, { signal })
    if (!terminal.json) terminal.err(`Offered ${rangeText(range)}. Waiting until the other device takes it…`)
    return await finish(client, context, {
      isOver: ({ archives }) => archives.every((one) => one.archive !== archive),
      seconds
    })
  }
}
