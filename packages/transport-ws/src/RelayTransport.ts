/**
 * The Transport port over WebSockets: the authenticated link of a device, and the anonymous one beside it.
 *
 * Spec: docs/spec/14-relay.md rules relay.two.1, relay.login.1–3, relay.mailbox.1, relay.submit.1–3.
 * Knows no sessions and no plaintext. That both links come from one address tells a relay more than the frames do: see the
 * threat model.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import {
  type KeyCustody,
  type LoginFence,
  type Refused,
  type Transport,
  TransportError,
  type TransportStatus
} from "@tacit/core"
import type * as Scope from "effect/Scope"
import { maxAcknowledged, type LoggedIn } from "./Frame.ts"
import * as Inbox from "./Inbox.ts"
import * as Keeper from "./Keeper.ts"
import type { Link, LinkOptions } from "./Link.ts"
import type { Settings } from "./Options.ts"
import * as Proof from "./Proof.ts"

/** What both ports share. */
export interface Links {
  readonly settings: Settings
  readonly custody: KeyCustody["Service"]
  /** Opens a link; checks the relay's name. */
  readonly open: (options: {
    readonly onDeliver: Inbox.Inbox["push"]
    readonly onBlob?: LinkOptions["onBlob"]
    readonly onLost: () => void
  }) => Effect.Effect<Link, TransportError | Refused, Scope.Scope>
  readonly anonymous: Keeper.Keeper
  /** The link of the device, once it is logged in. */
  readonly device: Keeper.Keeper
}

/** The device's side: what `open` needs beside the keeper. */
export interface DeviceLink {
  readonly keeper: Keeper.Keeper
  readonly transport: Pick<Transport["Service"], "open" | "deliveries" | "status" | "acknowledge">
}

/** In frames' portions. */
const chunks = (ids: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<number>> =>
  Array.from({ length: Math.ceil(ids.length / maxAcknowledged) }, (_, i) =>
    ids.slice(i * maxAcknowledged, (i + 1) * maxAcknowledged)
  )

const noToken = new Uint8Array(0)

export const makeDevice = (links: Pick<Links, "settings" | "custody" | "open">): Effect.Effect<DeviceLink> =>
  Effect.gen(function* () {
    const { custody, settings } = links
    const inbox = Inbox.make(settings.window)
    const status = yield* SubscriptionRef.make<TransportStatus>({
      _tag: "Disconnected",
      reason: "not opened",
      retryInMs: 0
    })
    let fence: LoginFence | undefined
    let isOpen = false
    let first = Deferred.makeUnsafe<void, Refused>()
    /** Deliveries the application is done with and the relay has not confirmed. */
    const forgetting = new Set<number>()
    const loginError = (cause: unknown): TransportError => new TransportError({ operation: "login", cause })

    const logIn = (
      link: Link,
      { generation, startId }: LoginFence
    ): Effect.Effect<LoggedIn, TransportError | Refused> =>
      Effect.gen(function* () {
        const { challenge, relay } = link.welcome
        const { device } = yield* Effect.mapError(custody.publicKeys, loginError)
        const message = Proof.loginMessage({ relay, challenge, device, generation, startId })
        const signature = yield* Effect.mapError(custody.signWithDevice(message), loginError)
        return yield* link.ask("login", { type: 5, device, generation, startId, signature }, 6).pipe(
          Effect.timeoutOrElse({
            duration: settings.connectTimeoutMs,
            orElse: () => Effect.fail(loginError(new Error("no answer in time")))
          })
        )
      })

    const forget = (link: Link, deliveries: ReadonlyArray<number>): Effect.Effect<void, TransportError | Refused> =>
      Effect.map(link.ask("acknowledge", { type: 17, deliveries }, 4), () => {
        for (const id of deliveries) forgetting.delete(id)
      })

    const keeper = yield* Keeper.make({
      settings,
      when: "always",
      onStatus: (next) =>
        Effect.gen(function* () {
          yield* SubscriptionRef.set(status, next)
          if (next._tag === "Connected") Deferred.doneUnsafe(first, Exit.void)
          if (next._tag !== "Refused") return
          inbox.refuse(next.refusal)
          Deferred.doneUnsafe(first, Exit.fail(next.refusal))
        }),
      connect: (onLost) =>
        Effect.gen(function* () {
          const link = yield* links.open({
            onDeliver: inbox.push,
            onLost: () => {
              inbox.detach()
              onLost()
            }
          })
          yield* logIn(link, fence!)
          // Before credit is given, so that what was acknowledged on a link that broke does not come again.
          for (const deliveries of chunks([...forgetting])) yield* forget(link, deliveries)
          inbox.attach(link)
          return link
        })
    })

    return {
      keeper,
      transport: {
        open: (given) =>
          Effect.gen(function* () {
            if (isOpen) return yield* Effect.die(new Error("the transport is open already"))
            yield* Effect.mapError(custody.publicKeys, loginError)
            yield* Effect.acquireRelease(
              Effect.sync(() => {
                isOpen = true
                fence = given
                inbox.refuse(undefined)
                first = Deferred.makeUnsafe<void, Refused>()
              }),
              () =>
                Effect.suspend(() => {
                  isOpen = false
                  return SubscriptionRef.set(status, { _tag: "Disconnected", reason: "closed", retryInMs: 0 })
                })
            )
            yield* Effect.forkScoped(Effect.ignore(keeper.run))
            yield* Deferred.await(first).pipe(Effect.tapError(() => Effect.sync(() => (isOpen = false))))
          }),
        deliveries: Stream.fromPull(Effect.succeed(inbox.take)),
        status: SubscriptionRef.changes(status),
        acknowledge: (ids) =>
          Effect.suspend(() => {
            for (const id of ids) forgetting.add(id)
            return Effect.forEach(
              chunks(ids),
              (deliveries) => keeper.use("acknowledge", (link) => forget(link, deliveries)),
              { discard: true }
            )
          })
      }
    }
  })

export const makeTransport = (links: Links, device: DeviceLink["transport"]): Transport["Service"] => {
  const presenting = Semaphore.makeUnsafe(1)
  /** How often a pass was presented on a link. */
  const presented = new WeakMap<Link, number>()

  /**
   * Rule relay.entitle.3: fetches the pass over the device's link and presents it on this one, once for all submissions that were refused
   * together. What does not get it is refused as the relay refused it.
   */
  const present = (link: Link, before: number): Effect.Effect<void, TransportError | Refused> =>
    presenting.withPermit(
      Effect.suspend(() => {
        if ((presented.get(link) ?? 0) !== before) return Effect.void
        return links.device
          .use("submit", (own) => own.ask("submit", { type: 30 }, 31))
          .pipe(
            Effect.flatMap(({ pass }) => (pass.length === 0 ? Effect.void : link.ask("submit", { type: 32, pass }, 4))),
            Effect.map(() => void presented.set(link, before + 1))
          )
      })
    )

  return {
    ...device,
    submit: (envelope, token) =>
      links.anonymous.use("submit", (link) => {
        const before = presented.get(link) ?? 0
        const submit = Effect.asVoid(link.ask("submit", { type: 14, token: token ?? noToken, envelope }, 15))
        return Effect.catchTag(submit, "Refused", (refusal) =>
          refusal.code === "not-entitled" ? Effect.andThen(present(link, before), submit) : Effect.fail(refusal)
        )
      })
  }
}
