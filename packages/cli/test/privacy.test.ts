/**
 * What a relay has after a conversation, on disk and in memory: searched for text, secret keys, and who sent what.
 *
 * Spec: docs/spec/14-relay.md rule relay.privacy.1; docs/spec/03-envelopes.md §3.1, §3.2.
 * Every search is made once more for something that has to be there, so that an empty result means something.
 */
import { openClient } from "@tacit/bots"
import { nobleProvider as crypto } from "@tacit/core/crypto/noble"
import { Account, Canonical, Device } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Child from "./crash/Child.ts"
import * as Memory from "./crash/Memory.ts"

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

let folder = ""
let relay: Child.Child
let url = ""
/** Account and device ids, 32 bytes each, by user. */
const ids = new Map<string, { readonly account: Buffer; readonly device: Buffer }>()
/** Byte strings a relay must not have, by a name for them. */
const forbidden = new Map<string, Buffer>()
/** Byte strings it must have: the controls of the search. */
const expected = new Map<string, Buffer>()
/** Public halves that devices publish, as hex. A session record names some of its peer's; they are derived here from their secrets. */
const published = new Set<string>()

const invite = async (user: string): Promise<string> => {
  const child = Child.start("../../src/main.ts", ["relay", "invite", user, "--data", join(folder, "relay")])
  return child.line((line) => /^[A-Z2-7]{4}-/.test(line))
}

const open = async (user: string, password?: string) => {
  const client = await openClient({
    relay: url,
    user,
    path: join(folder, `${user}.db`),
    ...(password === undefined ? {} : { password })
  })
  const { account, device } = client.self
  ids.set(user, { account: Buffer.from(account, "hex"), device: Buffer.from(device, "hex") })
  return client
}

/** Byte strings of a canonical value, at any depth. */
const bytesIn = (value: unknown): ReadonlyArray<Uint8Array> =>
  value instanceof Uint8Array ? [value] : Array.isArray(value) ? value.flatMap(bytesIn) : []

/** Notes every secret in a client's store. Public halves are noted as what a relay has to know. */
const noteSecrets = (user: string): void => {
  const db = new DatabaseSync(join(folder, `${user}.db`), { readOnly: true })
  const records = db.prepare("SELECT key, value FROM record").all() as Array<{ key: string; value: Uint8Array }>
  db.close()
  const of = (prefix: string) => records.filter(({ key }) => key.startsWith(prefix))
  const forbid = (name: string, bytes: Uint8Array) => void forbidden.set(`${user}: ${name}`, Buffer.from(bytes))

  const account = Result.getOrThrow(Account.decode(new Uint8Array(of("custody/account")[0]!.value)))
  const device = Result.getOrThrow(Device.decode(new Uint8Array(of("custody/device")[0]!.value)))
  forbid("account key", account.identity)
  forbid("alias key", account.alias)
  forbid("device signing key", device.signing)
  forbid("device agreement key", device.agreement)
  expected.set(`${user}: account id`, Buffer.from(crypto.ed25519PublicKey(account.identity)))
  expected.set(`${user}: device id`, Buffer.from(crypto.ed25519PublicKey(device.signing)))

  published.add(Buffer.from(crypto.x25519PublicKey(device.agreement)).toString("hex"))
  for (const { key, value } of of("prekey/")) {
    const [, publicKey, secret] = Result.getOrThrow(
      Canonical.decode(new Uint8Array(value))
    ) as ReadonlyArray<Uint8Array>
    forbid(key, secret!)
    // That the second part is the public half is checked, not believed.
    const derived = secret!.length === 32 ? crypto.x25519PublicKey(secret!) : crypto.mlKem768KeyPair(secret!).publicKey
    expect(publicKey, key).toEqual(derived)
    published.add(Buffer.from(derived).toString("hex"))
  }
}

/** Notes everything in a client's sessions that nobody publishes. */
const noteSessions = (user: string): void => {
  const db = new DatabaseSync(join(folder, `${user}.db`), { readOnly: true })
  const records = db.prepare("SELECT key, value FROM record WHERE key LIKE 'session/%'").all() as Array<{
    key: string
    value: Uint8Array
  }>
  db.close()
  expect(records.length, user).toBeGreaterThan(user === "carol" ? -1 : 0)
  const known = [...ids.values()].flatMap((one) => [one.account, one.device])
  for (const { key, value } of records) {
    const parts = bytesIn(Result.getOrThrow(Canonical.decode(new Uint8Array(value))))
    for (const [i, bytes] of parts.entries()) {
      const isPublic = known.some((id) => id.equals(bytes)) || published.has(Buffer.from(bytes).toString("hex"))
      if (bytes.length === 32 && !isPublic) forbidden.set(`${user}: ${key} part ${i}`, Buffer.from(bytes))
    }
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tacit-privacy-"))
  relay = Child.start(
    "../../src/main.ts",
    ["relay", "start", "--port", "0", "--data", join(folder, "relay"), "--json"],
    {
      execArgv: ["--heapsnapshot-signal=SIGUSR2", `--diagnostic-dir=${folder}`]
    }
  )
  url = (JSON.parse(await relay.line((line) => line.includes("ready"))) as { readonly url: string }).url
  const alice = await open("alice", await invite("alice"))
  const bob = await open("bob", await invite("bob"))
  const carol = await open("carol", await invite("carol"))
  const secrets = ["the-heron-flies-at-midnight", "blue-umbrella-four-seven-one", "waiting-room-of-the-oracle"]
  for (const text of secrets) {
    forbidden.set(`"${text}"`, Buffer.from(text))
    forbidden.set(`"${text}" in UTF-16`, Buffer.from(text, "utf16le"))
    forbidden.set(`"${text}" in base 64`, Buffer.from(Buffer.from(text).toString("base64").slice(0, 32)))
    forbidden.set(`"${text}" in hexadecimal`, Buffer.from(Buffer.from(text).toString("hex")))
  }
  // There and back, so that a session is established; then with nobody there to fetch.
  await alice.send("bob", secrets[0]!)
  for await (const message of bob.messages()) {
    await bob.send("alice", `${message.body.type === "text" ? message.body.text : ""} ${secrets[1]}`)
    break
  }
  for await (const message of alice.messages()) {
    expect(message.body).toEqual({ type: "text", text: `${secrets[0]} ${secrets[1]}` })
    break
  }
  await sleep(300)
  await bob.close()
  await carol.close()
  await alice.send("bob", secrets[2]!)
  await alice.send("carol", secrets[2]!)
  await alice.flush()
  await alice.close()
  for (const user of ["alice", "bob", "carol"]) noteSecrets(user)
  for (const user of ["alice", "bob", "carol"]) noteSessions(user)
}, 60_000)
afterAll(async () => {
  relay.kill("SIGKILL")
  await relay.gone
  rmSync(folder, { recursive: true, force: true })
})

