/**
 * An account opened in one call, for programs without Effect.
 *
 * Spec: docs/spec/16-state.md; docs/spec/14-relay.md §14.2.
 * The client itself is `@tacit/core/promise`; this chooses what it stands on.
 */
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { type CallOptions, createClient, type PromiseClient } from "@tacit/core/promise"
import { type NodeOptions, storeOf, transportOf, WrongUser } from "./Node.ts"

export type OpenOptions = NodeOptions & CallOptions

/**
 * Opens an account; the first time registers it with the one-time password. Close the client, or declare it with `await using`.
 * Rejects with {@link NodeOptions}' errors: `NotRegistered` without a password on first use, `Refused` for a wrong one, `StoreError` when
 * another process has the file open, `WrongUser` when it belongs to somebody else.
 */
export const openClient = async (options: OpenOptions): Promise<PromiseClient> => {
  const { history, password, policy, signal, suites, user } = options
  const client = await createClient({
    store: storeOf(options),
    transport: transportOf(options),
    crypto: await loadNodeProvider(),
    ...(password === undefined ? {} : { register: { user, password } }),
    ...(signal === undefined ? {} : { signal }),
    ...(suites === undefined ? {} : { suites }),
    ...(policy === undefined ? {} : { policy }),
    ...(history === undefined ? {} : { history })
  })
  if (client.self.user === user) return client
  await client.close()
  throw new WrongUser({ stored: client.self.user ?? "", asked: user })
}
