/**
 * The settings of the account as an opened client holds them in memory, and their record.
 *
 * Spec: docs/spec/22-own-devices.md §22.8; docs/spec/16-state.md §16.1.
 * Changes only under the lock of the own conversation, in works of others. identity/Settings.ts decides what stands.
 */
import * as Effect from "effect/Effect"
import type { SettingsWord } from "../envelope/OwnDevice.ts"
import type { Settings } from "../identity/Settings.ts"
import type { Store } from "../ports/Store.ts"
import type { Batch, Slot } from "./Commit.ts"
import * as Records from "./Records.ts"

export interface SettingsState {
  settings: Settings
  readonly slot: Slot
}

/** Reads what is stored. */
export const load = Effect.fnUntraced(function* (store: Store["Service"]) {
  const stored = yield* store.get(Records.keys.settings)
  const state: SettingsState = {
    settings: stored === undefined ? [] : (yield* Records.read(Records.Settings, stored.key, stored.value)).settings,
    slot: { revision: stored?.revision }
  }
  return state
})

/** Settings of works that are not committed yet. */
const pending = new WeakMap<Batch, Settings>()

/** The settings as they will be after this batch, or as they are. */
export const of = (state: SettingsState, batch?: Batch): Settings =>
  (batch === undefined ? undefined : pending.get(batch)) ?? state.settings

/** Puts settings into a batch; memory follows after the commit. */
export const put = (state: SettingsState, batch: Batch, settings: Settings): void => {
  pending.set(batch, settings)
  batch.put(Records.keys.settings, Records.Settings.encode({ version: Records.written, settings }), state.slot)
  batch.applied(() => {
    state.settings = settings
  })
}

/** What is told of them: all. */
export const word = (settings: Settings): SettingsWord => ({ own: "settings", settings })
