/**
 * `tacit-conformance derive`: the vectors again, from their seed.
 *
 * Spec: docs/spec/20-subject.md (subject.coins.1).
 */
import { nobleProvider } from "@tacit/core/crypto/noble"
import * as Derive from "../../audit/Derive.ts"
import { lines } from "../../audit/Verify.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { openFolder, vectorsOf } from "../Audit.ts"
import { UsageError, type Command } from "../Command.ts"
import { vectorsOption } from "../Subjects.ts"

export const deriveCommand: Command = {
  name: "derive",
  summary: "make the vectors again from their seed, and compare",
  about: [
    "Computes every value from the seed on, standing on nothing that is published, and compares. Where the generator's source lies beside the vectors it runs too, and its files are compared byte for byte.",
    "The seed is SHA-512 of the text `tacit vectors 1`; give it, or another, with --seed."
  ],
  positionals: [],
  options: [vectorsOption, { name: "seed", value: "hex", text: "64 bytes (default: the one the files name)" }],
  examples: [{ line: "tacit-conformance derive", text: "nothing was chosen by hand" }],
  run: ({ inputs, out }) => {
    const seed = inputs.text("seed")
    if (seed !== undefined && !/^[0-9a-f]{128}$/.test(seed))
      throw new UsageError("--seed takes 64 bytes as lower-case hex")
    const folder = openFolder(vectorsOf(inputs))
    for (const of of Derive.seeds(folder)) out(`seed ${of}`)
    const checks = [Derive.fromSeed(folder, nobleProvider, seed), Derive.regenerate(folder)]
    for (const line of lines(checks)) out(line)
    return Promise.resolve(
      checks.every(({ problems }) => problems.length === 0) ? ExitCode.conformant : ExitCode.tampered
    )
  }
}
