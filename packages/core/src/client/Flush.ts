/**
 * Waiting until nothing is on its way.
 *
 * Spec: docs/spec/16-state.md §16.2, rule state.outbox.1.
 * Hurries what would wait for company; submits nothing.
 */
import * as Effect from "effect/Effect"
import type { Opened } from "./Opened.ts"

/** Whether nothing is on its way. */
export const isIdle = (opened: Opened): boolean => {
  for (const { queue, running, waiting } of opened.lanes.values()) {
    if (running || waiting.length > 0 || queue.length > 0) return false
  }
  return true
}

/** Succeeds when nothing is on its way. */
export const flush = (opened: Opened): Effect.Effect<void> =>
  Effect.suspend(() => {
    opened.hurried++
    opened.hurry.openUnsafe()
    opened.hurry.closeUnsafe()
    return Effect.ensuring(
      untilIdle(opened),
      Effect.sync(() => void opened.hurried--)
    )
  })

const untilIdle = (opened: Opened): Effect.Effect<void> =>
  Effect.suspend(() =>
    isIdle(opened) ? Effect.void : Effect.andThen(opened.idle.await, Effect.andThen(Effect.yieldNow, untilIdle(opened)))
  )
