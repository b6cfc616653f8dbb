// What every check shares: the list of the repository's files, and the way a check reports and ends.
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve, sep } from "node:path"
import { fileURLToPath } from "node:url"

/** The repository's own root. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..")

const skipped = new Set(["node_modules", "dist", "coverage", ".git"])

const walk = (directory) =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return []
    const path = join(directory, entry.name)
    return entry.isDirectory() ? walk(path) : [path]
  })

/**
 * Paths of the files under `base` that belong to the project, with `/` between parts and sorted. In a git work tree
 * these are the tracked files and the new ones that are not ignored; elsewhere every file outside build folders.
 */
export const listFiles = (base) => {
  const paths = existsSync(join(base, ".git"))
    ? execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
        cwd: base,
        encoding: "utf8"
      })
        .split("\0")
        .filter((path) => path !== "" && existsSync(join(base, path)))
    : walk(base).map((path) => relative(base, path).split(sep).join("/"))
  return [...new Set(paths)].sort((a, b) => (a < b ? -1 : 1))
}

/** The text of a file of `base`. */
export const readText = (base, path) => readFileSync(join(base, path), "utf8")

/** Number of the line, from 1, that holds `offset`. */
export const lineAt = (text, offset) => text.slice(0, offset).split("\n").length

/** Whether `meta` is the module that Node was started with. */
export const isMain = (meta) => process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(meta.url)

/** Prints the outcome of a check and sets the exit code: 0 without problems, 1 with any. */
export const report = (name, problems, summary) => {
  for (const problem of problems) console.error(`${name}: ${problem}`)
  if (problems.length > 0) {
    console.error(`${name}: ${problems.length} problem${problems.length === 1 ? "" : "s"}`)
    process.exitCode = 1
  } else {
    console.log(`${name}: ${summary}`)
  }
}
