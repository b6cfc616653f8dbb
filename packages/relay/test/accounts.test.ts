import { FixtureAccount } from "@tacit/core/testing"
import { Canonical } from "@tacit/core/hazmat"
import { issueInvitation, makeRelay, Relay, startRelay } from "@tacit/relay"
import { Proof } from "@tacit/transport-ws/frames"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { codeOf, connect, crypto, type Peer } from "./Peer.ts"
import { folder, start } from "./start.ts"

const wrong = "AAAA-AAAA-AAAA-AAAA-AAAA"

describe("invitations", () => {
  it("are five groups of four from the alphabet, and differ [relay.register.1]", async () => {
    const { invite } = await start()
    const passwords = await Promise.all(Array.from({ length: 20 }, () => invite("alice")))
    expect(new Set(passwords).size).toBe(20)
    for (const password of passwords) expect(password).toMatch(/^([A-Z2-7]{4}-){4}[A-Z2-7]{4}$/)
  })

  it("are for valid names only [relay.register.1]", async () => {
    const { invite } = await start()
    for (const user of ["", "Alice", "-a", ".a", "a b", "ä", "a".repeat(65)]) {
      await expect(invite(user)).rejects.toMatchObject({ _tag: "InvalidUser" })
    }
    for (const user of ["a", "0", "a.b-c_d", "a".repeat(64)]) expect(await invite(user)).toHaveLength(24)
  })

  it("work without regard to hyphens, spaces and case [relay.register.1]", async () => {
    const { connect, invite } = await start()
    for (const [user, change] of [
      ["a", (text: string) => text.toLowerCase()],
      ["b", (text: string) => text.replaceAll("-", "")],
      ["c", (text: string) => text.replaceAll("-", " ")]
    ] as const) {
      const account = FixtureAccount.makeAccount(crypto, user)
      const peer = await connect()
      expect(codeOf(await peer.register(account, account.addDevice(), user, change(await invite(user))))).toBe(4)
    }
  })

  it("expire after seven days [relay.register.1]", async () => {
    const { advance, connect, invite } = await start()
    const account = FixtureAccount.makeAccount(crypto, "a")
    const device = account.addDevice()
    const [early, late] = [await invite("alice"), await invite("bob")]
    advance(7 * 86_400_000 - 60_000)
    const peer = await connect()
    expect(codeOf(await peer.register(account, device, "alice", early))).toBe(4)
    advance(60_001)
    const other = FixtureAccount.makeAccount(crypto, "b")
    expect(codeOf(await peer.register(other, other.addDevice(), "bob", late))).toBe("bad-password")
  })

  it("can be written into the database of a relay that runs [relay.register.1]", async () => {
    const database = join(folder(), "relay.db")
    const { connect } = await start({ database })
    const password = await Effect.runPromise(issueInvitation({ database, user: "alice" }))
    const account = FixtureAccount.makeAccount(crypto, "a")
    const peer = await connect()
    expect(codeOf(await peer.register(account, account.addDevice(), "alice", password))).toBe(4)
  })
})

