/** Users removed by their administrator: what goes, what stays, what is answered, and that it is whole or did not happen. */
import { Bytes, Removal } from "@tacit/core/hazmat"
import { FixtureAccount } from "@tacit/core/testing"
import { issueInvitation, listUsers, removeUser } from "@tacit/relay"
import type { RelayFrame } from "@tacit/transport-ws/frames"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { startChild } from "./ChildRelay.ts"
import { body, codeOf, connect, crypto, type Peer } from "./Peer.ts"
import { folder, type Member, type Running, start, until } from "./start.ts"

const hex = Bytes.toHex

/** What a refusal says was removed. */
const removalOf = (frame: RelayFrame): Removal.Removal => {
  if (frame.type !== 255) throw new Error(`no refusal but ${codeOf(frame)}`)
  expect([frame.code, frame.retryAfterMs]).toEqual(["removed-by-relay", 0])
  return Result.getOrThrow(Removal.verify(crypto, frame.detail, undefined))
}

const prekeysOf = (device: FixtureAccount.FixtureDevice) => {
  const { lastResortKem, oneTime, oneTimeKem, signed } = device.prekeys({ oneTime: 2, oneTimeKem: 2 })
  return { type: 7, signed, lastResortKem, oneTime, oneTimeKem } as const
}

/** Logs a member in, publishes its prekeys and token, and puts envelopes into its mailbox. */
const settle = async (running: Pick<Running, "url">, { device }: Member, envelopes = 3): Promise<Peer> => {
  const peer = await connect(running.url)
  expect(codeOf(await peer.login(device))).toBe(6)
  expect(codeOf(await peer.ask(prekeysOf(device)))).toBe(6)
  expect(codeOf(await peer.ask({ type: 9, tokenHash: device.tokenHash }))).toBe(4)
  const sender = await connect(running.url)
  for (let i = 0; i < envelopes; i++) expect(codeOf(await submit(sender, device, i))).toBe(15)
  await sender.close()
  return peer
}

const submit = (peer: Peer, device: FixtureAccount.FixtureDevice, number: number) =>
  peer.ask({ type: 14, token: device.token, envelope: FixtureAccount.envelope(device.mailbox, 2, body(number)) })

/** Rows that say something about a device, by table. */
const rows = (database: string, device: FixtureAccount.FixtureDevice): Readonly<Record<string, number>> => {
  const db = new DatabaseSync(database, { readOnly: true })
  try {
    const id = db.prepare("SELECT id FROM devices WHERE device = ?").get(device.device)!["id"] as number
    const counts: Record<string, number> = {}
    for (const table of ["envelopes", "digests", "prekeys", "prekey_counters"]) {
      counts[table] = Number(db.prepare(`SELECT count(*) AS n FROM ${table} WHERE device = ?`).get(id)!["n"])
    }
    return counts
  } finally {
    db.close()
  }
}

const run = Effect.runPromise

