import { Bytes } from "@tacit/core/hazmat"
import { FixtureAccount } from "@tacit/core/testing"
import { type RelayLimits, startRelay } from "@tacit/relay"
import * as Effect from "effect/Effect"
import { DatabaseSync } from "node:sqlite"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { codeOf, connect, crypto, type Peer, type Question } from "./Peer.ts"
import { folder, type Member, type Running, start, until } from "./start.ts"

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const slotOf = (number: number): Uint8Array => Bytes.concat(bytes(8, 0x51), Bytes.be64(number))
const opener = bytes(16, 1)
const second = bytes(16, 2)

const openSlot = (slot = slotOf(1), party = opener): Question => ({ type: 21, slot, party })
const joinSlot = (party: Uint8Array, from = 0, slot = slotOf(1)): Question => ({ type: 22, slot, party, from })
const post = (number: number, blob: Uint8Array): Question => ({ type: 23, number, blob })

interface Setting extends Running {
  readonly alice: Member
  /** Logged in as alice's first device. */
  readonly device: Peer
  readonly ask: (peer: Peer, question: Question) => Promise<string | number>
}

const setUp = async (limits: Partial<RelayLimits> = {}, database = ":memory:"): Promise<Setting> => {
  const running = await start({ limits, database })
  const alice = await running.member("alice")
  const device = await running.connect()
  expect(codeOf(await device.login(alice.device))).toBe(6)
  return { ...running, alice, device, ask: async (peer, question) => codeOf(await peer.ask(question)) }
}

/** The number and first byte of the next blob pushed. */
const pushed = async (peer: Peer): Promise<readonly [number, number]> => {
  const frame = await peer.unasked()
  if (frame.type !== 24) throw new Error(`pushed ${codeOf(frame)}`)
  return [frame.number, frame.blob[0]!]
}

