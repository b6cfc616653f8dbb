/**
 * Breaks one rule after the other in a private copy of the code and says what catches it.
 *
 * Spec: docs/spec/21-conformance.md §21.1.
 * `npm run breaks -- [id …]`. Vectors first, then, where no case of the broken rule fails, the properties. Prints a line for each; ends with 1
 * if a break was not caught.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { privateCopy } from "./copy.ts"

interface Edit {
  readonly file?: string
  readonly find: string
  readonly with: string
}
interface Break extends Edit {
  readonly id: string
  readonly kind: "receive" | "symmetric" | "life"
  readonly breaks: string
  readonly what: string
  readonly file: string
  readonly all?: boolean
  readonly also?: ReadonlyArray<Edit>
  /** Why it is broken in this way. */
  readonly note?: string
}

const breaks = JSON.parse(readFileSync(new URL("breaks.json", import.meta.url), "utf8")) as ReadonlyArray<Break>
const wanted = process.argv.slice(2)
const copy = privateCopy()

/** Applies the edits of a break; gives back what undoes them. */
const apply = (item: Break): (() => void) => {
  const before = new Map<string, string>()
  for (const edit of [item, ...(item.also ?? [])]) {
    const path = join(copy, "packages/core/src", edit.file ?? item.file)
    const text = readFileSync(path, "utf8")
    if (!before.has(path)) before.set(path, text)
    const parts = text.split(edit.find)
    if (parts.length < 2 || (parts.length > 2 && item.all !== true))
      throw new Error(`${item.id}: its place was found ${parts.length - 1} times in ${edit.file ?? item.file}`)
    writeFileSync(path, parts.join(edit.with))
  }
  return () => {
    for (const [path, text] of before) writeFileSync(path, text)
  }
}

interface Failed {
  readonly id: string
  readonly problem: string
  readonly clauses: ReadonlyArray<string>
}

/** The properties that fail. */
const searched = (): ReadonlyArray<string> => {
  const results = join(copy, "results.ndjson")
  const main = join(copy, "conformance/src/main/main.ts")
  const options = ["run", "--in-process", "reference", "--level", "3", "--family", "device", "--budget", "quick"]
  spawnSync(
    process.execPath,
    ["--max-old-space-size=1500", "-C", "@tacit/source", main, ...options, "--seed", "breaks", "--json", results],
    { encoding: "utf8", maxBuffer: 1 << 28, timeout: 600_000 }
  )
  return readFileSync(results, "utf8")
    .split("\n")
    .filter((line) => line.startsWith('{"event":"property"'))
    .map(
      (line) => JSON.parse(line) as { readonly property: string; readonly outcome: string; readonly message?: string }
    )
    .filter(({ outcome }) => outcome !== "pass")
    .map(({ message = "", property }) => `${property} (${message})`)
}

/** What failed, and the file at which the process died, if it did. */
interface Run {
  readonly failed: ReadonlyArray<Failed>
  readonly died: string | undefined
}

const check = (): Run => {
  const command = ["--max-old-space-size=800", "-C", "@tacit/source", join(copy, "conformance/breaks/check.ts")]
  const run = spawnSync(process.execPath, command, { encoding: "utf8", maxBuffer: 1 << 28, timeout: 120_000 })
  const lines = run.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Failed & { readonly at?: string })
  return {
    failed: lines.filter(({ at }) => at === undefined),
    died:
      run.status === 0
        ? undefined
        : `${lines.findLast(({ at }) => at !== undefined)?.at ?? "the start"}: ${
            run.stderr
              .trim()
              .split("\n")
              .find((line) => /Error|FATAL/.test(line)) ?? "timeout"
          }`
  }
}

try {
  const clean = check()
  if (clean.died !== undefined || clean.failed.length > 0)
    throw new Error(`the unbroken code does not pass: ${JSON.stringify(clean).slice(0, 600)}`)
  let missed = 0
  for (const item of breaks) {
    if (wanted.length > 0 && !wanted.includes(item.id)) continue
    let undo: () => void
    try {
      undo = apply(item)
    } catch (error) {
      missed++
      console.log(`MOVED   ${(error as Error).message}`)
      continue
    }
    const { died, failed } = check()
    const naming = failed.filter(({ clauses }) => clauses.some((clause) => clause.startsWith(item.breaks)))
    // What the vectors do not name is for the properties: whole devices, restarts, copies.
    const properties = naming.length > 0 ? [] : searched()
    undo()
    const first = naming[0] ?? failed[0]
    const found = [
      ...(first === undefined ? [] : [`${failed.length} cases, ${naming.length} of that rule, ${first.id}`]),
      ...(died === undefined ? [] : [`died in ${died}`]),
      ...(properties.length === 0 ? [] : [properties.join(", ")])
    ]
    if (found.length === 0) missed++
    console.log(
      `${found.length > 0 ? "caught" : "MISSED"}  ${item.id} (${item.breaks}): ${found.join("; ") || item.what}`
    )
  }
  process.exitCode = missed > 0 ? 1 : 0
} finally {
  rmSync(copy, { recursive: true, force: true })
}
