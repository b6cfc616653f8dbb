// Removes what a build left: each package's `dist`. A build starts from nothing, so that no old chunk is packed.
import { readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { root } from "./lib/repo.mjs"

const folders = [...readdirSync(join(root, "packages")).map((name) => `packages/${name}`), "conformance"]
for (const folder of folders) {
  rmSync(join(root, folder, "dist"), { recursive: true, force: true })
}
