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
    "not-unicode"
  ])
}) {}

/** Every public error of opening, receiving and keeping state. */
export type ClientError = StoreError | LeaseLost | CustodyError | StoredRecordError

/** Every public error of sending. */
export type SendError =
  | ClientError
  | UnknownUser
  | IdentityChanged
  | PeerMisbehaved
  | InvalidMessage
  | TransportError
  | Refused

/** Errors of `acceptIdentity`. */
export type AcceptError = ClientError | UnknownUser | PeerMisbehaved | TransportError | Refused
