/**
 * `tacit-conformance explain`: one case, for somebody who has only the specification.
 */
import { explain } from "../../audit/Explain.ts"
import * as Folder from "../../audit/Folder.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { findCase, openFolder, vectorsOf } from "../Audit.ts"
import type { Command } from "../Command.ts"
import { vectorsOption } from "../Subjects.ts"

export const explainCommand: Command = {
  name: "explain",
  summary: "say why a case exists, what must happen, and where its values come from",
  about: [
    "Quotes the rules it shows, tells what differs from its twin and what must notice, and prints the derivation as a tree: every value with its operation, its bytes and the rule it follows."
  ],
  positionals: [{ name: "case", text: "the id of a case, or its family/topic/id" }],
  options: [
    vectorsOption,
    { name: "depth", value: "n", text: "how deep the derivation is shown (default: to its ends)" }
  ],
  examples: [{ line: "tacit-conformance explain ratchet-skip-1001", text: "the first key too many" }],
  run: ({ inputs, out }) => {
    const folder = openFolder(vectorsOf(inputs))
    const depth = inputs.whole("depth", 1, 1000)
    const found = findCase(folder, inputs.positional("case"))
    for (const line of explain(found, Folder.rules(folder), depth === undefined ? {} : { depth })) out(line)
    return Promise.resolve(ExitCode.conformant)
  }
}
