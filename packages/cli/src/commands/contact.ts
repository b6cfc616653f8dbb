/**
 * `tacit contact invite` and `tacit contact add`: making contact by a link or a code, without looking anybody up.
 *
 * Spec: docs/spec/24-trust.md §24.7.
 */
import { writeFileSync } from "node:fs"
import { accountOptions, openAccount, registeredProfile, relayAddress, shownAddress } from "../Account.ts"
import type { Command } from "../Command.ts"
import { ExitCode } from "../ExitCode.ts"
import * as QrCode from "../QrCode.ts"
import { safe } from "../Terminal.ts"

const invite: Command = {
  name: "contact invite",
  summary: "make a link or code by which others become contacts of this account",
  about: [
    "Put it on a profile, in a mail, on paper. It says the account id, the relay and, with --named, the user name; it holds no secret, and anybody who has it can write to you until it expires. Whoever takes it cannot be given another account by the relay."
  ],
  positionals: [],
  options: [
    ...accountOptions,
    { name: "named", text: "say the user name too" },
    { name: "days", value: "n", default: "30", text: "how long it serves" },
    { name: "svg", value: "file", text: "write the code as an SVG image" }
  ],
  examples: [
    { line: "tacit contact invite", text: "a link, and on a terminal a code" },
    { line: "tacit contact invite --days 365 --svg me.svg", text: "for a page" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const lifetimeMs = (inputs.whole("days", 1, 366) ?? 30) * 24 * 60 * 60 * 1000
    const relay = withoutPassword(relayAddress(context, registeredProfile(context)))
    await using client = await openAccount(context)
    const made = await client.trust.invite({ relay, lifetimeMs, named: inputs.flag("named"), signal })
    const file = inputs.text("svg")
    if (file !== undefined) writeFileSync(file, QrCode.svg(made.uri))
    if (terminal.json) terminal.record({ type: "contact-invitation", ...made })
    else {
      terminal.out(made.uri)
      if (terminal.stdout.isTTY === true) {
        const coloured = terminal.paint("bold", "") !== ""
        for (const line of QrCode.terminal(made.uri, coloured)) terminal.out(line)
      }
    }
    return ExitCode.ok
  }
}

/** An address as others may see it: without user and password of a broker. */
const withoutPassword = (relay: string): string => {
  const url = new URL(relay)
  url.username = ""
  url.password = ""
  return url.pathname === "/" && !relay.endsWith("/") ? url.href.replace(/\/$/, "") : url.href
}

const add: Command = {
  name: "contact add",
  summary: "make a contact of somebody whose link or code you have",
  about: [
    "Works where names cannot be looked up. The contact is known by its account id, and by a name only if the relay confirms it. It is not verified by this: compare with `tacit verify`."
  ],
  positionals: [{ name: "invitation", text: "the link, `tacit:invite/…` or `https://…#invite/…`" }],
  options: [...accountOptions],
  examples: [{ line: "tacit contact add tacit:invite/…", text: "then: tacit send <account id> hello" }],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const own = shownAddress(relayAddress(context, registeredProfile(context)))
    await using client = await openAccount(context)
    const met = await client.trust.meet(inputs.positional("invitation"), { signal })
    if (terminal.json) {
      terminal.record({ type: "met", ...met, user: met.user ?? null, claimed: met.claimed ?? null })
      return ExitCode.ok
    }
    terminal.out(`${safe(met.user ?? "(no name)")}  ${met.account}`)
    if (met.user === undefined && met.claimed !== undefined) {
      terminal.out(terminal.paint("dim", `The link says ${safe(met.claimed)}; the relay does not confirm that.`))
    }
    if (met.relay !== own) {
      terminal.out(terminal.paint("yellow", `The link names another address of the relay: ${safe(met.relay)}`))
    }
    return ExitCode.ok
  }
}

/** Both commands. */
export const contactCommands: ReadonlyArray<Command> = [invite, add]
