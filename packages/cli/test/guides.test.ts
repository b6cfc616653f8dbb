/** What the guides say to type: every line is one that the command takes, and those about histories do what is said. */
import { startRelay } from "@tacit/relay"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it, onTestFinished } from "vitest"
import { findCommand, parse } from "../src/Arguments.ts"
import { ExitCode } from "../src/ExitCode.ts"
import { commands } from "../src/Run.ts"
import { call, type Done } from "./InProcess.ts"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const guides = readdirSync(join(root, "docs/guides"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/guides/${name}`)

/** The calls in the shell blocks of a text: the words behind `tacit`, as a shell would give them. */
const callsIn = (path: string): ReadonlyArray<ReadonlyArray<string>> =>
  [...readFileSync(join(root, path), "utf8").matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block]) => block!.split("\n"))
    .filter((line) => line.startsWith("tacit "))
    .map(wordsOf)

const wordsOf = (line: string): ReadonlyArray<string> => {
  const words: Array<string> = []
  for (const [word] of line.matchAll(/'[^']*'|"[^"]*"|\S+/g)) {
    if (/^[#<>|]/.test(word)) break
    words.push(word.replace(/^(['"])(.*)\1$/, "$2"))
  }
  return words.slice(1)
}

it("every call in the guides is one that the command takes", () => {
  let count = 0
  for (const path of [...guides, "README.md", "packages/cli/README.md"]) {
    for (const words of callsIn(path)) {
      const found = findCommand(commands, words)
      expect(found, `${path}: tacit ${words.join(" ")}`).toBeDefined()
      if (found!.command.takes !== undefined) continue
      expect(() => parse(found!.command, found!.rest, {}), `${path}: tacit ${words.join(" ")}`).not.toThrow()
      count++
    }
  }
  expect(count).toBeGreaterThan(50)
})

it("what the guide to histories says to type works as it says", { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-guides-"))
  const relay = await startRelay({ database: ":memory:" })
  onTestFinished(async () => {
    await relay.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const tacit = (profile: string, words: ReadonlyArray<string>, env: Record<string, string> = {}): Promise<Done> =>
    call(words, { env: { TACIT_DATA: join(folder, "data"), TACIT_PROFILE: profile, ...env } })
  for (const user of ["alice", "bob"]) {
    const env = { TACIT_PASSWORD: await relay.invite(user) }
    expect(await tacit(user, ["register", "--relay", relay.url, "--user", user], env)).toMatchObject({ code: 0 })
  }
  const calls = callsIn("docs/guides/history.md")
  // These need a second device: History.test.ts and history-crash.test.ts have one.
  const alone = calls.filter(([first, second]) => first === "history" && second !== "ask" && second !== "offer")
  expect(calls.length - alone.length).toBe(3)
  expect(alone[0]).toEqual(["history", "on"])
  for (const [i, words] of alone.entries()) {
    const placed = words.map((word) => (word.startsWith("backup.") ? join(folder, word) : word))
    const done = await tacit("alice", placed)
    expect([words, done.code, done.err]).toEqual([words, ExitCode.ok, expect.any(String)])
    if (i === 0) expect(await tacit("alice", ["send", "bob", "hello"])).toMatchObject({ code: ExitCode.ok })
    if (words[1] === "status") expect(done.out).toMatch(/^Kept from the beginning: .*\nDigest [0-9a-f]{64}\n$/)
    if (words[1] === "list") expect(done.out).toMatch(/you: hello\n$/)
    if (words[1] === "import") expect(done.out).toBe("Read 1 message; 0 of them this device did not have.\n")
  }
  expect(statSync(join(folder, "backup.tacit")).size).toBeGreaterThan(100)
})