describe("removing a user", () => {
  it("deletes what is theirs and keeps a tombstone, no more [relay.remove.1] [relay.remove.2] [relay.remove.3]", async () => {
    const database = join(folder(), "relay.db")
    const running = await start({ database })
    const alice = await running.member("alice")
    const open = await running.invite("alice")
    const peer = await settle(running, alice)
    alice.account.renew()
    expect(codeOf(await peer.ask({ type: 8, manifest: alice.account.newest, certificates: [] }))).toBe(4)
    expect(rows(database, alice.device)).toEqual({ envelopes: 3, digests: 3, prekeys: 6, prekey_counters: 4 })
    const removed = await run(running.relay.remove("alice"))
    expect(removed).toMatchObject({ name: "alice", account: hex(alice.account.account), device: undefined })
    expect(rows(database, alice.device)).toEqual({ envelopes: 0, digests: 0, prekeys: 0, prekey_counters: 0 })
    const db = new DatabaseSync(database, { readOnly: true })
    expect(db.prepare("SELECT version, bytes FROM manifests").all()).toEqual([
      { version: alice.account.manifests.length, bytes: alice.account.newest }
    ])
    expect(
      db
        .prepare(
          `SELECT length(certificate) AS certificate, generation, start_id, publication, last_seen, token_hash
           FROM devices JOIN mailboxes ON mailboxes.device = devices.id`
        )
        .all()
    ).toEqual([
      { certificate: 0, generation: null, start_id: null, publication: null, last_seen: null, token_hash: null }
    ])
    expect(db.prepare("SELECT count(*) AS n FROM invitations WHERE used_by IS NULL").get()).toEqual({ n: 0 })
    db.close()
    // The password that was open is worth nothing.
    const again = await running.connect()
    expect(codeOf(await again.register(alice.account, alice.account.addDevice(), "alice", open))).toBe("bad-password")
    // Said twice, it answers with the first time.
    running.advance(5_000)
    expect(await run(running.relay.remove(hex(alice.account.account)))).toEqual(removed)
  })

  it("changes nothing where there is nobody of the name, or no such device [relay.remove.1]", async () => {
    const running = await start()
    const alice = await running.member("alice")
    const refused = (effect: Effect.Effect<unknown, unknown>) => run(Effect.flip(effect))
    expect(await refused(running.relay.remove("bob"))).toMatchObject({ _tag: "CannotRemove", reason: "unknown-user" })
    expect(await refused(running.relay.remove("~"))).toMatchObject({ reason: "unknown-user" })
    expect(await refused(running.relay.remove("alice", { device: "00".repeat(32) }))).toMatchObject({
      reason: "unknown-device"
    })
    expect(codeOf(await (await running.connect()).login(alice.device))).toBe(6)
  })

  it("closes their connections with 4005 and their slots, and tells the device itself at its next login [relay.remove.4] [relay.remove.5]", async () => {
    const running = await start()
    const alice = await running.member("alice")
    const peer = await settle(running, alice)
    const slot = new Uint8Array(16).fill(7)
    expect(codeOf(await peer.ask({ type: 21, slot, party: slot }))).toBe(4)
    const { removedAt } = await run(running.relay.remove("alice"))
    expect(await peer.closed).toBe(4005)
    const other = await running.connect()
    expect(codeOf(await other.ask({ type: 22, slot, party: new Uint8Array(16), from: 0 }))).toBe("unknown-slot")
    const back = await running.connect()
    expect(removalOf(await back.login(alice.device))).toMatchObject({
      account: alice.account.account,
      device: undefined,
      removedAt,
      manifest: { bytes: alice.account.newest }
    })
    // Somebody who only knows the device id learns nothing by it.
    const { challenge } = await back.hello()
    const forged = { type: 5, device: alice.device.device, generation: 1, startId: challenge.slice(0, 8) } as const
    expect(codeOf(await back.ask({ ...forged, signature: new Uint8Array(64) }))).toBe("bad-signature")
    expect(await running.metric('tacit_relay_removed_total{type="account"}')).toBe(1)
    expect(running.lines.join("\n")).toContain(`account ${hex(alice.account.account).slice(0, 8)} was removed`)
  })

  it("is answered to everybody who asks for them, with the time and the last manifest [relay.remove.5] [relay.remove.8]", async () => {
    const running = await start()
    const alice = await running.member("alice")
    await settle(running, alice)
    const { removedAt } = await run(running.relay.remove("alice"))
    const anonymous = await running.connect()
    const { account } = alice.account
    const answers = [
      await anonymous.ask({ type: 10, user: "alice" }),
      await anonymous.ask({ type: 18, account, after: 0 }),
      await anonymous.ask({ type: 12, account, device: alice.device.device }),
      await submit(anonymous, alice.device, 9)
    ]
    for (const answer of answers) {
      const removal = removalOf(answer)
      expect(removal).toMatchObject({
        account,
        device: undefined,
        removedAt,
        manifest: { bytes: alice.account.newest }
      })
      // Rule relay.remove.8.
      const { device } = alice.device
      expect(Removal.standing(removal, device, removedAt - 1)).toBe("before")
      expect(Removal.standing(removal, device, removedAt)).toBe("after")
      expect(Removal.standing(removal, new Uint8Array(32), removedAt - 1)).toBe("unlisted")
    }
    // Where names are not told, no name is.
    const quiet = await start({ hideNames: true })
    await quiet.member("alice")
    await run(quiet.relay.remove("alice"))
    expect(codeOf(await (await quiet.connect()).ask({ type: 10, user: "alice" }))).toBe("unknown-user")
  })

  it("of one device leaves the others, until the account's own manifest says more [relay.remove.3] [relay.remove.5]", async () => {
    const running = await start()
    const alice = await running.member("alice")
    const laptop = alice.account.addDevice()
    const registering = await running.connect()
    expect(codeOf(await registering.register(alice.account, laptop, "alice", await running.invite("alice")))).toBe(4)
    const [phone, second] = [await settle(running, alice), await settle(running, { ...alice, device: laptop })]
    const id = hex(laptop.device)
    const { removedAt } = await run(running.relay.remove("alice", { device: id.toUpperCase() }))
    expect(await second.closed).toBe(4005)
    const anonymous = await running.connect()
    for (const answer of [
      await submit(anonymous, laptop, 9),
      await anonymous.ask({ type: 12, account: alice.account.account, device: laptop.device })
    ]) {
      const removal = removalOf(answer)
      expect(removal).toMatchObject({ device: laptop.device, removedAt })
      expect(Removal.standing(removal, alice.device.device, removedAt + 1)).toBe("before")
      expect(Removal.standing(removal, laptop.device, removedAt + 1)).toBe("after")
    }
    // The list of devices is the account's: it is answered as it was signed.
    expect(await anonymous.ask({ type: 10, user: "alice" })).toMatchObject({
      type: 11,
      manifests: [alice.account.manifests[0], alice.account.newest]
    })
    expect(codeOf(await submit(anonymous, alice.device, 10))).toBe(15)
    const revoking = alice.account.revoke(laptop)
    expect(codeOf(await phone.ask({ type: 8, manifest: revoking, certificates: [] }))).toBe(4)
    expect(codeOf(await submit(anonymous, laptop, 11))).toBe("stale-device")
    expect(await running.metric('tacit_relay_removed_total{type="device"}')).toBe(1)
  })

  it("does not let name or account come back by themselves [relay.remove.7]", async () => {
    const running = await start()
    const alice = await running.member("alice")
    const kept = await running.invite("carol")
    await run(running.relay.remove("alice"))
    await expect(running.invite("alice")).rejects.toMatchObject({ _tag: "RemovedUser", user: "alice" })
    const peer = await running.connect()
    // The account under another name, with a password that is good.
    expect(codeOf(await peer.register(alice.account, alice.account.addDevice(), "carol", kept))).toBe(
      "removed-by-relay"
    )
    // Nor with the permission, which is for a new account.
    const permitted = await run(running.relay.invite("alice", { again: true }))
    expect(codeOf(await peer.register(alice.account, alice.account.addDevice(), "alice", permitted))).toBe(
      "removed-by-relay"
    )
    const anew = FixtureAccount.makeAccount(crypto, "alice anew")
    const device = anew.addDevice()
    expect(codeOf(await peer.register(anew, device, "alice", permitted))).toBe(4)
    const anonymous = await running.connect()
    expect(await anonymous.ask({ type: 10, user: "alice" })).toMatchObject({ type: 11, account: anew.account })
    // What is left of the former account has no name, and stays removed.
    removalOf(await anonymous.ask({ type: 18, account: alice.account.account, after: 0 }))
    const users = await run(running.relay.users)
    expect(users.map(({ name, removedAt }) => [name, removedAt === undefined])).toEqual([
      [undefined, false],
      ["alice", true]
    ])
    expect(await running.invite("alice")).toHaveLength(24)
  })

  it("is listed with days, not times [relay.remove.9]", async () => {
    const running = await start()
    const alice = await running.member("alice")
    const listed = async () => (await run(running.relay.users)).map(({ devices, name }) => [name, devices[0]])
    expect(await listed()).toMatchObject([["alice", { state: "served", lastSeen: undefined, envelopes: 0 }]])
    await settle(running, alice, 2)
    await run(running.relay.sweep)
    const [[, device]] = (await listed()) as [["alice", { lastSeen: number; envelopes: number; bytes: number }]]
    expect(device.lastSeen % 86_400_000).toBe(0)
    expect(device.envelopes).toBe(2)
    expect(device.bytes).toBeGreaterThan(200)
  })
})

