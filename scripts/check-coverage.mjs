// docs/coverage.md accounts for every row of the feature ledger, once, with its state and where that is proved.
//
// A row is a line of a table whose first cell is the id. Exactly one cell reads `open`, `partly` or `done`; a row that
// is not open has at least one relative link, and every relative link leads to a file. Does not judge the proof.
import { existsSync } from "node:fs"
import { join, posix } from "node:path"
import { links } from "./lib/markdown.mjs"
import { isMain, readText, report, root } from "./lib/repo.mjs"

const path = "docs/coverage.md"
const states = new Set(["open", "partly", "done"])
const series = [
  ["B", 41, 2],
  ["N", 23, 2],
  ["D", 14, 2],
  ["W", 50, 2],
  ["E", 15, 1]
]

/** Every id of the ledger, in its order: B-01 … B-41, N-01 … N-23, D-01 … D-14, W-01 … W-50, E-1 … E-15. */
export const ids = series.flatMap(([letter, count, digits]) =>
  Array.from({ length: count }, (_, index) => `${letter}-${String(index + 1).padStart(digits, "0")}`)
)

/** Problems of the tree at `base`, and how many rows are in each state. */
export const check = (base) => {
  const counts = { open: 0, partly: 0, done: 0 }
  if (!existsSync(join(base, path))) return { counts, problems: [`${path} does not exist`] }
  const known = new Set(ids)
  const seen = new Map()
  const problems = []
  for (const [index, line] of readText(base, path).split("\n").entries()) {
    const at = `${path}:${index + 1}`
    const cells = line.trim().startsWith("|")
      ? line
          .trim()
          .slice(1)
          .split("|")
          .map((cell) => cell.trim())
      : []
    const row = /^[*`]*([A-Z]-\d+)[*`]*$/.exec(cells[0] ?? "")?.[1]
    if (row === undefined) continue
    if (!known.has(row)) problems.push(`${at}: the ledger has no ${row}`)
    if (seen.has(row)) problems.push(`${at}: ${row} is already at ${seen.get(row)}`)
    seen.set(row, at)
    const state = cells.map((cell) => cell.replace(/[*`]/g, "")).filter((cell) => states.has(cell))
    if (state.length !== 1) {
      problems.push(`${at}: ${row} needs one cell that reads open, partly or done`)
      continue
    }
    counts[state[0]]++
    const local = links(line).filter((link) => !/^([a-z]+:|#)/.test(link.target))
    if (state[0] !== "open" && local.length === 0) problems.push(`${at}: ${row} is ${state[0]} but links to nothing`)
    for (const { target } of local) {
      const file = posix.join(posix.dirname(path), target.split("#")[0])
      if (!existsSync(join(base, file))) problems.push(`${at}: ${row} links to ${file}, which does not exist`)
    }
  }
  for (const row of ids) if (!seen.has(row)) problems.push(`${path}: ${row} is missing`)
  return { counts, problems }
}

if (isMain(import.meta)) {
  const { counts, problems } = check(root)
  report("check-coverage", problems, `${counts.done} done, ${counts.partly} partly, ${counts.open} open`)
}
