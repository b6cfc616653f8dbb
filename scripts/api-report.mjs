// Writes api/<package>.api.md: what each package offers, entry by entry, out of its built types.
//
// Every exported declaration is printed without its comments, in the order of names, followed by the declarations of the
// same package that it mentions but the entry does not export. With `--check` nothing is written, and a difference is a
// failure. Needs a build. A change of a report is a change of the public surface, to be read as such.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { parseSync } from "vite"
import { published } from "./lib/packages.mjs"
import { isMain, report, root } from "./lib/repo.mjs"
import { nodes } from "./lib/syntax.mjs"

const modules = new Map()

/** The declarations, imports and exports of one `.d.ts`, read once. */
const read = (file) => {
  if (!modules.has(file)) modules.set(file, parse(file))
  return modules.get(file)
}

const target = (file, specifier) =>
  specifier.startsWith(".") ? resolve(dirname(file), specifier.replace(/\.(js|ts)$/, ".d.ts")) : undefined

const namesOf = (declaration) => {
  if (declaration.type === "VariableDeclaration") return declaration.declarations.map((one) => one.id.name)
  return declaration.id?.name === undefined ? [] : [declaration.id.name]
}

const parse = (file) => {
  const text = readFileSync(file, "utf8")
  const { program, comments } = parseSync(file, text)
  const found = { file, text, comments, declarations: new Map(), imports: new Map(), exports: new Map(), stars: [] }
  const declare = (node, declaration) => {
    for (const name of namesOf(declaration)) {
      found.declarations.set(name, [...(found.declarations.get(name) ?? []), node])
    }
  }
  for (const node of program.body) {
    switch (node.type) {
      case "ImportDeclaration":
        for (const one of node.specifiers) {
          const name = one.type === "ImportNamespaceSpecifier" ? "*" : (one.imported?.name ?? "default")
          found.imports.set(one.local.name, { specifier: node.source.value, name })
        }
        break
      case "ExportAllDeclaration":
        if (node.exported) found.exports.set(node.exported.name, { specifier: node.source.value, name: "*" })
        else found.stars.push(node.source.value)
        break
      case "ExportNamedDeclaration":
        if (node.declaration) {
          declare(node, node.declaration)
          for (const name of namesOf(node.declaration)) found.exports.set(name, { local: name })
        }
        for (const one of node.specifiers) {
          const exported = one.exported.name ?? one.exported.value
          found.exports.set(
            exported,
            node.source
              ? { specifier: node.source.value, name: one.local.name ?? one.local.value }
              : { local: one.local.name }
          )
        }
        break
      case "ExportDefaultDeclaration":
        throw new Error(`${file}: a default export`)
      default:
        declare(node, node)
    }
  }
  return found
}

/**
 * Where a name of a module comes from: `{ file, name }` of its declaration, `{ space }` for a module as a namespace, or
 * `{ foreign, name }` for another package's.
 */
const resolveImport = (file, { specifier, name }) => {
  const to = target(file, specifier)
  if (to === undefined) return { foreign: specifier, name }
  return name === "*" ? { space: to } : resolveExport(to, name)
}

const resolveLocal = (file, name) => {
  const module = read(file)
  if (module.declarations.has(name)) return { file, name }
  const from = module.imports.get(name)
  return from === undefined ? undefined : resolveImport(file, from)
}

const resolveExport = (file, name) => {
  const module = read(file)
  const one = module.exports.get(name)
  if (one !== undefined) return one.local === undefined ? resolveImport(file, one) : resolveLocal(file, one.local)
  for (const star of module.stars) {
    const to = target(file, star)
    const found = to === undefined ? undefined : resolveExport(to, name)
    if (found !== undefined) return found
  }
  return undefined
}

/** Names a module exports, with `* from "x"` for another package's whole. */
const exportedNames = (file) => {
  const module = read(file)
  const names = new Set(module.exports.keys())
  for (const star of module.stars) {
    const to = target(file, star)
    if (to === undefined) names.add(`* from "${star}"`)
    else for (const name of exportedNames(to)) names.add(name)
  }
  return [...names].sort((a, b) => (a < b ? -1 : 1))
}

/** The text of a node without comments and empty lines. */
const printed = (module, node) => {
  let text = ""
  let at = node.start
  for (const comment of module.comments) {
    if (comment.start < at || comment.end > node.end) continue
    text += module.text.slice(at, comment.start)
    at = comment.end
  }
  return (text + module.text.slice(at, node.end))
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .join("\n")
}

