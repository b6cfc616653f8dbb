/**
 * The lock of a conversation: one operation at a time, in the order in which they came.
 *
 * Spec: none.
 * What runs under it is uninterruptible, so a free lock costs two primitives of Effect; a semaphore costs twice as many, which
 * with short operations is felt. Waiting can be interrupted. Not reentrant.
 */
import * as Effect from "effect/Effect"

interface Waiter {
  /** Set while the fiber sleeps. */
  wake: (() => void) | undefined
}

type Restore = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

/** A lock, free at first. */
export class Lock {
  private held = false
  private readonly waiting = new Set<Waiter>()

  /** Runs what `use` gives while holding the lock. */
  hold<A, E>(use: () => Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.uninterruptibleMask((restore) =>
      this.held || this.waiting.size > 0 ? this.queue(restore, () => this.enter(use)) : this.enter(use)
    )
  }

  /** Takes the lock; {@link release} gives it back. To be called where no interruption can come in between. */
  readonly take: Effect.Effect<void> = Effect.uninterruptibleMask((restore) => {
    const enter = () => {
      this.held = true
      return Effect.void
    }
    return this.held || this.waiting.size > 0 ? this.queue(restore, enter) : enter()
  })

  /** Gives the lock back. */
  release(): void {
    this.held = false
    this.wakeFirst()
  }

  private enter<A, E>(use: () => Effect.Effect<A, E>): Effect.Effect<A, E> {
    this.held = true
    try {
      return Effect.onExitPrimitive(use(), () => {
        this.release()
        return undefined
      })
    } catch (defect) {
      this.release()
      throw defect
    }
  }

  /** Waits for its turn. A waiter keeps its place until it has the lock or is interrupted: being woken gives it nothing yet. */
  private queue<A, E>(restore: Restore, enter: () => Effect.Effect<A, E>): Effect.Effect<A, E> {
    const waiter: Waiter = { wake: undefined }
    this.waiting.add(waiter)
    const asleep = restore(
      Effect.callback<void>((resume) => {
        if (this.isTurnOf(waiter)) resume(Effect.void)
        else waiter.wake = () => resume(Effect.void)
      })
    )
    const turn: Effect.Effect<A, E> = Effect.flatMap(asleep, () => {
      if (!this.isTurnOf(waiter)) return turn
      this.waiting.delete(waiter)
      return enter()
    })
    return Effect.onExitPrimitive(turn, () => {
      if (this.waiting.delete(waiter)) this.wakeFirst()
      return undefined
    })
  }

  private isTurnOf(waiter: Waiter): boolean {
    return !this.held && this.waiting.values().next().value === waiter
  }

  /** Not at once: the fiber that gives the lock back goes on first, and wakings do not nest. */
  private wakeFirst(): void {
    if (this.waiting.size > 0) void Promise.resolve().then(this.wakeNow)
  }

  private readonly wakeNow = (): boolean => {
    const first = this.held ? undefined : this.waiting.values().next().value
    const wake = first?.wake
    if (first === undefined || wake === undefined) return false
    first.wake = undefined
    wake()
    return true
  }
}
