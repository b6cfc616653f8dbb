/**
 * `tacit-conformance coverage`: which rules are shown, and from which side.
 */
import * as Coverage from "../../audit/Coverage.ts"
import * as Folder from "../../audit/Folder.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { openFolder, openRun, vectorsOf } from "../Audit.ts"
import type { Command } from "../Command.ts"
import { vectorsOption } from "../Subjects.ts"
import { safe } from "../Summary.ts"

export const coverageCommand: Command = {
  name: "coverage",
  summary: "rules against cases: what is accepted and refused, and where there are holes",
  about: [
    "Lists rules that no case shows from one side or at all, and the stages at which cases must be refused. With a result file also what that run did not reach, and which steps of the adversary its scripts took."
  ],
  positionals: [{ name: "results", text: "a result file", optional: true }],
  options: [vectorsOption, { name: "all", text: "one line for each rule" }],
  examples: [
    { line: "tacit-conformance coverage", text: "the holes" },
    { line: "tacit-conformance coverage results.ndjson", text: "and what a run did of it" }
  ],
  run: ({ inputs, out }) => {
    const folder = openFolder(vectorsOf(inputs))
    const path = inputs.positional("results")
    const options = { all: inputs.flag("all"), ...(path === "" ? {} : { run: openRun(path) }) }
    for (const line of Coverage.lines(folder, Folder.rules(folder), options)) out(safe(line))
    return Promise.resolve(ExitCode.conformant)
  }
}
