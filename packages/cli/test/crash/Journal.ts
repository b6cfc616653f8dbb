/**
 * The application's own journal: what it was given, one line each, durable before it says that it took it.
 *
 * It is exact across kills because a message that is shown again has the same `order`.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs"

export interface Entry {
  readonly order: number
  readonly id: string
  readonly text: string
}

/** Complete lines of a journal. A last line without its end was cut by a kill, and its message is shown again. */
export const read = (file: string): ReadonlyArray<Entry> =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Entry)
    : []

export interface Journal {
  /** Writes the entry unless one with its order or a later one is there. Durable when it returns. */
  readonly write: (entry: Entry) => void
  readonly close: () => void
}

export const open = (file: string): Journal => {
  const entries = read(file)
  if (existsSync(file)) {
    const bytes = readFileSync(file)
    truncateSync(file, bytes.lastIndexOf(0x0a) + 1)
  }
  let last = entries.at(-1)?.order ?? 0
  const handle = openSync(file, "a")
  return {
    write: (entry) => {
      if (entry.order <= last) return
      writeSync(handle, `${JSON.stringify(entry)}\n`)
      fsyncSync(handle)
      last = entry.order
    },
    close: () => closeSync(handle)
  }
}
