/**
 * Gives freed pages back, rewrites small files and empties the write-ahead log, so that what was removed is soon nowhere in the files.
 *
 * Spec: docs/spec/16-state.md §16.1 (a removed record may be a key that must be gone).
 * What the file system or the drive keep of overwritten blocks is out of reach.
 *
 * Removing a record overwrites it in its page (`secure_delete`). Two kinds of copies are left: the log keeps earlier images of
 * pages until it is folded into the main file and cut; and when records move between pages, their old places keep them in what
 * is now empty space (measured: of a thousand removed records about one). Only rewriting the file (`VACUUM`) clears the latter.
 */
import type { DatabaseSync } from "node:sqlite"
import { isBusy } from "./internal/sqliteError.ts"
import { pragma } from "./StoreFile.ts"

/** Free pages that are kept for the next records: an eighth of the file, at least this many (256 KiB). */
const sparePages = 64

/** Pages given back at a time: some milliseconds of work. */
const pagesPerRun = 1_024

/** How often an open store is rewritten at most, in ms. Rewriting takes about 6 ms per MiB, and wears the drive. */
const rewriteEveryMs = 600_000

export interface Housekeeping {
  /** Notes that records were removed or replaced. */
  readonly noteRemoval: () => void
  /** Does one portion of the work. True when nothing is left to do; false to be called again later. */
  readonly run: () => boolean
  /** Before the connection closes, which folds in the log by itself. */
  readonly last: () => void
}

/** For one connection. Files of more than `rewriteUpToBytes` are never rewritten. */
export const make = (db: DatabaseSync, rewriteUpToBytes: number): Housekeeping => {
  // A process that died may have left remains behind: the first portion after opening rewrites.
  let rewriteDueAt = 0
  let removed = false

  const size = (): number => Number(pragma(db, "page_count")) * Number(pragma(db, "page_size"))

  const rewrite = (): void => {
    if (!removed || size() > rewriteUpToBytes) return
    db.exec("VACUUM")
    removed = false
    rewriteDueAt = performance.now() + rewriteEveryMs
  }

  return {
    noteRemoval: () => {
      removed = true
    },
    run: () => {
      if (performance.now() >= rewriteDueAt) rewrite()
      const spare = Math.max(sparePages, Number(pragma(db, "page_count")) >> 3)
      const surplus = Number(pragma(db, "freelist_count")) - spare
      if (surplus > 0) db.prepare(`PRAGMA incremental_vacuum(${Math.min(surplus, pagesPerRun)})`).all()
      return cutLog(db) && surplus <= pagesPerRun
    },
    last: rewrite
  }
}

/** Folds the log into the main file and cuts it to nothing. Does not wait for readers of other processes: false when they prevented it. */
const cutLog = (db: DatabaseSync): boolean => {
  const timeout = Number(pragma(db, "busy_timeout"))
  db.exec("PRAGMA busy_timeout = 0")
  try {
    return pragma(db, "wal_checkpoint(TRUNCATE)") === 0
  } catch (error) {
    if (isBusy(error)) return false
    throw error
  } finally {
    db.exec(`PRAGMA busy_timeout = ${timeout}`)
  }
}
