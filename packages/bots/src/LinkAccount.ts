/**
 * A further device of an account, in one call: joined by an invitation, registered, and ready to be written to when the call returns.
 *
 * Spec: docs/spec/19-linking.md.
 * The linking itself is `@tacit/core/promise`; this chooses what it stands on, and waits until the device's prekeys are published.
 */
import { type LinkedDevice, type LinkDeviceOptions, Store } from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { type CallOptions, type JoinHooks, linkDevice } from "@tacit/core/promise"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { type AccountOptions, layerOn, type Place, type Sealing, storeOf, transportOf } from "./Node.ts"
import { published } from "./RegisterAccount.ts"

/** Where the device will be kept, the relay of the invitation, and who is asked. The user name comes with the invitation. */
export type LinkAccountOptions = Omit<AccountOptions, "user" | "password"> &
  Place &
  Sealing &
  LinkDeviceOptions &
  JoinHooks &
  CallOptions

/** How long to wait for prekeys to be published, ms. The device is linked by then; a client publishes them at its next opening. */
const patienceMs = 30_000

/**
 * Makes the store at `path` that of a further device of the account that invites, and closes it. Rejects with `LinkEnded`,
 * `LinkRefused`, `AlreadyRegistered`, or what relay and store say; then it can be called again. Repeating it after a crash goes on where it
 * stopped, or begins anew with another invitation.
 */
export const linkAccount = async (options: LinkAccountOptions): Promise<LinkedDevice> => {
  const { askPin, challenges, confirmDigits, onState, showCode, signal, uri } = options
  const scope = await Effect.runPromise(Scope.make())
  try {
    // Opened once for both, so that a vault asks for its secret once.
    const services = await Effect.runPromise(Scope.provide(Layer.build(storeOf(options)), scope))
    const store = Layer.succeed(Store, Context.get(services, Store))
    const linked = await linkDevice({
      store,
      transport: transportOf({ ...options, user: "" }),
      crypto: await loadNodeProvider(),
      askPin,
      challenges,
      confirmDigits,
      onState,
      showCode,
      uri,
      ...(signal === undefined ? {} : { signal })
    })
    // What comes before the caller opens the account belongs to its history too.
    const history = options.history ?? linked.history !== undefined
    const client = layerOn({ ...options, history, user: linked.user, password: undefined }, store)
    await Effect.runPromise(Effect.ignore(Effect.timeout(Effect.provide(published, client), patienceMs)))
    return linked
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
