/**
 * The client for programs that do not use Effect: promises, async iterators, AbortSignal.
 *
 * Spec: docs/spec/README.md.
 * Each member interprets exactly one Effect or stream of the client service and adds nothing. Errors come out as they are: tagged
 * `Error`s.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Account from "../client/Account.ts"
import type * as Api from "../client/Api.ts"
import { Client, type Requirements } from "../client/Client.ts"
import * as EntropyLive from "../client/EntropyLive.ts"
import type { Options } from "../client/Opening.ts"
import * as StoreCustody from "../client/StoreCustody.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { Crypto, type Entropy } from "../ports/Crypto.ts"
import type { Directory } from "../ports/Directory.ts"
import type { KeyCustody } from "../ports/KeyCustody.ts"
import type { Store } from "../ports/Store.ts"
import type { Transport, TransportStatus } from "../ports/Transport.ts"
import * as PromiseAttachments from "./PromiseAttachments.ts"
import * as PromiseHistory from "./PromiseHistory.ts"
import * as PromiseLink from "./PromiseLink.ts"
import * as PromiseTrust from "./PromiseTrust.ts"

/** For calls that can be given up. An aborted call rejects with the signal's reason; what it had made durable stands. */
export interface CallOptions {
  readonly signal?: AbortSignal
}

/** What a client is made of. Layers that fail reject `createClient`, with their own error. */
export interface CreateClientOptions extends Options, CallOptions {
  readonly store: Layer.Layer<Store, unknown>
  /** Transport and directory, as the packages of transports give them. */
  readonly transport: Layer.Layer<Transport | Directory, unknown, KeyCustody | Crypto>
  readonly crypto: CryptoProvider
  /** Keeper of the long-term keys; the device's own store when nothing is said. */
  readonly custody?: Layer.Layer<KeyCustody, unknown, Store | Crypto | Entropy>
  /** Source of random bytes; the platform's when nothing is said. */
  readonly entropy?: Layer.Layer<Entropy, unknown>
  /** Registers the device first, if the store has none. */
  readonly register?: Account.Credentials
}

/** {@link Api.Conversation} with promises. */
export interface PromiseConversation {
  readonly id: string
  readonly user: string
  readonly account: string
  send(body: Api.Body | string, options?: Api.SendOptions & CallOptions): Promise<Api.Sent>
  sendMany(bodies: ReadonlyArray<Api.Body | string>, options?: CallOptions): Promise<ReadonlyArray<Api.Sent>>
  typing(typing: boolean, options?: CallOptions): Promise<void>
  markRead(ids: ReadonlyArray<string>, options?: CallOptions): Promise<void>
  outcome(id: string, options?: CallOptions): Promise<ReadonlyArray<Api.DeviceOutcome>>
  reset(options?: CallOptions): Promise<void>
}

/** {@link Api.SettingsApi} with promises. */
export interface PromiseSettings {
  list(options?: CallOptions): Promise<ReadonlyArray<Api.Setting>>
  get(name: string, options?: CallOptions): Promise<Uint8Array | undefined>
  set(name: string, value: Uint8Array | string, options?: CallOptions): Promise<void>
  unset(name: string, options?: CallOptions): Promise<void>
}

