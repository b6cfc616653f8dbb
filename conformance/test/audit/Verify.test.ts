/**
 * The check of a suite, and its derivation from a seed: they pass the published one and name what was changed in another.
 *
 * Spec: vectors/README.md; docs/spec/21-conformance.md §21.4 (result.exit.1).
 */
import { createHash } from "node:crypto"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { nobleProvider } from "@tacit/core/crypto/noble"
import { describe, expect, it } from "vitest"
import * as Derive from "../../src/audit/Derive.ts"
import * as Folder from "../../src/audit/Folder.ts"
import type { Manifest } from "../../src/audit/Model.ts"
import { coin } from "../../src/audit/Recompute.ts"
import { duplicateKeys, lines, verify, type Check } from "../../src/audit/Verify.ts"
import { main } from "../../src/main/Dispatch.ts"
import { merkleRoot } from "../../src/suite/Suite.ts"
import { change, folder, vectors, withCopy } from "./suite.ts"

const check = (path: string): ReadonlyArray<Check> => verify(path, { crypto: nobleProvider, second: false })
const problems = (path: string): string =>
  check(path)
    .flatMap((of) => of.problems.map((problem) => `${of.name}: ${problem}`))
    .join("\n")

/** Writes the manifest anew for what lies there, as somebody would who wants the change to go unnoticed. */
const seal = (path: string): void => {
  const manifest = JSON.parse(readFileSync(join(path, "manifest.json"), "utf8")) as Manifest
  const files = manifest.files.map((entry) => {
    const bytes = readFileSync(join(path, entry.path))
    return { ...entry, size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") }
  })
  writeFileSync(join(path, "manifest.json"), JSON.stringify({ ...manifest, files, root: merkleRoot(files) }))
}

const run = async (...words: ReadonlyArray<string>): Promise<{ readonly code: number; readonly out: string }> => {
  let out = ""
  const say = (line: string): void => void (out += `${line}\n`)
  const code = await main(words, { out: say, err: say, signal: new AbortController().signal })
  return { code, out }
}

describe("the check of a suite", () => {
  it("passes the published one, with the second verifier where there is Go", () => {
    const checks = verify(vectors, { crypto: nobleProvider })
    expect(checks.map(({ problems: found }) => found)).toEqual(checks.map(() => []))
    expect(checks.map(({ name }) => name)).toEqual([
      "manifest",
      "schemas",
      "twins",
      "derivations",
      "rules",
      "second verifier"
    ])
    expect(lines(checks).at(-1)).toBe("The suite is what its manifest says.")
  }, 120_000)

  it("ends with code 5 when a byte of a file changed, and names the file [result.exit.1]", async () => {
    const words = (path: string): ReadonlyArray<string> => ["verify", "--no-second", "--vectors", path]
    const [before, after] = await withCopy(async (path) => {
      const first = await run(...words(path))
      change(join(path, "sequence/window.json"), '"number": 1 ', '"number": 2 ')
      return [first, await run(...words(path))]
    })
    expect(before).toMatchObject({ code: 0 })
    expect(after.code).toBe(5)
    expect(after.out).toMatch(/✗ manifest: .*\n {4}sequence\/window\.json: is not the file of the manifest$/m)
  }, 60_000)

  it("looks further than hashes: a published value that was changed along with the manifest", async () => {
    const file = folder().files.find(({ path }) => path === "labels/derivations.json")!.file
    const step = file.cases.find(({ id }) => id === "kdf-chain-step-0")!.trace![0]!
    const found = await withCopy((path) => {
      change(join(path, "labels/derivations.json"), step.out, `00${step.out.slice(2)}`)
      seal(path)
      return problems(path)
    })
    expect(found).not.toMatch(/^manifest/m)
    expect(found).toMatch(
      new RegExp(`^derivations: labels/derivations\\.json kdf-chain-step-0: step ${step.id} gives`, "m")
    )
  }, 60_000)

  it("and a delta, a schema, a count and a key that stands twice", async () => {
    const found = await withCopy((path) => {
      change(
        join(path, "agreement/sessions-suite-1.json"),
        '"op": "xor", "offset": 5, "bytes": "01", "field": "to"',
        '"op": "xor", "offset": 5, "bytes": "03", "field": "to"'
      )
      change(join(path, "sequence/window.json"), '"critical": false', '"critical": 0')
      change(join(path, "sequence/fence.json"), '"level": 2', '"level": 2, "level": 2')
      seal(path)
      const { count } = Folder.readManifest(path)
      change(join(path, "manifest.json"), `"count":${count}`, `"count":${count + 1}`)
      return problems(path)
    })
    expect(found).toMatch(/^twins: session-1-first-mailbox: its delta does not lead from its twin to it$/m)
    expect(found).toMatch(/^schemas: sequence\/window\.json .*critical: is integer, not boolean$/m)
    expect(found).toMatch(/^schemas: sequence\/fence\.json: the key "level" stands twice in one object$/m)
    expect(found).toMatch(/^twins: there are \d+ cases, the manifest says \d+$/m)
  }, 120_000)

  it("names files that are missing and files that are too many", async () => {
    const found = await withCopy((path) => {
      rmSync(join(path, "state/records.json"))
      writeFileSync(join(path, "sequence/more.json"), "{}")
      return problems(path)
    })
    expect(found).toMatch(/^manifest: state\/records\.json: is not there$/m)
    expect(found).toMatch(/^manifest: sequence\/more\.json: is not in the manifest$/m)
  })

  it("is wrong usage where there is no suite [result.exit.1]", async () => {
    expect((await run("verify", "--vectors", join(vectors, "schema"))).code).toBe(4)
  })

  it("finds keys that stand twice in one object, not in two", () => {
    expect(duplicateKeys('{"a":1,"b":{"a":2,"a":3}}')).toEqual(['"a"'])
    expect(duplicateKeys('[{"a":1},{"a":":{\\"a\\":1}"}]')).toEqual([])
  })
})

describe("the derivation from a seed", () => {
  it("gives every published value from the seed alone [subject.coins.1]", () => {
    expect(Derive.seeds(folder())).toHaveLength(1)
    const of = Derive.fromSeed(folder(), nobleProvider, Derive.seeds(folder())[0])
    expect(of.problems).toEqual([])
    expect(Derive.seeds(folder())[0]).toBe(createHash("sha512").update("tacit vectors 1").digest("hex"))
  }, 60_000)

  it("gives other ones from another seed", () => {
    const of = Derive.fromSeed(folder(), nobleProvider, "00".repeat(64))
    expect(of.problems.some((problem) => problem.includes("names another seed"))).toBe(true)
    expect(of.problems.length).toBeGreaterThan(1000)
  }, 60_000)

  it("draws coins that differ by actor, label and index, and are no prefix ambiguity [subject.coins.1]", () => {
    const seed = new Uint8Array(64).fill(7)
    const draw = (actor: string, label: string, index: number): string =>
      Buffer.from(coin(nobleProvider, seed, actor, label, index, 100)).toString("hex")
    const all = [
      draw("a", "b", 0),
      draw("a", "b", 1),
      draw("b", "b", 0),
      draw("a", "c", 0),
      draw("ab", "", 0),
      draw("", "ab", 0),
      draw("a", "b", 256)
    ]
    expect(new Set(all).size).toBe(all.length)
    expect(all.every((text) => text.length === 200)).toBe(true)
  })
})

describe("reading a suite", () => {
  it("refuses a folder without one", () => {
    expect(() => Folder.read(join(vectors, "schema"))).toThrow(Folder.Unreadable)
  })
})
