/**
 * The suite, and copies of it that tests may change.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Folder from "../../src/audit/Folder.ts"
import type { Found } from "../../src/audit/Model.ts"
import { merkleRoot } from "../../src/suite/Suite.ts"

export const vectors = fileURLToPath(new URL("../../../vectors", import.meta.url))

let opened: Folder.Folder | undefined
/** The suite, read once. Not to be changed. */
export const folder = (): Folder.Folder => (opened ??= Folder.read(vectors))

export const found = (id: string): Found => {
  const of = Folder.find(folder(), id)
  if (of === undefined) throw new Error(`no case ${id}`)
  return of
}

/** Files that the copies of the tests hold: one of each kind, so that checking them is quick. */
const few = [
  "agreement/sessions-suite-1.json",
  "labels/derivations.json",
  "sequence/fence.json",
  "sequence/window.json",
  "state/records.json"
]

/** A suite of a few files with their schemas in a folder of its own, for as long as `use` takes. */
export const withCopy = async <A>(use: (path: string) => A | Promise<A>): Promise<A> => {
  const root = mkdtempSync(join(tmpdir(), "tacit-suite-"))
  const path = join(root, "vectors")
  cpSync(join(vectors, "schema"), join(path, "schema"), { recursive: true })
  for (const name of few) cpSync(join(vectors, name), join(path, name))
  const { manifest } = folder()
  const files = manifest.files.filter((entry) => few.includes(entry.path))
  const count = files.reduce((sum, entry) => sum + entry.count, 0)
  writeFileSync(join(path, "manifest.json"), JSON.stringify({ ...manifest, files, count, root: merkleRoot(files) }))
  try {
    return await use(path)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** Changes the text of a file; the text must be there. */
export const change = (path: string, from: string, to: string): void => {
  const text = readFileSync(path, "utf8")
  if (!text.includes(from)) throw new Error(`${path} does not hold ${from}`)
  writeFileSync(path, text.replace(from, to))
}
