/**
 * `tacit-conformance verify`: is this the suite, and does it follow from itself?
 *
 * Spec: docs/spec/21-conformance.md §21.4 (result.exit.1).
 */
import { nobleProvider } from "@tacit/core/crypto/noble"
import * as Folder from "../../audit/Folder.ts"
import { lines, verify } from "../../audit/Verify.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { vectorsOf } from "../Audit.ts"
import { UsageError, type Command } from "../Command.ts"
import { vectorsOption } from "../Subjects.ts"

export const verifyCommand: Command = {
  name: "verify",
  summary: "check the vectors: manifest, schemas, twins, derivations, by two implementations",
  about: [
    "Checks every file against the manifest and the manifest against its root, every case against its schema and its twin, and recomputes every derivation: once here, once with the second verifier in Go where Go is installed. Asks no subject anything.",
    "The root vouches for nothing by itself: compare it with the one in the release notes."
  ],
  positionals: [],
  options: [vectorsOption, { name: "no-second", text: "leave the second verifier out" }],
  examples: [{ line: "tacit-conformance verify", text: "an auditor's first command" }],
  run: ({ inputs, out }) => {
    try {
      const checks = verify(vectorsOf(inputs), { crypto: nobleProvider, second: !inputs.flag("no-second") })
      for (const text of lines(checks)) out(text)
      return Promise.resolve(
        checks.every(({ problems }) => problems.length === 0) ? ExitCode.conformant : ExitCode.tampered
      )
    } catch (error) {
      if (!(error instanceof Folder.Unreadable)) throw error
      throw new UsageError(error.message, "Give the folder that holds manifest.json with --vectors.")
    }
  }
}
