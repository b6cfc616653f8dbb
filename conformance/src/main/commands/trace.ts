/**
 * `tacit-conformance trace`: the messages of a case or of a run, field by field.
 */
import { existsSync } from "node:fs"
import * as WireLog from "../../audit/WireLog.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { findCase, openFolder, openRun, vectorsOf } from "../Audit.ts"
import { UsageError, type Command } from "../Command.ts"
import { vectorsOption } from "../Subjects.ts"
import { safe } from "../Summary.ts"

export const traceCommand: Command = {
  name: "trace",
  summary: "show messages decoded field by field, of a case or out of a result file",
  about: [
    "With the id of a case: its script as the suite has it. With a result file: what a run kept of the case or property that --case names; without --case it lists what was kept.",
    "Keys, secrets and what is inside encryption are hidden; --secrets shows them."
  ],
  positionals: [{ name: "what", text: "the id of a case, or a result file" }],
  options: [
    vectorsOption,
    { name: "case", value: "id", text: "the case or property to show of a result file" },
    { name: "secrets", text: "show what only an actor knows" }
  ],
  examples: [
    { line: "tacit-conformance trace session-1-full", text: "a conversation of the vectors" },
    { line: "tacit-conformance trace results.ndjson --case P03 --secrets", text: "what led to a failure" }
  ],
  run: ({ inputs, out }) => {
    const what = inputs.positional("what")
    const options = { secrets: inputs.flag("secrets") }
    const wanted = inputs.text("case")
    if (!existsSync(what)) {
      if (wanted !== undefined) throw new UsageError(`there is no file ${what}`)
      for (const line of WireLog.ofCase(findCase(openFolder(vectorsOf(inputs)), what), options)) out(line)
      return Promise.resolve(ExitCode.conformant)
    }
    const run = openRun(what)
    if (wanted === undefined) {
      for (const [id, wires] of run.wires)
        out(`${safe(id)}  ${wires.length === 1 ? "one message" : `${wires.length} messages`}`)
      if (run.wires.size === 0) out("The run kept no messages: `run --wires all` keeps them.")
      return Promise.resolve(ExitCode.conformant)
    }
    const wires = run.wires.get(wanted)
    if (wires === undefined)
      throw new UsageError(
        `the run kept no messages of ${JSON.stringify(wanted)}`,
        "Without --case this lists what was kept."
      )
    for (const line of WireLog.ofWires(wires, options)) out(safe(line))
    return Promise.resolve(ExitCode.conformant)
  }
}
