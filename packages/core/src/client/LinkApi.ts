/**
 * What an application sees of linking a device: on the device that invites, and on the one that joins.
 *
 * Spec: docs/spec/19-linking.md.
 * Holds types only; the programs are Linking.ts and LinkDevice.ts.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { Abilities } from "../link/Decision.ts"
import type { Reason } from "../link/Frame.ts"
import type { Refused, TransportError } from "../ports/Transport.ts"
import type { Sender } from "./Api.ts"
import type { ArchiveRange } from "./history/HistoryApi.ts"
import type { ArchiveError, HistoryOff } from "./history/HistoryErrors.ts"
import type { AlreadyRegistered, ClientError, InvalidMessage, NotAdmin, Revoked } from "./Errors.ts"

/** What a device of an account may do. `admin` gets the account key and can add and remove devices; `replica` stores and cannot read. */
export type RoleName = "admin" | "member" | "replica"

/**
 * How a person makes sure that two ends are the two devices in front of them.
 *
 * - `code`: the new device shows a code, the old one scans it, or has it pasted.
 * - `pin`: the old device shows a PIN, which is typed on the new one.
 * - `fingerprint`: both show the same ten digits, and both are told that they agree. For fleets whose operator sees both consoles; both
 *   ends have to be started with it.
 */
export type ChallengeName = "code" | "pin" | "fingerprint"

export type { Abilities as LinkAbilities } from "../link/Decision.ts"

/** Why a linking ended: `docs/spec/19-linking.md` link.abort.1. */
export type LinkReason = Reason

/**
 * A text, code, PIN or answer was not taken, and nothing has changed. `cause` is of §19.9 or §7.3: `link.code` is the code of another
 * linking, `link.expired` came too late, `link.state` was not asked for.
 */
export class LinkRefused extends Schema.TaggedError<LinkRefused>()("LinkRefused", { cause: Schema.String }) {}

/** The linking ended without success. A new one needs a new invitation. `by` says which end ended it. */
export class LinkEnded extends Schema.TaggedError<LinkEnded>()("LinkEnded", {
  reason: Schema.Literals(["cancelled", "expired", "attempts", "mismatch", "no-challenge", "refused", "failed"]),
  by: Schema.Literals(["self", "other"])
}) {}

/** The transport of this client has no slots, so it cannot link devices. */
export class LinkUnsupported extends Schema.TaggedError<LinkUnsupported>()("LinkUnsupported", {}) {}

/** How to invite. */
export interface InviteOptions {
  /** Where the new device reaches the relay: `wss://…`, `mqtts://…`. It stands in the invitation for everybody who sees that; no passwords. */
  readonly relay: string
  /** `member` when nothing is said. */
  readonly role?: RoleName | undefined
  /** The challenges this device is ready for, `["code", "pin"]` when nothing is said; `["fingerprint"]` stands alone. */
  readonly challenges?: ReadonlyArray<ChallengeName> | undefined
  /** How long the invitation serves, ms: 10 minutes at most and when nothing is said. */
  readonly lifetimeMs?: number | undefined
  /** Digits of a PIN, 6 when nothing is said. */
  readonly pinDigits?: 6 | 7 | 8 | undefined
  /**
   * What the new device gets of the history, `{}` for all of it: it asks for that once it is opened with history, and this device gives
   * it, whenever both are open. Nothing when nothing is said. This device has to keep history.
   */
  readonly history?: ArchiveRange | undefined
}

/** What happens on the device that invites. */
export type OfferState =
  /** Show `uri`, as text or as a QR code. `expiresAt` is ms. */
  | { readonly _tag: "Invited"; readonly uri: string; readonly expiresAt: number }
  /** Somebody joined. Who, only the challenge will say. */
  | { readonly _tag: "Joined" }
  /** Let the user scan the code that the new device shows: `scanned`. */
  | { readonly _tag: "ScanCode" }
  /** Show the PIN; it is typed on the new device. `left` attempts, this one included. */
  | { readonly _tag: "ShowPin"; readonly pin: string; readonly left: number }
  /** A wrong PIN was typed. */
  | { readonly _tag: "WrongPin"; readonly left: number }
  /** Show the digits; when the new device shows the same, `confirm`; when not, `deny`. */
  | { readonly _tag: "CompareDigits"; readonly digits: string }
  /** The challenge succeeded; the device is being added to the account. */
  | { readonly _tag: "Verified"; readonly device: string }
  /** The device is one of the account. */
  | { readonly _tag: "Linked"; readonly device: string; readonly role: RoleName }
  /** It ended otherwise. A device that was added already is removed again. */
  | { readonly _tag: "Ended"; readonly reason: LinkReason; readonly by: "self" | "other" }

