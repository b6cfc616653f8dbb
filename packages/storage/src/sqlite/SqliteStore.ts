/**
 * The Store port on one SQLite file, through `node:sqlite`.
 *
 * Spec: docs/spec/16-state.md §16.1, §16.2.
 * Knows no record's meaning and seals nothing: keep the file where only its owner reads.
 */
import type { DatabaseSync } from "node:sqlite"
import { Store, type StoredRecord, StoreError, StoreRules } from "@tacit/core"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { StoreUnusable } from "../StoreUnusable.ts"
import * as GroupCommit from "./GroupCommit.ts"
import * as Housekeeping from "./Housekeeping.ts"
import * as ProcessLock from "./ProcessLock.ts"
import * as StoreFile from "./StoreFile.ts"

export interface SqliteOptions {
  /** The store's file. Made, with its folder, when it is not there. `<path>.lock`, `<path>-wal` and `<path>-shm` stand beside it. */
  readonly path: string
  /**
   * What to do when another living process has the store open: `false` (default) refuses with `in-use`; `true` takes the
   * lease away from it, after which it can write no more. For a process that hangs and cannot be ended.
   */
  readonly takeOver?: boolean
  /** How much is checked at opening: the structure of the file (default), or also every record, which reads all of it twice. */
  readonly check?: StoreFile.Check
  /** How long removed records may stay in the write-ahead log, in ms. Default 5,000. */
  readonly forgetWithinMs?: number
  /**
   * Files up to this many bytes are rewritten now and then, and at closing, so that no remains of removed records stay in
   * them; larger ones may keep a few. Default 16 MiB, which takes about 100 ms; 0 never rewrites, for a store without secrets.
   */
  readonly rewriteUpToBytes?: number
}

/** An open store. */
export interface SqliteStore {
  readonly store: Store["Service"]
  /** The fencing token of this opening: higher than that of every opening before. */
  readonly token: number
  /** Finishes what is queued, folds in the log and closes. Safe to repeat; the scope does it too. */
  readonly close: Effect.Effect<void, StoreError>
}

const defaultForgetWithinMs = 5_000
const defaultRewriteUpToBytes = 16_777_216

/** How often a handle that took the lease from a living process looks whether that one is gone, in ms. */
const lockRetryMs = 500

/** Opens a store; the scope closes it. Fails with a `StoreError` whose cause is a `StoreUnusable` when that can say what to do. */
export const make = (options: SqliteOptions): Effect.Effect<SqliteStore, StoreError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({ try: () => open(options), catch: (cause) => new StoreError({ operation: "open", cause }) }),
    ({ close }) => Effect.ignore(close, { log: "Warn", message: "store did not close cleanly" })
  )

/** The store at a path, opened when the layer is built and closed with its scope. */
export const layer = (options: SqliteOptions): Layer.Layer<Store, StoreError> =>
  Layer.effect(
    Store,
    Effect.map(make(options), ({ store }) => store)
  )

/** `TACIT_STORE` (path, required) and `TACIT_STORE_TAKE_OVER` (default false). */
export const config: Config.Config<SqliteOptions> = Config.all({
  path: Config.String("TACIT_STORE"),
  takeOver: Config.Boolean("TACIT_STORE_TAKE_OVER").pipe(Config.withDefault(false))
})

/** {@link layer} with options from the configuration: {@link config} unless another one is given. */
export const layerConfig = (
  options: Config.Config<SqliteOptions> = config
): Layer.Layer<Store, StoreError | Config.ConfigError> => Layer.unwrap(Effect.map(options, layer))

const open = (options: SqliteOptions): SqliteStore => {
  const path = StoreFile.locate(options.path)
  const lock = ProcessLock.make(`${path}.lock`)
  let db: DatabaseSync | undefined
  try {
    const exists = StoreFile.identity(path) !== undefined
    if (!lock.held() && !(options.takeOver === true && exists)) throw inUse(path)
    if (!exists) StoreFile.create(path)
    StoreFile.inspect(path, options.check ?? "structure")
    db = StoreFile.connect(path)
    return serve(db, lock, path, StoreFile.takeLease(db, path), options)
  } catch (error) {
    db?.close()
    lock.release()
    throw error
  }
}

const inUse = (path: string): StoreUnusable => {
  const pid = StoreFile.holder(path)
  const who = pid === process.pid ? "this process" : pid === undefined ? "another process" : `another process (${pid})`
  return new StoreUnusable({
    reason: "in-use",
    path,
    message: `${path} is already open in ${who}. Close it there first; if that process hangs, end it, or open with takeOver to shut it out.`
  })
}

