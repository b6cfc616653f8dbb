/**
 * Whether a suite is what its manifest says, and whether everything in it follows from what it claims to follow from.
 *
 * Spec: vectors/README.md; docs/spec/21-conformance.md §21.4 (result.exit.1).
 * Checks files, hashes and root, schemas, twins and deltas, and recomputes every derivation; then asks the second verifier, in Go, to
 * do the same with code of its own. It asks no implementation anything.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, relative, resolve as absolute } from "node:path"
import type { CryptoProvider } from "@tacit/core/hazmat"
import { merkleRoot } from "../suite/Suite.ts"
import * as Derivation from "./Derivation.ts"
import * as Folder from "./Folder.ts"
import { validator } from "./JsonSchema.ts"
import { hex, isObject, resolve, unhex, type Case, type Manifest, type TraceStep, type VectorFile } from "./Model.ts"
import { compute } from "./Recompute.ts"
import * as Twin from "./Twin.ts"

/** One check: what was done, and what is wrong. */
export interface Check {
  readonly name: string
  readonly did: string
  readonly problems: ReadonlyArray<string>
  /** Why it was not done. */
  readonly skipped?: string
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Keys that stand twice in one object of a JSON text. */
export const duplicateKeys = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  const open: Array<Set<string> | undefined> = []
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    const [token, colon] = match
    if (token === "{") open.push(new Set())
    else if (token === "[") open.push(undefined)
    else if (token === "}" || token === "]") open.pop()
    else if (colon !== undefined) {
      const key = token.slice(0, token.lastIndexOf('"') + 1)
      const keys = open.at(-1)
      if (keys?.has(key) === true) found.push(key)
      keys?.add(key)
    }
  }
  return found
}

/** Vector files that lie in the folder, by path. */
const present = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter(
      (path) =>
        /^[a-z0-9-]+\/[a-z0-9-]+\.json$/.test(path) && !/^(?:schema|wycheproof|verify|generate|interpret)\//.test(path)
    )

const checkManifest = (folder: string, manifest: Manifest): Check => {
  const problems: Array<string> = []
  let bytes = 0
  for (const entry of manifest.files) {
    const path = join(folder, entry.path)
    if (!existsSync(path)) {
      problems.push(`${entry.path}: is not there`)
      continue
    }
    const content = readFileSync(path)
    bytes += content.length
    if (content.length !== entry.size)
      problems.push(`${entry.path}: has ${content.length} bytes, the manifest says ${entry.size}`)
    if (sha256(content) !== entry.sha256) problems.push(`${entry.path}: is not the file of the manifest`)
  }
  const listed = new Set(manifest.files.map(({ path }) => path))
  for (const path of present(folder)) if (!listed.has(path)) problems.push(`${path}: is not in the manifest`)
  const root = merkleRoot(manifest.files)
  if (root !== manifest.root) problems.push(`the root is ${root}, the manifest says ${manifest.root}`)
  return {
    name: "manifest",
    did: `${manifest.files.length} files, ${(bytes / 1e6).toFixed(1)} MB, root ${manifest.root}`,
    problems
  }
}

const checkSchemas = (folder: Folder.Folder): Check => {
  const problems: Array<string> = []
  const validators = new Map<string, (value: unknown) => string | undefined>()
  for (const entry of folder.manifest.files) {
    const held = folder.files.find(({ path }) => path === entry.path)
    if (held === undefined) continue
    let validate = validators.get(entry.schema)
    if (validate === undefined) {
      const path = join(folder.path, entry.schema)
      if (!existsSync(path)) {
        problems.push(`${entry.schema}: is not there`)
        continue
      }
      validate = validator(JSON.parse(readFileSync(path, "utf8")) as { readonly [keyword: string]: unknown })
      validators.set(entry.schema, validate)
    }
    // One case at a time, so that a complaint names the case; what they share with the first one.
    const { file } = held
    for (const [index, item] of file.cases.entries()) {
      const problem = validate({ ...file, cases: [item], ...(index === 0 ? {} : { worlds: {}, notes: {} }) })
      if (problem !== undefined) problems.push(`${entry.path} ${item.id}: ${problem}`)
    }
    for (const key of duplicateKeys(held.text))
      problems.push(`${entry.path}: the key ${key} stands twice in one object`)
  }
  return { name: "schemas", did: `${folder.files.length} files against ${validators.size} schemas`, problems }
}

