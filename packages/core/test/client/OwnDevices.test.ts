/** Devices of one account as peers of each other: what is done on one shows on all, each thing exactly once. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../src/base/Bytes.ts"
import { add, alarms, idOf, person, sentTexts, sorted, two, watch } from "./Household.ts"
import * as World from "./World.ts"

it.effect(
  "every message of two people with three devices each shows once on every device [own.copy.1] [own.copy.3] [own.devices.1] [content.own.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob } = yield* two(3, 3)
      const all: Array<string> = []
      for (const [i, device] of [...alice, ...bob].entries()) {
        const to = i < 3 ? "bob" : "alice"
        for (const text of [`${i}a`, `${i}b`]) {
          all.push(text)
          yield* device.process.client.send(to, text)
          yield* World.tick(3)
        }
      }
      yield* World.tick(60)
      for (const devices of [alice, bob]) {
        const mine = all.filter((text) => (devices === alice ? Number(text[0]) < 3 : Number(text[0]) >= 3))
        const theirs = all.filter((text) => !mine.includes(text))
        for (const [i, device] of devices.entries()) {
          const index = devices === alice ? i : i + 3
          expect(sorted(World.texts(device.messages))).toEqual(sorted(theirs))
          expect(sorted(sentTexts(device))).toEqual(mine.filter((text) => Number(text[0]) !== index))
          expect(alarms(device)).toEqual([])
        }
      }
    })
)

it.effect(
  "a copy says what was sent, to whom, by which device, and with which number [own.copy.2] [own.synced.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob } = yield* two(2, 1)
      const [desk, phone] = [alice[0]!, alice[1]!]
      const first = yield* desk.process.client.send("bob", "one")
      yield* World.tick(20)
      const sent = yield* desk.process.client.send(
        "bob",
        { type: "opaque", number: 77, fallback: "a thing", data: Uint8Array.of(1, 2) },
        { replyTo: first.id }
      )
      yield* desk.process.client.send("bob", { type: "typing", typing: true })
      yield* World.tick(20)
      const [one, other] = phone.synced.filter((item) => item.type === "sent")
      const bobs = { user: "bob", account: bob[0]!.process.client.self.account, device: "" }
      expect(one).toMatchObject({ id: first.id, conversation: first.conversation, sequence: 1, to: bobs })
      expect(other).toMatchObject({
        by: { user: "alice", account: desk.process.client.self.account, device: idOf(desk) },
        id: sent.id,
        sequence: 2,
        replyTo: first.id,
        body: { type: "opaque", number: 77, fallback: "a thing", data: Uint8Array.of(1, 2) }
      })
      // Both can write to him now, by name, in one conversation.
      const reply = yield* phone.process.client.send("bob", "from the phone")
      expect(reply.conversation).toBe(first.conversation)
      yield* World.tick(20)
      expect(World.texts(bob[0]!.messages)).toEqual(["one", "opaque", "typing", "from the phone"])
    })
)

it.effect("with one device nothing is sent but the message [own.cost.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* two(1, 1)
    yield* alice[0]!.process.client.send("bob", "one")
    yield* World.tick(20)
    yield* bob[0]!.process.client.send("alice", "two")
    yield* World.tick(20)
    const from = world.network.submitted.length
    yield* alice[0]!.process.client.send("bob", "three")
    yield* World.tick(1)
    const sent = world.network.submitted.slice(from)
    // The message, and his receipt.
    expect(sent.length).toBe(2)
    expect(alice[0]!.synced).toEqual([])
    const keys = [...alice[0]!.process.actor.disk.snapshot().records.keys()]
    expect(keys.filter((key) => /^(?:synced|greeted|unsent)\//.test(key))).toEqual([])
    expect(keys.some((key) => key.startsWith(`peer/${alice[0]!.process.client.self.account}`))).toBe(false)
  })
)

it.effect(
  "each further device costs one envelope and two records a message, all of them one record more [own.cost.1] [own.copy.1]",
  () =>
    Effect.gen(function* () {
      const costs: Array<unknown> = []
      for (const count of [1, 2, 3]) {
        const world = World.make()
        const alice = yield* person(world, "alice", count)
        const bob = yield* person(world, "bob", 1)
        yield* alice[0]!.process.client.send("bob", "one")
        yield* World.tick(30)
        yield* bob[0]!.process.client.send("alice", "two")
        yield* World.tick(30)
        yield* World.close(alice[0]!.process)
        const { actor } = alice[0]!.process
        const commits: Array<ReadonlyArray<string>> = []
        actor.intercept = (store) => ({
          ...store,
          commit: (writes) => {
            commits.push(writes.map(({ key }) => key.slice(0, key.indexOf("/"))))
            return store.commit(writes)
          }
        })
        const process = yield* world.open(actor)
        yield* World.tick(30)
        const conversation = yield* process.client.conversation("bob")
        yield* conversation.send("warm")
        yield* World.tick(30)
        commits.length = 0
        const from = world.network.submitted.length
        yield* conversation.send("three")
        const stored = sorted(commits.flat())
        yield* World.breathe
        const envelopes = world.network.submitted.slice(from).map(({ envelope }) => envelope.length)
        costs.push({ stored, envelopes: envelopes.length })
      }
      const message = ["outbox", "sequence", "session"]
      expect(costs).toEqual([
        { stored: message, envelopes: 1 },
        { stored: sorted([...message, ...message]), envelopes: 2 },
        { stored: sorted([...message, ...message, "outbox", "session"]), envelopes: 3 }
      ])
    })
)

it.effect("what was read on one device is known on the others [own.read.1]", () =>
  Effect.gen(function* () {
    const { alice, bob } = yield* two(2, 1)
    yield* bob[0]!.process.client.send("alice", "look")
    yield* World.tick(30)
    const [message] = alice[1]!.messages
    const conversation = yield* alice[1]!.process.client.conversation("bob")
    yield* conversation.markRead([message!.id])
    yield* World.tick(30)
    expect(alice[0]!.synced.filter(({ type }) => type === "read")).toMatchObject([
      { peer: { user: "bob", device: "" }, ids: [message!.id], by: { device: idOf(alice[1]!) } }
    ])
    expect(bob[0]!.process.actor.events.some(({ id, state }) => id === message!.id && state === "read")).toBe(true)
    expect(alice[1]!.synced.filter(({ type }) => type === "read")).toEqual([])
  })
)

it.effect("a device that learns of a new one greets it at once, whatever it hears of it [own.greet.1]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const [alice] = yield* person(world, "alice", 1)
    const { actor } = World.addDevice(world, alice!.process.actor, "alice/2")
    yield* world.register(actor)
    const greeted = (): ReadonlyArray<string> =>
      [...alice!.process.actor.disk.snapshot().records.keys()].filter((key) => key.startsWith("greeted/"))
    expect(greeted()).toEqual([])
    yield* alice!.process.client.refreshDevices
    yield* World.tick(5)
    expect(greeted().length).toBe(1)
  })
)

it.effect("a device that joins is told the contacts, each once [own.greet.1] [own.contact.1] [own.contact.2]", () =>
  Effect.gen(function* () {
    const { alice, world } = yield* two(1, 1)
    const carol = yield* world.join("carol")
    yield* alice[0]!.process.client.send("bob", "one")
    yield* carol.client.send("alice", "hello")
    yield* World.tick(20)
    const phone = yield* add(world, alice[0]!.process, "alice/2")
    yield* World.tick(60)
    expect(sorted(phone.synced.map((item) => (item.type === "contact" ? (item.user ?? "") : item.type)))).toEqual([
      "bob",
      "carol"
    ])
    const contacts = yield* phone.process.client.contacts
    expect(sorted(contacts.map(({ user }) => user ?? ""))).toEqual(["bob", "carol"])
    // Without having asked the directory for the name.
    const sent = yield* phone.process.client.send({ account: carol.client.self.account }, "from the phone")
    expect(sent.devices).toBe(1)
    yield* World.tick(20)
    // Restarts greet nobody again.
    yield* World.close(phone.process)
    const back = yield* watch(yield* world.open(phone.process.actor))
    yield* World.tick(40)
    expect(back.synced.length + phone.synced.length).toBeLessThanOrEqual(3)
    expect(alarms(back)).toEqual([])
  })
)

it.effect(
  "who does not know a new device is told, and what it sent meanwhile comes as a copy [own.lists.1] [own.lists.2] [own.lists.3] [own.received.1] [own.received.2]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* two(1, 1)
      yield* bob[0]!.process.client.send("alice", "1")
      yield* World.tick(20)
      yield* alice[0]!.process.client.send("bob", "2")
      yield* World.tick(20)
      // Bob is away while the phone joins and is greeted.
      world.network.cut("bob")
      const phone = yield* add(world, alice[0]!.process, "alice/2")
      yield* World.tick(60)
      yield* bob[0]!.process.client.send("alice", "3")
      yield* bob[0]!.process.client.send("alice", "4")
      world.network.mend("bob")
      yield* World.tick(60)
      expect(World.texts(alice[0]!.messages)).toEqual(["1", "3", "4"])
      expect(World.texts(phone.messages)).toEqual(["3", "4"])
      expect(phone.messages.map(({ id, sequence }) => [id, sequence])).toEqual(
        alice[0]!.messages.slice(1).map(({ id, sequence }) => [id, sequence])
      )
      expect(phone.messages[0]!.from).toEqual(alice[0]!.messages[1]!.from)
      // He knows now, and the copies stop.
      expect(yield* bob[0]!.process.client.send("alice", "5")).toMatchObject({ devices: 2 })
      yield* World.tick(40)
      expect(World.texts(alice[0]!.messages)).toEqual(["1", "3", "4", "5"])
      expect(World.texts(phone.messages)).toEqual(["3", "4", "5"])
      expect([...alarms(phone), ...alarms(alice[0]!), ...alarms(bob[0]!)]).toEqual([])
    })
)

it.effect("one own device that is away keeps nobody waiting, and gets everything when it is back [own.copy.4]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* two(3, 1)
    yield* World.close(alice[2]!.process)
    for (const text of ["1", "2", "3"]) {
      yield* alice[0]!.process.client.send("bob", text)
      yield* World.tick(5)
    }
    yield* World.tick(20)
    expect(World.texts(bob[0]!.messages)).toEqual(["1", "2", "3"])
    expect(sentTexts(alice[1]!)).toEqual(["1", "2", "3"])
    const back = yield* watch(yield* world.open(alice[2]!.process.actor))
    yield* World.tick(30)
    expect(sentTexts(back)).toEqual(["1", "2", "3"])
    expect(alarms(back)).toEqual([])
  })
)

it.effect(
  "the sessions with own devices can be begun afresh; what goes on is lost on none [own.reset.1] [session.reset.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob } = yield* two(3, 1)
      yield* alice[0]!.process.client.send("bob", "1")
      yield* World.tick(30)
      const sessions = () =>
        [...alice[0]!.process.actor.disk.snapshot().records.keys()].filter((key) => key.startsWith("session/")).length
      const before = sessions()
      expect(yield* alice[0]!.process.client.resetDevices).toBe(2)
      yield* World.tick(30)
      expect(sessions()).toBe(before + 2)
      for (const seen of alice.slice(1)) {
        expect(seen.process.actor.warnings.filter(({ _tag }) => _tag === "SessionReset")).toMatchObject([
          { peer: { device: idOf(alice[0]!) }, line: expect.stringMatching(/^Another device of your account/) }
        ])
      }
      yield* alice[0]!.process.client.send("bob", "2")
      yield* alice[1]!.process.client.send("bob", "3")
      yield* World.tick(40)
      expect(World.texts(bob[0]!.messages)).toEqual(["1", "2", "3"])
      expect(alice.map(sentTexts)).toEqual([["3"], ["1", "2"], ["1", "2", "3"]])
      // Nobody else is begun with, and one device alone has nobody.
      expect(bob[0]!.process.actor.warnings.filter(({ _tag }) => _tag === "SessionReset")).toEqual([])
      expect(yield* bob[0]!.process.client.resetDevices).toBe(0)
    })
)

it.effect("results are told device by device, own ones apart [own.outcome.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* two(2, 2)
    const conversation = yield* alice[0]!.process.client.conversation("bob")
    yield* conversation.send("1")
    yield* World.tick(40)
    world.network.cut("alice")
    const sent = yield* conversation.send("2")
    yield* World.tick(2)
    const waiting = yield* conversation.outcome(sent.id)
    expect(waiting.map(({ own, reason, result }) => ({ own, reason, result }))).toEqual([
      { own: false, reason: "relay", result: "waiting" },
      { own: false, reason: "relay", result: "waiting" },
      { own: true, reason: "relay", result: "waiting" }
    ])
    world.network.mend("alice")
    yield* World.tick(60)
    const [first] = bob[0]!.messages.slice(-1)
    const atBob = yield* bob[0]!.process.client.conversation("alice")
    yield* atBob.markRead([first!.id])
    yield* World.tick(40)
    const reached = yield* conversation.outcome(sent.id)
    expect(reached.every(({ result }) => result === "reached")).toBe(true)
    expect(new Map(reached.map(({ state, to }) => [to.device, state]))).toEqual(
      new Map([
        [idOf(bob[0]!), "read"],
        [idOf(bob[1]!), "delivered"],
        [idOf(alice[1]!), "delivered"]
      ])
    )
    const events = alice[0]!.process.actor.events.filter(({ id }) => id === sent.id)
    expect(new Set(events.filter(({ own }) => own).map(({ to }) => to.device))).toEqual(new Set([idOf(alice[1]!)]))
    expect(yield* conversation.outcome("00".repeat(16))).toEqual([])
  })
)

it.effect(
  "a device without keys and one that is gone block nobody; each says why it was not reached [own.outcome.1]",
  () =>
    Effect.gen(function* () {
      const world = World.make()
      const alice = yield* person(world, "alice", 2)
      const bob = yield* person(world, "bob", 2)
      yield* alice[0]!.process.client.send("bob", "1")
      yield* World.tick(30)
      // One of bob's devices, and one of alice's, are listed and were never opened: nobody can begin a session with them.
      for (const first of [alice[0]!, bob[0]!]) {
        const { actor } = World.addDevice(world, first.process.actor, `${first.process.actor.user}/3`)
        yield* world.register(actor)
      }
      // Within an hour the others know of them.
      yield* World.tick(1, 60 * 60 * 1000 + 1000)
      yield* World.tick(20)
      yield* bob[1]!.process.client.send("alice", "by the way")
      yield* World.tick(30)
      const conversation = yield* alice[0]!.process.client.conversation("bob")
      const sent = yield* conversation.send("2")
      expect(sent.devices).toBe(3)
      yield* World.tick(30)
      for (const { messages } of bob) expect(World.texts(messages)).toContain("2")
      expect(sentTexts(alice[1]!)).toEqual(["1", "2"])
      const outcomes = yield* conversation.outcome(sent.id)
      expect(
        sorted(outcomes.map(({ own, reason, result }) => `${own ? "own" : "bob"} ${result} ${reason ?? ""}`))
      ).toEqual(["bob reached ", "bob reached ", "bob waiting session", "own reached ", "own waiting session"])
      // Bob takes the broken device off his account: it failed, and that is known.
      const gone = outcomes.find(({ own, result }) => !own && result === "waiting")!.to.device
      const removed = Bytes.fromHex(gone)!
      const without = World.nextManifest(world, bob[0]!.process.actor, ({ devices, revocations, version }) => ({
        devices: devices.filter(({ device }) => !Bytes.equal(device, removed)),
        revocations: [...revocations, { device: removed, revokedIn: version + 1 }]
      }))
      Result.getOrThrow(world.network.publish("bob", without.bytes))
      yield* World.tick(1, 60 * 60 * 1000)
      yield* bob[0]!.process.client.send("alice", "it is gone")
      yield* World.tick(60)
      expect((yield* conversation.outcome(sent.id)).find(({ to }) => to.device === gone)).toMatchObject({
        result: "failed",
        state: "failed",
        reason: "device-removed"
      })
    })
)