describe("beside a relay, as another program", () => {
  it("removes, lists and lets in again; the relay notices and sends them away [relay.remove.1] [relay.remove.4]", async () => {
    const database = join(folder(), "relay.db")
    const running = await start({ database })
    const alice = await running.member("alice")
    const peer = await settle(running, alice)
    await run(removeUser({ database, user: "alice" }))
    // Before the relay looked, the device is refused as well: what it asks for is decided by the database.
    expect([4005, "removed-by-relay"]).toContain(
      await Promise.race([peer.closed, peer.ask({ type: 26 }).then(codeOf, () => peer.closed)])
    )
    expect(await peer.closed).toBe(4005)
    await until(async () => (await running.metric('tacit_relay_removed_total{type="account"}')) === 1)
    expect(await run(listUsers({ database }))).toMatchObject([{ name: "alice", devices: [{ state: "removed" }] }])
    await expect(run(issueInvitation({ database, user: "alice" }))).rejects.toMatchObject({ _tag: "RemovedUser" })
    expect(await run(issueInvitation({ database, user: "alice", again: true }))).toHaveLength(24)
  })

  it("works on the store of a relay that is stopped [relay.remove.1]", async () => {
    const database = join(folder(), "relay.db")
    const running = await start({ database })
    const alice = await running.member("alice")
    await settle(running, alice)
    await running.stop()
    await run(removeUser({ database, user: "alice" }))
    const later = await start({ database })
    removalOf(await (await later.connect()).login(alice.device))
    expect(await later.metric('tacit_relay_removed_total{type="account"}')).toBe(0)
  })
})

