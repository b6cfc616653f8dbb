/**
 * Programs of their own, as in real life: started from the sources, killed without warning, started again.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly execArgv?: ReadonlyArray<string>
}

export interface Child {
  readonly pid: number
  /** Lines of standard output so far. */
  readonly lines: ReadonlyArray<string>
  /** What went to standard error so far. */
  readonly complaints: () => string
  /** Resolves with the first line that fits; rejects when the process ends without one, or after `ms`. */
  readonly line: (fits: (line: string) => boolean, ms?: number) => Promise<string>
  readonly kill: (signal: NodeJS.Signals) => void
  /** Resolves when it is gone: its exit code, or the signal that ended it. */
  readonly gone: Promise<number | NodeJS.Signals>
}

const here = fileURLToPath(new URL(".", import.meta.url))
const cache = join(tmpdir(), "tacit-test-compile-cache")

/** Starts `file` (relative to this folder) with words. */
export const start = (file: string, words: ReadonlyArray<string>, options: ChildOptions = {}): Child => {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      "-C",
      "@tacit/source",
      "--disable-warning=ExperimentalWarning",
      ...(options.execArgv ?? []),
      join(here, file),
      ...words
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", NODE_COMPILE_CACHE: cache, NO_COLOR: "1", ...options.env }
    }
  )
  const lines: Array<string> = []
  const watchers = new Set<() => void>()
  let complaints = ""
  let ended = false
  child.stderr?.on("data", (chunk: Buffer) => {
    complaints = `${complaints}${chunk.toString()}`.slice(-20_000)
  })
  createInterface({ input: child.stdout! }).on("line", (line) => {
    lines.push(line)
    for (const look of watchers) look()
  })
  const gone = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on("close", (code, signal) => {
      ended = true
      for (const look of watchers) look()
      resolve(signal ?? code ?? 1)
    })
  })
  return {
    pid: child.pid ?? 0,
    lines,
    complaints: () => complaints,
    kill: (signal) => void child.kill(signal),
    gone,
    line: (fits, ms = 30_000) =>
      new Promise((resolve, reject) => {
        const end = (finish: () => void) => {
          clearTimeout(timer)
          watchers.delete(look)
          finish()
        }
        const timer = setTimeout(
          () =>
            end(() =>
              reject(new Error(`${file} did not say it in ${ms} ms:\n${lines.slice(-5).join("\n")}\n${complaints}`))
            ),
          ms
        )
        const look = () => {
          const found = lines.find(fits)
          if (found !== undefined) end(() => resolve(found))
          else if (ended) end(() => reject(new Error(`${file} ended:\n${complaints}`)))
        }
        watchers.add(look)
        look()
      })
  }
}
