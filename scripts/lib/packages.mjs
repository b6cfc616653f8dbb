// The packages that are published: where they are, and their tarballs.
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./repo.mjs"

/** Folder and manifest of every package that is not private, sorted by folder. */
export const published = () =>
  [
    ...readdirSync(join(root, "packages"))
      .sort((a, b) => (a < b ? -1 : 1))
      .map((name) => `packages/${name}`),
    "vectors",
    "conformance"
  ]
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) }))
    .filter(({ manifest }) => manifest.private !== true)

/** Packs every published package into `to`. Answers `{ folder, manifest, file, files }`: tarball and the paths in it. */
export const pack = (to) =>
  published().map((one) => {
    const output = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", to], {
      cwd: join(root, one.folder),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    })
    const parsed = JSON.parse(output)
    const [packed] = Array.isArray(parsed) ? parsed : Object.values(parsed)
    return { ...one, file: join(to, packed.filename), files: packed.files.map((file) => file.path) }
  })
