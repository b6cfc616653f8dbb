/**
 * Telling those who hold something out of a vault that it was locked.
 *
 * Spec: docs/spec/12-vault.md §12.8 (vault.lock.2).
 * Known by the store itself, so that nobody who stands on a store has to be told whether there is a vault in it.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Store } from "../../ports/Store.ts"

type StoreApi = Store["Service"]

const watchers = new WeakMap<StoreApi, Set<Effect.Effect<void>>>()

/** Makes a store one that can be locked. Answers what runs everything that waits for that, and returns when all of it has. */
export const lockable = (store: StoreApi): Effect.Effect<void> => {
  const waiting = new Set<Effect.Effect<void>>()
  watchers.set(store, waiting)
  return Effect.suspend(() => Effect.forEach([...waiting], (letGo) => letGo, { discard: true }))
}

/** Runs an Effect whenever the store's vault was locked, until the scope closes. Nothing for a store without a vault. */
export const whenLocked = (store: StoreApi, letGo: Effect.Effect<void>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => {
    const waiting = watchers.get(store)
    if (waiting === undefined) return Effect.void
    return Effect.acquireRelease(
      Effect.sync(() => void waiting.add(letGo)),
      () => Effect.sync(() => void waiting.delete(letGo))
    )
  })
