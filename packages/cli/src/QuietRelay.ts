/**
 * A relay inside this process whose log lines go to standard error, or nowhere.
 */
import { makeRelay, type RelayHandle, type RelayOptions } from "@tacit/relay"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"

export interface QuietRelay {
  readonly port: number
  readonly url: string
  readonly invite: (user: string) => Promise<string>
  readonly saw: () => Promise<Effect.Success<RelayHandle["relaySaw"]>>
  readonly close: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Starts a relay. `log` gets each line of its log; without it nothing is logged. Rejects with `RelayError`. */
export const startQuietRelay = async (options: RelayOptions, log?: (line: string) => void): Promise<QuietRelay> => {
  const logger = Logger.layer(log === undefined ? [] : [Logger.map(Logger.formatLogFmt, log)])
  const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(Effect.provide(effect, logger))
  const scope = await run(Scope.make())
  const close = () => run(Scope.close(scope, Exit.void))
  try {
    const handle = await run(Scope.provide(makeRelay(options), scope))
    return {
      port: handle.port,
      url: handle.url,
      invite: (user) => run(handle.invite(user)),
      saw: () => run(handle.relaySaw),
      close,
      [Symbol.asyncDispose]: close
    }
  } catch (error) {
    await close()
    throw error
  }
}
