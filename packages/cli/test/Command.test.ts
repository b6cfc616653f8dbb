/**
 * The command as people use it: processes of their own, a relay on loopback, exit codes, JSON, and a terminal.
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { ExitCode, meanings } from "../src/ExitCode.ts"
import { page } from "../src/Help.ts"
import { commands, commonOptions } from "../src/Run.ts"
import * as Child from "./crash/Child.ts"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const documentation = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8")
const argv = ["-C", "@tacit/source", "--disable-warning=ExperimentalWarning", main]

// Every call is a process.
vi.setConfig({ testTimeout: 40_000, hookTimeout: 60_000 })

let folder = ""
let relay: Child.Child
let url = ""
const env = () => ({
  ...process.env,
  NODE_OPTIONS: "",
  NO_COLOR: "1",
  TACIT_DATA: join(folder, "data"),
  TACIT_RELAY_DATA: join(folder, "relay")
})

interface Done {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a call to its end. */
const tacit = (words: ReadonlyArray<string>, input = "", extra: Record<string, string> = {}): Promise<Done> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [...argv, ...words], { env: { ...env(), ...extra } })
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
    child.on("close", (code) => resolve({ code, out, err }))
    // A program that ends, or reads no input, breaks the pipe.
    child.stdin.on("error", () => undefined)
    child.stdin.end(input)
  })

const invite = async (user: string): Promise<string> => (await tacit(["relay", "invite", user])).out.trim()

const enrol = async (user: string): Promise<Done> =>
  tacit(["register", "--relay", url, "--user", user, "--profile", user], "", { TACIT_PASSWORD: await invite(user) })

const objects = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tacit-command-"))
  relay = Child.start("../../src/main.ts", ["relay", "start", "--port", "0", "--json"], { env: env() })
  url = (JSON.parse(await relay.line((line) => line.includes("ready"))) as { readonly url: string }).url
  expect(await Promise.all([enrol("alice"), enrol("bob")])).toMatchObject([{ code: 0 }, { code: 0 }])
})
afterAll(async () => {
  relay.kill("SIGTERM")
  expect(await relay.gone).toBe(0)
  rmSync(folder, { recursive: true, force: true })
})

describe("help", () => {
  it("explains every command with its options, examples and exit codes", () => {
    for (const command of commands) {
      const text = page(command)
      for (const option of command.options) expect(text).toContain(`--${option.name}`)
      for (const name of commonOptions) expect(text).toContain(`--${name}`)
      for (const [code] of meanings) expect(text).toMatch(new RegExp(`\\n  ${code} `))
      expect(command.examples.length, command.name).toBeGreaterThan(0)
      for (const example of command.examples) expect(example.line, command.name).toContain("tacit ")
    }
  })

  it("is the same by `help` and by `--help`, and ends with 0", async () => {
    const [a, b] = await Promise.all([tacit(["help", "relay", "start"]), tacit(["relay", "start", "--help"])])
    expect(a).toEqual(b)
    expect(a.code).toBe(0)
  })

  it("agrees with docs/configuration.md about exit codes and variables", () => {
    for (const [code, text] of meanings) expect(documentation).toContain(`| ${code} | ${text} |`)
    const variables = commands.flatMap((command) => command.options.flatMap((option) => option.env ?? []))
    for (const variable of variables) expect(documentation).toContain(`\`${variable}\``)
  })

  it("names no option that takes a secret", () => {
    const names = commands.flatMap((command) => command.options.map((option) => option.name))
    expect(names.filter((name) => /password|secret|token/.test(name))).toEqual(
      expect.arrayContaining(["password-file"])
    )
    expect(new Set(names.filter((name) => /password|secret|token/.test(name)))).toEqual(new Set(["password-file"]))
  })
})

