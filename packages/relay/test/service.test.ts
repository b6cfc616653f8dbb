import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { FixtureAccount } from "@tacit/core/testing"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { body, connect } from "./Peer.ts"
import { folder, sleep, start, until } from "./start.ts"

const noToken = new Uint8Array()

describe("HTTP", () => {
  it("answers health while storage does, and 404 to anything else [relay.http.1]", async () => {
    const { http } = await start()
    const health = await fetch(`${http}/health`)
    expect([health.status, await health.text()]).toEqual([200, '{"status":"ok"}'])
    for (const path of ["/", "/healthz", "/v1", "/metrics/x"]) expect((await fetch(http + path)).status).toBe(404)
    expect((await fetch(`${http}/health`, { method: "POST" })).status).toBe(404)
  })

  it("shows metrics in the Prometheus format, without names of anybody [relay.http.1]", async () => {
    const { connect, http, member } = await start()
    const { device } = await member("alice")
    const owner = await connect()
    await owner.login(device)
    owner.tell({ type: 19, credit: 5 })
    const peer = await connect()
    await peer.ask({ type: 14, token: noToken, envelope: FixtureAccount.envelope(device.mailbox, 1, body(1)) })
    await peer.ask({ type: 10, user: "nobody" })
    const [delivery] = await owner.deliveries(1)
    await owner.ask({ type: 17, deliveries: [delivery!.delivery] })
    const response = await fetch(`${http}/metrics`)
    expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4")
    const text = await response.text()
    for (const line of text.trim().split("\n")) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) tacit_relay_\w+ .+|tacit_relay_\w+(\{(type|code|reason|le)="[\w .+-]+"\})? \S+)$/
      )
    }
    expect(text).toContain("tacit_relay_envelopes_accepted_total 1\n")
    expect(text).toContain("tacit_relay_envelopes_delivered_total 1\n")
    expect(text).toContain("tacit_relay_envelopes_acknowledged_total 1\n")
    expect(text).toContain('tacit_relay_refusals_total{code="unknown-user"} 1\n')
    expect(text).toContain("tacit_relay_devices_online 1\n")
    for (const secret of [
      "alice",
      Buffer.from(device.device).toString("hex"),
      Buffer.from(device.mailbox).toString("hex")
    ]) {
      expect(text).not.toContain(secret)
    }
  })
})

describe("storage that fails", () => {
  it("answers `internal`, changes nothing, shows in health and in one line of the log, and goes on [relay.http.1] [relay.submit.1]", async () => {
    const database = join(folder(), "relay.db")
    const running = await start({ database })
    const { device } = await running.member("alice")
    const peer = await running.connect()
    await peer.hello()
    const { DatabaseSync } = await import("node:sqlite")
    const blocker = new DatabaseSync(database)
    blocker.exec("BEGIN IMMEDIATE")
    const envelope = FixtureAccount.envelope(device.mailbox, 1, body(1))
    expect(await peer.ask({ type: 14, token: noToken, envelope })).toMatchObject({ code: "internal" })
    expect(await peer.closed).toBe(1001)
    expect((await fetch(`${running.http}/health`)).status).toBe(503)
    blocker.exec("ROLLBACK")
    blocker.close()
    const again = await running.connect()
    expect(await again.ask({ type: 14, token: noToken, envelope })).toMatchObject({ type: 15 })
    expect((await fetch(`${running.http}/health`)).status).toBe(200)
    expect((await Effect.runPromise(running.relay.relaySaw)).waiting.envelopes).toBe(1)
    expect(running.lines).toEqual([
      "relay: listening",
      "relay: storage failed, nothing of this commit was kept: database is locked"
    ])
  })
})

