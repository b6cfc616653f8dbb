/**
 * `tacit vault status`: whether an account is sealed, and under what. Needs no secret.
 *
 * Spec: docs/spec/12-vault.md §12.3.
 */
import { VaultFile } from "@tacit/bots"
import { registeredProfile } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import * as Ticket from "../../vault/Ticket.ts"

export const status: Command = {
  name: "vault status",
  summary: "say whether this account is sealed, and under what",
  about: ["Needs neither passphrase nor key."],
  positionals: [],
  options: [],
  examples: [{ line: "tacit vault status --json", text: "the same as an object" }],
  run: async (context) => {
    const { env, terminal } = context
    const profile = registeredProfile(context)
    const found = await VaultFile.inspect({ path: profile.store })
    const until = "method" in found ? Ticket.until(profile, env) : undefined
    if (terminal.json) {
      terminal.record({
        type: "vault",
        ...found,
        cost: "cost" in found ? (found.cost ?? null) : null,
        unlockedUntil: until ?? null
      })
      return ExitCode.ok
    }
    if (!("method" in found)) {
      terminal.out("Not sealed. `tacit vault create` seals it.")
      return ExitCode.ok
    }
    const unfinished =
      found.state === "sealed" ? "Sealed" : `Being ${found.state === "sealing" ? "sealed" : "unsealed"}, not finished,`
    const cost =
      found.cost === undefined
        ? ""
        : ` (Argon2id: ${found.cost.memoryKiB >> 10} MiB, ${found.cost.passes} passes, ${found.cost.lanes} lanes)`
    terminal.out(`${unfinished} under a ${found.method}${cost}.`)
    terminal.out(
      until === undefined
        ? "Locked: commands ask for the secret."
        : `Unlocked until ${new Date(until).toLocaleString()}.`
    )
    return ExitCode.ok
  }
}
