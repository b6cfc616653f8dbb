/**
 * Every published vector against the source it stands beside: what a mutant has to survive.
 *
 * Spec: vectors/README.md.
 * One test a file, so that a mutant runs the files only that reach it.
 */
import { readFileSync } from "node:fs"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { expect, it } from "vitest"
import { runFile, type RunnableFile } from "../../vectors/interpret/run.ts"

const root = new URL("../../vectors/", import.meta.url)
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, root), "utf8"))
const manifest = read("manifest.json") as { readonly files: ReadonlyArray<{ readonly path: string }> }
const provider = await loadNodeProvider()

for (const { path } of manifest.files) {
  it(`gives what ${path} says`, () => {
    expect(runFile(provider, read(path) as RunnableFile).filter(({ problem }) => problem !== undefined)).toEqual([])
  })
}
