/**
 * A store that ends its own process, without warning, before or after its nth commit.
 */
import { Store } from "@tacit/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** `before:3`, `after:3`, or `never`. */
export type Moment = string

const die = Effect.andThen(
  Effect.sync(() => process.kill(process.pid, "SIGKILL")),
  Effect.never
)

/** Counts commits, and kills at the moment. */
export const deadly = <E>(
  store: Layer.Layer<Store, E>,
  moment: Moment
): { readonly layer: Layer.Layer<Store, E>; readonly commits: () => number } => {
  const [when, number] = moment.split(":")
  let commits = 0
  const layer = Layer.effect(
    Store,
    Store.use((inner) =>
      Effect.succeed(
        Store.of({
          ...inner,
          commit: (writes) =>
            Effect.suspend(() => {
              const here = ++commits === Number(number)
              if (here && when === "before") return die
              return here && when === "after" ? Effect.andThen(inner.commit(writes), die) : inner.commit(writes)
            })
        })
      )
    )
  )
  return { layer: Layer.provide(layer, store), commits: () => commits }
}
