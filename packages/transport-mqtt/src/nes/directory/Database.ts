/**
 * The directory's SQLite file.
 *
 * Spec: docs/spec/15-nes.md §15.5 (rule nes.store.1).
 * Holds statements only; what they mean is in Users.ts.
 */
import { closeSync, openSync } from "node:fs"
import { DatabaseSync, type SQLInputValue } from "node:sqlite"
import { DirectoryError } from "./DirectoryError.ts"

export type Row = Readonly<Record<string, unknown>>

export interface Database {
  readonly get: (sql: string, ...values: ReadonlyArray<SQLInputValue>) => Row | undefined
  /** Rows changed. */
  readonly run: (sql: string, ...values: ReadonlyArray<SQLInputValue>) => number
  /** All or nothing. */
  readonly transaction: <A>(work: () => A) => A
  readonly close: () => void
}

/**
 * `users` has the rows that are alive; a removed one is gone, with its address. `history` has for each name that was ever active
 * the number and digest of its last registration, so that answers can name the one before.
 */
const schema = `
  CREATE TABLE users (
    username TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    public_key_message TEXT NOT NULL,
    public_key_sign TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 0,
    activate_hash BLOB NOT NULL,
    remove_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    previous TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE INDEX users_waiting ON users (created_at) WHERE active = 0;
  CREATE TABLE history (
    username TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL
  ) STRICT;
`

const migrate = (db: DatabaseSync): void => {
  const version = Number(db.prepare("PRAGMA user_version").get()!["user_version"])
  if (version > 1) throw new DirectoryError({ reason: "newer" })
  if (version === 0) db.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = 1; COMMIT`)
}

/** Opens and migrates; a new file is readable by its owner only. Throws {@link DirectoryError}. */
export const open = (file: string): Database => {
  let db: DatabaseSync | undefined
  try {
    if (file !== ":memory:") closeSync(openSync(file, "a", 0o600))
    db = new DatabaseSync(file, { timeout: 2_000 })
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST")
    migrate(db)
  } catch (cause) {
    db?.close()
    throw cause instanceof DirectoryError ? cause : new DirectoryError({ reason: "database", cause })
  }
  const connection = db
  return {
    get: (sql, ...values) => connection.prepare(sql).get(...values),
    run: (sql, ...values) => Number(connection.prepare(sql).run(...values).changes),
    transaction: (work) => {
      connection.exec("BEGIN IMMEDIATE")
      try {
        const result = work()
        connection.exec("COMMIT")
        return result
      } catch (error) {
        connection.exec("ROLLBACK")
        throw error
      }
    },
    close: () => connection.close()
  }
}
