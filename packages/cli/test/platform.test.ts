/** Accounts of a platform from the command line: tokens, contact by link where names are hidden, and who may use the relay. */
import { openClient } from "@tacit/bots"
import { Entitlements, parseIssuers, startRelay } from "@tacit/relay"
import { generateKeyPairSync, sign } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest"
import { ExitCode } from "../src/ExitCode.ts"
import { call, type Done, start } from "./InProcess.ts"

vi.setConfig({ testTimeout: 60_000 })

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tacit-platform-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const issuer = "https://app.example"
const { privateKey, publicKey } = generateKeyPairSync("ed25519")
const issuersFile = JSON.stringify({
  issuers: [{ issuer, keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k" }] }]
})

const token = (sub: string, jti: string): string => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")
  const iat = Math.floor(Date.now() / 1000)
  const claims = { iss: issuer, sub, aud: "localhost", iat, exp: iat + 600, jti }
  const signed = `${part({ alg: "EdDSA", typ: "JWT", kid: "k" })}.${part(claims)}`
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString("base64url")}`
}

const tacit = (
  relay: string,
  profile: string,
  words: ReadonlyArray<string>,
  env: Record<string, string> = {}
): Promise<Done> =>
  call(words, { env: { TACIT_DATA: join(folder, "data"), TACIT_PROFILE: profile, TACIT_RELAY: relay, ...env } })

const issuers = () => {
  const parsed = parseIssuers(issuersFile)
  if (typeof parsed === "string") throw new Error(parsed)
  return parsed
}

describe("a platform's relay", () => {
  it("lets its users in by token, and they meet by link where no name is found [relay.token.1] [relay.names.1] [trust.invite.1] [trust.invite.2]", async () => {
    await using relay = await startRelay({ database: ":memory:", issuers: issuers(), hideNames: true })
    const alice = await tacit(relay.url, "p-alice", ["register", "--json"], { TACIT_PASSWORD: token("alice", "1") })
    expect(alice).toMatchObject({ code: ExitCode.ok })
    expect(JSON.parse(alice.out)).toMatchObject({ user: "alice" })
    const bob = await tacit(relay.url, "p-bob", ["register", "--json"], { TACIT_PASSWORD: token("Bob 42", "2") })
    const bobs = JSON.parse(bob.out) as { readonly user: string; readonly account: string }
    expect(bobs.user).toMatch(/^u-[a-z2-7]{26}$/)
    expect(await tacit(relay.url, "p-eve", ["register"], { TACIT_PASSWORD: token("alice", "1") })).toMatchObject({
      code: ExitCode.refused
    })
    // Nobody is found by name.
    expect(await tacit(relay.url, "p-alice", ["send", bobs.user, "hello"])).toMatchObject({ code: ExitCode.refused })
    // By link they are.
    const invited = await tacit(relay.url, "p-bob", ["contact", "invite", "--named", "--json"])
    const { uri } = JSON.parse(invited.out) as { readonly uri: string }
    expect(uri).toMatch(/^tacit:invite\/[A-Za-z0-9_-]+$/)
    const page = uri.replace("tacit:", "https://app.example/u/bob#")
    const met = await tacit(relay.url, "p-alice", ["contact", "add", page, "--json"])
    expect(JSON.parse(met.out)).toMatchObject({
      type: "met",
      account: bobs.account,
      user: null,
      claimed: bobs.user,
      relay: relay.url
    })
    expect(await tacit(relay.url, "p-alice", ["send", bobs.account, "by link"])).toMatchObject({ code: ExitCode.ok })
    const contacts = await tacit(relay.url, "p-alice", ["contacts"])
    expect(contacts.out).toContain(`(no name)  ${bobs.account}  known identity`)
    const log = await tacit(relay.url, "p-alice", ["trust", "log", "--json"])
    expect(JSON.parse(log.out.split("\n")[0]!)).toMatchObject({
      event: "first-contact",
      facts: { pinned: true, vouched: false }
    })
    // What is no invitation changes nothing.
    for (const [words, err] of [
      [["contact", "add", uri.slice(0, -4)], "cannot be used"],
      [["contact", "add", "https://app.example/u/bob"], "no invitation"]
    ] as const) {
      const refused = await tacit(relay.url, "p-alice", words)
      expect([refused.code, refused.err]).toEqual([ExitCode.usage, expect.stringContaining(err)])
    }
    expect(await tacit(relay.url, "p-bob", ["contact", "add", uri])).toMatchObject({
      code: ExitCode.usage,
      err: expect.stringContaining("your own")
    })
  })

  it("lets go on who is entitled, and nobody else: messages wait, and go when it is paid again [relay.entitle.2] [relay.entitle.3]", async () => {
    const paid = new Set(["alice", "bob"])
    const entitlement = Entitlements.fromFunction(({ user }) => Promise.resolve({ entitled: paid.has(user) }))
    await using relay = await startRelay({
      database: ":memory:",
      issuers: issuers(),
      entitlement,
      limits: { entitledMs: 300, passMs: 200, notEntitledMs: 300 }
    })
    const open = (user: string, jti: string) =>
      openClient({ relay: relay.url, user, temporary: true, password: token(user, jti) })
    await using alice = await open("alice", "a1")
    await using bob = await open("bob", "b1")
    const received: Array<string> = []
    const reading = (async () => {
      for await (const { body } of bob.messages()) received.push(body.type === "text" ? body.text : body.type)
    })()
    reading.catch(() => undefined)
    await alice.send("bob", "1")
    await vi.waitFor(() => expect(received).toEqual(["1"]), { timeout: 10_000 })
    const states: Array<string> = []
    const watching = (async () => {
      for await (const { id, state } of alice.outbox()) states.push(`${id} ${state}`)
    })()
    watching.catch(() => undefined)
    // Alice's fee runs out in the middle of the talk.
    paid.delete("alice")
    const status: Array<string> = []
    const following = (async () => {
      for await (const one of alice.status()) if (one._tag === "Disconnected") status.push(one.reason)
    })()
    following.catch(() => undefined)
    await vi.waitFor(() => expect(status.join(" ")).toMatch(/entitled|may not use the relay/i), { timeout: 10_000 })
    await new Promise((done) => setTimeout(done, 500))
    const sent = await alice.send("bob", "2")
    await new Promise((done) => setTimeout(done, 1_000))
    expect(received).toEqual(["1"])
    expect(states).toContain(`${sent.id} queued`)
    expect(states).not.toContain(`${sent.id} failed`)
    // Bob has paid, and writes as before; what he sends alice is stored.
    await bob.send("alice", "are you there?")
    await bob.flush()
    // She pays again: what waited goes, and what was stored comes.
    paid.add("alice")
    await vi.waitFor(() => expect(received).toEqual(["1", "2"]), { timeout: 20_000 })
    for await (const { body } of alice.messages()) {
      expect(body).toEqual({ type: "text", text: "are you there?" })
      break
    }
  })

  it("is started with files that say so, and not with others [relay.entitle.1] [relay.token.1]", async () => {
    const file = (name: string, text: string): string => {
      const path = join(folder, name)
      writeFileSync(path, text)
      return path
    }
    const bad = [
      ["--issuers", join(folder, "nowhere")],
      ["--issuers", file("bad.json", "{}")],
      ["--entitlement", file("list.json", '{"entitled":{"alice":"soon"}}')],
      ["--entitlement", "http://entitlement.example/"],
      ["--entitled-otherwise", "perhaps"]
    ]
    for (const words of bad) {
      const started = await tacit("", "none", ["relay", "start", "--port", "0", "--data", join(folder, "r"), ...words])
      expect([words[1], started.code]).toEqual([words[1], ExitCode.usage])
    }
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    const words = ["relay", "start", "--port", "0", "--json", "--data", join(folder, "relay"), "--hide-names"]
    const good = ["--issuers", file("issuers.json", issuersFile), "--entitlement"]
    const list = file("entitled.json", JSON.stringify({ entitled: { dora: true, eric: "2020-01-01" } }))
    const running = start([...words, ...good, list], { env: {}, signal: stop.signal })
    await vi.waitFor(() => expect(running.out()).toContain("ready"), { timeout: 10_000 })
    const { url } = JSON.parse(running.out()) as { readonly url: string }
    const dora = await tacit(url, "p-dora", ["register"], { TACIT_PASSWORD: token("dora", "d") })
    expect(dora).toMatchObject({ code: ExitCode.ok })
    stop.abort()
    expect(await running.done).toMatchObject({ code: ExitCode.ok })
  })
})
