/** Sources of a vault's secret: real files, variables and programs. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { UnlockSource } from "@tacit/core"
import { command, environment, file } from "@tacit/storage/unlock"
import * as Effect from "effect/Effect"
import { afterAll, describe, expect, it } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "tacit-unlock-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const key = new Uint8Array(32).fill(0xab)
const hex = "ab".repeat(32)
const passphrase = (text: string) => ({ type: "passphrase", passphrase: new TextEncoder().encode(text) })

const ask = (source: UnlockSource["Service"], method?: "passphrase" | "key") =>
  Effect.runPromise(
    Effect.match(source.secret({ purpose: "open", method }), {
      onSuccess: (secret): unknown => secret,
      onFailure: ({ reason }) => reason
    })
  )

const written = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

describe("a file [vault.unlock.1]", () => {
  it("holds a key as it is or in hexadecimal, or a passphrase", async () => {
    expect(await ask(file({ path: written("raw", key) }), "key")).toEqual({ type: "key", key })
    expect(await ask(file({ path: written("hex", `${hex}\n`), kind: "key" }))).toEqual({ type: "key", key })
    expect(await ask(file({ path: written("text", "over the hills\n") }), "passphrase")).toEqual(
      passphrase("over the hills")
    )
    expect(await ask(file({ path: written("new", "over the hills") }))).toEqual(passphrase("over the hills"))
  })

  it("is missing, unreadable, empty, too long or no secret", async () => {
    mkdirSync(join(folder, "directory"))
    expect(await ask(file({ path: join(folder, "nothing") }))).toBe("none")
    expect(await ask(file({ path: join(folder, "directory") }))).toBe("failed")
    expect(await ask(file({ path: written("empty", "") }))).toBe("none")
    expect(await ask(file({ path: written("long", "x".repeat(1025)) }))).toBe("invalid")
    expect(await ask(file({ path: written("vast", new Uint8Array(100_000)) }), "key")).toBe("invalid")
    expect(await ask(file({ path: written("short", "abcd") }), "key")).toBe("invalid")
    expect(await ask(file({ path: written("latin", Uint8Array.of(0xe9)) }), "passphrase")).toBe("invalid")
  })
})

describe("an environment variable [vault.unlock.1]", () => {
  it("holds a key in hexadecimal or a passphrase, or nothing", async () => {
    const env = { KEY: hex, WORDS: "over the hills", EMPTY: "" }
    expect(await ask(environment({ variable: "KEY", kind: "key", env }))).toEqual({ type: "key", key })
    expect(await ask(environment({ variable: "WORDS", env }), "passphrase")).toEqual(passphrase("over the hills"))
    expect(await ask(environment({ variable: "WORDS", kind: "key", env }))).toBe("invalid")
    expect(await ask(environment({ variable: "EMPTY", env }))).toBe("none")
    expect(await ask(environment({ variable: "NONE", env }))).toBe("none")
  })
})

describe("a program [vault.unlock.1]", () => {
  // A key chain as programs see it: an executable that looks an entry up and writes it.
  const chain = written(
    "chain",
    `#!/bin/sh\ntest "$1" = lookup && test "$2" = "alice's phone" && printf '%s\\n' ${hex}\n`
  )
  chmodSync(chain, 0o700)

  it("writes a key or a passphrase, and its arguments meet no shell", async () => {
    expect(await ask(command({ program: chain, args: ["lookup", "alice's phone"], kind: "key" }))).toEqual({
      type: "key",
      key
    })
    const echo = command({ program: "printf", args: ["%s", "$HOME; `x`"] })
    expect(await ask(echo, "passphrase")).toEqual(passphrase("$HOME; `x`"))
  })

  it("fails, is missing, is silent, talks too much, or takes too long", async () => {
    expect(await ask(command({ program: chain, args: ["lookup", "bob"] }))).toBe("failed")
    expect(await ask(command({ program: join(folder, "no-such-program") }))).toBe("failed")
    expect(await ask(command({ program: "true" }))).toBe("none")
    expect(await ask(command({ program: "yes" }))).toBe("failed")
    const began = performance.now()
    expect(await ask(command({ program: "sleep", args: ["30"], timeoutMs: 100 }))).toBe("failed")
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  it("is ended when nobody waits for it any more", async () => {
    const began = performance.now()
    await Effect.runPromise(
      Effect.timeoutOption(command({ program: "sleep", args: ["30"] }).secret({ purpose: "open", method: "key" }), 100)
    )
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})
