import { defineConfig } from "vitest/config"

const source = ["@tacit/source"]
const conditions = [...source, "module", "node", "development|production"]

/** The vectors as tests of mutants: nothing else of the project's tests. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: source } },
  test: { include: ["conformance/mutants/vectors.mutants.ts"], pool: "threads", testTimeout: 120_000 }
})