/** {@link Api.ClientApi} with promises and async iterators, and a way to close it. */
export interface PromiseClient extends AsyncDisposable {
  readonly self: Api.Sender
  conversation(peer: Api.Peer, options?: CallOptions): Promise<PromiseConversation>
  send(peer: Api.Peer, body: Api.Body | string, options?: Api.SendOptions & CallOptions): Promise<Api.Sent>
  /**
   * A message counts as taken when the next one is asked for, or when the loop is left. Closing the client ends the loop, and aborting
   * the signal ends it with the signal's reason; both take nothing.
   */
  messages(options?: CallOptions): AsyncIterable<Api.Incoming>
  /** The same in batches of all that wait; a batch counts as taken as a whole. */
  batches(options?: CallOptions): AsyncIterable<readonly [Api.Incoming, ...Array<Api.Incoming>]>
  take(message: Api.Incoming, options?: CallOptions): Promise<void>
  /** What other devices of the own account did; taken as messages are. */
  synced(options?: CallOptions): AsyncIterable<Api.Synced>
  takeSynced(item: Api.Synced, options?: CallOptions): Promise<void>
  warnings(options?: CallOptions): AsyncIterable<Api.Warning>
  outbox(options?: CallOptions): AsyncIterable<Api.OutboxEvent>
  flush(options?: CallOptions): Promise<void>
  status(options?: CallOptions): AsyncIterable<TransportStatus>
  contacts(options?: CallOptions): Promise<ReadonlyArray<Api.Contact>>
  acceptIdentity(user: string, account: string, options?: CallOptions): Promise<void>
  /** Settings that the devices of the account share. */
  readonly settings: PromiseSettings
  /** Policy, decisions, safety numbers, verified contacts. */
  readonly trust: PromiseTrust.PromiseTrust
  devices(options?: CallOptions): Promise<Api.OwnDevices>
  refreshDevices(options?: CallOptions): Promise<Api.OwnDevices>
  deviceVersions(options?: CallOptions): Promise<ReadonlyArray<Api.DeviceVersion>>
  revokeDevice(device: string, options?: CallOptions): Promise<Api.OwnDevices>
  resetDevices(options?: CallOptions): Promise<number>
  proofs(options?: CallOptions): Promise<ReadonlyArray<Api.Proof>>
  /** Linking further devices to the account, on one that has its key. */
  readonly link: PromiseLink.PromiseLink
  /** What was said, on every device of the account: needs the option `history`. */
  readonly history: PromiseHistory.PromiseHistory
  /** Files: sent with a message, fetched from where they are kept. */
  readonly attachments: PromiseAttachments.PromiseAttachments
  /** Ends every loop and every background task, and closes the store. Safe to call twice. */
  close(): Promise<void>
}

/** Opens a client. Close it, or declare it with `await using`. */
export const createClient = async (options: CreateClientOptions): Promise<PromiseClient> => {
  const runtime = ManagedRuntime.make(layerOf(options))
  const run = async <A, E>(effect: Effect.Effect<A, E, Client>, call: CallOptions = {}): Promise<A> => {
    const exit = await runtime.runPromiseExit(effect, call.signal === undefined ? {} : { signal: call.signal })
    if (Exit.isSuccess(exit)) return exit.value
    return fail(exit.cause, call)
  }
  const client = await run(
    Client.use((client) => Effect.succeed(client)),
    options
  ).catch(async (error: unknown) => {
    await runtime.dispose()
    throw error
  })
  const endings: Endings = { loops: new Set(), closed: false }
  const iterate = <A, E>(stream: Stream.Stream<A, E>, call: CallOptions = {}): AsyncIterable<A> => ({
    [Symbol.asyncIterator]: () => ending(Stream.toAsyncIterable(stream)[Symbol.asyncIterator](), call.signal, endings)
  })
  const converse = (conversation: Api.Conversation): PromiseConversation => ({
    id: conversation.id,
    user: conversation.user,
    account: conversation.account,
    send: (body, call) => run(conversation.send(body, call), call),
    sendMany: (bodies, call) => run(conversation.sendMany(bodies), call),
    typing: (typing, call) => run(conversation.typing(typing), call),
    markRead: (ids, call) => run(conversation.markRead(ids), call),
    outcome: (id, call) => run(conversation.outcome(id), call),
    reset: (call) => run(conversation.reset, call)
  })
  const close = () => {
    endings.closed = true
    for (const end of endings.loops) end()
    return runtime.dispose()
  }
  return {
    self: client.self,
    conversation: (peer, call) => run(Effect.map(client.conversation(peer), converse), call),
    send: (peer, body, call) => run(client.send(peer, body, call), call),
    messages: (call) => iterate(client.messages, call),
    batches: (call) => iterate(client.batches, call),
    take: (message, call) => run(client.take(message), call),
    synced: (call) => iterate(client.synced, call),
    takeSynced: (item, call) => run(client.takeSynced(item), call),
    warnings: (call) => iterate(client.warnings, call),
    outbox: (call) => iterate(client.outbox, call),
    flush: (call) => run(client.flush, call),
    status: (call) => iterate(client.status, call),
    contacts: (call) => run(client.contacts, call),
    acceptIdentity: (user, account, call) => run(client.acceptIdentity(user, account), call),
    settings: {
      list: (call) => run(client.settings.list, call),
      get: (name, call) => run(client.settings.get(name), call),
      set: (name, value, call) => run(client.settings.set(name, value), call),
      unset: (name, call) => run(client.settings.unset(name), call)
    },
    trust: PromiseTrust.make(client.trust, run),
    devices: (call) => run(client.devices, call),
    refreshDevices: (call) => run(client.refreshDevices, call),
    deviceVersions: (call) => run(client.deviceVersions, call),
    revokeDevice: (device, call) => run(client.revokeDevice(device), call),
    resetDevices: (call) => run(client.resetDevices, call),
    proofs: (call) => run(client.proofs, call),
    link: PromiseLink.make(client.link, run, iterate),
    history: PromiseHistory.make(client.history, run, iterate),
    attachments: PromiseAttachments.make(client.attachments, run, iterate),
    close,
    [Symbol.asyncDispose]: close
  }
}

