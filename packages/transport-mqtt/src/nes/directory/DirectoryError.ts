/**
 * Why a directory did not start.
 *
 * Spec: none; these never cross the wire.
 */
import * as Schema from "effect/Schema"

/**
 * `database`: the file cannot be opened or is damaged. `newer`: a later release wrote it. `listen`: the address is taken or not
 * ours. `not-public`: others could reach the address and `public` was not set. `address`: the public address is no URL.
 */
export class DirectoryError extends Schema.TaggedError<DirectoryError>()("DirectoryError", {
  reason: Schema.Literals(["database", "newer", "listen", "not-public", "address"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {}