describe("exit codes", () => {
  it.each([
    [[], 2],
    [["regster"], 2],
    [["relay"], 2],
    [["send", "bob", "x", "--unknown"], 2],
    [["listen", "--count", "none"], 2],
    [["listen", "--profile", "nobody"], 3],
    [["send", "bob", "x", "--profile", "nobody"], 3],
    [["send", "nosuchuser", "x", "--profile", "alice"], 4],
    [["send", "Not A Name", "x", "--profile", "alice"], 2],
    [["version"], 0]
  ])("%j ends with %i", async (words, code) => {
    const done = await tacit(words)
    expect(done.code, done.err).toBe(code)
    expect(done.err).not.toMatch(/\n\s+at /)
    if (code !== 0 && words.length > 0) expect(done.err).toMatch(/^tacit: .+\n {7}\S/)
  })

  it("tells a wrong password, a taken profile and a silent relay apart", async () => {
    const register = ["register", "--relay", url, "--user", "dora", "--profile", "dora"]
    const wrong = await tacit(register, "", { TACIT_PASSWORD: "ABCD-EFGH-IJKL-MNOP-QRST" })
    expect(wrong.code).toBe(ExitCode.refused)
    expect(wrong.err).toContain("tacit relay invite")
    expect((await tacit(register, "", { TACIT_PASSWORD: await invite("dora") })).code).toBe(0)
    expect((await tacit(register, "", { TACIT_PASSWORD: "whatever" })).code).toBe(ExitCode.notRegistered)
    expect((await tacit([...register.slice(0, -1), "again"])).code).toBe(ExitCode.usage)
    const silent = ["send", "bob", "x", "--profile", "dora", "--relay", "ws://127.0.0.1:9", "--timeout", "2"]
    expect((await tacit(silent)).code).toBe(ExitCode.unreachable)
  })

  it("reports a store in use, and one that is damaged, and changes neither", async () => {
    await enrol("eve")
    const path = join(folder, "data", "eve", "client.db")
    const listening = spawn(process.execPath, [...argv, "listen", "--profile", "eve", "--json", "--timeout", "20"], {
      env: env()
    })
    for (let i = 0; i < 100 && !existsSync(`${path}-wal`); i++) await new Promise((resolve) => setTimeout(resolve, 50))
    const busy = await tacit(["send", "bob", "x", "--profile", "eve"])
    expect(busy.code, busy.err).toBe(ExitCode.store)
    expect(busy.err).toContain("another process uses this profile")
    listening.kill("SIGTERM")
    expect(await new Promise((resolve) => listening.on("close", resolve))).toBe(0)

    writeFileSync(path, "this is no database at all")
    const damaged = await tacit(["contacts", "--profile", "eve"])
    expect(damaged.code, damaged.err).toBe(ExitCode.store)
    expect(readFileSync(path, "utf8")).toBe("this is no database at all")
  })

  it("writes errors as JSON when asked to, and the cause only with --debug", async () => {
    const plain = await tacit(["contacts", "--profile", "nobody", "--json"])
    expect(objects(plain.err)).toEqual([
      {
        error: {
          code: "NotRegistered",
          exit: 3,
          message: expect.any(String) as string,
          next: expect.stringContaining("tacit register") as string
        }
      }
    ])
    expect(plain.out).toBe("")
    expect((await tacit(["contacts", "--profile", "nobody", "--debug"])).err).toMatch(/\n\s+at /)
  })
})

describe("profiles and passwords", () => {
  it("keeps the account where only its owner reads it", () => {
    const directory = join(folder, "data", "alice")
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    for (const file of ["client.db", "profile.json"]) expect(statSync(join(directory, file)).mode & 0o077).toBe(0)
    expect(readFileSync(join(directory, "profile.json"), "utf8")).not.toMatch(/[A-Z2-7]{4}-[A-Z2-7]{4}/)
  })

  it("reads the password from a file, and from standard input", async () => {
    const file = join(folder, "frank.otp")
    writeFileSync(file, `  ${await invite("frank")}\n`)
    const common = ["register", "--relay", url]
    expect((await tacit([...common, "--user", "frank", "--profile", "frank", "--password-file", file])).code).toBe(0)
    const piped = [...common, "--user", "gina", "--profile", "gina", "--password-file", "-"]
    expect((await tacit(piped, `${await invite("gina")}\n`)).code).toBe(0)
    expect(
      (await tacit([...common, "--user", "hal", "--profile", "hal", "--password-file", join(folder, "none")])).code
    ).toBe(2)
  })
})

