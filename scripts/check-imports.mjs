// Who may import whom, and what the pure folders of core may not do.
//
// Keeps the rules that the linter has no words for: directions between packages and between the folders of core, the
// exports maps, `throw` in pure code, and the one home of labels. Names of the platform, cycles, default exports and
// `async` are kept by `.oxlintrc.json`. Does not resolve types and runs nothing.
import { builtinModules } from "node:module"
import { posix } from "node:path"
import { parseSync } from "vite"
import { isMain, lineAt, listFiles, readText, report, root } from "./lib/repo.mjs"
import { nodes, spelled } from "./lib/syntax.mjs"

/** What the benchmark measures by itself, though no package exports it. */
const measured = { "bench/src/EffectLayer.ts": "packages/core/src/client/internal/lock.ts" }

/** What each package may import of ours: a whole package by its name, or one entry of it. */
const workspace = {
  core: [],
  "transport-ws": ["@tacit/core"],
  "transport-mqtt": ["@tacit/core", "@tacit/transport-ws/carrier"],
  storage: ["@tacit/core"],
  relay: ["@tacit/core", "@tacit/storage", "@tacit/transport-ws/frames", "@tacit/transport-mqtt/wire"],
  bots: ["@tacit/core", "@tacit/storage", "@tacit/transport-ws", "@tacit/transport-mqtt"],
  cli: [
    "@tacit/core",
    "@tacit/storage",
    "@tacit/transport-ws",
    "@tacit/transport-mqtt",
    "@tacit/relay",
    "@tacit/bots",
    "@tacit/vectors",
    "@tacit/conformance"
  ],
  conformance: ["@tacit/core", "@tacit/vectors"]
}

/** Folders of core from the bottom up. A file imports from its own row and from rows above it in this list. */
const layers = [
  ["base"],
  ["codec"],
  ["crypto"],
  [
    "envelope",
    "identity",
    "agreement",
    "ratchet",
    "sequence",
    "safety",
    "trust",
    "group",
    "rendezvous",
    "attachment",
    "vault",
    "link",
    "call"
  ],
  ["ports"],
  ["session", "history"],
  ["client"],
  ["promise", "testing"]
]
const rankOf = new Map(layers.flatMap((folders, rank) => folders.map((folder) => [folder, rank])))
/** Folders of pure steps: the rows below `ports`. */
const pureRank = rankOf.get("ports")

/** Modules of Effect that are values without a runtime. */
const pureEffect = new Set(["effect/Result", "effect/Data", "effect/Schema"])

const labels = "packages/core/src/crypto/Labels.ts"
const noble = "packages/core/src/crypto/Noble.ts"
const native = "packages/core/src/crypto/Node.ts"
const sodium = "packages/core/src/crypto/Sodium.ts"
const defects = "packages/core/src/base/Defect.ts"

const isBuiltin = (specifier) => specifier.startsWith("node:") || builtinModules.includes(specifier.split("/")[0])

const packageName = (specifier) =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

const isTest = (path) => path.endsWith(".test.ts") || /^(packages\/[^/]+|conformance)\/test\//.test(path)

/** The package whose source a file is. */
const ownerOf = (path) => /^(?:packages\/([^/]+)|(conformance))\/src\//.exec(path)?.slice(1).find(Boolean)

const folderOfPackage = (owner) => (owner === "conformance" ? "conformance/" : `packages/${owner}/`)

/** What a node imports, if it imports: the specifier and whether only types come along. */
const imported = (node) => {
  switch (node.type) {
    case "ImportDeclaration":
      return { specifier: node.source.value, typeOnly: node.importKind === "type" }
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
      return node.source ? { specifier: node.source.value, typeOnly: node.exportKind === "type" } : undefined
    case "ImportExpression":
    case "TSImportType":
      return typeof node.source.value === "string"
        ? { specifier: node.source.value, typeOnly: node.type === "TSImportType" }
        : undefined
    default:
      return undefined
  }
}

const folderOf = (path) => {
  const [first, second] = path.slice("packages/core/src/".length).split("/")
  return second === undefined ? undefined : first
}

/** Rules about `specifier` inside the source of core. Yields messages. */
function* coreImport(path, { specifier, typeOnly }) {
  const folder = folderOf(path)
  const rank = folder === undefined ? layers.length : rankOf.get(folder)
  if (rank === undefined) {
    yield `[layer] the folder ${folder} has no place in the layers of scripts/check-imports.mjs`
    return
  }
  const pure = rank < pureRank
  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(path), specifier)
    if (!target.startsWith("packages/core/src/")) return
    const targetFolder = folderOf(target)
    const targetRank = targetFolder === undefined ? layers.length : (rankOf.get(targetFolder) ?? -1)
    if (targetRank > rank) yield `[layer] ${folder} lies below ${targetFolder ?? "the entry points"}: ${specifier}`
    if (folder === "ports" && targetRank < rank && !typeOnly)
      yield `[ports] ports take only types from below: ${specifier}`
    if (
      (target === noble || target === native || target === sodium) &&
      rank <= rankOf.get("session") &&
      folder !== "crypto"
    ) {
      yield `[provider] the provider arrives as an argument: ${specifier}`
    }
    return
  }
  if (isBuiltin(specifier)) {
    if (path !== native) yield `[platform] only crypto/Node.ts names the platform: ${specifier}`
    return
  }
  if (packageName(specifier).startsWith("@noble/")) {
    if (path !== noble) yield `[noble] only crypto/Noble.ts imports the primitives: ${specifier}`
    return
  }
  if (packageName(specifier) === "libsodium-sumo") {
    if (path !== sodium) yield `[platform] only crypto/Sodium.ts imports libsodium: ${specifier}`
    return
  }
  if (packageName(specifier) === "msgpackr") {
    if (folder !== "codec") yield `[codec] only the codec imports msgpackr: ${specifier}`
    return
  }
  if (packageName(specifier) === "effect") {
    if (pure && path !== native && !pureEffect.has(specifier)) {
      yield `[pure] a pure folder takes only ${[...pureEffect].join(", ")} of Effect: ${specifier}`
    }
    return
  }
  if (packageName(specifier) === "fast-check" && folder === "testing" && typeOnly) return
  if (!specifier.startsWith("@tacit/")) yield `[platform] core depends on no ${specifier}`
}

