/**
 * A device that is linked gets the history while either end is killed without warning: processes of their own, over a real relay.
 *
 * Spec: docs/spec/19-linking.md rules link.history.1 and link.history.2; docs/spec/23-history.md §23.6.
 */
import { openClient, registerAccount, VaultFile } from "@tacit/bots"
import { startRelay } from "@tacit/relay"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { ExitCode } from "../src/ExitCode.ts"
import { objects } from "./InProcess.ts"
import { type Call, done, killAll, start } from "./Processes.ts"

const folder = mkdtempSync(join(tmpdir(), "tacit-history-crash-"))
afterAll(() => {
  killAll()
  rmSync(folder, { recursive: true, force: true })
})

/** Some fifty chunks: whoever is killed after the first few is killed half-way. */
const [messages, length] = [400, 8_000]

const directory = (profile: string): string => join(folder, "data", profile)
const storeOf = (profile: string): string => join(directory(profile), "client.db")
const at = (profile: string, ...words: ReadonlyArray<string>): Call =>
  start({ home: folder, data: "data" }, [...words, "--profile", profile, "--json"])

/** Archives that are under way in the store of a profile, and the messages it holds. */
const standing = async (profile: string) => {
  const copy = join(folder, `${profile}.copy`)
  await VaultFile.duplicate(storeOf(profile), copy)
  const survey = await VaultFile.history({ copy, secret: undefined })
  for (const end of ["", "-wal", "-shm"]) rmSync(copy + end, { force: true })
  return survey
}

/** A profile with an account whose client keeps history, and so many messages from bob in it. */
const fill = async (relay: string, invite: (user: string) => Promise<string>): Promise<void> => {
  mkdirSync(directory("alice"), { recursive: true, mode: 0o700 })
  await registerAccount({
    relay,
    user: "alice",
    password: await invite("alice"),
    path: storeOf("alice"),
    history: true
  })
  const settings = { version: 1, relay, user: "alice", history: {} }
  writeFileSync(join(directory("alice"), "profile.json"), JSON.stringify(settings))
  await using alice = await openClient({ relay, user: "alice", path: storeOf("alice"), history: true })
  await using bob = await openClient({ relay, user: "bob", password: await invite("bob"), temporary: true })
  const conversation = await bob.conversation("alice")
  const sending = (async () => {
    for (let i = 0; i < messages; i += 20) {
      await conversation.sendMany(Array.from({ length: 20 }, (_, n) => `${i + n} ${"x".repeat(length)}`))
    }
  })()
  let heard = 0
  for await (const message of alice.messages()) {
    await alice.take(message)
    if (message.body.type === "text" && ++heard === messages) break
  }
  await sending
}

it(
  "killed at either end, the history of a linked device goes on from the last chunk and ends with the same digest [link.history.1] [link.history.2] [history.hand.3] [history.hand.4] [history.digest.1]",
  { timeout: 240_000 },
  async () => {
    const relay = await startRelay({ database: join(folder, "relay.db") })
    await fill(relay.url, relay.invite)
    const underWay = /"type":"archive".*"state":"under-way","reason":null,"entries":[1-9]/
    let old = at("alice", "device", "link", "--fingerprint", "--history", "all")
    const [uri] = await old.sees(/tacit:invite\/[\w-]+/)
    let young = at("tablet", "device", "link", uri, "--fingerprint")
    await Promise.all([old.sees(/CompareDigits/), young.sees(/CompareDigits/)])
    old.type("yes")
    young.type("yes")

    await young.sees(underWay)
    young.kill("SIGKILL")
    await young.code
    const half = await standing("tablet")
    expect(half!.archives).toMatchObject([{ direction: "taking", of: { entries: messages } }])
    expect(half!.entries).toBeGreaterThan(0)
    expect(half!.entries).toBeLessThan(messages)

    young = at("tablet", "history", "status", "--wait")
    await young.sees(underWay)
    const first = objects(young.out()).find(({ type }) => type === "archive")
    expect(first!["entries"]).toBeGreaterThanOrEqual(half!.archives[0]!.entries)
    old.kill("SIGKILL")
    await old.code

    old = at("alice", "history", "status", "--wait")
    const [taken, given] = await Promise.all([done(young), done(old)])
    expect(taken, taken.err).toMatchObject({ code: ExitCode.ok })
    expect(given, given.err).toMatchObject({ code: ExitCode.ok })
    const [here, there] = [objects(taken.out).at(-1)!, objects(given.out).at(-1)!]
    expect(here).toMatchObject({ type: "history", entries: messages, beginning: 0, archives: [], wishes: [] })
    expect(there).toMatchObject({ type: "history", entries: messages, archives: [], wishes: [] })
    expect(here["digest"]).toBe(there["digest"])
    await relay.close()
  }
)
