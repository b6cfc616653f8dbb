/**
 * Commits of many fibers in one transaction and one sync.
 *
 * Spec: docs/spec/16-state.md §16.2 (state.commit.3, state.lease.1).
 * Does not know Effect: outcomes go to callbacks. Does not open or close the file.
 *
 * Commits that arrive during one turn of the event loop are written in one transaction at its end. While that one is being
 * synced the thread stands still, so what arrives meanwhile waits in sockets and timers and makes up the next group: the slower
 * the disk, the larger the groups. Each commit's expectations are all checked before its first write, inside the
 * transaction and behind the writes of the commits before it; so a conflict needs no undoing and fails alone.
 */
import type { DatabaseSync } from "node:sqlite"
import { Conflict, LeaseLost, StoreError, type Write } from "@tacit/core"
import { StoreUnusable } from "../StoreUnusable.ts"
import { isBusy, isFull } from "./internal/sqliteError.ts"
import { checksum, identity, type Lease } from "./StoreFile.ts"

/** Commits in one transaction. Keeps the pause of one turn at some milliseconds; more would not make a sync cheaper per commit. */
const maxGroupCommits = 1_024

/** Bytes after which a transaction takes no further commit: about the size at which the write-ahead log is folded in. */
const maxGroupBytes = 4_194_304

/** Revisions reserved at a time. A reservation costs one more page in one commit of many; a crash skips what is left of it. */
const revisionBlock = 65_536

export type CommitError = StoreError | Conflict | LeaseLost

export type Outcome =
  | { readonly _tag: "Done"; readonly revisions: ReadonlyArray<number> }
  | { readonly _tag: "Failed"; readonly error: CommitError }

/** A commit on its way. */
export interface Request {
  readonly writes: ReadonlyArray<Write>
  readonly settle: (outcome: Outcome) => void
}

export interface GroupCommit {
  /** Queues a commit whose batch keeps the rules of the port. It is settled exactly once, unless it is withdrawn. */
  readonly submit: (request: Request) => void
  /** Takes a commit back that has not begun. One that was settled is left alone. */
  readonly withdraw: (request: Request) => void
  /** Writes everything that is queued, now. */
  readonly flush: () => void
  /** False when the lease is lost or the file must not be touched any more. */
  readonly mayWrite: () => boolean
  /** Why this handle must not be used any more, if so; a lost lease is not among the reasons, for it still may read. */
  readonly unusable: () => StoreUnusable | undefined
}

export interface Options {
  readonly path: string
  readonly lease: Lease
  /** Called once, when a commit found that the lease was taken. */
  readonly onLost: () => void
  /** Called after each transaction. `removed`: it removed records, or replaced some. */
  readonly onWritten: (removed: boolean) => void
}

