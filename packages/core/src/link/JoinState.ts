/**
 * States and events of the new device's end of a linking.
 *
 * Spec: docs/spec/19-linking.md §19.7.
 * A state is never stored: a linking that is interrupted is begun anew, with other keys. Steps are in Join.ts.
 */
import type * as Channel from "./Channel.ts"
import type * as Decision from "./Decision.ts"
import type * as Frame from "./Frame.ts"
import type * as Invitation from "./Invitation.ts"
import type * as Payload from "./Payload.ts"

/** The new device as its custody knows it, 32 bytes each. */
export interface Keys {
  readonly device: Uint8Array
  readonly agreement: Uint8Array
  /** X25519 of the agreement key with the invitation's ephemeral key. */
  readonly shared: Uint8Array
}

/** Random values of one linking. */
export interface Coins {
  /** X25519 secret, 32 bytes: `link.eph`. */
  readonly ephemeral: Uint8Array
  /** 32 bytes: `link.nonce`. */
  readonly nonce: Uint8Array
  /** 16 bytes: `link.secret`. */
  readonly secret: Uint8Array
  /** Scalars of the attempts, three of 32 bytes: `link.share`. */
  readonly shares: ReadonlyArray<Uint8Array>
}

/** What happened, or what the application is to do. */
export type Event =
  /** Sign `input` with the device key, then `signed`. */
  | { readonly _tag: "Sign"; readonly input: Uint8Array }
  /** Show the code (as a QR code of `LinkText.format`), to be scanned by the old device. */
  | { readonly _tag: "ShowCode"; readonly code: Uint8Array }
  /** Ask for the PIN that the old device shows: `typed`. `left` attempts, this one included. */
  | { readonly _tag: "AskPin"; readonly left: number }
  /** Show the digits and ask whether the old device shows the same: `confirm`. */
  | { readonly _tag: "CompareDigits"; readonly digits: string }
  /**
   * The payload came and fits: keep it, register, then `finish`. The custody of an admin opens what the payload hands over with
   * `handover`; if it does not, abort with `refused`.
   */
  | { readonly _tag: "Received"; readonly payload: Payload.Checked; readonly handover: Channel.Handover }
  /** The old device knows that it is done. */
  | { readonly _tag: "Linked" }
  | ({ readonly _tag: "Aborted" } & Frame.Ended)

/** What stays the same. */
export interface Start {
  readonly invitation: Invitation.LinkInvitation
  readonly coins: Coins
  readonly challenge: Decision.Challenge
  readonly keys: Keys
}

/** Hello was said; the old device's nonce has not come. */
export interface Joined {
  readonly _tag: "Joined"
  readonly start: Start
  readonly hello: Uint8Array
  readonly reveal: Uint8Array
}

/** Everything from the answer on has this. */
export interface Shared {
  readonly start: Start
  readonly channel: Channel.Channel
}

/** All keys are known; the device key has not signed. */
export interface Signing extends Shared {
  readonly _tag: "Signing"
}

/** Challenge 1: the code is shown. */
export interface Showing extends Shared {
  readonly _tag: "Showing"
  readonly final: Channel.Final
}

/** Challenge 2: the old device's first share has not come. */
export interface Waiting extends Shared {
  readonly _tag: "Waiting"
}

/** Challenge 2: the PIN is to be typed. */
export interface Typing extends Shared {
  readonly _tag: "Typing"
  readonly attempt: number
  readonly share: Uint8Array
}

/** Challenge 2: the PIN was proved; whether it is right, the next frame tells. */
export interface Proved extends Shared {
  readonly _tag: "Proved"
  readonly attempt: number
  readonly final: Channel.Final
}

/** Challenge 3: digits are shown. */
export interface Comparing extends Shared {
  readonly _tag: "Comparing"
}

/** Challenge 3: confirmed here. */
export interface Agreed extends Shared {
  readonly _tag: "Agreed"
  readonly final: Channel.Final
}

/** The payload is there. */
export interface Received extends Shared {
  readonly _tag: "Received"
  readonly final: Channel.Final
}

/** Registered, and said so. */
export interface Finishing extends Shared {
  readonly _tag: "Finishing"
  readonly final: Channel.Final
}

/** The end: linked. */
export interface Linked {
  readonly _tag: "Linked"
}

/** The end: not linked. */
export interface Aborted extends Frame.Ended {
  readonly _tag: "Aborted"
}

export type State =
  | Joined
  | Signing
  | Showing
  | Waiting
  | Typing
  | Proved
  | Comparing
  | Agreed
  | Received
  | Finishing
  | Linked
  | Aborted
