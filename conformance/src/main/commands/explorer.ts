/**
 * `tacit-conformance explorer`: the vectors as a page.
 */
import { mkdirSync } from "node:fs"
import { dirname } from "node:path"
import { explorer } from "../../report/Explorer.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { openFolder, vectorsOf } from "../Audit.ts"
import type { Command } from "../Command.ts"
import { vectorsOption, writeText } from "../Subjects.ts"

export const explorerCommand: Command = {
  name: "explorer",
  summary: "write a page to read the vectors and recompute their derivations in",
  about: [
    "One file that opens from disk and loads nothing. It shows every case with its rules, what differs from its twin with the changed bytes marked, and recomputes derivations step by step in the browser."
  ],
  positionals: [{ name: "file", text: "the page to write" }],
  options: [vectorsOption],
  examples: [{ line: "tacit-conformance explorer vectors.html", text: "then open it in a browser" }],
  run: async ({ inputs, out }) => {
    const path = inputs.positional("file")
    const text = await explorer(openFolder(vectorsOf(inputs)))
    mkdirSync(dirname(path), { recursive: true })
    writeText(path, text)
    out(`${path}: ${(text.length / 1e6).toFixed(1)} MB`)
    return ExitCode.conformant
  }
}