/** Prepares the statements; the connection stays the caller's. */
export const make = (db: DatabaseSync, { lease, onLost, onWritten, path }: Options): GroupCommit => {
  const begin = db.prepare("BEGIN IMMEDIATE")
  const end = db.prepare("COMMIT")
  const readToken = db.prepare("SELECT token FROM store")
  const reserve = db.prepare("UPDATE store SET revision = ?")
  const readRevision = db.prepare("SELECT revision FROM record WHERE key = ?")
  const put = db.prepare(
    `INSERT INTO record (key, revision, sum, value) VALUES (?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, sum = excluded.sum, value = excluded.value`
  )
  const remove = db.prepare("DELETE FROM record WHERE key = ?")

  const file = identity(path)
  let queue: Array<Request> = []
  let scheduled: NodeJS.Immediate | undefined
  let lost = false
  let broken: StoreUnusable | undefined
  /** Whether the running transaction may have removed or replaced a record. */
  let removed = false
  /** The next revision to give out, and the first that is not reserved in the file. */
  let next = lease.revision
  let reserved = lease.revision

  const failed = (error: CommitError): Outcome => ({ _tag: "Failed", error })
  const storeError = (cause: unknown): Outcome => failed(new StoreError({ operation: "commit", cause }))

  const schedule = (): void => {
    scheduled ??= setImmediate(run)
  }

  const run = (): void => {
    scheduled = undefined
    const group = take()
    if (queue.length > 0) schedule()
    const outcomes = transact(group)
    for (let i = 0; i < group.length; i++) group[i]!.settle(outcomes[i]!)
  }

  const take = (): ReadonlyArray<Request> => {
    let commits = 0
    for (let bytes = 0; commits < queue.length && commits < maxGroupCommits && bytes < maxGroupBytes; commits++) {
      for (const write of queue[commits]!.writes) if (write.op === "put") bytes += write.value.length
    }
    const group = queue.slice(0, commits)
    queue = queue.slice(commits)
    return group
  }

  const transact = (group: ReadonlyArray<Request>): ReadonlyArray<Outcome> => {
    const all = (outcome: () => Outcome): ReadonlyArray<Outcome> => group.map(outcome)
    if (group.length === 0) return []
    if (lost) return all(() => failed(new LeaseLost()))
    if (broken === undefined && identity(path) !== file) {
      broken = new StoreUnusable({
        reason: "replaced",
        path,
        message: `${path} was moved, removed or replaced while it was open. Put it back, or open the new one.`
      })
    }
    if (broken !== undefined) return all(() => storeError(broken))
    let committing = false
    try {
      begin.run()
      // Rule state.lease.1: read inside the transaction, so that no taking can slip in between.
      if (readToken.get()?.["token"] !== lease.token) {
        db.exec("ROLLBACK")
        lost = true
        onLost()
        return all(() => failed(new LeaseLost()))
      }
      removed = false
      const outcomes = group.map(({ writes }) => apply(writes))
      const reservation = next > reserved ? next + revisionBlock : undefined
      if (reservation !== undefined) reserve.run(reservation)
      committing = true
      end.run()
      if (reservation !== undefined) reserved = reservation
      onWritten(removed)
      return outcomes
    } catch (cause) {
      rollBack()
      // A failed sync may leave the group in the log, to appear at the next opening; only opening again can tell. Without room, or
      // without the lock, nothing was written.
      if (committing && !isFull(cause) && !isBusy(cause)) {
        broken = new StoreUnusable({
          reason: "failed",
          path,
          message: `A commit to ${path} failed in the disk. Close the store and open it again.`
        })
      }
      return all(() => storeError(cause))
    }
  }

  const apply = (writes: ReadonlyArray<Write>): Outcome => {
    for (const { expected, key } of writes) {
      // Rule state.commit.3.
      if (expected !== undefined && (readRevision.get(key)?.["revision"] ?? "absent") !== expected) {
        return failed(new Conflict({ key }))
      }
    }
    const revisions: Array<number> = []
    for (const write of writes) {
      removed ||= write.expected !== "absent"
      if (write.op === "delete") remove.run(write.key)
      else {
        const revision = next++
        put.run(write.key, revision, checksum(write.key, revision, write.value), write.value)
        revisions.push(revision)
      }
    }
    return { _tag: "Done", revisions }
  }

  const rollBack = (): void => {
    try {
      if (db.isTransaction) db.exec("ROLLBACK")
    } catch {
      broken ??= new StoreUnusable({
        reason: "failed",
        path,
        message: `${path} cannot be written. Close the store and open it again.`
      })
    }
  }

  return {
    submit: (request) => {
      queue.push(request)
      schedule()
    },
    withdraw: (request) => {
      const at = queue.indexOf(request)
      if (at >= 0) queue.splice(at, 1)
    },
    flush: () => {
      while (queue.length > 0) run()
      if (scheduled !== undefined) clearImmediate(scheduled)
      scheduled = undefined
    },
    mayWrite: () => !lost && broken === undefined,
    unusable: () => broken
  }
}
