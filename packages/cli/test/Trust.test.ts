/** `tacit verify` and `tacit trust`: comparing, policies, exit codes, JSON, QR codes. */
import { startRelay, type RunningRelay } from "@tacit/relay"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { decodeQR } from "qr/decode.js"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ExitCode } from "../src/ExitCode.ts"
import * as QrCode from "../src/QrCode.ts"
import { call, type Done, objects } from "./InProcess.ts"

let folder = ""
let relay: RunningRelay

/** Runs a call; with `shows` as if on a terminal. */
const tacit = (user: string, words: ReadonlyArray<string>, shows = false): Promise<Done> =>
  call(words, { env: { TACIT_DATA: join(folder, "data"), TACIT_PROFILE: user, TACIT_RELAY: relay.url }, shows })

const json = async (user: string, ...words: ReadonlyArray<string>): Promise<ReadonlyArray<Record<string, unknown>>> =>
  objects((await tacit(user, [...words, "--json"])).out)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tacit-trust-"))
  relay = await startRelay({ database: ":memory:" })
  for (const user of ["alice", "bob"]) {
    const file = join(folder, `${user}.otp`)
    writeFileSync(file, await relay.invite(user))
    expect(await tacit(user, ["register", "--user", user, "--password-file", file])).toMatchObject({ code: 0 })
  }
}, 60_000)
afterAll(async () => {
  await relay.close()
  rmSync(folder, { recursive: true, force: true })
})

describe("tacit verify", () => {
  it("shows the same digits on both sides, and an image of the code [trust.verify.1] [safety.digits.2]", async () => {
    const svg = join(folder, "bob.svg")
    const [mine] = await json("alice", "verify", "bob", "--svg", svg)
    const [theirs] = await json("bob", "verify", "alice")
    expect(mine).toMatchObject({ type: "safety", user: "bob", state: "pinned", verified: null })
    expect(mine!["digits"]).toMatch(/^(\d{5} ){11}\d{5}$/)
    expect(mine!["digits"]).toBe(theirs!["digits"])
    expect(mine!["devices"]).toMatchObject([{ role: "admin", compared: false, suite: null }])
    expect(readFileSync(svg, "utf8")).toContain("<svg")
    const shown = await tacit("alice", ["verify", "bob"], true)
    for (const group of String(mine!["digits"]).split(" ")) expect(shown.out).toContain(group)
    expect(shown.out).toContain("█")
    expect(shown.out).toContain("Not verified.")
    expect((await tacit("alice", ["verify", "bob"])).out).not.toContain("█")
  })

  it("says by its exit code whether they agree, and remembers that they did [trust.verify.1] [safety.outcome.1]", async () => {
    const [theirs] = await json("bob", "verify", "alice")
    const [mine] = await json("alice", "verify", "bob")
    const wrong = String(theirs!["digits"]).replace(/^\d/, (digit) => String((Number(digit) + 1) % 10))
    expect(await tacit("alice", ["verify", "bob", "--digits", wrong])).toMatchObject({
      code: ExitCode.mismatch,
      err: expect.stringContaining("do not agree")
    })
    expect(await tacit("alice", ["verify", "bob", "--code", String(mine!["code"])])).toMatchObject({
      code: ExitCode.mismatch,
      err: expect.stringContaining("your own code")
    })
    expect(await tacit("alice", ["verify", "bob", "--digits", "12345"])).toMatchObject({ code: ExitCode.mismatch })
    expect(await tacit("alice", ["verify", "bob", "--code", "?"])).toMatchObject({ code: ExitCode.usage })
    expect(await tacit("alice", ["verify", "bob", "--digits", "1", "--forget"])).toMatchObject({ code: ExitCode.usage })
    expect(await tacit("alice", ["verify", "nobody"])).toMatchObject({ code: ExitCode.refused })
    const verified = await json("alice", "verify", "bob", "--code", String(theirs!["code"]))
    expect(verified).toMatchObject([{ type: "verified", contact: "bob", verified: { by: "code", unchanged: true } }])
    expect((await json("alice", "verify", "bob"))[0]).toMatchObject({ verified: { by: "code" } })
    expect((await tacit("alice", ["contacts"])).out).toContain("verified")
    expect(await tacit("alice", ["verify", "bob", "--forget"])).toMatchObject({ code: ExitCode.ok })
    expect((await tacit("alice", ["contacts"])).out).not.toContain("verified")
    expect(await tacit("alice", ["verify", "bob", "--digits", String(mine!["digits"])])).toMatchObject({ code: 0 })
  })
})

