/**
 * `tacit-conformance attest`: a result file, and somebody's word for it.
 */
import { readFileSync } from "node:fs"
import * as Attest from "../../audit/Attest.ts"
import * as Folder from "../../audit/Folder.ts"
import { NotResults } from "../../report/Run.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { vectorsOf } from "../Audit.ts"
import type { Inputs } from "../Arguments.ts"
import { UsageError, type Command, type Context } from "../Command.ts"
import { readText, vectorsOption, writeText } from "../Subjects.ts"
import { safe } from "../Summary.ts"

const binaryOf = (inputs: Inputs): { readonly binary?: Uint8Array } => {
  const path = inputs.text("binary")
  if (path === undefined) return {}
  try {
    return { binary: readFileSync(path) }
  } catch {
    throw new UsageError(`${path} cannot be read`)
  }
}

const check = ({ inputs, out }: Context, path: string, results: string): ExitCode => {
  const attestation = Attest.parse(readText(path))
  const key = inputs.text("key")
  const found = Attest.problems(attestation, {
    results,
    ...(key === undefined ? {} : { key: Attest.publicKeyOf(/^[0-9a-f]{64}$/.test(key) ? key : readText(key)) }),
    ...(inputs.flag("here") ? { root: Folder.readManifest(vectorsOf(inputs)).root } : {}),
    ...binaryOf(inputs)
  })
  for (const problem of found) out(`✗ ${problem}`)
  if (found.length > 0) return ExitCode.notConformant
  const { statement } = attestation
  out(`✓ ${safe(statement.subject.name)} ${safe(statement.subject.version)}: ${safe(statement.line)}`)
  out(`  run ${statement.started}, signed ${statement.signed} with ${attestation.key}`)
  out(`  suite ${safe(statement.suite)}, root ${statement.root}`)
  if (key === undefined) out("  Whose key that is this cannot know: give it with --key.")
  return ExitCode.conformant
}

const sign = ({ inputs, out }: Context, results: string): ExitCode => {
  const keyPath = inputs.text("key")
  if (keyPath === undefined)
    throw new UsageError(
      "signing needs --key <file>",
      "A PEM file (`openssl genpkey -algorithm ed25519`), or 32 bytes as hex."
    )
  const attestation = Attest.attest({ results, key: readText(keyPath), now: Date.now(), ...binaryOf(inputs) })
  const text = `${JSON.stringify(attestation, null, 2)}\n`
  const path = inputs.text("out")
  if (path === undefined) out(text.trimEnd())
  else {
    writeText(path, text)
    out(`${path}: ${safe(attestation.statement.line)}, signed with ${attestation.key}`)
  }
  return ExitCode.conformant
}

export const attestCommand: Command = {
  name: "attest",
  summary: "sign what a result file says, or check such a signature",
  about: [
    "Binds the file to the suite's root, the subject with the hash of its program, seed and date, and signs with an Ed25519 key of yours. The signature says who ran the kit and what came out; it is their word, not a proof.",
    "With --verify it checks an attestation against the result file instead, and that it says what the file says."
  ],
  positionals: [{ name: "results", text: "a file of `run --json`" }],
  options: [
    {
      name: "key",
      value: "file",
      text: "the private key to sign with; with --verify the public key (file, or hex) it must be signed with"
    },
    { name: "binary", value: "file", text: "the program that was judged" },
    { name: "out", value: "file", text: "where the attestation goes (default: standard output)" },
    { name: "verify", value: "file", text: "check this attestation" },
    { name: "here", text: "with --verify: it must be about the suite at hand" },
    vectorsOption
  ],
  examples: [
    {
      line: "tacit-conformance attest results.ndjson --key key.pem --binary ./adapter --out results.att.json",
      text: "give your word"
    },
    {
      line: "tacit-conformance attest results.ndjson --verify results.att.json --key their-key.pem",
      text: "take theirs"
    }
  ],
  run: (context) => {
    const { inputs } = context
    const results = readText(inputs.positional("results"))
    try {
      const path = inputs.text("verify")
      return Promise.resolve(path === undefined ? sign(context, results) : check(context, path, results))
    } catch (error) {
      if (error instanceof Attest.Unusable || error instanceof NotResults || error instanceof Folder.Unreadable)
        throw new UsageError(error.message)
      throw error
    }
  }
}
