/**
 * Users removed by their relay's administrator, over WebSocket and through a broker: the command, what the removed client is told, what its
 * contacts are told, and how somebody comes back.
 */
import { linkAccount, openClient, type PromiseClient } from "@tacit/bots"
import type { Warning } from "@tacit/core"
import { startRelay, startSteward, type RunningRelay, type RunningSteward } from "@tacit/relay"
import { startBroker } from "@tacit/transport-mqtt/broker"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { ExitCode } from "../src/ExitCode.ts"
import { call, type Done } from "./InProcess.ts"

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

interface World {
  readonly service: RunningRelay | RunningSteward
  readonly folder: string
  /** Calls the command on the relay's machine. */
  readonly tacit: (words: ReadonlyArray<string>, input?: string) => Promise<Done>
  readonly open: (user: string, place?: string) => Promise<PromiseClient>
  readonly join: (user: string, place?: string, again?: boolean) => Promise<PromiseClient>
}

const world = async (carrier: "WebSocket" | "MQTT"): Promise<World> => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-removal-"))
  const database = join(folder, "relay", "relay.db")
  mkdirSync(join(folder, "relay"))
  const broker = carrier === "MQTT" ? await startBroker() : undefined
  const service =
    broker === undefined
      ? await startRelay({ database })
      : await startSteward({ database, broker: `mqtt://127.0.0.1:${broker.port}/team` })
  onTestFinished(async () => {
    await service.close()
    await broker?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const open = (user: string, place = user) =>
    openClient({ relay: service.url, user, path: join(folder, `${place}.db`) })
  return {
    service,
    folder,
    tacit: (words, input = "") =>
      call(words, { env: { TACIT_RELAY_DATA: join(folder, "relay"), TACIT_DATA: join(folder, "data") }, input }),
    open,
    join: async (user, place = user, again = false) =>
      openClient({
        relay: service.url,
        user,
        path: join(folder, `${place}.db`),
        password: await service.invite(user, { again })
      })
  }
}

type Told = Extract<Warning, { readonly _tag: "RemovedByRelay" }>

/** The next removal a client is told of. */
const told = async (client: PromiseClient): Promise<Told> => {
  for await (const warning of client.warnings()) if (warning._tag === "RemovedByRelay") return warning
  throw new Error("the client closed")
}

/** Everything a client is told from now on. */
const listen = (client: PromiseClient): Array<Warning> => {
  const heard: Array<Warning> = []
  void (async () => {
    for await (const warning of client.warnings()) heard.push(warning)
  })()
  return heard
}

const read = async (client: PromiseClient, count: number): Promise<ReadonlyArray<string>> => {
  const texts: Array<string> = []
  for await (const { body } of client.messages()) {
    texts.push(body.type === "text" ? body.text : body.type)
    if (texts.length === count) return texts
  }
  return texts
}

const removals = (heard: ReadonlyArray<Warning>): ReadonlyArray<Warning> =>
  heard.filter(({ _tag }) => _tag === "RemovedByRelay")

describe.each(["WebSocket", "MQTT"] as const)("over %s", (carrier) => {
  it("a removed user is told what to do, contacts are told once, and nothing is sent to them [relay.remove.4] [relay.remove.6] [relay.remove.10]", async () => {
    const { join: register, open, tacit } = await world(carrier)
    let alice = await register("alice")
    const bob = await register("bob")
    await alice.send("bob", "before")
    expect(await read(bob, 1)).toEqual(["before"])
    await bob.send("alice", "and back")
    expect(await read(alice, 1)).toEqual(["and back"])
    await alice.flush()
    const before = await alice.devices()
    const safety = await alice.trust.safety("bob")
    const started = Date.now()
    expect(await tacit(["relay", "remove", "bob", "--yes", "--json"])).toMatchObject({ code: ExitCode.ok })

    const own = await told(bob)
    expect(own).toMatchObject({ own: true, peer: { account: bob.self.account, device: "" } })
    expect(own.line).toContain("Ask the administrator")
    expect(own.removedAt).toBeGreaterThanOrEqual(started - 1_000)
    await expect(bob.send("alice", "still here")).rejects.toMatchObject({ _tag: "RemovedByRelay", own: true })

    // A session is there: the message is sealed, refused, and failed for the device; it is not tried again.
    const conversation = await alice.conversation("bob")
    const { id } = await conversation.send("after")
    const word = await told(alice)
    expect(word).toMatchObject({
      own: false,
      peer: { user: "bob", account: bob.self.account, device: "" },
      removedAt: own.removedAt
    })
    expect(word.line).toContain("did not say so")
    await alice.flush()
    expect(await conversation.outcome(id)).toMatchObject([
      { to: { account: bob.self.account, device: bob.self.device }, result: "failed", reason: "removed-by-relay" }
    ])
    for (const send of [() => alice.send("bob", "again"), () => conversation.send("again")]) {
      await expect(send()).rejects.toMatchObject({ _tag: "RemovedByRelay", user: "bob", own: false })
    }
    // What is known of him is as it was: nobody revoked anything.
    expect(await alice.devices()).toEqual(before)
    expect((await alice.trust.safety("bob")).digits).toEqual(safety.digits)
    expect((await alice.contacts()).find(({ user }) => user === "bob")).toMatchObject({ state: "pinned", devices: 1 })

    // Told once: not after a restart either, and sends stay refused.
    await alice.close()
    alice = await open("alice")
    const heard = listen(alice)
    await expect(alice.send("bob", "later")).rejects.toMatchObject({ _tag: "RemovedByRelay" })
    await expect(alice.send({ account: bob.self.account }, "later")).rejects.toMatchObject({ _tag: "RemovedByRelay" })
    expect(removals(heard)).toEqual([])
    // Somebody who never knew him is told by the error.
    const carol = await register("carol")
    await expect(carol.send("bob", "hello")).rejects.toMatchObject({ _tag: "RemovedByRelay", user: "bob" })
    expect(await carol.contacts()).toEqual([])

    // The removed client keeps what it has, and says it as an error of its own.
    await bob.close()
    const back = await open("bob")
    const again = listen(back)
    await expect(back.send("alice", "?")).rejects.toMatchObject({ _tag: "RemovedByRelay", own: true })
    expect(removals(again)).toEqual([])
    expect((await back.contacts()).map(({ user }) => user)).toEqual(["alice"])
    for (const client of [alice, back, carol]) await client.close()
  })

  it("a notice waits through a crash until somebody is there to be told [relay.remove.6]", async () => {
    const { join: register, open, service } = await world(carrier)
    const alice = await register("alice")
    const bob = await register("bob")
    await alice.send("bob", "hello")
    await alice.flush()
    await service.remove("bob")
    // Nobody listens to warnings here.
    const { id } = await alice.send("bob", "anybody?")
    await alice.flush()
    expect(id).toHaveLength(32)
    await alice.close()
    const again = await open("alice")
    expect(await told(again)).toMatchObject({ own: false, peer: { account: bob.self.account } })
    await expect(again.send("bob", "?")).rejects.toMatchObject({ _tag: "RemovedByRelay" })
    await again.close()
    const third = await open("alice")
    const heard = listen(third)
    await expect(third.send("bob", "?")).rejects.toMatchObject({ _tag: "RemovedByRelay" })
    expect(removals(heard)).toEqual([])
    await third.close()
    await bob.close()
  })

  it("of one device only that one fails; a message reaches the others [relay.remove.5] [relay.remove.6]", async () => {
    const { folder, join: register, open, service, tacit } = await world(carrier)
    const alice = await register("alice")
    const bob = await register("bob")
    const offer = await bob.link.invite({ relay: service.url, role: "member", challenges: ["fingerprint"] })
    const confirming = (async () => {
      for await (const state of offer.states()) if (state._tag === "CompareDigits") await offer.confirm()
    })()
    const path = join(folder, "tablet.db")
    const challenges = ["fingerprint"] as const
    await linkAccount({ relay: service.url, path, uri: offer.uri, challenges, confirmDigits: () => true })
    const { device } = await offer.result()
    await confirming
    const tablet = await open("bob", "tablet")
    await alice.send("bob", "to both")
    expect([await read(bob, 1), await read(tablet, 1)]).toEqual([["to both"], ["to both"]])
    await alice.flush()
    const removed = await tacit(["relay", "remove", "bob", "--device", device.slice(0, 12), "--yes"])
    expect(removed.out).toContain(`Removed device ${device.slice(0, 16)}… of bob.`)
    expect(await told(tablet)).toMatchObject({ own: true, peer: { device } })

    const conversation = await alice.conversation("bob")
    const { id } = await conversation.send("to one")
    expect(await read(bob, 1)).toEqual(["to one"])
    expect(await told(alice)).toMatchObject({ own: false, peer: { account: bob.self.account, device } })
    await alice.flush()
    const outcomes = await conversation.outcome(id)
    expect(outcomes.find(({ to }) => to.device === device)).toMatchObject({ reason: "removed-by-relay" })
    expect(outcomes.find(({ to }) => to.device === bob.self.device)).toMatchObject({ result: "reached" })
    // The account goes on, and is told of its own device.
    await alice.send("bob", "and more")
    expect(await read(bob, 1)).toEqual(["and more"])
    await bob.send("alice", "answer")
    expect(await told(bob)).toMatchObject({ own: true, peer: { device } })
    for (const client of [alice, bob, tablet]) await client.close()
  })

  it("who is let in again is a new account: contacts see that the identity changed [relay.remove.7]", async () => {
    const { join: register, open, service, tacit } = await world(carrier)
    const alice = await register("alice")
    const bob = await register("bob")
    await alice.send("bob", "hello")
    expect(await read(bob, 1)).toEqual(["hello"])
    await bob.close()
    await service.remove("bob")
    const refused = await tacit(["relay", "invite", "bob"])
    expect(refused).toMatchObject({ code: ExitCode.usage })
    expect(refused.err).toContain("--again")
    expect((await tacit(["relay", "invite", "bob", "--again"])).out).toMatch(/^([A-Z2-7]{4}-){4}[A-Z2-7]{4}\n$/)
    const anew = await register("bob", "bob anew", true)
    expect(anew.self.account).not.toBe(bob.self.account)
    await alice.close()
    const again = await open("alice")
    await expect(again.send("bob", "is it you?")).rejects.toMatchObject({
      _tag: "IdentityChanged",
      pinned: bob.self.account,
      offered: anew.self.account
    })
    for (const client of [again, anew]) await client.close()
  })
})

describe("tacit relay users and remove", () => {
  it("list and ask before they remove, and explain what they refuse [relay.remove.1] [relay.remove.9]", async () => {
    const { join: register, tacit } = await world("WebSocket")
    const bob = await register("bob")
    const listed = await tacit(["relay", "users", "--json"])
    expect(JSON.parse(listed.out)).toMatchObject({
      type: "user",
      user: "bob",
      account: bob.self.account,
      removedAt: null
    })
    expect((await tacit(["relay", "users"])).out).toMatch(
      /^bob {2}[0-9a-f]{64}\n {2}[0-9a-f]{64} {2}(not seen yet|last seen)/
    )
    const unsure = await tacit(["relay", "remove", "bob"], "no\n")
    expect(unsure).toMatchObject({ code: ExitCode.usage })
    expect(unsure.err).toContain("Nothing was removed")
    for (const [words, says] of [
      [["relay", "remove", "nobody", "--yes"], "the relay knows no such user"],
      [["relay", "remove", "bob", "--device", "00112233", "--yes"], "they have no such device here"],
      [["relay", "remove", "bob", "--device", "xyz", "--yes"], "at least 6 hexadecimal digits"]
    ] as const) {
      const refused = await tacit(words)
      expect(refused).toMatchObject({ code: ExitCode.usage })
      expect(refused.err).toContain(says)
    }
    expect((await tacit(["relay", "remove", bob.self.account], "yes\n")).out).toBe(
      "Removed bob. What waited for them is deleted.\n"
    )
    expect((await tacit(["relay", "users"])).out).toMatch(/^bob {2}[0-9a-f]{64} {2}removed \d{4}-\d\d-\d\d\n$/)
    await bob.close()
  })

  it("say to the one who was removed, and to who writes to them, what to do: exit code 13 [relay.remove.6] [relay.remove.10]", async () => {
    const { folder, service, tacit } = await world("WebSocket")
    for (const user of ["ann", "ben"]) {
      const file = join(folder, `${user}.otp`)
      writeFileSync(file, await service.invite(user))
      const words = ["register", "--relay", service.url, "--user", user, "--profile", user, "--password-file", file]
      expect((await tacit(words)).code).toBe(ExitCode.ok)
    }
    expect((await tacit(["send", "ben", "hello", "--profile", "ann"])).code).toBe(ExitCode.ok)
    await service.remove("ben")
    // Its first call learns it by the login, later ones know it.
    for (let i = 0; i < 2; i++) {
      const removed = await tacit(["send", "ann", "hello", "--profile", "ben"])
      expect(removed.code).toBe(ExitCode.removed)
      expect(removed.err).toContain("Ask the administrator for an invitation")
    }
    const refused = await tacit(["send", "ben", "again", "--profile", "ann"])
    expect(refused.code).toBe(ExitCode.removed)
    expect(refused.err).toContain("its administrator removed ben")
    expect((await tacit(["listen", "--count", "1", "--timeout", "1", "--profile", "ben"])).code).toBe(ExitCode.removed)
  })
})