const relayFiles = (): ReadonlyArray<Buffer> =>
  readdirSync(join(folder, "relay")).map((name) => readFileSync(join(folder, "relay", name)))

describe("a relay after a conversation", () => {
  it("has no text and no secret key in its files [relay.privacy.1]", () => {
    expect(forbidden.size).toBeGreaterThan(100)
    expect([...Memory.find(relayFiles(), expected)].sort()).toEqual([...expected.keys()].sort())
    expect([...Memory.find(relayFiles(), forbidden)]).toEqual([])
  })

  it("keeps envelopes that name their mailbox and nobody else [relay.privacy.1] [envelope.layout.1] [sealed.key.1]", () => {
    const db = new DatabaseSync(join(folder, "relay", "relay.db"), { readOnly: true })
    const columns = db
      .prepare("SELECT name FROM pragma_table_info('envelopes')")
      .all()
      .map((row) => row["name"])
    const rows = db
      .prepare("SELECT d.device AS recipient, e.envelope FROM envelopes e JOIN devices d ON d.id = e.device")
      .all() as Array<{ recipient: Uint8Array; envelope: Uint8Array }>
    const sender = db
      .prepare(
        "SELECT d.certificate, m.mailbox, a.name FROM devices d JOIN mailboxes m ON m.device = d.id JOIN accounts a ON a.id = d.account WHERE a.name = 'alice'"
      )
      .get() as { certificate: Uint8Array; mailbox: Uint8Array; name: string }
    db.close()
    expect(columns).toEqual(["id", "device", "delivery", "received_at", "digest", "envelope"])
    const recipients = new Set(rows.map((row) => Buffer.from(row.recipient).toString("hex")))
    const hexOf = (user: string) => ids.get(user)!.device.toString("hex")
    expect(recipients).toEqual(new Set([hexOf("bob"), hexOf("carol")]))

    // A start and a session message wait here. The start holds alice's certificate, sealed.
    expect(new Set(rows.map(({ envelope }) => envelope[2]))).toEqual(new Set([1, 2]))
    const certificate = Buffer.from(sender.certificate)
    const traces = new Map<string, Buffer>([
      ["account id", ids.get("alice")!.account],
      ["device id", ids.get("alice")!.device],
      ["mailbox", Buffer.from(sender.mailbox)],
      ["certificate", certificate],
      ["part of the certificate", certificate.subarray(-32)],
      ["name", Buffer.from(sender.name)]
    ])
    expect([
      ...Memory.find(
        rows.map(({ envelope }) => Buffer.from(envelope)),
        traces
      )
    ]).toEqual([])
    // The same search finds them where they belong: in the directory.
    expect([...Memory.find(relayFiles(), traces)].sort()).toEqual([...traces.keys()].sort())
  })

  it.runIf(process.platform === "linux")(
    "has no text and no secret key in its memory [relay.privacy.1]",
    () => {
      expect(Memory.isReadable(relay.pid)).toBe(true)
      const controls = new Map([["alice: account id", expected.get("alice: account id")!]])
      expect([...Memory.find(Memory.regions(relay.pid), controls)]).toEqual([...controls.keys()])
      expect([...Memory.find(Memory.regions(relay.pid), forbidden)]).toEqual([])
    },
    60_000
  )

  it("has no text in its heap [relay.privacy.1]", async () => {
    relay.kill("SIGUSR2")
    const snapshot = () => readdirSync(folder).find((name) => name.endsWith(".heapsnapshot"))
    for (let i = 0; i < 200 && snapshot() === undefined; i++) await sleep(50)
    // It is written in pieces; complete once it parses.
    let text = ""
    for (let i = 0; i < 200; i++) {
      text = readFileSync(join(folder, snapshot()!), "utf8")
      if (text.trimEnd().endsWith("}")) break
      await sleep(50)
    }
    expect(text).toContain("tacit_relay_connections")
    const words = [...forbidden.keys()].filter((name) => /^"[^"]+"$/.test(name)).map((name) => name.slice(1, -1))
    expect(words).toHaveLength(3)
    for (const word of words) expect(text.includes(word), word).toBe(false)
  }, 60_000)
})
