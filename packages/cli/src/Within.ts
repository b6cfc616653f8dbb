/**
 * A time limit for work that waits for the relay.
 */

/** The relay did not take everything in time. What was queued is kept. */
export class Unreachable extends Error {
  readonly _tag = "Unreachable"
}

/** Waits for `work` at most so many seconds, and no longer than until `signal` aborts. The work itself goes on. */
export const within = async <A>(seconds: number, signal: AbortSignal, work: Promise<A>): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  let stop: (() => void) | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Unreachable(`the relay did not answer within ${seconds} s`)), seconds * 1000)
    stop = () => reject(signal.reason instanceof Error ? signal.reason : new DOMException("interrupted", "AbortError"))
    if (signal.aborted) stop()
    else signal.addEventListener("abort", stop, { once: true })
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
    if (stop !== undefined) signal.removeEventListener("abort", stop)
    work.catch(() => undefined)
  }
}
