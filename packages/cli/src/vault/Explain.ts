/**
 * What a person reads when a vault does not open.
 *
 * Spec: docs/spec/12-vault.md §12.7.
 */
import { UnlockError, VaultUnusable } from "@tacit/core"
import { ExitCode } from "../ExitCode.ts"
import type { Explanation } from "../Explain.ts"

const howToGive =
  "Type it in a terminal, or give --vault-file, --vault-command, --vault-chain, TACIT_VAULT_PASSPHRASE or TACIT_VAULT_KEY; `tacit vault unlock` keeps it for a while."

const locked = (code: string, message: string, next: string): Explanation => ({
  exit: ExitCode.locked,
  code,
  message,
  next
})

/** The cause of a store's error, when it comes from a vault or from the source of its secret. */
export const explainVault = (cause: unknown): Explanation | undefined => {
  if (cause instanceof UnlockError) {
    const code = `UnlockError:${cause.reason}`
    switch (cause.reason) {
      case "none":
        return locked(code, `this account is sealed, and ${cause.source} gives no passphrase or key`, howToGive)
      case "failed":
        return locked(code, `${cause.source} could not be asked for the vault's passphrase or key`, howToGive)
      case "invalid":
        return locked(
          code,
          `what ${cause.source} gave is no passphrase or key`,
          "A passphrase is 1 to 1,024 bytes of text, a key 64 hexadecimal digits."
        )
      case "cancelled":
        return {
          exit: ExitCode.interrupted,
          code: "Interrupted",
          message: "interrupted",
          next: "Run it again to go on."
        }
    }
  }
  if (!(cause instanceof VaultUnusable)) return undefined
  const { message, reason } = cause
  const code = `VaultUnusable:${reason}`
  switch (reason) {
    case "secret":
      return locked(
        code,
        "that passphrase or key does not open the vault",
        "Nothing was changed. If the passphrase was changed after `tacit vault unlock`, run `tacit vault lock` first."
      )
    case "method":
    case "locked":
      return locked(code, message, howToGive)
    case "sealed":
      return locked(code, "this account is sealed", howToGive)
    case "unsealed":
      return {
        exit: ExitCode.store,
        code,
        message: "this account is not sealed",
        next: "`tacit vault create` seals it."
      }
    case "unsealing":
      return { exit: ExitCode.store, code, message, next: "Run `tacit vault remove` again." }
    case "sealing":
      return { exit: ExitCode.store, code, message, next: "Run `tacit vault create` again." }
    default:
      return {
        exit: ExitCode.store,
        code,
        message,
        next: "Nothing was changed. `tacit vault drill <copy>` tries a copy."
      }
  }
}
