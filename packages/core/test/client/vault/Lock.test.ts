/** What is left of an account in memory when its vault was locked: a device in a world in memory, its store sealed. */
import { expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Bytes from "../../../src/base/Bytes.ts"
import * as Account from "../../../src/client/Account.ts"
import { Client } from "../../../src/client/Client.ts"
import * as StoreCustody from "../../../src/client/StoreCustody.ts"
import * as Unlock from "../../../src/client/vault/Unlock.ts"
import * as Vault from "../../../src/client/vault/Vault.ts"
import { Crypto, Entropy } from "../../../src/ports/Crypto.ts"
import { KeyCustody } from "../../../src/ports/KeyCustody.ts"
import { Store } from "../../../src/ports/Store.ts"
import { UnlockSource } from "../../../src/ports/UnlockSource.ts"
import * as World from "../World.ts"

/** The vault of an actor's disk, and layers of what stands on it. */
const sealed = (world: World.World, actor: World.Actor) =>
  Effect.gen(function* () {
    const ports = Layer.mergeAll(
      actor.disk.layer,
      Layer.succeed(Crypto, World.crypto),
      Layer.succeed(Entropy, actor.entropy),
      Layer.succeed(UnlockSource, Unlock.key(new Uint8Array(32).fill(7)))
    )
    const { store, vault } = yield* Effect.provideContext(Vault.make(), yield* Layer.build(Layer.fresh(ports)))
    const base = Layer.mergeAll(
      Layer.succeed(Store, store),
      Layer.succeed(Crypto, World.crypto),
      Layer.succeed(Entropy, actor.entropy)
    )
    const custody = yield* Layer.build(Layer.provideMerge(Layer.fresh(StoreCustody.layer), base))
    const below = Layer.provideMerge(world.network.layer, Layer.succeedContext(custody))
    return { store, vault, custody: Context.get(custody, KeyCustody), below }
  })

/** Every array of bytes that can be reached from some objects, through properties, maps, sets and arrays. */
const reachable = (...roots: ReadonlyArray<unknown>): ReadonlyArray<Uint8Array> => {
  const found: Array<Uint8Array> = []
  const seen = new Set<object>()
  const queue: Array<unknown> = [...roots]
  while (queue.length > 0) {
    const value = queue.pop()
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue
    seen.add(value)
    if (value instanceof Uint8Array) {
      found.push(value)
      continue
    }
    if (value instanceof Map) queue.push(...value.keys(), ...value.values())
    if (value instanceof Set) queue.push(...value)
    for (const key of Reflect.ownKeys(value)) {
      const property = Object.getOwnPropertyDescriptor(value, key)
      if (property !== undefined && "value" in property) queue.push(property.value)
    }
  }
  return found
}

const errorOf = <A, E>(exit: Exit.Exit<A, E>): unknown =>
  Exit.isSuccess(exit) ? "success" : Option.getOrUndefined(Cause.findErrorOption(exit.cause))
const reasonOf = <A, E>(exit: Exit.Exit<A, E>): unknown => Vault.causeOf(errorOf(exit))?.reason ?? errorOf(exit)

it.effect(
  "after locking every read and call fails typed, custody included, nothing secret is reachable, and a new client goes on after unlocking [vault.lock.1] [vault.lock.2]",
  () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const world = World.make()
      const actor = world.actor("alice")
      const bob = yield* world.join("bob")
      const { below, custody, store, vault } = yield* sealed(world, actor)
      const password = yield* world.network.issue("alice")
      yield* Effect.provide(Account.register({ user: "alice", password }), below)
      const services = yield* Layer.build(Layer.provideMerge(Layer.fresh(Client.layer({ history: true })), below))
      const client = Context.get(services, Client)
      yield* World.tick(5)
      const conversation = yield* client.conversation("bob")
      yield* conversation.send("a text in the clear")
      yield* World.tick(5)
      yield* bob.client.send("alice", "an answer")
      yield* World.tick(5)
      const events = yield* Effect.forkChild(Stream.runCollect(client.outbox))
      const warnings = yield* Effect.forkChild(Stream.runCollect(client.warnings))
      const waiting = yield* Effect.forkChild(Stream.runForEach(client.messages, () => Effect.void).pipe(Effect.exit))
      yield* World.tick(2)
      yield* bob.client.send("alice", "waits")
      yield* World.tick(5)

      // What the store holds in the clear above the vault: every value is a secret here, and every field of one.
      const records = yield* store.scan("", { limit: 10_000 })
      const secrets = new Set<string>()
      for (const { key, value } of records) {
        const text = Bytes.toHex(value)
        if (/^(custody|session|skipped|prekey)/.test(key)) {
          for (let at = 0; at + 16 <= value.length; at++) secrets.add(text.slice(at * 2, at * 2 + 32))
        }
      }
      expect(secrets.size).toBeGreaterThan(1000)
      const holds = (objects: ReadonlyArray<Uint8Array>) =>
        objects.filter((bytes) => {
          const text = Bytes.toHex(bytes)
          for (let at = 0; at + 16 <= bytes.length; at++) if (secrets.has(text.slice(at * 2, at * 2 + 32))) return true
          return false
        }).length

      yield* vault.lock

      for (const [name, exit] of [
        ["send", yield* Effect.exit(client.send("bob", "no"))],
        ["conversation", yield* Effect.exit(client.conversation("bob"))],
        ["opened", yield* Effect.exit(conversation.send("no"))],
        ["many", yield* Effect.exit(conversation.sendMany(["no"]))],
        ["typing", yield* Effect.exit(conversation.typing(true))],
        ["read", yield* Effect.exit(conversation.markRead(["00".repeat(16)]))],
        ["reset", yield* Effect.exit(conversation.reset)],
        ["messages", yield* Effect.exit(Stream.runHead(client.messages))],
        ["batches", yield* Effect.exit(Stream.runHead(client.batches))],
        ["flush", yield* Effect.exit(client.flush)],
        ["contacts", yield* Effect.exit(client.contacts)],
        ["devices", yield* Effect.exit(client.devices)],
        ["refresh", yield* Effect.exit(client.refreshDevices)],
        ["proofs", yield* Effect.exit(client.proofs)],
        ["synced", yield* Effect.exit(Stream.runHead(client.synced))],
        ["outcome", yield* Effect.exit(conversation.outcome("00".repeat(16)))],
        ["safety", yield* Effect.exit(client.trust.safety("bob"))],
        ["holds", yield* Effect.exit(client.trust.holds)],
        ["log", yield* Effect.exit(client.trust.log)],
        ["history", yield* Effect.exit(client.history.page({ conversation: conversation.id }))],
        ["conversations", yield* Effect.exit(client.history.conversations)],
        ["digest", yield* Effect.exit(client.history.digest())],
        ["accept", yield* Effect.exit(client.acceptIdentity("bob", "00".repeat(32)))],
        ["get", yield* Effect.exit(store.get("self"))],
        ["scan", yield* Effect.exit(store.scan("contact/"))],
        ["waited", yield* Fiber.join(waiting)]
      ] as const) {
        expect([name, reasonOf(exit as Exit.Exit<unknown, unknown>)]).toEqual([name, "locked"])
      }
      for (const failing of [
        Effect.flip(custody.publicKeys),
        Effect.flip(custody.signWithDevice(Uint8Array.of(1))),
        Effect.flip(custody.signWithAccount(Uint8Array.of(1))),
        Effect.flip(custody.agree(new Uint8Array(32).fill(9)))
      ]) {
        const error = yield* failing
        expect([error.reason, Vault.causeOf(error.cause)?.reason]).toEqual(["locked", "locked"])
      }
      // Streams without errors end.
      yield* Fiber.join(events)
      yield* Fiber.join(warnings)

      const left = reachable(client, conversation, store, custody, vault, services)
      expect(holds(left)).toBe(0)
      // The same search finds them where nothing was locked.
      expect(holds(reachable(records))).toBeGreaterThan(10)

      const sent = world.network.submitted.length
      yield* bob.client.send("alice", "while it was locked")
      yield* World.tick(20)
      expect(world.network.submitted.length).toBe(sent + 1)

      yield* vault.unlock
      expect((yield* custody.publicKeys).device.length).toBe(32)
      expect(reasonOf(yield* Effect.exit(client.contacts))).toBe("locked")
      const again = yield* Layer.build(Layer.provideMerge(Layer.fresh(Client.layer()), below))
      const next = Context.get(again, Client)
      yield* World.tick(10)
      // The relay kept what could not be stored.
      const messages = yield* Stream.runCollect(Stream.take(next.messages, 1))
      expect(World.texts(messages)).toEqual(["while it was locked"])
      yield* next.send("bob", "and on")
      yield* World.tick(10)
      expect(World.texts(yield* World.receive(bob, 2))).toEqual(["a text in the clear", "and on"])
    })
)

