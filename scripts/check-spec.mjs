// Every rule of the specification is proved by a test or a vector, and every citation names a rule that exists.
//
// A rule is a paragraph or list item of docs/spec that begins with its id, bold and in brackets. A citation is the id
// in brackets inside a string of a test, or a member of a `clauses` array in a vector. Also: `Spec:` and `Vectors:`
// links of source headers resolve, sections included, and a rule that a comment names exists.
// Does not judge whether a test proves what it cites.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { parseSync } from "vite"
import { gaps, index, stale } from "./clause-index.mjs"
import { headings } from "./lib/markdown.mjs"
import { isMain, lineAt, listFiles, readText, report, root } from "./lib/repo.mjs"
import { id, rulesOf } from "./lib/rules.mjs"
import { nodes, spelled } from "./lib/syntax.mjs"

const cited = new RegExp(`\\[(${id})\\]`, "g")
const named = new RegExp(`\\brules? (${id})`, "g")

export { rulesOf }

/** Citations of a test: `{ id, at }`. */
export const citationsOfTest = (path, text) =>
  [...nodes(parseSync(path, text).program)].flatMap((node) =>
    [...(spelled(node) ?? "").matchAll(cited)].map((match) => ({
      id: match[1],
      at: `${path}:${lineAt(text, node.start)}`
    }))
  )

/** Citations of a vector file: the members of every `clauses` array in it, at any depth. */
export const citationsOfVector = (path, text) => {
  const found = []
  const visit = (value) => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (value === null || typeof value !== "object") return
    if (Array.isArray(value.clauses)) {
      for (const clause of value.clauses) if (typeof clause === "string") found.push({ id: clause, at: path })
    }
    Object.values(value).forEach(visit)
  }
  visit(JSON.parse(text))
  return found
}

/** The `Spec:` and `Vectors:` paragraphs of the comments of a source text: `{ text, line }`. */
const references = (text) => {
  const lines = text.split("\n")
  const found = []
  for (const [index, line] of lines.entries()) {
    const start = /(?:^\s*(?:\/\*\*|\*|\/\/)|\s)\s*((?:Spec|Vectors): .*)$/.exec(line)
    if (start === null || !/^\s*(\/\*|\*|\/\/)/.test(line)) continue
    const part = [start[1]]
    for (const next of lines.slice(index + 1)) {
      const more = /^\s*(?:\*(?!\/)|\/\/)\s*(\S.*)$/.exec(next)
      if (more === null || /^(Spec|Vectors): /.test(more[1])) break
      part.push(more[1])
    }
    found.push({ text: part.join(" "), line: index + 1 })
  }
  return found
}

const sectionsIn = (text) =>
  headings(text)
    .map((heading) => /^§?(\d+(?:\.\d+)*)\b/.exec(heading)?.[1])
    .filter((number) => number !== undefined)

const known = new Map()

/** The numbered sections of a document of the tree at `base`; of the whole specification where `path` is empty. */
const sectionsOf = (base, path) => {
  const key = join(base, path)
  if (!known.has(key)) known.set(key, readSections(base, path))
  return known.get(key)
}

const readSections = (base, path) => {
  const paths = path === "" ? listFiles(base).filter((file) => /^docs\/spec\/.*\.md$/.test(file)) : [path]
  return new Set(paths.flatMap((file) => sectionsIn(readText(base, file))))
}

const link =
  /((?:docs|vectors|packages|conformance|examples)\/[\w./-]*[\w/])|§(\d+(?:\.\d+)*)(?:[–-]§?(\d+(?:\.\d+)*))?/g

/**
 * Problems of the links in the comments of one source file; `base` is the tree they lead into. A section belongs to the
 * document named before it in the same paragraph; without one, to the document that has its number.
 */
export const checkReferences = (base, path, text) => {
  const problems = []
  for (const reference of references(text)) {
    const at = `${path}:${reference.line}`
    let current = ""
    for (const [, file, first, last] of reference.text.matchAll(link)) {
      if (file !== undefined) {
        current = file
        if (!existsSync(join(base, file))) problems.push(`${at}: ${file} does not exist`)
      } else if (current === "" || (current.endsWith(".md") && existsSync(join(base, current)))) {
        for (const number of [first, last]) {
          if (number !== undefined && !sectionsOf(base, current).has(number)) {
            problems.push(`${at}: ${current === "" ? "the specification" : current} has no section ${number}`)
          }
        }
      }
    }
  }
  return problems
}

const isTest = (path) => /^(packages\/[^/]+|vectors|conformance|scripts|examples)\/.*\.test\.ts$/.test(path)
const isSource = (path) =>
  /^(packages\/[^/]+\/src|vectors|conformance|examples)\/.*\.ts$/.test(path) && !isTest(path) && !path.endsWith(".d.ts")

/** Problems of the tree at `base`. */
export const check = (base) => {
  const files = listFiles(base)
  const problems = []
  const homes = new Map()
  for (const path of files.filter((file) => /^docs\/spec\/.*\.md$/.test(file))) {
    const found = rulesOf(path, readText(base, path))
    problems.push(...found.problems)
    for (const rule of found.rules) {
      if (homes.has(rule.id)) problems.push(`${rule.at}: [${rule.id}] is already at ${homes.get(rule.id)}`)
      else homes.set(rule.id, rule.at)
    }
  }
  const citations = files.flatMap((path) => {
    if (isTest(path)) return citationsOfTest(path, readText(base, path))
    return /^vectors\/.*\.json$/.test(path) ? citationsOfVector(path, readText(base, path)) : []
  })
  for (const path of files.filter(isSource)) {
    const text = readText(base, path)
    problems.push(...checkReferences(base, path, text))
    for (const match of text.matchAll(named)) {
      if (!homes.has(match[1])) problems.push(`${path}:${lineAt(text, match.index)}: there is no rule ${match[1]}`)
    }
  }
  for (const citation of citations) {
    if (!homes.has(citation.id)) problems.push(`${citation.at}: there is no rule [${citation.id}]`)
  }
  const proved = new Set(citations.map((citation) => citation.id))
  for (const [rule, at] of homes) if (!proved.has(rule)) problems.push(`${at}: no test and no vector cites [${rule}]`)
  if (homes.size === 0) problems.push("docs/spec holds no rule")
  return { rules: homes.size, citations: citations.length, problems: [...new Set(problems)] }
}

if (isMain(import.meta)) {
  const { rules, citations, problems } = check(root)
  const clauses = index(root)
  report(
    "check-spec",
    [...problems, ...gaps(clauses), ...stale(root, clauses)],
    `${rules} rules, ${citations} citations; what vectors are about has cases of both kinds, or a reason`
  )
}
