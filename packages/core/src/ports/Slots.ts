/**
 * What a relay does for linking: slots through which two devices talk before one of them has an account, and one-time passwords for
 * further devices.
 *
 * Spec: docs/spec/14-relay.md §14.7; docs/spec/19-linking.md §19.2.
 * What comes out of a slot is never trusted: the relay, or whoever stands there, may have put it in.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Refused, TransportError } from "./Transport.ts"

/** A party's place in a slot: the slot's name, and the secret by which the party comes back; 16 random bytes each. */
export interface SlotPlace {
  readonly slot: Uint8Array
  readonly party: Uint8Array
}

/** How many blobs a party had posted and received when it joined before. */
export interface SlotProgress {
  readonly posted: number
  readonly received: number
}

/** One party's end of a slot, kept up over breaks of the connection. */
export interface SlotLine {
  /** The relay's own name, as it says it. */
  readonly relay: string
  /** Posts a blob of 1…65,536 bytes behind those before it; durable as long as the slot is when it succeeds. One at a time; after a failure repeat the same blob. */
  readonly post: (blob: Uint8Array) => Effect.Effect<void, TransportError | Refused>
  /** What the other party posts, in order, each once. One consumer. Fails when the relay refuses for good. */
  readonly received: Stream.Stream<Uint8Array, Refused>
  /** Ends the slot for both. One that is gone is no error. */
  readonly close: Effect.Effect<void, TransportError | Refused>
}

/** A one-time password, and until when it is good, ms. */
export interface IssuedPassword {
  readonly password: string
  readonly expiresAt: number
}

/**
 * Port.
 *
 * - `open` speaks for the device the transport has logged in and succeeds with the relay's name. Repeating it is safe. The slot is gone after 10 minutes.
 * - `join` takes a place, the opener's or, for whoever comes first, the second; it needs no login. It fails with `Refused` and the code `unknown-slot` for a slot that
 *   never was, is used, or is over. `progress` goes on where an earlier joining stopped.
 * - `issuePassword` speaks for the logged-in device, which must be an admin of its account (`not-admin`); the password is for the name of that account.
 */
export class Slots extends Context.Service<
  Slots,
  {
    readonly open: (place: SlotPlace) => Effect.Effect<{ readonly relay: string }, TransportError | Refused>
    readonly join: (
      place: SlotPlace,
      progress?: SlotProgress
    ) => Effect.Effect<SlotLine, TransportError | Refused, Scope.Scope>
    readonly issuePassword: Effect.Effect<IssuedPassword, TransportError | Refused>
  }
>()("@tacit/core/Slots") {}
