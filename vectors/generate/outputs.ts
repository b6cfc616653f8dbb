/**
 * Every file of the set by path below `vectors/`, as text.
 *
 * Spec: vectors/README.md (manifest).
 */
import { hex, utf8 } from "./bytes.ts"
import type { Family } from "./family.ts"
import { families } from "./families/index.ts"
import { licence, protocolVersion, suiteVersion, type VectorFile } from "./model.ts"
import { sha256 } from "./prim.ts"
import { schemaOf } from "./schema.ts"
import { digest } from "./spec.ts"
import { merkleRoot, toText } from "./write.ts"

/** Rule ids that some case or step cites. */
export const cited = (files: ReadonlyArray<VectorFile>): ReadonlySet<string> =>
  new Set(
    files.flatMap((file) => [
      ...file.cases.flatMap((item) => [...item.clauses, ...(item.trace ?? []).flatMap((step) => step.clause ?? [])]),
      ...Object.values(file.worlds).flatMap((world) => world.trace.flatMap((step) => step.clause ?? []))
    ])
  )

const schemaPath = (family: Family): string => `schema/${family.name}.json`

/** Texts by path. */
export const outputs = (): ReadonlyMap<string, string> => {
  const out = new Map<string, string>()
  const built = families.map(({ build, family }) => ({ family, files: build() }))
  const entries: Array<{ readonly [name: string]: string | number }> = []
  for (const { family, files } of built) {
    out.set(schemaPath(family), toText(schemaOf(family)))
    for (const file of files) {
      const path = `${family.name}/${file.topic}.json`
      const text = toText(file)
      const bytes = utf8(text)
      out.set(path, text)
      entries.push({
        path,
        sha256: hex(sha256(bytes)),
        size: bytes.length,
        family: family.id,
        schema: schemaPath(family),
        count: file.count,
        valid: file.cases.filter((item) => item.verdict === "valid").length,
        invalid: file.cases.filter((item) => item.verdict === "invalid").length
      })
    }
  }
  const files = entries.sort((a, b) => (String(a["path"]) < String(b["path"]) ? -1 : 1))
  const all = built.flatMap(({ files: some }) => some)
  out.set(
    "manifest.json",
    toText({
      schema: "tacit/manifest/1",
      suite: suiteVersion,
      protocol: protocolVersion,
      licence,
      rules: digest(cited(all)),
      root: merkleRoot(files as unknown as ReadonlyArray<{ path: string; sha256: string }>),
      count: all.reduce((sum, file) => sum + file.count, 0),
      files
    })
  )
  return out
}