describe("a database of a release before", () => {
  it("is moved on when it is opened, and serves who was in it [relay.remove.1]", async () => {
    const database = join(folder(), "relay.db")
    const running = await start({ database })
    const alice = await running.member("alice")
    await running.stop()
    // As the first release left it: without what removals brought.
    const db = new DatabaseSync(database)
    for (const [table, column] of [
      ["accounts", "removed_at"],
      ["devices", "last_seen"],
      ["invitations", "again"]
    ] as const) {
      db.exec(`ALTER TABLE ${table} DROP COLUMN ${column}`)
    }
    db.exec("DROP INDEX devices_removed; ALTER TABLE devices DROP COLUMN removed_at; PRAGMA user_version = 1")
    db.close()
    const later = await start({ database })
    const peer = await settle(later, alice)
    expect((await run(later.relay.relaySaw)).users).toBe(1)
    await run(later.relay.remove("alice"))
    expect(await peer.closed).toBe(4005)
    expect(await run(later.relay.relaySaw)).toMatchObject({ users: 0, devices: 0, mailboxes: 0, prekeys: 0 })
  })
})

describe("killed with SIGKILL during a removal", () => {
  const whole = { envelopes: 40, digests: 40, prekeys: 0, prekey_counters: 0 }
  const gone = { envelopes: 0, digests: 0, prekeys: 0, prekey_counters: 0 }

  const fill = async (relay: { readonly url: string; readonly invite: (user: string) => Promise<string> }) => {
    const account = FixtureAccount.makeAccount(crypto, "alice")
    const device = account.addDevice()
    const peer = await connect(relay.url)
    expect(codeOf(await peer.register(account, device, "alice", await relay.invite("alice")))).toBe(4)
    await settle(relay, { user: "alice", account, device }, 40)
    return { account, device }
  }

  it("the administrator's program has removed all or nothing, wherever it ends [relay.remove.1]", async () => {
    const database = join(folder(), "relay.db")
    const relay = await start({ database })
    const { device } = await fill(relay)
    const before = rows(database, device)
    expect(before).toMatchObject({ envelopes: whole.envelopes, digests: whole.digests })
    const child = (statement: number) =>
      new Promise<{ readonly how: string | number; readonly said: string }>((resolve) => {
        const file = fileURLToPath(new URL("removal-child.ts", import.meta.url))
        const words = ["--conditions=@tacit/source", file, database, "alice", String(statement)]
        const program = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] })
        let said = ""
        program.stdout.on("data", (data: Buffer) => (said += data.toString()))
        program.on("close", (code, signal) => resolve({ how: signal ?? code ?? -1, said }))
      })
    for (const statement of [3, 9]) {
      expect((await child(statement)).how).toBe("SIGKILL")
      expect(rows(database, device)).toEqual(before)
      const login = await connect(relay.url)
      expect(codeOf(await login.login(device))).toBe(6)
      await login.close()
    }
    const { how, said } = await child(1_000)
    expect([how, said]).toEqual([0, expect.stringContaining("removed after 12 statements")])
    expect(rows(database, device)).toEqual(gone)
  }, 60_000)

  it("the relay itself has removed all or nothing when it comes back [relay.remove.1]", async () => {
    const database = join(folder(), "relay.db")
    let relay = await startChild(database)
    const { device } = await fill(relay)
    const before = rows(database, device)
    let outcome = before
    for (let round = 0; round < 2 && outcome["envelopes"] !== 0; round++) {
      relay.remove("alice")
      await new Promise((resolve) => setTimeout(resolve, 2 * round))
      await relay.end("SIGKILL")
      outcome = rows(database, device)
      expect([before, gone]).toContainEqual(outcome)
      relay = await startChild(database)
      const login = await connect(relay.url)
      expect(codeOf(await login.login(device))).toBe(outcome["envelopes"] === 0 ? "removed-by-relay" : 6)
      await login.close()
    }
    relay.remove("alice")
    await until(() => rows(database, device)["envelopes"] === 0)
    await relay.end("SIGTERM")
  }, 60_000)
})
