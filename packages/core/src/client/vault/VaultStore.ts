/**
 * The Store port over another store that holds everything sealed: the working half of a vault, open or locked.
 *
 * Spec: docs/spec/12-vault.md §12.5, §12.6.
 * Asks for no secret and makes no header: client/vault/Vault.ts does.
 *
 * One gate lets reads and commits pass one after the other, so that nothing is read halfway through a commit. Commits that wait are
 * written together: each still fails or succeeds by itself, and the ledger is written once for all of them.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as Bytes from "../../base/Bytes.ts"
import type { CryptoProvider } from "../../crypto/Provider.ts"
import type { Entropy } from "../../ports/Crypto.ts"
import { Conflict, type LeaseLost, Store, type StoredRecord, type StoreError, type Write } from "../../ports/Store.ts"
import * as Rules from "../../ports/StoreRules.ts"
import * as SealedRecord from "../../vault/SealedRecord.ts"
import * as VaultKeys from "../../vault/VaultKeys.ts"
import { type Contents, keyBelow, Plan, select } from "./Contents.ts"
import * as Locks from "./Locks.ts"
import { type Reason, unusable, unusableFor } from "./VaultUnusable.ts"

/** A commit takes in others that wait until it has so many bytes. */
const mergeBytes = 4 * 1024 * 1024

type CommitError = StoreError | Conflict | LeaseLost
type Settled = Exit.Exit<ReadonlyArray<number>, CommitError>

interface Request {
  readonly writes: ReadonlyArray<Write>
  /** What else goes into the same commit; for the vault's own work. Such a request is never written with others. */
  readonly own: ((plan: Plan) => void) | undefined
  taken: boolean
  outcome: Settled | undefined
}

/** The store, and what the vault does with it. */
export interface VaultStore {
  readonly store: Store["Service"]
  /** Commits with additions of the vault's own. */
  readonly commit: (
    writes: ReadonlyArray<Write>,
    own?: (plan: Plan) => void
  ) => Effect.Effect<ReadonlyArray<number>, CommitError>
  /** Runs with the gate held: no commit is under way meanwhile. */
  readonly alone: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** The contents while it is open. */
  readonly contents: () => Contents | undefined
  /** Takes contents in; to be called under {@link VaultStore.alone}. */
  readonly open: (contents: Contents) => void
  /** Overwrites the keys and drops what was known of the records, for `reason`; to be called under {@link VaultStore.alone}. */
  readonly shut: (reason: Reason) => void
  /** Lets everybody who holds something out of the store let go of it, after it was shut. */
  readonly letGo: Effect.Effect<void>
}

