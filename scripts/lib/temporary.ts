// A tree of files in a new temporary folder, for the tests of the checks.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"

/** Writes `files` (path to text) and returns the folder, which goes away with the running test. */
export const tree = (files: Readonly<Record<string, string>>): string => {
  const base = mkdtempSync(join(tmpdir(), "tacit-check-"))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(base, path)), { recursive: true })
    writeFileSync(join(base, path), text)
  }
  return base
}
