/**
 * `tacit nes register`: asks the key service for a name.
 *
 * Spec: docs/spec/15-nes.md §15.5 (rule nes.service.3).
 */
import { isSame, parsePublic, register } from "@tacit/transport-mqtt/nes"
import * as Result from "effect/Result"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { UsageError } from "../../UsageError.ts"
import { publicText } from "./Keyring.ts"
import { warn } from "./Notice.ts"
import { options, resolve } from "./Settings.ts"

export const nesRegister: Command = {
  name: "nes register",
  summary: "register a name and two public keys at a key service",
  about: [
    "Sends your name, e-mail address and the two public keys. The service mails a link that makes the name active and one that removes it later; open the first within a day and keep the mail.",
    "Not needed where the other side has your two public keys already."
  ],
  positionals: [],
  options: [
    ...options,
    { name: "email", short: "e", value: "address", text: "where the two links are mailed to" },
    { name: "timeout", value: "seconds", default: "30", text: "how long to wait for the service" }
  ],
  examples: [
    { line: "tacit nes register -e alice@example.org", text: "under your name on this machine" },
    {
      line: "tacit nes register -u alice -e alice@example.org -p http://localhost:8080",
      text: "at a service of your own"
    }
  ],
  run: async (context) => {
    const { inputs, terminal } = context
    const settings = resolve(context)
    const email = inputs.required("email")
    const seconds = inputs.whole("timeout", 1, 3600) ?? 30
    const message = publicText(settings.publicMessage, "--public_message")
    const sign = publicText(settings.publicSign, "--public_sign")
    if (isSame(Result.getOrThrow(parsePublic(message)), Result.getOrThrow(parsePublic(sign)))) {
      throw new UsageError("one key is given for both uses", "Make two with `tacit nes generate`.")
    }
    warn(terminal)
    await register(settings.provider, { username: settings.user, email, message, sign }, { timeoutMs: seconds * 1000 })
    if (terminal.json) terminal.record({ type: "registered", user: settings.user, provider: settings.provider })
    else {
      terminal.out(`${settings.user} is registered at ${settings.provider}.`)
      terminal.out("Open the first link of the mail within a day to make the name active.")
    }
    return ExitCode.ok
  }
}
