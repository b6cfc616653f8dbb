/**
 * Runs of the runner, inside a test.
 */
import { fileURLToPath } from "node:url"
import type { Handler } from "../src/protocol/Message.ts"
import type { ResultEvent } from "../src/protocol/Result.ts"
import { main } from "../src/main/Dispatch.ts"
import { run, type RunEnd, type RunOptions } from "../src/run/Run.ts"
import { greetHandler } from "../src/subject/InProcess.ts"
import type { Source } from "../src/subject/Subject.ts"
import { Timeouts } from "../src/subject/Timeouts.ts"
import { load, type Suite } from "../src/suite/Suite.ts"

export const vectors = fileURLToPath(new URL("../../vectors", import.meta.url))

let loaded: Suite | undefined
export const suite = (): Suite => (loaded ??= load(vectors))

export const seed = "5e".repeat(64)

/** A program under `subjects`, as a command line. */
export const program = (path: string, ...words: ReadonlyArray<string>): string =>
  [process.execPath, "-C", "@tacit/source", fileURLToPath(new URL(`../subjects/${path}`, import.meta.url)), ...words]
    .map((word) => `'${word}'`)
    .join(" ")

/** A subject out of handlers: each start makes a new one. */
export const handlerSource = (make: () => Handler, timeouts: Timeouts = new Timeouts()): Source => ({
  title: "in-process test",
  start: (from) => greetHandler(make(), from, timeouts)
})

export interface Ran extends RunEnd {
  readonly events: ReadonlyArray<ResultEvent>
}

/** A run without properties unless told otherwise. */
export const runOf = async (
  source: Source,
  options: Partial<RunOptions> & { readonly selection?: RunOptions["selection"] } = {}
): Promise<Ran> => {
  const events: Array<ResultEvent> = []
  const end = await run({
    suite: suite(),
    source,
    timeouts: new Timeouts(),
    seed,
    selection: { families: [], cases: [] },
    jobs: 1,
    wires: "failures",
    peer: () => Promise.reject(new Error("no property was asked for")),
    emit: (event) => void events.push(event),
    signal: new AbortController().signal,
    now: Date.UTC(2027, 0, 1),
    ...options
  })
  return { ...end, events }
}

/** The command, with what it printed. */
export const command = async (...words: ReadonlyArray<string>) => {
  const out: Array<string> = []
  const err: Array<string> = []
  const code = await main(words, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    signal: new AbortController().signal
  })
  return { code, out: out.join("\n"), err: err.join("\n") }
}
