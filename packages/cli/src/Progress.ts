/**
 * How far long work is: one line on a terminal that is written over. Without a terminal, and with `--json`, nothing.
 *
 * Goes to standard error, so that what a program reads stays on standard output.
 */
import type { Terminal } from "./Terminal.ts"

/** The least time between two lines, ms. */
const pauseMs = 100

export interface Progress {
  /** Shows a line, unless one was shown just now. */
  readonly show: (line: string) => void
  /** Takes the line away, so that what is written next stands alone. */
  readonly clear: () => void
}

export const make = (terminal: Pick<Terminal, "json" | "stderr">): Progress => {
  const { json, stderr } = terminal
  // Some terminals say that they have no width.
  const columns = stderr.columns === undefined || stderr.columns < 2 ? 80 : stderr.columns
  if (json || stderr.isTTY !== true) return { show: () => undefined, clear: () => undefined }
  let shownAt = -Infinity
  let isShown = false
  return {
    show: (line) => {
      const now = performance.now()
      if (now - shownAt < pauseMs) return
      shownAt = now
      isShown = true
      stderr.write(`\r${line.slice(0, columns - 1)}\u001b[K`)
    },
    clear: () => {
      if (isShown) stderr.write("\r\u001b[K")
      isShown = false
      shownAt = -Infinity
    }
  }
}
