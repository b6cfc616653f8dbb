/** Removing devices of one's own account: what the account's devices do, what others see, what the removed one can still do. */
import { expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Bytes from "../../src/base/Bytes.ts"
import type { Warning } from "../../src/client/Api.ts"
import * as Records from "../../src/client/Records.ts"
import * as Device from "../../src/identity/Device.ts"
import * as Manifest from "../../src/identity/Manifest.ts"
import { TransportError } from "../../src/ports/Transport.ts"
import * as World from "./World.ts"

type Told<T extends Warning["_tag"]> = Extract<Warning, { readonly _tag: T }>

const told = <T extends Warning["_tag"]>({ actor }: Pick<World.Process, "actor">, tag: T): ReadonlyArray<Told<T>> =>
  actor.warnings.filter((warning): warning is Told<T> => warning._tag === tag)

const causes = ({ actor }: World.Process): ReadonlyArray<string> =>
  actor.warnings.map((warning) => (warning._tag === "Rejected" ? warning.cause : warning._tag))

const idOf = ({ client }: World.Process): string => client.self.device

const newest = (world: World.World, user: string): Manifest.Manifest =>
  Result.getOrThrow(Manifest.verify(World.crypto, world.network.manifests(user).at(-1)!))

/** Notes what a device publishes, whatever becomes of it. Set before it opens. */
const published = (actor: World.Actor): Array<Manifest.Manifest> => {
  const seen: Array<Manifest.Manifest> = []
  actor.spoof = (directory) => ({
    ...directory,
    publishManifest: (manifest, certificates) => {
      seen.push(Result.getOrThrow(Manifest.verify(World.crypto, manifest)))
      return directory.publishManifest(manifest, certificates)
    }
  })
  return seen
}

/** The proposal on a device's disk. */
const proposed = ({ disk }: World.Actor): Manifest.Manifest | undefined => {
  const stored = disk.snapshot().records.get("proposal")
  if (stored === undefined) return undefined
  const { manifest } = Result.getOrThrow(Records.Proposal.decode(stored.value))
  return Result.getOrThrow(Manifest.verify(World.crypto, manifest))
}

/** Alice, and bob with a laptop and a phone that are admins and a tablet that is not; all have written to each other. */
const household = Effect.gen(function* () {
  const world = World.make()
  const alice = yield* world.join("alice")
  const laptop = yield* world.join("bob")
  yield* World.tick(5)
  const add = (name: string, role: Device.Role) =>
    Effect.gen(function* () {
      const { actor } = World.addDevice(world, laptop.actor, name, role)
      yield* world.register(actor)
      return yield* world.open(actor)
    })
  const phone = yield* add("bob/phone", Device.roles.admin)
  const tablet = yield* add("bob/tablet", Device.roles.member)
  // An hour later everybody has heard of everybody.
  yield* World.tick(3, 30 * 60 * 1000)
  const at = {
    alice: yield* World.collect(alice),
    laptop: yield* World.collect(laptop),
    phone: yield* World.collect(phone),
    tablet: yield* World.collect(tablet)
  }
  yield* alice.client.send("bob", "hello")
  yield* World.tick(10)
  for (const [device, name] of [
    [laptop, "laptop"],
    [phone, "phone"],
    [tablet, "tablet"]
  ] as const) {
    yield* device.client.send("alice", `from the ${name}`)
    yield* World.tick(10)
  }
  for (const { actor } of [alice, laptop, phone, tablet]) actor.warnings.length = 0
  return { world, alice, laptop, phone, tablet, at, all: [laptop, phone, tablet] }
})

it.effect("every device knows the account's devices, within an hour of any change [manifest.own.1]", () =>
  Effect.gen(function* () {
    const { laptop, phone, tablet } = yield* household
    for (const device of [laptop, phone, tablet]) {
      const { devices, pending, removed, revoked, version } = yield* device.client.devices
      expect([version, pending, removed, revoked]).toEqual([3, undefined, undefined, []])
      const expected = [
        { id: idOf(laptop), role: "admin", addedIn: 1, current: device === laptop },
        { id: idOf(phone), role: "admin", addedIn: 2, current: device === phone },
        { id: idOf(tablet), role: "member", addedIn: 3, current: device === tablet }
      ].sort((a, b) => (a.id < b.id ? -1 : 1))
      expect(devices).toEqual(expected)
    }
    expect(yield* laptop.client.contacts).toMatchObject([{ user: "alice" }])
  })
)

it.effect(
  "a device is removed for good: peers and own devices hear no more of it, send it nothing, and begin afresh with the others [manifest.revoke.1] [manifest.revoke.2] [manifest.revoke.3] [manifest.revoke.4] [manifest.told.1] [manifest.lists.1]",
  () =>
    Effect.gen(function* () {
      const { alice, at, laptop, phone, tablet, world } = yield* household
      const lost = idOf(tablet)
      const after = yield* laptop.client.revokeDevice(lost)
      expect(after).toMatchObject({ version: 4, revoked: [{ id: lost, revokedIn: 4 }], pending: undefined })
      expect(after.devices.map(({ id }) => id)).not.toContain(lost)
      expect(Manifest.isRevoked(newest(world, "bob"), Bytes.fromHex(lost)!)).toBe(true)
      // A second time is no error, and no version.
      expect(yield* laptop.client.revokeDevice(lost)).toEqual(after)
      expect(newest(world, "bob").version).toBe(4)
      const count = world.network.submitted.length
      const shown: Array<number> = []
      yield* laptop.client.send("alice", "without the tablet")
      for (let i = 0; i < 20 && !World.texts(at.alice).includes("without the tablet"); i++) {
        yield* World.tick(1)
        shown.push(told(alice, "DevicesChanged").length)
      }
      // With the message, not after it.
      expect(World.texts(at.alice).at(-1)).toBe("without the tablet")
      expect(told(alice, "DevicesChanged")).toMatchObject([
        {
          peer: { user: "bob", account: laptop.client.self.account, device: "" },
          version: 4,
          added: [],
          removed: [lost]
        }
      ])
      expect(world.network.submitted.length).toBeGreaterThan(count)
      // What the laptop says first after the removal is a start of a new session, and so is what alice says first.
      expect(world.network.submitted[count]!.envelope[2]).toBe(1)
      yield* World.tick(10)
      const before = world.network.submitted.length
      expect(yield* alice.client.send("bob", "who is there?")).toMatchObject({ devices: 2 })
      yield* World.tick(20)
      const mailbox = world.network.devices("bob").find(({ id }) => Bytes.toHex(id) === lost)!.mailbox
      const addressed = (from: number) =>
        new Set(world.network.submitted.slice(from).map((one) => Bytes.toHex(one.envelope.subarray(5, 21))))
      expect(addressed(before)).not.toContain(Bytes.toHex(mailbox))
      expect(World.texts(at.laptop).at(-1)).toBe("who is there?")
      expect(World.texts(at.phone).at(-1)).toBe("who is there?")
      expect(World.texts(at.tablet).at(-1)).not.toBe("who is there?")
      expect((yield* phone.client.devices).version).toBe(4)
      expect(told(alice, "DevicesChanged").length).toBe(1)
      // The laptop did it itself; the phone is told.
      expect([told(laptop, "DevicesChanged").length, told(phone, "DevicesChanged").length]).toEqual([0, 1])
      for (const { actor } of [alice, laptop, phone]) {
        const kept = [...actor.disk.snapshot().records].filter(
          ([key, { value }]) => /^(?:session|outbox|notice)\//.test(key) && Bytes.toHex(value).includes(lost)
        )
        expect(kept.map(([key]) => key)).toEqual([])
      }
      // And everybody talks on.
      yield* phone.client.send("alice", "the phone")
      yield* World.tick(20)
      yield* alice.client.send("bob", "good")
      yield* World.tick(20)
      expect([World.texts(at.alice).at(-1), World.texts(at.laptop).at(-1), World.texts(at.phone).at(-1)]).toEqual([
        "the phone",
        "good",
        "good"
      ])
    })
)

it.effect("sessions begin once afresh, and not with every message [manifest.revoke.3] [manifest.revoke.4]", () =>
  Effect.gen(function* () {
    const { alice, laptop, phone, tablet, world } = yield* household
    yield* laptop.client.revokeDevice(idOf(tablet))
    const say = (device: World.Process, to: string, text: string) =>
      Effect.andThen(device.client.send(to, text), World.tick(20))
    const starts = (from: number): number =>
      world.network.submitted.slice(from).filter(({ envelope }) => envelope[2] === 1).length
    for (const round of ["1", "2", "3"]) {
      yield* say(laptop, "alice", round)
      yield* say(phone, "alice", round)
      yield* say(alice, "bob", round)
    }
    const count = world.network.submitted.length
    for (const round of ["4", "5"]) {
      yield* say(laptop, "alice", round)
      yield* say(phone, "alice", round)
      yield* say(alice, "bob", round)
    }
    expect(starts(count)).toBe(0)
    expect([...causes(alice), ...causes(phone)]).toEqual(["DevicesChanged", "DevicesChanged"])
  })
)

it.effect(
  "a session begun in the very millisecond in which a removal is stored is gone on in no more [manifest.revoke.4]",
  () =>
    Effect.gen(function* () {
      const { alice, laptop, tablet, world } = yield* household
      const { account, device } = alice.client.self
      const active = () => {
        const stored = laptop.actor.disk.snapshot().records.get(Records.keys.peer(account, device))!
        return Result.getOrThrow(Records.Peer.decode(stored.value)).sessions.active!
      }
      // Who hears of the removal begins afresh by itself.
      yield* World.close(alice)
      yield* (yield* laptop.client.conversation("alice")).reset
      yield* laptop.client.send("alice", "before")
      yield* World.breathe
      const before = active()
      expect(before.rank).toBe(yield* Clock.currentTimeMillis)
      yield* laptop.client.revokeDevice(idOf(tablet))
      yield* laptop.client.send("alice", "after")
      expect(active().rank).toBeGreaterThan(before.rank)
      yield* World.breathe
      const renewed = active()
      yield* laptop.client.send("alice", "later")
      expect(active()).toEqual(renewed)
      const back = yield* World.collect(yield* world.open(alice.actor))
      yield* World.tick(20)
      expect(World.texts(back).slice(-3)).toEqual(["before", "after", "later"])
    })
)

it.effect("who may not: members, strangers' devices, the last admin [manifest.revoke.1] [device.role.1]", () =>
  Effect.gen(function* () {
    const { alice, laptop, phone, tablet, world } = yield* household
    const failing = (device: World.Process, id: string) => Effect.flip(device.client.revokeDevice(id))
    expect(yield* failing(tablet, idOf(phone))).toMatchObject({ _tag: "NotAdmin" })
    expect(yield* failing(laptop, idOf(alice))).toMatchObject({ _tag: "UnknownDevice", device: idOf(alice) })
    expect(yield* failing(laptop, "abc")).toMatchObject({ _tag: "UnknownDevice" })
    expect(newest(world, "bob").version).toBe(3)
    yield* laptop.client.revokeDevice(idOf(phone))
    expect(yield* failing(laptop, idOf(laptop))).toMatchObject({ _tag: "CannotRevise", reason: "last-admin" })
    expect(newest(world, "bob").version).toBe(4)
  })
)

it.effect(
  "an account whose revocations are all used up, and one that others change all the time, cannot be changed [manifest.revoke.1] [manifest.publish.2]",
  () =>
    Effect.gen(function* () {
      const { laptop, tablet, world } = yield* household
      // Whenever the laptop publishes, another admin device was quicker.
      yield* World.close(laptop)
      let quicker = 0
      laptop.actor.spoof = (directory) => ({
        ...directory,
        publishManifest: (manifest, certificates) => {
          const { bytes } = World.nextManifest(world, laptop.actor, (held) => held)
          quicker++
          return Effect.andThen(
            Effect.sync(() => Result.getOrThrow(world.network.publish("bob", bytes))),
            directory.publishManifest(manifest, certificates)
          )
        }
      })
      const outdone = yield* world.open(laptop.actor)
      yield* World.tick(5)
      const contended = yield* Effect.forkChild(Effect.flip(outdone.client.revokeDevice(idOf(tablet))))
      yield* World.tick(60)
      expect(yield* Fiber.join(contended)).toMatchObject({ _tag: "CannotRevise", reason: "contended" })
      expect(quicker).toBeGreaterThan(2)
      expect(newest(world, "bob").revocations).toEqual([])
      // 500 devices were revoked before.
      yield* World.close(outdone)
      laptop.actor.spoof = undefined
      const many = World.nextManifest(world, laptop.actor, ({ devices, version }) => ({
        devices,
        revocations: Array.from({ length: 500 }, (_, i) => {
          const secret = World.crypto.sha256(Uint8Array.of(i >> 8, i & 0xff))
          return { device: World.crypto.ed25519PublicKey(secret), revokedIn: version + 1 }
        }).sort((a, b) => Bytes.compare(a.device, b.device))
      }))
      Result.getOrThrow(world.network.publish("bob", many.bytes))
      const again = yield* world.open(laptop.actor)
      yield* World.tick(5)
      const full = yield* Effect.forkChild(Effect.flip(again.client.revokeDevice(idOf(tablet))))
      yield* World.tick(20)
      expect(yield* Fiber.join(full)).toMatchObject({ _tag: "CannotRevise", reason: "full" })
      expect(newest(world, "bob").version).toBe(many.version)
    })
)

it.effect(
  "two admins at once: one is first, the other makes the next version; nothing is lost [manifest.publish.2]",
  () =>
    Effect.gen(function* () {
      const { laptop, phone, tablet, world } = yield* household
      const { actor } = World.addDevice(world, laptop.actor, "bob/watch")
      yield* world.register(actor)
      const watch = yield* world.open(actor)
      yield* World.tick(3, 30 * 60 * 1000)
      const signed: Array<Array<Manifest.Manifest>> = []
      const again: Array<World.Process> = []
      for (const device of [laptop, phone]) {
        yield* World.close(device)
        signed.push(published(device.actor))
        again.push(yield* world.open(device.actor))
      }
      const [laptop2, phone2] = again as [World.Process, World.Process]
      yield* World.tick(10)
      const both = yield* Effect.forkChild(
        Effect.all([laptop2.client.revokeDevice(idOf(tablet)), phone2.client.revokeDevice(idOf(watch))], {
          concurrency: "unbounded"
        })
      )
      yield* World.tick(20)
      const [atLaptop, atPhone] = yield* Fiber.join(both)
      const end = newest(world, "bob")
      expect(end.version).toBe(6)
      expect(end.revocations.map(({ device }) => Bytes.toHex(device)).sort()).toEqual(
        [idOf(tablet), idOf(watch)].sort()
      )
      expect([atLaptop.version, atPhone.version].sort((a, b) => a - b)).toEqual([5, 6])
      // Both had signed a fifth version; the one that came second made a sixth.
      expect(signed.map((one) => one.map(({ version }) => version)).sort((a, b) => a.length - b.length)).toEqual([
        [5],
        [5, 6]
      ])
      // An hour later both know all of it, and no proposal is left.
      yield* World.tick(3, 30 * 60 * 1000)
      for (const device of [laptop2, phone2]) {
        expect(yield* device.client.devices).toMatchObject({ version: 6, pending: undefined })
        expect(device.actor.disk.snapshot().records.has("proposal")).toBe(false)
      }
      for (const device of [tablet, watch]) expect((yield* device.client.devices).removed).toBeDefined()
      expect([...told(laptop, "Forked"), ...told(phone, "Forked")]).toEqual([])
    })
)

it.effect("two admins that remove the same device make one version [manifest.publish.2]", () =>
  Effect.gen(function* () {
    const { laptop, phone, tablet, world } = yield* household
    const both = yield* Effect.forkChild(
      Effect.all([laptop.client.revokeDevice(idOf(tablet)), phone.client.revokeDevice(idOf(tablet))], {
        concurrency: "unbounded"
      })
    )
    yield* World.tick(20)
    const [one, two] = yield* Fiber.join(both)
    expect([one.version, two.version, newest(world, "bob").version]).toEqual([4, 4, 4])
  })
)

it.effect("two admins that remove each other: one is left [manifest.publish.2] [manifest.removed.1]", () =>
  Effect.gen(function* () {
    const { laptop, phone, world } = yield* household
    const both = yield* Effect.forkChild(
      Effect.all(
        [
          Effect.result(laptop.client.revokeDevice(idOf(phone))),
          Effect.result(phone.client.revokeDevice(idOf(laptop)))
        ],
        { concurrency: "unbounded" }
      )
    )
    yield* World.tick(20)
    const [one, two] = yield* Fiber.join(both)
    expect(Result.isSuccess(one)).not.toBe(Result.isSuccess(two))
    const beaten = Result.isFailure(one) ? one : two
    expect(Result.isFailure(beaten) && beaten.failure._tag).toBe("Revoked")
    expect(newest(world, "bob")).toMatchObject({ version: 4, revocations: { length: 1 } })
  })
)

it.effect(
  "killed at any commit, a removal is finished with the very bytes that were signed, and no other of that version is ever signed [manifest.publish.1] [manifest.revoke.2]",
  () =>
    Effect.gen(function* () {
      const attempt = (nth: number, when: "before" | "after") =>
        Effect.gen(function* () {
          const { laptop, tablet, world } = yield* household
          yield* World.close(laptop)
          const seen = published(laptop.actor)
          const stop = World.stopAt(laptop.actor, nth, when)
          const first = yield* world.open(laptop.actor)
          yield* World.tick(10)
          const before = stop.commits
          const removing = yield* Effect.forkChild(Effect.result(first.client.revokeDevice(idOf(tablet))))
          yield* World.tick(10)
          const { commits } = stop
          yield* Fiber.interrupt(removing).pipe(Effect.timeoutOption(0), Effect.forkChild)
          yield* World.crash(first)
          return { world, laptop, tablet, seen, before, commits }
        })
      const whole = yield* attempt(Number.MAX_SAFE_INTEGER, "before")
      expect(whole.seen.map(({ version }) => version)).toEqual([4])
      expect(whole.commits - whole.before).toBeGreaterThanOrEqual(2)
      const outcomes = new Set<string>()
      for (let nth = whole.before + 1; nth <= whole.commits; nth++) {
        for (const when of ["before", "after"] as const) {
          const { laptop, seen, tablet, world } = yield* attempt(nth, when)
          const stored = proposed(laptop.actor)
          // Nothing is shown to the relay that is not on the disk first.
          if (stored === undefined && newest(world, "bob").version === 3) expect(seen).toEqual([])
          laptop.actor.intercept = undefined
          const again = yield* world.open(laptop.actor)
          yield* World.tick(20)
          const isDone = newest(world, "bob").version === 4
          outcomes.add(isDone ? "done" : "undone")
          expect(isDone).toBe(stored !== undefined || seen.length > 0)
          if (!isDone) yield* again.client.revokeDevice(idOf(tablet)).pipe(Effect.forkChild)
          yield* World.tick(20)
          expect(newest(world, "bob")).toMatchObject({ version: 4, revocations: { length: 1 } })
          const bytes = new Set(
            [...seen, ...(stored === undefined ? [] : [stored])].map((one) => Bytes.toHex(one.bytes))
          )
          expect(bytes.size).toBe(1)
          expect(proposed(laptop.actor)).toBeUndefined()
          expect(yield* again.client.devices).toMatchObject({ version: 4, pending: undefined })
        }
      }
      expect(outcomes).toEqual(new Set(["done", "undone"]))
    }),
  60_000
)

it.effect("a lost answer is no loss: the same bytes are published again [manifest.publish.1]", () =>
  Effect.gen(function* () {
    const { laptop, tablet, world } = yield* household
    yield* World.close(laptop)
    const seen = published(laptop.actor)
    const count = laptop.actor.spoof!
    let losing = true
    laptop.actor.spoof = (directory) => ({
      ...count({
        ...directory,
        publishManifest: (manifest, certificates) =>
          Effect.andThen(
            directory.publishManifest(manifest, certificates),
            Effect.suspend(() =>
              losing ? Effect.fail(new TransportError({ operation: "publish", cause: new Error("lost") })) : Effect.void
            )
          )
      })
    })
    const again = yield* world.open(laptop.actor)
    yield* World.tick(10)
    expect(yield* Effect.flip(again.client.revokeDevice(idOf(tablet)))).toMatchObject({ _tag: "TransportError" })
    expect(newest(world, "bob").version).toBe(4)
    losing = false
    expect(yield* again.client.revokeDevice(idOf(tablet))).toMatchObject({ version: 4, pending: undefined })
    expect(seen.every(({ hash }) => Bytes.equal(hash, newest(world, "bob").hash))).toBe(true)
    expect(newest(world, "bob").version).toBe(4)
  })
)

it.effect(
  "without a network it is signed, counts here at once, and is published when the network is back [manifest.publish.1] [manifest.revoke.2]",
  () =>
    Effect.gen(function* () {
      const { laptop, tablet, world } = yield* household
      world.network.cut()
      expect(yield* Effect.flip(laptop.client.revokeDevice(idOf(tablet)))).toMatchObject({ _tag: "TransportError" })
      expect(yield* laptop.client.devices).toMatchObject({ version: 3, pending: 4 })
      const sessions = [...laptop.actor.disk.snapshot().records].filter(
        ([key, { value }]) => key.startsWith("session/") && Bytes.toHex(value).includes(idOf(tablet))
      )
      expect(sessions).toEqual([])
      world.network.mend()
      yield* World.tick(20)
      expect(newest(world, "bob").version).toBe(4)
      expect(yield* laptop.client.devices).toMatchObject({ version: 4, pending: undefined })
    })
)

// ---- The removed device

it.effect(
  "a removed device learns it, sends nothing any more, says so, and can still be read [manifest.removed.1]",
  () =>
    Effect.gen(function* () {
      const { alice, laptop, tablet, world } = yield* household
      yield* alice.client.send("bob", "the last one")
      yield* World.tick(10)
      const conversation = yield* tablet.client.conversation("alice")
      yield* laptop.client.revokeDevice(idOf(tablet))
      yield* World.tick(20)
      expect(told(tablet, "Revoked")).toMatchObject([{ version: 4 }])
      const count = world.network.submitted.length
      const revoked = { _tag: "Revoked", version: 4 }
      expect(yield* Effect.flip(tablet.client.send("alice", "still here?"))).toMatchObject(revoked)
      expect(yield* Effect.flip(tablet.client.send("carol", "hello?"))).toMatchObject(revoked)
      expect(yield* Effect.flip(conversation.send("hello?"))).toMatchObject(revoked)
      expect(yield* Effect.flip(conversation.typing(true))).toMatchObject(revoked)
      expect(yield* Effect.flip(conversation.markRead(["00".repeat(16)]))).toMatchObject(revoked)
      expect(yield* Effect.flip(conversation.reset)).toMatchObject(revoked)
      expect(yield* Effect.flip(tablet.client.revokeDevice(idOf(laptop)))).toMatchObject(revoked)
      expect((yield* tablet.client.devices).removed).toMatchObject({ version: 4 })
      yield* World.tick(20)
      expect(world.network.submitted.slice(count)).toEqual([])
      // It is so after a restart too, without asking anybody.
      yield* World.close(tablet)
      world.network.cut("bob")
      const later = yield* world.open(tablet.actor)
      yield* World.tick(20)
      expect(told(later, "Revoked").length).toBe(2)
      expect(yield* Effect.flip(later.client.send("alice", "still here?"))).toMatchObject(revoked)
      expect((yield* later.client.contacts).map(({ user }) => user)).toEqual(["alice"])
      expect([...tablet.actor.disk.snapshot().records.keys()].filter((key) => key.startsWith("outbox/"))).toEqual([])
    })
)

it.effect(
  "a device that was away learns it when it is back: what waited in its outbox fails, what it was sent before is shown [manifest.removed.1]",
  () =>
    Effect.gen(function* () {
      const { alice, laptop, phone, tablet, world } = yield* household
      yield* World.close(tablet)
      world.network.cut("bob")
      const away = yield* world.open(tablet.actor)
      yield* World.tick(5)
      const sent = yield* away.client.send("alice", "never leaves")
      yield* World.close(away)
      world.network.mend("bob")
      yield* World.tick(5)
      yield* laptop.client.revokeDevice(idOf(tablet))
      const count = world.network.submitted.length
      const back = yield* world.open(tablet.actor)
      yield* World.tick(40)
      expect(told(back, "Revoked").length).toBe(1)
      const failed = tablet.actor.events.filter(({ id, state }) => id === sent.id && state === "failed")
      expect(failed.map(({ to }) => to.device).sort()).toEqual([idOf(alice), idOf(laptop), idOf(phone)].sort())
      expect(new Set(failed.map(({ reason }) => reason))).toEqual(new Set(["revoked"]))
      expect(yield* Effect.flip(back.client.send("alice", "?"))).toMatchObject({ _tag: "Revoked" })
      yield* back.client.flush
      const mine = world.network.submitted.slice(count).filter(({ envelope }) => envelope[2] === 1)
      expect(mine).toEqual([])
    })
)

it.effect("the word of a relay alone removes nobody [manifest.removed.1] [manifest.own.1]", () =>
  Effect.gen(function* () {
    const { alice, at, tablet, world } = yield* household
    yield* World.close(tablet)
    const entry = world.network.devices("bob").find(({ id }) => Bytes.toHex(id) === idOf(tablet))!
    entry.revoked = true
    const lied = yield* world.open(tablet.actor)
    yield* World.tick(20)
    expect(told(lied, "Revoked")).toEqual([])
    const { id } = yield* lied.client.send("alice", "waits")
    yield* World.tick(5)
    expect(tablet.actor.events.filter((event) => event.id === id && event.state === "failed")).toEqual([])
    yield* World.close(lied)
    entry.revoked = false
    yield* world.open(tablet.actor)
    yield* World.tick(20)
    expect(World.texts(at.alice).at(-1)).toBe("waits")
    expect(causes(alice)).toEqual([])
  })
)
