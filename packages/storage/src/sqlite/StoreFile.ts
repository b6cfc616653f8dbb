/**
 * The file of a store: made whole or not at all, checked before anything is written to it, opened with the settings that
 * durability and forgetting rest on.
 *
 * Spec: docs/spec/16-state.md §16.1, §16.2.
 * Does not commit records. Functions here throw: `StoreUnusable`, or the error of SQLite or the file system as it is.
 *
 * No function here opens the store's file with `node:fs`: closing such a descriptor would drop the locks that other
 * connections of this process have on it (POSIX).
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync
} from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { crc32 } from "node:zlib"
import { StoreUnusable } from "../StoreUnusable.ts"
import { isBusy, isCorrupt, isNotADatabase } from "./internal/sqliteError.ts"

/** "TACS" in the header of the file: tells a store of ours from any other SQLite file. */
const applicationId = 0x54414353

/** Version of the tables below. Raised when they change; a file with a higher one is refused (rule state.version.1). */
const schemaVersion = 1

/** How long a statement waits for another process's lock, in ms. It blocks the thread, and only a zombie or a backup makes it wait. */
const busyTimeoutMs = 2_000

/**
 * `record` is the store. `sum` is the CRC-32 that {@link checksum} gives: SQLite notices a broken page structure, but not a
 * flipped bit inside a value. `store` has one row: the fencing token, the first revision not yet reserved, and the id of
 * the process that took the token, for messages.
 */
const schema = `
  CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE COLLATE BINARY,
    revision INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    value BLOB NOT NULL
  ) STRICT;
  CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    token INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    holder INTEGER NOT NULL
  ) STRICT;
  INSERT INTO store VALUES (1, 0, 1, 0);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`

/** Binds a value to its key and revision, so that a misplaced or altered one is noticed. Not a protection against an attacker. */
export const checksum = (key: string, revision: number, value: Uint8Array): number =>
  crc32(value, crc32(`${key}\n${revision}`))

/** The one name of the file, whatever links lead to it: both locks hang on it. */
export const locate = (path: string): string => {
  const absolute = resolve(path)
  if (existsSync(absolute)) return realpathSync(absolute)
  const folder = dirname(absolute)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return join(realpathSync(folder), basename(absolute))
}

/** Makes an empty store at a path where no file is. It appears under its name complete and durable. */
export const create = (path: string): void => {
  const orphan = ["-wal", "-journal"].map((suffix) => path + suffix).find((file) => existsSync(file))
  if (orphan !== undefined) {
    throw new StoreUnusable({
      reason: "damaged",
      path,
      message: `${path} is missing, but ${basename(orphan)} is there: put the store's own file back beside it, or remove both to begin anew.`
    })
  }
  const draft = `${path}.new`
  // A draft is what a process that died here left behind; the process lock keeps others away.
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(draft + suffix, { force: true })
  closeSync(openSync(draft, "wx", 0o600))
  const db = new DatabaseSync(draft)
  try {
    db.exec("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA auto_vacuum = INCREMENTAL; BEGIN")
    db.exec(schema)
    db.exec("COMMIT; PRAGMA journal_mode = WAL")
  } finally {
    db.close()
  }
  renameSync(draft, path)
  syncFolder(dirname(path))
}

/** What {@link inspect} looks at beyond the identity of the file: its structure, or its structure and every record. */
export type Check = "structure" | "records"

