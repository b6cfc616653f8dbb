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
    "Copies the backup to a scratch directory, opens it there, holds every record against the ledger, reads a random sample down to its fields (all when there are few), compares it with the account as it is now, and removes the scratch copy. Nothing is written to the backup or to the account, and nobody is contacted. Without a backup it makes a copy of the account and tries that. Works for accounts that are not sealed too.",
    "Says what would be lost, and what putting the backup back would mean: an old state is noticed by the relay or by peers, sending stops until each of them has said what it received, and the account heals by itself."
  ],
  positionals: [{ name: "backup", text: "the store file of a backup (client.db)", optional: true }],
  options: [
    ...Secret.vaultOptions,
    { name: "sample", value: "n", default: "1000", text: "how many records to read down to their fields" }
  ],
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
    const sample = inputs.whole("sample", 1, 1_000_000_000)
    const secret = { unlock: Secret.opening(context, profile) }
    const copy = backup === "" ? undefined : backup
    const found = await VaultFile.drill({ copy, path: profile.store, sample, secret, signal })
    const whole = found.absent.length === 0 && found.damaged.length === 0
    if (terminal.json) terminal.record({ type: "drill", whole, ...found })
    else for (const line of report(found)) terminal.out(line)
    return whole ? ExitCode.ok : ExitCode.store
  }
}

/** What a person reads. */
const report = (found: VaultFile.Found): ReadonlyArray<string> => {
  const { absent, damaged, kinds, lost, opened, records, restore, state } = found
  const read = opened === records ? "all of them read" : `${opened} of them read`
  return [
    `${state === "sealed" ? "Sealed" : "Not sealed"}; ${records} records are whole, ${read}.`,
    ...kinds.map((kind) => `  ${line(kind)}`),
    ...(found.unknown > 0 ? [`${found.unknown} are of kinds this release does not know.`] : []),
    ...damaged.map(({ kind, reason }) =>
      reason === "version" ? `A ${kind} record was written by a later release.` : `A ${kind} record cannot be read.`
    ),
    ...(absent.length > 0 ? [`Missing: ${absent.join(", ")}. This is no account.`] : []),
    ...(absent.length + damaged.length > 0 ? [] : [...(lost === undefined ? [] : missed(lost)), ...meaning(restore)])
  ]
}

const many = (count: number, one: string, more: string): string => (count === 1 ? `1 ${one}` : `${count} ${more}`)

/** What would be lost, and what would come twice. */
const missed = (lost: VaultFile.Lost): ReadonlyArray<string> => {
  const parts: ReadonlyArray<readonly [number, string]> = [
    [lost.arrived, `${many(lost.arrived, "message that arrived and was", "messages that arrived and were")} not taken`],
    [lost.unsent, `${many(lost.unsent, "message", "messages")} not yet sent`],
    [lost.history, many(lost.history, "entry of the history", "entries of the history")],
    [lost.contacts, many(lost.contacts, "contact", "contacts")],
    [
      lost.lateKeys,
      `${many(lost.lateKeys, "key", "keys")} for late messages, which their senders would be asked to repeat`
    ],
    [lost.conversations, `the encryption with ${many(lost.conversations, "device", "devices")}, which starts afresh`]
  ]
  const gone = parts.filter(([count]) => count > 0).map(([, text]) => text)
  return [
    ...(gone.length > 0 ? [`Would be lost: ${gone.join("; ")}.`] : ["Nothing would be lost."]),
    ...(lost.shownAgain > 0 ? [`${many(lost.shownAgain, "message", "messages")} would be shown a second time.`] : []),
    ...(lost.sentAgain > 0 ? [`${many(lost.sentAgain, "message", "messages")} would be sent a second time.`] : [])
  ]
}

/** What putting it back would mean. */
const meaning = (restore: VaultFile.Restore | undefined): ReadonlyArray<string> => {
  if (restore === undefined) return ["It would bring the account back."]
  const { frozen, generation, noticedBy, sameDevice } = restore
  if (!sameDevice) return ["It is another account, or another device of it: it would not bring this one back."]
  if (generation.copy > generation.current) {
    return [`It is later than the account in use (start number ${generation.copy}, not ${generation.current}).`]
  }
  if (noticedBy === "nobody") return ["It would bring the account back, and nobody would notice."]
  const who =
    noticedBy === "relay"
      ? `the relay would notice at the first login (start number ${generation.copy} then, ${generation.current} now)`
      : "contacts would notice with the first message to or from them"
  return [
    "It would bring the account back as it was then:",
    `  ${who};`,
    `  sending to ${many(frozen, "device", "devices")} would stop until each has said what it received, and then go on by itself;`,
    "  messages since then that contacts or the relay still hold would come, the others would be missing, and you would be told once."
  ]
}

const line = ({ changed, extra, inCopy, kind, missing }: VaultFile.KindCount): string => {
  const notes = [
    ...((missing ?? 0) > 0 ? [`${missing} newer not in it`] : []),
    ...((changed ?? 0) > 0 ? [`${changed} older than now`] : []),
    ...((extra ?? 0) > 0 ? [`${extra} removed since`] : [])
  ]
  return `${kind.padEnd(10)} ${String(inCopy).padStart(6)}${notes.length === 0 ? "" : `   ${notes.join(", ")}`}`
}
