/** Devices of one account when things go wrong: killed, away for months, restored, removed, starting at once. */
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Client from "../../src/client/Client.ts"
import * as Conversations from "../../src/client/Conversations.ts"
import * as Opening from "../../src/client/Opening.ts"
import * as Records from "../../src/client/Records.ts"
import * as Orders from "../../src/client/Orders.ts"
import * as Sealing from "../../src/client/Sealing.ts"
import * as StoreCustody from "../../src/client/StoreCustody.ts"
import { Crypto, Entropy } from "../../src/ports/Crypto.ts"
import { Directory } from "../../src/ports/Directory.ts"
import * as Crossing from "../../src/session/Crossing.ts"
import { add, alarms, idOf, person, type Seen, sentTexts, sorted, two, watch } from "./Household.ts"
import * as World from "./World.ts"

const day = 24 * 60 * 60 * 1000
const unique = (texts: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(texts)]

/** The ports of a device that no client runs on. */
const portsOf = (world: World.World, actor: World.Actor) => {
  const base = Layer.mergeAll(
    actor.disk.layer,
    Layer.succeed(Crypto, World.crypto),
    Layer.succeed(Entropy, actor.entropy)
  )
  return Layer.build(Layer.provideMerge(world.network.layer, Layer.provideMerge(Layer.fresh(StoreCustody.layer), base)))
}

/** Removes a device from the account of `first`. */
const revoke = (world: World.World, first: World.Process, device: string): void => {
  const revoked = Bytes.fromHex(device)!
  const without = World.nextManifest(world, first.actor, ({ devices, revocations, version }) => ({
    devices: devices.filter(({ device }) => !Bytes.equal(device, revoked)),
    revocations: [...revocations, { device: revoked, revokedIn: version + 1 }].sort((a, b) =>
      Bytes.compare(a.device, b.device)
    )
  }))
  Result.getOrThrow(world.network.publish(first.actor.user, without.bytes))
}

/** Alice's first device is killed at a commit while it sends; what it does not know to be sent it sends again. */
const killed = (nth: number, when: "before" | "after") =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* two(2, 1)
    const { actor } = alice[0]!.process
    yield* alice[0]!.process.client.send("bob", "0")
    yield* World.tick(20)
    yield* World.close(alice[0]!.process)
    const stop = World.stopAt(actor, nth, when)
    const isDown = () => stop.reached && actor.intercept !== undefined
    let process: World.Process | undefined
    /** What is sent is sent again until it is known to be, by processes of which one is killed. */
    const attempt = (effect: (process: World.Process) => Effect.Effect<unknown, unknown>) =>
      Effect.gen(function* () {
        const opened = process === undefined ? yield* Effect.exit(world.open(actor)) : undefined
        if (opened !== undefined && Exit.isSuccess(opened)) process = opened.value
        const running = process
        const fiber = running === undefined ? undefined : yield* Effect.forkChild(Effect.exit(effect(running)))
        for (let i = 0; i < 20 && fiber?.pollUnsafe() === undefined && !isDown(); i++) yield* World.tick(1)
        if (!isDown()) return true
        if (fiber !== undefined) yield* Fiber.interrupt(fiber)
        actor.intercept = undefined
        if (running === undefined) actor.disk.crash()
        else yield* World.crash(running)
        process = undefined
        return false
      })
    const texts = ["1", "2", "3"]
    for (const text of texts) {
      while (!(yield* attempt(({ client }) => client.send("bob", text, { idempotencyKey: text }))));
    }
    while (!(yield* attempt(() => World.tick(10))));
    yield* World.tick(80)
    const name = `${when} commit ${nth}`
    expect([name, World.texts(bob[0]!.messages)]).toEqual([name, ["0", ...texts]])
    expect([name, sentTexts(alice[1]!)]).toEqual([name, ["0", ...texts]])
    expect([name, alarms(alice[1]!), alarms(bob[0]!)]).toEqual([name, [], []])
    return stop.reached
  })

