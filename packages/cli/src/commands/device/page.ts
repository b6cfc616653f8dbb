/**
 * `tacit device page`: the devices of one's own account as a page in a browser, served by this program on this machine.
 *
 * Spec: docs/spec/04-accounts.md §4.4; docs/spec/19-linking.md.
 * Served here and never by the relay: whoever serves it can use the account's keys.
 */
import { accountOptions, openAccount, registeredProfile, relayAddress } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { warningLine, warningRecord } from "../../Display.ts"
import { ExitCode } from "../../ExitCode.ts"
import { UsageError } from "../../UsageError.ts"
import { withoutCredentials } from "./linkInvite.ts"
import { load } from "./page/Assets.ts"
import * as Desk from "./page/Desk.ts"
import { serve } from "./page/Server.ts"

export const page: Command = {
  name: "device page",
  summary: "show, add and remove your devices in a browser on this machine",
  about: [
    "Opens your account and serves a page with its devices on 127.0.0.1: which there are, since when, how the list came to be, with a warning where somebody signed another one. An admin device can link a further device there, with a QR code and a PIN, and remove one.",
    "Prints a link that logs one browser in, once. Its secret stands behind the `#` and leaves the machine in no request; keep it to yourself while the page is served. The page holds nothing of your account and loads nothing from elsewhere. It ends with Ctrl-C, with its own button, and when nobody does anything for --minutes."
  ],
  positionals: [],
  options: [
    ...accountOptions,
    { name: "port", value: "port", default: "0", text: "port to serve it on; 0 takes a free one" },
    { name: "minutes", value: "n", default: "10", text: "how long it stays when nobody does anything, 1 to 60" }
  ],
  examples: [
    { line: "tacit device page", text: "prints a link for your browser" },
    { line: "ssh -L 7000:127.0.0.1:7000 home tacit device page --port 7000", text: "of an account on another machine" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const idleMs = (inputs.whole("minutes", 1, 60) ?? 10) * 60_000
    const port = inputs.whole("port", 0, 65_535) ?? 0
    const relay = withoutCredentials(relayAddress(context, registeredProfile(context)))
    const assets = await load()
    await using client = await openAccount(context)
    const stopping = new AbortController()
    const desk = Desk.make({
      client,
      relay,
      idleMs,
      signal: stopping.signal,
      onWarning: (warning) => {
        if (terminal.json) terminal.record(warningRecord(warning))
        else terminal.err(warningLine(terminal, warning))
      }
    })
    const served = await serve({ desk, assets, port, idleMs }).catch((error: unknown) => {
      stopping.abort(new DOMException("done", "AbortError"))
      const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE"
      throw isTaken ? new UsageError(`port ${port} is taken`, "Give another --port, or none.") : error
    })
    const interrupted = new Promise<"interrupted">((resolve) => {
      if (signal.aborted) resolve("interrupted")
      else signal.addEventListener("abort", () => resolve("interrupted"), { once: true })
    })
    try {
      if (terminal.json) terminal.record({ type: "page", url: served.url, port: served.port })
      else {
        terminal.out(`Your devices, once, in one browser: ${terminal.paint("bold", served.url)}`)
        terminal.out(terminal.paint("dim", "Ends with Ctrl-C, or by itself when nobody does anything."))
      }
      const how = await Promise.race([served.ended, interrupted])
      if (how === "idle" && !terminal.json) terminal.err("Nobody did anything for a while: the page is closed.")
      return ExitCode.ok
    } finally {
      await served.close()
      stopping.abort(new DOMException("done", "AbortError"))
    }
  }
}
