/**
 * A store in memory that keeps every promise of the port, for tests: its disk can be photographed, rolled back and made to fail.
 *
 * Spec: docs/spec/16-state.md §16.1, §16.2.
 * Survives its handles, not its process. Opening always takes the lease: there is no other process to ask.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Conflict, LeaseLost, Store, type StoredRecord, StoreError, type Write } from "../ports/Store.ts"
import * as Rules from "../ports/StoreRules.ts"

/** What a {@link Disk} held at one time. Opaque; it never changes. */
export interface Snapshot {
  readonly records: ReadonlyMap<string, StoredRecord>
  readonly revision: number
}

/** A planned failure of an operation. */
export interface Fault {
  readonly operation: "get" | "scan" | "commit"
  /** Which call fails, counted from the moment of planning: 1 is the next one. Conflicting commits count. */
  readonly nth: number
  /**
   * For a commit: `before` fails with nothing written; `after` writes everything, then fails, as when power goes before the
   * answer is out: the handle is dead from then on and the store must be opened again. Reads fail in the same way for both.
   */
  readonly when: "before" | "after"
}

/** What survives the handles: the counterpart of a file. */
export interface Disk {
  /** Opens the disk: every building takes the lease anew, and handles opened before get `LeaseLost` for ever. */
  readonly layer: Layer.Layer<Store>
  /** What is durable now. */
  readonly snapshot: () => Snapshot
  /** Puts an old state back, as when a backup is restored. Open handles are dead: the store must be opened again. */
  readonly restore: (snapshot: Snapshot) => void
  /** Kills every open handle, as when the process dies: what was not acknowledged may be lost, nothing else. */
  readonly crash: () => void
  /** Plans a failure. Several may be planned. */
  readonly fail: (fault: Fault) => void
  /** Commits that have written, since the disk was made: a place to crash at. */
  readonly commits: () => number
}

/** An empty disk. */
export const makeDisk = (): Disk => {
  let records = new Map<string, StoredRecord>()
  let revision = 0
  let commits = 0
  // The fencing token. It is not part of a snapshot: a handle from before a restore stays fenced off.
  let opening = 0
  let alive: { dead: boolean } = { dead: false }
  let faults: Array<{ readonly fault: Fault; left: number }> = []

  const strike = (operation: Fault["operation"]): Fault | undefined => {
    let struck: Fault | undefined
    faults = faults.filter((planned) => {
      if (planned.fault.operation !== operation || --planned.left > 0) return true
      struck ??= planned.fault
      return false
    })
    return struck
  }

  const open = (): { readonly store: Store["Service"]; readonly close: () => void } => {
    const mine = ++opening
    const life = alive
    let closed: string | undefined

    const refuse = (operation: StoreError["operation"], why: string) =>
      Effect.fail(new StoreError({ operation, cause: new Error(`memory store: ${why}`) }))
    const unusable = (): string | undefined => closed ?? (life.dead ? "crashed, open it again" : undefined)

    const read = <A>(operation: "get" | "scan", fault: string | undefined, f: () => A): Effect.Effect<A, StoreError> =>
      Effect.suspend(() => {
        if (fault !== undefined) return Effect.die(new Rules.Misuse(fault))
        const why = unusable() ?? (strike(operation) === undefined ? undefined : "planned failure")
        return why === undefined ? Effect.succeed(f()) : refuse(operation, why)
      })

    const write = (
      writes: ReadonlyArray<Write>
    ): Effect.Effect<ReadonlyArray<number>, StoreError | Conflict | LeaseLost> => {
      const why = unusable()
      if (why !== undefined) return refuse("commit", why)
      if (mine !== opening) return Effect.fail(new LeaseLost())
      const struck = strike("commit")
      if (struck?.when === "before") return refuse("commit", "planned failure, nothing written")
      const conflict = writes.find(
        ({ expected, key }) => expected !== undefined && (records.get(key)?.revision ?? "absent") !== expected
      )
      if (conflict !== undefined) return Effect.fail(new Conflict({ key: conflict.key }))
      const revisions = apply(writes)
      if (struck === undefined) return Effect.succeed(revisions)
      closed = "failed, open it again"
      return refuse("commit", "planned failure, written")
    }

    const store = Store.of({
      get: (key) =>
        read("get", Rules.keyFault(key), () => {
          const record = records.get(key)
          return record === undefined ? undefined : own(record)
        }),
      scan: (prefix, options) =>
        read("scan", Rules.scanFault(prefix, options), () => {
          const { after, limit = Rules.defaultScanLimit } = options ?? {}
          return [...records.values()]
            .filter(({ key }) => key.startsWith(prefix) && (after === undefined || key > after))
            .sort((a, b) => (a.key < b.key ? -1 : 1))
            .slice(0, limit)
            .map(own)
        }),
      commit: (writes) =>
        Effect.suspend(() => {
          const fault = Rules.writesFault(writes)
          // Gives way first, as a disk would: whoever forgets a lock is found out.
          return fault === undefined
            ? Effect.andThen(
                Effect.yieldNow,
                Effect.suspend(() => write(writes))
              )
            : Effect.die(new Rules.Misuse(fault))
        })
    })
    const close = (): void => {
      closed ??= "closed"
    }
    return { store, close }
  }

  const apply = (writes: ReadonlyArray<Write>): ReadonlyArray<number> => {
    const revisions: Array<number> = []
    for (const write of writes) {
      if (write.op === "delete") records.delete(write.key)
      else {
        records.set(write.key, { key: write.key, value: write.value.slice(), revision: ++revision })
        revisions.push(revision)
      }
    }
    commits++
    return revisions
  }

  const crash = (): void => {
    alive.dead = true
    alive = { dead: false }
  }

  return {
    layer: Layer.effect(
      Store,
      Effect.map(
        Effect.acquireRelease(Effect.sync(open), ({ close }) => Effect.sync(close)),
        ({ store }) => store
      )
    ),
    snapshot: () => ({ records: new Map(records), revision }),
    restore: (snapshot) => {
      crash()
      records = new Map(snapshot.records)
      revision = snapshot.revision
    },
    crash,
    fail: (fault) => {
      faults.push({ fault, left: fault.nth })
    },
    commits: () => commits
  }
}

/** A store on an empty disk of its own. */
export const layer: Layer.Layer<Store> = Layer.suspend(() => makeDisk().layer)

const own = (record: StoredRecord): StoredRecord => ({ ...record, value: record.value.slice() })
