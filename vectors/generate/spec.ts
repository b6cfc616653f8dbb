/**
 * Reads the rule ids and rule texts out of the specification.
 *
 * Spec: docs/spec/README.md: a rule is a paragraph or list item that begins with a bold bracketed id.
 */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { hex, utf8 } from "./bytes.ts"
import { sha256 } from "./prim.ts"

export const specFolder = fileURLToPath(new URL("../../docs/spec/", import.meta.url))

/** Every rule's text by id, whitespace collapsed. A rule ends where the next begins, at a heading, or at an empty line. */
export const rules = (): ReadonlyMap<string, string> => {
  const out = new Map<string, string>()
  for (const name of readdirSync(specFolder)
    .filter((file) => file.endsWith(".md"))
    .sort()) {
    const text = readFileSync(specFolder + name, "utf8")
    for (const match of text.matchAll(
      /\*\*\[([a-z0-9.-]+)\]\*\*([\s\S]*?)(?=\n\s*\n|\n#|\*\*\[[a-z0-9.-]+\]\*\*|$)/g
    )) {
      out.set(match[1]!, match[2]!.replace(/\s+/g, " ").trim())
    }
  }
  return out
}

/** The rows of the failure taxonomy, in the order of the page. */
export const failures = (): ReadonlyArray<{
  readonly cause: string
  readonly stage: string
  readonly expected: boolean
  readonly retry: string
}> => {
  const text = readFileSync(`${specFolder}07-sequencing.md`, "utf8")
  const rows = [
    ...text.matchAll(/^\| `([a-z-]+\.[a-z0-9-]+)` \| ([a-z]+) \| (yes|no) \| [^|]+ \| (never|request|later) \|$/gm)
  ]
  if (rows.length === 0) throw new Error("the page has no taxonomy")
  return rows.map(([, cause, stage, expected, retry]) => ({
    cause: cause!,
    stage: stage!,
    expected: expected === "yes",
    retry: retry!
  }))
}

/** Digest over the texts of some rules, in order of their ids. Tells when a rule that vectors prove was reworded. */
export const digest = (ids: Iterable<string>): string => {
  const all = rules()
  const lines = [...new Set(ids)].sort().map((id) => `${id}\n${all.get(id) ?? ""}\n`)
  return `sha256:${hex(sha256(utf8(lines.join(""))))}`
}
