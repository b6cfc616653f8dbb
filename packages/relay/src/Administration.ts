/**
 * What an administrator does on the machine of the relay, beside a running relay or without one.
 *
 * Spec: docs/spec/14-relay.md rules relay.register.1, relay.remove.1 and relay.remove.7.
 * Writes into the relay's database; a relay that runs notices (rule relay.remove.4).
 */
import { loadNodeProvider } from "@tacit/core/crypto/node"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Database from "./Database.ts"
import { isUserName, makeInvitations } from "./Invitations.ts"
import { defaultLimits } from "./Options.ts"
import { CannotRemove, InvalidUser, RelayError, RemovedUser } from "./RelayError.ts"
import { type ListedUser, makeRemovals, type RemovedByAdministrator } from "./Removals.ts"

/** Opens the database beside a relay that may use it, and runs all of something or nothing. */
const beside = <A, E = never>(
  database: string,
  run: (db: Database.Database) => A,
  isRefusal?: (cause: unknown) => cause is E
): Effect.Effect<A, E | RelayError> =>
  Effect.try({
    try: () => {
      const db = Database.open(database, { exclusive: false })
      try {
        return db.transaction(() => run(db))
      } finally {
        db.close()
      }
    },
    catch: (cause): E | RelayError => {
      if (isRefusal !== undefined && isRefusal(cause)) return cause
      return cause instanceof RelayError ? cause : new RelayError({ reason: "database", cause })
    }
  })

/**
 * Issues a one-time password by writing into the relay's database, which may be in use. `lifetimeMs` is 7 days when nothing is said. For the
 * name of an account that was removed only with `again`: then a new account may take the name.
 */
export const issueInvitation = (options: {
  readonly database: string
  readonly user: string
  readonly lifetimeMs?: number
  readonly again?: boolean
}): Effect.Effect<string, InvalidUser | RemovedUser | RelayError> =>
  Effect.gen(function* () {
    const { again = false, database, user } = options
    if (!isUserName(user)) return yield* new InvalidUser()
    const now = yield* Clock.currentTimeMillis
    const crypto = yield* Effect.promise(loadNodeProvider)
    return yield* beside(
      database,
      (db) => {
        makeRemovals(db).mayInvite(user, again)
        const lifetimeMs = options.lifetimeMs ?? defaultLimits.inviteMs
        return makeInvitations(db, crypto, lifetimeMs).issue(user, now, lifetimeMs, again)
      },
      (cause) => cause instanceof RemovedUser
    )
  })

/** Everybody with an account at the relay of this database, and what is left of those who were removed. */
export const listUsers = (options: {
  readonly database: string
}): Effect.Effect<ReadonlyArray<ListedUser>, RelayError> => beside(options.database, (db) => makeRemovals(db).users())

/**
 * Removes a user, by name or account id; with `device`, 64 hexadecimal characters, only that device of theirs. A relay that runs closes their
 * connections within a second. Repeating it changes nothing.
 */
export const removeUser = (options: {
  readonly database: string
  readonly user: string
  readonly device?: string
}): Effect.Effect<RemovedByAdministrator, CannotRemove | RelayError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    beside(
      options.database,
      (db) => makeRemovals(db).remove(options.user, options.device, now),
      (cause) => cause instanceof CannotRemove
    )
  )