describe("slots", () => {
  it("pass blobs between the opener and one who did not log in, in order, both ways [relay.slot.1] [relay.slot.3]", async () => {
    const { ask, connect, device } = await setUp()
    expect(await ask(device, openSlot())).toBe(4)
    const [a, b] = [await connect(), await connect()]
    expect(await ask(a, joinSlot(opener))).toBe(4)
    expect(await ask(a, post(0, bytes(5, 10)))).toBe(4)
    expect(await ask(a, post(1, bytes(65_536, 11)))).toBe(4)
    expect(await ask(b, joinSlot(second))).toBe(4)
    expect([await pushed(b), await pushed(b)]).toEqual([
      [0, 10],
      [1, 11]
    ])
    expect(await ask(b, post(0, bytes(3, 20)))).toBe(4)
    expect(await pushed(a)).toEqual([0, 20])
  })

  it("need a login to be opened, and none to be joined [relay.slot.1] [relay.two.2]", async () => {
    const { ask, connect, device } = await setUp()
    expect(await ask(await connect(), openSlot())).toBe("not-logged-in")
    expect(await ask(device, openSlot())).toBe(4)
    // A connection is one of a slot, of a device, or anonymous, and stays so.
    expect(await ask(device, joinSlot(second))).toBe("not-anonymous")
    const peer = await connect()
    expect(await ask(peer, joinSlot(second))).toBe(4)
    expect(await ask(peer, { type: 10, user: "alice" })).toBe("not-anonymous")
    expect(await ask(peer, { type: 26 })).toBe("not-logged-in")
    const anonymous = await connect()
    expect(await ask(anonymous, { type: 10, user: "alice" })).toBe(11)
    expect(await ask(anonymous, joinSlot(second))).toBe("not-anonymous")
  })

  it("have two parties, who come back after a break and are sent what they lack [relay.slot.1] [relay.slot.3]", async () => {
    const { ask, connect, device } = await setUp()
    await ask(device, openSlot())
    const [a, b, c] = [await connect(), await connect(), await connect()]
    await ask(a, joinSlot(opener))
    await ask(b, joinSlot(second))
    expect(await ask(c, joinSlot(bytes(16, 3)))).toBe("unknown-slot")
    for (let i = 0; i < 3; i++) await ask(a, post(i, bytes(4, i)))
    expect([await pushed(b), await pushed(b), await pushed(b)].map(([number]) => number)).toEqual([0, 1, 2])
    await b.close()
    const again = await connect()
    expect(await ask(again, joinSlot(second, 2))).toBe(4)
    expect(await pushed(again)).toEqual([2, 2])
    expect(await ask(a, post(3, bytes(4, 3)))).toBe(4)
    expect(await pushed(again)).toEqual([3, 3])
  })

  it("serve the later one of two connections of a party [relay.slot.3]", async () => {
    const { ask, connect, device } = await setUp()
    await ask(device, openSlot())
    const [a, first, later] = [await connect(), await connect(), await connect()]
    await ask(a, joinSlot(opener))
    await ask(first, joinSlot(second))
    await ask(later, joinSlot(second))
    // The end of the former takes nothing from the later.
    await first.close()
    await ask(a, post(0, bytes(4, 9)))
    expect(await pushed(later)).toEqual([0, 9])
  })

  it("take every question again that was answered [relay.slot.1] [relay.slot.2]", async () => {
    const { ask, connect, device } = await setUp()
    expect([await ask(device, openSlot()), await ask(device, openSlot())]).toEqual([4, 4])
    const [a, b] = [await connect(), await connect()]
    expect([await ask(a, joinSlot(opener)), await ask(a, joinSlot(opener))]).toEqual([4, 4])
    expect([await ask(a, post(0, bytes(4, 7))), await ask(a, post(0, bytes(4, 7)))]).toEqual([4, 4])
    expect(await ask(a, post(1, bytes(4, 8)))).toBe(4)
    await ask(b, joinSlot(second))
    expect([await pushed(b), await pushed(b)]).toEqual([
      [0, 7],
      [1, 8]
    ])
  })

  it("take blobs in order, sixteen of a party, none longer than 64 KiB [relay.slot.2]", async () => {
    const { ask, connect, device } = await setUp()
    await ask(device, openSlot())
    const a = await connect()
    await ask(a, joinSlot(opener))
    expect(await ask(a, post(1, bytes(4, 1)))).toBe("bad-frame")
    for (let i = 0; i < 16; i++) expect(await ask(a, post(i, bytes(4, i)))).toBe(4)
    expect(await ask(a, post(3, bytes(4, 4)))).toBe("bad-frame")
    expect(await ask(a, post(16, bytes(4, 16)))).toBe("quota")
    // The other party has its own sixteen.
    const b = await connect()
    await ask(b, joinSlot(second))
    expect(await ask(b, post(0, bytes(65_536, 1)))).toBe(4)
    b.sendBytes(Bytes.concat(Uint8Array.of(0x94, 23, 9, 1, 0xc6), Bytes.be32(65_537), bytes(65_537, 1)))
    expect(await b.unasked()).toMatchObject({ type: 24 })
    for (;;) {
      const frame = await b.unasked()
      if (frame.type === 24) continue
      expect(codeOf(frame)).toBe("bad-frame")
      break
    }
  })

  it("are gone after ten minutes, after either party closed them, and with their device [relay.slot.4]", async () => {
    const { advance, alice, ask, connect, device } = await setUp()
    for (const number of [1, 2, 3, 4]) await ask(device, openSlot(slotOf(number)))
    const [a, b, c] = [await connect(), await connect(), await connect()]
    await ask(a, joinSlot(opener, 0, slotOf(1)))
    await ask(b, joinSlot(second, 0, slotOf(1)))
    expect(await ask(b, { type: 25 })).toBe(4)
    expect(await ask(a, post(0, bytes(4, 1)))).toBe("unknown-slot")
    expect(await ask(a, joinSlot(opener, 0, slotOf(1)))).toBe("unknown-slot")

    await ask(c, joinSlot(opener, 0, slotOf(2)))
    advance(599_000)
    expect(await ask(c, post(0, bytes(4, 1)))).toBe(4)
    advance(1_001)
    expect(await ask(c, post(1, bytes(4, 1)))).toBe("unknown-slot")
    expect(await ask(await connect(), joinSlot(second, 0, slotOf(3)))).toBe("unknown-slot")

    // Revoked by another device of the account.
    const tablet = alice.account.addDevice()
    await device.ask({ type: 8, manifest: alice.account.newest, certificates: [tablet.certificate] })
    await ask(device, openSlot(slotOf(5)))
    const d = await connect()
    expect(await ask(d, joinSlot(second, 0, slotOf(5)))).toBe(4)
    await device.ask({ type: 8, manifest: alice.account.revoke(alice.device), certificates: [] })
    expect(await ask(d, post(0, bytes(4, 1)))).toBe("unknown-slot")
  })

  it("answer alike whether they never were, are used, or are over; and count the questions [relay.slot.5]", async () => {
    const { advance, ask, connect, device } = await setUp()
    await ask(device, openSlot(slotOf(1)))
    await ask(await connect(), joinSlot(second, 0, slotOf(1)))
    await ask(device, openSlot(slotOf(2)))
    const closer = await connect()
    await ask(closer, joinSlot(second, 0, slotOf(2)))
    await ask(closer, { type: 25 })
    const stranger = await connect()
    const answers = await Promise.all([
      stranger.ask(joinSlot(bytes(16, 9), 0, slotOf(1))),
      stranger.ask(joinSlot(bytes(16, 9), 0, slotOf(2))),
      stranger.ask(joinSlot(bytes(16, 9), 0, slotOf(99))),
      stranger.ask(post(0, bytes(4, 1))),
      stranger.ask({ type: 25 })
    ])
    expect(new Set(answers.map((answer) => JSON.stringify({ ...answer, request: 0 }))).size).toBe(1)
    expect(codeOf(answers[0])).toBe("unknown-slot")
    for (let i = 0; i < 55; i++) await ask(stranger, joinSlot(second, 0, slotOf(100 + i)))
    expect(await stranger.ask(joinSlot(second, 0, slotOf(99)))).toMatchObject({ code: "rate-limited" })
    advance(60_001)
    expect(await ask(stranger, joinSlot(second, 0, slotOf(99)))).toBe("unknown-slot")
    // An id somebody has is not told from one that is free to nobody but its owner.
    expect(await ask(device, openSlot(slotOf(1), second))).toBe("unknown-slot")
  })

  it("are bounded: eight of a device in ten minutes, and so much memory in all [relay.slot.6]", async () => {
    const { advance, ask, connect, device } = await setUp({ slotBytes: 100 })
    for (let i = 1; i <= 8; i++) expect(await ask(device, openSlot(slotOf(i)))).toBe(4)
    const ninth = await device.ask(openSlot(slotOf(9)))
    expect(ninth).toMatchObject({ code: "rate-limited" })
    expect(ninth.type === 255 && ninth.retryAfterMs).toBeGreaterThan(590_000)
    const a = await connect()
    await ask(a, joinSlot(opener, 0, slotOf(1)))
    expect(await ask(a, post(0, bytes(60, 1)))).toBe(4)
    expect(await ask(a, post(1, bytes(60, 1)))).toBe("quota")
    expect(await ask(a, { type: 25 })).toBe(4)
    await ask(a, joinSlot(opener, 0, slotOf(2)))
    expect(await ask(a, post(0, bytes(60, 1)))).toBe(4)
    advance(600_001)
    expect(await ask(device, openSlot(slotOf(9)))).toBe(4)
    const few = await setUp({ slots: 2 })
    for (const number of [1, 2]) expect(await few.ask(few.device, openSlot(slotOf(number)))).toBe(4)
    expect(await few.ask(few.device, openSlot(slotOf(3)))).toBe("quota")
    few.advance(600_001)
    expect(await few.ask(few.device, openSlot(slotOf(3)))).toBe(4)
    expect(await few.metric("tacit_relay_slots")).toBe(1)
  })

  it("leave nothing in the database [relay.slot.4] [relay.privacy.1]", async () => {
    const directory = folder()
    const { ask, connect, device, stop } = await setUp({}, join(directory, "relay.db"))
    const blob = bytes(64, 0xa7)
    await ask(device, openSlot())
    const a = await connect()
    await ask(a, joinSlot(opener))
    await ask(a, post(0, blob))
    await stop()
    for (const file of readdirSync(directory)) {
      const found = readFileSync(join(directory, file))
      for (const secret of [blob, opener, slotOf(1)]) expect(found.includes(Buffer.from(secret))).toBe(false)
    }
  })
})

