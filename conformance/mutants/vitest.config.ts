import { defineConfig } from "vitest/config"

const source = ["@tacit/source"]
const conditions = [...source, "module", "node", "development|production"]

/** What is tried on mutants: the vectors, the properties, or the core's own tests of what is mutated. */
const tried = process.env["TACIT_MUTANTS"] ?? "vectors"
const folders = "{agreement,codec,envelope,identity,ratchet,safety,sequence,session}"

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: source } },
  test: {
    include: [
      tried === "tests" ? `packages/core/test/${folders}/*.test.ts` : `conformance/mutants/${tried}.mutants.ts`
    ],
    pool: "threads",
    testTimeout: 120_000
  }
})
