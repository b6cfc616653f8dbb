/**
 * `tacit nes send`: seals one message and publishes it.
 *
 * Spec: docs/spec/15-nes.md §15.3.
 */
import { lower, openNes } from "@tacit/transport-mqtt/nes"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { keysOfOthers, signKey } from "./Keyring.ts"
import { warn } from "./Notice.ts"
import { blindOption, options, resolve } from "./Settings.ts"

export const nesSend: Command = {
  name: "nes send",
  summary: "send one message in the nes profile",
  about: [
    "Looks up the recipient's keys, seals the message and hands it to the broker. It is lost if the recipient is not listening; nobody tells you. Your signature and the name of the recipient can be seen by anybody at the broker."
  ],
  positionals: [],
  options: [
    ...options,
    blindOption,
    { name: "to", short: "t", value: "name", text: "whom to send it to" },
    { name: "message", short: "m", value: "text", text: "what to send" },
    { name: "timeout", value: "seconds", default: "10", text: "how long to wait for the broker" }
  ],
  examples: [
    { line: 'tacit nes send -t bob -m "Hello Bob"', text: "to bob, from your name on this machine" },
    { line: 'tacit nes send -t bob -u alice -b tcp://localhost:1883 -m "Hello"', text: "over a broker of your own" }
  ],
  run: async (context) => {
    const { inputs, terminal } = context
    const settings = resolve(context)
    const to = lower(inputs.required("to"))
    const text = inputs.required("message")
    const seconds = inputs.whole("timeout", 1, 3600) ?? 10
    const keys = { signKey: signKey(settings), keys: keysOfOthers(settings) }
    warn(terminal)
    await using client = await openNes({
      broker: settings.broker,
      user: settings.user,
      blind: inputs.flag("blind"),
      timeoutMs: seconds * 1000,
      ...keys
    })
    const sent = await client.send(to, text)
    if (terminal.json) terminal.record({ type: "sent", ...sent })
    else terminal.out(`The broker has it, for ${to}.`)
    return ExitCode.ok
  }
}
