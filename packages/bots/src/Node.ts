/**
 * An account on Node: SQLite for its state, WebSocket or MQTT to its relay, the native crypto provider, keys in its own store.
 *
 * Spec: docs/spec/16-state.md; docs/spec/14-relay.md §14.2.
 * Puts layers together and adds nothing to what they do.
 */
import {
  Client,
  type ClientError,
  Crypto,
  type Directory,
  Entropy,
  EntropyLive,
  type InvalidMessage,
  type KeyCustody,
  type HistoryOptions,
  type NotRegistered,
  type Refused,
  register,
  type Store,
  StoreCustody,
  StoreError,
  type SuiteId,
  type TransportError,
  type TrustPolicy,
  Unlock,
  UnlockSource,
  Vault
} from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import * as Sqlite from "@tacit/storage/sqlite"
import * as WebSocketTransport from "@tacit/transport-ws"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The store belongs to another user than the one asked for. Nothing was changed. */
export class WrongUser extends Schema.TaggedError<WrongUser>()("WrongUser", {
  stored: Schema.String,
  asked: Schema.String
}) {}

/** Which account, at which relay. */
export interface AccountOptions {
  /**
   * `wss://relay.example`, or `ws://` on this machine. `mqtts://broker.example/root?key=…`, or `mqtt://` on this machine, goes through a
   * broker to the steward behind it.
   */
  readonly relay: string
  /**
   * Address of the HTTP service that keeps files, `https://…`, or `http://` on this machine: for accounts behind a broker. A relay at a `wss://`
   * address has it itself.
   */
  readonly files?: string | undefined
  /** Another transport than the one `relay` asks for; `relay` is not looked at then. */
  readonly transport?: WebSocketTransport.TransportLayer | undefined
  /** Name at the relay: `[a-z0-9][a-z0-9._-]{0,63}`. */
  readonly user: string
  /** The one-time password. Needed by the first opening, which registers; later ones do not look at it. */
  readonly password?: string | undefined
  /** The relay's name, where it is known beforehand. */
  readonly relayName?: string | undefined
  /** Allows `ws://` and `mqtt://` to other machines. Tokens and metadata then travel in the clear, or whoever is on the way can ask for them. */
  readonly allowInsecure?: boolean | undefined
  /** Suites to use, most wanted first. */
  readonly suites?: ReadonlyArray<SuiteId> | undefined
  /** Trust policy, before the stored one, while this account is open. */
  readonly policy?: TrustPolicy.Policy | undefined
  /** Keeps the history, the same on every device of the account: `true`, or how. */
  readonly history?: boolean | HistoryOptions | undefined
}

/** Where the account is kept: in a file, or in a temporary one that is gone when the client is closed. */
export type Place =
  | { readonly path: string; readonly temporary?: never }
  | { readonly temporary: true; readonly path?: never }

/** What opens a vault: a passphrase, a key of 32 bytes, or a source that is asked, as `@tacit/storage/unlock` gives them. */
export type VaultSecret =
  | { readonly passphrase: string; readonly key?: never; readonly unlock?: never }
  | { readonly key: Uint8Array; readonly passphrase?: never; readonly unlock?: never }
  | { readonly unlock: UnlockSource["Service"]; readonly passphrase?: never; readonly key?: never }

/** Seals everything the account stores. The first opening makes the vault; one that holds records in the clear needs `seal: true`. */
export type VaultOptions = Vault.Options & VaultSecret

/** Whether what is stored is sealed. */
export interface Sealing {
  readonly vault?: VaultOptions | undefined
}

export type NodeOptions = AccountOptions & Place & Sealing

/** What opening can fail with. */
export type OpenError =
  | ClientError
  | EntropyLive.NoSecureRandom
  | InvalidMessage
  | NotRegistered
  | Refused
  | TransportError
  | WebSocketTransport.InvalidAddress
  | WrongUser

/** The store of a place, inside its vault where it has one. */
export const storeOf = (place: Place & Sealing): Layer.Layer<Store, StoreError> => {
  const file = place.path === undefined ? temporaryStore() : Sqlite.layer({ path: place.path })
  const { vault } = place
  if (vault === undefined) return file
  return Layer.provide(Vault.layer(vault), [file, vaultPorts, Layer.succeed(UnlockSource, sourceOf(vault))])
}

