/**
 * `tacit history status`: what there is, what is under way, and how the other own devices stand.
 *
 * Spec: docs/spec/23-history.md rules history.keep.2, history.digest.1, history.compared.1 and history.wish.1.
 */
import type { PromiseClient } from "@tacit/bots"
import type { HistoryDevice, HistoryStatus } from "@tacit/core"
import { accountOptions } from "../../Account.ts"
import type { Command, Context } from "../../Command.ts"
import { messageCount, shortId, stamp } from "../../Display.ts"
import { ExitCode } from "../../ExitCode.ts"
import { openHistory } from "./open.ts"
import { rangeText } from "./range.ts"
import { HistoryPending, progressLine, stay, type Stay, type Stayed } from "./watch.ts"

/** Options of commands that stay until archives are complete. */
export const timeoutOption = {
  name: "timeout",
  value: "seconds",
  text: "stay at most so long (default: until it is complete); it goes on whenever both devices are open"
} as const

const deviceLine = ({ comparedAt, device, equal }: HistoryDevice): string => {
  if (comparedAt === undefined) return `Device ${shortId(device)}: not compared with yet`
  const when = `when they were last compared, ${stamp(comparedAt)}`
  return equal === true
    ? `Device ${shortId(device)}: the same ${when}`
    : `Device ${shortId(device)}: not the same ${when}`
}

/** A history as a JSON object. */
export const record = ({ archives, devices, ...rest }: HistoryStatus): object => ({
  type: "history",
  kept: true,
  ...rest,
  archives: archives.map((archive) => ({ ...archive, reason: archive.reason ?? null, of: archive.of ?? null })),
  devices: devices.map(({ comparedAt, device, equal, since }) => ({
    device,
    comparedAt: comparedAt ?? null,
    equal: equal ?? null,
    since: since ?? null
  }))
})

const show = (
  { terminal }: Context,
  { archives, beginning, devices, digest, entries, wishes }: HistoryStatus
): void => {
  const from = beginning === 0 ? "from the beginning" : `since ${stamp(beginning)}`
  terminal.out(`Kept ${from}: ${messageCount(entries)}`)
  terminal.out(`Digest ${digest}`)
  for (const device of devices) terminal.out(deviceLine(device))
  for (const archive of archives) terminal.out(`${progressLine(archive)}, since ${stamp(archive.madeAt)}`)
  for (const { device, madeAt, range } of wishes) {
    terminal.out(`Asked device ${shortId(device)} for ${rangeText(range)}, ${stamp(madeAt)}: it was not open since`)
  }
  if (archives.length + wishes.length > 0) {
    terminal.err("What is under way goes on while both devices are open: `tacit history status --wait`.")
  }
}

/** Whether nothing is under way, and nothing asked for. */
const isIdle = ({ archives, wishes }: HistoryStatus): boolean => archives.length + wishes.length === 0

/** How long after logging in it is waited for what another device asks for, ms. */
const arrivalMs = 3_000

const waitFor = async (
  client: PromiseClient,
  context: Context,
  seconds: number | undefined
): Promise<Stayed["end"]> => {
  let connectedAt = Infinity
  const closing = new AbortController()
  const connecting = (async () => {
    for await (const { _tag } of client.status({ signal: closing.signal })) {
      if (_tag !== "Connected") continue
      connectedAt = performance.now()
      return
    }
  })().catch(() => undefined)
  const isOver: Stay["isOver"] = (now) => isIdle(now) && performance.now() - connectedAt > arrivalMs
  const { end } = await stay(client, context, { isOver, seconds })
  closing.abort()
  await connecting
  return end
}

export const status: Command = {
  name: "history status",
  summary: "what is kept, what is under way, and how your other devices stand",
  about: [
    "Prints from when on messages are kept, how many there are, and their digest: the same on every device that has the same messages. Then a line for each other device, with when the two were last compared, and for each archive that is under way or was asked for.",
    "With --wait it stays, shows how far archives are, and ends when none is left. Interrupted, it ends with 0 and the archive goes on the next time."
  ],
  positionals: [],
  options: [
    ...accountOptions,
    { name: "wait", text: "stay until nothing is under way" },
    { ...timeoutOption, text: "with --wait: stay at most so long, then end with 5" }
  ],
  examples: [
    { line: "tacit history status", text: "how it stands" },
    { line: "tacit history status --wait", text: "bring an archive to its end" },
    { line: "tacit history status --json", text: "one object, for a monitoring system" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const seconds = inputs.whole("timeout", 1, 31_536_000)
    await using client = await openHistory(context)
    const end = inputs.flag("wait") ? await waitFor(client, context, seconds) : "over"
    if (end === "stopped") return ExitCode.ok
    const now = await client.history.status({ signal })
    if (terminal.json) terminal.record(record(now))
    else show(context, now)
    if (end === "late") throw new HistoryPending()
    return ExitCode.ok
  }
}
