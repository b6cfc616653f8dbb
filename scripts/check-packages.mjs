// What is published is right: each package is packed, and the tarball, not the folder, is looked at.
//
// publint --strict and attw (ESM only) judge the manifest and the types; this adds what must not be packed and what
// must. Needs a build. Does not install anything: scripts/check-tarballs.mjs does.
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pack } from "./lib/packages.mjs"
import { isMain, report, root } from "./lib/repo.mjs"

/** Runs a program of the workspace over a tarball; a problem if it does not end well. */
const judge = (name, program, args) => {
  const done = spawnSync(process.execPath, [join(root, "node_modules", program), ...args], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" }
  })
  return done.status === 0
    ? []
    : [`${name}, ${program.split("/src/")[0].split("/dist/")[0]}:\n${done.stdout}${done.stderr}`.trimEnd()]
}

/** The files that an exports map and a bin map lead to, without the private condition's. */
export const targetsOf = (manifest) => {
  const found = []
  const visit = (value) => {
    if (typeof value === "string") found.push(value)
    else if (value !== null && typeof value === "object") Object.values(value).forEach(visit)
  }
  visit(manifest.exports)
  visit(manifest.bin)
  return [...new Set(found.filter((path) => !path.includes("*")).map((path) => path.replace(/^\.\//, "")))]
}

/** Problems of the list of files in a tarball. */
export const checkFiles = (manifest, files) => {
  const packed = new Set(files)
  const problems = []
  for (const path of ["LICENSE", "README.md", ...targetsOf(manifest)]) {
    if (!packed.has(path)) problems.push(`${manifest.name} lacks ${path}`)
  }
  for (const path of files) {
    if (/\.test\.ts$|(^|\/)\.tsbuildinfo|(^|\/)node_modules\/|(^|\/)test\//.test(path)) {
      problems.push(`${manifest.name} packs ${path}`)
    }
  }
  return problems
}

if (isMain(import.meta)) {
  const folder = mkdtempSync(join(tmpdir(), "tacit-pack-"))
  try {
    const tarballs = pack(folder)
    const problems = tarballs.flatMap(({ manifest, file, files }) => [
      ...checkFiles(manifest, files),
      ...judge(manifest.name, "publint/src/cli.js", ["run", file, "--strict"]),
      ...judge(manifest.name, "@arethetypeswrong/cli/dist/index.js", [file, "--profile", "esm-only", "--no-emoji"])
    ])
    report("check-packages", problems, `${tarballs.length} tarballs`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
