/**
 * `tacit vault unlock` and `tacit vault lock`: for a while, commands need not be told the secret.
 *
 * Spec: docs/spec/12-vault.md §12.2, §12.8 (vault.lock.1).
 */
import { VaultFile } from "@tacit/bots"
import { registeredProfile } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { UsageError } from "../../UsageError.ts"
import * as Secret from "../../vault/Secret.ts"
import * as Ticket from "../../vault/Ticket.ts"

export const unlock: Command = {
  name: "vault unlock",
  summary: "let commands use a sealed account without asking, for a while",
  about: [
    "Asks for the passphrase or key, tries it, and leaves what it stretches to in the runtime directory of the system (XDG_RUNTIME_DIR), readable by you alone. `tacit vault lock` removes it; logging out does too.",
    "Meanwhile every program that runs as you can open the account."
  ],
  positionals: [],
  options: [...Secret.vaultOptions, { name: "minutes", value: "n", default: "60", text: "how long, at most a day" }],
  examples: [
    { line: "tacit vault unlock", text: "asks once, for an hour" },
    { line: "tacit vault unlock --minutes 480 --vault-file alice.key", text: "for a working day, without questions" }
  ],
  run: async (context) => {
    const { env, inputs, terminal } = context
    const profile = registeredProfile(context)
    const minutes = inputs.whole("minutes", 1, 1_440) ?? 60
    if (!Ticket.isPossible(profile, env)) {
      throw new UsageError(
        "this system has no runtime directory (XDG_RUNTIME_DIR)",
        "Give --vault-file, --vault-command, TACIT_VAULT_PASSPHRASE or TACIT_VAULT_KEY with each command instead."
      )
    }
    const secret = { unlock: Secret.opening(context, profile, { fresh: true }) }
    const stretched = await VaultFile.ticket({ path: profile.store, secret })
    const until = Date.now() + minutes * 60_000
    Ticket.write(profile, env, stretched, until)
    stretched.fill(0)
    if (terminal.json) terminal.record({ type: "vault", state: "unlocked", until })
    else terminal.out(`Unlocked until ${new Date(until).toLocaleString()}. \`tacit vault lock\` ends it.`)
    return ExitCode.ok
  }
}

export const lock: Command = {
  name: "vault lock",
  summary: "end what `tacit vault unlock` began",
  about: [
    "From then on commands ask for the passphrase or key again. Commands that run now (a chat, a bot) hold the account open until they end."
  ],
  positionals: [],
  options: [],
  examples: [{ line: "tacit vault lock", text: "before you leave" }],
  run: (context) => {
    const { env, terminal } = context
    const removed = Ticket.remove(registeredProfile(context), env)
    if (terminal.json) terminal.record({ type: "vault", state: "locked", was: removed ? "unlocked" : "locked" })
    else terminal.out(removed ? "Locked." : "It was not unlocked.")
    return Promise.resolve(ExitCode.ok)
  }
}
