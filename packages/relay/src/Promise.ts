/**
 * The relay for programs without Effect.
 *
 * Spec: docs/spec/14-relay.md.
 * Every function runs one Effect and adds nothing; errors come out as they are.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import type { RelaySaw } from "./Observation.ts"
import type { RelayOptions } from "./Options.ts"
import { makeRelay } from "./Relay.ts"
import type { RelayError } from "./RelayError.ts"
import type { ListedUser, RemovedByAdministrator } from "./Removals.ts"
import type { ServiceHandle } from "./Service.ts"
import { makeSteward, type StewardOptions } from "./steward/Steward.ts"

/** What relays and stewards have in common, with promises. Rejects with `RelayError`, `InvalidUser`, `RemovedUser` or `CannotRemove`. */
export interface RunningService {
  /** What clients take as its address. */
  readonly url: string
  readonly name: string
  readonly invite: (user: string, options?: { readonly again?: boolean }) => Promise<string>
  readonly users: () => Promise<ReadonlyArray<ListedUser>>
  readonly remove: (user: string, options?: { readonly device?: string }) => Promise<RemovedByAdministrator>
  readonly relaySaw: () => Promise<RelaySaw>
  readonly metrics: () => Promise<string>
  readonly close: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** {@link RelayHandle} with promises. */
export interface RunningRelay extends RunningService {
  readonly port: number
}

/** {@link StewardHandle} with promises. */
export interface RunningSteward extends RunningService {
  readonly key: string
  readonly filesUrl: string | undefined
}

const start = async <H extends ServiceHandle & { readonly url: string }>(
  make: Effect.Effect<H, RelayError, Scope.Scope>,
  log: ((line: string) => void) | undefined
): Promise<readonly [H, RunningService]> => {
  const logger = Logger.layer(log === undefined ? [] : [Logger.map(Logger.formatLogFmt, log)])
  const run = async <A, E>(effect: Effect.Effect<A, E>): Promise<A> => {
    const exit = await Effect.runPromiseExit(Effect.provide(effect, logger))
    if (Exit.isSuccess(exit)) return exit.value
    throw Cause.squash(exit.cause) as Error
  }
  const scope = await run(Scope.make())
  const close = (): Promise<void> => run(Scope.close(scope, Exit.void))
  const handle = await run(Scope.provide(make, scope)).catch(async (error: unknown) => {
    await close()
    throw error as Error
  })
  const running: RunningService = {
    url: handle.url,
    name: handle.name,
    invite: (user, options) => run(handle.invite(user, options)),
    users: () => run(handle.users),
    remove: (user, options) => run(handle.remove(user, options)),
    relaySaw: () => run(handle.relaySaw),
    metrics: () => run(handle.metrics),
    close,
    [Symbol.asyncDispose]: close
  }
  return [handle, running]
}

/** Starts a relay. It runs until `close`. `log` gets each line of its log; without it nothing is logged. */
export const startRelay = async (options: RelayOptions, log?: (line: string) => void): Promise<RunningRelay> => {
  const [{ port }, running] = await start(makeRelay(options), log)
  return { ...running, port }
}

/** Starts a steward behind a broker. It runs until `close`. `log` as of {@link startRelay}. */
export const startSteward = async (options: StewardOptions, log?: (line: string) => void): Promise<RunningSteward> => {
  const [{ filesUrl, key }, running] = await start(makeSteward(options), log)
  return { ...running, key, filesUrl }
}
