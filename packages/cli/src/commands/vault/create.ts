/**
 * `tacit vault create`: seals the account of a profile in place.
 *
 * Spec: docs/spec/12-vault.md §12.8 (vault.seal.1).
 */
import { VaultFile } from "@tacit/bots"
import { registeredProfile } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import * as Secret from "../../vault/Secret.ts"
import { UsageError } from "../../UsageError.ts"

export const create: Command = {
  name: "vault create",
  summary: "seal this account: everything it stores, under a passphrase or a key",
  about: [
    "Seals every record in place and rewrites the file. Killed anywhere, nothing is lost: run it again to go on. From then on every command asks for the passphrase, or is told where it is; see `tacit vault unlock`.",
    "There is no way back without the passphrase or key. Copies of the file made before are not sealed, and a drive may keep old blocks."
  ],
  positionals: [],
  options: [...Secret.vaultOptions, Secret.newVaultOptions.find(({ name }) => name === "key")!],
  examples: [
    { line: "tacit vault create", text: "asks for a passphrase, twice" },
    {
      line: "tacit vault create --key --vault-file alice.key",
      text: "under a key out of a file: 64 hexadecimal digits"
    },
    {
      line: "tacit vault create --vault-chain alice",
      text: "under a key that is drawn now and that the system's key chain keeps"
    }
  ],
  run: async (context) => {
    const { signal, terminal } = context
    const profile = registeredProfile(context)
    const { state } = await VaultFile.inspect({ path: profile.store })
    if (state === "sealed")
      throw new UsageError("this account is sealed already", "`tacit vault passwd` changes its secret.")
    // A sealing that was begun is finished with the secret it was begun with.
    const unlock = state === "sealing" ? Secret.opening(context, profile) : Secret.renewing(context, "")
    const sealed = await VaultFile.seal({ path: profile.store, vault: { unlock }, signal })
    if (terminal.json)
      terminal.record({ type: "vault", state: "sealed", method: sealed.method, records: sealed.records })
    else terminal.out(`Sealed: ${sealed.records} records, under a ${sealed.method}.`)
    return ExitCode.ok
  }
}
