/**
 * Keeps a client off a sealed store that was opened without its vault: it would take it for an empty one.
 *
 * Spec: docs/spec/12-vault.md §12.8, rule vault.guard.1.
 */
import * as Effect from "effect/Effect"
import type { Store, StoreError } from "../../ports/Store.ts"
import { headerKey } from "./Contents.ts"
import { unusable } from "./VaultUnusable.ts"

/** Fails with reason `sealed` when the store has a vault's header. */
export const refuseSealed = (store: Store["Service"]): Effect.Effect<void, StoreError> =>
  Effect.flatMap(store.get(headerKey), (header) =>
    header === undefined ? Effect.void : Effect.fail(unusable("open", "sealed"))
  )
