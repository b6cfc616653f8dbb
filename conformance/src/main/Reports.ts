/**
 * Writes the reports that a run was asked for, out of its result lines alone.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (result.events.1).
 */
import { badgeFiles, html, junit } from "../report/index.ts"
import type { Inputs } from "./Arguments.ts"
import type { Option } from "./Command.ts"
import { writeText } from "./Subjects.ts"

export const reportOptions: ReadonlyArray<Option> = [
  { name: "junit", value: "file", text: "write JUnit XML" },
  { name: "html", value: "file", text: "write a page that explains every case and failure" },
  { name: "badge", value: "file", text: "write a badge, as SVG, or as an endpoint's JSON where the name ends in .json" }
]

export const wantsReports = (inputs: Inputs): boolean =>
  reportOptions.some(({ name }) => inputs.text(name) !== undefined)

/** `text` holds all result lines; `vectors` is the folder of the suite. Throws `UsageError` for a file it cannot write. */
export const writeReports = async (inputs: Inputs, text: string, vectors: string): Promise<void> => {
  const [junitPath, htmlPath, badgePath] = ["junit", "html", "badge"].map((name) => inputs.text(name))
  if (junitPath !== undefined) writeText(junitPath, junit(text))
  if (badgePath !== undefined) {
    const { endpoint, svg } = badgeFiles(text)
    writeText(badgePath, badgePath.endsWith(".json") ? endpoint : svg)
  }
  if (htmlPath !== undefined) writeText(htmlPath, await html([text], vectors))
}
