// Mutates the protocol's folders in a private copy of the tree and tries the vectors on every mutant.
//
// `npm run mutants` in the repository's root; `npm run mutants -- --mutate "packages/core/src/ratchet/*.ts"` for a part. Writes
// mutants.json beside this file. Takes an hour or more.
import { spawnSync } from "node:child_process"
import { copyFileSync, existsSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { privateCopy } from "../breaks/copy.ts"

const here = fileURLToPath(new URL(".", import.meta.url))
if (!existsSync(join(here, "node_modules"))) {
  const installed = spawnSync("npm", ["ci"], { cwd: here, stdio: "inherit" })
  if (installed.status !== 0) process.exit(4)
}
const copy = privateCopy()
try {
  symlinkSync(join(here, "node_modules/@stryker-mutator"), join(copy, "node_modules/@stryker-mutator"))
  const stryker = join(here, "node_modules/@stryker-mutator/core/bin/stryker.js")
  const run = spawnSync(
    process.execPath,
    [stryker, "run", "conformance/mutants/stryker.config.json", ...process.argv.slice(2)],
    { cwd: copy, stdio: "inherit" }
  )
  if (existsSync(join(copy, "mutants.json"))) copyFileSync(join(copy, "mutants.json"), join(here, "mutants.json"))
  process.exitCode = run.status ?? 4
} finally {
  rmSync(copy, { recursive: true, force: true })
}
