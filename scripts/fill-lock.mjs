// Completes package-lock.json after `npm install`, so that `npm ci` takes it.
//
// Some packages list optional platform binaries that the registry lacks at the wanted version. `npm install` leaves
// them out of the lock and `npm ci` then misses them. This adds one inert entry for each: never installed on a
// platform it does not match. Run it after every change of dependencies. Does not touch entries that exist.
import { readFileSync, writeFileSync } from "node:fs"

const file = "package-lock.json"
const lock = JSON.parse(readFileSync(file, "utf8"))
const packages = lock.packages

const systems = ["android", "darwin", "freebsd", "linux", "openbsd", "netbsd", "sunos", "aix", "win32", "openharmony"]
const processors = ["arm64", "x64", "ia32", "arm", "ppc64", "riscv64", "s390x", "loong64", "wasm32"]

/** Whether `name` has an entry that a package at `from` would resolve to. */
const resolves = (from, name) => {
  for (let at = from; ;) {
    if (packages[`${at ? `${at}/` : ""}node_modules/${name}`]) return true
    if (!at) return false
    const parent = at.lastIndexOf("/node_modules/")
    at = parent < 0 ? "" : at.slice(0, parent)
  }
}

let added = 0
for (const [at, meta] of Object.entries(packages)) {
  for (const [name, range] of Object.entries(meta.optionalDependencies ?? {})) {
    if (resolves(at, name) || !/^\d+\.\d+\.\d+/.test(range)) continue
    const words = name.split("/").pop().split(/[-_]/)
    const os = systems.filter((system) => words.includes(system))
    const cpu = processors.filter((processor) => words.includes(processor))
    const libc = words.includes("musl") ? ["musl"] : words.includes("gnu") ? ["glibc"] : []
    packages[`node_modules/${name}`] = {
      version: range,
      ...(cpu.length > 0 && { cpu }),
      ...(meta.dev && { dev: true }),
      optional: true,
      ...(os.length > 0 && { os }),
      ...(libc.length > 0 && { libc })
    }
    added++
  }
}

const [root, ...rest] = Object.entries(packages)
lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => a.localeCompare(b, "en"))])
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`fill-lock: ${added} entries added`)