/** Makes sure that a file is a whole store of a version we know. Reads only. */
export const inspect = (path: string, check: Check): void => {
  const refuse = (reason: StoreUnusable["reason"], message: string): never => {
    throw new StoreUnusable({ reason, path, message })
  }
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs })
    try {
      if (pragma(db, "page_count") === 0)
        refuse("not-a-store", `${path} is an empty file. Remove it if a store shall be made there.`)
      if (pragma(db, "application_id") !== applicationId)
        refuse("not-a-store", `${path} is not a store of ours. Choose another path.`)
      const version = Number(pragma(db, "user_version"))
      if (version > schemaVersion) {
        refuse(
          "newer-version",
          `${path} was written by a later release (version ${version}, known is ${schemaVersion}). Update the software.`
        )
      }
      const verdict = pragma(db, check === "records" ? "integrity_check(1)" : "quick_check(1)")
      if (verdict !== "ok") refuse("damaged", damagedMessage(path))
      if (check === "records") {
        const rows = db.prepare("SELECT key, revision, sum, value FROM record")
        for (const row of rows.iterate()) {
          if (checksum(String(row["key"]), Number(row["revision"]), row["value"] as Uint8Array) !== row["sum"])
            refuse("damaged", damagedMessage(path))
        }
      }
    } finally {
      db.close()
    }
  } catch (error) {
    if (isNotADatabase(error)) refuse("not-a-store", `${path} is not a store of ours. Choose another path.`)
    if (isCorrupt(error)) refuse("damaged", damagedMessage(path))
    throw error
  }
}

/** Opens a file that {@link inspect} has passed. */
export const connect = (path: string): DatabaseSync => {
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs })
  try {
    tightenMode(path)
    // fullfsync: on macOS a plain fsync leaves data in the drive's cache. secure_delete: removed keys are overwritten.
    db.exec(`
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON;
      PRAGMA checkpoint_fullfsync = ON;
      PRAGMA secure_delete = ON;
      PRAGMA wal_autocheckpoint = 1000;
      PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -16000;
      PRAGMA trusted_schema = OFF;
      PRAGMA cell_size_check = ON;
    `)
    const mode = pragma(db, "journal_mode = WAL")
    if (mode !== "wal") throw new Error(`this file system cannot hold a write-ahead log (journal mode ${String(mode)})`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** A taken lease: the fencing token, which rises with every taking, and the first revision that was never given out. */
export interface Lease {
  readonly token: number
  readonly revision: number
}

/** Takes the lease for this process; whoever held it before can commit no more. Rule state.lease.1. */
export const takeLease = (db: DatabaseSync, path: string): Lease => {
  try {
    db.exec("BEGIN IMMEDIATE")
  } catch (error) {
    if (!isBusy(error)) throw error
    throw new StoreUnusable({
      reason: "in-use",
      path,
      message: `${path} is being written by another process that does not finish. End that process, then open the store again.`
    })
  }
  const row = db.prepare("UPDATE store SET token = token + 1, holder = ? RETURNING token, revision").get(process.pid)
  if (row === undefined) throw new StoreUnusable({ reason: "damaged", path, message: damagedMessage(path) })
  db.exec("COMMIT")
  return { token: Number(row["token"]), revision: Number(row["revision"]) }
}

/** The process that took the lease last, if the file tells. */
export const holder = (path: string): number | undefined => {
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 0 })
    try {
      return Number(db.prepare("SELECT holder FROM store").get()?.["holder"])
    } finally {
      db.close()
    }
  } catch {
    return undefined
  }
}

/** Names the file itself, not its path: changes when it is replaced. `undefined` when it is gone. */
export const identity = (path: string): string | undefined => {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`
}

/** The first value of a pragma's first row. */
export const pragma = (db: DatabaseSync, text: string): unknown => {
  const row = db.prepare(`PRAGMA ${text}`).get()
  return row === undefined ? undefined : Object.values(row)[0]
}

/** Of a file or record that is not what was written. */
export const damagedMessage = (path: string): string =>
  `${path} is damaged: keep the file, and open a copy made before. Peers notice the older state and repair it with you.`

/** Takes group and others out of the mode of a file that is ours. SQLite gives its side files the mode of the main one. */
const tightenMode = (path: string): void => {
  const { mode, uid } = statSync(path)
  if ((mode & 0o077) !== 0 && process.getuid?.() === uid) chmodSync(path, 0o600)
}

/** Makes a renamed file durable under its new name. Windows cannot open folders and needs no such step. */
const syncFolder = (folder: string): void => {
  if (process.platform === "win32") return
  const descriptor = openSync(folder, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
