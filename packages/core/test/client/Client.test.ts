/** What an application sees of a client: sending, receiving, states, restarts. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Body, Incoming } from "../../src/client/Api.ts"
import * as World from "./World.ts"

const pair = Effect.gen(function* () {
  const world = World.make()
  const alice = yield* world.join("alice")
  const bob = yield* world.join("bob")
  yield* World.tick(5)
  return { world, alice, bob }
})

const states = ({ actor }: World.Process, id: string): ReadonlyArray<string> =>
  actor.events.filter((event) => event.id === id).map(({ state }) => state)

it.effect(
  "two people write to each other and see what became of it [state.outbox.1] [sealed.start.2] [session.start.4]",
  () =>
    Effect.gen(function* () {
      const { alice, bob } = yield* pair
      const sent = yield* alice.client.send("bob", "hello")
      expect(sent).toMatchObject({ sequence: 1, devices: 1 })
      yield* World.tick(3)
      const [first] = yield* World.receive(bob, 1)
      expect(first).toMatchObject({ id: sent.id, body: { type: "text", text: "hello" }, late: false, order: 1 })
      expect(first!.from).toEqual(alice.client.self)
      expect(first!.conversation).toBe(sent.conversation)
      const answer = yield* bob.client.send("alice", "hi", { replyTo: sent.id })
      yield* World.tick(3)
      const [second] = yield* World.receive(alice, 1)
      expect(second).toMatchObject({ id: answer.id, replyTo: sent.id })
      const conversation = yield* bob.client.conversation("alice")
      yield* conversation.markRead([sent.id])
      yield* World.tick(5)
      expect(states(alice, sent.id)).toEqual(["queued", "sent", "delivered", "read"])
      expect(states(bob, answer.id)).toEqual(["queued", "sent", "delivered"])
      expect([...alice.actor.warnings, ...bob.actor.warnings]).toEqual([])
    })
)

it.effect("bodies of every kind arrive as they were sent [content.app.1] [content.type.1] [content.typing.1]", () =>
  Effect.gen(function* () {
    const { alice, bob } = yield* pair
    const bodies: ReadonlyArray<Body> = [
      { type: "text", text: "e\u0301 \u{1f600}" },
      { type: "text", text: "" },
      { type: "application", mediaType: "application/json", fallback: "a number", data: Uint8Array.of(52, 50) },
      { type: "opaque", number: 5, fallback: "a file", data: Uint8Array.of(1, 2, 3) },
      { type: "opaque", number: 77, fallback: "from the future", data: new Uint8Array(0) },
      { type: "text", text: "x".repeat(65_536) }
    ]
    const conversation = yield* alice.client.conversation("bob")
    yield* conversation.sendMany(bodies)
    yield* World.tick(5)
    yield* conversation.typing(true)
    yield* World.tick(5)
    const got = yield* World.receive(bob, bodies.length + 1)
    expect(got.map(({ body }) => body)).toEqual([...bodies, { type: "typing", typing: true }])
    expect(got.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 0])
  })
)

it.effect("what the protocol does not carry is refused before anything is numbered or stored", () =>
  Effect.gen(function* () {
    const { alice } = yield* pair
    yield* alice.client.send("bob", "first")
    yield* World.tick(5)
    const commits = alice.actor.disk.commits()
    const reason = (body: Body | string, options = {}) =>
      Effect.map(Effect.flip(alice.client.send("bob", body, options)), (error) =>
        error._tag === "InvalidMessage" ? error.reason : error._tag
      )
    expect(yield* reason("x".repeat(65_537))).toBe("too-large")
    expect(yield* reason("\ud800")).toBe("not-unicode")
    expect(yield* reason({ type: "application", mediaType: "t\u00e9", fallback: "", data: new Uint8Array(0) })).toBe(
      "bad-media-type"
    )
    expect(yield* reason({ type: "opaque", number: 1, fallback: "", data: new Uint8Array(0) })).toBe("bad-type")
    expect(yield* reason({ type: "opaque", number: 5, fallback: "x".repeat(1025), data: new Uint8Array(0) })).toBe(
      "too-large"
    )
    expect(yield* reason("a", { idempotencyKey: "" })).toBe("empty-key")
    expect(yield* reason("a", { replyTo: "zz" })).toBe("bad-reply")
    expect(alice.actor.disk.commits()).toBe(commits)
    expect((yield* alice.client.send("bob", "second")).sequence).toBe(2)
    const user = (name: string) => Effect.map(Effect.flip(alice.client.send(name, "a")), ({ _tag }) => _tag)
    expect(yield* user("nobody")).toBe("UnknownUser")
    expect(yield* user("No Name")).toBe("InvalidMessage")
    expect(yield* user("alice")).toBe("InvalidMessage")
    const stranger = yield* Effect.flip(alice.client.send({ account: "00".repeat(32) }, "a"))
    expect(stranger._tag).toBe("UnknownUser")
  })
)

it.effect("a long talk in both directions keeps order and ends with everything delivered [sequence.number.1]", () =>
  Effect.gen(function* () {
    const { alice, bob } = yield* pair
    const [atAlice, atBob] = [yield* World.collect(alice), yield* World.collect(bob)]
    for (let i = 0; i < 60; i++) {
      yield* alice.client.send("bob", `a${i}`)
      if (i % 2 === 0) yield* bob.client.send("alice", `b${i}`)
      if (i % 7 === 0) yield* World.tick(1)
    }
    yield* World.tick(20)
    expect(World.texts(atBob)).toEqual(Array.from({ length: 60 }, (_, i) => `a${i}`))
    expect(World.texts(atAlice)).toEqual(Array.from({ length: 30 }, (_, i) => `b${2 * i}`))
    expect(atBob.map(({ order }) => order)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    expect(atBob.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    for (const process of [alice, bob]) {
      expect(process.actor.events.filter(({ state }) => state === "delivered").length).toBe(process === alice ? 60 : 30)
      expect(process.actor.warnings).toEqual([])
    }
  })
)

it.effect("a burst costs one commit to send and few to receive [state.commit.1] [state.commit.2]", () =>
  Effect.gen(function* () {
    const { alice, bob } = yield* pair
    yield* alice.client.send("bob", "hello")
    yield* World.tick(5)
    const before = [alice.actor.disk.commits(), bob.actor.disk.commits()] as const
    const conversation = yield* alice.client.conversation("bob")
    yield* conversation.sendMany(Array.from({ length: 200 }, (_, i) => `${i}`))
    expect(alice.actor.disk.commits()).toBe(before[0] + 1)
    yield* World.tick(5)
    expect(bob.actor.disk.commits() - before[1]).toBeLessThanOrEqual(20)
    const got = yield* World.receive(bob, 201)
    expect(World.texts(got).slice(1)).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`))
  })
)

it.effect("sends that come together are sealed together, each answered for itself", () =>
  Effect.gen(function* () {
    const { alice, bob } = yield* pair
    yield* alice.client.send("bob", "hello")
    yield* World.tick(5)
    const conversation = yield* alice.client.conversation("bob")
    const before = alice.actor.disk.commits()
    const sent = yield* Effect.forEach(
      Array.from({ length: 50 }, (_, i) => `${i}`),
      (text) => conversation.send(text),
      { concurrency: "unbounded" }
    )
    expect(alice.actor.disk.commits() - before).toBeLessThanOrEqual(4)
    expect(sent.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 50 }, (_, i) => i + 2))
    yield* World.tick(5)
    expect(World.texts(yield* World.receive(bob, 51)).slice(1)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`))
  })
)

it.effect("repeating a send with its key sends nothing new, also after a restart", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    const first = yield* alice.client.send("bob", "once", { idempotencyKey: "order 7" })
    const again = yield* alice.client.send("bob", "once", { idempotencyKey: "order 7" })
    const together = yield* Effect.all(
      [
        alice.client.send("bob", "twice", { idempotencyKey: "order 8" }),
        alice.client.send("bob", "twice", { idempotencyKey: "order 8" })
      ],
      { concurrency: "unbounded" }
    )
    expect(again).toEqual(first)
    expect(together[1]).toEqual(together[0])
    yield* World.crash(alice)
    const restarted = yield* world.open(alice.actor)
    expect(yield* restarted.client.send("bob", "once", { idempotencyKey: "order 7" })).toEqual(first)
    yield* World.tick(5)
    const got = yield* World.collect(bob)
    yield* World.tick(5)
    expect(World.texts(got)).toEqual(["once", "twice"])
  })
)

it.effect("a message is shown until it is taken, over restarts, with the same id and order [state.once.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    for (const text of ["1", "2", "3", "4"]) yield* alice.client.send("bob", text)
    yield* World.tick(5)
    // Pulling the second takes the first; leaving in good order takes the second.
    const got = yield* World.receive(bob, 2)
    expect(World.texts(got)).toEqual(["1", "2"])
    // Interrupted while the third is in hand: not taken.
    const held: Array<Incoming> = []
    const reader = yield* Effect.forkChild(
      Stream.runForEach(bob.client.messages, (message) =>
        Effect.andThen(
          Effect.sync(() => void held.push(message)),
          Effect.never
        )
      )
    )
    yield* World.tick(2)
    yield* Fiber.interrupt(reader)
    expect(World.texts(held)).toEqual(["3"])
    yield* World.crash(bob)
    const second = yield* world.open(bob.actor)
    const again = yield* World.receive(second, 1)
    expect(again).toEqual(held)
    yield* World.crash(second)
    const third = yield* world.open(bob.actor)
    const [fourth] = yield* World.receive(third, 1)
    expect(fourth).toMatchObject({ body: { text: "4" }, order: 4 })
    yield* World.close(third)
    const fourthOpening = yield* world.open(bob.actor)
    const rest = yield* World.collect(fourthOpening)
    yield* World.tick(5)
    expect(rest).toEqual([])
    yield* alice.client.send("bob", "5")
    yield* World.tick(5)
    expect(rest.map(({ order }) => order)).toEqual([5])
  })
)

it.effect("take removes a message at once; a batch is taken as a whole [state.once.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    for (let i = 0; i < 6; i++) yield* alice.client.send("bob", `${i}`)
    yield* World.tick(5)
    const reader = yield* Effect.forkChild(
      Stream.runForEach(bob.client.messages, (message) => Effect.andThen(bob.client.take(message), Effect.never))
    )
    yield* World.tick(2)
    yield* Fiber.interrupt(reader)
    yield* World.crash(bob)
    const second = yield* world.open(bob.actor)
    const batches = yield* Stream.runCollect(Stream.take(second.client.batches, 1))
    expect(batches.map((batch) => World.texts(batch))).toEqual([["1", "2", "3", "4", "5"]])
    const rest = yield* World.collect(second)
    yield* World.tick(5)
    expect(rest).toEqual([])
  })
)

it.effect(
  "what is written without a network goes out when it is back, over a restart, with the same bytes [state.outbox.2]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* pair
      yield* alice.client.send("bob", "0")
      yield* World.tick(5)
      world.network.cut("alice")
      const sent = yield* alice.client.send("bob", "1")
      yield* alice.client.send("bob", "2")
      yield* World.tick(5)
      expect(states(alice, sent.id)).toEqual(["queued"])
      const sealed = [...alice.actor.disk.snapshot().records.values()].filter(({ key }) => key.startsWith("outbox/"))
      yield* World.crash(alice)
      const restarted = yield* world.open(alice.actor)
      // Offline a client opens all the same, and takes messages.
      yield* restarted.client.send("bob", "3")
      yield* World.tick(5)
      const count = world.network.submitted.length
      world.network.mend("alice")
      yield* World.tick(700)
      expect(World.texts(yield* World.receive(bob, 4))).toEqual(["0", "1", "2", "3"])
      const submitted = world.network.submitted.slice(count).map(({ envelope }) => envelope)
      for (const { value } of sealed) {
        const text = Buffer.from(value).toString("hex")
        expect(submitted.filter((envelope) => text.includes(Buffer.from(envelope).toString("hex"))).length).toBe(1)
      }
      expect(bob.actor.warnings).toEqual([])
    })
)

it.effect("flush ends when everything reached the relay", () =>
  Effect.gen(function* () {
    const { alice, world } = yield* pair
    yield* alice.client.flush
    world.network.cut()
    yield* alice.client.send("bob", "1").pipe(Effect.ignore)
    world.network.mend()
    yield* World.tick(5)
    yield* alice.client.send("bob", "2")
    world.network.cut()
    yield* alice.client.send("bob", "3")
    const flushing = yield* Effect.forkChild(alice.client.flush)
    yield* World.tick(5)
    expect(flushing.pollUnsafe()).toBeUndefined()
    world.network.mend()
    yield* World.tick(20)
    expect(flushing.pollUnsafe()).toBeDefined()
  })
)

it.effect("an interrupted send either happened whole or not at all", () =>
  Effect.gen(function* () {
    const { alice, bob } = yield* pair
    yield* alice.client.send("bob", "0")
    yield* World.tick(5)
    const conversation = yield* alice.client.conversation("bob")
    for (let i = 0; i < 40; i++) {
      const fiber = yield* Effect.forkChild(conversation.sendMany([`${i} first`, `${i} second`]))
      for (let yields = 0; yields < i % 8; yields++) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
    }
    yield* conversation.send("end")
    const got = yield* World.collect(bob)
    yield* World.tick(20)
    const texts = World.texts(got).slice(1, -1)
    expect(texts.length % 2).toBe(0)
    for (let i = 0; i < texts.length; i += 2) expect(texts[i]!.split(" ")[0]).toBe(texts[i + 1]!.split(" ")[0])
    // No number was used up by a send that did not happen.
    expect(got.map(({ sequence }) => sequence)).toEqual(got.map((_, i) => i + 1))
    expect(bob.actor.warnings).toEqual([])
  })
)

it.effect("errors of ports come out typed, and the client goes on", () =>
  Effect.gen(function* () {
    const { alice, bob } = yield* pair
    yield* alice.client.send("bob", "0")
    yield* World.tick(5)
    alice.actor.disk.fail({ operation: "commit", nth: 1, when: "before" })
    const failed = yield* Effect.flip(alice.client.send("bob", "lost"))
    expect(failed._tag).toBe("StoreError")
    bob.actor.disk.fail({ operation: "commit", nth: 1, when: "before" })
    yield* alice.client.send("bob", "1")
    yield* World.tick(40)
    const got = yield* World.collect(bob)
    yield* World.tick(5)
    expect(World.texts(got)).toEqual(["0", "1"])
    expect(got.map(({ sequence }) => sequence)).toEqual([1, 2])
  })
)

it.effect("a second client on the same store ends the first [state.commit.3] [state.lease.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, world } = yield* pair
    yield* alice.client.send("bob", "0")
    yield* World.tick(5)
    const second = yield* world.open(alice.actor)
    yield* World.tick(5)
    const failed = yield* Effect.flip(alice.client.send("bob", "from the first"))
    expect(failed._tag).toBe("LeaseLost")
    yield* second.client.send("bob", "from the second")
    yield* World.tick(5)
    expect(World.texts(yield* World.receive(bob, 2))).toEqual(["0", "from the second"])
    expect(bob.actor.warnings).toEqual([])
  })
)

it.effect("a store without an account does not open, and registers once [relay.register.4]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const actor = world.actor("carol")
    expect(yield* Effect.flip(world.open(actor))).toMatchObject({ _tag: "NotRegistered" })
    yield* world.register(actor)
    expect(yield* Effect.flip(world.register(actor))).toMatchObject({ _tag: "AlreadyRegistered" })
    const carol = yield* world.open(actor)
    expect(carol.client.self.user).toBe("carol")
    expect(yield* Effect.flip(world.register(world.actor("x"), "Bad Name"))).toMatchObject({ _tag: "InvalidMessage" })
  })
)

it.effect(
  "a record that does not decode, or is of a later version, stops the opening and changes nothing [state.version.1] [state.corrupt.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* pair
      yield* alice.client.send("bob", "0")
      yield* World.tick(5)
      yield* World.receive(bob, 1)
      yield* bob.client.send("alice", "1")
      world.network.cut("bob")
      yield* bob.client.send("alice", "2")
      yield* World.close(bob)
      const good = bob.actor.disk.snapshot()
      const kinds = ["self", "contact/", "session/", "outbox/", "progress/in", "progress/out"]
      for (const kind of kinds) {
        const key = [...good.records.keys()].find((name) => name.startsWith(kind))!
        for (const [value, reason] of [
          [Uint8Array.of(0xc0), "corrupt"],
          [Uint8Array.of(0x92, 99, 1), "version"]
        ] as const) {
          const records = new Map(good.records)
          records.set(key, { ...records.get(key)!, value })
          bob.actor.disk.restore({ ...good, records })
          const commits = bob.actor.disk.commits()
          const failed = yield* Effect.flip(world.open(bob.actor))
          expect([kind, failed]).toMatchObject([kind, { _tag: "StoredRecordError", kind: kind.split("/")[0], reason }])
          expect(bob.actor.disk.commits()).toBe(commits)
        }
      }
      bob.actor.disk.restore(good)
      yield* world.open(bob.actor)
    })
)
