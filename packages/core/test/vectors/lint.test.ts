/**
 * The vector files themselves: schemas, links, derivations, twins, manifest, and that the generator still gives them.
 *
 * Spec: vectors/README.md.
 */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import Ajv from "ajv/dist/2020.js"
import { describe, expect, it } from "vitest"
import { duplicateKeys, lintFile, lintSet, type Context } from "../../../../vectors/generate/lint.ts"
import type { VectorFile } from "../../../../vectors/generate/model.ts"
import { cited, outputs } from "../../../../vectors/generate/outputs.ts"
import { hex, utf8 } from "../../../../vectors/generate/bytes.ts"
import { sha256 } from "../../../../vectors/generate/prim.ts"
import { digest, rules } from "../../../../vectors/generate/spec.ts"
import { merkleRoot } from "../../../../vectors/generate/write.ts"

const root = fileURLToPath(new URL("../../../../vectors/", import.meta.url))
const text = (path: string): string => readFileSync(root + path, "utf8")
interface Entry {
  readonly path: string
  readonly sha256: string
  readonly size: number
  readonly schema: string
  readonly count: number
  readonly valid: number
  readonly invalid: number
}
const manifest = JSON.parse(text("manifest.json")) as {
  readonly rules: string
  readonly root: string
  readonly count: number
  readonly files: ReadonlyArray<Entry>
}
const files = manifest.files.map(({ path }) => JSON.parse(text(path)) as VectorFile)

const ajv = new Ajv.default({ strict: true, strictTypes: false, strictTuples: false, allErrors: false })
const validators = new Map(
  [...new Set(manifest.files.map(({ schema }) => schema))].map((path) => [
    path.replace(/^schema\/(.*)\.json$/, "$1"),
    ajv.compile(JSON.parse(text(path)) as object)
  ])
)
const context: Context = {
  rules: new Set(rules().keys()),
  adversarial: new Set(["encoding", "envelope", "agreement", "ratchet", "sequence", "identity", "vault", "linking"]),
  validate: (file) => {
    const validate = validators.get(file.family)
    if (validate === undefined) return ["no schema"]
    // One case at a time, so that a complaint names the case; the head with the first one.
    const complaints: Array<string> = []
    for (const item of file.cases) {
      if (!validate({ ...file, cases: [item] })) {
        complaints.push(`${item.id}: ${ajv.errorsText(validate.errors?.slice(-3))}`)
      }
    }
    return complaints
  }
}

describe("vector files", () => {
  it("are what the generator gives; after a change of the spec or the generator run `npm run vectors`", () => {
    const wanted = outputs()
    const different = [...wanted].filter(([path, content]) => text(path) !== content).map(([path]) => path)
    expect(different).toEqual([])
  }, 300_000)

  for (const [index, { path }] of manifest.files.entries()) {
    it(`keep the rules of the set: ${path}`, () => {
      expect(duplicateKeys(text(path))).toEqual([])
      expect(text(path).endsWith("}\n")).toBe(true)
      expect(lintFile(files[index]!, context)).toEqual([])
    }, 120_000)
  }

  it("have ids of their own and enough to refuse", () => {
    expect(lintSet(files, context)).toEqual([])
  })

  it("are listed in the manifest with digest, size, counts and root", () => {
    const listed = readdirSync(root, { recursive: true, encoding: "utf8" })
      .map((path) => path.replaceAll("\\", "/"))
      .filter((path) => /^[a-z]+\/[a-z0-9-]+\.json$/.test(path) && !/^(?:schema|wycheproof)\//.test(path))
    expect(manifest.files.map(({ path }) => path)).toEqual(listed.sort())
    for (const [index, entry] of manifest.files.entries()) {
      const bytes = utf8(text(entry.path))
      const { cases } = files[index]!
      expect(entry).toMatchObject({
        sha256: hex(sha256(bytes)),
        size: bytes.length,
        count: cases.length,
        valid: cases.filter(({ verdict }) => verdict === "valid").length,
        invalid: cases.filter(({ verdict }) => verdict === "invalid").length
      })
    }
    expect(manifest.root).toBe(merkleRoot(manifest.files))
    expect(manifest.count).toBe(files.reduce((sum, { count }) => sum + count, 0))
  })

  it("were made for the present wording of the rules they cite", () => {
    expect(manifest.rules).toBe(digest(cited(files)))
  })
})

describe("the interpreter", () => {
  it("imports nothing from its host, so that it runs in a browser", () => {
    const names = readdirSync(`${root}interpret`)
    for (const name of names) {
      const imports = [...text(`interpret/${name}`).matchAll(/from "([^"]+)"/g)].map((match) => match[1]!)
      expect(imports.filter((from) => !/^(?:\.\/|@tacit\/core\/|effect\/)/.test(from))).toEqual([])
    }
  })
})

describe("duplicate keys", () => {
  it("are found in nested objects and not across objects", () => {
    expect(duplicateKeys('{"a":1,"b":{"a":2,"a":3}}')).toEqual(['"a"'])
    expect(duplicateKeys('[{"a":1},{"a":":{\\"a\\":1}"}]')).toEqual([])
  })
})
