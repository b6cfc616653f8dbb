/**
 * Making an account without using it yet: registered, and ready to be written to, when the call returns.
 *
 * Spec: docs/spec/14-relay.md §14.2; docs/spec/05-agreement.md §5.1 (prekey.kinds.1).
 * An account whose prekeys nobody published cannot be written to; a client publishes them in the background. Who closes it right
 * after registering would leave none behind.
 */
import { Client, Directory, type Sender } from "@tacit/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { OpenOptions } from "./OpenClient.ts"
import { layerOn, storeOf } from "./Node.ts"

/** How long to wait between two looks, ms. */
const pauseMs = 50

/** Succeeds when the relay has prekeys of this device to hand out. */
export const published: Effect.Effect<void, never, Directory> = Effect.gen(function* () {
  const directory = yield* Directory
  for (;;) {
    // While the connection is being made there is nothing to be learnt.
    const status = yield* Effect.option(directory.prekeyStatus)
    if (Option.isSome(status) && status.value.signedPrekeyId > 0) return
    yield* Effect.sleep(pauseMs)
  }
})

/**
 * Registers the account of a store with its one-time password, waits until its prekeys are published, and closes it. Repeating it
 * after a crash goes on where it stopped. Rejects as `openClient` does.
 */
export const registerAccount = async (options: OpenOptions): Promise<Sender> => {
  const program = Client.use((client) => Effect.as(published, client.self))
  const exit = await Effect.runPromiseExit(
    Effect.provide(program, layerOn(options, storeOf(options))),
    options.signal === undefined ? {} : { signal: options.signal }
  )
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.hasInterruptsOnly(exit.cause)) options.signal?.throwIfAborted()
  throw Option.getOrElse(Cause.findErrorOption(exit.cause), () => Cause.squash(exit.cause))
}
