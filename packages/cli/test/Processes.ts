/** The command as processes of their own, that are written to, killed, and started again. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const argv = ["-C", "@tacit/source", "--disable-warning=ExperimentalWarning", main]
const cache = join(tmpdir(), "tacit-test-compile-cache")

/** A call that runs, what it wrote so far, and what can be done about it. */
export interface Call {
  readonly out: () => string
  readonly err: () => string
  /** The first match in what was written to standard output; fails after a while, or when the call ends without one. */
  readonly sees: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly type: (line: string) => void
  readonly kill: (signal: NodeJS.Signals) => void
  readonly code: Promise<number | null>
}

/** What came of a call. */
export interface Done {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const running = new Set<ChildProcessWithoutNullStreams>()

/** How long something may take to be written, ms. */
const patienceMs = 60_000

const watch = (child: ChildProcessWithoutNullStreams): Call => {
  running.add(child)
  let [out, err] = ["", ""]
  let changed: () => void = () => undefined
  child.stdout.on("data", (chunk: Buffer) => ((out += chunk.toString()), changed()))
  child.stderr.on("data", (chunk: Buffer) => ((err += chunk.toString()), changed()))
  // A process that was killed reads nothing any more.
  child.stdin.on("error", () => undefined)
  let over = false
  const code = new Promise<number | null>((resolve) =>
    child.on("close", (code) => {
      running.delete(child)
      over = true
      changed()
      resolve(code)
    })
  )
  return {
    out: () => out,
    err: () => err,
    sees: async (pattern) => {
      const deadline = Date.now() + patienceMs
      for (;;) {
        const found = pattern.exec(out)
        if (found !== null) return found
        if (over || Date.now() > deadline) throw new Error(`never saw ${pattern.source}\nout: ${out}\nerr: ${err}`)
        await new Promise<void>((resolve) => {
          changed = resolve
          setTimeout(resolve, 200)
        })
      }
    },
    type: (line) => void child.stdin.write(`${line}\n`),
    kill: (signal) => void child.kill(signal),
    code
  }
}

/** Where calls live: their home directory, and in it the directory of their profiles. */
export interface Home {
  readonly home: string
  readonly data: string
}

const environment = ({ data, home }: Home): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: home,
  NODE_OPTIONS: "",
  NODE_COMPILE_CACHE: cache,
  NO_COLOR: "1",
  TACIT_DATA: join(home, data)
})

/** Starts a call. */
export const start = (home: Home, words: ReadonlyArray<string>, extra: Readonly<Record<string, string>> = {}): Call =>
  watch(spawn(process.execPath, [...argv, ...words], { env: { ...environment(home), ...extra } }))

/** Starts a call at a terminal of its own: what it writes there, to either stream, is its output, as a screen shows it. */
export const startAtTerminal = (home: Home, words: ReadonlyArray<string>): Call => {
  const program =
    "import os, pty, sys\n" +
    "def read(fd): return os.read(fd, 1024)\n" +
    "status = pty.spawn(sys.argv[1:], read)\n" +
    "sys.exit(os.waitstatus_to_exitcode(status))"
  const line = ["-c", program, process.execPath, ...argv, ...words]
  return watch(spawn("python3", line, { env: { ...environment(home), TERM: "xterm" } }))
}

export const done = async (call: Call): Promise<Done> => ({ code: await call.code, out: call.out(), err: call.err() })

/** Ends whatever still runs. */
export const killAll = (): void => {
  for (const child of running) child.kill("SIGKILL")
}