/** A vault's store over `below`, locked at first. */
export const make = (below: Store["Service"], crypto: CryptoProvider, entropy: Entropy["Service"]): VaultStore => {
  const gate = Semaphore.makeUnsafe(1)
  let contents: Contents | undefined
  let why: Reason = "locked"
  let queue: Array<Request> = []

  const shut = (reason: Reason): void => {
    if (contents !== undefined) {
      VaultKeys.wipe(contents.keys)
      contents.entries.clear()
      contents.names.length = 0
    }
    contents = undefined
    why = reason
  }

  const read = <A>(
    operation: "get" | "scan",
    fault: string | undefined,
    f: (contents: Contents) => Effect.Effect<A, StoreError>
  ): Effect.Effect<A, StoreError> =>
    fault !== undefined
      ? Effect.die(new Rules.Misuse(fault))
      : gate.withPermit(
          Effect.suspend(() => (contents === undefined ? Effect.fail(unusable(operation, why)) : f(contents)))
        )

  /** Reads and opens a record the contents know. It must be there, in the version they know. */
  const load = Effect.fnUntraced(function* ({ entries, keys }: Contents, name: string, operation: "get" | "scan") {
    const { ids, version } = entries.get(name)!
    const parts: Array<Uint8Array> = []
    for (const [piece, id] of ids.entries()) {
      const stored = yield* below.get(keyBelow(id))
      if (stored === undefined) return yield* unusable(operation, "rollback")
      const opened = SealedRecord.open(crypto, keys, id, stored.value)
      if (Result.isFailure(opened)) return yield* unusableFor(operation, opened.failure)
      const { success } = opened
      const isKnown = success.version === version && success.piece === piece && success.pieces === ids.length
      if (!isKnown || success.name !== name) return yield* unusable(operation, "rollback")
      parts.push(success.bytes)
    }
    const record: StoredRecord = {
      key: name,
      value: parts.length === 1 ? parts[0]! : Bytes.concat(...parts),
      revision: version
    }
    return record
  })

  /** A conflict below means that somebody writes there beside the vault: what it knows is no longer true. */
  const outcomeOf = (cause: Cause.Cause<CommitError>): Settled => {
    const failure = Cause.findErrorOption(cause)
    if (Option.isNone(failure) || failure.value._tag !== "Conflict") return Exit.failCause(cause)
    shut("rollback")
    return Exit.fail(unusable("commit", "rollback"))
  }

  /** Puts the first requests of the queue into one commit below, and settles them. Never interrupted. */
  const flush: Effect.Effect<void> = Effect.uninterruptible(
    Effect.suspend(() => {
      if (contents === undefined) {
        for (const request of queue) request.outcome = Exit.fail(unusable("commit", why))
        queue = []
        return Effect.void
      }
      const plan = new Plan(crypto, entropy, contents)
      const taken: Array<{ readonly request: Request; readonly revisions: ReadonlyArray<number> }> = []
      let at = 0
      for (; at < queue.length; at++) {
        const request = queue[at]!
        if (taken.length > 0 && (request.own !== undefined || plan.size > mergeBytes)) break
        request.taken = true
        const conflict = plan.conflict(request.writes)
        if (conflict !== undefined) {
          request.outcome = Exit.fail(new Conflict({ key: conflict.key }))
          continue
        }
        taken.push({ request, revisions: plan.add(request.writes) })
        request.own?.(plan)
        if (request.own !== undefined) {
          at++
          break
        }
      }
      queue = queue.slice(at)
      if (taken.length === 0) return Effect.void
      return Effect.matchCause(below.commit(plan.writes()), {
        onSuccess: (below) => {
          plan.apply(below)
          for (const { request, revisions } of taken) request.outcome = Exit.succeed(revisions)
        },
        onFailure: (cause) => {
          const outcome = outcomeOf(cause)
          for (const { request } of taken) request.outcome = outcome
        }
      })
    })
  )

  const commit: VaultStore["commit"] = (writes, own) =>
    Effect.suspend(() => {
      const request: Request = { writes, own, taken: false, outcome: undefined }
      queue.push(request)
      const turn: Effect.Effect<ReadonlyArray<number>, CommitError> = Effect.suspend(() =>
        request.outcome === undefined ? Effect.andThen(flush, turn) : request.outcome
      )
      return Effect.onInterrupt(gate.withPermit(turn), () =>
        Effect.sync(() => {
          if (!request.taken) queue = queue.filter((one) => one !== request)
        })
      )
    })

  const store = Store.of({
    get: (key) =>
      read("get", Rules.keyFault(key), (contents) =>
        contents.entries.has(key) ? load(contents, key, "get") : Effect.undefined
      ),
    scan: (prefix, options) =>
      read("scan", Rules.scanFault(prefix, options), (contents) =>
        Effect.forEach(select(contents, prefix, options?.after, options?.limit ?? Rules.defaultScanLimit), (name) =>
          load(contents, name, "scan")
        )
      ),
    commit: (writes) =>
      Effect.suspend(() => {
        const fault = Rules.writesFault(writes)
        return fault === undefined ? commit(writes) : Effect.die(new Rules.Misuse(fault))
      })
  })

  return {
    store,
    commit,
    alone: (effect) => gate.withPermit(effect),
    contents: () => contents,
    open: (opened) => {
      contents = opened
    },
    shut,
    letGo: Locks.lockable(store)
  }
}
