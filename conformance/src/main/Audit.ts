/**
 * What the auditors' commands share: the suite in full, result files, and errors that are the caller's.
 */
import { statSync } from "node:fs"
import { join } from "node:path"
import * as Folder from "../audit/Folder.ts"
import type { Found } from "../audit/Model.ts"
import { NotResults, read, type Run } from "../report/Run.ts"
import { packaged } from "../suite/Suite.ts"
import { nearest } from "../words/Words.ts"
import type { Inputs } from "./Arguments.ts"
import { UsageError } from "./Command.ts"
import { readText } from "./Subjects.ts"

/** Folder of the vectors of a call. */
export const vectorsOf = (inputs: Inputs): string => inputs.text("vectors") ?? packaged()

/** The suite in a folder. Throws `UsageError`. */
export const openFolder = (path: string): Folder.Folder => {
  try {
    return Folder.read(path)
  } catch (error) {
    if (!(error instanceof Folder.Unreadable)) throw error
    throw new UsageError(error.message, "Give the folder that holds manifest.json.")
  }
}

/** The run in a result file. Throws `UsageError`. */
export const openRun = (path: string): Run => {
  try {
    return read(readText(path))
  } catch (error) {
    if (!(error instanceof NotResults)) throw error
    throw new UsageError(`${path}: ${error.message}`, "Result files come from `tacit-conformance run --json <file>`.")
  }
}

/** Whether a path is the folder of a suite. */
export const isSuite = (path: string): boolean =>
  statSync(join(path, "manifest.json"), { throwIfNoEntry: false }) !== undefined

/** The case with an id, or at the end of a path such as `ratchet/limits/ratchet-skip-999`. Throws `UsageError`. */
export const findCase = (folder: Folder.Folder, name: string): Found => {
  const id = name.split("/").at(-1) ?? ""
  const found = Folder.find(folder, id)
  if (found !== undefined) return found
  const close = nearest(
    folder.files.flatMap(({ file }) => file.cases.map((item) => item.id)),
    id
  )
  throw new UsageError(
    `there is no case ${JSON.stringify(name)}`,
    close === undefined ? "The explorer and the results of a run list ids." : `Did you mean ${close}?`
  )
}
