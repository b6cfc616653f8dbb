/**
 * Remembers what was computed from a key, for as long as the very array that held the key is alive.
 *
 * Spec: none; this is an implementation's economy.
 * A snapshot of the key is compared at every use, so an array that was wiped or filled with another key never answers
 * with the old one.
 */
import * as Bytes from "../base/Bytes.ts"

/** Wraps an expensive pure function of one key array. */
export const make = <T>(compute: (key: Uint8Array) => T): ((key: Uint8Array) => T) => {
  const entries = new WeakMap<Uint8Array, { readonly snapshot: Uint8Array; readonly value: T }>()
  return (key) => {
    const entry = entries.get(key)
    if (entry !== undefined && Bytes.constantTimeEqual(entry.snapshot, key)) return entry.value
    const value = compute(key)
    entries.set(key, { snapshot: new Uint8Array(key), value })
    return value
  }
}
