/**
 * Why a vault, or a record in it, does not open: the closed list, as data.
 *
 * Spec: docs/spec/12-vault.md §12.7.
 * A failure carries its cause and nothing else.
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import type { Stage } from "../base/Failure.ts"

/** Every cause with the stage of its check. */
export const causes = {
  "state.corrupt": "decode",
  "state.version": "version",
  "vault.kdf": "policy",
  "vault.method": "policy",
  "vault.secret": "authenticate",
  "vault.damaged": "authenticate",
  "vault.rollback": "freshness"
} as const satisfies Readonly<Record<string, Stage>>

/** A cause of the closed list. */
export type VaultCause = keyof typeof causes

/** A refusal. */
export class VaultFailure extends Data.TaggedClass("VaultFailure")<{ readonly cause: VaultCause }> {}

/** The failed result of a cause. */
export const fail = (cause: VaultCause): Result.Result<never, VaultFailure> => Result.fail(new VaultFailure({ cause }))

/** The failure of a stored array that does not decode. */
export const unreadable = ({ reason }: { readonly reason: "corrupt" | "version" }): VaultFailure =>
  new VaultFailure({ cause: reason === "version" ? "state.version" : "state.corrupt" })