for (const when of ["before", "after"] as const) {
  it.effect(
    `a sender killed ${when} every commit has sent message and copy, or neither [own.copy.1] [state.commit.1]`,
    () =>
      Effect.gen(function* () {
        let nth = 1
        while (yield* Effect.scoped(killed(nth, when))) nth++
        expect(nth).toBeGreaterThan(5)
      }),
    120_000
  )
}

/** Alice's second device is killed at a commit while copies and messages come, and while it is greeted. */
const killedListening = (nth: number, when: "before" | "after") =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = yield* person(world, "alice", 1)
    const bob = yield* person(world, "bob", 1)
    const [desk] = alice
    yield* desk!.process.client.send("bob", "0")
    yield* World.tick(20)
    // The phone is new, and bob does not know it: his first messages come as copies.
    const { actor } = World.addDevice(world, desk!.process.actor, "alice/2")
    yield* world.register(actor)
    const stop = World.stopAt(actor, nth, when)
    const shown: Array<Seen> = []
    const open = Effect.gen(function* () {
      const opened = yield* Effect.exit(world.open(actor))
      if (Exit.isSuccess(opened)) shown.push(yield* watch(opened.value))
    })
    const revive = Effect.gen(function* () {
      if (!stop.reached || actor.intercept === undefined) return
      actor.intercept = undefined
      const running = shown.at(-1)
      if (running === undefined) actor.disk.crash()
      else yield* World.crash(running.process)
      yield* open
    })
    const wait = Effect.gen(function* () {
      for (let i = 0; i < 8; i++) {
        yield* World.tick(1)
        yield* revive
      }
    })
    yield* open
    yield* revive
    yield* wait
    for (const text of ["1", "2", "3"]) {
      yield* desk!.process.client.send("bob", text)
      yield* bob[0]!.process.client.send("alice", `b${text}`)
      yield* wait
    }
    for (let i = 0; i < 8; i++) yield* wait
    const name = `${when} commit ${nth}`
    // What was shown last before the kill, and not taken, is shown again after it; nothing else is.
    const all = shown.flatMap(sentTexts)
    expect([name, unique(all)]).toEqual([name, ["1", "2", "3"]])
    expect([name, all.length <= 4]).toEqual([name, true])
    const heard = shown.flatMap(({ messages }) => messages)
    expect([name, unique(World.texts(heard))]).toEqual([name, ["b1", "b2", "b3"]])
    expect([name, new Set(heard.map(({ order }) => order)).size]).toEqual([name, 3])
    expect([name, shown.flatMap(alarms).filter((cause) => cause !== "fresh.used-key")]).toEqual([name, []])
    return stop.reached
  })

for (const when of ["before", "after"] as const) {
  it.effect(
    `a device killed ${when} every commit while copies come to it has each once [own.synced.1] [own.received.2] [own.greet.1] [state.commit.2]`,
    () =>
      Effect.gen(function* () {
        let nth = 1
        while (yield* Effect.scoped(killedListening(nth, when))) nth++
        expect(nth).toBeGreaterThan(10)
      }),
    180_000
  )
}

it.effect(
  "a device that shows what was synced is killed: each thing is shown again until it is taken, and then never [own.synced.1]",
  () =>
    Effect.gen(function* () {
      const { alice, world } = yield* two(2, 1)
      yield* World.crash(alice[1]!.process)
      for (const text of ["1", "2", "3"]) yield* alice[0]!.process.client.send("bob", text)
      yield* World.tick(20)
      const shown: Array<string> = []
      const show = (process: World.Process) =>
        Effect.forkIn(
          Stream.runForEach(process.client.synced, (item) => {
            const text = item.type === "sent" && item.body.type === "text" ? item.body.text : item.type
            shown.push(text)
            return text === "3" ? Effect.never : Effect.void
          }),
          process.scope
        )
      const back = yield* world.open(alice[1]!.process.actor)
      yield* show(back)
      yield* World.tick(20)
      expect(shown).toEqual(["contact", "1", "2", "3"])
      // The last one was given, and not taken.
      yield* World.crash(back)
      const again = yield* world.open(alice[1]!.process.actor)
      yield* show(again)
      yield* World.tick(20)
      expect(shown.slice(4)).toEqual(["3"])
      yield* World.crash(again)
      const third = yield* world.open(alice[1]!.process.actor)
      const [item] = yield* Stream.runCollect(Stream.take(third.client.synced, 1))
      expect(item).toMatchObject({ type: "sent", body: { text: "3" } })
      yield* World.crash(third)
      const last = yield* watch(yield* world.open(alice[1]!.process.actor))
      yield* World.tick(20)
      expect(last.synced).toEqual([])
    })
)

