import { defineConfig } from "vitest/config"

const source = ["@tacit/source"]
const conditions = [...source, "module", "node", "development|production"]

/** The vectors, or the properties, as tests of mutants: nothing else of the project's tests. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: source } },
  test: {
    include: [`conformance/mutants/${process.env["TACIT_MUTANTS"] ?? "vectors"}.mutants.ts`],
    pool: "threads",
    testTimeout: 120_000
  }
})
