/**
 * What an application sees of trust: safety numbers, verified contacts, policy, decisions, holds.
 *
 * Spec: docs/spec/24-trust.md; docs/spec/17-safety.md.
 * Holds types only; the programs are in client/Trusting.ts and client/Verifying.ts.
 */
import type * as Effect from "effect/Effect"
import type { Verdict } from "../trust/Decide.ts"
import type { Decision, EventName, Facts } from "../trust/Event.ts"
import type { Policy } from "../trust/Policy.ts"
import type { Peer } from "./Api.ts"
import type { Refused, TransportError } from "../ports/Transport.ts"
import type {
  ClientError,
  InvalidMessage,
  InvalidPolicy,
  PeerMisbehaved,
  SafetyError,
  SendError,
  UnknownUser,
  VerifyError
} from "./Errors.ts"
import type { LinkRefused } from "./LinkApi.ts"

/** Errors of making an invitation. */
export type InviteContactError = ClientError | InvalidMessage

/** Errors of taking one: `LinkRefused` says what is wrong with it (docs/spec/19-linking.md §19.1). */
export type MeetError = ClientError | LinkRefused | UnknownUser | PeerMisbehaved | TransportError | Refused

/** How a contact was verified, when (ms), and whether its devices are still those that were compared. */
export interface Verified {
  readonly at: number
  readonly by: "digits" | "code" | "own-device"
  readonly unchanged: boolean
}

/** A device in the details of a safety number. */
export interface SafetyDevice {
  /** 64 hexadecimal characters. */
  readonly device: string
  readonly role: "admin" | "member" | "replica"
  /** It was there when the contact was verified. */
  readonly compared: boolean
  /** The strongest suite its sessions had, by the policy's order; absent before the first message. */
  readonly suite: number | undefined
  /** Features its messages showed. */
  readonly features: ReadonlyArray<"lists">
}

/** The safety number with a contact (§17), and what it is made of. */
export interface Safety {
  readonly user: string | undefined
  /** The account the number is with: the one offered while an identity change is not accepted. */
  readonly account: string
  readonly state: "pinned" | "identity-changed"
  /** Sixty digits in twelve groups, 71 characters; the same on both sides. */
  readonly digits: string
  /** What a QR code is to carry, in byte mode: 108 bytes. */
  readonly code: Uint8Array
  readonly verified: Verified | undefined
  readonly devices: ReadonlyArray<SafetyDevice>
  /** Ids of the own devices. */
  readonly ownDevices: ReadonlyArray<string>
}

/** What came over another channel: digits that were read or typed, or the bytes of a scanned code. */
export type Evidence = { readonly digits: string } | { readonly code: Uint8Array }

/** A decision of the log. */
export interface LoggedDecision extends Verdict {
  readonly at: number
  readonly event: EventName
  readonly user: string | undefined
  readonly account: string
  /** Device it is about; empty where it is about the account. */
  readonly device: string
  /** Versions, suites or features before and after, 0 where there are none. */
  readonly from: number
  readonly to: number
  readonly facts: Facts
  /** Name of the policy that decided. */
  readonly policy: string
}

/** A decision that another policy would have made otherwise. */
export interface DryRunDifference {
  readonly entry: LoggedDecision
  readonly would: Verdict
}

/** What stops something until it is lifted (rule trust.effect.2). */
export interface TrustHold {
  readonly user: string | undefined
  readonly account: string
  readonly event: EventName
  readonly device: string
  readonly decision: Decision
  readonly rule: string
  readonly at: number
}

/** How to invite somebody to be a contact. */
export interface InviteContactOptions {
  /** Where this account is reached: `wss://…`, `mqtts://…`. It stands in the invitation for everybody who sees that; no passwords. */
  readonly relay: string
  /** Whether the invitation says the name of this account; without it only the account id. */
  readonly named?: boolean | undefined
  /** How long it serves, ms: 30 days when nothing is said, 366 at most. */
  readonly lifetimeMs?: number | undefined
}

/** An invitation: what a link or a QR code is to hold, as text. */
export interface ContactInvitation {
  readonly uri: string
  readonly expiresAt: number
}

/** Somebody whose invitation was taken. */
export interface Met {
  /** 64 hexadecimal characters. */
  readonly account: string
  /** The name, where the directory vouches for it. */
  readonly user: string | undefined
  /** The name that the invitation says; nobody vouches for it. */
  readonly claimed: string | undefined
  /** Where the account says that it is reached. */
  readonly relay: string
}

/** Operations of trust. */
export interface TrustApi {
  /** The policy that decides now. */
  readonly policy: Effect.Effect<Policy>
  /** Stores another policy, which decides from now on and after every restart. `undefined` goes back to the default. */
  readonly setPolicy: (policy: Policy | undefined) => Effect.Effect<void, ClientError | InvalidPolicy>
  /** Decisions, oldest first: the newest 2,048. */
  readonly log: Effect.Effect<ReadonlyArray<LoggedDecision>, ClientError>
  /** What another policy would have decided otherwise, out of {@link log}. */
  readonly dryRun: (policy: Policy) => Effect.Effect<ReadonlyArray<DryRunDifference>, ClientError>
  /** Everything that is held now. */
  readonly holds: Effect.Effect<ReadonlyArray<TrustHold>, ClientError>
  /** Approves a contact: lifts what was held until the operator approves. */
  readonly approve: (peer: Peer) => Effect.Effect<void, SendError>
  /** Takes an approval back. */
  readonly disapprove: (peer: Peer) => Effect.Effect<void, SendError>
  /** The safety number with a contact. */
  readonly safety: (peer: Peer) => Effect.Effect<Safety, SafetyError>
  /**
   * Compares and, when it agrees, stores that the contact is verified; accepts a changed identity with it. Fails with `SafetyMismatch` otherwise, and
   * changes nothing then.
   */
  readonly verify: (peer: Peer, evidence: Evidence) => Effect.Effect<Verified, VerifyError>
  /** Makes an invitation to become a contact of this account. */
  readonly invite: (options: InviteContactOptions) => Effect.Effect<ContactInvitation, InviteContactError>
  /** Takes somebody's invitation: its account is a contact then, and can be written to by account id, also where names cannot be looked up. */
  readonly meet: (invitation: string) => Effect.Effect<Met, MeetError>
  /** Forgets that a contact was verified. */
  readonly unverify: (peer: Peer) => Effect.Effect<void, SafetyError>
}
