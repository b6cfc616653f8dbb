/**
 * The vectors as a suite: read from a folder, held against their manifest, in one list.
 *
 * Spec: vectors/README.md; docs/spec/21-conformance.md §21.4 (result.exit.1).
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { isObject } from "../protocol/Value.ts"
import type { Case, CaseText, FileText } from "./Case.ts"

interface Entry {
  readonly path: string
  readonly sha256: string
  readonly size: number
  readonly count: number
}

interface Manifest {
  readonly suite: string
  readonly protocol: string
  readonly root: string
  readonly count: number
  readonly files: ReadonlyArray<Entry>
}

/** Version, root and cases of a suite. */
export interface Suite {
  readonly folder: string
  readonly version: string
  readonly protocol: string
  readonly root: string
  /** In the order of the manifest; withdrawn ones are left out. */
  readonly cases: ReadonlyArray<Case>
}

/** The files are not those of the manifest: exit code 5. */
export class Tampered extends Error {
  readonly _tag = "Tampered"
}

/** There is no suite at that place: exit code 4. */
export class NoSuite extends Error {
  readonly _tag = "NoSuite"
}

/** The folder of the packaged vectors. */
export const packaged = (): string => dirname(fileURLToPath(import.meta.resolve("@tacit/vectors/manifest.json")))

const sha256 = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest()
}
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The Merkle root over files in order of their paths, in the tree shape of RFC 6962. */
export const merkleRoot = (files: ReadonlyArray<{ readonly path: string; readonly sha256: string }>): string => {
  const leaves = files.map((file) =>
    sha256(Uint8Array.of(0), utf8(file.path), Uint8Array.of(0), Buffer.from(file.sha256, "hex"))
  )
  const tree = (from: number, to: number): Uint8Array => {
    if (to - from === 1) return leaves[from]!
    let half = 1
    while (half * 2 < to - from) half *= 2
    return sha256(Uint8Array.of(1), tree(from, from + half), tree(from + half, to))
  }
  return leaves.length === 0 ? "" : Buffer.from(tree(0, leaves.length)).toString("hex")
}

const readManifest = (folder: string): Manifest => {
  let text: string
  try {
    text = readFileSync(join(folder, "manifest.json"), "utf8")
  } catch {
    throw new NoSuite(`there is no manifest.json in ${folder}`)
  }
  try {
    const manifest = JSON.parse(text) as Manifest
    if (Array.isArray(manifest.files) && typeof manifest.root === "string") return manifest
  } catch {
    // Said below.
  }
  throw new Tampered(`manifest.json in ${folder} cannot be read`)
}

const readFile = (folder: string, entry: Entry): FileText => {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(join(folder, entry.path))
  } catch {
    throw new Tampered(`${entry.path} is in the manifest and not in the folder`)
  }
  if (bytes.length !== entry.size || Buffer.from(sha256(bytes)).toString("hex") !== entry.sha256) {
    throw new Tampered(`${entry.path} is not the file of the manifest`)
  }
  const file = JSON.parse(Buffer.from(bytes).toString("utf8")) as FileText
  if (file.cases.length !== entry.count) throw new Tampered(`${entry.path} holds another number of cases`)
  return file
}

/** Suites that a case names: by its topic, or a `suite` among its inputs. */
const suitesOf = (topic: string, item: CaseText): ReadonlyArray<number> => {
  const found = new Set<number>()
  const named = /(?:^|-)suite-(\d+)$/.exec(topic)?.[1]
  if (named !== undefined) found.add(Number(named))
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit)
    else if (isObject(value)) {
      if (typeof value["suite"] === "number") found.add(value["suite"])
      Object.values(value).forEach(visit)
    }
  }
  visit(item.in)
  for (const step of item.script ?? []) visit(step.in)
  return [...found].filter((suite) => suite >= 1 && suite <= 3).sort((a, b) => a - b)
}

const named = (file: FileText, item: CaseText): (() => ReadonlyMap<string, string>) => {
  let names: Map<string, string> | undefined
  return () => {
    if (names === undefined) {
      names = new Map()
      const world = item.world === undefined ? [] : (file.worlds[item.world]?.trace ?? [])
      for (const step of [...world, ...(item.trace ?? [])]) names.set(step.id, step.out)
    }
    return names
  }
}

/** Reads the suite in a folder and checks every file. Throws `NoSuite` or `Tampered`. */
export const load = (folder: string = packaged()): Suite => {
  const manifest = readManifest(folder)
  if (merkleRoot(manifest.files) !== manifest.root)
    throw new Tampered("the root in manifest.json is not that of its list")
  const cases = manifest.files.flatMap((entry) => {
    const file = readFile(folder, entry)
    return file.cases
      .filter((item) => item.status !== "withdrawn")
      .map((item): Case => ({
        ...item,
        family: file.family,
        topic: file.topic,
        path: `${file.family}/${file.topic}/${item.id}`,
        suites: suitesOf(file.topic, item),
        names: named(file, item)
      }))
  })
  return { folder, version: manifest.suite, protocol: manifest.protocol, root: manifest.root, cases }
}
