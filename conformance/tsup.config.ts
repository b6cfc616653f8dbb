import { defineConfig } from "tsup"
import { base } from "../tsup.base.ts"

export default defineConfig(
  base({
    entry: {
      index: "src/index.ts",
      main: "src/main/main.ts",
      words: "src/words/index.ts",
      "worker-host": "src/subject/WorkerHost.ts",
      "subjects/reference": "subjects/reference/index.ts",
      "subjects/reference-program": "subjects/reference/main.ts"
    }
  })
)