it.effect(
  "a device that was away for months, its prekeys used up and its lists outdated, has everything soon after it is back [own.copy.4] [own.lists.2] [own.devices.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* two(3, 1)
      const [desk, phone, away] = [alice[0]!, alice[1]!, alice[2]!]
      yield* World.close(away.process)
      // Somebody asks for its keys until none are left to be used once.
      const carol = world.actor("carol")
      yield* world.register(carol)
      const directory = Context.get(yield* portsOf(world, carol), Directory)
      const ids = [away.process.client.self.account, idOf(away)].map((hex) => Bytes.fromHex(hex)!) as [
        Uint8Array,
        Uint8Array
      ]
      for (let i = 0; i < 60; i++) yield* directory.bundle(...ids)
      // One own device goes, another one comes.
      const tablet = yield* add(world, desk.process, "alice/4")
      yield* World.tick(30)
      revoke(world, desk.process, idOf(phone))
      yield* World.tick(30)
      for (let week = 0; week < 6; week++) {
        yield* World.tick(1, 7 * day)
        yield* World.tick(10)
        const conversation = yield* desk.process.client.conversation("bob")
        yield* conversation.send(`week ${week}`)
        yield* tablet.process.client.send("bob", `tablet ${week}`)
        yield* bob[0]!.process.client.send("alice", `bob ${week}`)
        yield* World.tick(10)
      }
      const back = yield* watch(yield* world.open(away.process.actor))
      yield* World.tick(100)
      const weeks = (name: string) => Array.from({ length: 6 }, (_, week) => `${name} ${week}`)
      // A relay keeps what waits for 30 days; what is older is missing, and said to be.
      const kept = sentTexts(back)
      expect(unique(kept)).toEqual(kept)
      for (const name of ["week", "tablet"]) expect(kept).toEqual(expect.arrayContaining(weeks(name).slice(-4)))
      expect(World.texts(back.messages).slice(-4)).toEqual(weeks("bob").slice(-4))
      expect(unique(World.texts(back.messages))).toEqual(World.texts(back.messages))
      // It speaks to everybody again, in both directions.
      yield* back.process.client.send("bob", "back again")
      yield* World.tick(60)
      expect(World.texts(bob[0]!.messages).at(-1)).toBe("back again")
      expect(sentTexts(desk).at(-1)).toBe("back again")
      expect(sentTexts(tablet).at(-1)).toBe("back again")
      expect(sentTexts(phone)).not.toContain("back again")
    }),
  60_000
)

it.effect(
  "of three devices one is removed while messages are under way: the others have everything, it has nothing more [own.received.3] [relay.submit.4]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* two(3, 3)
      const [first, second, third] = [bob[0]!, bob[1]!, bob[2]!]
      yield* alice[0]!.process.client.send("bob", "1")
      yield* World.tick(30)
      revoke(world, first.process, idOf(second))
      const tablet = yield* add(world, first.process, "bob/4")
      yield* alice[0]!.process.client.send("bob", "2")
      yield* alice[1]!.process.client.send("bob", "3")
      yield* first.process.client.send("alice", "4")
      yield* World.tick(80)
      for (const seen of [first, third]) expect(sorted(World.texts(seen.messages))).toEqual(["1", "2", "3"])
      expect(World.texts(second.messages)).toEqual(["1"])
      expect(sorted(World.texts(tablet.messages))).toEqual(["2", "3"])
      expect(sentTexts(third)).toEqual(["4"])
      expect(sentTexts(tablet)).toEqual(["4"])
      expect(sentTexts(second)).toEqual([])
      for (const seen of alice) expect(World.texts(seen.messages)).toEqual(["4"])
      for (const seen of [first, third, tablet, ...alice]) expect(alarms(seen)).toEqual([])
    })
)

