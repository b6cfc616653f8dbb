/**
 * The version of this kit, as package.json says it.
 */
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** package.json lies above this file, in the source tree two folders and in the built one one. */
const read = (from: string): string => {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { readonly version?: string }
      return manifest.version ?? "0.0.0"
    } catch (error) {
      if (folder === dirname(folder)) throw error
    }
  }
}

/** Such as `0.1.0`. */
export const kit: string = read(fileURLToPath(import.meta.url))
