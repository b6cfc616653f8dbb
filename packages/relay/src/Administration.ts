/**
 * What an administrator does on the machine of the relay, beside a running relay or without one.
 *
 * Spec: docs/spec/14-relay.md rule relay.register.1.
 */
import { loadNodeProvider } from "@tacit/core/crypto/node"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Database from "./Database.ts"
import { isUserName, makeInvitations } from "./Invitations.ts"
import { defaultLimits } from "./Options.ts"
import { InvalidUser, RelayError } from "./RelayError.ts"

/** Issues a one-time password by writing into the relay's database, which may be in use. `lifetimeMs` is 7 days when nothing is said. */
export const issueInvitation = (options: {
  readonly database: string
  readonly user: string
  readonly lifetimeMs?: number
}): Effect.Effect<string, InvalidUser | RelayError> =>
  Effect.gen(function* () {
    if (!isUserName(options.user)) return yield* new InvalidUser()
    const now = yield* Clock.currentTimeMillis
    const crypto = yield* Effect.promise(loadNodeProvider)
    return yield* Effect.try({
      try: () => {
        const db = Database.open(options.database, { exclusive: false })
        try {
          return makeInvitations(db, crypto, options.lifetimeMs ?? defaultLimits.inviteMs).issue(options.user, now)
        } finally {
          db.close()
        }
      },
      catch: (cause) => (cause instanceof RelayError ? cause : new RelayError({ reason: "database", cause }))
    })
  })
