/**
 * What somebody received, and waiting for more of it.
 */
import type { PromiseClient } from "@tacit/bots"
import type { Incoming, Warning } from "@tacit/core"

export interface Mailbag {
  readonly texts: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<Warning>
  /** Resolves when `done` holds; looks again after every message and warning. Rejects after `ms` without any. */
  readonly until: (what: string, done: () => boolean, ms?: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Collects texts and warnings of a client until closed. `keep` says which messages count. */
export const collect = (client: PromiseClient, keep: (message: Incoming) => boolean = () => true): Mailbag => {
  const abort = new AbortController()
  const texts: Array<string> = []
  const warnings: Array<Warning> = []
  const waiting = new Set<() => void>()
  let failure: unknown
  const changed = () => {
    for (const look of waiting) look()
  }
  const quietly = async (work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      if (!abort.signal.aborted) failure = error
      changed()
    }
  }
  const running = Promise.all([
    quietly(async () => {
      for await (const message of client.messages({ signal: abort.signal })) {
        if (message.body.type === "text" && keep(message)) texts.push(message.body.text)
        changed()
      }
    }),
    quietly(async () => {
      for await (const warning of client.warnings({ signal: abort.signal })) {
        warnings.push(warning)
        changed()
      }
    })
  ])
  return {
    texts,
    warnings,
    until: (what, done, ms = 20_000) =>
      new Promise((resolve, reject) => {
        let timer: NodeJS.Timeout
        const end = (finish: () => void) => {
          clearTimeout(timer)
          waiting.delete(look)
          finish()
        }
        const patience = () =>
          setTimeout(
            () => end(() => reject(new Error(`nothing happened for ${ms / 1000} s while waiting for ${what}`))),
            ms
          )
        const look = () => {
          clearTimeout(timer)
          if (failure !== undefined)
            end(() => reject(failure instanceof Error ? failure : new Error("a stream failed")))
          else if (done()) end(resolve)
          else timer = patience()
        }
        timer = patience()
        waiting.add(look)
        look()
      }),
    close: async () => {
      abort.abort(new DOMException("closed", "AbortError"))
      await running
    }
  }
}
