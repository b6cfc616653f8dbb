// What a stranger gets works: the tarballs, in an empty project outside the repository.
//
// Packs every package, installs the tarballs with Effect, compiles the TypeScript examples of README.md against the
// packed types, runs each of them, runs `npx tacit demo --json`, and has `npx tacit-conformance` judge the packed reference. Needs a build and the registry.
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { blocksOf } from "./check-docs.mjs"
import { pack } from "./lib/packages.mjs"
import { isMain, readText, report, root } from "./lib/repo.mjs"

const minutes = 60_000

/** Runs a program in `cwd`; answers its output, or a problem that begins with `what`. */
const run = (what, cwd, program, args, timeout) => {
  const done = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    timeout,
    // `npx` and the example programs get the Node that runs this script.
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, NODE_OPTIONS: "" }
  })
  if (done.status === 0) return { output: done.stdout }
  const reason = done.error === undefined ? `ended with ${done.status ?? done.signal}` : done.error.message
  return { problem: `${what} ${reason}\n${done.stdout}${done.stderr}`.trimEnd() }
}

/** Problem with what the demo printed: it is one JSON value, or one a line. */
export const checkJson = (output) => {
  const parses = (text) => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }
  const lines = output.trim().split("\n")
  return output.trim() !== "" && (parses(output) || lines.every(parses)) ? undefined : "the demo did not print JSON"
}

/** Problems found in the empty project at `folder`. */
const tryOut = (folder, tarballs) => {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/effect/package.json"), "utf8"))
  writeFileSync(join(folder, "package.json"), `{ "name": "stranger", "private": true, "type": "module" }\n`)
  const names = [...tarballs.map(({ file }) => file), `effect@${version}`]
  const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts", "--loglevel=error"]
  const install = run("npm install", folder, "npm", ["install", ...flags, ...names], 5 * minutes)
  if (install.problem !== undefined) return { examples: 0, problems: [install.problem] }

  const examples = blocksOf("README.md", readText(root, "README.md")).blocks
  const problems = examples.length === 0 ? ["README.md holds no example"] : []
  for (const { line, code } of examples) writeFileSync(join(folder, `readme-${line}.ts`), `${code}\nexport {}\n`)
  const compilerOptions = {
    target: "es2023",
    lib: ["es2023"],
    module: "nodenext",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    erasableSyntaxOnly: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")]
  }
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }))
  const compiler = [join(root, "node_modules/typescript/bin/tsc"), "-p", "."]
  const steps = [
    run("compiling the examples of README.md", folder, process.execPath, compiler, 2 * minutes),
    ...examples.map(({ line }) =>
      run(`the example at README.md:${line}`, folder, process.execPath, [`readme-${line}.ts`], 2 * minutes)
    )
  ]
  const demo = run("npx tacit demo --json", folder, "npx", ["--no-install", "tacit", "demo", "--json"], 2 * minutes)
  const judge = ["--no-install", "tacit-conformance", "run", "--in-process", "reference", "--level", "1"]
  const judged = run("npx tacit-conformance run", folder, "npx", judge, 2 * minutes)
  problems.push(...[...steps, demo, judged].map((step) => step.problem).filter((problem) => problem !== undefined))
  const json = demo.output === undefined ? undefined : checkJson(demo.output)
  if (json !== undefined) problems.push(json)
  return { examples: examples.length, problems }
}

if (isMain(import.meta)) {
  const folder = mkdtempSync(join(tmpdir(), "tacit-stranger-"))
  try {
    const packs = join(folder, "packs")
    const project = join(folder, "project")
    mkdirSync(packs)
    mkdirSync(project)
    const tarballs = pack(packs)
    const { examples, problems } = tryOut(project, tarballs)
    report(
      "check-tarballs",
      problems,
      `${tarballs.length} tarballs install, ${examples} examples, the demo and the conformance runner run`
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
