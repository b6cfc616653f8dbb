/**
 * A null subject as a program: its name is the argument.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 */
import process from "node:process"
import { serve } from "../stdio.ts"
import { nullSubjects } from "./subjects.ts"

const make = nullSubjects[process.argv[2] ?? ""]
if (make === undefined) {
  process.stderr.write(`there are ${Object.keys(nullSubjects).join(", ")}\n`)
  process.exit(1)
}
serve(make())
