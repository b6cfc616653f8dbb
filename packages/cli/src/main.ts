#!/usr/bin/env node
/**
 * The `tacit` command: joins Run.ts to this process, its streams, signals and exit code.
 *
 * The first SIGINT or SIGTERM asks the command to stop and tidy up; a second one ends the process at once.
 */
import process from "node:process"
import { run } from "./Run.ts"

const abort = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (abort.signal.aborted) process.exit(130)
    abort.abort(new DOMException("interrupted", "AbortError"))
  })
}
// A reader that went away (as `head` does) is not an error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
  abort.abort(new DOMException("nobody reads any more", "AbortError"))
})

const code = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: abort.signal
})
process.exitCode = code
// What is left on the loop now (a terminal being read, a socket closing) is nobody's business any more; output goes out first.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)))
