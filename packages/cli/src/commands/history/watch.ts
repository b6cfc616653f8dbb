/**
 * Staying while archives between own devices are under way, and showing how far they are.
 *
 * Spec: docs/spec/23-history.md §23.6.
 * Changes nothing: what is under way goes on whether or not somebody watches, for as long as the account is open.
 */
import type { PromiseClient } from "@tacit/bots"
import type { ArchiveProgress, HistoryStatus } from "@tacit/core"
import { refusal } from "../../Account.ts"
import type { Context } from "../../Command.ts"
import { grouped, messageCount, shortId } from "../../Display.ts"
import * as Progress from "../../Progress.ts"
import { within } from "../../Within.ts"
import { rangeText } from "./range.ts"

/** What is asked for, or an archive, that was not at its end when nobody could wait any longer. It goes on. */
export class HistoryPending extends Error {
  readonly _tag = "HistoryPending"
}

/** An archive that ended without being complete, and does not begin anew by itself. */
export class HistoryEnded extends Error {
  readonly _tag = "HistoryEnded"
  readonly reason: string

  constructor(reason: string) {
    super()
    this.reason = reason
  }
}

/** What is said when somebody does not wait for the end. */
export const goesOn = "It goes on whenever both devices are open: `tacit history status --wait`."

/** How often it is looked whether something is left, ms: what ended before anybody listened is not told. */
const lookMs = 1_000

/** How long the last word may take to reach the relay, seconds. It is sent the next time otherwise. */
const flushSeconds = 10

const reasons: Readonly<Record<string, string>> = {
  declined: "the other device did not want it",
  gone: "one of the two was put back to an older copy; it begins anew by itself",
  damaged: "the other device could not read it; begin anew"
}

/** An archive in a line. */
export const progressLine = ({ bytes, device, direction, entries, of }: ArchiveProgress): string => {
  const whose = `${direction === "giving" ? "to" : "from"} device ${shortId(device)}`
  const isKnown = of !== undefined && of.entries > 0
  const count = isKnown ? `${grouped(entries)} of about ${messageCount(of.entries)}` : messageCount(entries)
  return `History ${whose}: ${count}, ${size(bytes)}`
}

/** Bytes as people read them. */
export const size = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / (1024 * 1024)).toFixed(1)} MiB`

const isEnd = ({ state }: ArchiveProgress): boolean => state === "done" || state === "ended"

/** How long to stay, and for what. */
export interface Stay {
  /** Whether nothing is left to be waited for; `ended` are the archives that ended meanwhile. */
  readonly isOver: (status: HistoryStatus, ended: ReadonlyArray<ArchiveProgress>) => boolean
  /** At most so long; without it as long as it takes. */
  readonly seconds?: number | undefined
}

/** How long two devices may take to find out that they have the same, ms. */
const comparisonMs = 10_000

/** The same, and then until the two have compared what they have, for a while. */
export const untilCompared = (device: string, isOver: Stay["isOver"]): Stay["isOver"] => {
  let overAt: number | undefined
  let before: number | undefined
  return (status, ended) => {
    const comparedAt = status.devices.find((one) => one.device === device)?.comparedAt
    if (!isOver(status, ended)) {
      before = comparedAt
      return false
    }
    overAt ??= performance.now()
    return (comparedAt !== undefined && comparedAt !== before) || performance.now() - overAt > comparisonMs
  }
}

/** How a stay ended, and the archives that ended in it. */
export interface Stayed {
  readonly end: "over" | "stopped" | "late"
  readonly ended: ReadonlyArray<ArchiveProgress>
}

/**
 * Shows archives until nothing is left. `end` is `"over"`, `"stopped"` when the command was interrupted, or `"late"` when the time was up: in
 * both of the last cases it goes on whenever both devices are open.
 */
export const stay = async (
  client: PromiseClient,
  { signal: outer, terminal }: Context,
  { isOver, seconds }: Stay
): Promise<Stayed> => {
  const limit = seconds === undefined ? [] : [AbortSignal.timeout(seconds * 1000)]
  const over = new AbortController()
  const signal = AbortSignal.any([outer, over.signal, ...limit])
  const ended: Array<ArchiveProgress> = []
  const line = Progress.make(terminal)
  let waitsFor = ""
  const look = async (): Promise<void> => {
    const status = await client.history.status({ signal })
    if (isOver(status, ended)) over.abort()
    const [wish] = status.wishes
    if (wish === undefined || status.archives.length > 0 || waitsFor === wish.device) return
    waitsFor = wish.device
    if (terminal.json) return
    line.clear()
    terminal.err(`Asked device ${shortId(wish.device)} for ${rangeText(wish.range)}. Waiting until it is open, too…`)
  }
  const looking = (async () => {
    while (!signal.aborted) {
      await look()
      await pause(lookMs, signal)
    }
  })()
  const listening = (async () => {
    for await (const progress of client.history.archives({ signal })) {
      if (terminal.json)
        terminal.record({ type: "archive", ...progress, reason: progress.reason ?? null, of: progress.of ?? null })
      else if (!isEnd(progress)) line.show(progressLine(progress))
      if (!isEnd(progress)) continue
      ended.push(progress)
      line.clear()
      if (!terminal.json) terminal.out(endLine(progress))
      await look()
    }
  })()
  let isAllOver = false
  try {
    await Promise.race([looking, listening, refusal(client, signal)])
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    isAllOver = over.signal.aborted
    over.abort()
    await Promise.allSettled([looking, listening])
    line.clear()
  }
  // The other end waits for the last word.
  if (isAllOver) await within(flushSeconds, outer, client.flush()).catch(() => undefined)
  return { end: isAllOver ? "over" : outer.aborted ? "stopped" : "late", ended }
}

const endLine = (progress: ArchiveProgress): string =>
  progress.state === "done"
    ? `${progressLine(progress)}: complete.`
    : `${progressLine(progress)}: ended, ${reasons[progress.reason ?? ""] ?? `refused (${progress.reason})`}.`

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true })
    return undefined
  })
