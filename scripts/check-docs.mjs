// Every TypeScript block of the documentation compiles against the sources, and every relative link resolves.
//
// All blocks of README.md, the other texts at the root, docs and the packages are compiled in one program, each as a
// module of its own. A block opened with `ts ignore: reason` is left out; without a reason that is a problem.
// Does not run anything: scripts/check-tarballs.mjs runs the examples of README.md.
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, posix } from "node:path"
import { anchors, links, split } from "./lib/markdown.mjs"
import { isMain, listFiles, readText, report, root } from "./lib/repo.mjs"

const isDocument = (path) =>
  /^[^/]+\.md$|^(docs|examples|vectors|conformance|bench|changesets)\/.*\.md$|^packages\/[^/]+\/(README|docs\/.*)\.md$/.test(
    path
  ) && !path.endsWith("CHANGELOG.md")

/** Blocks of a text to compile, `{ path, line, code }`, and problems of their form. */
export const blocksOf = (path, text) => {
  const found = split(text)
  const problems = found.unclosed === undefined ? [] : [`${path}:${found.unclosed - 1}: the block is not closed`]
  const blocks = []
  for (const { info, line, code } of found.blocks) {
    const match = /^(?:ts|typescript)\b\s*(.*)$/.exec(info)
    if (match === null) continue
    if (match[1].startsWith("ignore")) {
      if (!/^ignore: \S/.test(match[1])) problems.push(`${path}:${line - 1}: say why: \`ts ignore: reason\``)
    } else if (match[1] === "") blocks.push({ path, line, code })
    else problems.push(`${path}:${line - 1}: unknown mark of a block: ${match[1]}`)
  }
  return { blocks, problems }
}

/** Problems of the relative links of one text. */
export const checkLinks = (base, path, text) =>
  links(text).flatMap(({ target, line }) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return []
    const [file = "", anchor] = decodeURI(target).split("#")
    const at = `${path}:${line}`
    if (file.startsWith("/")) return [`${at}: ${target} is not relative`]
    const to = file === "" ? path : posix.join(posix.dirname(path), file)
    if (to.startsWith("..") || !existsSync(join(base, to))) return [`${at}: ${target} leads nowhere`]
    if (anchor === undefined || !to.endsWith(".md")) return []
    return anchors(readText(base, to)).has(anchor) ? [] : [`${at}: ${to} has no heading for #${anchor}`]
  })

/** Problems the compiler has with `blocks`. Blank lines before each block keep the line numbers of its document. */
export const compile = (blocks) => {
  if (blocks.length === 0) return []
  const folder = mkdtempSync(join(tmpdir(), "tacit-docs-"))
  try {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction")
    writeFileSync(join(folder, "package.json"), `{ "type": "module" }\n`)
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: join(root, "tsconfig.test.json"),
        compilerOptions: { plugins: [], typeRoots: [join(root, "node_modules/@types")] },
        include: ["blocks"],
        exclude: []
      })
    )
    for (const [index, { path, line, code }] of blocks.entries()) {
      const file = join(folder, "blocks", `${path}#${index}.ts`)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, `${"\n".repeat(line - 1)}${code}\nexport {}\n`)
    }
    const run = spawnSync(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), "-p", folder, "--pretty", "false"],
      {
        cwd: folder,
        encoding: "utf8"
      }
    )
    if (run.status === 0) return []
    const output = `${run.stdout}${run.stderr}`.split("\n").filter((line) => /error TS\d+/.test(line))
    return (output.length > 0 ? output : [`the compiler ended with ${run.status}`]).map((line) =>
      line.replace(/^blocks\/(.*)#\d+\.ts\((\d+),\d+\)/, "$1:$2")
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Problems of the tree at `base`. */
export const check = (base) => {
  const documents = listFiles(base).filter(isDocument)
  const problems = []
  const blocks = []
  for (const path of documents) {
    const text = readText(base, path)
    const found = blocksOf(path, text)
    blocks.push(...found.blocks)
    problems.push(...found.problems, ...checkLinks(base, path, text))
  }
  problems.push(...compile(blocks))
  return { documents: documents.length, blocks: blocks.length, problems }
}

if (isMain(import.meta)) {
  const { documents, blocks, problems } = check(root)
  report("check-docs", problems, `${documents} documents, ${blocks} blocks compile, links resolve`)
}