/** An invitation that is out. It runs until it ends, or the client is closed. */
export interface LinkOffer {
  /** `tacit:invite/…`. Whoever has it can join, but is not linked without the challenge. */
  readonly uri: string
  readonly expiresAt: number
  /** Every state from the first on; ends with `Linked` or `Ended`. */
  readonly states: Stream.Stream<OfferState>
  /** The text of the code that the new device shows. */
  readonly scanned: (text: string) => Effect.Effect<void, LinkRefused>
  /** Both show the same digits. */
  readonly confirm: Effect.Effect<void, LinkRefused>
  /** They do not: ends it with `mismatch`. */
  readonly deny: Effect.Effect<void>
  readonly cancel: Effect.Effect<void>
  /** Awaits the end. */
  readonly result: Effect.Effect<{ readonly device: string; readonly role: RoleName }, LinkEnded>
}

/**
 * Errors of `invite`. `InvalidMessage` with `bad-invitation`: address, lifetime or challenges are none. With `history`: `HistoryOff`, or
 * `ArchiveError` with `bad-range` (none, or more than 4,096 bytes of conversations), or `bad-device` for a replica, which cannot read.
 */
export type InviteError =
  | ArchiveError
  | ClientError
  | HistoryOff
  | InvalidMessage
  | LinkUnsupported
  | NotAdmin
  | Revoked
  | TransportError
  | Refused

/** Linking devices, on one of the account that has its key. */
export interface LinkApi {
  /** Makes an invitation for one further device. One is out at a time: another one cancels that before it. */
  readonly invite: (options: InviteOptions) => Effect.Effect<LinkOffer, InviteError>
  /**
   * What this device was promised of the history when it was linked (rule link.history.2), until that is offered to it. Also without
   * the option `history`: it says that opening with it brings something.
   */
  readonly promised: Effect.Effect<ArchiveRange | undefined, ClientError>
}

/** How to join. */
export interface LinkDeviceOptions {
  /** The invitation: `tacit:invite/…` or `https://…#invite/…`. Left out only to go on with a linking that was interrupted. */
  readonly uri?: string | undefined
  /** The challenges this device is ready for, `["code", "pin"]` when nothing is said; `["fingerprint"]` stands alone. */
  readonly challenges?: ReadonlyArray<ChallengeName> | undefined
}

/** What happens on the device that joins. */
export type JoinState =
  | { readonly _tag: "Joined" }
  /** Show `code`, as a QR code or text, to the old device. */
  | { readonly _tag: "ShowCode"; readonly code: string }
  /** Ask for the PIN that the old device shows: `typed`. `left` attempts, this one included. */
  | { readonly _tag: "AskPin"; readonly left: number }
  /** Show the digits; when the old device shows the same, `confirm`; when not, `deny`. */
  | { readonly _tag: "CompareDigits"; readonly digits: string }
  /** What makes it a device of the account came and is stored; it is being registered. */
  | {
      readonly _tag: "Received"
      readonly user: string
      readonly account: string
      readonly role: RoleName
      readonly history?: ArchiveRange
    }
  /** It is a device of the account: open the client. */
  | { readonly _tag: "Linked"; readonly self: Sender; readonly role: RoleName }
  | { readonly _tag: "Ended"; readonly reason: LinkReason; readonly by: "self" | "other" }

/** A device that is registered as one of an account. */
export interface LinkedDevice extends Sender {
  readonly user: string
  readonly role: RoleName
  /** What the device that invited it gives of the history, if it gives any: open the client with history to get it. */
  readonly history?: ArchiveRange
}

/** A linking from the new device's side. */
export interface LinkJoin {
  /** Every state from the first on; ends with `Linked` or `Ended`. */
  readonly states: Stream.Stream<JoinState>
  /** The PIN as it was typed. */
  readonly typed: (pin: string) => Effect.Effect<void, LinkRefused>
  readonly confirm: Effect.Effect<void, LinkRefused>
  /** They show other digits: ends it with `mismatch`. */
  readonly deny: Effect.Effect<void>
  /** Ends it, unless the device is registered already: then it is one of the account, to be removed like every other. */
  readonly cancel: Effect.Effect<void>
  /** Awaits the end. */
  readonly result: Effect.Effect<LinkedDevice, LinkEnded | LinkDeviceError>
}

/** Errors of joining besides how it ended. `Refused` with `unknown-slot`: the invitation was used, or is over. */
export type LinkDeviceError = ClientError | AlreadyRegistered | LinkRefused | TransportError | Refused

/** Abilities by the names of challenges, for the old device and for the new one. */
export const abilities = (challenges: ReadonlyArray<ChallengeName>, end: "old" | "new"): Abilities => {
  const [code, pin] = [challenges.includes("code"), challenges.includes("pin")]
  return {
    scan: end === "old" && code,
    show: end === "old" ? pin : code,
    type: end === "new" && pin,
    digits: challenges.includes("fingerprint")
  }
}