/** What a vault needs besides store and secret. */
export const vaultPorts: Layer.Layer<Crypto | Entropy, StoreError> = Layer.mergeAll(
  Layer.effect(Crypto, Effect.promise(loadNodeProvider)),
  Layer.effect(
    Entropy,
    Effect.mapError(
      Effect.provide(Entropy.use(Effect.succeed), EntropyLive.layer),
      (cause) => new StoreError({ operation: "open", cause })
    )
  )
)

/** The source of a secret. */
export const sourceOf = (secret: VaultSecret): UnlockSource["Service"] => {
  if (secret.unlock !== undefined) return secret.unlock
  return secret.key === undefined ? Unlock.passphrase(secret.passphrase) : Unlock.key(secret.key)
}

const temporaryStore = (): Layer.Layer<Store, StoreError> =>
  Layer.unwrap(
    Effect.map(
      Effect.acquireRelease(
        Effect.tryPromise({
          try: () => mkdtemp(join(tmpdir(), "tacit-account-")),
          catch: (cause) => new StoreError({ operation: "open", cause })
        }),
        (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
      ),
      (folder) => Sqlite.layer({ path: join(folder, "client.db") })
    )
  )

/** The transport an account asks for. What speaks MQTT is loaded only when it is wanted. */
export const transportOf = (options: AccountOptions): WebSocketTransport.TransportLayer => {
  if (options.transport !== undefined) return options.transport
  const { allowInsecure, files, relay, relayName } = options
  const settings = {
    url: relay,
    ...(relayName === undefined ? {} : { relayName }),
    ...(allowInsecure === undefined ? {} : { allowInsecure })
  }
  return /^mqtts?:/i.test(relay)
    ? Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("@tacit/transport-mqtt")),
          ({ layer }) => (files === undefined ? layer(settings) : withFiles(layer(settings), files, allowInsecure))
        )
      )
    : WebSocketTransport.layer(settings)
}

/** A transport that asks for its own grants, with the files kept at an address. */
const withFiles = (
  transport: Layer.Layer<WebSocketTransport.Ports, WebSocketTransport.InvalidAddress, KeyCustody | Crypto>,
  url: string,
  allowInsecure: boolean | undefined
): WebSocketTransport.TransportLayer =>
  Layer.provideMerge(
    WebSocketTransport.layerAttachments({ url, ...(allowInsecure === undefined ? {} : { allowInsecure }) }),
    transport
  )

/** The client, with the store and the directory it stands on, over a store of one's own. */
export const layerOn = <E>(
  options: AccountOptions,
  store: Layer.Layer<Store, E>
): Layer.Layer<Client | Store | Directory, OpenError | E> => {
  const crypto = Layer.effect(Crypto, Effect.promise(loadNodeProvider))
  const base: Layer.Layer<Store | Crypto | Entropy, EntropyLive.NoSecureRandom | E> = Layer.mergeAll(
    store,
    crypto,
    EntropyLive.layer
  )
  const keys: Layer.Layer<KeyCustody | Store | Crypto | Entropy, EntropyLive.NoSecureRandom | E> = Layer.provideMerge(
    StoreCustody.layer,
    base
  )
  const ports = Layer.provideMerge(transportOf(options), keys)
  const { history, password, policy, suites, user } = options
  const registered =
    password === undefined
      ? Layer.empty
      : Layer.effectDiscard(Effect.catchTag(register({ user, password }), "AlreadyRegistered", () => Effect.void))
  const opened = Layer.provide(
    Client.layer({
      ...(suites === undefined ? {} : { suites }),
      ...(policy === undefined ? {} : { policy }),
      ...(history === undefined ? {} : { history })
    }),
    registered
  )
  const checked = Layer.effect(
    Client,
    Client.use((client) =>
      client.self.user === user
        ? Effect.succeed(client)
        : Effect.fail(new WrongUser({ stored: client.self.user ?? "", asked: user }))
    )
  )
  // Parts of it are constants: two accounts in one program must not share them.
  return Layer.fresh(Layer.provideMerge(Layer.provide(checked, opened), ports))
}

/** The client on Node, registered on first use. Succeeds without a connection too, unless it has to register. */
export const layerNode = (options: NodeOptions): Layer.Layer<Client | Store | Directory, OpenError> =>
  layerOn(options, storeOf(options))
