/** Several devices of one account: every message for each of them, one broken device blocks nobody. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../src/base/Bytes.ts"
import * as World from "./World.ts"

const causes = ({ actor }: World.Process): ReadonlyArray<string> =>
  actor.warnings.map((warning) => (warning._tag === "Rejected" ? warning.cause : warning._tag))

/** Alice, and bob with a phone that joins after the first messages. */
const joined = Effect.gen(function* () {
  const world = World.make()
  const alice = yield* world.join("alice")
  const bob = yield* world.join("bob")
  yield* World.tick(5)
  const atBob = yield* World.collect(bob)
  for (const text of ["1", "2"]) yield* alice.client.send("bob", text)
  yield* World.tick(5)
  const { actor } = World.addDevice(world, bob.actor, "bob/2")
  yield* world.register(actor)
  const phone = yield* world.open(actor)
  const atPhone = yield* World.collect(phone)
  yield* World.tick(5)
  return { world, alice, bob, phone, atBob, atPhone }
})

it.effect(
  "a device that joined gets what is sent from then on, with the same numbers and without a gap [sequence.number.1] [sequence.floor.1] [manifest.skip.1]",
  () =>
    Effect.gen(function* () {
      const { alice, atBob, atPhone, bob, phone } = yield* joined
      // The phone's first message names the manifest that lists it.
      yield* phone.client.send("alice", "from the phone")
      yield* World.tick(10)
      const [message] = yield* World.receive(alice, 1)
      expect(message!.from).toEqual({ user: "bob", account: bob.client.self.account, device: phone.client.self.device })
      const sent = yield* alice.client.send("bob", "3")
      expect(sent).toMatchObject({ devices: 2, sequence: 3 })
      yield* alice.client.send("bob", "4")
      yield* World.tick(10)
      expect(World.texts(atBob)).toEqual(["1", "2", "3", "4"])
      expect(atPhone.map(({ id, sequence }) => [id, sequence])).toEqual(
        atBob.slice(2).map(({ id, sequence }) => [id, sequence])
      )
      // Bob and alice are told of the phone, once each.
      expect([causes(bob), causes(phone), causes(alice)]).toEqual([["DevicesChanged"], [], ["DevicesChanged"]])
      const delivered = alice.actor.events.filter(({ id, state }) => id === sent.id && state === "delivered")
      expect(new Set(delivered.map(({ to }) => to.device))).toEqual(
        new Set([bob.client.self.device, phone.client.self.device])
      )
    })
)

it.effect("a device that is away keeps nobody waiting", () =>
  Effect.gen(function* () {
    const { alice, atBob, atPhone, phone, world } = yield* joined
    yield* phone.client.send("alice", "hello")
    yield* World.tick(10)
    yield* World.close(phone)
    for (const text of ["3", "4"]) yield* alice.client.send("bob", text)
    yield* World.tick(10)
    expect(World.texts(atBob)).toEqual(["1", "2", "3", "4"])
    expect(atPhone).toEqual([])
    const back = yield* world.open(phone.actor)
    const later = yield* World.collect(back)
    yield* World.tick(10)
    expect(World.texts(later)).toEqual(["3", "4"])
  })
)

it.effect(
  "a removed device gets nothing more, and what it did not get goes to the one that replaced it [manifest.update.1] [relay.submit.4]",
  () =>
    Effect.gen(function* () {
      const { alice, atBob, atPhone, bob, phone, world } = yield* joined
      yield* phone.client.send("alice", "hello")
      yield* World.tick(10)
      yield* alice.client.send("bob", "3")
      yield* World.tick(10)
      expect(World.texts(atPhone)).toEqual(["3"])
      // The phone is replaced by a tablet.
      const revoked = Bytes.fromHex(phone.client.self.device)!
      const without = World.nextManifest(world, bob.actor, ({ devices, version }) => ({
        devices: devices.filter(({ device }) => !Bytes.equal(device, revoked)),
        revocations: [{ device: revoked, revokedIn: version + 1 }]
      }))
      Result.getOrThrow(world.network.publish("bob", without.bytes))
      const { actor } = World.addDevice(world, bob.actor, "bob/3")
      yield* world.register(actor)
      const tablet = yield* world.open(actor)
      const atTablet = yield* World.collect(tablet)
      yield* World.tick(5)
      const sent = yield* alice.client.send("bob", "4")
      yield* World.tick(40)
      expect(World.texts(atBob)).toEqual(["1", "2", "3", "4"])
      expect(World.texts(atPhone)).toEqual(["3"])
      expect(World.texts(atTablet)).toEqual(["4"])
      expect(alice.actor.events.filter(({ id, state }) => id === sent.id && state === "failed")).toMatchObject([
        { to: { device: phone.client.self.device }, reason: "device-removed" }
      ])
      expect(yield* alice.client.send("bob", "5")).toMatchObject({ devices: 2 })
      yield* World.tick(10)
      expect(World.texts(atTablet)).toEqual(["4", "5"])
      expect(causes(tablet)).toEqual([])
    })
)

