/**
 * Waiting for the process to be told to stop.
 *
 * Spec: docs/spec/14-relay.md rule relay.shutdown.1.
 */
import * as Effect from "effect/Effect"

/** Succeeds at the first SIGTERM or SIGINT. Put it behind `makeRelay` in one scope; the scope's end shuts the relay down. */
export const untilSignal: Effect.Effect<"SIGTERM" | "SIGINT"> = Effect.callback((resume) => {
  const onTerm = (): void => resume(Effect.succeed("SIGTERM"))
  const onInt = (): void => resume(Effect.succeed("SIGINT"))
  process.once("SIGTERM", onTerm)
  process.once("SIGINT", onInt)
  return Effect.sync(() => {
    process.off("SIGTERM", onTerm)
    process.off("SIGINT", onInt)
  })
})
