/**
 * Writes every vector file, every schema and the manifest; with `--check`, compares them with what is there.
 *
 * Spec: vectors/README.md. `npm run vectors`, `npm run vectors -- --check`.
 * Deterministic: one seed, no clock, no randomness. Exit code 1 when `--check` finds a difference.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { outputs } from "./outputs.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const check = process.argv.includes("--check")
const wanted = outputs()

/** Files of the set that are on disk. */
const present = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
  .map((entry) => relative(root, `${entry.parentPath}/${entry.name}`).replaceAll("\\", "/"))
  .filter(
    (path) =>
      path !== "package.json" &&
      path !== "clauses.json" &&
      !path.startsWith("wycheproof/") &&
      !path.startsWith("nes/") &&
      !path.includes("node_modules/")
  )

const different: Array<string> = present.filter((path) => !wanted.has(path))
for (const [path, text] of wanted) {
  if (!existsSync(root + path) || readFileSync(root + path, "utf8") !== text) different.push(path)
}
if (check) {
  for (const path of different) console.error(`differs from what the generator gives: vectors/${path}`)
  if (different.length > 0) console.error("Review the change, then run `npm run vectors` and commit the result.")
  process.exitCode = different.length > 0 ? 1 : 0
} else {
  for (const path of different) {
    const text = wanted.get(path)
    if (text === undefined) rmSync(root + path)
    else {
      mkdirSync(dirname(root + path), { recursive: true })
      writeFileSync(root + path, text)
    }
  }
  console.log(`${wanted.size} files, ${different.length} written`)
}
