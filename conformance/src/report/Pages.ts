/**
 * What both pages need: their program and style sheet, the data they carry, and the frame around them.
 *
 * Spec: docs/spec/21-conformance.md §21.4.
 * A page loads nothing: its policy forbids every request, and it opens from disk.
 */
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import * as Folder from "../audit/Folder.ts"
import type { CaseIndex, Index, RuleTexts } from "./PageData.ts"

/** Text for HTML, attributes included. */
export const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

/** The pages there are. */
export type PageName = "report" | "explorer"

interface Assets {
  readonly script: string
  readonly style: string
}

/** What bundles the pages in the source tree. */
interface Bundler {
  readonly script: (page: PageName) => Promise<string>
  readonly style: () => Promise<string>
}

/** In the built package they lie beside this program; in the source tree they are bundled when they are asked for. */
const assets = async (page: PageName): Promise<Assets> => {
  const built = fileURLToPath(new URL(`./pages/${page}.js`, import.meta.url))
  if (existsSync(built))
    return {
      script: readFileSync(built, "utf8"),
      style: readFileSync(fileURLToPath(new URL("./pages/style.css", import.meta.url)), "utf8")
    }
  const source = new URL("../../build/bundle.ts", import.meta.url)
  const { script, style } = (await import(source.href)) as Bundler
  return { script: await script(page), style: await style() }
}

/** A value as gzip in base64, inside an element that no browser runs. */
export const dataElement = (id: string, value: unknown): string => packed(id, JSON.stringify(value))

const packed = (id: string, text: string): string =>
  `<script type="application/gzip" id="${id}">${gzipSync(text, { level: 9 }).toString("base64")}</script>`

/** The index of all cases of a suite. */
export const indexOf = (folder: Folder.Folder): Index => ({
  suite: folder.manifest.suite,
  root: folder.manifest.root,
  files: folder.files.map(({ file, path }) => ({
    path,
    family: file.family,
    topic: file.topic,
    document: file.spec.document
  })),
  cases: folder.files.flatMap(({ file }, number) =>
    file.cases
      .filter((item) => item.status !== "withdrawn")
      .map((item): CaseIndex => ({
        id: item.id,
        title: item.title,
        file: number,
        family: file.family,
        topic: file.topic,
        level: item.level,
        critical: item.critical,
        verdict: item.verdict,
        ...(item.stage === undefined ? {} : { stage: item.stage }),
        flags: item.flags,
        clauses: item.clauses
      }))
  )
})

/** Rules that the suite cites, so that a page can quote them. */
export const quoted = (folder: Folder.Folder, all: RuleTexts): RuleTexts => {
  const out: { [id: string]: RuleTexts[string] } = {}
  const take = (id: string | undefined): void => {
    const rule = id === undefined ? undefined : all[id]
    if (id !== undefined && rule !== undefined) out[id] = rule
  }
  for (const { file } of folder.files) {
    for (const world of Object.values(file.worlds)) for (const step of world.trace) take(step.clause)
    for (const item of file.cases) {
      for (const id of item.clauses) take(id)
      for (const step of item.trace ?? []) take(step.clause)
    }
  }
  return out
}

/** Elements with every file of a suite and the rules it cites. */
export const suiteData = (folder: Folder.Folder): ReadonlyArray<string> => [
  dataElement("data-rules", quoted(folder, Folder.rules(folder))),
  ...folder.files.map(({ file }, number) => dataElement(`data-file-${number}`, file))
]

/** The whole page. `body` is HTML. */
export const frame = async (
  page: PageName,
  title: string,
  body: string,
  data: ReadonlyArray<string>
): Promise<string> => {
  const { script, style } = await assets(page)
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style.replaceAll("</", "<\\/")}</style>
</head>
<body class="${page}">
${body}
${data.join("\n")}
<script>${script.replaceAll(/<\/(script)/gi, "<\\/$1")}</script>
</body>
</html>
`
}
