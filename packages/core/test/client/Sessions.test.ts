/** Sessions as a client keeps them: starts, crossing, waiting, resets, retries, prekeys, identities, devices. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import type { Sender } from "../../src/client/Api.ts"
import type { PrekeyKind } from "../../src/client/Records.ts"
import * as World from "./World.ts"

const pair = Effect.gen(function* () {
  const world = World.make()
  const alice = yield* world.join("alice")
  const bob = yield* world.join("bob")
  yield* World.tick(5)
  return { world, alice, bob }
})

/** Records of a kind on a device's disk. */
const records = ({ disk }: World.Actor, prefix: string): ReadonlyArray<string> =>
  [...disk.snapshot().records.keys()].filter((key) => key.startsWith(prefix))

const causes = ({ actor }: World.Process): ReadonlyArray<string> =>
  actor.warnings.map((warning) => (warning._tag === "Rejected" ? warning.cause : warning._tag))

const kinds = (envelopes: ReadonlyArray<{ readonly envelope: Uint8Array }>): ReadonlyArray<number> =>
  envelopes.map(({ envelope }) => envelope[2]!)

it.effect("at most 32 starts are sealed before an answer; the rest waits and follows [session.start.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    yield* World.close(bob)
    const count = world.network.submitted.length
    for (let i = 0; i < 40; i++) yield* alice.client.send("bob", `${i}`)
    yield* World.tick(20)
    const starts = world.network.submitted.slice(count)
    expect(kinds(starts)).toEqual(Array.from({ length: 32 }, () => 1))
    const back = yield* world.open(bob.actor)
    const got = yield* World.collect(back)
    yield* World.tick(20)
    expect(World.texts(got)).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`))
    expect(back.actor.warnings).toEqual([])
    // The first answer brought the delivery token: what follows are session messages.
    expect(kinds(world.network.submitted.slice(count + 33)).every((kind) => kind === 2)).toBe(true)
    expect(records(alice.actor, "session/").length).toBe(1)
  })
)

it.effect("crossing starts end in one session on both sides [session.cross.1] [session.cross.2]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    const [atAlice, atBob] = [yield* World.collect(alice), yield* World.collect(bob)]
    world.network.faults({ delayMs: [500, 500] })
    yield* Effect.all([alice.client.send("bob", "a"), bob.client.send("alice", "b")], { concurrency: "unbounded" })
    yield* World.tick(40)
    world.network.faults({ delayMs: [0, 0] })
    expect([World.texts(atAlice), World.texts(atBob)]).toEqual([["b"], ["a"]])
    for (let i = 0; i < 3; i++) {
      yield* alice.client.send("bob", `a${i}`)
      yield* World.tick(3)
      yield* bob.client.send("alice", `b${i}`)
      yield* World.tick(3)
    }
    expect([World.texts(atAlice), World.texts(atBob)]).toEqual([
      ["b", "b0", "b1", "b2"],
      ["a", "a0", "a1", "a2"]
    ])
    const active = (actor: World.Actor) =>
      [...actor.disk.snapshot().records.values()]
        .filter(({ key }) => key.startsWith("session/"))
        .sort((a, b) => b.revision - a.revision)[0]!.key
    expect(active(alice.actor)).toBe(active(bob.actor))
    expect([...causes(alice), ...causes(bob)]).toEqual([])
  })
)

it.effect(
  "a reset begins a fresh session, tells the peer, and loses nothing [session.reset.1] [session.archive.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob } = yield* pair
      const got = yield* World.collect(bob)
      yield* alice.client.send("bob", "before")
      yield* World.tick(5)
      const conversation = yield* alice.client.conversation("bob")
      yield* conversation.reset
      yield* conversation.send("after")
      yield* World.tick(10)
      expect(World.texts(got)).toEqual(["before", "after"])
      expect(got.map(({ sequence }) => sequence)).toEqual([1, 2])
      expect(causes(bob)).toEqual(["SessionReset"])
      expect(records(alice.actor, "session/").length).toBe(2)
      expect(records(bob.actor, "session/").length).toBe(2)
    })
)

it.effect(
  "a start whose prekey is gone is asked for again, answered once, and arrives with its id [session.retry.1] [session.retry.2] [session.retry.3] [pqxdh.lookup.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* pair
      const got = yield* World.collect(bob)
      yield* World.close(bob)
      const sent = yield* alice.client.send("bob", "hello")
      yield* World.tick(5)
      // Bob lost his one-time prekeys.
      const disk = bob.actor.disk
      const snapshot = disk.snapshot()
      const kept = new Map([...snapshot.records].filter(([key]) => !/^prekey\/(once|kem-once)\//.test(key)))
      disk.restore({ ...snapshot, records: kept })
      const count = world.network.submitted.length
      const back = yield* world.open(bob.actor)
      const again = yield* World.collect(back)
      yield* World.tick(30)
      expect(World.texts(got)).toEqual([])
      expect(again.map(({ id }) => id)).toEqual([sent.id])
      expect(again[0]!.sequence).toBe(1)
      expect(causes(back)).toEqual(["lookup.prekey-consumed"])
      const requests = world.network.submitted.slice(count).filter(({ envelope }) => envelope[2] === 1)
      expect(requests.length).toBe(1)
      // The same request once more: the log entry was used up.
      const [request] = requests
      yield* world.network.inject("alice", request!.envelope)
      const before = world.network.submitted.length
      yield* World.tick(20)
      expect(world.network.submitted.length).toBe(before)
      expect(alice.actor.events.map(({ state }) => state).at(-1)).toBe("delivered")
    })
)

it.effect("a session whose start the peer cannot accept is given up when the peer asks again [session.retry.4]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    const got = yield* World.collect(bob)
    yield* alice.client.send("bob", "before")
    yield* World.tick(5)
    expect(World.texts(got)).toEqual(["before"])
    yield* World.close(bob)
    // A second session begins with a one-time prekey that Bob has no more; the first one he can still ask in.
    const conversation = yield* alice.client.conversation("bob")
    yield* conversation.reset
    yield* conversation.send("after")
    yield* World.tick(5)
    const { disk } = bob.actor
    const snapshot = disk.snapshot()
    const kept = new Map([...snapshot.records].filter(([key]) => key !== "prekey/once/2"))
    expect(kept.size).toBe(snapshot.records.size - 1)
    disk.restore({ ...snapshot, records: kept })
    const back = yield* world.open(bob.actor)
    const again = yield* World.collect(back)
    yield* World.tick(40)
    expect(World.texts(again)).toEqual(["after"])
    yield* alice.client.send("bob", "and on")
    yield* World.tick(20)
    expect(World.texts(again)).toEqual(["after", "and on"])
    expect(causes(back)).toContain("lookup.prekey-consumed")
  })
)

it.effect("what cannot be asked for is asked for at most four times a minute [session.retry.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    yield* alice.client.send("bob", "0")
    yield* World.tick(5)
    const count = world.network.submitted.length
    world.network.faults({ corrupt: 1 })
    for (let i = 0; i < 30; i++) {
      yield* alice.client.send("bob", `${i}`)
      yield* World.tick(1)
    }
    world.network.faults({ corrupt: 0 })
    const requests = world.network.submitted.slice(count).filter(({ envelope }) => envelope[2] === 1)
    // Bob's requests, and alice's probe of what belongs to no session; all of them bounded.
    expect(requests.length).toBeLessThanOrEqual(4 + 2)
    yield* World.tick(60)
    yield* alice.client.send("bob", "end")
    yield* World.tick(20)
    const got = yield* World.receive(bob, 2)
    expect(World.texts(got)).toEqual(["0", "end"])
  })
)

it.effect(
  "one-time prekeys are published, used once, and topped up below 20 [prekey.kinds.1] [prekey.once.1] [prekey.replenish.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* pair
      const [relayed] = world.network.devices("bob")
      expect([relayed!.oneTime.length, relayed!.oneTimeKem.length]).toEqual([50, 50])
      expect(records(bob.actor, "prekey/once/").length).toBe(50)
      const conversation = yield* alice.client.conversation("bob")
      for (let i = 0; i < 36; i++) {
        yield* conversation.send(`${i}`)
        yield* World.tick(4)
        yield* conversation.reset
        yield* World.tick(20, 150)
      }
      expect(records(bob.actor, "prekey/once/").length).toBeGreaterThan(20)
      expect(relayed!.oneTime.length).toBeGreaterThanOrEqual(20)
      const ids = records(bob.actor, "prekey/once/").map((key) => Number(key.split("/")[2]))
      expect(Math.max(...ids)).toBeGreaterThan(50)
      expect(Math.min(...ids)).toBeGreaterThan(1)
      expect(causes(bob).filter((cause) => cause !== "SessionReset")).toEqual([])
    })
)

const day = 24 * 60 * 60 * 1000

it.effect(
  "prekeys rotate every seven days and are kept thirty more [prekey.rotate.1] [session.start.3]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* pair
      const signed = (kind: PrekeyKind) => records(bob.actor, `prekey/${kind}/`)
      expect([signed("signed"), signed("kem")]).toEqual([["prekey/signed/1"], ["prekey/kem/1"]])
      // Sealed to the first prekeys, and late.
      yield* World.close(bob)
      yield* alice.client.send("bob", "slow")
      yield* World.tick(5)
      const slow = world.network.submitted.at(-1)!.envelope
      const back = yield* world.open(bob.actor)
      yield* World.tick(5)
      expect(records(bob.actor, "seen/").length).toBe(1)
      for (let hours = 0; hours < 8 * 24; hours++) yield* World.tick(1, 60 * 60 * 1000)
      expect(signed("signed")).toEqual(["prekey/signed/1", "prekey/signed/2"])
      expect(world.network.devices("bob")[0]!.signed!.id).toBe(2)
      expect(world.network.devices("bob")[0]!.lastResortKem!.id).toBe(2)
      // Replayed while its prekey is kept: known.
      yield* world.network.inject("bob", slow)
      yield* World.tick(5)
      expect(causes(back)).toEqual(["fresh.used-key"])
      for (let days = 0; days < 31; days++) for (let part = 0; part < 12; part++) yield* World.tick(1, day / 12)
      expect(signed("signed")).not.toContain("prekey/signed/1")
      expect(records(bob.actor, "seen/").length).toBe(0)
      expect(signed("signed").length).toBeLessThanOrEqual(6)
    }),
  40_000
)

it.effect(
  "publishing repeats safely when its answer was lost, and after a rollback goes above what the relay knows [relay.prekeys.1]",
  () =>
    Effect.gen(function* () {
      const world = World.make()
      const actor = world.actor("bob")
      yield* world.register(actor)
      const empty = actor.disk.snapshot()
      const first = yield* world.open(actor)
      yield* World.tick(5)
      yield* World.close(first)
      expect(world.network.devices("bob")[0]!.oneTime.length).toBe(50)
      // Back to before anything was published; the relay's fence is passed by starting often.
      actor.disk.restore(empty)
      const second = yield* world.open(actor)
      yield* World.tick(20)
      expect(world.network.devices("bob")[0]!.signed!.id).toBe(2)
      const alice = yield* world.join("alice")
      yield* World.tick(5)
      const got = yield* World.collect(second)
      for (let i = 0; i < 3; i++) {
        yield* alice.client.send("bob", `${i}`)
        yield* World.tick(10)
      }
      yield* World.tick(40)
      expect(World.texts(got).toSorted()).toEqual(["0", "1", "2"])
    })
)

it.effect(
  "another identity under a name holds sending until it is accepted, and its first message is shown then [manifest.pin.1] [session.start.4]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* pair
      yield* alice.client.send("bob", "hello")
      yield* World.tick(5)
      // Somebody else holds bob's name now.
      const mallory = yield* world.join("mallory")
      yield* World.tick(5)
      const entry = {
        account: Bytes.fromHex(mallory.client.self.account)!,
        manifests: world.network.manifests("mallory")
      }
      world.network.pretend("bob", entry)
      const restarted = yield* Effect.andThen(World.close(alice), world.open(alice.actor))
      yield* World.tick(5)
      const refused = yield* Effect.flip(restarted.client.send("bob", "secret"))
      expect(refused).toMatchObject({
        _tag: "IdentityChanged",
        pinned: bob.client.self.account,
        offered: mallory.client.self.account
      })
      expect(yield* Effect.flip(restarted.client.send("bob", "secret"))).toMatchObject({ _tag: "IdentityChanged" })
      expect(causes(restarted)).toEqual(["IdentityChanged"])
      expect(yield* restarted.client.contacts).toMatchObject([{ user: "bob", state: "identity-changed" }])
      // A look-up that names neither account changes nothing.
      expect((yield* Effect.flip(restarted.client.acceptIdentity("bob", "11".repeat(32))))._tag).toBe("PeerMisbehaved")
      yield* restarted.client.acceptIdentity("bob", mallory.client.self.account)
      yield* restarted.client.send("bob", "to the new one")
      yield* World.tick(5)
      expect(World.texts(yield* World.receive(mallory, 1))).toEqual(["to the new one"])
      expect(yield* restarted.client.contacts).toMatchObject([
        { user: undefined, account: bob.client.self.account, state: "pinned" },
        { user: "bob", account: mallory.client.self.account, state: "pinned" }
      ])
    })
)

it.effect(
  "a first message from a changed identity is held, and delivered once it was accepted [policy] [session.start.4]",
  () =>
    Effect.gen(function* () {
      const world = World.make()
      const alice = yield* world.join("alice")
      const bob = yield* world.join("bob")
      yield* World.tick(5)
      yield* bob.client.send("alice", "I am bob")
      yield* World.tick(5)
      // The name bob is given to another device, which writes under it.
      const impostor = world.actor("bob2")
      yield* world.register(impostor, "bob2")
      const other = yield* world.open(impostor)
      yield* World.tick(5)
      World.rename(impostor, "bob")
      yield* World.close(other)
      const claiming = yield* world.open(impostor)
      yield* World.tick(5)
      world.network.pretend("bob", {
        account: Bytes.fromHex(claiming.client.self.account)!,
        manifests: world.network.manifests("bob2")
      })
      yield* claiming.client.send("alice", "I am bob, too")
      yield* World.tick(10)
      const got = yield* World.collect(alice)
      yield* World.tick(5)
      expect(World.texts(got)).toEqual(["I am bob"])
      expect(causes(alice).toSorted()).toEqual(["IdentityChanged", "policy.identity-changed"])
      yield* alice.client.acceptIdentity("bob", claiming.client.self.account)
      yield* World.tick(5)
      expect(World.texts(got)).toEqual(["I am bob", "I am bob, too"])
      expect(got[1]!.from).toMatchObject({
        user: "bob",
        account: claiming.client.self.account
      } satisfies Partial<Sender>)
      // The answer waited for the decision, too.
      expect(records(alice.actor, "held/")).toEqual([])
    })
)

it.effect("a claimed name that the directory gives to another account is not shown [sealed.start.2]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = yield* world.join("alice")
    const mallory = world.actor("mallory")
    yield* world.register(mallory)
    yield* world.join("bob")
    yield* World.tick(5)
    World.rename(mallory, "bob")
    const claiming = yield* world.open(mallory)
    yield* World.tick(5)
    yield* claiming.client.send("alice", "I am bob")
    yield* World.tick(5)
    const [message] = yield* World.receive(alice, 1)
    expect(message!.from.user).toBeUndefined()
    expect(message!.from.account).toBe(claiming.client.self.account)
    // Without a name it is answered by account.
    yield* alice.client.send({ account: message!.from.account }, "who are you?")
    yield* World.tick(5)
    expect(World.texts(yield* World.receive(claiming, 1))).toEqual(["who are you?"])
  })
)

it.effect(
  "a directory that forks, rolls back or forges a manifest is refused [manifest.fork.1] [manifest.rollback.1] [prekey.check.1]",
  () =>
    Effect.gen(function* () {
      const { alice, world } = yield* pair
      const honest = world.network.manifests("bob")
      const forged = honest[0]!.slice()
      forged[forged.length - 1]! ^= 1
      const account = Bytes.fromHex((yield* world.join("carol")).client.self.account)!
      for (const [name, manifests] of [
        ["forged", [forged]],
        ["none", []],
        ["foreign", world.network.manifests("alice")]
      ] as const) {
        world.network.pretend("carol", { account, manifests })
        const failed = yield* Effect.flip(alice.client.send("carol", "x"))
        expect([name, failed._tag]).toEqual([name, "PeerMisbehaved"])
      }
      expect(yield* alice.client.contacts).toEqual([])
      world.network.pretend("carol", undefined)
      yield* World.tick(5)
      yield* alice.client.send("carol", "x")
    })
)

it.effect("messages skipped, late and lost are named exactly [sequence.gap.1] [ratchet.skip.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    yield* alice.client.send("bob", "1")
    yield* World.tick(5)
    world.network.faults({ drop: 1 })
    yield* alice.client.send("bob", "2")
    yield* World.tick(5)
    world.network.faults({ drop: 0, reorder: 1, reorderMs: 4000 })
    yield* alice.client.send("bob", "3")
    yield* World.tick(1)
    world.network.faults({ reorder: 0 })
    yield* alice.client.send("bob", "4")
    yield* World.tick(100)
    const got = yield* World.receive(bob, 3)
    expect(got.map(({ late, sequence }) => [sequence, late])).toEqual([
      [1, false],
      [4, false],
      [3, true]
    ])
    expect(bob.actor.warnings).toMatchObject([
      { _tag: "Gap", from: 2, to: 3 },
      { _tag: "GapFilled", number: 3 }
    ])
    const skipped = records(bob.actor, "skipped/")
    expect(skipped.length).toBe(1)
    expect(Limits.maxSkipPerStep).toBe(1000)
  })
)

it.effect("the same bytes delivered again raise one warning and nothing else [sequence.warn.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    yield* alice.client.send("bob", "1")
    yield* World.tick(5)
    yield* alice.client.send("bob", "2")
    yield* World.tick(5)
    const last = world.network.submitted.filter(({ envelope }) => envelope[2] === 2).at(-2)!.envelope
    const before = bob.actor.disk
      .snapshot()
      .records.get([...bob.actor.disk.snapshot().records.keys()].find((key) => key.startsWith("session/"))!)
    for (let i = 0; i < 3; i++) {
      yield* world.network.inject("bob", last)
      yield* World.tick(2)
    }
    expect(bob.actor.warnings.length).toBe(1)
    expect(bob.actor.warnings[0]).toMatchObject({ _tag: "Rejected" })
    const after = bob.actor.disk.snapshot().records.get(before!.key)
    expect(after).toEqual(before)
    expect(World.texts(yield* World.receive(bob, 2))).toEqual(["1", "2"])
  })
)

it.effect("an acknowledgement that got lost raises no warning, also over a restart [relay.mailbox.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    yield* alice.client.send("bob", "1")
    yield* World.tick(5)
    for (let i = 0; i < 5; i++) {
      yield* alice.client.send("bob", `x${i}`)
      // Cut off between the commit and the acknowledgement.
      for (let wait = 0; wait < 6; wait++) yield* Effect.yieldNow
      world.network.cut("bob")
      yield* World.tick(3)
      world.network.mend("bob")
      yield* World.tick(5)
    }
    yield* alice.client.send("bob", "2")
    for (let wait = 0; wait < 12; wait++) yield* Effect.yieldNow
    world.network.cut("bob")
    yield* World.tick(5)
    yield* World.crash(bob)
    world.network.mend("bob")
    const back = yield* world.open(bob.actor)
    const got = yield* World.collect(back)
    yield* World.tick(50)
    expect(World.texts(got)).toEqual(["1", "x0", "x1", "x2", "x3", "x4", "2"])
    expect(causes(back)).toEqual([])
    expect(world.network.waiting("bob")).toBe(0)
  })
)
