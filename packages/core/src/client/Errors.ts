/**
 * Errors of the client, each saying who must act.
 *
 * Spec: docs/spec/07-sequencing.md §7.3; docs/spec/16-state.md.
 * Nothing here carries a secret, plaintext or bytes a peer controls.
 */
import * as Schema from "effect/Schema"
import type { CustodyError } from "../ports/KeyCustody.ts"
import type { LeaseLost, StoreError } from "../ports/Store.ts"
import type { Refused, TransportError } from "../ports/Transport.ts"

/** A stored record does not decode, or has a version this release does not know (rules state.version.1, state.corrupt.1). Nothing was changed. */
export class StoredRecordError extends Schema.TaggedError<StoredRecordError>()("StoredRecordError", {
  kind: Schema.String,
  reason: Schema.Literals(["corrupt", "version"])
}) {}

/** This store holds no account yet: register first. */
export class NotRegistered extends Schema.TaggedError<NotRegistered>()("NotRegistered", {}) {}

/** This store already holds an account. Use another store, or open this one. */
export class AlreadyRegistered extends Schema.TaggedError<AlreadyRegistered>()("AlreadyRegistered", {}) {}

/** The directory knows no such user. Check the spelling, or ask them for their name. */
export class UnknownUser extends Schema.TaggedError<UnknownUser>()("UnknownUser", { user: Schema.String }) {}

/** The name now stands for another account than the pinned one. Compare out of band, then `acceptIdentity`. */
export class IdentityChanged extends Schema.TaggedError<IdentityChanged>()("IdentityChanged", {
  user: Schema.String,
  pinned: Schema.String,
  offered: Schema.String
}) {}

/** What the directory said about a peer does not verify. `cause` is of the closed list of §7.3. */
export class PeerMisbehaved extends Schema.TaggedError<PeerMisbehaved>()("PeerMisbehaved", {
  user: Schema.String,
  failure: Schema.String
}) {}

/** The message is larger than the protocol carries, or malformed by its caller. `reason` says which. */
export class InvalidMessage extends Schema.TaggedError<InvalidMessage>()("InvalidMessage", {
  reason: Schema.Literals([
    "too-large",
    "empty-key",
    "bad-media-type",
    "bad-reply",
    "bad-type",
    "bad-user",
    "bad-invitation",
    "bad-attachment",
    "not-unicode"
  ])
}) {}

/**
 * The trust policy does not let this through (rule trust.effect.5). Nothing was changed. `remedy` says what would: `verify` the contact's
 * safety number, `approve` the contact, or change the policy. `account` is 64 hexadecimal characters.
 */
export class TrustRefused extends Schema.TaggedError<TrustRefused>()("TrustRefused", {
  user: Schema.String,
  account: Schema.String,
  event: Schema.String,
  rule: Schema.String,
  decision: Schema.String,
  remedy: Schema.Literals(["verify", "approve", "change-policy"])
}) {}

/**
 * Digits or a code did not agree with the safety number (§17.4); nothing was changed. `side` comes with `safety.account` and
 * `safety.devices`: whose keys differ.
 */
export class SafetyMismatch extends Schema.TaggedError<SafetyMismatch>()("SafetyMismatch", {
  outcome: Schema.String,
  side: Schema.Literals(["own", "peer", "both", "unknown"])
}) {}

/** A text is no trust policy (rule trust.policy.3). `problems` says where and why, one each. Nothing was changed. */
export class InvalidPolicy extends Schema.TaggedError<InvalidPolicy>()("InvalidPolicy", {
  problems: Schema.Array(Schema.Struct({ at: Schema.String, problem: Schema.String }))
}) {}

/**
 * This device was removed from its account: it sends nothing any more. What it has stored stays readable. To write again, link it anew as a
 * device of the account, or register another account, in a store of its own.
 */
export class Revoked extends Schema.TaggedError<Revoked>()("Revoked", {
  /** The version of the account's manifest that does not list this device. */
  version: Schema.Finite
}) {}

/**
 * The relay's administrator removed the account one sends to or, where `own`, this account or this device; nothing was sent. It is the relay's
 * word, at `removedAt` (its clock, ms): what is stored stays as it is. Ask the person over another channel; of an own account, ask the
 * administrator for an invitation and register anew, in a store of its own. `account` is 64 hexadecimal characters.
 */
export class RemovedByRelay extends Schema.TaggedError<RemovedByRelay>()("RemovedByRelay", {
  user: Schema.String,
  account: Schema.String,
  own: Schema.Boolean,
  removedAt: Schema.Finite
}) {}

/** Only an admin device, which has the account key, changes the account's devices. Do it on one. */
export class NotAdmin extends Schema.TaggedError<NotAdmin>()("NotAdmin", {}) {}

/** The account has no such device. `client.devices` lists those it has. */
export class UnknownDevice extends Schema.TaggedError<UnknownDevice>()("UnknownDevice", { device: Schema.String }) {}

/**
 * The account's devices cannot be changed so. `last-admin`: nobody could change them afterwards. `full`: as many were revoked before as a
 * manifest holds, or as many devices are listed. `contended`: other devices kept changing them at the same time; try again.
 */
export class CannotRevise extends Schema.TaggedError<CannotRevise>()("CannotRevise", {
  reason: Schema.Literals(["last-admin", "full", "contended"])
}) {}

/**
 * No setting can be that: `name` is not 1 to 64 characters of ASCII without blanks, `value` is longer than 256 bytes, or there are 128 already
 * (`full`). Nothing was changed.
 */
export class InvalidSetting extends Schema.TaggedError<InvalidSetting>()("InvalidSetting", {
  reason: Schema.Literals(["name", "value", "full"])
}) {}

/** Every public error of opening, receiving and keeping state. */
export type ClientError = StoreError | LeaseLost | CustodyError | StoredRecordError

/** Every public error of sending. */
export type SendError =
  | ClientError
  | UnknownUser
  | IdentityChanged
  | TrustRefused
  | PeerMisbehaved
  | InvalidMessage
  | Revoked
  | RemovedByRelay
  | TransportError
  | Refused

/** Errors of `acceptIdentity`. */
export type AcceptError =
  | ClientError
  | UnknownUser
  | TrustRefused
  | PeerMisbehaved
  | RemovedByRelay
  | TransportError
  | Refused

/** Errors of asking for a safety number. */
export type SafetyError = Exclude<SendError, IdentityChanged | TrustRefused> | SafetyMismatch

/** Errors of verifying a contact. */
export type VerifyError = SafetyError | TrustRefused

/**
 * Errors of changing the account's devices. After `TransportError` or `Refused` a change may be on its way: it is published by itself when the
 * relay can be reached, and repeating it is safe.
 */
export type ReviseError =
  | ClientError
  | Revoked
  | NotAdmin
  | UnknownDevice
  | CannotRevise
  | PeerMisbehaved
  | TransportError
  | Refused
