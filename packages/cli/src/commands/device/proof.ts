/**
 * `tacit device proof`: checks a fork proof without asking anybody, and lists those that this profile keeps.
 *
 * Spec: docs/spec/04-accounts.md §4.5.
 */
import type { Proof } from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { Bytes, ForkProof, Limits } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { accountOptions, openAccount } from "../../Account.ts"
import type { Command, Context } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { safe, type Terminal } from "../../Terminal.ts"
import { UsageError } from "../../UsageError.ts"

/** What is read of a file: the longest proof in base 64 with room to see that it is longer. */
const mostRead = 2 * Limits.maxForkProofBytes

/** What each contradiction means, after "Both are signed with its key, and". */
const meanings: Readonly<Record<Proof["contradiction"], string>> = {
  version: "they are two different lists with one version number.",
  previous: "the second does not follow the first, though its number does.",
  revocation: "they do not agree on which devices were removed, and when.",
  lost: "the second leaves a device out without removing it.",
  changed: "they give one device two keys or two histories.",
  backdated: "the second says that a device was there before, and the first has no such device."
}

/** Why a file proves nothing. */
const outcomes: Readonly<Record<string, string>> = {
  "decode.size": "the file is longer than any proof",
  "decode.noncanonical": "the two lists stand in the wrong order, or the file is not in its one form",
  "auth.account": "a list is not signed by the account that it names",
  "proof.accounts": "the two lists are of two accounts",
  "proof.same": "it is the same list twice",
  "proof.consistent": "the two lists can follow each other: they contradict nothing"
}

export const proof: Command = {
  name: "device proof",
  summary: "check a proof that an account's key signed two contradicting lists of devices",
  about: [
    "With a file, checks it and says what it proves. Nothing else is needed: no account, no relay, no network. Ends with 0 when it is a proof and with 12 when it is none.",
    "Without one, lists the proofs that this profile keeps; with --out it writes each of them into a directory, to hand them on."
  ],
  positionals: [{ name: "file", text: "a proof, as bytes or in base 64", optional: true }],
  options: [
    ...accountOptions,
    { name: "out", value: "directory", text: "write the proofs that are kept, one file each" }
  ],
  examples: [
    { line: "tacit device proof bob.proof", text: "is it a proof, and of what?" },
    { line: "tacit device proof --out proofs", text: "those this profile found, as files" },
    { line: "tacit device proof bob.proof --json", text: "`valid`, and why or why not" }
  ],
  run: (context) => {
    const file = context.inputs.positional("file")
    if (file !== "" && context.inputs.text("out") !== undefined) {
      throw new UsageError("--out writes proofs that are kept, and takes no file", "Give one of the two.")
    }
    return file === "" ? kept(context) : check(context.terminal, file)
  }
}

const check = async (terminal: Terminal, file: string): Promise<ExitCode> => {
  const checked = ForkProof.verify(await loadNodeProvider(), read(file))
  if (Result.isFailure(checked)) {
    const outcome = checked.failure.cause
    if (terminal.json) terminal.record({ type: "proof", valid: false, outcome })
    else {
      terminal.out(
        `This proves nothing: ${outcomes[outcome] ?? "the file is damaged, or no proof at all"} (${outcome}).`
      )
    }
    return ExitCode.noProof
  }
  const { account, contradiction, first, second } = checked.success
  const hex = Bytes.toHex(account)
  const versions = [first.version, second.version]
  if (terminal.json) {
    const hashes = [Bytes.toHex(first.hash), Bytes.toHex(second.hash)]
    terminal.record({ type: "proof", valid: true, account: hex, versions, contradiction, hashes })
  } else {
    terminal.out(`A proof against account ${hex}.`)
    terminal.out(`It shows two of its lists of devices, versions ${versions.join(" and ")}.`)
    terminal.out(`Both are signed with its key, and ${meanings[contradiction]}`)
    terminal.out("So more than one party uses that key, or its owner cheats. Which list is right it does not say.")
  }
  return ExitCode.ok
}

/** A file's bytes, or what base 64 in it stands for; no more than the longest proof needs. */
const read = (file: string): Uint8Array => {
  const buffer = Buffer.alloc(mostRead)
  let length = 0
  try {
    const handle = openSync(file, "r")
    try {
      for (let got = 1; got > 0 && length < mostRead; length += got)
        got = readSync(handle, buffer, length, mostRead - length, null)
    } finally {
      closeSync(handle)
    }
  } catch {
    throw new UsageError(`${safe(file)} cannot be read`, "Give the path of a proof.")
  }
  const bytes = buffer.subarray(0, length)
  const text = bytes.toString("latin1").trim()
  // A proof begins with 0x93, which no text does.
  return new Uint8Array(/^[A-Za-z0-9+/_=\-\s]+$/.test(text) ? Buffer.from(text, "base64") : bytes)
}

const kept = async (context: Context): Promise<ExitCode> => {
  const { inputs, signal, terminal } = context
  await using client = await openAccount(context)
  const proofs = await client.proofs({ signal })
  const folder = inputs.text("out")
  if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const [i, one] of proofs.entries()) {
    const { account, at, bytes, contradiction, user, versions } = one
    const file =
      folder === undefined ? undefined : join(folder, `${account.slice(0, 8)}-${versions.join("-")}-${i + 1}.proof`)
    if (file !== undefined) writeFileSync(file, bytes, { mode: 0o600 })
    if (terminal.json) {
      const where = file === undefined ? { bytes: Buffer.from(bytes).toString("base64") } : { file }
      terminal.record({ type: "proof", user: user ?? null, account, versions, contradiction, at, ...where })
    } else {
      const found = new Date(at).toISOString().slice(0, 10)
      const name = safe(user ?? `${account.slice(0, 16)}…`)
      terminal.out(
        `${found}  ${name}  versions ${versions.join(" and ")}, ${contradiction}${file === undefined ? "" : `  ${file}`}`
      )
    }
  }
  if (proofs.length === 0 && !terminal.json) terminal.out("No proofs are kept.")
  return ExitCode.ok
}
