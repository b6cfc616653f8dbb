import { defineConfig } from "tsup"
import { base } from "../../tsup.base.ts"

export default defineConfig(
  base({
    entry: {
      "nes/index": "src/nes/index.ts",
      "nes/directory/index": "src/nes/directory/index.ts",
      broker: "src/broker.ts"
    }
  })
)
