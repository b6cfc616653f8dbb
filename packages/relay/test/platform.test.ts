/** Accounts of a platform: signed tokens, names that are not found, who may use a relay. */
import { FixtureAccount } from "@tacit/core/testing"
import { Entitlements, parseIssuers, userOfToken, verifyAccountToken, type Issuer } from "@tacit/relay"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { generateKeyPairSync, sign } from "node:crypto"
import { readFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { body, codeOf, connect, crypto, type Peer } from "./Peer.ts"
import { folder, sleep, start, until, type Running } from "./start.ts"

interface Table {
  readonly relay: string
  readonly issuer: unknown
  readonly cases: ReadonlyArray<{
    readonly comment: string
    readonly now: number
    readonly token: string
    readonly user: string | null
  }>
}

const table = JSON.parse(readFileSync(new URL("account-tokens.json", import.meta.url), "utf8")) as Table

const issuersOf = (value: unknown): ReadonlyArray<Issuer> => {
  const issuers = parseIssuers(JSON.stringify(value))
  if (typeof issuers === "string") throw new Error(issuers)
  return issuers
}

/** A platform with a key of its own, signing with the platform's crypto. */
const makePlatform = (issuer = "https://app.example") => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const jwk = publicKey.export({ format: "jwk" })
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")
  let issued = 0
  return {
    issuers: issuersOf({ issuers: [{ issuer, keys: [{ ...jwk, kid: "k" }] }] }),
    token: (sub: string, claims: object = {}, now = Date.now()): string => {
      const iat = Math.floor(now / 1000)
      const payload = { iss: issuer, sub, aud: "localhost", iat, exp: iat + 600, jti: `t${++issued}`, ...claims }
      const signed = `${part({ alg: "EdDSA", kid: "k" })}.${part(payload)}`
      return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString("base64url")}`
    }
  }
}

describe("account tokens", () => {
  it("are those of RFC 8037, appendix A.4, as far as the signature goes [relay.token.1]", () => {
    const text =
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    const [issuer] = issuersOf({ issuers: [table.issuer] })
    const [signed, signature] = [text.slice(0, text.lastIndexOf(".")), text.slice(text.lastIndexOf(".") + 1)]
    const key = issuer!.keys.get("k1")!
    expect(crypto.ed25519Verify(key, Buffer.from(signed), new Uint8Array(Buffer.from(signature, "base64url")))).toBe(
      true
    )
  })

  it("are good or not as the table says [relay.token.1] [relay.token.2] [relay.token.3]", () => {
    const issuers = issuersOf({ issuers: [table.issuer] })
    expect(table.cases.filter(({ user }) => user === null).length).toBeGreaterThan(20)
    for (const { comment, now, token, user } of table.cases) {
      const verified = verifyAccountToken(crypto, issuers, table.relay, token, now)
      expect([comment, verified?.user ?? null]).toEqual([comment, user])
      if (user !== null) expect([comment, userOfToken(crypto, token)]).toEqual([comment, user])
    }
  })

  it("register users, once each, and without an administrator [relay.token.1] [relay.token.4]", async () => {
    const platform = makePlatform()
    const { connect } = await start({ issuers: platform.issuers })
    const alice = FixtureAccount.makeAccount(crypto, "alice")
    const device = alice.addDevice()
    const token = platform.token("alice")
    const peer = await connect()
    expect(codeOf(await peer.register(alice, device, "alice", token))).toBe(4)
    // Rule relay.register.4: the very same again is answered as before.
    expect(codeOf(await peer.register(alice, device, "alice", token))).toBe(4)
    // Used: for nobody else, and for no other device.
    const mallory = FixtureAccount.makeAccount(crypto, "mallory")
    expect(codeOf(await peer.register(mallory, mallory.addDevice(), "alice", token))).toBe("bad-password")
    expect(codeOf(await peer.register(alice, alice.addDevice(), "alice", token))).toBe("bad-password")
    // A new token for the same name registers a further device of the same account only.
    const other = await connect()
    expect(codeOf(await other.register(mallory, mallory.addDevice(), "alice", platform.token("alice")))).toBe(
      "name-taken"
    )
    expect(codeOf(await peer.login(device))).toBe(6)
  })

  it("are for the name they say, and for one use of their id [relay.token.3] [relay.token.4]", async () => {
    const platform = makePlatform()
    const { connect } = await start({ issuers: platform.issuers })
    const peer = await connect()
    const bob = FixtureAccount.makeAccount(crypto, "bob")
    const device = bob.addDevice()
    expect(codeOf(await peer.register(bob, device, "bob", platform.token("alice")))).toBe("bad-password")
    const derived = userOfToken(crypto, platform.token("user 4711"))!
    expect(derived).toMatch(/^u-[a-z2-7]{26}$/)
    expect(codeOf(await peer.register(bob, device, derived, platform.token("user 4711", { jti: "x" })))).toBe(4)
    const carol = FixtureAccount.makeAccount(crypto, "carol")
    const again = platform.token("carol", { jti: "x" })
    expect(codeOf(await peer.register(carol, carol.addDevice(), "carol", again))).toBe("bad-password")
  })

  it("are no use at a relay that was given no issuers, beside passwords where it was, and count as attempts [relay.token.1] [relay.token.4]", async () => {
    const platform = makePlatform()
    const plain = await start()
    const alice = FixtureAccount.makeAccount(crypto, "alice")
    const peer = await plain.connect()
    expect(codeOf(await peer.register(alice, alice.addDevice(), "alice", platform.token("alice")))).toBe("bad-password")
    const { connect, invite } = await start({ issuers: platform.issuers })
    const bob = FixtureAccount.makeAccount(crypto, "bob")
    const other = await connect()
    expect(codeOf(await other.register(bob, bob.addDevice(), "bob", await invite("bob")))).toBe(4)
    const foreign = makePlatform()
    for (let i = 0; i < 5; i++) {
      expect(codeOf(await other.register(alice, alice.addDevice(), "eve", foreign.token("eve")))).toBe("bad-password")
    }
    expect(codeOf(await other.register(alice, alice.addDevice(), "eve", foreign.token("eve")))).toBe("rate-limited")
  })

  it("leave nothing of the user but the name, and no table has a place for more [relay.token.4] [relay.privacy.1]", async () => {
    const platform = makePlatform()
    const database = join(folder(), "relay.db")
    const { connect, stop } = await start({ database, issuers: platform.issuers })
    const alice = FixtureAccount.makeAccount(crypto, "alice")
    const token = platform.token("alice", { email: "alice@mail.example", phone_number: "+4912345" })
    const peer = await connect()
    expect(codeOf(await peer.register(alice, alice.addDevice(), "alice", token))).toBe(4)
    await peer.close()
    await stop()
    const bytes = readFileSync(database)
    for (const secret of ["mail.example", "+4912345", "app.example", token, token.split(".")[1]!]) {
      expect(bytes.includes(secret)).toBe(false)
    }
    const db = new DatabaseSync(database, { readOnly: true })
    onTestFinished(() => db.close())
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as Array<{ name: string }>
    const columns = tables.flatMap(({ name }) =>
      (db.prepare(`PRAGMA table_info(${name})`).all() as Array<{ name: string }>).map((column) => column.name)
    )
    expect(columns.length).toBeGreaterThan(20)
    expect(
      columns.filter((column) => /e_?mail|phone|birth|address|real_name|first_name|last_name/.test(column))
    ).toEqual([])
  })

  it("come from issuers that are written down right [relay.token.1]", () => {
    const key = { kty: "OKP", crv: "Ed25519", kid: "k1", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }
    const wrong: ReadonlyArray<unknown> = [
      [],
      {},
      { issuers: [] },
      { issuers: [{ keys: [key] }] },
      { issuers: [{ issuer: "a" }] },
      { issuers: [{ issuer: "a", keys: [] }] },
      { issuers: [{ issuer: "a", keys: [{ ...key, crv: "P-256" }] }] },
      { issuers: [{ issuer: "a", keys: [{ ...key, x: "AAAA" }] }] },
      { issuers: [{ issuer: "a", keys: [{ ...key, kid: undefined }] }] },
      { issuers: [{ issuer: "a", keys: [key, key] }] },
      { issuers: [{ issuer: "a", keys: [{ ...key, d: key.x }] }] },
      {
        issuers: [
          { issuer: "a", keys: [key] },
          { issuer: "a", keys: [key] }
        ]
      },
      { issuers: [null] }
    ]
    for (const value of wrong) expect(typeof parseIssuers(JSON.stringify(value))).toBe("string")
    expect(typeof parseIssuers("{")).toBe("string")
    expect(parseIssuers(JSON.stringify({ issuers: [{ issuer: "a", keys: [key] }] }))).toMatchObject([{ issuer: "a" }])
  })
})

describe("names", () => {
  it("of a relay that keeps them to itself are all unknown, in content and in what they cost [relay.names.1]", async () => {
    const { connect, member } = await start({ hideNames: true })
    const alice = await member("alice")
    const peer = await connect()
    const answers = []
    for (const user of ["alice", "nobody"]) {
      const answer = await peer.ask({ type: 10, user })
      answers.push({ ...answer, request: 0 })
    }
    expect(answers[0]).toEqual(answers[1])
    expect(codeOf(answers[0]!)).toBe("unknown-user")
    // Both count alike: 60 of either, and the limit says the same to either.
    for (const [asked, then] of [
      ["alice", "nobody"],
      ["nobody", "alice"]
    ] as const) {
      const other = await connect()
      for (let i = 0; i < 60; i++) expect(codeOf(await other.ask({ type: 10, user: asked }))).toBe("unknown-user")
      expect(codeOf(await other.ask({ type: 10, user: then }))).toBe("rate-limited")
    }
    // Whoever has the account id gets what is needed to write.
    const manifests = await peer.ask({ type: 18, account: alice.account.account, after: 0 })
    expect(manifests).toMatchObject({ type: 11, account: alice.account.account })
  })

  it("of a relay that keeps them cost the same time, known or not [relay.names.1]", async () => {
    const { member, relay } = await start({ hideNames: true, limits: { unknownNamesPerMinute: 1_000_000 } })
    await member("alice")
    const peer = await connect(relay.url)
    const time = async (user: string): Promise<number> => {
      const begun = performance.now()
      for (let i = 0; i < 200; i++) await peer.ask({ type: 10, user })
      return performance.now() - begun
    }
    await time("alice")
    const ratios = []
    for (let round = 0; round < 7; round++) ratios.push((await time("alice")) / (await time("bobby")))
    ratios.sort((a, b) => a - b)
    // Between a known and an unknown name no difference stands out of the noise of a busy machine.
    expect(ratios[3]).toBeGreaterThan(0.5)
    expect(ratios[3]).toBeLessThan(2)
  })
})

/** A device that is logged in. */
const loggedIn = async ({ connect, member }: Running, user: string) => {
  const { account, device } = await member(user)
  const peer = await connect()
  return { account, device, peer, answer: await peer.login(device) }
}

/** A session start for a device, and a connection to submit it on. */
const envelopeFor = (device: FixtureAccount.FixtureDevice, number: number): Uint8Array =>
  FixtureAccount.envelope(device.mailbox, 1, body(number))

const passOf = async (peer: Peer): Promise<Uint8Array> => {
  for (let i = 0; i < 50; i++) {
    const answer = await peer.ask({ type: 30 })
    if (answer.type === 31) return answer.pass
    expect(codeOf(answer)).toBe("rate-limited")
    await sleep(10)
  }
  throw new Error("no pass")
}

describe("who may use a relay", () => {
  const of = (...users: ReadonlyArray<string>) =>
    Entitlements.fixed(new Map(users.map((user) => [user, undefined])), false)

  it("sends with a pass that everybody entitled has, and that names nobody [relay.entitle.3]", async () => {
    const running = await start({ entitlement: of("alice", "bob") })
    const [alice, bob] = [await loggedIn(running, "alice"), await loggedIn(running, "bob")]
    const pass = await passOf(alice.peer)
    expect(pass).toHaveLength(16)
    expect(await passOf(bob.peer)).toEqual(pass)
    const anonymous = await running.connect()
    const envelope = envelopeFor(bob.device, 1)
    const refused = await anonymous.ask({ type: 14, token: new Uint8Array(0), envelope })
    expect(refused).toMatchObject({ type: 255, code: "not-entitled", retryAfterMs: 60_000 })
    expect(codeOf(await anonymous.ask({ type: 32, pass: new Uint8Array(16) }))).toBe("not-entitled")
    expect(codeOf(await anonymous.ask({ type: 14, token: new Uint8Array(0), envelope }))).toBe("not-entitled")
    expect(codeOf(await anonymous.ask({ type: 32, pass }))).toBe(4)
    expect(codeOf(await anonymous.ask({ type: 14, token: new Uint8Array(0), envelope }))).toBe(15)
    // The device's own connection is not the one for passes, and the anonymous one not the one to fetch them.
    expect(codeOf(await alice.peer.ask({ type: 32, pass }))).toBe("not-anonymous")
    expect(codeOf(await anonymous.ask({ type: 30 }))).toBe("not-logged-in")
  })

  it("needs a new pass when the old one is over [relay.entitle.3]", async () => {
    const running = await start({ entitlement: of("alice", "bob") })
    const [alice, bob] = [await loggedIn(running, "alice"), await loggedIn(running, "bob")]
    const pass = await passOf(alice.peer)
    const anonymous = await running.connect()
    expect(codeOf(await anonymous.ask({ type: 32, pass }))).toBe(4)
    const submit = (number: number) =>
      anonymous.ask({ type: 14, token: new Uint8Array(0), envelope: envelopeFor(bob.device, number) })
    expect(codeOf(await submit(1))).toBe(15)
    running.advance(5 * 60_000)
    expect(codeOf(await submit(2))).toBe(15)
    expect(codeOf(await anonymous.ask({ type: 32, pass }))).toBe(4)
    const next = await passOf(alice.peer)
    expect(next).not.toEqual(pass)
    running.advance(5 * 60_000 + 1)
    expect(codeOf(await submit(3))).toBe("not-entitled")
    expect(codeOf(await anonymous.ask({ type: 32, pass }))).toBe("not-entitled")
    expect(codeOf(await anonymous.ask({ type: 32, pass: next }))).toBe(4)
    expect(codeOf(await submit(3))).toBe(15)
  })

  it("is limited in trying passes [relay.entitle.3]", async () => {
    const running = await start({ entitlement: of() })
    const anonymous = await running.connect()
    for (let i = 0; i < 16; i++) {
      expect(codeOf(await anonymous.ask({ type: 32, pass: body(i, 16) }))).toBe("not-entitled")
    }
    expect(await anonymous.ask({ type: 32, pass: body(17, 16) })).toMatchObject({ code: "rate-limited" })
  })

  it("needs none at a relay without an entitlement [relay.entitle.3]", async () => {
    const running = await start()
    const alice = await loggedIn(running, "alice")
    expect(await passOf(alice.peer)).toHaveLength(0)
    const anonymous = await running.connect()
    const envelope = envelopeFor(alice.device, 1)
    expect(codeOf(await anonymous.ask({ type: 14, token: new Uint8Array(0), envelope }))).toBe(15)
    expect(codeOf(await anonymous.ask({ type: 32, pass: new Uint8Array(16) }))).toBe(4)
  })

  it("does not log in without being entitled, but for what is stored [relay.entitle.2] [relay.entitle.4]", async () => {
    const running = await start({ entitlement: of("alice") })
    const [alice, { device }] = [await loggedIn(running, "alice"), await running.member("bob")]
    const bob = await running.connect()
    // The first login may come before the answer; then the connection is closed when it comes.
    const first = await bob.login(device)
    if (first.type === 6) expect(await bob.closed).toBe(4004)
    await until(async () => codeOf(await (await running.connect()).login(device)) === "not-entitled")
    expect(await (await running.connect()).login(device)).toMatchObject({ code: "not-entitled", retryAfterMs: 60_000 })
    // Who writes to bob sees no difference.
    const anonymous = await running.connect()
    expect(codeOf(await anonymous.ask({ type: 32, pass: await passOf(alice.peer) }))).toBe(4)
    const envelope = envelopeFor(device, 1)
    expect(codeOf(await anonymous.ask({ type: 14, token: new Uint8Array(0), envelope }))).toBe(15)
    const again = await running.connect()
    expect(await again.login(device)).toMatchObject({ type: 6, waiting: 1 })
    expect(codeOf(await again.ask({ type: 30 }))).toBe("not-entitled")
    again.tell({ type: 19, credit: 10 })
    const [delivered] = await again.deliveries(1)
    expect(delivered!.envelope).toEqual(envelope)
    expect(codeOf(await again.ask({ type: 17, deliveries: [delivered!.delivery] }))).toBe(4)
    expect(codeOf(await (await running.connect()).login(device))).toBe("not-entitled")
  })

  it("is over in the middle of a conversation when the entitlement ends [relay.entitle.1] [relay.entitle.2]", async () => {
    let paid = true
    const entitlement = Entitlements.fromFunction(({ user }) => Promise.resolve({ entitled: user === "alice" || paid }))
    const running = await start({ entitlement, limits: { entitledMs: 200, passMs: 300 } })
    const [alice, bob] = [await loggedIn(running, "alice"), await loggedIn(running, "bob")]
    const anonymous = await running.connect()
    expect(codeOf(await anonymous.ask({ type: 32, pass: await passOf(bob.peer) }))).toBe(4)
    const submit = (number: number) =>
      anonymous.ask({ type: 14, token: new Uint8Array(0), envelope: envelopeFor(alice.device, number) })
    expect(codeOf(await submit(1))).toBe(15)
    paid = false
    expect(await bob.peer.closed).toBe(4004)
    await until(async () => codeOf(await submit(2)) === "not-entitled")
    paid = true
    await until(async () => codeOf(await (await running.connect()).login(bob.device)) === 6)
  })

  it("has the last answer for an hour when nobody answers, then what the operator chose [relay.entitle.1]", async () => {
    for (const otherwise of [true, false]) {
      let answers = true
      const entitlement = Entitlements.fromFunction(() =>
        answers ? Promise.resolve({ entitled: !otherwise }) : Promise.reject(new Error("away"))
      )
      const running = await start({ entitlement, entitledOtherwise: otherwise })
      const { device } = await running.member("bob")
      const login = async () => codeOf(await (await running.connect()).login(device))
      await login()
      const known = otherwise ? "not-entitled" : 6
      await until(async () => (await login()) === known)
      answers = false
      running.advance(61_000)
      await login()
      await sleep(20)
      expect(await login()).toBe(known)
      running.advance(60 * 60_000)
      await until(async () => (await login()) === (otherwise ? 6 : "not-entitled"))
      expect(running.lines.some((line) => line.includes("the entitlement did not answer"))).toBe(true)
    }
  })
})

describe("entitlements", () => {
  const subject = { user: "alice", account: "ab".repeat(32) }
  const check = (entitlement: Entitlements.Entitlement) => Effect.runPromise(Effect.result(entitlement.check(subject)))

  it("of a list go by name or account, until their time [relay.entitle.1]", async () => {
    let now = 1000
    const list = (key: string, until?: number) => Entitlements.fixed(new Map([[key, until]]), false, () => now)
    expect(await check(list("alice"))).toEqual(Result.succeed({ entitled: true }))
    expect(await check(list(subject.account, 2000))).toEqual(Result.succeed({ entitled: true, until: 2000 }))
    expect(await check(list("bob"))).toEqual(Result.succeed({ entitled: false }))
    now = 2000
    expect(await check(list("alice", 2000))).toEqual(Result.succeed({ entitled: false }))
    expect(await check(Entitlements.fixed(new Map(), true))).toEqual(Result.succeed({ entitled: true }))
  })

  it("over HTTP ask with name and account id and nothing else, and take only what was agreed [relay.entitle.1]", async () => {
    const asked: Array<{
      readonly body: string
      readonly headers: IncomingMessage["headers"]
      readonly method?: string
    }> = []
    let answer: readonly [status: number, body: string] = [200, '{"entitled":true,"until":5}']
    const server = createServer((request, response) => {
      let body = ""
      request.on("data", (chunk: Buffer) => (body += chunk.toString()))
      request.on("end", () => {
        asked.push({ body, headers: request.headers, method: request.method ?? "" })
        if (answer[0] === 302) response.writeHead(302, { location: "/elsewhere" }).end()
        else response.writeHead(answer[0]).end(answer[1])
      })
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/entitled`
    const http = Entitlements.http({ url, token: "s3cret", timeoutMs: 2000 })
    expect(await check(http)).toEqual(Result.succeed({ entitled: true, until: 5 }))
    expect(JSON.parse(asked[0]!.body)).toEqual(subject)
    expect(asked[0]).toMatchObject({ method: "POST", headers: { authorization: "Bearer s3cret" } })
    answer = [200, '{"entitled":false}']
    expect(await check(http)).toEqual(Result.succeed({ entitled: false }))
    for (const [status, text, reason] of [
      [500, '{"entitled":true}', "status"],
      [204, "", "status"],
      [302, "", "unreachable"],
      [200, "yes", "answer"],
      [200, '{"entitled":"yes"}', "answer"],
      [200, '{"entitled":true,"until":"soon"}', "answer"],
      [200, "null", "answer"],
      [200, `{"entitled":true,"x":"${"y".repeat(5000)}"}`, "answer"]
    ] as const) {
      answer = [status, text]
      const outcome = await check(http)
      expect([status, text.slice(0, 40), Result.isFailure(outcome) && outcome.failure.reason]).toEqual([
        status,
        text.slice(0, 40),
        reason
      ])
    }
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    const away = await check(http)
    expect(Result.isFailure(away) && away.failure.reason).toBe("unreachable")
  })
})