const serve = (
  db: DatabaseSync,
  lock: ProcessLock.ProcessLock,
  path: string,
  lease: StoreFile.Lease,
  options: SqliteOptions
): SqliteStore => {
  const { forgetWithinMs = defaultForgetWithinMs, rewriteUpToBytes = defaultRewriteUpToBytes } = options
  const readOne = db.prepare("SELECT revision, sum, value FROM record WHERE key = ?")
  const readRange = db.prepare(
    "SELECT key, revision, sum, value FROM record WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"
  )
  const housekeeping = Housekeeping.make(db, rewriteUpToBytes)
  let closed = false
  let cleaning: NodeJS.Timeout | undefined
  const lockRetry = lock.held()
    ? undefined
    : setInterval(() => quietly(lock.acquire) === true && clearInterval(lockRetry), lockRetryMs)
  lockRetry?.unref()

  const clean = (): void => {
    cleaning = undefined
    if (commits.mayWrite() && !quietly(housekeeping.run)) scheduleCleaning()
  }
  const scheduleCleaning = (): void => {
    cleaning ??= setTimeout(clean, forgetWithinMs).unref()
  }

  const commits = GroupCommit.make(db, {
    path,
    lease,
    // The one that took the lease shall hold the lock as well.
    onLost: () => {
      clearInterval(lockRetry)
      lock.release()
    },
    onWritten: (removed) => {
      if (removed) housekeeping.noteRemoval()
      scheduleCleaning()
    }
  })

  const unusable = (): StoreUnusable | undefined =>
    closed
      ? new StoreUnusable({ reason: "closed", path, message: `${path} was closed by this program.` })
      : commits.unusable()

  const read = <A>(operation: "get" | "scan", fault: string | undefined, f: () => A): Effect.Effect<A, StoreError> =>
    Effect.suspend(() => {
      if (fault !== undefined) return Effect.die(new StoreRules.Misuse(fault))
      const cause = unusable()
      if (cause !== undefined) return Effect.fail(new StoreError({ operation, cause }))
      try {
        return Effect.succeed(f())
      } catch (cause) {
        return Effect.fail(new StoreError({ operation, cause }))
      }
    })

  const record = (key: string, row: Readonly<Record<string, unknown>>): StoredRecord => {
    const revision = row["revision"] as number
    const value = row["value"] as Uint8Array
    if (StoreFile.checksum(key, revision, value) !== row["sum"]) {
      throw new StoreUnusable({ reason: "damaged", path, message: StoreFile.damagedMessage(path) })
    }
    return { key, value, revision }
  }

  const store = Store.of({
    get: (key) =>
      read("get", StoreRules.keyFault(key), () => {
        const row = readOne.get(key)
        return row === undefined ? undefined : record(key, row)
      }),
    scan: (prefix, options) =>
      read("scan", StoreRules.scanFault(prefix, options), () => {
        const { after, limit = StoreRules.defaultScanLimit } = options ?? {}
        // One lower bound, so that a page far behind the first costs no more: the least key behind `after` is `after` and a space.
        const from = after === undefined || after < prefix ? prefix : `${after} `
        const rows = readRange.all(from, StoreRules.prefixEnd(prefix) ?? beyondKeys, limit)
        return rows.map((row) => record(row["key"] as string, row))
      }),
    commit: (writes) =>
      Effect.callback<ReadonlyArray<number>, GroupCommit.CommitError>((resume) => {
        const fault = StoreRules.writesFault(writes)
        if (fault !== undefined) return resume(Effect.die(new StoreRules.Misuse(fault)))
        const cause = unusable()
        if (cause !== undefined) return resume(Effect.fail(new StoreError({ operation: "commit", cause })))
        const request: GroupCommit.Request = {
          writes,
          settle: (outcome) =>
            resume(outcome._tag === "Done" ? Effect.succeed(outcome.revisions) : Effect.fail(outcome.error))
        }
        commits.submit(request)
        return Effect.sync(() => commits.withdraw(request))
      })
  })

  const close = Effect.try({
    try: () => {
      if (closed) return
      closed = true
      clearTimeout(cleaning)
      clearInterval(lockRetry)
      try {
        commits.flush()
        if (commits.mayWrite()) quietly(housekeeping.last)
        db.close()
      } finally {
        lock.release()
      }
    },
    catch: (cause) => new StoreError({ operation: "close", cause })
  })

  return { store, token: lease.token, close }
}

/**
 * Runs work that nobody waits for. Its failure is no one's answer: the next commit, or the next opener, meets the same disk and
 * reports what is wrong with it.
 */
const quietly = <A>(work: () => A): A | undefined => {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** Greater than every key: the character behind the last printable one. */
const beyondKeys = "\x7f"
