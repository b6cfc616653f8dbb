/**
 * Linking devices for programs that do not use Effect: inviting one, and becoming one.
 *
 * Spec: docs/spec/19-linking.md.
 * Members interpret one Effect or stream each and add nothing; {@link linkDevice} asks its hooks what a person would be asked.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as EntropyLive from "../client/EntropyLive.ts"
import type { ArchiveRange } from "../client/history/HistoryApi.ts"
import type * as LinkApi from "../client/LinkApi.ts"
import { linkDevice as link, type Requirements } from "../client/LinkDevice.ts"
import * as StoreCustody from "../client/StoreCustody.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { Crypto, type Entropy } from "../ports/Crypto.ts"
import type { Directory } from "../ports/Directory.ts"
import type { KeyCustody } from "../ports/KeyCustody.ts"
import type { Slots } from "../ports/Slots.ts"
import type { Store } from "../ports/Store.ts"
import type { Transport } from "../ports/Transport.ts"

/** For calls that can be given up. */
interface CallOptions {
  readonly signal?: AbortSignal
}

/** {@link LinkApi.LinkOffer} with promises. */
export interface PromiseLinkOffer {
  readonly uri: string
  readonly expiresAt: number
  /** Every state from the first on; ends with `Linked` or `Ended`. */
  states(options?: CallOptions): AsyncIterable<LinkApi.OfferState>
  scanned(text: string, options?: CallOptions): Promise<void>
  confirm(options?: CallOptions): Promise<void>
  deny(options?: CallOptions): Promise<void>
  cancel(options?: CallOptions): Promise<void>
  /** Resolves with the device that was linked; rejects with `LinkEnded`. */
  result(options?: CallOptions): Promise<{ readonly device: string; readonly role: LinkApi.RoleName }>
}

/** {@link LinkApi.LinkApi} with promises. */
export interface PromiseLink {
  invite(options: LinkApi.InviteOptions, call?: CallOptions): Promise<PromiseLinkOffer>
  promised(call?: CallOptions): Promise<ArchiveRange | undefined>
}

type Run = <A, E>(effect: Effect.Effect<A, E>, call?: CallOptions) => Promise<A>
type Iterate = <A, E>(stream: Stream.Stream<A, E>, call?: CallOptions) => AsyncIterable<A>

/** The operations, run by `run`, and streams by `iterate`. */
export const make = (api: LinkApi.LinkApi, run: Run, iterate: Iterate): PromiseLink => ({
  invite: (options, call) =>
    run(
      Effect.map(api.invite(options), (offer) => offerOf(offer, run, iterate)),
      call
    ),
  promised: (call) => run(api.promised, call)
})

/** An offer with promises, outside of a promise client. */
export const linkOffer = (offered: LinkApi.LinkOffer): PromiseLinkOffer =>
  offerOf(
    offered,
    async (effect, call) => settle(await Effect.runPromiseExit(effect, call ?? {}), call?.signal),
    // Who leaves the loop ends the stream; a signal ends it as well, with its reason.
    (stream, call) => Stream.toAsyncIterable(call?.signal === undefined ? stream : until(stream, call.signal))
  )

const until = <A, E>(stream: Stream.Stream<A, E>, signal: AbortSignal): Stream.Stream<A, E> =>
  Stream.interruptWhen(
    stream,
    Effect.callback<never>((resume) => {
      const stop = () => resume(Effect.die(signal.reason))
      if (signal.aborted) stop()
      else signal.addEventListener("abort", stop, { once: true })
      return Effect.sync(() => signal.removeEventListener("abort", stop))
    })
  )

/** What an exit comes to as a promise does: the typed error, the signal's reason, or the defect. */
const settle = <A, E>(exit: Exit.Exit<A, E>, signal: AbortSignal | undefined): A => {
  if (Exit.isSuccess(exit)) return exit.value
  if (signal?.aborted === true && Cause.hasInterruptsOnly(exit.cause)) throw signal.reason
  throw Option.getOrElse(Cause.findErrorOption(exit.cause), () => Cause.squash(exit.cause))
}

/** One offer with promises. */
const offerOf = (offer: LinkApi.LinkOffer, run: Run, iterate: Iterate): PromiseLinkOffer => ({
  uri: offer.uri,
  expiresAt: offer.expiresAt,
  states: (call) => iterate(offer.states, call),
  scanned: (text, call) => run(offer.scanned(text), call),
  confirm: (call) => run(offer.confirm, call),
  deny: (call) => run(offer.deny, call),
  cancel: (call) => run(offer.cancel, call),
  result: (call) => run(offer.result, call)
})