const checkCases = (folder: Folder.Folder): Check => {
  const problems: Array<string> = []
  const ids = new Set<string>()
  let deltas = 0
  for (const { file, path } of folder.files) {
    const entry = folder.manifest.files.find((of) => of.path === path)
    const count = (verdict: Case["verdict"]): number => file.cases.filter((item) => item.verdict === verdict).length
    if (file.count !== file.cases.length || entry?.count !== file.count) problems.push(`${path}: the count is wrong`)
    if (entry?.valid !== count("valid") || entry.invalid !== count("invalid"))
      problems.push(`${path}: the manifest counts otherwise`)
    for (const item of file.cases) {
      if (ids.has(item.id)) problems.push(`${item.id}: is there twice`)
      ids.add(item.id)
      for (const flag of item.flags) if (file.notes[flag] === undefined) problems.push(`${item.id}: no note ${flag}`)
      problems.push(...references(file, item), ...Twin.complaints(file, item).map((text) => `${item.id}: ${text}`))
      if (item.verdict === "invalid") deltas++
    }
  }
  if (folder.manifest.count !== ids.size)
    problems.push(`there are ${ids.size} cases, the manifest says ${folder.manifest.count}`)
  return {
    name: "twins",
    did: `${ids.size} cases, ${deltas} deltas lead from a valid twin to a case that must be refused`,
    problems
  }
}

/** References of a case that lead nowhere, and recipes whose digest is wrong. */
const references = (file: VectorFile, item: Case): ReadonlyArray<string> => {
  const { look } = Derivation.of(file, item)
  const problems: Array<string> = []
  const recipes = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(recipes)
    else if (isObject(value)) {
      if (typeof value["pattern"] === "string" && typeof value["sha256"] === "string") {
        const text = resolve(value, look)
        if (typeof text === "string" && sha256(unhex(text)) !== value["sha256"])
          problems.push(`${item.id}: the digest of a recipe is wrong`)
      } else Object.values(value).forEach(recipes)
    }
  }
  try {
    resolve([item.in ?? {}, item.out ?? {}, ...(item.script ?? []).map((step) => [step.in, step.out ?? {}])], look)
    recipes([item.in, item.out, item.script])
  } catch (error) {
    problems.push(`${item.id}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return problems
}

/**
 * Every derivation of a file, recomputed: how many steps, and what is wrong. A step stands on the published outputs of those before
 * it, or with `carry` on what was computed for them, so that everything follows from the seed alone.
 */
export const recomputeFile = (
  crypto: CryptoProvider,
  file: VectorFile,
  seed: Uint8Array,
  carry = false
): { readonly steps: number; readonly problems: ReadonlyArray<string> } => {
  const problems: Array<string> = []
  let steps = 0
  const walk = (
    where: string,
    trace: ReadonlyArray<TraceStep>,
    above: ReadonlyMap<string, string>
  ): ReadonlyMap<string, string> => {
    const values = new Map(above)
    for (const step of trace) {
      steps++
      if (values.has(step.id)) problems.push(`${where}: step ${step.id} is there twice`)
      values.set(step.id, step.out)
      try {
        const inputs = Object.fromEntries(
          Object.entries(step.in).map(([name, value]) => [
            name,
            resolve(value, (id) => (id === step.id ? undefined : values.get(id)), name)
          ])
        )
        const out = compute(crypto, seed, step.op, inputs)
        if (out === undefined) problems.push(`${where}: step ${step.id} refuses its input`)
        else if (hex(out) !== step.out)
          problems.push(`${where}: step ${step.id} gives ${hex(out).slice(0, 32)}…, not what is published`)
        if (carry && out !== undefined) values.set(step.id, hex(out))
      } catch (error) {
        problems.push(`${where}: step ${step.id}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    return values
  }
  const worlds = new Map(
    Object.entries(file.worlds).map(([name, world]) => [name, walk(`world ${name}`, world.trace, new Map())])
  )
  for (const item of file.cases) {
    if (item.trace !== undefined) walk(item.id, item.trace, worlds.get(item.world ?? "") ?? new Map())
  }
  return { steps, problems }
}

const checkDerivations = (folder: Folder.Folder, crypto: CryptoProvider): Check => {
  const problems: Array<string> = []
  let steps = 0
  for (const { file, path } of folder.files) {
    const found = recomputeFile(crypto, file, unhex(file.generator.seed))
    steps += found.steps
    problems.push(...found.problems.map((text) => `${path} ${text}`))
  }
  return { name: "derivations", did: `${steps} steps recomputed with the provider ${crypto.name}`, problems }
}