it.effect(
  "on a network that repeats, overtakes and loses answers, six devices show everything once [own.copy.1] [own.devices.1] [sequence.window.2]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* two(3, 3)
      world.network.faults({
        duplicate: 0.2,
        reorder: 0.3,
        reorderMs: 400,
        loseRequest: 0.15,
        loseAnswer: 0.15,
        delayMs: [0, 120]
      })
      const said: Array<readonly [Seen, string]> = []
      for (let round = 0; round < 5; round++) {
        for (const [i, seen] of [...alice, ...bob].entries()) {
          yield* seen.process.client.send(i < 3 ? "bob" : "alice", `${i} ${round}`)
          said.push([seen, `${i} ${round}`])
        }
        yield* World.tick(3)
      }
      yield* World.tick(100)
      world.network.faults({ duplicate: 0, reorder: 0, loseRequest: 0, loseAnswer: 0, delayMs: [0, 0] })
      yield* World.tick(200)
      for (const devices of [alice, bob]) {
        const mine = said.filter(([by]) => devices.includes(by))
        const theirs = said.filter(([by]) => !devices.includes(by)).map(([, text]) => text)
        for (const seen of devices) {
          expect(sorted(World.texts(seen.messages))).toEqual(sorted(theirs))
          expect(sorted(sentTexts(seen))).toEqual(sorted(mine.filter(([by]) => by !== seen).map(([, text]) => text)))
          // Of copies that the network made, late ones included.
          const harmless = [
            "Gap",
            "GapFilled",
            "fresh.used-key",
            "fresh.duplicate",
            "fresh.replayed-start",
            "lookup.no-session"
          ]
          expect(alarms(seen).filter((name) => !harmless.includes(name))).toEqual([])
        }
      }
    }),
  60_000
)

it.effect(
  "starts of own devices that cross converge, and nothing is lost or comes twice [own.devices.1] [session.cross.1]",
  () =>
    Effect.gen(function* () {
      const { alice, world } = yield* two(3, 1)
      for (const { process } of alice) yield* process.client.send("bob", "hello")
      yield* World.tick(40)
      // Every device gives up its sessions with the others, and all send before any of them is heard.
      for (const { process } of alice) {
        yield* World.close(process)
        const snapshot = process.actor.disk.snapshot()
        const records = new Map(snapshot.records)
        for (const [key, record] of snapshot.records) {
          if (/^(?:session|skipped)\//.test(key)) records.delete(key)
          if (!key.startsWith("peer/")) continue
          const peer = Result.getOrThrow(Records.Peer.decode(record.value))
          records.set(key, { ...record, value: Records.Peer.encode({ ...peer, sessions: Crossing.none }) })
        }
        process.actor.disk.restore({ ...snapshot, records })
      }
      const again: Array<Seen> = []
      for (const { process } of alice) again.push(yield* watch(yield* world.open(process.actor)))
      world.network.cut("alice")
      for (const [i, { process }] of again.entries()) yield* process.client.send({ account: bobOf(again[0]!) }, `c${i}`)
      world.network.mend("alice")
      yield* World.tick(150)
      for (const [i, seen] of again.entries()) {
        expect(sorted(sentTexts(seen).filter((text) => text.startsWith("c")))).toEqual(
          ["c0", "c1", "c2"].filter((text) => text !== `c${i}`)
        )
      }
      // And on: in sessions both sides agree about.
      for (const [i, { process }] of again.entries()) yield* process.client.send({ account: bobOf(again[0]!) }, `d${i}`)
      yield* World.tick(60)
      for (const [i, seen] of again.entries()) {
        expect(sorted(sentTexts(seen).filter((text) => text.startsWith("d")))).toEqual(
          ["d0", "d1", "d2"].filter((text) => text !== `d${i}`)
        )
      }
    })
)

const bobOf = ({ process }: Seen): string => {
  const key = [...process.actor.disk.snapshot().records.keys()].find(
    (name) => name.startsWith("contact/") && !name.endsWith(process.client.self.account)
  )
  return key!.split("/")[1]!
}

it.effect(
  "a device restored from an old copy heals with its own devices, too [own.devices.1] [fence.heal.1] [fence.detect.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* two(2, 1)
      yield* alice[0]!.process.client.send("bob", "1")
      yield* World.tick(20)
      const copy = alice[0]!.process.actor.disk.snapshot()
      for (const text of ["2", "3"]) {
        yield* alice[0]!.process.client.send("bob", text)
        yield* World.tick(10)
      }
      yield* World.close(alice[0]!.process)
      alice[0]!.process.actor.disk.restore(copy)
      const back = yield* watch(yield* world.open(alice[0]!.process.actor))
      yield* World.tick(60)
      yield* back.process.client.send("bob", "4")
      yield* World.tick(80)
      expect(World.texts(bob[0]!.messages)).toEqual(["1", "2", "3", "4"])
      expect(sentTexts(alice[1]!)).toEqual(["1", "2", "3", "4"])
      yield* alice[1]!.process.client.send("bob", "5")
      yield* World.tick(40)
      expect(sentTexts(back)).toContain("5")
      expect(alarms(alice[1]!).filter((name) => name !== "PeerRollback" && name !== "lookup.no-session")).toEqual([])
    })
)

