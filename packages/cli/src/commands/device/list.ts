/**
 * `tacit device list`: the devices of one's own account.
 *
 * Spec: docs/spec/04-accounts.md §4.4.
 */
import type { OwnDevice, OwnDevices } from "@tacit/core"
import { accountOptions, openAccount } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import type { Terminal } from "../../Terminal.ts"

/** How long the relay may take to say what is newest, ms. */
const patienceMs = 5_000

/** The devices of an account as a JSON object. */
export const devicesRecord = (list: OwnDevices): object => ({
  type: "devices",
  ...list,
  pending: list.pending ?? null,
  removed: list.removed ?? null
})

const deviceLine = ({ addedIn, current, id, role }: OwnDevice): string =>
  `${id}  ${role.padEnd(7)}  since version ${addedIn}${current ? "  this device" : ""}`

/** Prints them, a line each. */
export const show = (terminal: Terminal, list: OwnDevices): void => {
  for (const device of list.devices) terminal.out(deviceLine(device))
  for (const { id, revokedIn } of list.revoked) terminal.out(`${id}  removed in version ${revokedIn}`)
  if (list.pending !== undefined) {
    terminal.err(`Version ${list.pending} of this list is signed and waits for the relay.`)
  }
  if (list.removed !== undefined) {
    terminal.err(
      `This device was removed in version ${list.removed.version}. It sends nothing; what it stored can be read.`
    )
  }
}

export const list: Command = {
  name: "device list",
  summary: "list the devices of your account",
  about: [
    "Asks the relay for the newest signed list, checks it, and prints a line for each device: its id, what it may do, and the version of the list that added it. An `admin` may add and remove devices; a `replica` stores messages and cannot read them. Devices that were removed come last.",
    "A device here that you do not know means that somebody has your account's key: see docs/guides/devices.md."
  ],
  positionals: [],
  options: [...accountOptions],
  examples: [
    { line: "tacit device list", text: "one line per device" },
    { line: "tacit device list --json", text: "one object, with `asked`: whether the relay could be asked" }
  ],
  run: async (context) => {
    await using client = await openAccount(context)
    const { signal, terminal } = context
    const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    const known = await client.devices({ signal })
    const asked = known.removed === undefined
    const list = !asked
      ? known
      : await client.refreshDevices({ signal: patience }).catch((error: unknown) => {
          signal.throwIfAborted()
          return isAway(error) || patience.aborted ? undefined : Promise.reject(error)
        })
    if (terminal.json) terminal.record({ ...devicesRecord(list ?? known), asked: asked && list !== undefined })
    else {
      show(terminal, list ?? known)
      if (asked && list === undefined) terminal.err("The relay could not be asked: this is what was known before.")
    }
    return ExitCode.ok
  }
}

const isAway = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "TransportError"
