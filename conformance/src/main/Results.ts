/**
 * Where results go: a file of lines as they happen, and a memory for reports at the end.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (result.events.1).
 */
import { closeSync, openSync, writeSync } from "node:fs"
import type { ResultEvent } from "../protocol/Result.ts"
import { UsageError } from "./Command.ts"
import { reason } from "./Subjects.ts"

export interface Results {
  readonly write: (event: ResultEvent) => void
  /** All lines so far, where they are kept. */
  readonly text: () => string
  readonly close: () => void
}

/**
 * `path` is a file, `-` standard output through `out`, or nothing; `keep` says whether reports will want all lines. Throws
 * `UsageError`.
 */
export const openResults = (path: string | undefined, out: (line: string) => void, keep: boolean): Results => {
  const lines: Array<string> = []
  let file: number | undefined
  if (path !== undefined && path !== "-") {
    try {
      file = openSync(path, "w")
    } catch (error) {
      throw new UsageError(`${path} cannot be written: ${reason(error)}`)
    }
  }
  return {
    write: (event) => {
      const line = JSON.stringify(event)
      if (keep) lines.push(line)
      // At once and whole, so that a run that is killed leaves what it had.
      if (file !== undefined) writeSync(file, `${line}\n`)
      else if (path === "-") out(line)
    },
    text: () => `${lines.join("\n")}\n`,
    close: () => {
      if (file !== undefined) closeSync(file)
    }
  }
}