/** Rules about the specifiers of one file. Yields messages. */
function* importRules(path, manifests, found) {
  const { specifier } = found
  const owner = ownerOf(path)
  const source = owner !== undefined && !isTest(path)
  if (source && specifier === "effect") yield "[barrel] import the module, as in effect/Result, not the barrel"

  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(path), specifier)
    const from = /^packages\/[^/]+\//.exec(path)?.[0]
    const into = /^packages\/[^/]+\//.exec(target)?.[0]
    if (into !== undefined && into !== from && measured[path] !== target)
      yield `[deep] reach another package by its name: ${specifier}`
    if (target.startsWith("conformance/") && !path.startsWith("conformance/")) {
      yield `[conformance] nothing imports the conformance kit: ${specifier}`
    }
    if (source && !target.startsWith(folderOfPackage(owner))) yield `[deep] a package is closed in itself: ${specifier}`
  } else if (specifier.startsWith("@tacit/")) {
    const name = packageName(specifier)
    const manifest = manifests.get(name)
    const entry = `.${specifier.slice(name.length)}`
    if (manifest?.exports !== undefined && !exported(manifest.exports, entry)) {
      yield `[exports] ${name} does not export ${entry}`
    }
    if (source && !workspace[owner]?.some((allowed) => specifier === allowed || specifier.startsWith(`${allowed}/`))) {
      yield `[direction] ${owner} may not import ${specifier}`
    }
    const judges = owner === "cli" || path.startsWith("conformance/") || path.startsWith("bench/")
    if (name === "@tacit/conformance" && !judges) {
      yield `[conformance] nothing imports the conformance kit: ${specifier}`
    }
  }

  if (source && !specifier.startsWith(".") && !isBuiltin(specifier)) {
    const manifest = manifests.get(`@tacit/${owner}`)
    const name = packageName(specifier)
    if (manifest !== undefined && !declared(manifest, name)) yield `[declared] ${owner} does not depend on ${name}`
  }
  if (source && owner === "core") yield* coreImport(path, found)
}

const exported = (exports, entry) =>
  Object.keys(exports).some((key) =>
    key.includes("*") ? entry.startsWith(key.split("*")[0]) && entry.endsWith(key.split("*")[1]) : key === entry
  )

const declared = (manifest, name) =>
  manifest.name === name ||
  [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies].some(
    (group) => group?.[name] !== undefined
  )

/**
 * Problems of one file. `manifests` maps the names of our packages to their package.json. Each problem reads
 * `path:line: [rule] message`.
 */
export const checkFile = (path, text, manifests) => {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) return [`${path}:1: [parse] ${errors[0].message}`]
  const owner = ownerOf(path)
  const source = owner !== undefined && !isTest(path)
  const pure = source && owner === "core" && (rankOf.get(folderOf(path)) ?? pureRank) < pureRank
  const problems = []
  const add = (node, message) => problems.push(`${path}:${lineAt(text, node.start)}: ${message}`)

  if (source && /(^|\/)utils?\.ts$/i.test(path)) add(program, "[name] a file is named after a noun, not utils")
  for (const node of nodes(program)) {
    const found = imported(node)
    if (found !== undefined) for (const message of importRules(path, manifests, found)) add(node, message)
    if (pure && node.type === "ThrowStatement" && path !== defects) {
      add(node, "[throw] a step returns its failure; a mistake of our caller goes through base/Defect.ts")
    }
    if (source && path !== labels && /^tacit\/\d+ /.test(spelled(node) ?? "")) {
      add(node, "[label] only crypto/Labels.ts spells a label")
    }
  }
  return problems
}

/** Problems of the tree at `base`. */
export const check = (base) => {
  const files = listFiles(base)
  const manifests = new Map(
    files
      .filter((path) => /^((packages\/[^/]+|vectors|conformance)\/)package\.json$/.test(path))
      .map((path) => JSON.parse(readText(base, path)))
      .map((manifest) => [manifest.name, manifest])
  )
  const sources = files.filter(
    (path) => /^(packages|examples|conformance|bench|scripts|vectors)\/.*\.ts$/.test(path) && !path.endsWith(".d.ts")
  )
  return {
    files: sources.length,
    problems: sources.flatMap((path) => checkFile(path, readText(base, path), manifests))
  }
}

if (isMain(import.meta)) {
  const { files, problems } = check(root)
  report("check-imports", problems, `${files} files keep the import rules`)
}
