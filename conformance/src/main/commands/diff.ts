/**
 * `tacit-conformance diff`: two result files, or two releases of the suite.
 */
import * as Diff from "../../audit/Diff.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { isSuite, openFolder, openRun } from "../Audit.ts"
import { UsageError, type Command } from "../Command.ts"
import { safe } from "../Summary.ts"

export const diffCommand: Command = {
  name: "diff",
  summary: "what changed between two result files, or two releases of the suite",
  about: [
    "Of runs: every case and property that ended in another way. Of suites: what was added, withdrawn, changed in meaning, and which step of the version that asks for; a case counts as changed when one of its values does, however it is derived."
  ],
  positionals: [
    { name: "a", text: "a result file, or the folder of a suite" },
    { name: "b", text: "another of the same kind" }
  ],
  options: [],
  examples: [
    { line: "tacit-conformance diff before.ndjson after.ndjson", text: "did it get better?" },
    { line: "tacit-conformance diff vectors-1.0.0 vectors-1.1.0", text: "notes for a release" }
  ],
  run: ({ inputs, out }) => {
    const [a, b] = [inputs.positional("a"), inputs.positional("b")]
    if (isSuite(a) !== isSuite(b)) throw new UsageError("one is a suite, the other is not")
    const lines = isSuite(a) ? Diff.suiteLines(openFolder(a), openFolder(b)) : Diff.runs(openRun(a), openRun(b))
    for (const line of lines) out(safe(line))
    return Promise.resolve(ExitCode.conformant)
  }
}
