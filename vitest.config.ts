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
    coverage: { provider: "v8", include: ["packages/*/src/**", "conformance/src/**"], reporter: ["text-summary"] }
  }
})
