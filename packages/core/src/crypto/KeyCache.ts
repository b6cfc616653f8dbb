/**
 * Remembers what was computed from a key, until the key is forgotten or the very array that held it is gone.
 *
 * Spec: none; this is an implementation's economy.
 * A snapshot of the key is compared at every use, so an array that was wiped or filled with another key never answers
 * with the old one.
 */
import * as Bytes from "../base/Bytes.ts"

interface Entry {
  /** Whose it is: several caches may know one key. */
  readonly cache: object
  readonly snapshot: Uint8Array
  readonly value: unknown
}

const remembered = new WeakMap<Uint8Array, ReadonlyArray<Entry>>()

/** Wraps an expensive pure function of one key array. */
export const make = <T>(compute: (key: Uint8Array) => T): ((key: Uint8Array) => T) => {
  const cache = {}
  return (key) => {
    const entries = remembered.get(key)
    const entry = entries === undefined ? undefined : entryOf(entries, cache)
    if (entry !== undefined && Bytes.constantTimeEqual(entry.snapshot, key)) return entry.value as T
    if (entry !== undefined) erase(entry)
    const value = compute(key)
    const made = { cache, snapshot: new Uint8Array(key), value }
    remembered.set(key, entries === undefined ? [made] : [...entries.filter((one) => one !== entry), made])
    return value
  }
}

const entryOf = (entries: ReadonlyArray<Entry>, cache: object): Entry | undefined => {
  for (let i = 0; i < entries.length; i++) if (entries[i]!.cache === cache) return entries[i]
  return undefined
}

/** Forgets keys in every cache, for whoever wipes them (rule crypto.erase.1): snapshots, and what was computed where it is bytes. */
export const forget = (keys: Iterable<Uint8Array>): void => {
  for (const key of keys) {
    const entries = remembered.get(key)
    if (entries === undefined) continue
    remembered.delete(key)
    entries.forEach(erase)
  }
}

const erase = ({ snapshot, value }: Entry): void => {
  snapshot.fill(0)
  if (typeof value !== "object" || value === null) return
  for (const part of value instanceof Uint8Array ? [value] : Object.values(value)) {
    if (part instanceof Uint8Array) part.fill(0)
  }
}