describe("privacy", () => {
  it("keeps no password, token or plaintext in its files and none of anything in its log [relay.privacy.1] [relay.register.1]", async () => {
    const path = folder()
    const running = await start({ database: join(path, "relay.db"), observe: true })
    const account = FixtureAccount.makeAccount(await import("./Peer.ts").then(({ crypto }) => crypto), "alice")
    const device = account.addDevice()
    const password = await running.invite("alice")
    const unused = await running.invite("bob")
    const owner = await running.connect()
    await owner.register(account, device, "alice", password)
    await owner.login(device)
    await owner.ask({ type: 9, tokenHash: device.tokenHash })
    const peer = await running.connect()
    const kept = FixtureAccount.envelope(device.mailbox, 2, body(1))
    const fetched = FixtureAccount.envelope(device.mailbox, 2, body(2))
    for (const envelope of [fetched, kept]) await peer.ask({ type: 14, token: device.token, envelope })
    owner.tell({ type: 19, credit: 1 })
    const [delivery] = await owner.deliveries(1)
    await owner.ask({ type: 17, deliveries: [delivery!.delivery] })
    await running.stop()

    const files = readdirSync(path).map((name) => readFileSync(join(path, name)))
    const holds = (needle: string | Uint8Array): boolean =>
      files.some((file) => file.includes(typeof needle === "string" ? needle : Buffer.from(needle)))
    expect(holds(kept)).toBe(true)
    expect(holds(device.device)).toBe(true)
    for (const secret of [password, unused]) {
      expect(holds(secret)).toBe(false)
      expect(holds(secret.replaceAll("-", ""))).toBe(false)
    }
    expect(holds(device.token)).toBe(false)
    expect(running.lines).toEqual(["relay: listening", "relay: stopped"])
  })

  it("shows its operator counts and sizes, and no sender [relay.privacy.1]", async () => {
    const running = await start({ observe: true })
    const { device } = await running.member("alice")
    await running.member("bob")
    const peer = await running.connect()
    const envelope = FixtureAccount.envelope(device.mailbox, 1, body(1))
    await peer.ask({ type: 14, token: noToken, envelope })
    await peer.ask({ type: 14, token: noToken, envelope })
    const saw = await Effect.runPromise(running.relay.relaySaw)
    expect(saw).toMatchObject({
      users: 2,
      devices: 2,
      mailboxes: 2,
      invitations: 0,
      waiting: { envelopes: 1, bytes: envelope.length },
      traffic: { envelopes: 1, bytes: envelope.length, mailboxes: 1, kinds: { 1: 1 } }
    })
    const [seen] = saw.traffic!.log
    expect(Object.keys(seen!).sort()).toEqual(["at", "envelope", "kind", "mailbox", "token"])
    expect(seen!.envelope).toEqual(envelope)
    const quiet = await start()
    expect((await Effect.runPromise(quiet.relay.relaySaw)).traffic).toBeUndefined()
  })
})

describe("shutdown", () => {
  it("tells everybody, answers what has begun, and closes with 1001 [relay.shutdown.1]", async () => {
    const database = join(folder(), "relay.db")
    const running = await start({ database })
    const { device } = await running.member("alice")
    const idle = await running.connect()
    const peer = await running.connect()
    await peer.hello()
    let accepted = 0
    let refused = 0
    const answers = Array.from({ length: 500 }, (_, i) => {
      const envelope = FixtureAccount.envelope(device.mailbox, 1, body(i))
      return peer.ask({ type: 14, token: noToken, envelope }).then(
        (answer) => (answer.type === 15 ? accepted++ : refused++),
        () => {}
      )
    })
    await until(() => accepted > 0)
    await running.stop()
    expect(await idle.unasked()).toMatchObject({ code: "going-away" })
    expect([await idle.closed, await peer.closed]).toEqual([1001, 1001])
    await Promise.all(answers)
    expect(accepted).toBeGreaterThan(0)
    // A connection that the system had taken before the port closed is reset.
    await expect(connect(running.url)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/)
    const next = await start({ database })
    const owner = await next.connect()
    const login = await owner.login(device)
    expect(login.type === 6 && login.waiting).toBeGreaterThanOrEqual(accepted)
    expect(refused).toBeGreaterThanOrEqual(0)
  })

  it("waits only so long for clients that do not close [relay.shutdown.1]", async () => {
    const running = await start({ limits: { shutdownMs: 200 } })
    const stuck = await running.connect()
    stuck.socket.pause()
    const before = performance.now()
    await running.stop()
    expect(performance.now() - before).toBeLessThan(1_500)
  })

  it("after it, nothing is issued any more", async () => {
    const { relay } = await start()
    await Effect.runPromise(relay.close)
    await Effect.runPromise(relay.close)
    const error = await Effect.runPromise(Effect.flip(relay.invite("alice")))
    expect(error).toMatchObject({ _tag: "RelayError", reason: "closed" })
    await sleep(1)
  })
})
