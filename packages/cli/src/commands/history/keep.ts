/**
 * `tacit history on` and `tacit history off`: whether this profile keeps what is said.
 *
 * Spec: docs/spec/23-history.md §23.3.
 */
import { accountOptions, openAccount, registeredProfile, relayAddress } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { stamp } from "../../Display.ts"
import { ExitCode } from "../../ExitCode.ts"
import * as Profile from "../../Profile.ts"

/** As long as anybody's history can be, days. */
const mostDays = 36_500

export const on: Command = {
  name: "history on",
  summary: "keep what is said from now on",
  about: [
    "From then on every command of this profile keeps the messages it sends and receives, the same on every device of the account that does so. Without a vault they stand in the clear in the store: see `tacit vault create`.",
    "On the account's first device the history begins at once; on one that was added later it begins now, and `tacit history ask` gets what was said before."
  ],
  positionals: [],
  options: [
    ...accountOptions,
    { name: "keep", value: "days", text: "remove messages that are older, on this device (default: keep all)" }
  ],
  examples: [
    { line: "tacit history on", text: "keep everything" },
    { line: "tacit history on --keep 90", text: "keep ninety days" }
  ],
  run: async (context) => {
    const { inputs, terminal } = context
    const days = inputs.whole("keep", 1, mostDays)
    const profile = registeredProfile(context)
    const relay = profile.relay ?? relayAddress(context, profile)
    const history: Profile.Keeping = days === undefined ? {} : { days }
    Profile.remember(profile, { relay, user: profile.user, history })
    // The first opening says where the history begins.
    await using client = await openAccount(context)
    const beginning = await client.history.beginning()
    if (terminal.json) terminal.record({ type: "history", kept: true, beginning, days: days ?? null })
    else {
      const from =
        beginning === 0 ? "" : ` It begins ${stamp(beginning)}; \`tacit history ask\` gets what was said before.`
      terminal.out(`The history is kept${days === undefined ? "" : ` for ${days} days`}.${from}`)
    }
    return ExitCode.ok
  }
}

export const off: Command = {
  name: "history off",
  summary: "keep nothing of what is said from now on",
  about: [
    "Nothing more is kept, nothing is compared, and archives under way stand still. What was kept stays in the store: `tacit history on` finds it again, and other devices give what is missing since."
  ],
  positionals: [],
  options: [],
  examples: [{ line: "tacit history off", text: "stop keeping" }],
  run: async (context) => {
    const { terminal } = context
    const profile = registeredProfile(context)
    Profile.remember(profile, { relay: profile.relay ?? "", user: profile.user, history: "off" })
    if (terminal.json) terminal.record({ type: "history", kept: false })
    else terminal.out("Nothing more is kept. What was kept stays in the store.")
    return Promise.resolve(ExitCode.ok)
  }
}
