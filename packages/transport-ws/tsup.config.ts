import { defineConfig } from "tsup"
import { base } from "../../tsup.base.ts"

export default defineConfig(base({ entry: ["src/index.ts", "src/portable.ts", "src/frames.ts", "src/carrier.ts"] }))
