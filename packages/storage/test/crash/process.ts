/** Starts and kills the child of the crash tests. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

export interface Acknowledged {
  readonly lane: number
  readonly batch: number
  readonly revision: number
}

export interface Crasher {
  readonly process: ChildProcess
  /** The fencing token it printed, once it is open. */
  readonly token: Promise<number>
  /** What was acknowledged up to now. */
  readonly acknowledged: Array<Acknowledged>
  /** Waits until `count` commits were acknowledged. */
  readonly atLeast: (count: number) => Promise<void>
  /** Why it stopped by itself, as it printed it. */
  readonly failure: Promise<string>
  /** Kills it the hard way; resolves when it is gone and all it printed was read. */
  readonly kill: () => Promise<void>
}

const running = new Set<ChildProcess>()

/** Kills what a failed test left running. */
export const killAll = (): void => {
  for (const child of running) child.kill("SIGKILL")
}

/** `pace` is the pause between the commits of a lane, in ms: 0 to commit without pause. */
export const start = (path: string, pace = 0): Crasher => {
  const child = fileURLToPath(new URL("./child.ts", import.meta.url))
  const process_ = spawn(process.execPath, ["-C", "@tacit/source", child, path, String(pace)], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  const acknowledged: Array<Acknowledged> = []
  const token = deferred<number>()
  const failure = deferred<string>()
  const waiting: Array<{
    readonly count: number
    readonly resolve: () => void
    readonly reject: (error: Error) => void
  }> = []
  let rest = ""
  let complaints = ""
  process_.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints += text
  })
  process_.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n")
    rest = lines.pop()!
    for (const line of lines) {
      const [first, ...others] = line.split(" ")
      if (first === "open") token.resolve(Number(others[0]))
      else if (first === "failed") failure.resolve(others.join(" "))
      else acknowledged.push({ lane: Number(first), batch: Number(others[0]), revision: Number(others[1]) })
    }
    for (const { count, resolve } of waiting) if (acknowledged.length >= count) resolve()
  })
  running.add(process_)
  const gone = once(process_, "close")
  process_.once("close", () => {
    running.delete(process_)
    const error = new Error(`the child ended: ${complaints}`)
    for (const { reject } of waiting) reject(error)
    token.reject(error)
    failure.reject(error)
  })
  // Nobody need wait for these.
  token.promise.catch(() => undefined)
  failure.promise.catch(() => undefined)
  return {
    process: process_,
    token: token.promise,
    failure: failure.promise,
    acknowledged,
    atLeast: (count) =>
      acknowledged.length >= count
        ? Promise.resolve()
        : new Promise((resolve, reject) => waiting.push({ count, resolve, reject })),
    kill: async () => {
      process_.kill("SIGKILL")
      await gone
    }
  }
}

const deferred = <A>() => {
  let resolve!: (value: A) => void
  let reject!: (error: Error) => void
  const promise = new Promise<A>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
