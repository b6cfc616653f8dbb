/** The command in this process: quicker than one of its own, and without a terminal unless a test says so. */
import { PassThrough } from "node:stream"
import type { ExitCode } from "../src/ExitCode.ts"
import { run } from "../src/Run.ts"

/** What a call finds around it. */
export interface Setting {
  readonly env: Readonly<Record<string, string>>
  /** What standard input holds. */
  readonly input?: string
  /** Makes standard input a terminal, at which one of these is typed at each prompt. */
  readonly answers?: ReadonlyArray<string>
  /** Makes standard output a terminal. */
  readonly shows?: boolean
  readonly signal?: AbortSignal
}

/** What came of a call. */
export interface Done {
  readonly code: ExitCode
  readonly out: string
  readonly err: string
}

/** A call that runs. */
export interface Started {
  /** What it wrote so far. */
  readonly out: () => string
  readonly err: () => string
  readonly done: Promise<Done>
}

/** Starts a call. `done` rejects when an answer was never asked for. */
export const start = (words: ReadonlyArray<string>, setting: Setting): Started => {
  const { answers, env, input = "", shows = false, signal = new AbortController().signal } = setting
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const left = [...(answers ?? [])]
  const text = { out: "", err: "" }
  stdout.on("data", (chunk: Buffer) => (text.out += chunk.toString()))
  stderr.on("data", (chunk: Buffer) => {
    text.err += chunk.toString()
    const answer = /[:?\]] $/.test(chunk.toString()) ? left.shift() : undefined
    if (answer !== undefined) setTimeout(() => stdin.write(`${answer}\r`), 5)
  })
  if (answers === undefined) stdin.end(input)
  const ended = async (): Promise<Done> => {
    const code = await run(words, {
      stdin: Object.assign(stdin, { isTTY: answers !== undefined }),
      stdout: Object.assign(stdout, { isTTY: shows }),
      stderr,
      env,
      signal
    })
    // What it wrote last arrives now.
    await new Promise(setImmediate)
    if (left.length > 0) throw new Error(`nobody asked for ${left.length} answers:\n${text.err}`)
    return { code, ...text }
  }
  return { out: () => text.out, err: () => text.err, done: ended() }
}

/** Runs a call to its end. */
export const call = (words: ReadonlyArray<string>, setting: Setting): Promise<Done> => start(words, setting).done

/** The objects of an output, one a line. */
export const objects = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
