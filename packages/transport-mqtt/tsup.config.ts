import { defineConfig } from "tsup"
import { base } from "../../tsup.base.ts"

export default defineConfig(
  base({
    entry: {
      index: "src/index.ts",
      wire: "src/wire.ts",
      "nes/index": "src/nes/index.ts",
      "nes/directory/index": "src/nes/directory/index.ts",
      broker: "src/broker.ts"
    }
  })
)
