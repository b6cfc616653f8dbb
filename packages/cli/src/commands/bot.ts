/**
 * `tacit bot echo`: the reference bot, ready to run.
 */
import { echoBot } from "@tacit/bots"
import { accountOptions, filesAddress, historyOf, relayAddress } from "../Account.ts"
import type { Command, Context } from "../Command.ts"
import { safe } from "../Terminal.ts"
import { ExitCode } from "../ExitCode.ts"
import * as Password from "../Password.ts"
import * as Profile from "../Profile.ts"
import { UsageError } from "../UsageError.ts"
import { vaultOf } from "../vault/Secret.ts"

export const bot: Command = {
  name: "bot echo",
  summary: "run a bot that answers every text with the same text",
  about: [
    "The first run registers the bot with a one-time password; later runs need none. Every text is answered exactly once, also when the process is killed between receiving and answering.",
    "Ends at SIGINT or SIGTERM with code 0."
  ],
  positionals: [],
  options: [
    ...accountOptions,
    { name: "user", value: "name", env: "TACIT_USER", text: "the bot's name, for the first run" },
    ...Password.options
  ],
  examples: [
    {
      line: "tacit bot echo --profile echo --relay ws://localhost:8443 --user echo --password-file echo.txt",
      text: "first run"
    },
    { line: "tacit bot echo --profile echo", text: "every later run" }
  ],
  run: async (context) => {
    const { terminal } = context
    const { account, profile } = await settings(context)
    const { relay, user } = account
    const echo = echoBot({ ...account, signal: context.signal })
    echo.on("warning", (warning) => {
      if (terminal.json) terminal.record({ ...warning, type: "warning" })
      else terminal.err(`! ${safe(warning.line)}`)
    })
    await echo.start()
    Profile.remember(profile, { relay, user, ...(account.files === undefined ? {} : { files: account.files }) })
    if (terminal.json) terminal.record({ type: "ready", user })
    else terminal.err(`The echo bot answers as ${user}. Stop with Ctrl-C.`)
    await echo.stopped
    return ExitCode.ok
  }
}

const settings = async (context: Context) => {
  const profile = Profile.locate(context.inputs, context.env)
  const relay = relayAddress(context, profile)
  const files = filesAddress(context, profile)
  const at = { relay, ...(files === undefined ? {} : { files }) }
  const user = profile.user ?? context.inputs.text("user")
  if (user === undefined) throw new UsageError("--user is missing", "Give --user, or set TACIT_USER.")
  if (Profile.isRegistered(profile)) {
    return {
      profile,
      account: { ...at, user, path: profile.store, vault: await vaultOf(context, profile), history: historyOf(profile) }
    }
  }
  const password = await Password.obtain(context)
  Profile.create(profile)
  return { profile, account: { ...at, user, password, path: profile.store } }
}
