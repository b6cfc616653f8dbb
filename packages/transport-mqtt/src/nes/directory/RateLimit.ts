/**
 * Limits over time for each of many keys, in memory of bounded size.
 *
 * Spec: docs/spec/15-nes.md §15.5 (rule nes.limit.1).
 * Forgets at a restart, and forgets the key touched longest ago when there are too many.
 */

/** A bucket for each key: a burst, refilled steadily. */
export interface Limiter {
  /** Takes one; whether there was one. */
  readonly take: (key: string, now: number) => boolean
}

const maxKeys = 16_384

export const limiter = (burst: number, perMs: number): Limiter => {
  const held = new Map<string, { tokens: number; at: number }>()
  return {
    take: (key, now) => {
      const bucket = held.get(key) ?? { tokens: burst, at: now }
      held.delete(key)
      held.set(key, bucket)
      if (held.size > maxKeys) held.delete(held.keys().next().value!)
      // A clock that went back adds nothing and takes nothing.
      bucket.tokens = Math.min(burst, bucket.tokens + Math.max(0, now - bucket.at) * perMs)
      bucket.at = now
      if (bucket.tokens < 1) return false
      bucket.tokens -= 1
      return true
    }
  }
}
