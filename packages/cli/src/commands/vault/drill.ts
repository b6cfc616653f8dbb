/**
 * `tacit vault drill`: would this backup bring the account back, and what would be missing?
 *
 * Spec: docs/spec/12-vault.md §12.6; docs/spec/07-sequencing.md §7.2.
 */
import { VaultFile } from "@tacit/bots"
import { registeredProfile } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { UsageError } from "../../UsageError.ts"
import * as Secret from "../../vault/Secret.ts"
import { existsSync } from "node:fs"

export const drill: Command = {
  name: "vault drill",
  summary: "restore a backup into a scratch place and say what would be lost",
  about: [
    "Copies the backup to a scratch directory, opens it there, reads every record, compares it with the account as it is now, and removes the scratch copy. Nothing is written to the backup or to the account, and nobody is contacted. Without a backup it makes a copy of the account and tries that. Works for accounts that are not sealed too.",
    "A backup that was really used would be noticed by relay and peers and healed: what the account holds now and the backup lacks is lost on this side, messages that peers still hold are sent again."
  ],
  positionals: [{ name: "backup", text: "the store file of a backup (client.db)", optional: true }],
  options: [...Secret.vaultOptions],
  examples: [
    { line: "tacit vault drill", text: "does the account as it is open from a copy?" },
    { line: "tacit vault drill /backup/alice/client.db", text: "does last night's backup, and what is newer than it?" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const profile = registeredProfile(context)
    const backup = inputs.positional("backup")
    if (backup !== "" && !existsSync(backup))
      throw new UsageError(`there is no file ${backup}`, "Give the backup's client.db.")
    const secret = { unlock: Secret.opening(context, profile) }
    const copy = backup === "" ? undefined : backup
    const found = await VaultFile.drill({ copy, path: profile.store, secret, signal })
    const whole = found.absent.length === 0
    if (terminal.json) terminal.record({ type: "drill", whole, ...found })
    else {
      terminal.out(`${found.state === "sealed" ? "Sealed" : "Not sealed"}; all ${found.records} records open.`)
      for (const kind of found.kinds) terminal.out(`  ${line(kind)}`)
      if (!whole) terminal.out(`Missing: ${found.absent.join(", ")}. This is no account.`)
      else if (found.kinds.some(({ changed, missing }) => (missing ?? 0) + (changed ?? 0) > 0)) {
        terminal.out("It would bring the account back as it was then; peers and relay would notice, and it would heal.")
      } else terminal.out("It would bring the account back.")
    }
    return whole ? ExitCode.ok : ExitCode.store
  }
}

const line = ({ changed, extra, inCopy, kind, missing }: VaultFile.KindCount): string => {
  const notes = [
    ...((missing ?? 0) > 0 ? [`${missing} newer not in it`] : []),
    ...((changed ?? 0) > 0 ? [`${changed} older than now`] : []),
    ...((extra ?? 0) > 0 ? [`${extra} removed since`] : [])
  ]
  return `${kind.padEnd(10)} ${String(inCopy).padStart(6)}${notes.length === 0 ? "" : `   ${notes.join(", ")}`}`
}
