// What a tarball must hold and must not hold.
import { describe, expect, it } from "vitest"
import { checkFiles, targetsOf } from "./check-packages.mjs"

const manifest = {
  name: "@tacit/demo",
  bin: { demo: "dist/main.js" },
  exports: {
    ".": { "@tacit/source": "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" },
    "./*.json": "./*.json"
  }
}
const files = [
  "LICENSE",
  "README.md",
  "package.json",
  "dist/main.js",
  "dist/index.js",
  "dist/index.d.ts",
  "src/index.ts"
]

describe("check-packages", () => {
  it("wants every file that the maps lead to, the licence and the introduction", () => {
    expect(targetsOf(manifest)).toEqual(["src/index.ts", "dist/index.d.ts", "dist/index.js", "dist/main.js"])
    expect(checkFiles(manifest, files)).toEqual([])
    for (const gone of files.filter((path) => path !== "package.json")) {
      expect(
        checkFiles(
          manifest,
          files.filter((path) => path !== gone)
        )
      ).toEqual([`@tacit/demo lacks ${gone}`])
    }
  })

  it.each(["src/index.test.ts", "dist/.tsbuildinfo", "dist/.tsbuildinfo.node", "test/a.ts", "node_modules/a/index.js"])(
    "refuses %s",
    (path) => {
      expect(checkFiles(manifest, [...files, path])).toEqual([`@tacit/demo packs ${path}`])
    }
  )
})