describe("one-time passwords that a device asks for", () => {
  it("register a further device of its own account, for fifteen minutes [relay.password.1]", async () => {
    const { advance, alice, connect, device } = await setUp()
    const [first, late] = [await device.ask({ type: 26 }), await device.ask({ type: 26 })]
    if (first.type !== 27 || late.type !== 27) throw new Error("no password")
    expect(first.password).toMatch(/^([A-Z2-7]{4}-){4}[A-Z2-7]{4}$/)
    expect(first.password).not.toBe(late.password)
    const tablet = alice.account.addDevice()
    expect(codeOf(await (await connect()).register(alice.account, tablet, "alice", first.password))).toBe(4)
    const other = FixtureAccount.makeAccount(crypto, "other")
    const stranger = await connect()
    expect(codeOf(await stranger.register(other, other.addDevice(), "alice", late.password))).toBe("name-taken")
    advance(900_001)
    const third = alice.account.addDevice()
    expect(codeOf(await (await connect()).register(alice.account, third, "alice", late.password))).toBe("bad-password")
  })

  it("are given to admins only [relay.password.1]", async () => {
    const { alice, connect, device } = await setUp()
    const issued = await device.ask({ type: 26 })
    if (issued.type !== 27) throw new Error("no password")
    // Devices of a fixture after the first are members.
    const member = alice.account.addDevice()
    const peer = await connect()
    expect(codeOf(await peer.register(alice.account, member, "alice", issued.password))).toBe(4)
    const session = await connect()
    expect(codeOf(await session.login(member))).toBe(6)
    expect(codeOf(await session.ask({ type: 26 }))).toBe("not-admin")
    expect(codeOf(await (await connect()).ask({ type: 26 }))).toBe("not-logged-in")
  })

  it("are eight in ten minutes, each with a line in the log and a hash in the database until it expires [relay.password.2]", async () => {
    const directory = folder()
    const database = join(directory, "relay.db")
    const { advance, alice, device, lines, relay, stop } = await setUp({}, database)
    const answers = []
    for (let i = 0; i < 8; i++) answers.push(await device.ask({ type: 26 }))
    expect(answers.every(({ type }) => type === 27)).toBe(true)
    const ninth = await device.ask({ type: 26 })
    expect(ninth).toMatchObject({ code: "rate-limited" })
    const audit = lines.filter((line) => line.includes("one-time password for alice"))
    expect(audit).toHaveLength(8)
    expect(audit[0]).toContain(Bytes.toHex(alice.device.device).slice(0, 8))
    for (const answer of answers) {
      expect(lines.join("\n")).not.toContain(answer.type === 27 ? answer.password : "")
    }
    advance(900_001)
    await Effect.runPromise(relay.sweep)
    await stop()
    const db = new DatabaseSync(database, { readOnly: true })
    // What is left is the administrator's, used by the first device.
    expect(db.prepare("SELECT count(*) AS n FROM invitations").get()).toEqual({ n: 1 })
    db.close()
  })

  it("leave a line that can be picked out of the log [relay.password.2]", async () => {
    const lines: Array<string> = []
    await using relay = await startRelay({ database: ":memory:" }, (line) => void lines.push(line))
    const account = FixtureAccount.makeAccount(crypto, "alice")
    const fixture = account.addDevice()
    const [registering, device] = [await connect(relay.url), await connect(relay.url)]
    await registering.register(account, fixture, "alice", await relay.invite("alice"))
    await device.login(fixture)
    expect(codeOf(await device.ask({ type: 26 }))).toBe(27)
    await until(() => lines.some((line) => line.includes(" audit=one-time-password")))
    expect(lines.filter((line) => line.includes(" audit="))).toHaveLength(1)
    await Promise.all([registering.close(), device.close()])
  })
})
