/**
 * `tacit verify`: the safety number with a contact, and comparing it.
 *
 * Spec: docs/spec/17-safety.md; docs/spec/24-trust.md §24.5.
 */
import type { Evidence, Safety, Verified } from "@tacit/core"
import { writeFileSync } from "node:fs"
import { accountOptions, openAccount } from "../Account.ts"
import type { Command, Context } from "../Command.ts"
import { ExitCode } from "../ExitCode.ts"
import { peerOf } from "../Peer.ts"
import * as QrCode from "../QrCode.ts"
import { safe, type Terminal } from "../Terminal.ts"
import { UsageError } from "../UsageError.ts"

export const verify: Command = {
  name: "verify",
  summary: "show or compare the safety number with a contact",
  about: [
    "Both of you see the same sixty digits, if and only if both see the same two accounts with the same devices. Read them to each other, or compare the code, over another channel than this one. When they agree, give them with --digits or --code: the contact is verified from then on.",
    "While a changed identity waits to be accepted, the number is that of the new identity; comparing it accepts it."
  ],
  positionals: [{ name: "contact", text: "a name, or an account id" }],
  options: [
    ...accountOptions,
    { name: "digits", value: "digits", text: "what the other one reads: sixty digits, spaces do not matter" },
    { name: "code", value: "text", text: "the other one's code, as `tacit verify --json` gives it (base64url)" },
    { name: "svg", value: "file", text: "write the code to show as an SVG image" },
    { name: "forget", text: "forget that the contact was verified" }
  ],
  examples: [
    { line: "tacit verify bob", text: "digits, QR code, devices" },
    { line: "tacit verify bob --digits '12345 67890 …'", text: "exit code 0 when they agree, 9 when they do not" },
    { line: "tacit verify bob --json", text: "the same for programs" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const evidence = evidenceOf(context)
    const peer = peerOf(inputs.positional("contact"))
    await using client = await openAccount(context)
    if (inputs.flag("forget")) {
      await client.trust.unverify(peer, { signal })
      if (!terminal.json) terminal.out("forgotten: the contact is not verified any more")
      else terminal.record({ type: "verified", contact: inputs.positional("contact"), verified: null })
      return ExitCode.ok
    }
    if (evidence !== undefined) {
      const verified = await client.trust.verify(peer, evidence, { signal })
      if (terminal.json) terminal.record({ type: "verified", contact: inputs.positional("contact"), verified })
      else terminal.out(terminal.paint("green", "They agree: verified."))
      return ExitCode.ok
    }
    const safety = await client.trust.safety(peer, { signal })
    const file = inputs.text("svg")
    if (file !== undefined) writeFileSync(file, QrCode.svg(safety.code), { mode: 0o600 })
    if (terminal.json) terminal.record(record(safety))
    else show(terminal, safety)
    return ExitCode.ok
  }
}

const evidenceOf = ({ inputs }: Context): Evidence | undefined => {
  const [digits, code] = [inputs.text("digits"), inputs.text("code")]
  const given = [digits, code, inputs.flag("forget") ? "" : undefined].filter((one) => one !== undefined)
  if (given.length > 1) {
    throw new UsageError("--digits, --code and --forget exclude each other", "Give one of them.")
  }
  if (digits !== undefined) return { digits }
  if (code === undefined) return undefined
  if (!/^[A-Za-z0-9_-]+$/.test(code)) throw new UsageError("--code is not base64url", "Copy it whole.")
  return { code: new Uint8Array(Buffer.from(code, "base64url")) }
}

const record = ({ code, user, ...rest }: Safety): object => ({
  type: "safety",
  user: user ?? null,
  ...rest,
  code: Buffer.from(code).toString("base64url"),
  verified: rest.verified ?? null,
  devices: rest.devices.map((device) => ({ ...device, suite: device.suite ?? null }))
})

const show = (terminal: Terminal, safety: Safety): void => {
  const { account, devices, digits, ownDevices, state, user, verified } = safety
  terminal.out(`Safety number with ${terminal.paint("bold", safe(user ?? "(no name)"))}  ${account}`)
  if (state === "identity-changed") {
    terminal.out(terminal.paint("red", "The identity behind this name CHANGED. This is the number with the new one."))
  }
  terminal.out("")
  const groups = digits.split(" ")
  for (let i = 0; i < groups.length; i += 4) terminal.out(`    ${groups.slice(i, i + 4).join("  ")}`)
  terminal.out("")
  if (terminal.stdout.isTTY === true) {
    const coloured = terminal.paint("bold", "") !== ""
    for (const line of QrCode.terminal(safety.code, coloured)) terminal.out(line)
    terminal.out("")
  }
  terminal.out(stateLine(verified))
  for (const { compared, device, role, suite } of devices) {
    const seen = suite === undefined ? "not heard yet" : `suite ${suite}`
    const since = verified === undefined || compared ? "" : ", came after you verified"
    terminal.out(`  device ${device.slice(0, 16)}…  ${role}, ${seen}${since}`)
  }
  terminal.out(terminal.paint("dim", `Your account has ${ownDevices.length} device(s) in this number.`))
}

const stateLine = (verified: Verified | undefined): string => {
  if (verified === undefined)
    return "Not verified. Compare over another channel, then: tacit verify <contact> --digits …"
  const day = new Date(verified.at).toISOString().slice(0, 10)
  const ways = { digits: "by digits", code: "by code", "own-device": "on another device of yours" }
  const since = verified.unchanged ? "" : "; devices changed since"
  return `Verified ${ways[verified.by]} on ${day}${since}.`
}
