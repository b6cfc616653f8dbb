/**
 * Makes the vectors again from their seed and compares.
 *
 * Spec: docs/spec/20-subject.md (subject.coins.1); vectors/README.md.
 * Two ways: every derivation from the seed on, standing on nothing that is published; and, where its source lies beside the vectors,
 * the generator itself, byte for byte.
 */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import type { CryptoProvider } from "@tacit/core/hazmat"
import type { Folder } from "./Folder.ts"
import { unhex } from "./Model.ts"
import { recomputeFile, type Check } from "./Verify.ts"

/** Seeds that the files of a suite name. */
export const seeds = (folder: Folder): ReadonlyArray<string> => [
  ...new Set(folder.files.map(({ file }) => file.generator.seed))
]

/** Everything that follows from `seed`, compared with what is published. Without one: from the seed each file names. */
export const fromSeed = (folder: Folder, crypto: CryptoProvider, seed?: string): Check => {
  const problems: Array<string> = []
  let steps = 0
  for (const { file, path } of folder.files) {
    const found = recomputeFile(crypto, file, unhex(seed ?? file.generator.seed), true)
    steps += found.steps
    if (seed !== undefined && seed !== file.generator.seed && found.steps > 0)
      problems.push(`${path}: names another seed`)
    problems.push(...found.problems.map((text) => `${path} ${text}`))
  }
  return { name: "seed", did: `${steps} values follow from the seed`, problems }
}

/** The generator's files against those that lie there. */
export const regenerate = (folder: Folder): Check => {
  const name = "generator"
  const program = join(resolve(folder.path), "generate", "main.ts")
  if (!existsSync(program))
    return { name, did: "", problems: [], skipped: "its source does not lie beside the vectors" }
  const ran = spawnSync(process.execPath, ["-C", "@tacit/source", program, "--check"], {
    cwd: dirname(resolve(folder.path)),
    encoding: "utf8",
    maxBuffer: 1 << 26
  })
  const said = ran.stderr.split("\n").filter((line) => line.startsWith("differs "))
  return {
    name,
    did: `${folder.files.length} files come out byte for byte`,
    problems: ran.status === 0 ? [] : said.length > 0 ? said : [ran.stderr.trim().split("\n").at(-1) ?? "it failed"]
  }
}
