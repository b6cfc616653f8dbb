/**
 * The command: exit codes, help, files, what people read.
 *
 * Spec: docs/spec/21-conformance.md §21.4.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import Ajv from "ajv/dist/2020.js"
import { afterAll, describe, expect, it } from "vitest"
import { commands } from "../src/main/Dispatch.ts"
import { jsonSchemas } from "../src/protocol/JsonSchemas.ts"
import { meanings } from "../src/run/ExitCode.ts"
import { command, program, vectors } from "./support.ts"

const folder = mkdtempSync(join(tmpdir(), "tacit-command-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const inFolder = (name: string) => join(folder, name)

const main = fileURLToPath(new URL("../src/main/main.ts", import.meta.url))
/** The command as a process of its own. */
const spawned = (...words: ReadonlyArray<string>) =>
  spawnSync(process.execPath, ["-C", "@tacit/source", main, ...words], { encoding: "utf8" })

const reference = ["--in-process", "reference", "--budget", "none", "--vectors", vectors]
const lines = (path: string) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe("tacit-conformance", () => {
  it("explains itself and every command, with examples", async () => {
    const overview = await command("--help")
    expect(overview.code).toBe(0)
    for (const { about, examples, name, summary } of commands) {
      expect(overview.out).toContain(summary)
      expect(examples.length, name).toBeGreaterThan(0)
      expect(about.length, name).toBeGreaterThan(0)
      const page = await command("help", name)
      expect(page).toEqual({ ...(await command(name, "--help")), code: 0 })
      for (const { line } of examples) {
        expect(page.out).toContain(line)
        expect(line).toMatch(new RegExp(`\\b${name}\\b`))
      }
      expect(page.out.split("\n").filter((row) => row.length > 160)).toEqual([])
      for (const [code, text] of meanings) expect(page.out).toContain(`${code}${code > 9 ? "" : "  "}  ${text}`.trim())
    }
    expect((await command("help")).out).toBe(overview.out)
    expect((await command()).code).toBe(4)
    expect((await command("--version")).out).toMatch(/^tacit-conformance \d+\.\d+\.\d+$/)
  })

  it("says what is wrong with a call, and ends with 4 [result.exit.1]", async () => {
    const wrong: ReadonlyArray<readonly [words: ReadonlyArray<string>, message: RegExp]> = [
      [["runn"], /there is no command "runn"[^]*tacit-conformance run/],
      [["run"], /no subject is named[^]*--in-process reference/],
      [["run", "--subject", "a", "--in-process", "b"], /more than one subject/],
      [["run", ...reference, "--levl", "1"], /levl/],
      [["run", ...reference, "--level", "6"], /--level takes a whole number from 0 to 5/],
      [["run", ...reference, "--jobs", "0"], /--jobs takes a whole number/],
      [["run", "--in-process", "reference", "--budget", "huge"], /--budget takes one of quick, ci, nightly/],
      [["run", ...reference, "--family", "ratchets"], /there is no family "ratchets"[^]*ratchet,/],
      [["run", ...reference, "--case", "no-such-case"], /the selection holds no case/],
      [["run", ...reference, "--known", inFolder("absent.json")], /absent\.json cannot be read: ENOENT/],
      [["run", ...reference, "--update-known"], /--update-known needs --known/],
      [["run", ...reference, "--json", inFolder("no/such/folder.ndjson")], /cannot be written: ENOENT/],
      [["run", "--in-process", "reference", "--vectors", folder], /there is no manifest\.json/],
      [["run", ...reference, "stray"], /no use for "stray"/],
      [["replay", "--in-process", "reference"], /<case> is missing/],
      [["replay", "window-in-ordr"], /there is no case[^]*window-in-order\?/]
    ]
    for (const [words, message] of wrong) {
      const { code, err, out } = await command(...words)
      expect(err, words.join(" ")).toMatch(message)
      expect(code, words.join(" ")).toBe(4)
      expect(out).toBe("")
    }
  }, 30_000)

  it("says what is wrong with a file of known failures, and ends with 4 [known.file.1]", async () => {
    writeFileSync(inFolder("bad.json"), '{"suite":"*","known":[{"case":"x","outcome":"broken","reason":"r"}]}')
    const { code, err } = await command("run", ...reference, "--known", inFolder("bad.json"))
    expect(code).toBe(4)
    expect(err).toMatch(/bad\.json is no file of known failures[^]*known\.file\.1/)
  })

  it("refuses a suite that is not that of its manifest: 5 [result.exit.1]", async () => {
    const copy = inFolder("vectors")
    for (const part of ["manifest.json", ...new Set(manifest().map(({ path }) => path.split("/")[0]!))]) {
      cpSync(join(vectors, part), join(copy, part), { recursive: true })
    }
    const words = ["run", "--in-process", "reference", "--budget", "none", "--case", "window-first", "--vectors", copy]
    expect((await command(...words)).code).toBe(0)
    const file = join(copy, "sequence/window.json")
    const text = readFileSync(file, "utf8")
    const manifestText = readFileSync(join(copy, "manifest.json"), "utf8")
    const damaged = async () => {
      const { code, err } = await command(...words)
      expect(code).toBe(5)
      return err
    }
    writeFileSync(file, text.replace('"number": 1', '"number": 2'))
    expect(await damaged()).toContain("sequence/window.json is not the file of the manifest")
    rmSync(file)
    expect(await damaged()).toContain("sequence/window.json is in the manifest and not in the folder")
    writeFileSync(file, text)
    writeFileSync(join(copy, "manifest.json"), manifestText.replace(/"root": "../, '"root": "zz'))
    expect(await damaged()).toContain("the root in manifest.json")
    writeFileSync(join(copy, "manifest.json"), "{")
    expect(await damaged()).toContain("cannot be read")
  }, 30_000)

  it("writes results, one event a line, as the schema says [result.events.1]", async () => {
    const json = inFolder("results.ndjson")
    const { code, out } = await command("run", ...reference, "--family", "sequence", "--json", json, "--wires", "all")
    expect(code).toBe(0)
    expect(out).toMatch(/^ {2}sequence +\d+ passed$/m)
    const valid = new Ajv.default({ strict: true, strictTypes: false, allowUnionTypes: true }).compile(
      JSON.parse(jsonSchemas().get("result.json")!) as object
    )
    const all = lines(json)
    for (const line of all) expect(valid(line), JSON.stringify(line).slice(0, 200)).toBe(true)
    expect(all[0]!["event"]).toBe("header")
    expect(all.at(-1)).toMatchObject({ event: "footer", exit: 0 })
  }, 30_000)

  it("writes results to standard output, and what people read elsewhere", () => {
    const { status, stderr, stdout } = spawned("run", ...reference, "--case", "window-first", "--json", "-")
    expect(status).toBe(0)
    for (const line of stdout.trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("event")
    expect(stderr).toMatch(/^a part of the suite · suite /m)
    expect(stdout + stderr).not.toContain("\u001b")
  }, 30_000)

  it("writes reports [result.events.1]", async () => {
    const files = ["junit.xml", "page.html", "badge.svg"].map(inFolder)
    const named = ["--junit", files[0]!, "--html", files[1]!, "--badge", files[2]!]
    const { code } = await command("run", ...reference, "--family", "sequence", ...named)
    expect(code).toBe(0)
    const [xml, page, badge] = files.map((path) => readFileSync(path, "utf8"))
    expect(xml).toMatch(/^<\?xml/)
    expect(page).toContain("<html")
    expect(badge).toMatch(/^<svg/)
    const endpoint = inFolder("badge.json")
    await command("run", ...reference, "--case", "window-first", "--badge", endpoint)
    expect(JSON.parse(readFileSync(endpoint, "utf8"))).toMatchObject({ schemaVersion: 1 })
  }, 60_000)

  it("shows a failure with id, title, rules, stages and the line that repeats it", async () => {
    const subject = program("null/main.ts", "rejects-at-the-wrong-stage")
    const words = ["--subject", subject, "--budget", "none", "--vectors", vectors]
    const { code, out } = await command("run", ...words, "--case", "window-in-order-1-1")
    expect(code).toBe(1)
    expect(out).toMatch(/^✗ window-in-order-1-1 {2}1 was received {2}\[critical\]$/m)
    expect(out).toMatch(/^ {4}sequence\.window\.1 sequence\.warn\.1$/m)
    expect(out).toMatch(/step 1 window\.accept: expected freshness, got reject decode \(fresh\.duplicate\)/)
    const replay = /tacit-conformance (replay .*)$/m.exec(out)![1]!
    const again = execFileSync(
      "sh",
      ["-c", `'${process.execPath}' -C @tacit/source '${main}' ${replay} --vectors '${vectors}' || true`],
      {
        encoding: "utf8"
      }
    )
    expect(again).toMatch(/^stage \[critical\] at step 1: refused at decode/m)
  }, 30_000)

  it("tells what declaring more would unlock, and keeps to its promise about the level", async () => {
    const subject = inFolder("little.mjs")
    writeFileSync(
      subject,
      `import { create as reference } from ${JSON.stringify(new URL("../subjects/reference/index.ts", import.meta.url).href)}
       export const create = () => {
         const { handle } = reference()
         return { handle: async (request) => {
           const reply = await handle(request)
           if (request.op === "hello") reply.ok = { ...reply.ok, features: { families: { labels: 1, encoding: 1 } } }
           return reply
         } }
       }`
    )
    const words = ["--in-process", subject, "--budget", "none", "--vectors", vectors]
    const free = await command("run", ...words)
    expect(free.code).toBe(0)
    expect(free.out).toMatch(/implementing \w+\/1 would unlock \d{2,} cases/)
    expect(free.out).toMatch(/^level 0 ·/m)
    expect((await command("run", ...words, "--level", "1")).code).toBe(1)
  }, 60_000)

  it("keeps known failures up to date [known.file.1]", async () => {
    const known = inFolder("known.json")
    const words = [
      "run",
      "--subject",
      program("null/main.ts", "has-no-digest"),
      "--budget",
      "none",
      "--vectors",
      vectors
    ]
    const selected = [...words, "--case", "sequence/window/window-in-order-4-0", "--known", known]
    expect((await command(...words, "--case", "window-in-order-4-0")).code).toBe(1)
    expect((await command(...selected, "--update-known")).code).toBe(1)
    expect(JSON.parse(readFileSync(known, "utf8"))).toMatchObject({
      known: [{ case: "sequence/window/window-in-order-4-0", outcome: "unsupported", reason: "not looked into yet" }]
    })
    expect(existsSync(known)).toBe(true)
  }, 60_000)

  it("replays a case, of the reference unless told otherwise", async () => {
    const { code, out } = await command("replay", "window-in-order-1-1", "--vectors", vectors)
    expect(code).toBe(0)
    expect(out).toMatch(/^ {2}1 < \{"reject":\{"stage":"freshness"/m)
    expect(out.endsWith("pass")).toBe(true)
    const dashes = await command("replay", "window-in-order-1-1", "--vectors", vectors, "--", "in-process", "reference")
    expect(dashes).toEqual({ code, out, err: "" })
    const absent = await command("replay", "window-in-order-1-1", "--vectors", vectors, "--subject", "/no/such/program")
    expect(absent.code).toBe(3)
    expect(absent.err).toContain("does not come up")
  }, 30_000)

  it("tells a newcomer how far an adapter is understood", async () => {
    const good = await command("smoke", "--in-process", "reference", "--vectors", vectors)
    expect(good.code).toBe(0)
    expect(good.out).toMatch(/^✓ hello: tacit/)
    expect(good.out).not.toContain("✗")
    const silent = await command("smoke", "--subject", "cat >/dev/null", "--timeout", "50", "--vectors", vectors)
    expect(silent.code).toBe(3)
    expect(silent.out).toMatch(/✗ hello: hello was not answered within 300 ms[^]*subject\.hello\.1/)
    const lying = program("null/main.ts", "reports-faults-as-rejects")
    const caught = await command("smoke", "--subject", lying, "--vectors", vectors)
    expect(caught.code).toBe(1)
    expect(caught.out).toMatch(/✗ an operation that does not exist was answered reject/)
  }, 30_000)

  it("stops at a signal and keeps what it had", async () => {
    const json = inFolder("stopped.ndjson")
    const abort = new AbortController()
    const { main: run } = await import("../src/main/Dispatch.ts")
    const out: Array<string> = []
    const code = await run(["run", ...reference, "--json", json], {
      out: (line) => void out.push(line),
      err: () => undefined,
      progress: (text) => {
        if (Number.parseInt(text, 10) > 150) abort.abort()
      },
      signal: abort.signal
    })
    expect(code).toBe(130)
    const all = lines(json)
    expect(all.at(-1)).toMatchObject({ event: "footer", exit: 130, stopped: "interrupted" })
    expect(all.at(-1)).not.toHaveProperty("level")
    expect(all.filter(({ event }) => event === "result").length).toBeGreaterThan(100)
  }, 30_000)
})

const manifest = () =>
  (JSON.parse(readFileSync(join(vectors, "manifest.json"), "utf8")) as { files: ReadonlyArray<{ path: string }> }).files
