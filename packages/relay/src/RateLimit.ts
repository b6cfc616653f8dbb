/**
 * Limits over time, in memory of bounded size.
 *
 * Spec: docs/spec/14-relay.md rules relay.register.2, relay.prekeys.2, relay.directory.1, relay.submit.2.
 * Forgets at a restart, and forgets the key touched longest ago when there are too many: a limit slows strangers
 * down, it is no proof of anything. Knows no frames and no clock.
 */

/** A bucket that refills steadily: bursts up to `capacity`, then `perSecond`. */
export interface TokenBucket {
  /** 0 when granted, else the ms to wait before `cost` would be. A cost above the capacity is granted by a full bucket. */
  readonly take: (now: number, cost?: number) => number
}

export interface BucketOptions {
  readonly capacity: number
  readonly perSecond: number
}

export const tokenBucket = ({ capacity, perSecond }: BucketOptions): TokenBucket => {
  let tokens = capacity
  let at = Number.NEGATIVE_INFINITY
  const refill = (now: number): void => {
    // A clock that went back adds nothing and takes nothing.
    if (now > at) {
      tokens = Math.min(capacity, at === Number.NEGATIVE_INFINITY ? capacity : tokens + ((now - at) * perSecond) / 1000)
    }
    at = now
  }
  return {
    take: (now, cost = 1) => {
      refill(now)
      const needed = Math.min(cost, capacity)
      if (tokens >= needed) {
        tokens -= needed
        return 0
      }
      // Rounded up, but not for an error of the arithmetic.
      return Math.max(1, Math.ceil(((needed - tokens) * 1000) / perSecond - 1e-6))
    }
  }
}

/** At most `limit` events in any `windowMs`. */
export interface Window {
  /** 0 when another event is allowed at `now`, else the ms until it is. Counts nothing. */
  readonly wait: (now: number) => number
  /** Counts an event. Past the limit the oldest is forgotten. */
  readonly add: (now: number) => void
}

export interface WindowOptions {
  readonly limit: number
  readonly windowMs: number
}

export const window = ({ limit, windowMs }: WindowOptions): Window => {
  const times: Array<number> = []
  return {
    wait: (now) => {
      while (times.length > 0 && (times[0]! <= now - windowMs || times[0]! > now)) times.shift()
      return times.length < limit ? 0 : Math.max(1, times[0]! + windowMs - now)
    },
    add: (now) => {
      times.push(now)
      if (times.length > limit) times.shift()
    }
  }
}

/** One limit for each key. */
export interface Keyed<L> {
  /** The limit of `key`, made when it is new. */
  readonly of: (key: string) => L
  /** Keys held now. */
  readonly size: () => number
}

/** At most `maxKeys` keys; a further one takes the place of the key touched longest ago. */
export const keyed = <L>(make: () => L, maxKeys = 16_384): Keyed<L> => {
  const limits = new Map<string, L>()
  return {
    of: (key) => {
      let limit = limits.get(key)
      if (limit === undefined) {
        limit = make()
        if (limits.size >= maxKeys) limits.delete(limits.keys().next().value!)
      } else limits.delete(key)
      limits.set(key, limit)
      return limit
    },
    size: () => limits.size
  }
}