/** The client's layer over the layers an application chose. */
const layerOf = (options: CreateClientOptions): Layer.Layer<Client, unknown> => {
  const { crypto, custody = StoreCustody.layer, entropy = EntropyLive.layer, register, store, transport } = options
  const base = Layer.mergeAll(store, entropy, Layer.succeed(Crypto, crypto))
  const ports = Layer.provideMerge(transport, Layer.provideMerge(custody, base))
  const registered =
    register === undefined
      ? Layer.empty
      : Layer.effectDiscard(Effect.catchTag(Account.register(register), "AlreadyRegistered", () => Effect.void))
  const suites = options.suites === undefined ? {} : { suites: options.suites }
  const policy = options.policy === undefined ? {} : { policy: options.policy }
  const history = options.history === undefined ? {} : { history: options.history }
  const opened: Layer.Layer<Client, unknown, Requirements> = Client.layer({ ...suites, ...policy, ...history })
  return Layer.provide(Layer.provide(opened, registered), ports)
}

/** The error of a failed call: the caller's own reason if it was aborted, else the typed error, else the defect. */
const fail = <E>(cause: Cause.Cause<E>, { signal }: CallOptions): never => {
  if (signal?.aborted === true && Cause.hasInterruptsOnly(cause)) throw signal.reason
  throw Option.getOrElse(Cause.findErrorOption(cause), () => Cause.squash(cause))
}

/** What ends the loops of a client that is closed. */
interface Endings {
  readonly loops: Set<() => void>
  closed: boolean
}

/**
 * An iterator that ends when the client is closed, and with the signal's reason when it is aborted. Neither takes what was given out
 * last.
 */
const ending = <A>(iterator: AsyncIterator<A>, signal: AbortSignal | undefined, endings: Endings): AsyncIterator<A> => {
  const over = { done: true, value: undefined } as const
  let ended = false
  let settle: (how: IteratorResult<A> | Promise<never>) => void = () => undefined
  const end = new Promise<IteratorResult<A>>((resolve) => {
    settle = resolve
  })
  end.catch(() => undefined)
  const finish = (how: IteratorResult<A> | Promise<never>): void => {
    if (ended) return
    ended = true
    endings.loops.delete(close)
    signal?.removeEventListener("abort", abort)
    settle(how)
  }
  // Not `return`: what was given out last is not taken.
  const stop = (reason: unknown) => void iterator.throw?.(reason).catch(() => undefined)
  const close = () => {
    finish(over)
    stop(new Error("the client was closed"))
  }
  const abort = () => {
    finish(Promise.reject(signal?.reason))
    stop(signal?.reason)
  }
  if (signal?.aborted === true) abort()
  else if (endings.closed) close()
  else {
    endings.loops.add(close)
    signal?.addEventListener("abort", abort, { once: true })
  }
  return {
    next: async () => {
      if (ended) return end
      try {
        const result = await Promise.race([iterator.next(), end])
        if (result.done === true) finish(over)
        return result
      } catch (error) {
        finish(over)
        throw error
      }
    },
    return: () => {
      finish(over)
      return iterator.return?.() ?? Promise.resolve(over)
    }
  }
}
