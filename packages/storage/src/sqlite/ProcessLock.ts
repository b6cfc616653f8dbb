/**
 * Tells whether the process that holds a store is alive: a lock of the operating system that goes away with its process.
 *
 * Spec: docs/spec/16-state.md §16.2 (state.lease.1).
 * The lock is an exclusive SQLite transaction, never ended, on an empty file beside the store: the one portable way to a
 * file lock that Node offers. It only keeps honest processes from starting; what protects the records is the fencing token.
 */
import { closeSync, openSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { isBusy } from "./internal/sqliteError.ts"

export interface ProcessLock {
  /** Whether this handle holds the lock. */
  readonly held: () => boolean
  /** Tries again to get it, without waiting; true when it is held afterwards. */
  readonly acquire: () => boolean
  /** Gives it up. Safe to repeat. */
  readonly release: () => void
}

/** Tries once to lock `path`. The file is made if need be, readable by its owner alone, and stays behind. */
export const make = (path: string): ProcessLock => {
  let connection: DatabaseSync | undefined

  const acquire = (): boolean => {
    if (connection !== undefined) return true
    createOnce(path)
    const candidate = new DatabaseSync(path, { timeout: 0 })
    try {
      // A journal in memory: the directory gets no second file, and nothing is ever written to this one.
      candidate.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
    } catch (error) {
      candidate.close()
      if (isBusy(error)) return false
      throw error
    }
    connection = candidate
    return true
  }

  const release = (): void => {
    connection?.close()
    connection = undefined
  }

  acquire()
  return { held: () => connection !== undefined, acquire, release }
}

/**
 * Makes the file, but never opens one that is there: closing any descriptor of a locked file drops all locks this process
 * has on it (POSIX). SQLite knows that and keeps its descriptors; `node:fs` does not.
 */
const createOnce = (path: string): void => {
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
}