it.effect("closing a client overwrites the keys of its sessions [vault.lock.2]", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(1_700_000_000_000)
    const held = new Set<Uint8Array>()
    const watching = {
      ...World.crypto,
      hmacSha256: (key: Uint8Array, data: Uint8Array) => {
        if (key.length === 32) held.add(key)
        return World.crypto.hmacSha256(key, data)
      }
    }
    const world = World.make()
    const [alice, bob] = [world.actor("alice"), yield* world.join("bob")]
    const base = Layer.mergeAll(
      alice.disk.layer,
      Layer.succeed(Crypto, watching),
      Layer.succeed(Entropy, alice.entropy)
    )
    const below = Layer.provideMerge(
      world.network.layer,
      Layer.succeedContext(yield* Layer.build(Layer.provideMerge(Layer.fresh(StoreCustody.layer), base)))
    )
    const password = yield* world.network.issue("alice")
    yield* Effect.provide(Account.register({ user: "alice", password }), below)
    yield* Effect.scoped(
      Effect.gen(function* () {
        const client = Context.get(yield* Layer.build(Layer.provide(Layer.fresh(Client.layer()), below)), Client)
        yield* World.tick(5)
        for (const text of ["one", "two"]) {
          yield* client.send("bob", text)
          yield* World.tick(5)
          yield* bob.client.send("alice", text)
          yield* World.tick(5)
        }
        held.clear()
        yield* client.send("bob", "three")
        yield* World.tick(5)
        expect([...held].some((key) => !Bytes.isZero(key))).toBe(true)
      })
    )
    // Chain keys, among them those in use when the client was closed.
    expect([...held].filter((key) => !Bytes.isZero(key)).length).toBe(0)
  })
)
