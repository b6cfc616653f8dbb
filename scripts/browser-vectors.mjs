/**
 * Runs every vector file in a real browser: the interpreter, the portable provider and the files in one page, opened by headless Chromium.
 *
 * Spec: vectors/README.md. `node scripts/browser-vectors.mjs [--keep]`; `CHROMIUM` names the browser when it is not on the path.
 * Prints `N passed, N failed`. Exit code 0 when all passed, 1 when one failed, 3 when there is no browser.
 */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "esbuild"

const root = fileURLToPath(new URL("..", import.meta.url))
const timeoutMs = 300_000

/** The first browser that answers with a version, or nothing. */
const findBrowser = () => {
  const names =
    process.env["CHROMIUM"] === undefined
      ? ["chromium", "chromium-browser", "google-chrome"]
      : [process.env["CHROMIUM"]]
  return names.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0)
}

/** The program of the page: runs every file and writes what came of it into the document. */
const program = (paths) => `
import { nobleProvider } from "@tacit/core/crypto/noble"
import { runFile } from "./vectors/interpret/run.ts"
${paths.map((path, i) => `import file${i} from "./vectors/${path}"`).join("\n")}
const files = [${paths.map((_, i) => `file${i}`).join(", ")}]
const report = files.map((file) => {
  const begun = performance.now()
  const outcomes = runFile(nobleProvider, file)
  return {
    name: file.family + "/" + file.topic,
    passed: outcomes.filter(({ problem }) => problem === undefined).length,
    failed: outcomes.filter(({ problem }) => problem !== undefined),
    ms: Math.round(performance.now() - begun)
  }
})
document.getElementById("report").textContent = JSON.stringify({ agent: navigator.userAgent, report })
`

const open = (browser, page, profile) =>
  new Promise((resolve, reject) => {
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--user-data-dir=${profile}`,
      "--dump-dom",
      pathToFileURL(page).href
    ]
    const child = spawn(browser, flags, { stdio: ["ignore", "pipe", "pipe"] })
    const chunks = []
    let errors = ""
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs)
    child.stdout.on("data", (chunk) => chunks.push(chunk))
    child.stderr.on("data", (chunk) => (errors = (errors + String(chunk)).slice(-4096)))
    child.on("error", reject)
    child.on("close", (code) => {
      clearTimeout(timer)
      resolve({ code, dom: Buffer.concat(chunks).toString("utf8"), errors })
    })
  })

/** Undoes what a serialised document does to text. */
const unescapeText = (text) =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&nbsp;", "\u00a0").replaceAll("&amp;", "&")

const browser = findBrowser()
if (browser === undefined) {
  console.error(
    "No Chromium found. Install it (Debian: apt-get install chromium) or name one with CHROMIUM=/path/to/it."
  )
  process.exit(3)
}
const folder = mkdtempSync(join(tmpdir(), "tacit-browser-vectors-"))
try {
  const manifest = JSON.parse(readFileSync(join(root, "vectors/manifest.json"), "utf8"))
  await build({
    stdin: { contents: program(manifest.files.map(({ path }) => path)), resolveDir: root, loader: "js" },
    bundle: true,
    format: "iife",
    platform: "browser",
    target: "es2023",
    conditions: ["@tacit/source"],
    outfile: join(folder, "vectors.js"),
    logLevel: "warning"
  })
  const page = join(folder, "index.html")
  writeFileSync(
    page,
    '<!doctype html><meta charset="utf-8"><title>vectors</title><pre id="report"></pre><script src="vectors.js"></script>\n'
  )
  const { code, dom, errors } = await open(browser, page, join(folder, "profile"))
  const found = /<pre id="report">([^<]+)<\/pre>/.exec(dom)
  if (found === null) {
    console.error(`The page gave no report (browser exit code ${code}).\n${errors}`)
    process.exitCode = 1
  } else {
    const { agent, report } = JSON.parse(unescapeText(found[1]))
    console.log(agent)
    for (const { failed, ms, name, passed } of report) {
      console.log(`${failed.length === 0 ? "ok  " : "FAIL"} ${name}: ${passed} of ${passed + failed.length}, ${ms} ms`)
      for (const { id, problem } of failed) console.log(`     ${id}: ${problem}`)
    }
    const passed = report.reduce((sum, file) => sum + file.passed, 0)
    const failed = report.reduce((sum, file) => sum + file.failed.length, 0)
    if (passed + failed !== manifest.count)
      console.error(`${passed + failed} cases ran, the manifest counts ${manifest.count}`)
    console.log(`${passed} passed, ${failed} failed`)
    process.exitCode = failed === 0 && passed === manifest.count ? 0 : 1
  }
} finally {
  if (process.argv.includes("--keep")) console.log(`kept: ${folder}`)
  else rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}
