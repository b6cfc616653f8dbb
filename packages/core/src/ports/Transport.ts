/**
 * The way of an envelope to a mailbox and from one's own mailbox. At-least-once in both directions.
 *
 * Spec: docs/spec/14-relay.md §14.1, §14.4; docs/spec/16-state.md §16.2.
 * Does not know sessions, senders or plaintext.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"

/** An envelope that waits in one's own mailbox. `id` serves to acknowledge it; it is not unique across mailboxes. */
export interface Delivery {
  readonly id: number
  /** When the relay accepted it, ms since 1970 by the relay's clock. For display only. */
  readonly receivedAt: number
  readonly envelope: Uint8Array
}

/** The connection failed or is down. The operation may or may not have happened: repeat it, repetition is safe. */
export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  operation: Schema.Literals([
    "connect",
    "login",
    "submit",
    "acknowledge",
    "look-up",
    "publish",
    "register",
    "link",
    "grant"
  ]),
  cause: Schema.Defect()
}) {}

/**
 * The other side understood and refused (rule relay.error.1). Nothing happened. `retryAfterMs` is 0 when repeating will
 * not help; `detail` is what the code says it carries, else empty.
 */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  code: Schema.String,
  explanation: Schema.String,
  retryAfterMs: Schema.Finite,
  detail: Schema.Uint8Array
}) {}

/** What the transport is doing. `refused` is final until the application acts (for instance after `stale-state`). */
export type TransportStatus =
  | { readonly _tag: "Connecting"; readonly attempt: number }
  | { readonly _tag: "Connected" }
  | { readonly _tag: "Disconnected"; readonly reason: string; readonly retryInMs: number }
  | { readonly _tag: "Refused"; readonly refusal: Refused }

/** The device's claim at login: its fence, see docs/spec/07-sequencing.md §7.2. `startId` is 8 bytes. */
export interface LoginFence {
  readonly generation: number
  readonly startId: Uint8Array
}

/**
 * Port.
 *
 * - `open` logs the device in and keeps it connected, with back-off, until its scope closes; it succeeds as soon as the
 *   first login succeeded, fails with `Refused` when the relay refuses it (for instance `stale-state`), and keeps trying while
 *   there is no connection. It is called once.
 * - `deliveries` yields waiting envelopes in the mailbox's order, again after a reconnect when they were not acknowledged. It
 *   pulls: nothing is fetched faster than it is consumed, beyond a bounded credit.
 * - `submit` succeeds when the envelope is durable at the other side. `token` is 16 bytes or absent. Submitting the same bytes
 *   again is harmless.
 * - `acknowledge` forgets deliveries. Acknowledging twice, or unknown ids, is harmless.
 */
export class Transport extends Context.Service<
  Transport,
  {
    readonly open: (fence: LoginFence) => Effect.Effect<void, TransportError | Refused, import("effect/Scope").Scope>
    readonly deliveries: Stream.Stream<Delivery, TransportError | Refused>
    readonly submit: (envelope: Uint8Array, token?: Uint8Array) => Effect.Effect<void, TransportError | Refused>
    readonly acknowledge: (ids: ReadonlyArray<number>) => Effect.Effect<void, TransportError | Refused>
    readonly status: Stream.Stream<TransportStatus>
  }
>()("@tacit/core/Transport") {}
