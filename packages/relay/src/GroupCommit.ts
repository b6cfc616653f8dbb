/**
 * Work on the database, many items to one commit.
 *
 * Spec: docs/spec/14-relay.md rules relay.submit.1, relay.frame.4.
 * Items run in the order in which they came, all that arrived in one turn of the event loop inside one transaction. What
 * an item returns is handed on only after the commit, so nothing that depends on it leaves the machine before it is
 * durable. An item that throws undoes its own changes and nobody else's.
 */
import type { Database } from "./Database.ts"

/** One piece of work. `run` may only change the database and state that `failed` puts right. */
export interface Work<A> {
  readonly run: () => A
  /** The commit is durable. */
  readonly committed: (result: A) => void
  /** `run` threw or the commit failed: nothing of it is stored. */
  readonly failed: (cause: unknown) => void
}

export interface GroupCommit {
  readonly push: <A>(work: Work<A>) => void
  /** Runs everything that waits now. */
  readonly flush: () => void
  /** Items waiting. */
  readonly waiting: () => number
  /** Whether the last commit succeeded. */
  readonly healthy: () => boolean
}

export interface GroupCommitOptions {
  readonly maxItems: number
  /** Called after each commit, with the number of items and the seconds it took. */
  readonly onCommit: (items: number, seconds: number) => void
  /** Called after `committed` of a whole batch. */
  readonly afterBatch: () => void
  /** Called when a commit failed; the items have been told. */
  readonly onFailure: (cause: unknown) => void
}

export const makeGroupCommit = (db: Database, options: GroupCommitOptions): GroupCommit => {
  let queue: Array<Work<unknown>> = []
  let scheduled = false
  let healthy = true
  const begin = db.sql("SAVEPOINT item")
  const keep = db.sql("RELEASE item")
  const undo = db.sql("ROLLBACK TO item")

  const runOne = (
    work: Work<unknown>
  ): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly cause: unknown } => {
    begin.run()
    try {
      const value = work.run()
      keep.run()
      return { ok: true, value }
    } catch (cause) {
      undo.run()
      keep.run()
      return { ok: false, cause }
    }
  }

  /** SQLite has rolled back by itself after some failures; then there is nothing left to undo. */
  const rollBack = (): void => {
    try {
      db.exec("ROLLBACK")
    } catch {
      // The failure that brought us here is the one to report.
    }
  }

  const runBatch = (batch: ReadonlyArray<Work<unknown>>): void => {
    const started = performance.now()
    const results: Array<ReturnType<typeof runOne>> = []
    try {
      db.exec("BEGIN IMMEDIATE")
      try {
        for (const work of batch) results.push(runOne(work))
        db.exec("COMMIT")
      } catch (cause) {
        rollBack()
        throw cause
      }
      healthy = true
    } catch (cause) {
      healthy = false
      for (const work of batch) work.failed(cause)
      options.onFailure(cause)
      return
    }
    options.onCommit(batch.length, (performance.now() - started) / 1000)
    for (let i = 0; i < batch.length; i++) {
      const result = results[i]!
      if (result.ok) batch[i]!.committed(result.value)
      else {
        batch[i]!.failed(result.cause)
        options.onFailure(result.cause)
      }
    }
    options.afterBatch()
  }

  const turn = (): void => {
    scheduled = false
    const batch = queue.length <= options.maxItems ? queue : queue.slice(0, options.maxItems)
    queue = batch === queue ? [] : queue.slice(options.maxItems)
    if (queue.length > 0) schedule()
    if (batch.length > 0) runBatch(batch)
  }

  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    // After the sockets that are readable now were read: what they brought shares the commit.
    setImmediate(turn)
  }

  return {
    push: (work) => {
      queue.push(work as Work<unknown>)
      schedule()
    },
    flush: () => {
      while (queue.length > 0) {
        const batch = queue.slice(0, options.maxItems)
        queue = queue.slice(options.maxItems)
        runBatch(batch)
      }
    },
    waiting: () => queue.length,
    healthy: () => healthy
  }
}