describe("registration", () => {
  const setUp = async () => {
    const running = await start()
    const account = FixtureAccount.makeAccount(crypto, "alice")
    const device = account.addDevice()
    return { ...running, account, device, peer: await running.connect() }
  }

  it("needs a proof over name, challenge, user, password, manifest and mailbox [relay.register.2]", async () => {
    const { account, device, invite, peer, relay } = await setUp()
    const password = await invite("alice")
    const { certificate, mailbox, manifest } = FixtureAccount.registration(account, device, "alice", password)
    const { challenge } = await peer.hello()
    const right = { relay: relay.name, challenge, user: "alice", password, manifest, mailbox }
    const register = (proven: typeof right) =>
      peer.ask({
        type: 3,
        user: "alice",
        password,
        manifest,
        certificate,
        mailbox,
        proof: device.sign(Proof.registrationMessage(crypto, proven))
      })
    expect(codeOf(await register({ ...right, relay: "elsewhere" }))).toBe("bad-proof")
    expect(codeOf(await register({ ...right, challenge: new Uint8Array(32) }))).toBe("bad-proof")
    expect(codeOf(await register({ ...right, mailbox: new Uint8Array(16) }))).toBe("bad-proof")
    expect(codeOf(await register({ ...right, password: wrong }))).toBe("bad-proof")
    expect(codeOf(await register(right))).toBe(4)
  })

  it("refuses the proof of a challenge that was replaced, or of no challenge [relay.register.2]", async () => {
    const { account, connect, device, invite, peer, relay } = await setUp()
    const password = await invite("alice")
    const { certificate, mailbox, manifest } = FixtureAccount.registration(account, device, "alice", password)
    const proofOf = (challenge: Uint8Array): Uint8Array =>
      device.sign(
        Proof.registrationMessage(crypto, { relay: relay.name, challenge, user: "alice", password, manifest, mailbox })
      )
    const register = (asker: Peer, proof: Uint8Array) =>
      asker.ask({ type: 3, user: "alice", password, manifest, certificate, mailbox, proof })
    const { challenge } = await peer.hello()
    await peer.hello()
    expect(codeOf(await register(peer, proofOf(challenge)))).toBe("bad-proof")
    const silent = await connect()
    expect(codeOf(await register(silent, proofOf(challenge)))).toBe("bad-proof")
  })

  it("is refused for ten minutes after five refusals, for names that exist and names that do not [relay.register.2]", async () => {
    const { account, advance, device, invite, peer } = await setUp()
    const password = await invite("alice")
    for (const user of ["alice", "nobody"]) {
      for (let i = 0; i < 5; i++) {
        expect(codeOf(await peer.register(account, device, user, wrong))).toBe("bad-password")
      }
      const limited = await peer.register(account, device, user, user === "alice" ? password : wrong)
      expect(limited).toMatchObject({ code: "rate-limited" })
      expect(limited.type === 255 && limited.retryAfterMs).toBeGreaterThan(590_000)
    }
    advance(600_001)
    expect(codeOf(await peer.register(account, device, "alice", password))).toBe(4)
  })

  it("binds a name to an account, and an account to a name [relay.register.3]", async () => {
    const { account, connect, device, invite, peer } = await setUp()
    expect(codeOf(await peer.register(account, device, "alice", await invite("alice")))).toBe(4)
    const second = account.addDevice()
    expect(codeOf(await peer.register(account, second, "alicia", await invite("alicia")))).toBe("name-taken")
    const other = FixtureAccount.makeAccount(crypto, "other")
    const stranger = await connect()
    expect(codeOf(await stranger.register(other, other.addDevice(), "alice", await invite("alice")))).toBe("name-taken")
  })

  it("begins with version 1 and goes on without a gap [relay.register.3]", async () => {
    const { account, connect, device, invite, peer } = await setUp()
    const late = FixtureAccount.makeAccount(crypto, "late")
    late.addDevice()
    const second = late.addDevice()
    expect(codeOf(await peer.register(late, second, "late", await invite("late")))).toBe("bad-manifest")
    expect(codeOf(await peer.register(account, device, "alice", await invite("alice")))).toBe(4)
    account.addDevice()
    const third = account.addDevice()
    const other = await connect()
    expect(codeOf(await other.register(account, third, "alice", await invite("alice")))).toBe("bad-manifest")
  })

  it("may be repeated by who made it, until the password expires [relay.register.4]", async () => {
    const { account, advance, connect, device, invite, peer } = await setUp()
    const password = await invite("alice")
    expect(codeOf(await peer.register(account, device, "alice", password))).toBe(4)
    const again = await connect()
    expect(codeOf(await again.register(account, device, "alice", password))).toBe(4)
    const second = account.addDevice()
    expect(codeOf(await again.register(account, second, "alice", password))).toBe("bad-password")
    advance(7 * 86_400_000)
    expect(codeOf(await again.register(account, device, "alice", password))).toBe("bad-password")
  })
})

