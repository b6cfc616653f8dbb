/**
 * Every published vector against both providers.
 *
 * Spec: vectors/README.md.
 * One test a file and provider; a failure names every case that failed. Cases flagged Soak run when TACIT_SOAK is set.
 */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { nobleProvider } from "@tacit/core/crypto/noble"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { describe, expect, it } from "vitest"
import { runFile, type RunnableFile } from "../../../../vectors/interpret/run.ts"

const soak = process.env["TACIT_SOAK"] !== undefined
const root = fileURLToPath(new URL("../../../../vectors/", import.meta.url))
const read = (path: string): unknown => JSON.parse(readFileSync(root + path, "utf8"))
const manifest = read("manifest.json") as {
  readonly files: ReadonlyArray<{ readonly path: string; readonly count: number }>
}

for (const provider of [nobleProvider, await loadNodeProvider()]) {
  describe(`vectors with the provider ${provider.name}`, () => {
    for (const { count, path } of manifest.files) {
      it(`gives what ${path} says, ${count} cases`, () => {
        const outcomes = runFile(provider, read(path) as RunnableFile, { soak })
        expect(outcomes.filter(({ problem }) => problem !== undefined)).toEqual([])
        expect(outcomes.length).toBe(count)
      }, 120_000)
    }
  })
}
