/**
 * States and events of the old device's end of a linking.
 *
 * Spec: docs/spec/19-linking.md §19.7.
 * A state is never stored: a linking that is interrupted is begun anew. Steps are in Offer.ts.
 */
import type * as Channel from "./Channel.ts"
import type * as Decision from "./Decision.ts"
import type * as Frame from "./Frame.ts"
import type * as Invitation from "./Invitation.ts"

/** Random values of one linking, drawn when the invitation is made. */
export interface Coins {
  /** 16 bytes: `link.slot`. */
  readonly slot: Uint8Array
  /** X25519 secret, 32 bytes: `link.eph`. */
  readonly ephemeral: Uint8Array
  /** 32 bytes: `link.nonce`. */
  readonly nonce: Uint8Array
  /** 10 bytes: `link.pin`. */
  readonly pin: Uint8Array
  /** Scalars of the attempts, three of 32 bytes: `link.share`. */
  readonly shares: ReadonlyArray<Uint8Array>
}

/** What happened, or what the application is to do. */
export type Event =
  /** Somebody joined the slot. Who, only the challenge will say. */
  | { readonly _tag: "Joined" }
  /** Let the user scan the code on the new device: `scanned`. */
  | { readonly _tag: "ScanCode" }
  /** Show the PIN, to be typed on the new device. `left` attempts, this one included. */
  | { readonly _tag: "ShowPin"; readonly pin: string; readonly left: number }
  /** A wrong PIN was typed; `left` attempts remain. */
  | { readonly _tag: "WrongPin"; readonly left: number }
  /** Show the digits and ask whether the new device shows the same: `confirm`. */
  | { readonly _tag: "CompareDigits"; readonly digits: string }
  /**
   * The challenge succeeded: certify exactly this device, publish the manifest, then `grant`. For an admin the custody seals the
   * account's secrets under `handover`.
   */
  | {
      readonly _tag: "Verified"
      readonly device: Uint8Array
      readonly agreement: Uint8Array
      readonly handover: Channel.Handover
    }
  /** The new device is registered: the linking is complete. */
  | { readonly _tag: "Linked"; readonly device: Uint8Array }
  /** It ended otherwise. `device` is there once a manifest may list it: revoke it if it does (rule link.revoke.1). */
  | ({ readonly _tag: "Aborted"; readonly device: Uint8Array | undefined } & Frame.Ended)

/** Until somebody says hello. */
export interface Open {
  readonly _tag: "Open"
  readonly start: Start
}

/** Answered; the joiner has committed to its keys and has not revealed them. */
export interface Answered {
  readonly _tag: "Answered"
  readonly start: Start
  readonly hello: Uint8Array
  readonly answer: Uint8Array
}

/** Everything from the reveal on has this. */
export interface Joined {
  readonly start: Start
  readonly channel: Channel.Channel
  readonly challenge: Decision.Challenge
  /** The joiner's device id and agreement key, 32 bytes each, as the transcript holds them. */
  readonly device: Uint8Array
  readonly agreement: Uint8Array
}

/** Keys are known; that the joiner holds its own is not. */
export interface Revealed extends Joined {
  readonly _tag: "Revealed"
}

/** Challenge 1: a code is to be scanned. */
export interface Scanning extends Joined {
  readonly _tag: "Scanning"
}

/** Challenge 2: the PIN is shown, a share was sent. */
export interface Proving extends Joined {
  readonly _tag: "Proving"
  readonly pin: string
  readonly attempt: number
}

/** Challenge 3: digits are shown. */
export interface Comparing extends Joined {
  readonly _tag: "Comparing"
  readonly confirmed: boolean
  readonly agreed: boolean
}

/** The challenge succeeded. */
export interface Verified extends Joined {
  readonly _tag: "Verified"
  readonly final: Channel.Final
}

/** The payload was handed over. */
export interface Granted extends Joined {
  readonly _tag: "Granted"
  readonly final: Channel.Final
}

/** The end: the new device is one of the account. */
export interface Linked {
  readonly _tag: "Linked"
  readonly device: Uint8Array
}

/** The end: no device was linked, or one that has to be revoked. */
export interface Aborted extends Frame.Ended {
  readonly _tag: "Aborted"
  readonly device: Uint8Array | undefined
}

export type State = Open | Answered | Revealed | Scanning | Proving | Comparing | Verified | Granted | Linked | Aborted

/** What stays the same. */
export interface Start {
  readonly invitation: Invitation.LinkInvitation
  readonly coins: Coins
  /** Agreement key of the old device. */
  readonly agreement: Uint8Array
  readonly pinDigits: number
}