describe("login", () => {
  it("is bound to relay name, challenge, device and fence [relay.login.1]", async () => {
    const { connect, member, relay } = await start({ name: "relay.example" })
    const { device } = await member("alice")
    const other = await member("bob")
    const attempt = async (change: Partial<Parameters<typeof Proof.loginMessage>[0]>, by = device) => {
      const peer = await connect()
      const { challenge } = await peer.hello()
      const right = { relay: relay.name, challenge, device: device.device, generation: 1, startId: device.startId }
      const signature = by.sign(Proof.loginMessage({ ...right, ...change }))
      return codeOf(
        await peer.ask({ type: 5, device: device.device, generation: 1, startId: device.startId, signature })
      )
    }
    expect(await attempt({ relay: "evil.example" })).toBe("bad-signature")
    expect(await attempt({ challenge: new Uint8Array(32) })).toBe("bad-signature")
    expect(await attempt({ generation: 2 })).toBe("bad-signature")
    expect(await attempt({ startId: new Uint8Array(8) })).toBe("bad-signature")
    expect(await attempt({}, other.device)).toBe("bad-signature")
    expect(await attempt({})).toBe(6)
  })

  it("uses a challenge up, also when it is refused [relay.login.1]", async () => {
    const { connect, member, relay } = await start()
    const { device } = await member("alice")
    const peer = await connect()
    const { challenge } = await peer.hello()
    const { startId } = device
    const frame = (signature: Uint8Array) =>
      ({ type: 5, device: device.device, generation: 1, startId, signature }) as const
    const right = device.sign(
      Proof.loginMessage({ relay: relay.name, challenge, device: device.device, generation: 1, startId })
    )
    expect(codeOf(await peer.ask(frame(new Uint8Array(64))))).toBe("bad-signature")
    expect(codeOf(await peer.ask(frame(right)))).toBe("bad-signature")
    expect(codeOf(await peer.login(device))).toBe(6)
  })

  it("keeps the fence, over a restart too [relay.login.2]", async () => {
    const database = join(folder(), "relay.db")
    const first = await start({ database })
    const { device } = await first.member("alice")
    expect(codeOf(await (await first.connect()).login(device, 3))).toBe(6)
    await first.stop()
    const { connect } = await start({ database })
    const stale = await (await connect()).login(device, 2)
    expect(stale).toMatchObject({ code: "stale-state", detail: Canonical.encode([3, device.startId]) })
    const forked = await (await connect()).login(device, 3, new Uint8Array(8))
    expect(codeOf(forked)).toBe("stale-state")
    expect(codeOf(await (await connect()).login(device, 3))).toBe(6)
    expect(codeOf(await (await connect()).login(device, 4, new Uint8Array(8)))).toBe(6)
  })

  it("replaces the login before, with code 4001 [relay.login.3]", async () => {
    const { connect, member } = await start()
    const { device } = await member("alice")
    const first = await connect()
    await first.login(device)
    const second = await connect()
    expect(codeOf(await second.login(device))).toBe(6)
    expect(await first.closed).toBe(4001)
    expect(codeOf(await second.ask({ type: 17, deliveries: [1] }))).toBe(4)
  })

  it("ends with code 4003 for a device that is revoked, for good [relay.login.3]", async () => {
    const { connect, member } = await start()
    const { account, device } = await member("alice")
    const owner = await connect()
    await owner.login(device)
    expect(codeOf(await owner.ask({ type: 8, manifest: account.revoke(device), certificates: [] }))).toBe(4)
    expect(await owner.closed).toBe(4003)
    expect(codeOf(await (await connect()).login(device))).toBe("unknown-device")
    const stranger = FixtureAccount.makeAccount(crypto, "stranger").addDevice()
    expect(codeOf(await (await connect()).login(stranger))).toBe("unknown-device")
  })

  it("tells what waits and what is left [relay.prekeys.1]", async () => {
    const { connect, member } = await start()
    const { device } = await member("alice")
    const owner = await connect()
    expect(await owner.login(device)).toMatchObject({ waiting: 0, oneTime: 0, oneTimeKem: 0, signedPrekeyId: 0 })
    await owner.ask({ type: 7, ...device.prekeys({ oneTime: 3, oneTimeKem: 2 }) })
    const anonymous = await connect()
    const envelope = FixtureAccount.envelope(device.mailbox, 1, new Uint8Array(50))
    await anonymous.ask({ type: 14, token: new Uint8Array(), envelope })
    const again = await connect()
    expect(await again.login(device)).toMatchObject({ waiting: 1, oneTime: 3, oneTimeKem: 2, signedPrekeyId: 1 })
  })
})

