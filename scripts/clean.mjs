// Removes what a build left: each package's `dist`. A build starts from nothing, so that no old chunk is packed.
import { readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { root } from "./lib/repo.mjs"

for (const name of readdirSync(join(root, "packages"))) {
  rmSync(join(root, "packages", name, "dist"), { recursive: true, force: true })
}
