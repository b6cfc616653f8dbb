/**
 * One writer, any number of live readers. Publishing is synchronous and costs nothing without readers; a reader that falls
 * more than `capacity` values behind loses the oldest.
 *
 * Spec: none.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type * as Cause from "effect/Cause"

const capacity = 4096

export interface Broadcast<A> {
  readonly publish: (value: A) => void
  /** Ends when the broadcast closes. Subscribes when it starts to run. */
  readonly stream: Stream.Stream<A>
  /** The same, with what `first` gives at the moment of subscribing ahead of it: nothing is lost between the two. */
  readonly streamAfter: (first: () => Iterable<A>) => Stream.Stream<A>
  /** Whether anybody listens: lets a writer skip building a value. */
  readonly watched: () => boolean
  /** Keeps a value for the next reader if nobody listens now. `taken` is called once somebody was given it. */
  readonly publishSticky: (value: A, taken?: () => void) => void
  readonly close: () => void
}

export const make = <A>(): Broadcast<A> => {
  const readers = new Set<Queue.Queue<A, Cause.Done>>()
  let sticky: Array<readonly [value: A, taken: (() => void) | undefined]> = []
  let closed = false
  const publish = (value: A): void => {
    for (const reader of readers) Queue.offerUnsafe(reader, value)
  }
  const streamAfter = (first: () => Iterable<A>): Stream.Stream<A> =>
    Stream.unwrap(
      Effect.map(
        Effect.acquireRelease(
          Effect.map(Queue.sliding<A, Cause.Done>(capacity), (queue) => {
            const kept = sticky
            sticky = []
            for (const value of first()) Queue.offerUnsafe(queue, value)
            for (const [value, taken] of kept) {
              Queue.offerUnsafe(queue, value)
              taken?.()
            }
            if (closed) Queue.endUnsafe(queue)
            else readers.add(queue)
            return queue
          }),
          (queue) => Effect.sync(() => void readers.delete(queue))
        ),
        (queue) => Stream.fromQueue(queue)
      )
    )
  return {
    publish,
    publishSticky: (value, taken) => {
      if (readers.size === 0) sticky.push([value, taken])
      else {
        publish(value)
        taken?.()
      }
    },
    watched: () => readers.size > 0,
    close: () => {
      closed = true
      for (const reader of readers) Queue.endUnsafe(reader)
      readers.clear()
    },
    stream: streamAfter(() => []),
    streamAfter
  }
}
