/** A further device of an account on files, without the two meeting: for tests that need devices and are not about linking. */
import { Entropy, EntropyLive, Store } from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { FurtherDevice } from "@tacit/core/testing"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * Writes a further device of the account in the file `first` into the file `next`; nobody has either open. It registers at its first opening,
 * with a one-time password of its own. Answers the manifest that lists it: the third device is made with that of the second as `newest`.
 */
export const further = async (first: string, next: string, newest?: Uint8Array): Promise<Uint8Array> => {
  const crypto = await loadNodeProvider()
  return Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const storeAt = (path: string) =>
          Effect.map(Layer.build(Layer.fresh(Sqlite.layer({ path }))), (services) => Context.get(services, Store))
        const entropy = Context.get(yield* Layer.build(EntropyLive.layer), Entropy)
        const stores = { first: yield* storeAt(first), next: yield* storeAt(next) }
        return yield* FurtherDevice.make({ crypto, entropy, ...stores, ...(newest === undefined ? {} : { newest }) })
      })
    )
  )
}
