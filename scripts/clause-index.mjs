// The clause index, `vectors/clauses.json`: for every rule of the specification the cases that show it (`positive`), the cases that must be
// refused by it (`negative`), their twins, which keep it at the very place where the negative case breaks it, the derivations that follow it
// (`family/topic#world`, or a case), and the tests that cite it.
//
// Without argument it writes the index; check-spec.mjs holds the written one against the tree and lists rules without a case.
// Does not judge whether a case shows what it cites.
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseSync } from "vite"
import { pages, without } from "./lib/clauses.mjs"
import { isMain, listFiles, readText, root } from "./lib/repo.mjs"
import { id, rulesOf } from "./lib/rules.mjs"
import { nodes, spelled } from "./lib/syntax.mjs"

export const path = "vectors/clauses.json"

const cited = new RegExp(`\\[(${id})\\]`, "g")
const isTest = (file) => /^(packages\/[^/]+|vectors|conformance|scripts|examples)\/.*\.test\.ts$/.test(file)

/** Strings of a test that cite a rule: `{ id, name }`. */
const citations = (file, text) =>
  [...nodes(parseSync(file, text).program)].flatMap((node) => {
    const name = spelled(node)
    return name === undefined ? [] : [...name.matchAll(cited)].map((match) => ({ id: match[1], name }))
  })

/** The index of the tree at `base`: rules in the order of the pages. */
export const index = (base) => {
  const files = listFiles(base)
  const rules = new Map()
  for (const file of files.filter((name) => /^docs\/spec\/.*\.md$/.test(name)))
    for (const { id } of rulesOf(file, readText(base, file)).rules)
      rules.set(id, { page: file, positive: [], negative: [], twins: [], derivations: [], tests: [] })
  const add = (id, kind, value) => {
    const list = rules.get(id)?.[kind]
    if (list !== undefined && !list.includes(value)) list.push(value)
  }
  for (const file of files.filter((name) => /^vectors\/[a-z]+\/[a-z0-9-]+\.json$/.test(name))) {
    if (/^vectors\/(?:schema|wycheproof)\//.test(file)) continue
    const { cases, family, topic, worlds } = JSON.parse(readText(base, file))
    const derives = (trace, where) => {
      for (const { clause } of trace ?? []) if (clause !== undefined) add(clause, "derivations", where)
    }
    for (const [name, world] of Object.entries(worlds)) derives(world.trace, `${family}/${topic}#${name}`)
    for (const item of cases) {
      if (item.status === "withdrawn") continue
      for (const clause of item.clauses) {
        add(clause, item.verdict === "valid" ? "positive" : "negative", item.id)
        if (item.twin !== undefined) add(clause, "twins", item.twin)
      }
      derives(item.trace, item.id)
    }
  }
  for (const file of files.filter(isTest))
    for (const { id, name } of citations(file, readText(base, file))) add(id, "tests", `${file}: ${name}`)
  return rules
}

const text = (rules) => {
  const lines = [...rules].map(([id, entry]) => {
    const members = Object.entries(entry).map(
      ([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)}`
    )
    return `  ${JSON.stringify(id)}: {\n${members.join(",\n")}\n  }`
  })
  return `{\n${lines.join(",\n")}\n}\n`
}

/** Whether a list of exceptions, by rule or by `group.*`, names a rule; answers the key. */
const exception = (list, id) => {
  if (id in list) return id
  const parts = id.split(".")
  for (let n = parts.length - 1; n > 0; n--) {
    const key = `${parts.slice(0, n).join(".")}.*`
    if (key in list) return key
  }
  return undefined
}

/** Rules of the pages that vectors are about without a case of one kind, as problems; exceptions that are none are problems too. */
export const gaps = (rules) => {
  const problems = []
  for (const kind of ["positive", "negative"]) {
    const used = new Set()
    for (const [id, entry] of rules) {
      if (!pages.test(entry.page)) continue
      const others = kind === "positive" ? [...entry.derivations, ...entry.twins] : []
      const shown = entry[kind].length > 0 || others.length > 0
      const key = exception(without[kind], id)
      if (key !== undefined && !(shown && key === id)) used.add(key)
      if (!shown && key === undefined) problems.push(`${entry.page}: no ${kind} case of [${id}]`)
    }
    for (const key of Object.keys(without[kind]))
      if (!used.has(key)) problems.push(`scripts/lib/clauses.mjs: ${key} needs no exception from ${kind} cases`)
  }
  return problems
}

/**
 * Problems of the written index: rules and cases must be those of the tree, and tests it names must be there. Tests that came since
 * are no problem: whoever adds one need not write the index again.
 */
export const stale = (base, rules) => {
  if (!existsSync(join(base, path))) return [`${path} is not there; node scripts/clause-index.mjs`]
  const written = JSON.parse(readText(base, path))
  const plain = (entry) => JSON.stringify({ ...entry, tests: [] })
  const problems = []
  for (const id of new Set([...rules.keys(), ...Object.keys(written)])) {
    const [now, then] = [rules.get(id), written[id]]
    if (now === undefined || then === undefined || plain(now) !== plain(then)) problems.push(`[${id}] has other cases`)
    else
      for (const test of then.tests) if (!now.tests.includes(test)) problems.push(`[${id}]: there is no test ${test}`)
  }
  return problems.map((problem) => `${path}: ${problem}; node scripts/clause-index.mjs`)
}

if (isMain(import.meta)) {
  const rules = index(root)
  writeFileSync(join(root, path), text(rules))
  const problems = gaps(rules)
  for (const problem of problems) console.error(problem)
  const held = [...rules.values()].filter(({ page }) => pages.test(page)).length
  console.log(`clause-index: ${rules.size} rules, ${held} of them held against the vectors, ${problems.length} gaps`)
}