/** What a person at the new device is shown and asked. A hook that rejects cancels the linking. */
export interface JoinHooks {
  /** Shows the code to the old device, as a QR code or as text. */
  readonly showCode?: ((code: string) => unknown) | undefined
  /** Asks for the PIN that the old device shows. */
  readonly askPin?: ((left: number) => Promise<string> | string) | undefined
  /** Asks whether the old device shows the same digits. Only with the challenge `fingerprint`. */
  readonly confirmDigits?: ((digits: string) => Promise<boolean> | boolean) | undefined
  readonly onState?: ((state: LinkApi.JoinState) => unknown) | undefined
}

/** What a device that is linked stands on, and the hooks. Without `challenges` it takes those it has hooks for, but never `fingerprint`. */
export interface LinkDeviceOptions extends LinkApi.LinkDeviceOptions, JoinHooks, CallOptions {
  readonly store: Layer.Layer<Store, unknown>
  readonly transport: Layer.Layer<Transport | Directory | Slots, unknown, KeyCustody | Crypto>
  readonly crypto: CryptoProvider
  readonly custody?: Layer.Layer<KeyCustody, unknown, Store | Crypto | Entropy>
  readonly entropy?: Layer.Layer<Entropy, unknown>
}

/**
 * Makes this store the one of a further device of an account, by an invitation. Rejects with `LinkEnded`, `LinkRefused` or what
 * the relay and the store say; then it can be called again. Closes the store: open a client on it afterwards.
 */
export const linkDevice = async (options: LinkDeviceOptions): Promise<LinkApi.LinkedDevice> => {
  const { crypto, custody = StoreCustody.layer, entropy = EntropyLive.layer, signal, store, transport } = options
  const base = Layer.mergeAll(store, entropy, Layer.succeed(Crypto, crypto))
  const ports: Layer.Layer<Requirements, unknown> = Layer.provideMerge(transport, Layer.provideMerge(custody, base))
  const exit = await Effect.runPromiseExit(
    Effect.provide(program(options), ports),
    signal === undefined ? {} : { signal }
  )
  return settle(exit, signal)
}

const program = (options: LinkDeviceOptions) =>
  Effect.gen(function* () {
    const { askPin, showCode } = options
    const able: ReadonlyArray<LinkApi.ChallengeName> = [
      ...(showCode === undefined ? [] : ["code" as const]),
      ...(askPin === undefined ? [] : ["pin" as const])
    ]
    const join = yield* link({ uri: options.uri, challenges: options.challenges ?? able })
    const answered = answers(join, options)
    const watching = yield* Effect.forkChild(
      Stream.runForEach(join.states, (state) =>
        Effect.andThen(
          Effect.ignore(Effect.tryPromise(async () => void (await options.onState?.(state)))),
          // Beside the states: while somebody is asked, the other end may give up.
          Effect.forkChild(answered(state).pipe(Effect.catch(() => join.cancel)))
        )
      )
    )
    // Whoever waits no longer leaves the other end a word.
    const ended = yield* Effect.exit(Effect.onInterrupt(join.result, () => join.cancel))
    yield* Effect.ignore(Effect.timeout(Fiber.await(watching), 1_000))
    return yield* ended
  }).pipe(Effect.scoped)

/** What the hooks say to a state. */
const answers =
  (join: LinkApi.LinkJoin, { askPin, confirmDigits, showCode }: JoinHooks) =>
  (state: LinkApi.JoinState): Effect.Effect<void, unknown> => {
    const ask = <A>(hook: () => A | Promise<A>) => Effect.tryPromise(async () => hook())
    switch (state._tag) {
      case "ShowCode":
        return Effect.asVoid(ask(() => showCode?.(state.code)))
      case "AskPin":
        return typing(join, () => ask(() => askPin?.(state.left) ?? Promise.reject(new Error("no PIN"))))
      case "CompareDigits":
        return Effect.flatMap(
          ask(() => confirmDigits?.(state.digits) ?? false),
          (same) => (same ? join.confirm : join.deny)
        )
      default:
        return Effect.void
    }
  }

/** Asks again for what is no PIN: that costs no attempt. */
const typing = (join: LinkApi.LinkJoin, ask: () => Effect.Effect<string, unknown>): Effect.Effect<void, unknown> =>
  Effect.flatMap(ask(), (pin) =>
    Effect.catchTag(join.typed(pin), "LinkRefused", (refusal) =>
      refusal.cause.startsWith("decode.") ? typing(join, ask) : Effect.void
    )
  )
