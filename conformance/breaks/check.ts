/**
 * Runs the suite against the source tree it stands in and prints what failed and which rules that names, one line of JSON each.
 *
 * Spec: docs/spec/21-conformance.md §21.1.
 * Started by breaks/run.ts in a private copy of the tree with one rule broken.
 */
import { readdirSync, readFileSync, writeSync } from "node:fs"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { runFile, type RunnableCase, type RunnableFile } from "../../vectors/interpret/run.ts"

interface Cited {
  readonly clauses: ReadonlyArray<string>
}

const root = new URL("../../vectors/", import.meta.url)
const folders = [
  "primitives",
  "labels",
  "encoding",
  "envelope",
  "agreement",
  "ratchet",
  "sequence",
  "safety",
  "identity",
  "linking",
  "state"
]
const provider = await loadNodeProvider()
/** Written at once: a broken rule may end the process. */
const tell = (line: object): void => {
  writeSync(1, `${JSON.stringify(line)}\n`)
}
for (const folder of folders) {
  let names: ReadonlyArray<string> = []
  try {
    names = readdirSync(new URL(`${folder}/`, root)).filter((name) => name.endsWith(".json"))
  } catch {
    continue
  }
  for (const name of names) {
    const file = JSON.parse(readFileSync(new URL(`${folder}/${name}`, root), "utf8")) as RunnableFile
    if (file.cases === undefined) continue
    tell({ at: `${folder}/${name}` })
    const clauses = new Map(file.cases.map((item) => [item.id, (item as RunnableCase & Cited).clauses]))
    for (const { id, problem } of runFile(provider, file)) {
      if (problem !== undefined) tell({ id, problem: problem.slice(0, 200), clauses: clauses.get(id) ?? [] })
    }
  }
}
