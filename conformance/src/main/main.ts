#!/usr/bin/env node
/**
 * The `tacit-conformance` command: joins Dispatch.ts to this process, its streams, signals and exit code.
 */
import process from "node:process"
import { main } from "./Dispatch.ts"

const abort = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (abort.signal.aborted) process.exit(130)
    abort.abort()
  })
}
// A reader that went away (as `head` does) is not an error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
  abort.abort()
})

const code = await main(process.argv.slice(2), {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  signal: abort.signal,
  ...(process.stderr.isTTY ? { progress: (text: string) => void process.stderr.write(`\r\u001b[K${text}`) } : {})
})
process.exitCode = code
// Whatever is left on the loop is nobody's business any more; output goes out first.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)))
