import { defineConfig } from "tsup"
import { base } from "../../tsup.base.ts"

export default defineConfig(
  base({
    entry: [
      "src/index.ts",
      "src/hazmat.ts",
      "src/testing.ts",
      "src/promise.ts",
      "src/crypto/Noble.ts",
      "src/crypto/Sodium.ts",
      "src/crypto/Node.ts"
    ]
  })
)
