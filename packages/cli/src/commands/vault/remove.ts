/**
 * `tacit vault remove`: writes a sealed account in the clear again.
 *
 * Spec: docs/spec/12-vault.md §12.8 (vault.seal.1).
 */
import { VaultFile } from "@tacit/bots"
import { registeredProfile } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { UsageError } from "../../UsageError.ts"
import * as Secret from "../../vault/Secret.ts"
import * as Ticket from "../../vault/Ticket.ts"

export const remove: Command = {
  name: "vault remove",
  summary: "write a sealed account in the clear again",
  about: ["Killed anywhere, nothing is lost: run it again to go on."],
  positionals: [],
  options: [...Secret.vaultOptions, { name: "yes", text: "yes, everything shall be readable by whoever has the file" }],
  examples: [{ line: "tacit vault remove --yes", text: "asks for the passphrase, then unseals" }],
  run: async (context) => {
    const { env, inputs, signal, terminal } = context
    const profile = registeredProfile(context)
    if (!inputs.flag("yes")) {
      throw new UsageError("everything would be readable by whoever has the file", "Add --yes if that is meant.")
    }
    const secret = { unlock: Secret.opening(context, profile, { fresh: true }) }
    await VaultFile.unseal({ path: profile.store, secret, signal })
    Ticket.remove(profile, env)
    if (terminal.json) terminal.record({ type: "vault", state: "unsealed" })
    else terminal.out("Not sealed any more.")
    return ExitCode.ok
  }
}
