/**
 * Values told to any number of readers, each from the first one on: for stories that are short and end.
 *
 * Spec: none.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type * as Cause from "effect/Cause"

export interface Log<A> {
  readonly publish: (value: A) => void
  /** Everything that was published and will be, until the end. */
  readonly stream: Stream.Stream<A>
  readonly end: () => void
}

export const make = <A>(): Log<A> => {
  const told: Array<A> = []
  const readers = new Set<Queue.Queue<A, Cause.Done>>()
  let ended = false
  return {
    publish: (value) => {
      if (ended) return
      told.push(value)
      for (const reader of readers) Queue.offerUnsafe(reader, value)
    },
    end: () => {
      ended = true
      for (const reader of readers) Queue.endUnsafe(reader)
      readers.clear()
    },
    stream: Stream.unwrap(
      Effect.map(
        Effect.acquireRelease(
          Effect.map(Queue.unbounded<A, Cause.Done>(), (queue) => {
            for (const value of told) Queue.offerUnsafe(queue, value)
            if (ended) Queue.endUnsafe(queue)
            else readers.add(queue)
            return queue
          }),
          (queue) => Effect.sync(() => void readers.delete(queue))
        ),
        (queue) => Stream.fromQueue(queue)
      )
    )
  }
}