it.effect(
  "a device that is never heard of again does not fill the others' stores [own.copy.5]",
  () =>
    Effect.gen(function* () {
      const world = World.make()
      const alice = yield* person(world, "alice", 1)
      yield* person(world, "bob", 1)
      const [desk] = alice
      yield* desk!.process.client.send("bob", "0")
      yield* World.tick(20)
      // It is listed, and was never opened: it has no keys at the relay.
      const { actor } = World.addDevice(world, desk!.process.actor, "alice/2")
      yield* world.register(actor)
      yield* World.tick(20)
      yield* World.close(desk!.process)
      const process = yield* world.open(desk!.process.actor)
      yield* World.tick(20)
      const conversation = yield* process.client.conversation("bob")
      for (let i = 0; i < 42; i++) {
        yield* conversation.sendMany(Array.from({ length: 100 }, (_, j) => `${i} ${j}`))
        yield* World.tick(1)
      }
      yield* World.tick(40)
      const waiting = [...process.actor.disk.snapshot().records.keys()].filter((key) => key.startsWith("outbox/"))
      expect(waiting.length).toBeLessThanOrEqual(4096 + 100)
      expect(waiting.length).toBeGreaterThan(4000)
      const given = process.actor.events.filter(({ reason }) => reason === "own-away")
      expect(given.length).toBeGreaterThan(50)
      expect(given.every(({ own, state }) => own && state === "failed")).toBe(true)
      // When it comes after all, it has the newest.
      const late = yield* watch(yield* world.open(actor))
      for (let i = 0; i < 40 && sentTexts(late).at(-1) !== "41 99"; i++) yield* World.tick(50)
      expect(sentTexts(late).slice(-2)).toEqual(["41 98", "41 99"])
      expect(unique(sentTexts(late)).length).toBe(sentTexts(late).length)
    }),
  120_000
)

it.effect("what only some own devices are told leaves no gap for the rest [own.devices.2]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = yield* person(world, "alice", 2)
    yield* person(world, "bob", 1)
    yield* alice[0]!.process.client.send("bob", "1")
    yield* World.tick(30)
    // The third is greeted with contacts by both others: numbers that the second never sees.
    const third = yield* add(world, alice[0]!.process, "alice/3")
    yield* World.tick(60)
    for (const text of ["2", "3"]) yield* alice[0]!.process.client.send("bob", text)
    yield* World.tick(40)
    expect(sentTexts(alice[1]!)).toEqual(["1", "2", "3"])
    expect(sentTexts(third)).toEqual(["2", "3"])
    for (const seen of [...alice, third]) expect(alarms(seen)).toEqual([])
  })
)

