/**
 * Where a device keeps its state in the crash matrix: every store adapter, each of which can be stopped dead at a commit and gives what
 * its process would have left behind.
 *
 * What stands on a disk after `kill -9` is what was written to its files before: the files are copied at that moment, and the next life
 * opens the copies. Real signals, and logs that were cut, are tested by sqlite.crash.test.ts and vault.crash.test.ts.
 */
import { Crypto, type CryptoProvider, Entropy, Store, StoreError, Unlock, UnlockSource, Vault } from "@tacit/core"
import { MemoryStore } from "@tacit/core/testing"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

type StoreApi = Store["Service"]

/** What a killed process leaves behind. */
export interface Remains {
  /** Makes it the state that the next life finds. */
  readonly putBack: () => void
}

/** A moment to die at: the number of a commit from now on, before it or after it. */
export interface Moment {
  readonly nth: number
  readonly when: "before" | "after"
}

/** One device's place. */
export interface Place {
  /** Opens the store for one life. */
  readonly open: Effect.Effect<StoreApi, StoreError, Scope.Scope>
  /** What a process killed now would leave. */
  readonly remains: () => Remains
  /** Counts commits from now on, and stops everything at the moment, if one is given. */
  readonly arm: (moment?: Moment) => void
  /** Commits since it was armed. */
  readonly commits: () => number
  /** Whether the moment came since it was armed. */
  readonly reached: () => boolean
  readonly isDead: () => boolean
  /** Puts back what is left of the life that was stopped, for the next one. */
  readonly revive: () => void
  /** Calls of the store that were not answered yet. */
  readonly pending: () => number
}

interface Base {
  readonly open: Effect.Effect<StoreApi, StoreError, Scope.Scope>
  readonly remains: () => Remains
}

/** A base that can be stopped. A stopped life does nothing any more: nothing it still tries is written. */
const stoppable = (base: Base, above: (store: StoreApi) => Effect.Effect<StoreApi, StoreError, Scope.Scope>): Place => {
  let life = 0
  let moment: Moment | undefined
  let commits = 0
  let dead = false
  let reached = false
  let left: Remains | undefined
  let pending = 0
  const stopped = (operation: "get" | "scan" | "commit") =>
    Effect.fail(new StoreError({ operation, cause: new Error("killed") }))
  const guarded = (store: StoreApi, mine: number): StoreApi => {
    const counted = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.suspend(() => {
        pending++
        return Effect.ensuring(
          effect,
          Effect.sync(() => pending--)
        )
      })
    const isOver = () => dead || mine !== life
    const die = Effect.suspend(() => {
      left = base.remains()
      dead = true
      reached = true
      return stopped("commit")
    })
    return Store.of({
      get: (key) => counted(Effect.suspend(() => (isOver() ? stopped("get") : store.get(key)))),
      scan: (prefix, options) =>
        counted(Effect.suspend(() => (isOver() ? stopped("scan") : store.scan(prefix, options)))),
      commit: (writes) =>
        counted(
          Effect.suspend(() => {
            if (isOver()) return stopped("commit")
            // Commits at hand at the moment may have been written or not; nobody is told so any more.
            const told = Effect.filterOrElse(
              store.commit(writes),
              () => !isOver(),
              () => stopped("commit")
            )
            if (++commits !== moment?.nth) return told
            return moment.when === "before" ? die : Effect.andThen(told, die)
          })
        )
    })
  }
  return {
    open: Effect.suspend(() => {
      const mine = ++life
      return Effect.flatMap(base.open, (store) => above(guarded(store, mine)))
    }),
    remains: base.remains,
    arm: (next) => {
      moment = next
      commits = 0
      reached = false
    },
    commits: () => commits,
    reached: () => reached,
    isDead: () => dead,
    revive: () => {
      life++
      left?.putBack()
      left = undefined
      dead = false
      moment = undefined
    },
    pending: () => pending
  }
}

const memory = (): Base => {
  const disk = MemoryStore.makeDisk()
  return {
    open: Effect.map(Layer.build(Layer.fresh(disk.layer)), (services) => Context.get(services, Store)),
    remains: () => {
      const snapshot = disk.snapshot()
      return { putBack: () => disk.restore(snapshot) }
    }
  }
}

let files = 0

/** Every life of a file that was killed has a file of its own: the dead one's handle may still be open in this process. */
const sqlite = (folder: string): Base => {
  const next = () => join(folder, `matrix-${files++}.db`)
  let path = next()
  return {
    open: Effect.suspend(() => Effect.map(Sqlite.make({ path, rewriteUpToBytes: 0 }), ({ store }) => store)),
    remains: () => {
      const parts = ["", "-wal"]
        .filter((end) => existsSync(path + end))
        .map((end) => [end, readFileSync(path + end)] as const)
      return {
        putBack: () => {
          path = next()
          for (const [end, bytes] of parts) writeFileSync(path + end, bytes, { mode: 0o600 })
        }
      }
    }
  }
}

const plain = (store: StoreApi) => Effect.succeed(store)

const sealed =
  (crypto: CryptoProvider, entropy: Entropy["Service"]) =>
  (store: StoreApi): Effect.Effect<StoreApi, StoreError, Scope.Scope> =>
    Effect.map(
      Effect.provide(
        Vault.make(),
        Layer.mergeAll(
          Layer.succeed(Store, store),
          Layer.succeed(Crypto, crypto),
          Layer.succeed(Entropy, entropy),
          Layer.succeed(UnlockSource, Unlock.key(new Uint8Array(32).fill(3)))
        )
      ),
      (opened) => opened.store
    )

/** The adapters, by the names they have in the matrix. */
export const adapters = ["memory", "SQLite", "vault over memory", "vault over SQLite"] as const
export type Adapter = (typeof adapters)[number]

/** An empty place. */
export const make = (adapter: Adapter, folder: string, crypto: CryptoProvider, entropy: Entropy["Service"]): Place => {
  const base = adapter.endsWith("memory") ? memory() : sqlite(folder)
  return stoppable(base, adapter.startsWith("vault") ? sealed(crypto, entropy) : plain)
}
