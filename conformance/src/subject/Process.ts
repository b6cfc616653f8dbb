/**
 * A subject that is a program: JSON lines over its standard input and output.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 * The program runs in a process group of its own, which is killed as a whole.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { kit } from "../protocol/Kit.ts"
import { Channel } from "./Channel.ts"
import type { Source } from "./Subject.ts"
import type { Timeouts } from "./Timeouts.ts"

/** The longest line either side may send, in bytes without its end. */
export const maxLineBytes = 8 * 1024 * 1024
/** How much of standard error is kept, in bytes. */
export const keptStderrBytes = 64 * 1024

const windows = process.platform === "win32"

/** Groups that still run, to be ended with this process. */
const running = new Set<ChildProcess>()

const killGroup = (child: ChildProcess): void => {
  if (child.pid === undefined) return
  try {
    if (windows) child.kill("SIGKILL")
    else process.kill(-child.pid, "SIGKILL")
  } catch {
    // It has ended already.
  }
}

let watching = false
const watchExit = (): void => {
  if (watching) return
  watching = true
  process.on("exit", () => running.forEach(killGroup))
}

/** Cuts a stream into lines of UTF-8. */
export class LineReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  readonly #line: (text: string) => void
  readonly #problem: (message: string) => void
  #parts: Array<Uint8Array> = []
  #size = 0
  #stopped = false

  constructor(line: (text: string) => void, problem: (message: string) => void) {
    this.#line = line
    this.#problem = problem
  }

  push(chunk: Uint8Array): void {
    let start = 0
    while (!this.#stopped) {
      const end = chunk.indexOf(0x0a, start)
      const part = chunk.subarray(start, end < 0 ? chunk.length : end)
      this.#size += part.length
      if (this.#size > maxLineBytes) return this.#stop("it wrote a line of more than 8 MiB")
      if (part.length > 0) this.#parts.push(part)
      if (end < 0) return
      this.#emit()
      start = end + 1
    }
  }

  /** At the end of the stream: an unfinished line is a problem. */
  end(): void {
    if (this.#size > 0 && !this.#stopped) this.#stop("its last line has no end")
  }

  #emit(): void {
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
    this.#parts = []
    this.#size = 0
    try {
      this.#line(this.#decoder.decode(bytes))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      this.#stop("it wrote a line that is not UTF-8")
    }
  }

  #stop(message: string): void {
    this.#stopped = true
    this.#parts = []
    this.#problem(message)
  }
}

/** The last bytes of a stream as text. */
class Tail {
  #bytes = Buffer.alloc(0)

  push(chunk: Buffer): void {
    const all = Buffer.concat([this.#bytes, chunk])
    this.#bytes = all.length > keptStderrBytes ? Buffer.from(all.subarray(-keptStderrBytes)) : all
  }

  get text(): string {
    return this.#bytes.toString("utf8")
  }
}

const start = (command: string, timeouts: Timeouts): Channel => {
  const child = spawn(command, { shell: true, detached: !windows, stdio: ["pipe", "pipe", "pipe"] })
  watchExit()
  running.add(child)
  const stderr = new Tail()
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
  const channel = new Channel(
    {
      send: (request) => {
        const line = JSON.stringify(request)
        if (line.length > maxLineBytes) throw new RangeError("a request of more than 8 MiB")
        child.stdin.write(`${line}\n`)
      },
      kill: () => killGroup(child),
      end: () => void child.stdin.end(),
      stderr: () => stderr.text,
      ended
    },
    timeouts
  )
  const lines = new LineReader(
    (text) => {
      let message: unknown
      try {
        message = JSON.parse(text)
      } catch {
        return channel.lose("violation", `it wrote a line that is no JSON: ${JSON.stringify(text.slice(0, 80))}`)
      }
      channel.receive(message)
    },
    (problem) => channel.lose("violation", problem)
  )
  child.stdout.on("data", (chunk: Buffer) => lines.push(chunk))
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk))
  // What cannot be written any more shows as the end of the process.
  child.stdin.on("error", () => undefined)
  child.once("error", (error) => channel.lose("crash", `it cannot be started: ${error.message}`))
  child.once("close", (code, signal) => {
    running.delete(child)
    lines.end()
    channel.lose("crash", signal === null ? `it ended with status ${code ?? "?"}` : `it was ended by ${signal}`)
  })
  return channel
}

/** The subject behind a command line, which the shell reads. */
export const processSource = (command: string, timeouts: Timeouts): Source => ({
  title: command,
  start: (seed) => start(command, timeouts).greet(kit, seed)
})
