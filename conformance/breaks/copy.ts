/**
 * A private copy of the code and the vectors, in which rules can be broken.
 *
 * Spec: docs/spec/21-conformance.md §21.1.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** Makes the copy and gives its folder; with core's own tests, if asked. The caller removes it. */
export const privateCopy = ({ tests = false } = {}): string => {
  const left = tests ? /[/\\](dist|node_modules|verify)$/ : /[/\\](dist|node_modules|verify|test)$/
  const copy = mkdtempSync(join(tmpdir(), "tacit-breaks-"))
  for (const folder of ["packages/core", "vectors", "conformance"]) {
    cpSync(join(root, folder), join(copy, folder), {
      recursive: true,
      filter: (source) => !left.test(source)
    })
  }
  for (const name of ["package.json", "tsconfig.base.json"]) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(copy, name))
  }
  mkdirSync(join(copy, "node_modules/@tacit"), { recursive: true })
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name !== "@tacit") symlinkSync(join(root, "node_modules", name), join(copy, "node_modules", name))
  }
  for (const name of readdirSync(join(root, "node_modules/@tacit"))) {
    const own = name === "core" ? "packages/core" : name === "vectors" || name === "conformance" ? name : undefined
    symlinkSync(
      own === undefined ? join(root, "node_modules/@tacit", name) : join(copy, own),
      join(copy, "node_modules/@tacit", name)
    )
  }
  return copy
}
