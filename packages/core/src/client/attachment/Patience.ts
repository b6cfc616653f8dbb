/**
 * Asking an attachment store again while it cannot be reached.
 *
 * Spec: docs/spec/11-attachments.md §11.4.
 * Gives up after a while without progress; the application may go on later.
 */
import * as Effect from "effect/Effect"
import type { AttachmentStoreError } from "../../ports/AttachmentStore.ts"

/** Failures in a row before it is given up: about a minute. */
const mostFailures = 9

const firstPauseMs = 200
const longestPauseMs = 20_000

/** Longest wait that a store may ask for, ms; a longer one is the application's to decide about. */
const longestWaitMs = 60_000

/** Failures in a row, of one upload or download. */
export class Patience {
  private failures = 0

  /** Something got on. */
  readonly progress = (): void => {
    this.failures = 0
  }

  /** Waits, or fails with what happened when it will not help or was tried often enough. */
  readonly after = (error: AttachmentStoreError): Effect.Effect<void, AttachmentStoreError> =>
    Effect.suspend(() => {
      const passing = error.reason === "unreachable" || error.reason === "busy"
      if (!passing || this.failures >= mostFailures || error.retryAfterMs > longestWaitMs) return Effect.fail(error)
      const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** this.failures)
      this.failures++
      return Effect.sleep(Math.max(pause, error.retryAfterMs))
    })

  /** Repeats an operation that may be repeated. */
  readonly with = <A>(effect: Effect.Effect<A, AttachmentStoreError>): Effect.Effect<A, AttachmentStoreError> =>
    Effect.matchEffect(effect, {
      onFailure: (error) =>
        Effect.andThen(
          this.after(error),
          Effect.suspend(() => this.with(effect))
        ),
      onSuccess: (value) => {
        this.progress()
        return Effect.succeed(value)
      }
    })
}
