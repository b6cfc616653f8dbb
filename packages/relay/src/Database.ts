/**
 * The relay's SQLite database: opening, migrating, locking, and statements that are prepared once.
 *
 * Spec: docs/spec/14-relay.md rule relay.submit.1 (durable before `accepted`).
 * Write-ahead log with `synchronous = FULL`: a commit that returned survives power loss. One relay serves a database at
 * a time; other programs may still read it, and write invitations. Knows no table by itself.
 */
import { closeSync, openSync } from "node:fs"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { RelayError } from "./RelayError.ts"
import { migrations } from "./Schema.ts"

/** A row as read. Blobs are `Uint8Array`. */
export type Row = Readonly<Record<string, unknown>>

/** One prepared statement. */
export interface Statement {
  readonly get: (...values: ReadonlyArray<SQLInputValue>) => Row | undefined
  readonly all: (...values: ReadonlyArray<SQLInputValue>) => ReadonlyArray<Row>
  /** Rows changed. */
  readonly run: (...values: ReadonlyArray<SQLInputValue>) => number
}

export interface Database {
  /** Prepares a statement once; later calls with the same text return it. */
  readonly sql: (text: string) => Statement
  readonly exec: (text: string) => void
  /** Whether it answers. */
  readonly isReadable: () => boolean
  /** Rises when another program committed something. */
  readonly foreignCommits: () => number
  /** Runs all of it or nothing, durably. For programs beside a relay; the relay itself commits in groups. */
  readonly transaction: <A>(run: () => A) => A
  /** Gives some free pages back to the system. */
  readonly giveBack: () => void
  readonly close: () => void
}

const wrap = (statement: StatementSync): Statement => ({
  get: (...values) => statement.get(...values),
  all: (...values) => statement.all(...values),
  run: (...values) => Number(statement.run(...values).changes)
})

const isBusy = (cause: unknown): boolean =>
  cause instanceof Error && /database is locked|SQLITE_BUSY/.test(cause.message)

/** Makes a file that only its owner reads, before SQLite makes one that everybody does. Its companions get the same mode. */
const createPrivate = (file: string): void => {
  if (file !== ":memory:") closeSync(openSync(file, "a", 0o600))
}

/** Holds a lock in a file of its own for as long as it is open; the system drops it when the process dies. */
const lock = (file: string): DatabaseSync => {
  createPrivate(`${file}.lock`)
  const held = new DatabaseSync(`${file}.lock`, { timeout: 0 })
  try {
    held.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (x); COMMIT")
    return held
  } catch (cause) {
    held.close()
    throw new RelayError({ reason: isBusy(cause) ? "in-use" : "database", cause })
  }
}

const migrate = (db: DatabaseSync): void => {
  const version = Number(db.prepare("PRAGMA user_version").get()!["user_version"])
  if (version > migrations.length) throw new RelayError({ reason: "newer" })
  for (let next = version; next < migrations.length; next++) {
    db.exec("BEGIN IMMEDIATE")
    try {
      db.exec(migrations[next]!)
      db.exec(`PRAGMA user_version = ${next + 1}`)
      db.exec("COMMIT")
    } catch (cause) {
      db.exec("ROLLBACK")
      throw cause
    }
  }
}

/** Opens and migrates. Throws a {@link RelayError}. `exclusive` is for the relay itself; an administrator's program leaves it out. */
export const open = (file: string, options: { readonly exclusive: boolean }): Database => {
  let held: DatabaseSync | undefined
  let db: DatabaseSync | undefined
  try {
    createPrivate(file)
    if (options.exclusive && file !== ":memory:") held = lock(file)
    // Somebody else may be writing an invitation. Waiting holds everybody up, so it is short.
    db = new DatabaseSync(file, { timeout: 1_000 })
    const fresh = Number(db.prepare("PRAGMA page_count").get()!["page_count"]) === 0
    // Free pages go back to the system a few at a time; it can be chosen only before the first table.
    if (fresh) db.exec("PRAGMA auto_vacuum = INCREMENTAL")
    db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = FAST"
    )
    // Only macOS needs telling that a sync is meant to reach the disk.
    db.exec("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON")
    db.exec("PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864")
    migrate(db)
  } catch (cause) {
    db?.close()
    held?.close()
    throw cause instanceof RelayError ? cause : new RelayError({ reason: "database", cause })
  }
  const connection = db
  const statements = new Map<string, Statement>()
  return {
    sql: (text) => {
      let statement = statements.get(text)
      if (statement === undefined) {
        statement = wrap(connection.prepare(text))
        statements.set(text, statement)
      }
      return statement
    },
    exec: (text) => connection.exec(text),
    isReadable: () => {
      try {
        return connection.prepare("SELECT count(*) AS n FROM sqlite_schema").get() !== undefined
      } catch {
        return false
      }
    },
    foreignCommits: () => Number(connection.prepare("PRAGMA data_version").get()!["data_version"]),
    transaction: (run) => {
      connection.exec("BEGIN IMMEDIATE")
      try {
        const value = run()
        connection.exec("COMMIT")
        return value
      } catch (cause) {
        connection.exec("ROLLBACK")
        throw cause
      }
    },
    giveBack: () => connection.exec("PRAGMA incremental_vacuum(1000)"),
    close: () => {
      connection.close()
      held?.close()
    }
  }
}
