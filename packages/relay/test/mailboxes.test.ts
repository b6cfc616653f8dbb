import { Canonical } from "@tacit/core/hazmat"
import { FixtureAccount } from "@tacit/core/testing"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { body, codeOf, type Peer } from "./Peer.ts"
import { folder, sleep, start, until, type Member, type Running } from "./start.ts"

const noToken = new Uint8Array()

const start1 = (member: Member, number: number, length?: number) =>
  FixtureAccount.envelope(member.device.mailbox, 1, body(number, length))
const message = (member: Member, number: number, length?: number) =>
  FixtureAccount.envelope(member.device.mailbox, 2, body(number, length))

const submit = (peer: Peer, envelope: Uint8Array, token: Uint8Array = noToken) =>
  peer.ask({ type: 14, token, envelope })

/** A member that is logged in and has set its token. */
const online = async (running: Running, user: string, credit?: number): Promise<readonly [Member, Peer]> => {
  const member = await running.member(user)
  const peer = await running.connect()
  await peer.login(member.device)
  await peer.ask({ type: 9, tokenHash: member.device.tokenHash })
  if (credit !== undefined) peer.tell({ type: 19, credit })
  return [member, peer]
}

describe("submitting", () => {
  it("survives a crash right after `accepted` [relay.submit.1]", async () => {
    // The same file opened beside the running relay shows what a restart would find.
    const database = join(folder(), "relay.db")
    const running = await start({ database })
    const alice = await running.member("alice")
    const peer = await running.connect()
    expect(codeOf(await submit(peer, start1(alice, 1)))).toBe(15)
    const { DatabaseSync } = await import("node:sqlite")
    const beside = new DatabaseSync(database, { readOnly: true })
    expect(beside.prepare("SELECT count(*) AS n FROM envelopes").get()).toEqual({ n: 1 })
    beside.close()
  })

  it("takes envelopes of kinds 1 and 2 of at most 131,072 bytes for known mailboxes [relay.submit.1]", async () => {
    const running = await start()
    const [alice] = await online(running, "alice")
    const peer = await running.connect()
    const { mailbox, token } = alice.device
    expect(codeOf(await submit(peer, start1(alice, 1, 131_072 - 26)))).toBe(15)
    expect(codeOf(await submit(peer, new Uint8Array(131_073)))).toBe("too-large")
    for (const kind of [0, 3, 4, 5, 6]) {
      expect(codeOf(await submit(peer, Canonical.encode([1, kind, mailbox, body(1)]), token))).toBe("bad-frame")
    }
    expect(codeOf(await submit(peer, Canonical.encode([2, 1, mailbox, body(1)]), token))).toBe("bad-frame")
    expect(codeOf(await submit(peer, Canonical.encode([1, 1, mailbox.slice(1), body(1)]), token))).toBe("bad-frame")
    expect(codeOf(await submit(peer, FixtureAccount.envelope(new Uint8Array(16), 1, body(1))))).toBe("unknown-mailbox")
    expect(codeOf(await peer.ask({ type: 20 }))).toBe(4)
  })

  it("limits session starts without a token to a burst of 128 and 4 a second for each mailbox [relay.submit.2]", async () => {
    const running = await start()
    const [alice] = await online(running, "alice")
    const [bob] = await online(running, "bob")
    const peer = await running.connect()
    for (let i = 0; i < 128; i++) expect(codeOf(await submit(peer, start1(alice, i)))).toBe(15)
    const limited = await submit(await running.connect(), start1(alice, 128))
    expect(limited).toMatchObject({ code: "rate-limited" })
    expect(limited.type === 255 && limited.retryAfterMs).toBeGreaterThan(0)
    expect(limited.type === 255 && limited.retryAfterMs).toBeLessThanOrEqual(250)
    expect(codeOf(await submit(peer, start1(alice, 128), alice.device.token))).toBe(15)
    expect(codeOf(await submit(peer, start1(bob, 1)))).toBe(15)
    // A repetition is no further start.
    expect(codeOf(await submit(peer, start1(alice, 5)))).toBe(15)
    running.advance(1_000)
    for (let i = 200; i < 204; i++) expect(codeOf(await submit(peer, start1(alice, i)))).toBe(15)
    expect(codeOf(await submit(peer, start1(alice, 204)))).toBe("rate-limited")
  })

  it("takes session messages with the token only [relay.submit.2]", async () => {
    const running = await start()
    const alice = await running.member("alice")
    const peer = await running.connect()
    const { device } = alice
    expect(codeOf(await submit(peer, message(alice, 1), device.token))).toBe("bad-token")
    const owner = await running.connect()
    await owner.login(device)
    await owner.ask({ type: 9, tokenHash: device.tokenHash })
    for (const token of [noToken, device.token.slice(1), device.tokenHash.slice(0, 16), new Uint8Array(16)]) {
      expect(codeOf(await submit(peer, message(alice, 1), token))).toBe("bad-token")
    }
    expect(codeOf(await submit(peer, message(alice, 1), device.token))).toBe(15)
  })

  it("stores the same bytes once while they are there and for ten minutes after [relay.submit.3]", async () => {
    const running = await start()
    const [alice, owner] = await online(running, "alice", 10)
    const peer = await running.connect()
    const { token } = alice.device
    await submit(peer, message(alice, 1), token)
    running.advance(3_600_000)
    expect(codeOf(await submit(peer, message(alice, 1), token))).toBe(15)
    const [first] = await owner.deliveries(1)
    await owner.ask({ type: 17, deliveries: [first!.delivery] })
    running.advance(599_000)
    expect(codeOf(await submit(peer, message(alice, 1), token))).toBe(15)
    await sleep(30)
    expect(owner.pending()).toBe(0)
    running.advance(2_000)
    expect(codeOf(await submit(peer, message(alice, 1), token))).toBe(15)
    const [second] = await owner.deliveries(1)
    expect(second!.envelope).toEqual(first!.envelope)
    expect(await running.metric("tacit_relay_envelopes_repeated_total")).toBe(2)
  })

  it("answers for a revoked device with the newest manifest, and forgets its envelopes [relay.submit.4]", async () => {
    const running = await start()
    const [alice, owner] = await online(running, "alice")
    const tablet = alice.account.addDevice()
    const other = await running.connect()
    await other.register(alice.account, tablet, "alice", await running.invite("alice"))
    const peer = await running.connect()
    const envelope = FixtureAccount.envelope(tablet.mailbox, 1, body(1))
    expect(codeOf(await submit(peer, envelope))).toBe(15)
    const manifest = alice.account.revoke(tablet)
    expect(codeOf(await owner.ask({ type: 8, manifest, certificates: [] }))).toBe(4)
    expect(await submit(peer, envelope)).toMatchObject({ code: "stale-device", detail: manifest })
    expect((await Effect.runPromise(running.relay.relaySaw)).waiting.envelopes).toBe(0)
  })
})