describe("sending and listening", () => {
  it("carries lines from one to the other, once each, as text and as JSON", async () => {
    const sent = await tacit(["send", "bob", "--profile", "alice", "--json"], "first\r\n\nthird 🚲\u001b[31m\n")
    expect(sent.code, sent.err).toBe(0)
    expect(objects(sent.out).map(({ type, sequence }) => [type, sequence])).toEqual([
      ["sent", 1],
      ["sent", 2],
      ["sent", 3]
    ])
    const heard = await tacit(["listen", "--profile", "bob", "--json", "--count", "2"])
    expect(objects(heard.out)).toMatchObject([
      { type: "message", order: 1, from: { user: "alice" }, body: { type: "text", text: "first" } },
      { type: "message", order: 2, body: { text: "" } }
    ])
    const rest = await tacit(["listen", "--profile", "bob", "--count", "1"])
    expect(rest.out).toMatch(/^\d\d:\d\d:\d\d alice: third 🚲\\u\{1b\}\[31m\n$/)
    expect((await tacit(["listen", "--profile", "bob", "--timeout", "2"])).out).toBe("")
  })

  it("sends once with the same idempotency key", async () => {
    const words = ["send", "bob", "only once", "--profile", "alice", "--json", "--idempotency-key", "k1"]
    const [first] = objects((await tacit(words)).out)
    const [second] = objects((await tacit(words)).out)
    expect(second?.["id"]).toBe(first?.["id"])
    const heard = await tacit(["listen", "--profile", "bob", "--json", "--timeout", "3"])
    expect(objects(heard.out)).toHaveLength(1)
  })

  it("refuses input that is not UTF-8 before anything is sent", async () => {
    const child = spawnSync(process.execPath, [...argv, "send", "bob", "--profile", "alice"], {
      env: env(),
      input: Buffer.from([0x61, 0x0a, 0xff, 0x0a])
    })
    expect(child.status).toBe(2)
    expect(child.stderr.toString()).toContain("line 2 of standard input is not valid UTF-8")
    expect((await tacit(["listen", "--profile", "bob", "--timeout", "2"])).out).toBe("")
  })

  it("lists contacts with their account ids, which both sides see alike", async () => {
    const [mine, theirs] = await Promise.all([
      tacit(["contacts", "--profile", "alice", "--json"]),
      tacit(["contacts", "--profile", "bob", "--json"])
    ])
    const self = objects(mine.out).find(({ type }) => type === "self")
    const seen = objects(theirs.out).find(({ type, user }) => type === "contact" && user === "alice")
    expect(seen?.["account"]).toBe(self?.["account"])
  })
})

describe("chat", () => {
  it("talks with the echo bot through pipes, and tells what became of each line", async () => {
    const bot = spawn(
      process.execPath,
      [...argv, "bot", "echo", "--profile", "echo", "--relay", url, "--user", "echo"],
      {
        env: { ...env(), TACIT_PASSWORD: await invite("echo") }
      }
    )
    await new Promise<void>((resolve) =>
      bot.stderr.on("data", (chunk: Buffer) => (chunk.toString().includes("answers as echo") ? resolve() : undefined))
    )
    const chat = spawn(process.execPath, [...argv, "chat", "echo", "--profile", "alice"], { env: env() })
    let out = ""
    const shows = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no ${text} in:\n${out}`)), 15_000)
        const look = () => {
          if (!out.includes(text)) return
          clearTimeout(timer)
          resolve()
        }
        chat.stdout.on("data", look)
        look()
      })
    chat.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    chat.stdin.write("hello there\n")
    await shows("echo: hello there")
    await shows("#1 delivered")
    chat.stdin.write("/help\n//not a command\n/nonsense\n/reset\nafter the reset\n")
    await shows("echo: after the reset")
    expect(out).toContain("echo: /not a command")
    expect(out).toContain("There is no such command")
    chat.stdin.write("/quit\n")
    expect(await new Promise((resolve) => chat.on("close", resolve))).toBe(0)
    bot.kill("SIGINT")
    expect(await new Promise((resolve) => bot.on("close", resolve))).toBe(0)
  })

  const hasScript = spawnSync("script", ["--version"]).status === 0
  it.runIf(hasScript)("works on a terminal: prompt, line editing, colours unless NO_COLOR", async () => {
    const line = [process.execPath, ...argv, "chat", "bob", "--profile", "alice"].map((word) => `'${word}'`).join(" ")
    const terminal = spawn("script", ["-qec", line, "/dev/null"], { env: { ...env(), NO_COLOR: "", TERM: "xterm" } })
    let out = ""
    terminal.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    const shows = async (text: string) => {
      for (let i = 0; i < 300 && !out.includes(text); i++) await new Promise((resolve) => setTimeout(resolve, 50))
      expect(out).toContain(text)
    }
    await shows("alice> ")
    // A typing error taken back with backspace.
    terminal.stdin.write("hellp\u007fo\r")
    await shows("#1 on its way")
    await shows("\u001b[2m")
    terminal.stdin.write("\u0004")
    expect(await new Promise((resolve) => terminal.on("close", resolve))).toBe(0)
    const heard = await tacit(["listen", "--profile", "bob", "--json", "--count", "1"])
    expect(objects(heard.out)).toMatchObject([{ body: { text: "hello" } }])
  })
})
