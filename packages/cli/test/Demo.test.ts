/**
 * The demo from outside: what it prints, what it ends with, what it leaves behind.
 *
 * Spec: docs/spec/07-sequencing.md §7.2, §7.3.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { script } from "../src/demo/Script.ts"

vi.setConfig({ testTimeout: 60_000 })

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const argv = ["-C", "@tacit/source", "--disable-warning=ExperimentalWarning", main, "demo"]
let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tacit-demo-test-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Temporary files of its own, so that what stays behind can be seen. */
const start = (words: ReadonlyArray<string>) =>
  spawn(process.execPath, [...argv, ...words], {
    env: { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1", TMPDIR: folder }
  })

const demo = (words: ReadonlyArray<string>, input: string | Uint8Array) =>
  new Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>((resolve) => {
    const child = start(words)
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
    child.on("close", (code) => resolve({ code, out, err }))
    // A program that ends, or reads no input, breaks the pipe.
    child.stdin.on("error", () => undefined)
    child.stdin.end(input)
  })

interface Result {
  readonly lines: number
  readonly deliveredToBob: number
  readonly echoed: number
  readonly inOrder: boolean
  readonly attacks: ReadonlyArray<{ readonly name: string; readonly refused: boolean; readonly cause: string }>
  readonly relaySaw: Record<string, unknown>
}

describe("the demo", () => {
  it("delivers every line and refuses every attack, each with its cause [failure.closed.1] [fence.detect.1] [relay.login.2]", async () => {
    const { code, out, err } = await demo(["--json"], "one\r\ntwo 🚲\n\n  four  \nfive")
    expect(code, err).toBe(0)
    const result = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Result
    expect(result).toMatchObject({ lines: 5, deliveredToBob: 5, echoed: 5, inOrder: true })
    expect(result.attacks).toEqual([
      { name: "replay", refused: true, cause: "fresh.used-key" },
      { name: "flip", refused: true, cause: "auth.tag" },
      { name: "swap", refused: true, cause: "lookup.no-session" },
      { name: "restore", refused: true, cause: "stale-state" }
    ])
    expect(result.relaySaw).toMatchObject({ mailboxes: 3, plaintextFound: 0, sendersFound: 0 })
    expect(readdirSync(folder)).toEqual([])
  })

  it("does the same through a broker, where a subscriber to everything sees nothing [mqtt.seen.1]", async () => {
    const { code, out, err } = await demo(
      ["--json", "--transport", "mqtt"],
      "one line\ntwo 🚲\n\n  four words in it  \nfive"
    )
    expect(code, err).toBe(0)
    const result = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Result
    expect(result).toMatchObject({ lines: 5, deliveredToBob: 5, echoed: 5, inOrder: true })
    expect(result.attacks.map(({ cause, refused }) => [refused, cause])).toEqual([
      [true, "fresh.used-key"],
      [true, "auth.tag"],
      [true, "lookup.no-session"],
      [true, "stale-state"]
    ])
    expect(result.relaySaw).toMatchObject({
      mailboxes: 3,
      plaintextFound: 0,
      sendersFound: 0,
      broker: { plaintextFound: 0, idsFound: 0 }
    })
    expect(readdirSync(folder)).toEqual([])
    const wrong = await demo(["--transport", "pigeon"], "")
    expect(wrong.code).toBe(2)
  })

  it("has lines of its own, and shows people what happened", async () => {
    const { code, out, err } = await demo([], "")
    expect(code, err).toBe(0)
    expect(out).toContain(`${script.length} of ${script.length} lines reached bob`)
    expect(out.match(/refused \(/g)).toHaveLength(4)
    expect(out.match(/ {4}! /g)).toHaveLength(4)
    expect(out).not.toContain("✘")
    expect(out).not.toContain("\u001b")
    expect(readdirSync(folder)).toEqual([])
  })

  it("carries the longest lines and many of them", async () => {
    const lines = [...Array.from({ length: 300 }, (_, i) => `line ${i}`), "é".repeat(32_768), "z".repeat(61_440)]
    const { code, out, err } = await demo(["--json"], lines.join("\n"))
    expect(code, err).toBe(0)
    expect(JSON.parse(out.trimEnd())).toMatchObject({ lines: 302, deliveredToBob: 302, echoed: 302, inOrder: true })
  })

  it("refuses input it cannot send, and says which line", async () => {
    const notUtf8 = await demo([], Buffer.from([0x61, 0x0a, 0xc3, 0x28, 0x0a]))
    expect(notUtf8).toMatchObject({ code: 2, out: "" })
    expect(notUtf8.err).toContain("line 2 of standard input is not valid UTF-8")
    const tooLong = await demo([], "x".repeat(65_537))
    expect(tooLong.code).toBe(2)
    expect(readdirSync(folder)).toEqual([])
  })

  it("leaves nothing behind when it is interrupted", async () => {
    const child = start([])
    child.stdin.on("error", () => undefined)
    child.stdin.end(Array.from({ length: 50_000 }, (_, i) => String(i)).join("\n"))
    for (let i = 0; i < 200 && readdirSync(folder).length === 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(readdirSync(folder)).toHaveLength(1)
    await new Promise((resolve) => setTimeout(resolve, 500))
    child.kill("SIGINT")
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130)
    expect(readdirSync(folder)).toEqual([])
  })
})
