/**
 * `tacit-conformance report`: reports out of result files.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (result.events.1).
 */
import { html } from "../../report/Html.ts"
import { line, standing } from "../../report/Run.ts"
import { summary } from "../../report/Summary.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { openFolder, openRun, vectorsOf } from "../Audit.ts"
import { UsageError, type Command } from "../Command.ts"
import { reportOptions, writeReports } from "../Reports.ts"
import { readText, vectorsOption, writeText } from "../Subjects.ts"
import { safe } from "../Summary.ts"

export const reportCommand: Command = {
  name: "report",
  summary: "make a page, JUnit XML, a badge or a summary out of result files",
  about: [
    "Everything is made from the lines of results alone; nothing is run. Several files become columns of one page; the other forms are about one run.",
    "A file whose last line claims more than the lines before it show reaches no level in any report."
  ],
  positionals: [{ name: "results", text: "files of `run --json`", many: true }],
  options: [...reportOptions, { name: "summary", value: "file", text: "write a summary as JSON" }, vectorsOption],
  examples: [
    { line: "tacit-conformance report results.ndjson --html report.html", text: "a page that opens from disk" },
    { line: "tacit-conformance report ours.ndjson theirs.ndjson --html both.html", text: "two subjects side by side" }
  ],
  run: async ({ inputs, out }) => {
    const paths = inputs.rest("results")
    if (paths.length === 0) throw new UsageError("no result file is named")
    const runs = paths.map(openRun)
    const several = runs.length > 1
    if (several && ["junit", "badge", "summary"].some((name) => inputs.text(name) !== undefined))
      throw new UsageError("--junit, --badge and --summary are about one run", "Name one result file, or only --html.")
    const page = inputs.text("html")
    if (several && page !== undefined) writeText(page, await html(runs, openFolder(vectorsOf(inputs))))
    if (!several) await writeReports(inputs, readText(paths[0]!), vectorsOf(inputs))
    const json = inputs.text("summary")
    if (json !== undefined) writeText(json, `${JSON.stringify(summary(runs[0]!), null, 2)}\n`)
    for (const run of runs) {
      const of = standing(run)
      out(`${safe(run.name)}: ${line(of)}${of.critical.length === 0 ? "" : ` · ${of.critical.length} critical`}`)
      for (const problem of run.problems) out(`  ! ${safe(problem)}`)
    }
    return ExitCode.conformant
  }
}
