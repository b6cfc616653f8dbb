import { defineConfig } from "vitest/config"

const source = ["@tacit/source"]
const conditions = [...source, "module", "node", "development|production"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: source } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "conformance/**/*.test.ts",
      "vectors/**/*.test.ts",
      "scripts/**/*.test.ts"
    ],
    exclude: ["**/node_modules/**", "**/dist/**"],
    pool: "threads",
    // Many tests wait for processes, brokers and clocks: as many at a time as a small machine has processors.
    maxWorkers: 2,
    testTimeout: 20_000,
    coverage: { provider: "v8", include: ["packages/*/src/**", "conformance/src/**"], reporter: ["text-summary"] }
  }
})
