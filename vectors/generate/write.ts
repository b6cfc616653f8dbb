/**
 * Writes JSON in the one form of the vector files: UTF-8, LF, two spaces, keys in the order given, short values and the steps of
 * scripts and traces on a line of their own.
 *
 * Spec: vectors/README.md.
 */
import { sha256 } from "./prim.ts"
import { concat, hex, unhex, utf8 } from "./bytes.ts"

const inlineWidth = 120

const compact = (value: unknown): string => {
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `[${value.map(compact).join(", ")}]`
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
    return entries.length === 0
      ? "{}"
      : `{ ${entries.map(([key, item]) => `${JSON.stringify(key)}: ${compact(item)}`).join(", ")} }`
  }
  return JSON.stringify(value)
}

const isStep = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  ("do" in value || ("op" in value && "id" in value && !("title" in value)))

const pretty = (value: unknown, indent: string): string => {
  const short = compact(value)
  if (typeof value !== "object" || value === null || isStep(value) || indent.length + short.length <= inlineWidth)
    return short
  const inner = `${indent}  `
  if (Array.isArray(value)) return `[\n${value.map((item) => inner + pretty(item, inner)).join(",\n")}\n${indent}]`
  const lines = Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${pretty(item, inner)}`)
  return `{\n${lines.join(",\n")}\n${indent}}`
}

/** The text of a file, ending in a line feed. */
export const toText = (value: unknown): string => `${pretty(value, "")}\n`

/** Leaf of the manifest's tree: H(0x00 ‖ path ‖ 0x00 ‖ SHA-256 of the file). */
const leaf = (path: string, digest: string): Uint8Array =>
  sha256(concat(Uint8Array.of(0), utf8(path), Uint8Array.of(0), unhex(digest)))

const node = (leaves: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (leaves.length === 1) return leaves[0]!
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256(concat(Uint8Array.of(1), node(leaves.slice(0, split)), node(leaves.slice(split))))
}

/** Merkle root over files in order of their paths: the tree of RFC 6962 with the leaves above. */
export const merkleRoot = (files: ReadonlyArray<{ readonly path: string; readonly sha256: string }>): string =>
  files.length === 0 ? hex(sha256(new Uint8Array(0))) : hex(node(files.map((file) => leaf(file.path, file.sha256))))