describe("the directory", () => {
  it("slows down who asks for names that are not there [relay.directory.1]", async () => {
    const { advance, connect, member } = await start()
    await member("alice")
    const peer = await connect()
    for (let i = 0; i < 100; i++) expect(codeOf(await peer.ask({ type: 10, user: "alice" }))).toBe(11)
    for (let i = 0; i < 60; i++) expect(codeOf(await peer.ask({ type: 10, user: `name${i}` }))).toBe("unknown-user")
    expect(codeOf(await peer.ask({ type: 10, user: "name60" }))).toBe("rate-limited")
    expect(codeOf(await peer.ask({ type: 10, user: "alice" }))).toBe("rate-limited")
    expect(codeOf(await (await connect()).ask({ type: 10, user: "alice" }))).toBe(11)
    advance(60_001)
    expect(codeOf(await peer.ask({ type: 10, user: "alice" }))).toBe(11)
  })

  it("answers as much of a chain as fits, and the rest when asked [relay.directory.2]", async () => {
    const { connect, member } = await start()
    const { account, device } = await member("alice")
    const owner = await connect()
    await owner.login(device)
    for (let i = 1; i < 50; i++) {
      account.addDevice()
      await owner.ask({ type: 8, manifest: account.newest, certificates: [] })
    }
    for (let i = 0; i < 50; i++) await owner.ask({ type: 8, manifest: account.renew(), certificates: [] })
    const peer = await connect()
    const got: Array<Uint8Array> = []
    let answer = await peer.ask({ type: 10, user: "alice" })
    for (let answers = 1; ; answers++) {
      if (answer.type !== 11) throw new Error("no chain")
      got.push(...answer.manifests)
      if (answer.manifests.length === 0) {
        expect(answers).toBeGreaterThan(2)
        break
      }
      answer = await peer.ask({ type: 18, account: account.account, after: got.length })
    }
    expect(got).toEqual(account.manifests)
  })

  it("takes a new certificate for a registered device with the manifest [relay.manifest.1]", async () => {
    const { connect, member } = await start()
    const { account, device } = await member("alice")
    const stranger = FixtureAccount.makeAccount(crypto, "stranger").addDevice()
    const owner = await connect()
    await owner.login(device)
    const manifest = account.renew()
    expect(codeOf(await owner.ask({ type: 8, manifest, certificates: [stranger.certificate] }))).toBe("bad-manifest")
    const forged = device.certificate.slice()
    forged[forged.length - 1]! ^= 1
    expect(codeOf(await owner.ask({ type: 8, manifest, certificates: [forged] }))).toBe("bad-signature")
    expect(codeOf(await owner.ask({ type: 8, manifest, certificates: [device.certificate] }))).toBe(4)
  })
})

describe("starting", () => {
  it("listens to others only when told so", async () => {
    await expect(start({ host: "0.0.0.0" })).rejects.toMatchObject({ reason: "not-public" })
    const { relay } = await start({ public: true })
    expect(relay.url).toBe(`ws://127.0.0.1:${relay.port}`)
  })

  it("refuses a database another relay serves, and one of a later release", async () => {
    const database = join(folder(), "relay.db")
    const { stop } = await start({ database })
    await expect(start({ database })).rejects.toMatchObject({ reason: "in-use" })
    await stop()
    const { DatabaseSync } = await import("node:sqlite")
    const db = new DatabaseSync(database)
    db.exec("PRAGMA user_version = 99")
    db.close()
    await expect(start({ database })).rejects.toMatchObject({ reason: "newer" })
    await expect(start({ database: join(folder(), "missing", "relay.db") })).rejects.toMatchObject({
      reason: "database"
    })
    const foreign = join(folder(), "relay.db")
    writeFileSync(foreign, "this is no database, and long enough to be looked at twice")
    await expect(start({ database: foreign })).rejects.toMatchObject({ reason: "database" })
    expect(statSync(database).mode & 0o077).toBe(0)
  })

  it("is a layer, configured from the environment", async () => {
    const database = join(folder(), "relay.db")
    const provider = ConfigProvider.fromUnknown({
      TACIT_RELAY_DATABASE: database,
      TACIT_RELAY_PORT: "0",
      TACIT_RELAY_NAME: "relay.example"
    })
    const program = Relay.use((relay) => Effect.map(relay.invite("alice"), () => relay.name))
    const name = await Effect.runPromise(
      program.pipe(
        Effect.provide(Relay.layerConfig),
        Effect.provide([ConfigProvider.layer(provider), Logger.layer([])])
      )
    )
    expect(name).toBe("relay.example")
  })

  it("is a promise for who wants one, and logs to whom it is told", async () => {
    const lines: Array<string> = []
    {
      await using relay = await startRelay({ database: ":memory:" }, (line) => lines.push(line))
      expect(await relay.invite("alice")).toHaveLength(24)
      expect((await relay.relaySaw()).invitations).toBe(1)
      await expect(relay.invite("Alice")).rejects.toMatchObject({ _tag: "InvalidUser" })
    }
    expect(lines.map((line) => /message="(.*)"/.exec(line)?.[1])).toEqual(["relay: listening", "relay: stopped"])
    await expect(startRelay({ database: "/nowhere/relay.db" })).rejects.toMatchObject({ reason: "database" })
  })

  it("tells that a port is taken", async () => {
    const { relay } = await start()
    const other = makeRelay({ database: ":memory:", port: relay.port })
    const error = await Effect.runPromise(Effect.flip(Effect.scoped(other)))
    expect(error.reason).toBe("listen")
    expect((await connect(relay.url)).socket.readyState).toBe(1)
  })
})
