/**
 * F09: the failure taxonomy, row by row as the page has it.
 *
 * Spec: docs/spec/07-sequencing.md §7.3.
 */
import { FileBuilder, stageOf } from "../family.ts"
import type { VectorFile } from "../model.ts"
import { failures } from "../spec.ts"
import { family } from "./sequence.ts"

export const taxonomy = (): VectorFile => {
  const file = new FileBuilder(family, "failures")
  for (const { cause, expected, retry, stage } of failures()) {
    if (stageOf(cause) !== stage) throw new Error(`${cause} has the stage ${stageOf(cause)} in cases`)
    file.valid(
      { id: `failure-${cause.replace(".", "-")}`, title: cause, clauses: ["failure.closed.1", "session.retry.3"] },
      "failure.advice",
      { cause },
      { stage, expected, retry, asked: retry === "request" }
    )
  }
  return file.file()
}