describe("mailboxes", () => {
  it("push in order, as far as credit goes [relay.mailbox.1]", async () => {
    const running = await start()
    const [alice, owner] = await online(running, "alice")
    const peer = await running.connect()
    for (let i = 0; i < 60; i++) await submit(peer, message(alice, i), alice.device.token)
    await sleep(30)
    expect(owner.pending()).toBe(0)
    owner.tell({ type: 19, credit: 10 })
    const first = await owner.deliveries(10)
    await sleep(30)
    expect(owner.pending()).toBe(0)
    owner.tell({ type: 19, credit: 45 })
    const rest = await owner.deliveries(45)
    const all = [...first, ...rest]
    expect(all.map(({ envelope }) => envelope)).toEqual(Array.from({ length: 55 }, (_, i) => message(alice, i)))
    expect(all.map(({ delivery }) => delivery)).toEqual(Array.from({ length: 55 }, (_, i) => i + 1))
    // Credit given ahead is used by what comes later.
    owner.tell({ type: 19, credit: 7 })
    await owner.deliveries(5)
    await submit(peer, message(alice, 60), alice.device.token)
    expect((await owner.deliveries(1))[0]!.envelope).toEqual(message(alice, 60))
  })

  it("deliver again what was not acknowledged, in order, to the next connection [relay.mailbox.1]", async () => {
    const running = await start()
    const [alice, owner] = await online(running, "alice", 100)
    const peer = await running.connect()
    for (let i = 0; i < 6; i++) await submit(peer, message(alice, i), alice.device.token)
    const first = await owner.deliveries(6)
    await owner.ask({ type: 17, deliveries: [first[4]!.delivery, first[0]!.delivery, 999] })
    await owner.ask({ type: 17, deliveries: [first[4]!.delivery, 0] })
    await owner.close()
    const again = await running.connect()
    expect(await again.login(alice.device)).toMatchObject({ waiting: 4 })
    again.tell({ type: 19, credit: 100 })
    const second = await again.deliveries(4)
    expect(second.map(({ delivery }) => delivery)).toEqual([2, 3, 4, 6])
    expect(second.map(({ receivedAt }) => receivedAt)).toEqual([1, 2, 3, 5].map((i) => first[i]!.receivedAt))
  })

  it("a device acknowledges in its own mailbox only [relay.mailbox.1]", async () => {
    const running = await start()
    const [alice, owner] = await online(running, "alice", 10)
    const [, other] = await online(running, "bob", 10)
    const peer = await running.connect()
    await submit(peer, start1(alice, 1))
    const [delivery] = await owner.deliveries(1)
    expect(codeOf(await other.ask({ type: 17, deliveries: [delivery!.delivery] }))).toBe(4)
    await owner.close()
    const again = await running.connect()
    expect(await again.login(alice.device)).toMatchObject({ waiting: 1 })
  })

  it("hold so many envelopes and so many bytes [relay.mailbox.2]", async () => {
    const running = await start({ limits: { mailboxEnvelopes: 3, mailboxBytes: 10_000 } })
    const [alice, owner] = await online(running, "alice", 10)
    const peer = await running.connect()
    const { token } = alice.device
    expect(codeOf(await submit(peer, message(alice, 1, 9_000), token))).toBe(15)
    expect(await submit(peer, message(alice, 2, 2_000), token)).toMatchObject({ code: "quota" })
    expect(codeOf(await submit(peer, message(alice, 3), token))).toBe(15)
    expect(codeOf(await submit(peer, message(alice, 4), token))).toBe(15)
    expect(codeOf(await submit(peer, message(alice, 5), token))).toBe("quota")
    const [first] = await owner.deliveries(1)
    await owner.ask({ type: 17, deliveries: [first!.delivery] })
    expect(codeOf(await submit(peer, message(alice, 5), token))).toBe(15)
    expect(codeOf(await submit(peer, message(alice, 6), token))).toBe("quota")
  })

  it("delete what nobody fetched in thirty days [relay.mailbox.2]", async () => {
    const running = await start()
    const [alice] = await online(running, "alice")
    const peer = await running.connect()
    const { token } = alice.device
    await Promise.all(Array.from({ length: 600 }, (_, i) => submit(peer, message(alice, i), token)))
    running.advance(29 * 86_400_000)
    await submit(peer, message(alice, 1_000), token)
    running.advance(86_400_000 + 1_000)
    expect(await Effect.runPromise(running.relay.sweep)).toBe(600)
    const again = await running.connect()
    expect(await again.login(alice.device)).toMatchObject({ waiting: 1 })
    expect(codeOf(await submit(peer, message(alice, 1), token))).toBe(15)
  })

  it("a reader that stops reading costs the relay a bounded amount, and misses nothing [relay.mailbox.1]", async () => {
    const running = await start()
    const [alice, owner] = await online(running, "alice")
    const peer = await running.connect()
    const { token } = alice.device
    const count = 400
    await Promise.all(Array.from({ length: count }, (_, i) => submit(peer, message(alice, i, 100_000), token)))
    owner.socket.pause()
    owner.tell({ type: 19, credit: 60_000 })
    await until(async () => (await running.metric("tacit_relay_envelopes_delivered_total")) > 0)
    await sleep(300)
    const pushed = await running.metric("tacit_relay_envelopes_delivered_total")
    // What the relay holds, and what the system's socket buffers take.
    expect(pushed).toBeLessThan(200)
    owner.socket.resume()
    const got = await owner.deliveries(count)
    expect(got.map(({ delivery }) => delivery)).toEqual(Array.from({ length: count }, (_, i) => i + 1))
  })
})
