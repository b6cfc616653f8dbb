/**
 * What a relay knows of the files it keeps: name of the upload, id, size, times. A SQLite file of its own beside them.
 *
 * Spec: docs/spec/11-attachments.md rules attachment.store.1–5, attachment.http.7.
 * Holds no account and no upload secret. Every change is durable when it returns. Does not touch the files.
 */
import { closeSync, openSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { RelayError } from "../RelayError.ts"

/** One upload. `name` is 64 hexadecimal characters, from the hash of the upload secret; `id` likewise, once it is complete. Times in ms. */
export interface Kept {
  readonly name: string
  readonly id: string | undefined
  readonly size: number
  readonly touchedAt: number
  readonly expiresAt: number
}

export interface KeepIndex {
  readonly byName: (name: string) => Kept | undefined
  /** Complete files only; of several with the same bytes, the one that stays longest. */
  readonly byId: (id: string) => Kept | undefined
  readonly add: (kept: Omit<Kept, "id">) => void
  readonly touch: (name: string, now: number) => void
  readonly complete: (name: string, id: string) => void
  readonly remove: (name: string) => void
  /** What has expired by `now`, and unfinished uploads not touched since `idle`. */
  readonly old: (now: number, idle: number) => ReadonlyArray<Kept>
  readonly totals: () => { readonly files: number; readonly bytes: number }
  readonly close: () => void
}

const tables = `
  CREATE TABLE IF NOT EXISTS uploads (
    name TEXT PRIMARY KEY,
    id TEXT,
    size INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS uploads_by_id ON uploads(id) WHERE id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS uploads_by_expiry ON uploads(expires_at);
  PRAGMA user_version = 1;
`

const read = (row: Readonly<Record<string, unknown>> | undefined): Kept | undefined =>
  row === undefined
    ? undefined
    : {
        name: row["name"] as string,
        id: (row["id"] as string | null) ?? undefined,
        size: Number(row["size"]),
        touchedAt: Number(row["touched_at"]),
        expiresAt: Number(row["expires_at"])
      }

/** Opens it, or makes it. Throws a {@link RelayError}. */
export const openIndex = (file: string): KeepIndex => {
  let db: DatabaseSync | undefined
  try {
    closeSync(openSync(file, "a", 0o600))
    db = new DatabaseSync(file, { timeout: 1_000 })
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    const version = Number(db.prepare("PRAGMA user_version").get()!["user_version"])
    if (version > 1) throw new RelayError({ reason: "newer" })
    if (version === 0) db.exec(tables)
  } catch (cause) {
    db?.close()
    throw cause instanceof RelayError ? cause : new RelayError({ reason: "database", cause })
  }
  const connection = db
  const byName = db.prepare("SELECT * FROM uploads WHERE name = ?")
  const byId = db.prepare("SELECT * FROM uploads WHERE id = ? ORDER BY expires_at DESC LIMIT 1")
  const add = db.prepare("INSERT INTO uploads (name, size, touched_at, expires_at) VALUES (?, ?, ?, ?)")
  const touch = db.prepare("UPDATE uploads SET touched_at = ? WHERE name = ?")
  const complete = db.prepare("UPDATE uploads SET id = ? WHERE name = ?")
  const remove = db.prepare("DELETE FROM uploads WHERE name = ?")
  const old = db.prepare(
    "SELECT * FROM uploads WHERE expires_at <= ? OR (id IS NULL AND touched_at <= ?) ORDER BY expires_at LIMIT 500"
  )
  const totals = db.prepare("SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM uploads")
  return {
    byName: (name) => read(byName.get(name)),
    byId: (id) => read(byId.get(id)),
    add: ({ expiresAt, name, size, touchedAt }) => void add.run(name, size, touchedAt, expiresAt),
    touch: (name, now) => void touch.run(now, name),
    complete: (name, id) => void complete.run(id, name),
    remove: (name) => void remove.run(name),
    old: (now, idle) => old.all(now, idle).map((row) => read(row)!),
    totals: () => {
      const row = totals.get()!
      return { files: Number(row["files"]), bytes: Number(row["bytes"]) }
    },
    close: () => connection.close()
  }
}