/** Declarations of our own that the declaration `file`, `name` mentions. */
const mentions = ({ file, name }) => {
  const found = []
  const add = (one) => one?.file !== undefined && found.push(one)
  for (const node of nodes(read(file).declarations.get(name))) {
    if (node.type === "Identifier") add(resolveLocal(file, node.name))
    if (node.type === "TSQualifiedName" && node.left.type === "Identifier") {
      const space = resolveLocal(file, node.left.name)?.space
      if (space !== undefined) add(resolveExport(space, node.right.name))
    }
    if (node.type === "TSImportType" && node.qualifier?.type === "Identifier") {
      const to = target(file, node.source.value)
      if (to !== undefined) add(resolveExport(to, node.qualifier.name))
    }
  }
  return found
}

const keyOf = ({ file, name }) => `${file}#${name}`

const declarationText = ({ file, name }) => {
  const module = read(file)
  return module.declarations
    .get(name)
    .map((node) => printed(module, node))
    .join("\n")
}

const fenced = (lines) => ["```ts", ...lines, "```", ""]

/** The report of one entry, whose types are in `file`. */
export const entryReport = (title, file) => {
  const shown = new Map()
  const sections = []
  const visit = (heading, from) => {
    const lines = []
    const spaces = []
    for (const name of exportedNames(from)) {
      const found = name.startsWith("* from") ? undefined : resolveExport(from, name)
      if (found?.space !== undefined) spaces.push([name, found.space])
      else if (found?.file !== undefined) {
        if (found.name !== name) lines.push(`// ${name} is`)
        lines.push(declarationText(found))
        shown.set(keyOf(found), found)
      } else
        lines.push(
          found === undefined ? `export ${name}` : `export { ${found.name} as ${name} } from "${found.foreign}"`
        )
    }
    if (lines.length > 0) sections.push([heading, lines])
    for (const [name, space] of spaces) visit(`${heading} · ${name}`, space)
  }
  visit(title, file)

  const behind = new Map()
  const queue = [...shown.values()]
  for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
    for (const found of mentions(one)) {
      const key = keyOf(found)
      if (shown.has(key) || behind.has(key)) continue
      behind.set(key, found)
      queue.push(found)
    }
  }
  const base = dirname(file)
  const order = (one) => `${one.name} ${relative(base, one.file)}`
  const mentioned = [...behind.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1)).map(declarationText)
  return [
    ...sections.flatMap(([heading, lines]) => [`## ${heading}`, "", ...fenced(lines)]),
    ...(sections.length === 0 ? [`## ${title}`, "", "Nothing.", ""] : []),
    ...(mentioned.length > 0 ? [`### Mentioned by ${title}, not exported`, "", ...fenced(mentioned)] : [])
  ]
}

/** The report of one package, and problems: entries whose types are not built. */
export const packageReport = ({ folder, manifest }, base = root) => {
  const lines = [`# ${manifest.name}`, "", "Written by `npm run api`. Do not edit.", ""]
  const problems = []
  for (const [entry, value] of Object.entries(manifest.exports)) {
    if (typeof value !== "object" || value.types === undefined) continue
    const file = join(base, folder, value.types)
    if (existsSync(file)) lines.push(...entryReport(manifest.name + entry.slice(1), file))
    else problems.push(`${folder}/${value.types} is missing: build first`)
  }
  return { text: `${lines.join("\n").trimEnd()}\n`, problems }
}

if (isMain(import.meta)) {
  const checking = process.argv.includes("--check")
  const api = join(root, "api")
  const packages = published().filter(({ manifest }) => JSON.stringify(manifest.exports).includes('"types"'))
  const problems = []
  const expected = new Set()
  mkdirSync(api, { recursive: true })
  for (const one of packages) {
    const name = `${one.manifest.name.split("/").pop()}.api.md`
    expected.add(name)
    const made = packageReport(one)
    problems.push(...made.problems)
    if (made.problems.length > 0) continue
    const file = join(api, name)
    const before = existsSync(file) ? readFileSync(file, "utf8") : ""
    if (before === made.text) continue
    if (checking) problems.push(`api/${name} differs from the built types: run \`npm run api\` and review the change`)
    else writeFileSync(file, made.text)
  }
  for (const name of readdirSync(api).filter((file) => !expected.has(file))) {
    if (checking) problems.push(`api/${name} belongs to no package`)
    else rmSync(join(api, name))
  }
  report("api-report", problems, `${packages.length} packages`)
}
