/**
 * The independent program, built once for a test file.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

const source = fileURLToPath(new URL("../../../../conformance/subjects/nes-go", import.meta.url))

/** Whether Go is there. The continuous run installs it, so that nothing is left out there. */
export const hasGo = spawnSync("go", ["version"]).status === 0

export interface Program {
  /** Runs a command to its end: exit code, objects it printed, and what it complained of. */
  readonly run: (
    words: ReadonlyArray<string>
  ) => Promise<{ readonly code: number | null; readonly objects: ReadonlyArray<Line>; readonly err: string }>
  /** Starts a command that goes on. */
  readonly start: (words: ReadonlyArray<string>) => Running
  /** Ends what still runs, and removes the program. */
  readonly remove: () => void
}

export type Line = Readonly<Record<string, unknown>>

export interface Running {
  /** The next object printed, from the beginning; rejects when it ends first or takes longer than 15 s. */
  readonly next: () => Promise<Line>
  readonly kill: () => void
  readonly gone: Promise<number | null>
  readonly complaints: () => string
}

export const build = (): Program => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-nes-go-"))
  const binary = join(folder, "nes-go")
  execFileSync("go", ["build", "-o", binary, "."], { cwd: source })
  const alive = new Set<ChildProcess>()
  const start = (words: ReadonlyArray<string>): Running => {
    const child = spawn(binary, [...words], { stdio: ["ignore", "pipe", "pipe"] })
    alive.add(child)
    const lines: Array<Line> = []
    const waiting: Array<() => void> = []
    let ended = false
    let err = ""
    const wake = (): void => {
      for (const look of waiting.splice(0)) look()
    }
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(JSON.parse(line) as Line)
      wake()
    })
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
    const gone = new Promise<number | null>((resolve) =>
      child.on("close", (code) => {
        alive.delete(child)
        ended = true
        wake()
        resolve(code)
      })
    )
    const next = async (): Promise<Line> => {
      const until = Date.now() + 15_000
      for (;;) {
        const line = lines.shift()
        if (line !== undefined) return line
        if (ended || Date.now() > until) throw new Error(`no more output: ${err}`)
        await new Promise<void>((resolve) => {
          waiting.push(resolve)
          setTimeout(resolve, 1_000).unref()
        })
      }
    }
    return { next, kill: () => void child.kill(), gone, complaints: () => err }
  }
  return {
    start,
    run: async (words) => {
      const running = start(words)
      const objects: Array<Line> = []
      for (;;) {
        try {
          objects.push(await running.next())
        } catch {
          break
        }
      }
      return { code: await running.gone, objects, err: running.complaints() }
    },
    remove: () => {
      for (const child of alive) child.kill("SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
