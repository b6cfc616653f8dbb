/**
 * The summary of one run as one JSON object.
 *
 * Spec: docs/spec/21-conformance.md §21.2, §21.4.
 */
import type { Summary } from "../protocol/Reports.ts"
import { actualText, expectedText, failed, line, standing, tallies, type Run } from "./Run.ts"

/** Plain JSON, ready to be written. Every case that did not pass is in `failures`, waived ones included. */
export const summary = (run: Run): Summary => {
  const of = standing(run)
  const { footer, header } = run
  const families = Object.fromEntries([...tallies(run)].map(([family, tally]) => [family, Object.fromEntries(tally)]))
  return {
    schema: "tacit/summary/1",
    subject: {
      name: header.subject.name,
      version: header.subject.version,
      language: header.subject.language,
      source: header.subject.source
    },
    kit: header.kit,
    suite: header.suite,
    protocol: header.protocol,
    root: header.root,
    seed: header.seed,
    started: new Date(header.started).toISOString(),
    ...(of.level === undefined ? {} : { level: of.level }),
    marks: of.marks,
    waived: of.waived,
    line: line(of),
    ...(of.reason === undefined ? {} : { reason: of.reason }),
    critical: of.critical,
    families,
    properties: Object.fromEntries(run.properties.map((item) => [item.property, item.outcome])),
    failures: run.results
      .filter((result) => failed(result.outcome))
      .map((result) => ({
        case: result.case,
        family: result.family,
        topic: result.topic,
        title: result.title,
        level: result.level,
        critical: result.critical,
        clauses: result.clauses,
        outcome: result.outcome,
        ...(result.step === undefined ? {} : { step: result.step }),
        expected: expectedText(result),
        actual: actualText(result),
        ...(result.known === undefined ? {} : { known: result.known })
      })),
    classes: run.results.flatMap((result) =>
      result.class === undefined ? [] : [{ case: result.case, ...result.class }]
    ),
    stale: footer?.stale ?? [],
    restarts: run.restarts.length,
    problems: run.problems,
    ...(footer === undefined ? {} : { exit: footer.exit, ms: footer.ms })
  }
}
