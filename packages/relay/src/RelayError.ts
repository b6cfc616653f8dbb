/**
 * Why a relay did not start, or did not do what its operator asked.
 *
 * Spec: none; these never cross the wire.
 */
import * as Schema from "effect/Schema"

/**
 * `database`: the file cannot be opened or is damaged. `newer`: a later release wrote it. `in-use`: another relay serves it.
 * `listen`: the address is taken or not ours. `not-public`: the address is reachable by others and `public` was not set.
 * `broker`: a steward's broker cannot be reached, refuses, or the address is none. `storage`: a read or commit failed; nothing was changed. `closed`: the relay is shutting down.
 */
export class RelayError extends Schema.TaggedError<RelayError>()("RelayError", {
  reason: Schema.Literals(["database", "newer", "in-use", "listen", "broker", "not-public", "storage", "closed"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/** A user name is `[a-z0-9][a-z0-9._-]{0,63}` (rule relay.register.1). */
export class InvalidUser extends Schema.TaggedError<InvalidUser>()("InvalidUser", {}) {}

/** The administrator removed the account of this name at `removedAt` (ms). Only a password that allows it lets somebody register it again. */
export class RemovedUser extends Schema.TaggedError<RemovedUser>()("RemovedUser", {
  user: Schema.String,
  removedAt: Schema.Finite
}) {}

/** There is nobody of this name or account id, or no such device of theirs. Nothing was changed. */
export class CannotRemove extends Schema.TaggedError<CannotRemove>()("CannotRemove", {
  reason: Schema.Literals(["unknown-user", "unknown-device"])
}) {}
