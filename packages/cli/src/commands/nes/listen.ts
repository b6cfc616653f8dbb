/**
 * `tacit nes listen`: shows what arrives.
 *
 * Spec: docs/spec/15-nes.md §15.4.
 */
import { openNes } from "@tacit/transport-mqtt/nes"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { keysOfOthers, messageKey, signKey } from "./Keyring.ts"
import { eventLines, eventRecord, warn } from "./Notice.ts"
import { blindOption, options, resolve } from "./Settings.ts"

export const nesListen: Command = {
  name: "nes listen",
  summary: "print messages of the nes profile as they arrive",
  about: [
    "Prints each message whose signature verifies, with warnings where it was written to somebody else, shown before, or of another time. Frames that are dropped go to standard error with their cause; none of them ends the program. What was sent while nobody listened is lost.",
    "Ends at SIGINT or SIGTERM, after --count messages, or after --timeout seconds."
  ],
  positionals: [],
  options: [
    ...options,
    blindOption,
    { name: "count", value: "n", text: "end after so many messages" },
    { name: "timeout", value: "seconds", text: "end after so many seconds" }
  ],
  examples: [
    { line: "tacit nes listen", text: "under your name on this machine" },
    { line: "tacit nes listen -u alice --json", text: "one object a line, for another program" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const settings = resolve(context)
    const count = inputs.whole("count", 1, 1_000_000_000)
    const seconds = inputs.whole("timeout", 1, 1_000_000)
    const stop = seconds === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)])
    const keys = { messageKey: messageKey(settings), signKey: signKey(settings), keys: keysOfOthers(settings) }
    warn(terminal)
    await using client = await openNes({
      broker: settings.broker,
      user: settings.user,
      blind: inputs.flag("blind"),
      ...keys
    })
    if (terminal.json) terminal.record({ type: "ready", user: settings.user })
    else terminal.err(terminal.paint("dim", `Listening as ${settings.user}. Stop with Ctrl-C.`))
    let shown = 0
    for await (const event of client.events(stop)) {
      if (terminal.json) terminal.record(eventRecord(event))
      else
        for (const line of eventLines(terminal, event)) (event.type === "message" ? terminal.out : terminal.err)(line)
      if (event.type === "message" && ++shown === count) break
    }
    return ExitCode.ok
  }
}
