/**
 * `tacit device revoke`: removes a device from one's own account.
 *
 * Spec: docs/spec/04-accounts.md §4.4 (manifest.revoke.1, manifest.publish.1).
 */
import type { OwnDevices } from "@tacit/core"
import { accountOptions, openAccount } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { UsageError } from "../../UsageError.ts"
import { within } from "../../Within.ts"
import { devicesRecord } from "./list.ts"

/** Fewest digits of an id that name a device. */
const fewest = 6

/** How long the relay may take, seconds. What was signed by then is published when this profile is used again. */
const patience = 30

/** The device that a word names: its id or the beginning of it, of those listed, or, whole, of those removed. */
const find = ({ devices, revoked }: OwnDevices, word: string): string => {
  const given = word.toLowerCase()
  if (!/^[0-9a-f]+$/.test(given) || given.length < fewest) {
    throw new UsageError(
      `a device is named by at least ${fewest} hexadecimal digits`,
      "`tacit device list` shows the ids."
    )
  }
  const named = devices.filter(({ id }) => id.startsWith(given))
  if (named.length > 1) throw new UsageError("more than one device begins so", "Give more digits of its id.")
  return named[0]?.id ?? revoked.find(({ id }) => id.startsWith(given))?.id ?? given
}

export const revoke: Command = {
  name: "device revoke",
  summary: "remove a device from your account, for good",
  about: [
    "Signs the next list of your devices without this one and publishes it. From the first moment nothing is sent to the device any more; your contacts learn of it with the next message, stop sending to it, and begin fresh sessions with your other devices. Killed or cut off in between, it is finished the next time this profile is used.",
    "What the device has stored it still has. If it was an admin device, whoever holds it may have your account's key: see docs/guides/devices.md for what that means.",
    "Only an admin device can do this, and not to the last one."
  ],
  positionals: [{ name: "device", text: "its id, or the first digits of it (`tacit device list`)" }],
  options: [...accountOptions, { name: "yes", text: "needed to remove the very device this runs on" }],
  examples: [
    { line: "tacit device revoke 3f2a9c1b", text: "the device whose id begins so" },
    { line: "tacit device revoke 3f2a9c1b --json", text: "the list of devices as it is then" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    await using client = await openAccount(context)
    const word = inputs.positional("device")
    const device = find(await client.devices({ signal }), word)
    if (device === client.self.device && !inputs.flag("yes")) {
      throw new UsageError("that is this device itself", "Add --yes if it shall be able to send nothing any more.")
    }
    const list = await within(patience, signal, client.revokeDevice(device, { signal }))
    if (terminal.json) terminal.record(devicesRecord(list))
    else {
      const left = list.devices.length === 1 ? "one device is" : `${list.devices.length} devices are`
      terminal.out(`Removed ${device.slice(0, 16)}… in version ${list.version}; ${left} left.`)
    }
    return ExitCode.ok
  }
}
