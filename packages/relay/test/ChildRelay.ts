/** Starts and kills relays in processes of their own. */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { RelayLimits } from "@tacit/relay"
import { onTestFinished } from "vitest"

export interface ChildRelay {
  readonly port: number
  readonly url: string
  readonly pid: number
  readonly invite: (user: string) => Promise<string>
  /** Asks for a removal and does not wait for it. */
  readonly remove: (user: string) => void
  /** Sends a signal and waits for the end; answers the exit code, or the signal that ended it. */
  readonly end: (signal: "SIGKILL" | "SIGTERM") => Promise<number | string>
}

export const startChild = async (
  database: string,
  options: { readonly port?: number; readonly limits?: Partial<RelayLimits> } = {}
): Promise<ChildRelay> => {
  const child = spawn(
    process.execPath,
    [
      "--conditions=@tacit/source",
      fileURLToPath(new URL("child.ts", import.meta.url)),
      database,
      String(options.port ?? 0),
      JSON.stringify(options.limits ?? {})
    ],
    { stdio: ["pipe", "pipe", "inherit"] }
  )
  const ended = new Promise<number | string>((resolve) =>
    child.on("exit", (code, signal) => resolve(signal ?? code ?? -1))
  )
  onTestFinished(() => void child.kill("SIGKILL"))
  const lines = createInterface({ input: child.stdout })
  const next = (begin: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const onLine = (line: string): void => {
        if (!line.startsWith(begin)) return
        lines.off("line", onLine)
        resolve(line.slice(begin.length).trim())
      }
      lines.on("line", onLine)
      void ended.then((how) => reject(new Error(`the relay ended with ${how}`)))
    })
  // One that was killed reads no more.
  child.stdin.on("error", () => undefined)
  const port = Number(await next("listening"))
  return {
    port,
    url: `ws://127.0.0.1:${port}`,
    pid: child.pid!,
    invite: (user) => {
      const password = next(`password ${user}`)
      child.stdin.write(`invite ${user}\n`)
      return password
    },
    remove: (user) => void child.stdin.write(`remove ${user}\n`),
    end: (signal) => {
      child.kill(signal)
      return ended
    }
  }
}