/** The rules the suite was made for, against those that lie beside it. */
const checkRules = (folder: Folder.Folder): Check => {
  const texts = Folder.rules(folder)
  const name = "rules"
  if (Object.keys(texts).length === 0)
    return { name, did: "", problems: [], skipped: "the specification does not lie beside the vectors" }
  const problems: Array<string> = []
  const cited = new Set<string>()
  for (const { file } of folder.files) {
    for (const world of Object.values(file.worlds))
      for (const step of world.trace) if (step.clause !== undefined) cited.add(step.clause)
    for (const item of file.cases) {
      for (const id of item.clauses) cited.add(id)
      for (const step of item.trace ?? []) if (step.clause !== undefined) cited.add(step.clause)
    }
  }
  for (const id of cited) if (texts[id] === undefined) problems.push(`no rule ${id}`)
  const lines = [...cited].sort().map((id) => `${id}\n${texts[id]?.text ?? ""}\n`)
  const digest = `sha256:${sha256(new TextEncoder().encode(lines.join("")))}`
  if (digest !== folder.manifest.rules) problems.push("rules that the vectors cite were reworded since they were made")
  return { name, did: `${cited.size} rules are cited, in the present wording`, problems }
}

/** Where Go may be. */
const goCommand = (): string | undefined =>
  ["go", "/usr/local/go/bin/go"].find((name) => spawnSync(name, ["version"], { stdio: "ignore" }).status === 0)

/** The second verifier: another language, other libraries, other authors of both. */
const checkSecond = (folder: Folder.Folder): Check => {
  const name = "second verifier"
  const source = join(folder.path, "verify")
  if (!existsSync(join(source, "go.mod")))
    return { name, did: "", problems: [], skipped: "its source does not lie beside the vectors" }
  const go = goCommand()
  if (go === undefined)
    return { name, did: "", problems: [], skipped: "there is no Go; see vectors/README.md to run it elsewhere" }
  const ran = spawnSync(go, ["run", ".", absolute(folder.path)], { cwd: source, encoding: "utf8", maxBuffer: 1 << 26 })
  const said = ran.stdout.trim().split("\n").at(-1) ?? ""
  const complaints = ran.stderr.split("\n").filter((line) => line !== "" && !/^exit status|^go: downloading/.test(line))
  return {
    name,
    did: said,
    problems: ran.status === 0 ? [] : complaints.length > 0 ? complaints : [`it ended with ${ran.status ?? "a signal"}`]
  }
}

export interface Options {
  readonly crypto: CryptoProvider
  /** Whether the second verifier is asked as well (default: yes, where Go is). */
  readonly second?: boolean
}

/** Every check of a suite. Throws `Folder.Unreadable` where there is none. */
export const verify = (path: string, options: Options): ReadonlyArray<Check> => {
  let folder: Folder.Folder
  const manifest = Folder.readManifest(path)
  const whole = checkManifest(path, manifest)
  try {
    folder = Folder.read(path)
  } catch (error) {
    if (!(error instanceof Folder.Unreadable)) throw error
    return [{ ...whole, problems: [...whole.problems, error.message] }]
  }
  return [
    whole,
    checkSchemas(folder),
    checkCases(folder),
    checkDerivations(folder, options.crypto),
    checkRules(folder),
    ...(options.second === false ? [] : [checkSecond(folder)])
  ]
}

/** Problems shown of one check; the rest is counted. */
const shown = 20

/** The checks as lines for a terminal. */
export const lines = (checks: ReadonlyArray<Check>): ReadonlyArray<string> => {
  const bad = checks.reduce((sum, check) => sum + check.problems.length, 0)
  return [
    ...checks.flatMap((check) => [
      check.skipped !== undefined
        ? `– ${check.name}: not done, ${check.skipped}`
        : `${check.problems.length === 0 ? "✓" : "✗"} ${check.name}: ${check.did}`,
      ...check.problems.slice(0, shown).map((problem) => `    ${problem}`),
      ...(check.problems.length > shown ? [`    … and ${check.problems.length - shown} more`] : [])
    ]),
    bad === 0 ? "The suite is what its manifest says." : `${bad} problems: do not use this suite.`
  ]
}
