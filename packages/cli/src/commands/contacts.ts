/**
 * `tacit contacts`: whom this account knows, and under which identity.
 *
 * Spec: docs/spec/04-accounts.md §4.3 (manifest.pin.1).
 */
import { accountOptions, openAccount } from "../Account.ts"
import type { Command } from "../Command.ts"
import { contactLine } from "../Display.ts"
import { ExitCode } from "../ExitCode.ts"

export const contacts: Command = {
  name: "contacts",
  summary: "list known people and their account ids",
  about: [
    "Your own account id is the first line. Whether somebody is between you and a contact tells `tacit verify <contact>`."
  ],
  positionals: [],
  options: [...accountOptions],
  examples: [{ line: "tacit contacts", text: "one line per contact: name, account id, state of the identity" }],
  run: async (context) => {
    await using client = await openAccount(context)
    const { terminal } = context
    const list = await client.contacts({ signal: context.signal })
    if (terminal.json) {
      terminal.record({ type: "self", ...client.self, user: client.self.user ?? null })
      for (const contact of list) terminal.record({ type: "contact", ...contact, user: contact.user ?? null })
    } else {
      terminal.out(`${client.self.user ?? "(you)"}  ${client.self.account}  you`)
      for (const contact of list) terminal.out(contactLine(contact))
    }
    return ExitCode.ok
  }
}
