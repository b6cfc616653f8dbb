/**
 * Reads a folder of vectors as auditors' tools need it: every file in full, and the rules it cites.
 *
 * Spec: vectors/README.md (manifest); docs/spec/README.md (rules).
 * Takes what is there; whether it is what the manifest says is Verify.ts.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import type { RuleTexts } from "../report/PageData.ts"
import type { Found, Manifest, VectorFile } from "./Model.ts"

export interface SuiteFile {
  readonly path: string
  readonly text: string
  readonly file: VectorFile
}

export interface Folder {
  readonly path: string
  readonly manifest: Manifest
  readonly files: ReadonlyArray<SuiteFile>
}

/** The folder holds no suite, or one that cannot be read. */
export class Unreadable extends Error {
  readonly _tag = "Unreadable"
}

const json = (path: string): { readonly text: string; readonly value: unknown } => {
  try {
    const text = readFileSync(path, "utf8")
    return { text, value: JSON.parse(text) as unknown }
  } catch (error) {
    throw new Unreadable(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The manifest of the suite in a folder. Throws {@link Unreadable}. */
export const readManifest = (path: string): Manifest => {
  const manifest = json(join(path, "manifest.json")).value as Manifest
  if (!Array.isArray(manifest.files)) throw new Unreadable(`${path} holds no suite`)
  return manifest
}

/** The suite in a folder. Throws {@link Unreadable}. */
export const read = (path: string): Folder => {
  const manifest = readManifest(path)
  const files = manifest.files.map((entry): SuiteFile => {
    const { text, value } = json(join(path, entry.path))
    return { path: entry.path, text, file: value as VectorFile }
  })
  return { path, manifest, files }
}

/** The case with an id. */
export const find = (folder: Folder, id: string): Found | undefined => {
  for (const { file, path } of folder.files) {
    const item = file.cases.find((of) => of.id === id)
    if (item !== undefined) return { file, path, item }
  }
  return undefined
}

/** Rule texts of the pages in a folder of Markdown: a rule begins with a bold bracketed id and ends at the next, a heading or an empty line. */
export const rulesOf = (pages: string): RuleTexts => {
  const out: { [id: string]: { readonly text: string; readonly page: string } } = {}
  for (const page of readdirSync(pages)
    .filter((name) => name.endsWith(".md"))
    .sort()) {
    const text = readFileSync(join(pages, page), "utf8")
    for (const match of text.matchAll(
      /\*\*\[([a-z0-9.-]+)\]\*\*([\s\S]*?)(?=\n\s*\n|\n#|\*\*\[[a-z0-9.-]+\]\*\*|$)/g
    )) {
      out[match[1]!] = { text: match[2]!.replace(/\s+/g, " ").trim(), page }
    }
  }
  return out
}

/**
 * The rules that go with a suite: of the specification that lies beside it in a checkout, else those that were current when this
 * program was built; none where there are neither.
 */
export const rules = (folder: Folder): RuleTexts => {
  const pages = join(dirname(resolve(folder.path)), "docs", "spec")
  if (existsSync(pages)) return rulesOf(pages)
  const built = fileURLToPath(new URL("./pages/rules.json", import.meta.url))
  return existsSync(built) ? (json(built).value as RuleTexts) : {}
}
