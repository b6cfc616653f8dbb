// The score of the mutants, and the survivors that survivors.json does not explain.
//
// `node conformance/mutants/report.mjs` after `npm run mutants`. A survivor is known by its file, the text of its line, what
// is changed there, and into what; so its explanation outlives edits elsewhere in the file.
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const core = "packages/core/src"

/** What is mutated, part by part. */
export const parts = {
  ratchet: [`${core}/ratchet/*.ts`],
  sequence: [`${core}/sequence/*.ts`],
  session: [`${core}/session/*.ts`],
  agreement: [`${core}/agreement/*.ts`],
  envelope: [`${core}/envelope/*.ts`],
  safety: [`${core}/safety/*.ts`],
  identity: ["Certificate", "Manifest", "Account"].map((name) => `${core}/identity/${name}.ts`),
  codec: ["Reader", "Writer", "Canonical", "Layout", "LayoutNode"].map((name) => `${core}/codec/${name}.ts`)
}

const here = fileURLToPath(new URL(".", import.meta.url))
export const results = join(here, "results")

/** Nothing noticed it: it survived, or nothing reached it. */
export const missed = ({ status }) => status === "Survived" || status === "NoCoverage"

/** What a mutant puts in place of what, with the line around it. */
const describe = (source, path, mutant) => {
  const { end, start } = mutant.location
  const lines = source.split("\n")
  const line = lines[start.line - 1]
  const original =
    start.line === end.line
      ? line.slice(start.column - 1, end.column - 1)
      : `${line.slice(start.column - 1)} … ${lines[end.line - 1].slice(0, end.column - 1).trim()}`
  return {
    file: path.slice(core.length + 1),
    line: start.line,
    text: line.trim(),
    original,
    mutated: mutant.replacement?.replace(/\s+/g, " ") ?? mutant.mutatorName,
    status: mutant.status
  }
}

/** An explanation says what it is about as closely as it has to: what it leaves out may be anything. */
const explains = (entry, survivor) =>
  (entry.file === undefined || entry.file === survivor.file) &&
  (entry.text === undefined || survivor.text.includes(entry.text)) &&
  (entry.original === undefined || entry.original === survivor.original) &&
  (entry.mutated === undefined || [entry.mutated].flat().includes(survivor.mutated))

const known = JSON.parse(readFileSync(join(here, "survivors.json"), "utf8"))

/** The explanation of a mutant that nothing noticed, if there is one. */
export const explained = (source, path, mutant) => {
  const survivor = describe(source, path, mutant)
  return known.find((entry) => explains(entry, survivor))
}

const told = (counts) => {
  const caught = (counts.Killed ?? 0) + (counts.Timeout ?? 0) + (counts.RuntimeError ?? 0)
  const all = caught + (counts.Survived ?? 0) + (counts.NoCoverage ?? 0)
  const score = all === 0 ? 0 : (100 * caught) / all
  const { properties = 0, tests = 0 } = counts
  const kit = all === 0 ? 0 : (100 * (caught - tests)) / all
  return `${caught} of ${all} caught, ${score.toFixed(1)} %; by the kit ${caught - tests} (${properties} of them by properties alone), ${kit.toFixed(1)} %`
}

/** Prints the score and what is not explained. Gives the exit code: 1 if something is not. */
export const report = () => {
  const used = new Set()
  const open = []
  const sums = {}
  const kinds = {}
  const add = (to, what) => (to[what] = (to[what] ?? 0) + 1)
  for (const part of Object.keys(parts)) {
    const file = join(results, `${part}.json`)
    if (!existsSync(file)) {
      console.log(`${part}: not run`)
      continue
    }
    const counts = {}
    for (const [path, { mutants, source }] of Object.entries(JSON.parse(readFileSync(file, "utf8")).files)) {
      for (const mutant of mutants) {
        for (const to of [counts, sums]) {
          add(to, mutant.status)
          if (["properties", "tests"].includes(mutant.statusReason)) add(to, mutant.statusReason)
        }
        if (!missed(mutant)) continue
        const entry = explained(source, path, mutant)
        if (entry === undefined) open.push(describe(source, path, mutant))
        else {
          used.add(entry)
          add(kinds, entry.kind)
        }
      }
    }
    console.log(`${part}: ${told(counts)}`)
  }
  console.log(`all: ${told(sums)}`)
  const sorts = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`)
  console.log(`explained: ${sorts.join(", ") || "none"}`)
  for (const { file, line, mutated, original, status, text } of open)
    console.log(`NOT EXPLAINED ${file}:${line} (${status}) ${original} -> ${mutated}    in: ${text}`)
  for (const entry of known) if (!used.has(entry)) console.log(`no longer survives: ${JSON.stringify(entry)}`)
  return open.length > 0 ? 1 : 0
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = report()
