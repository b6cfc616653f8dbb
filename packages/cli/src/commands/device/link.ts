/**
 * `tacit device link`: without a word it invites a further device; with an invitation it makes this profile that device.
 *
 * Spec: docs/spec/19-linking.md.
 */
import { accountOptions } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { newVaultOptions } from "../../vault/Secret.ts"
import { invite } from "./linkInvite.ts"
import { join } from "./linkJoin.ts"

export const link: Command = {
  name: "device link",
  summary: "add a further device to your account",
  about: [
    "On a device of the account that has its key, without a word: shows an invitation as a QR code and as a link, waits for the new device, and lets you make sure that it is the one in front of you. On the new device, with the link: makes this profile a device of that account. Nothing of the account leaves the old device before you made sure.",
    "You make sure by a PIN that the old device shows and you type on the new one (three attempts); with `--challenge code` by a code that the new device shows and you scan or paste on the old one. With --fingerprint, on both, they show the same ten digits and ask whether they agree: for fleets, where a program reads both consoles and answers `yes` or `no` on standard input.",
    "With --history the new device gets what was said before, or a part of it; on a terminal you are asked, if this profile keeps a history. Both ends then stay, show how far it is, and end when it is complete; stopped or killed, it goes on whenever both devices are open (`tacit history status --wait`).",
    "An invitation serves one device for ten minutes. Interrupted anywhere, run it again: the new device goes on by itself if it had been added, and one that was added and never came is removed."
  ],
  positionals: [{ name: "invitation", text: "the link that the old device shows", optional: true }],
  options: [
    ...accountOptions,
    {
      name: "role",
      value: "role",
      default: "member",
      text: "what the new device may do: admin (gets the account's key), member, or replica (stores, cannot read)"
    },
    { name: "challenge", value: "names", text: "how you make sure: pin (when nothing is said), code, or code,pin" },
    { name: "fingerprint", text: "allow making sure by comparing digits only; has to be given on both devices" },
    {
      name: "history",
      value: "part",
      text: "what the new device gets of the history: all, none, from when on (2026-11-01, 30d), or last:<n> of each conversation (default: asked on a terminal, else none)"
    },
    {
      name: "stay",
      value: "seconds",
      text: "on both devices: stay at most so long for the history (default: until it is complete)"
    },
    { name: "minutes", value: "n", default: "10", text: "how long the invitation serves" },
    { name: "svg", value: "file", text: "write the QR code that is shown as an SVG image" },
    {
      name: "vault",
      text: "on the new device: seal the account from the start, under a passphrase, or with --key under a key"
    },
    newVaultOptions.find(({ name }) => name === "key")!
  ],
  examples: [
    { line: "tacit device link", text: "on the device you have: a QR code, a link, then a PIN" },
    { line: "tacit device link 'tacit:invite/…' --profile laptop", text: "on the new one: asks for the PIN" },
    { line: "tacit device link --history 30d", text: "the new one gets the last thirty days, too" },
    {
      line: "tacit device link --role admin --challenge code",
      text: "one that may add devices itself; its code is pasted here"
    },
    {
      line: "tacit device link --fingerprint --json < answers",
      text: "for a fleet: one object a line, `yes` when the digits of both agree"
    }
  ],
  run: (context) => (context.inputs.positional("invitation") === "" ? invite(context) : join(context))
}