describe("tacit trust", () => {
  const policy = (name: string, value: unknown): string => {
    const file = join(folder, name)
    writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value))
    return file
  }

  it("says what is wrong with a policy, and changes nothing [trust.policy.3]", async () => {
    const file = policy("wrong.json", { version: 1, rules: [{ id: "x", event: "sending", decision: "block" }] })
    const checked = await tacit("alice", ["trust", "policy", "check", file])
    expect(checked).toMatchObject({ code: ExitCode.usage })
    expect(checked.err).toContain("rules[0].decision block does not fit sending")
    expect(await tacit("alice", ["trust", "policy", "set", file])).toMatchObject({ code: ExitCode.usage })
    expect(await tacit("alice", ["trust", "policy", "set", join(folder, "nowhere")])).toMatchObject({ code: 2 })
    expect((await json("alice", "trust", "policy", "show"))[0]).toMatchObject({ name: "default" })
  })

  it("tries a policy on what happened, sets it, and says what it stops [trust.log.2] [trust.effect.5]", async () => {
    expect(await tacit("bob", ["send", "alice", "hello"])).toMatchObject({ code: 0 })
    const log = await json("bob", "trust", "log")
    expect(log.map(({ event }) => event)).toEqual(["first-contact", "sending"])
    const strict = policy("strict.json", {
      version: 1,
      name: "strict",
      rules: [{ id: "verify-first", event: "sending", when: { verified: false, approved: false }, decision: "ask" }]
    })
    expect(await tacit("bob", ["trust", "policy", "check", strict])).toMatchObject({ code: 0 })
    const dry = await json("bob", "trust", "dry-run", "--policy", strict)
    expect(dry).toMatchObject([
      { event: "sending", decision: "allow", would: { decision: "ask", rule: "verify-first" } }
    ])
    expect((await tacit("bob", ["trust", "dry-run", "--policy", strict])).out).toContain(
      "1 of 2 decisions would differ."
    )
    expect(await tacit("bob", ["send", "alice", "still allowed"])).toMatchObject({ code: 0 })
    expect(await tacit("bob", ["trust", "policy", "set", strict])).toMatchObject({ code: 0 })
    const refused = await tacit("bob", ["send", "alice", "no"])
    expect(refused).toMatchObject({ code: ExitCode.policy })
    expect(refused.err).toContain("verify-first")
    expect(refused.err).toContain("tacit verify")
    expect(await tacit("bob", ["trust", "approve", "alice"])).toMatchObject({ code: 0 })
    expect(await tacit("bob", ["send", "alice", "approved"])).toMatchObject({ code: 0 })
    expect(await tacit("bob", ["trust", "approve", "alice", "--undo"])).toMatchObject({ code: 0 })
    expect(await tacit("bob", ["send", "alice", "no"])).toMatchObject({ code: ExitCode.policy })
    expect(await tacit("bob", ["trust", "holds"])).toMatchObject({ code: 0, out: "" })
    expect(await tacit("bob", ["trust", "policy", "set", "default"])).toMatchObject({ code: 0 })
    expect(await tacit("bob", ["trust", "policy", "set", "verified-only"])).toMatchObject({ code: 0 })
    expect((await json("bob", "trust", "policy", "show"))[0]).toMatchObject({ name: "verified-only" })
    expect(await tacit("bob", ["send", "alice", "no"])).toMatchObject({ code: ExitCode.policy })
  })
})

describe("a QR code", () => {
  /** Reads a code with the library's reader, four pixels to a module. */
  const read = (rows: ReadonlyArray<ReadonlyArray<boolean>>): string => {
    const scale = 4
    const size = rows.length * scale
    const data = new Uint8Array(size * size * 4).fill(255)
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        if (rows[Math.floor(y / scale)]![Math.floor(x / scale)]!)
          data.fill(0, 4 * (y * size + x), 4 * (y * size + x) + 3)
      }
    }
    const textDecoder = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
    return decodeQR({ height: size, width: size, data }, { textDecoder })
  }

  it("carries bytes as they are, and text as UTF-8 [safety.code.1]", () => {
    const bytes = Uint8Array.from({ length: 108 }, (_, i) => (i * 37) & 255)
    expect(read(QrCode.modules(bytes))).toBe(Buffer.from(bytes).toString("hex"))
    const uri = "tacit:contact#gözgü"
    expect(read(QrCode.modules(uri))).toBe(Buffer.from(uri).toString("hex"))
  })

  it("is drawn with two modules to a character, light ones filled", () => {
    const bytes = new Uint8Array(108).fill(7)
    const rows = QrCode.modules(bytes)
    const drawn = QrCode.terminal(bytes, false)
    const light = { "█": [true, true], "▀": [true, false], "▄": [false, true], " ": [false, false] }
    expect(drawn).toHaveLength(Math.ceil(rows.length / 2))
    for (const [y, line] of drawn.entries()) {
      for (const [x, character] of Array.from(line).entries()) {
        const [upper, lower] = light[character as keyof typeof light]
        expect(upper).toBe(!rows[2 * y]![x])
        if (rows[2 * y + 1] !== undefined) expect(lower).toBe(!rows[2 * y + 1]![x])
      }
    }
    expect(QrCode.terminal(bytes, true)).toEqual(drawn.map((line) => `\u001b[97;40m${line}\u001b[0m`))
  })
})
