/**
 * `tacit device reset`: begins the encryption between one's own devices afresh.
 *
 * Spec: docs/spec/22-own-devices.md §22.1 (own.reset.1).
 */
import { accountOptions, openAccount } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { Unreachable, within } from "../../Within.ts"

/** How long the relay may take to get the notices, seconds. */
const patience = 10

export const reset: Command = {
  name: "device reset",
  summary: "begin the encryption with your other devices afresh",
  about: [
    "Puts the sessions with every other device of your account aside; what goes to them next begins new ones. For when copies of messages do not come through any more. Nothing is lost by it. For a contact, `/reset` in `tacit chat` does the same."
  ],
  positionals: [],
  options: [...accountOptions],
  examples: [{ line: "tacit device reset", text: "all other devices at once" }],
  run: async (context) => {
    const { signal, terminal } = context
    await using client = await openAccount(context)
    const count = await client.resetDevices({ signal })
    try {
      await within(patience, signal, client.flush({ signal }))
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      terminal.err("Stored here. The other devices hear of it when this profile is used again.")
    }
    if (terminal.json) terminal.record({ type: "reset", devices: count })
    else terminal.out(count === 1 ? "One device was begun with afresh." : `${count} devices were begun with afresh.`)
    return ExitCode.ok
  }
}
