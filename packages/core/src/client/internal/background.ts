/**
 * Work that goes on behind the application's back: what to do when it fails.
 *
 * Spec: none.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { ClientError } from "../Errors.ts"
import type { Opened } from "../Opened.ts"

const firstPauseMs = 200
const longestPauseMs = 30_000
const attempts = 6

/** The pause before attempt number `attempt` (from 0), ms: doubling, bounded, and a fifth of it by chance. */
export const pauseMs = (attempt: number): Effect.Effect<number> =>
  Effect.map(Random.next, (dice) =>
    Math.round(Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(attempt, 16)) * (0.8 + 0.4 * dice))
  )

/** Waits before another attempt, or until the transport comes back. */
export const pause = (opened: Opened, attempt: number, atLeastMs = 0): Effect.Effect<void> =>
  Effect.flatMap(pauseMs(attempt), (ms) =>
    atLeastMs > ms
      ? Effect.sleep(atLeastMs)
      : Effect.timeoutOrElse(opened.reconnected.await, { duration: ms, orElse: () => Effect.void })
  )

/** Ends the client: every stream and every further call fails with this error. */
export const fatal = (opened: Opened, error: ClientError): Effect.Effect<void> =>
  Effect.asVoid(Deferred.fail(opened.failed, error))

/**
 * Keeps trying while a port below fails, then gives the client up. An error that trying again cannot mend ends it at once. The
 * effect's own errors of other kinds must be handled before.
 */
export const persist = <A>(opened: Opened, effect: Effect.Effect<A, ClientError>, attempt = 0): Effect.Effect<A> =>
  effect.pipe(
    Effect.catch((error): Effect.Effect<A> => {
      const transient = error._tag === "StoreError" || error._tag === "CustodyError"
      if (!transient || attempt >= attempts) return Effect.andThen(fatal(opened, error), Effect.never)
      return Effect.andThen(Effect.flatMap(pauseMs(attempt), Effect.sleep), persist(opened, effect, attempt + 1))
    })
  )

/** The present time, ms. */
export const now: Effect.Effect<number> = Clock.currentTimeMillis