it.effect("a session start of a removed device is refused [manifest.device.1]", () =>
  Effect.gen(function* () {
    const { alice, bob, phone, world } = yield* joined
    yield* phone.client.send("alice", "hello")
    yield* World.tick(10)
    const revoked = Bytes.fromHex(phone.client.self.device)!
    const conversation = yield* phone.client.conversation("alice")
    yield* conversation.reset
    world.network.cut("alice")
    yield* conversation.send("after the removal")
    yield* World.tick(10)
    const start = world.network.submitted.findLast(({ envelope }) => envelope[2] === 1)!.envelope
    world.network.mend("alice")
    yield* World.tick(10)
    const without = World.nextManifest(world, bob.actor, ({ devices, version }) => ({
      devices: devices.filter(({ device }) => !Bytes.equal(device, revoked)),
      revocations: [{ device: revoked, revokedIn: version + 1 }]
    }))
    Result.getOrThrow(world.network.publish("bob", without.bytes))
    yield* alice.client.send("bob", "learns of it")
    yield* World.tick(20)
    alice.actor.warnings.length = 0
    yield* world.network.inject("alice", start)
    yield* World.tick(5)
    expect(causes(alice)).toEqual(["policy.revoked-device"])
  })
)

it.effect("a message of a removed device in an existing session is not shown [manifest.device.2]", () =>
  Effect.gen(function* () {
    const { alice, bob, phone, world } = yield* joined
    const got = yield* World.collect(alice)
    yield* phone.client.send("alice", "hello")
    yield* World.tick(10)
    yield* alice.client.send("bob", "3")
    yield* World.tick(10)
    const sessionsWith = (device: string): number =>
      [...alice.actor.disk.snapshot().records].filter(
        ([key, { value }]) => key.startsWith("session/") && Bytes.toHex(value).includes(device)
      ).length
    expect(sessionsWith(phone.client.self.device)).toBeGreaterThan(0)
    const count = world.network.submitted.length
    // Sealed before the removal, in the session both have, and brought by the relay after it.
    world.network.faults({ drop: 1 })
    yield* phone.client.send("alice", "after the removal")
    yield* World.tick(10)
    world.network.faults({ drop: 0 })
    const message = world.network.submitted.slice(count).find(({ envelope }) => envelope[2] === 2)!.envelope
    const revoked = Bytes.fromHex(phone.client.self.device)!
    const without = World.nextManifest(world, bob.actor, ({ devices, version }) => ({
      devices: devices.filter(({ device }) => !Bytes.equal(device, revoked)),
      revocations: [{ device: revoked, revokedIn: version + 1 }]
    }))
    Result.getOrThrow(world.network.publish("bob", without.bytes))
    yield* alice.client.send("bob", "learns of it")
    yield* World.tick(20)
    expect(alice.actor.disk.snapshot().records.size).toBeGreaterThan(0)
    expect(sessionsWith(phone.client.self.device)).toBe(0)
    expect(sessionsWith(bob.client.self.device)).toBeGreaterThan(0)
    alice.actor.warnings.length = 0
    yield* world.network.inject("alice", message)
    yield* World.tick(20)
    expect(World.texts(got)).toEqual(["hello"])
    expect(causes(alice)).toEqual(["lookup.no-session"])
    // Nothing waits for the removed device, and the others hear as before.
    yield* bob.client.send("alice", "still here")
    yield* World.tick(10)
    expect(World.texts(got)).toEqual(["hello", "still here"])
  })
)

it.effect(
  "a start of a device that only a later manifest lists waits for that manifest, and is refused when there is none [manifest.device.2]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, phone, world } = yield* joined
      const got = yield* World.collect(alice)
      const manifests = world.network.manifests("bob")
      expect(manifests.length).toBe(2)
      const account = Bytes.fromHex(bob.client.self.account)!
      // The relay keeps the new manifest back: the device may be anybody's who once had the account key.
      world.network.pretend("bob", { account, manifests: manifests.slice(0, 1) })
      yield* phone.client.send("alice", "one")
      yield* World.tick(20)
      expect(World.texts(got)).toEqual([])
      expect(causes(alice)).toEqual(["lookup.manifest-gap"])
      world.network.pretend("bob", undefined)
      yield* phone.client.send("alice", "two")
      yield* World.tick(40)
      expect(World.texts(got)).toEqual(["two"])
      expect(got[0]!.from.device).toBe(phone.client.self.device)
    })
)

it.effect(
  "another delivery token is asked for with a session start; what was sealed goes out with it unchanged [relay.submit.2] [state.outbox.2]",
  () =>
    Effect.gen(function* () {
      const world = World.make()
      const alice = yield* world.join("alice")
      const bob = yield* world.join("bob")
      yield* World.tick(5)
      const got = yield* World.collect(bob)
      yield* alice.client.send("bob", "1")
      yield* World.tick(5)
      yield* World.close(bob)
      World.retoken(bob.actor)
      const back = yield* world.open(bob.actor)
      const later = yield* World.collect(back)
      yield* World.tick(5)
      const count = world.network.submitted.length
      for (const text of ["2", "3"]) yield* alice.client.send("bob", text)
      yield* World.tick(40)
      expect([World.texts(got), World.texts(later)]).toEqual([["1"], ["2", "3"]])
      const sealed = world.network.submitted.slice(count).filter(({ envelope }) => envelope[2] === 2)
      const distinct = new Set(sealed.map(({ envelope }) => Bytes.toHex(envelope)))
      expect(distinct.size).toBeLessThan(sealed.length)
      expect(causes(back)).toEqual([])
    })
)
