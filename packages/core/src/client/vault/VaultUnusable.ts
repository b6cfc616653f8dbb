/**
 * Why a vault cannot be used, and what its owner can do: the cause inside a `StoreError`.
 *
 * Spec: docs/spec/12-vault.md §12.7.
 * Carries nothing that is kept in the vault.
 */
import * as Schema from "effect/Schema"
import { StoreError } from "../../ports/Store.ts"
import type { UnlockError } from "../../ports/UnlockSource.ts"
import type { VaultCause } from "../../vault/VaultFailure.ts"

/** One sentence for each reason. */
const messages = {
  locked: "The vault is locked: unlock it first.",
  closed: "The vault was closed by this program.",
  secret: "That passphrase or key does not open the vault.",
  method: "The vault is under the other kind of secret: a passphrase, or a key.",
  kdf: "The vault's header asks for a stretching of the passphrase outside the bounds; nothing was computed. The file was altered, or made by other software.",
  damaged:
    "The vault, or a record in it, is not what was written. Keep the file and open a copy made before; peers notice and repair.",
  rollback:
    "Records of the vault were put back, removed or added without it. Keep the file and open a copy made before; peers notice and repair.",
  version: "A later release wrote this vault. Update the software.",
  corrupt: "A record of the vault cannot be read. Keep the file and open a copy made before; peers notice and repair.",
  sealed: "The store is sealed: open it as a vault.",
  unsealed: "The store holds records and is no vault. Seal it first.",
  sealing: "The store is being sealed, and that was not finished. Finish it first.",
  unsealing: "The store is being unsealed, and that was not finished. Finish it first.",
  exists: "The store is a vault already.",
  empty: "The store is empty: there is no vault to open."
} as const

/** Why. */
export type Reason = keyof typeof messages

/** See the sentences in `message`. */
export class VaultUnusable extends Schema.TaggedError<VaultUnusable>()("VaultUnusable", {
  reason: Schema.Literals([
    "locked",
    "closed",
    "secret",
    "method",
    "kdf",
    "damaged",
    "rollback",
    "version",
    "corrupt",
    "sealed",
    "unsealed",
    "sealing",
    "unsealing",
    "exists",
    "empty"
  ]),
  /** One sentence for people: what is the matter and what to do. */
  message: Schema.String
}) {}

/** A store's error for a reason. */
export const unusable = (operation: StoreError["operation"], reason: Reason): StoreError =>
  new StoreError({ operation, cause: new VaultUnusable({ reason, message: messages[reason] }) })

/** Whether an error of a store says that its vault is locked. */
export const isLocked = (error: unknown): boolean =>
  error instanceof StoreError && error.cause instanceof VaultUnusable && error.cause.reason === "locked"

const reasons: { readonly [C in VaultCause]: Reason } = {
  "state.corrupt": "corrupt",
  "state.version": "version",
  "vault.kdf": "kdf",
  "vault.method": "method",
  "vault.secret": "secret",
  "vault.damaged": "damaged",
  "vault.rollback": "rollback"
}

/** A store's error for a failed step. */
export const unusableFor = (
  operation: StoreError["operation"],
  { cause }: { readonly cause: VaultCause }
): StoreError => unusable(operation, reasons[cause])

/** A store's error for a source that gave nothing. */
export const unanswered = (cause: UnlockError): StoreError => new StoreError({ operation: "open", cause })
