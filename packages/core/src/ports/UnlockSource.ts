/**
 * Where the secret that opens a vault comes from: a person, a file, the environment, a key chain, a device.
 *
 * Spec: docs/spec/12-vault.md §12.2.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Secret } from "../vault/Kdf.ts"

/**
 * The source has no secret to give.
 *
 * - `none`: nothing is there: no variable, no entry, nobody to ask.
 * - `failed`: the file cannot be read, the program ended with an error or gave no answer in time.
 * - `invalid`: what it gave is no passphrase or no key.
 * - `cancelled`: the person gave up.
 */
export class UnlockError extends Schema.TaggedError<UnlockError>()("UnlockError", {
  reason: Schema.Literals(["none", "failed", "invalid", "cancelled"]),
  /** What was asked, for people: a path, the name of a variable or of a program. Never what it answered. */
  source: Schema.String
}) {}

/** What the secret is for. */
export interface UnlockQuestion {
  /** `create` and `change` ask for a new secret. */
  readonly purpose: "open" | "create" | "change"
  /** The kind that the vault is under, when there is one already. */
  readonly method: "passphrase" | "key" | undefined
}

/**
 * Port. `secret` may be called any number of times, and takes as long as a person needs. The bytes it gives belong to the caller, who
 * overwrites them: give a copy.
 */
export class UnlockSource extends Context.Service<
  UnlockSource,
  {
    readonly secret: (question: UnlockQuestion) => Effect.Effect<Secret, UnlockError>
  }
>()("@tacit/core/UnlockSource") {}
