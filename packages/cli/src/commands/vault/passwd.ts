/**
 * `tacit vault passwd`: another passphrase or key for a sealed account.
 *
 * Spec: docs/spec/12-vault.md §12.8 (vault.passwd.1).
 */
import { VaultFile } from "@tacit/bots"
import { registeredProfile } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import * as Secret from "../../vault/Secret.ts"
import * as Ticket from "../../vault/Ticket.ts"

export const passwd: Command = {
  name: "vault passwd",
  summary: "change the passphrase or key of a sealed account",
  about: [
    "Asks for the old secret, then for the new one. One record is written, in one step: the old secret or the new one opens the account, never both.",
    "Copies of the file made before still open with the old secret, and with it whoever has both can read what is written later. Where that matters, `tacit vault remove` and `tacit vault create` seal everything anew."
  ],
  positionals: [],
  options: [...Secret.vaultOptions, ...Secret.newVaultOptions],
  examples: [
    { line: "tacit vault passwd", text: "asks for the old and the new passphrase" },
    { line: "tacit vault passwd --key --new-vault-file alice.key", text: "from a passphrase to a key file" }
  ],
  run: async (context) => {
    const { env, signal, terminal } = context
    const profile = registeredProfile(context)
    const vault = { unlock: Secret.opening(context, profile, { fresh: true }) }
    const next = { unlock: Secret.renewing(context, "new-") }
    const { generation, method } = await VaultFile.changeSecret({ path: profile.store, vault, next, signal })
    // What was left belongs to the old secret.
    Ticket.remove(profile, env)
    if (terminal.json) terminal.record({ type: "vault", state: "sealed", method, generation })
    else terminal.out(`Changed: the account is under a new ${method} now.`)
    return ExitCode.ok
  }
}