it.effect("what waits for devices whose keys did not come yet leaves no gap either [own.devices.2]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = (yield* person(world, "alice", 1))[0]!
    yield* person(world, "bob", 1)
    yield* alice.process.client.send("bob", "1")
    yield* World.tick(30)
    yield* World.close(alice.process)
    const later: Array<World.Actor> = []
    for (const name of ["alice/2", "alice/3"]) {
      const { actor } = World.addDevice(world, alice.process.actor, name)
      yield* world.register(actor)
      later.push(actor)
    }
    // Both are greeted in one go, the second under a number that the first never sees, and neither can be reached.
    const back = yield* watch(yield* world.open(alice.process.actor))
    yield* World.tick(30)
    const opened: Array<Seen> = []
    for (const actor of later) opened.push(yield* watch(yield* world.open(actor)))
    yield* World.tick(60)
    for (const text of ["2", "3"]) yield* back.process.client.send("bob", text)
    yield* World.tick(40)
    for (const seen of opened) {
      expect(sentTexts(seen)).toEqual(["2", "3"])
      expect(alarms(seen)).toEqual([])
    }
  })
)

it.effect("an identity accepted on one device is accepted on the others [own.contact.1] [own.contact.3]", () =>
  Effect.gen(function* () {
    const { alice, world } = yield* two(2, 1)
    yield* alice[0]!.process.client.send("bob", "1")
    yield* World.tick(30)
    // The name goes to another account.
    const other = world.actor("robert")
    yield* world.register(other)
    const robert = yield* world.open(other)
    world.network.pretend("bob", {
      account: Bytes.fromHex(robert.client.self.account)!,
      manifests: world.network.manifests("robert")
    })
    yield* World.close(alice[0]!.process)
    const back = yield* watch(yield* world.open(alice[0]!.process.actor))
    const refused = yield* Effect.flip(back.process.client.send("bob", "2"))
    expect(refused).toMatchObject({ _tag: "IdentityChanged" })
    yield* back.process.client.acceptIdentity("bob", robert.client.self.account)
    yield* World.tick(40)
    expect(alice[1]!.synced.filter(({ type }) => type === "contact").at(-1)).toMatchObject({
      user: "bob",
      account: robert.client.self.account,
      state: "accepted"
    })
    const contacts = yield* alice[1]!.process.client.contacts
    expect(contacts.find(({ user }) => user === "bob")).toMatchObject({ account: robert.client.self.account })
    expect(contacts.length).toBe(2)
  })
)

it.effect("what only own devices may say is refused from a contact [content.own.2]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = yield* watch(yield* world.join("alice"))
    const bob = yield* watch(yield* world.join("bob"))
    yield* bob.process.client.send("alice", "1")
    yield* World.tick(20)
    yield* World.close(bob.process)
    const opened = yield* Effect.provideContext(Opening.open({}), yield* portsOf(world, bob.process.actor))
    const account = alice.process.client.self.account
    yield* Orders.reserve(opened, 1)
    yield* Conversations.withHandle(opened, account, (handle) => {
      const work = new Sealing.SendWork()
      work.handles.add(handle)
      const word = { own: "read", peer: opened.self.account, messages: [new Uint8Array(16)] } as const
      const sequence = Sealing.number(opened, work, handle)
      const draft = { ...Sealing.control(opened, { _tag: "Own", word }, 1), sequence }
      Sealing.post(opened, work, handle, Bytes.fromHex(idOf(alice))!, draft, 1)
      return Conversations.commitWork(opened, work)
    })
    yield* World.tick(20)
    expect(alarms(alice)).toEqual(["policy.not-own"])
    expect([alice.synced, World.texts(alice.messages)]).toEqual([[], ["1"]])
    // Its number was received, so the next one leaves no gap.
    yield* Client.make(opened).send({ account }, "2")
    yield* World.tick(20)
    expect(alarms(alice)).toEqual(["policy.not-own"])
    expect(World.texts(alice.messages)).toEqual(["1", "2"])
  })
)
