/** Linking a device over a network in memory: both ends as programs, their outcomes, and what crashes leave. */
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Bytes from "../../src/base/Bytes.ts"
import { Client } from "../../src/client/Client.ts"
import type {
  InviteOptions,
  JoinState,
  LinkDeviceOptions,
  LinkJoin,
  LinkOffer,
  OfferState
} from "../../src/client/LinkApi.ts"
import * as StoreCustody from "../../src/client/StoreCustody.ts"
import * as Manifest from "../../src/identity/Manifest.ts"
import { Crypto, Entropy } from "../../src/ports/Crypto.ts"
import { Slots } from "../../src/ports/Slots.ts"
import { Refused } from "../../src/ports/Transport.ts"
import * as World from "./World.ts"

const relay = "memory://relay"

/** Gathers the states of an end, and answers as a person would. */
const follow = <S extends { readonly _tag: string }>(
  states: Stream.Stream<S>,
  answer: (state: S) => Effect.Effect<unknown, unknown> | undefined
) => {
  const seen: Array<S> = []
  return Effect.map(
    Effect.forkChild(
      Stream.runForEach(states, (state) => {
        seen.push(state)
        const answering = answer(state)
        return answering === undefined ? Effect.void : Effect.ignore(Effect.asVoid(answering))
      })
    ),
    (fiber) => ({ seen, fiber, tags: () => seen.map(({ _tag }) => _tag) })
  )
}

/** What two people with the devices in their hands see of each other's screens. */
interface Screens {
  pin: string
  code: string
  oldDigits: string
  newDigits: string
}

const screens = (): Screens => ({ pin: "", code: "", oldDigits: "", newDigits: "" })

const atOld =
  (see: Screens, offer: LinkOffer) =>
  (state: OfferState): Effect.Effect<unknown, unknown> | undefined => {
    if (state._tag === "ShowPin") see.pin = state.pin
    if (state._tag === "ScanCode") return Effect.suspend(() => offer.scanned(see.code))
    if (state._tag !== "CompareDigits") return undefined
    see.oldDigits = state.digits
    return offer.confirm
  }

const atNew =
  (see: Screens, join: LinkJoin) =>
  (state: JoinState): Effect.Effect<unknown, unknown> | undefined => {
    if (state._tag === "ShowCode") see.code = state.code
    if (state._tag === "AskPin") return Effect.suspend(() => join.typed(see.pin))
    if (state._tag !== "CompareDigits") return undefined
    see.newDigits = state.digits
    return join.confirm
  }

/** Alice with a device that holds her account, and an empty device. */
const scene = Effect.gen(function* () {
  const world = World.make()
  const alice = yield* world.join("alice")
  yield* World.tick(5)
  return { world, alice, tablet: { ...world.actor("tablet"), user: "alice" } }
})

const linking = (
  invite: Partial<InviteOptions> = {},
  device: Partial<LinkDeviceOptions> = {},
  see: Screens = screens()
) =>
  Effect.gen(function* () {
    const { alice, tablet, world } = yield* scene
    const offer = yield* alice.client.link.invite({ relay, ...invite })
    const old = yield* follow(offer.states, atOld(see, offer))
    const { join, scope } = yield* world.link(tablet, { uri: offer.uri, ...device })
    const young = yield* follow(join.states, atNew(see, join))
    yield* World.tick(10)
    return { world, alice, tablet, offer, old, join, young, see, scope }
  })

const devicesOf = ({ client }: World.Process) => Effect.map(client.devices, ({ devices }) => devices)

for (const challenge of ["code", "pin", "fingerprint"] as const) {
  it.effect("a client whose transport has no slots says that it cannot link", () =>
    Effect.gen(function* () {
      const world = World.make()
      const alice = yield* world.join("alice")
      yield* World.close(alice)
      const base = Layer.mergeAll(
        alice.actor.disk.layer,
        Layer.succeed(Crypto, World.crypto),
        Layer.succeed(Entropy, alice.actor.entropy)
      )
      const ports = yield* Layer.build(
        Layer.provideMerge(world.network.layer, Layer.provideMerge(Layer.fresh(StoreCustody.layer), base))
      )
      const layer = Layer.provide(Client.layer(), Layer.succeedContext(Context.omit(Slots)(ports)))
      const client = Context.get(yield* Layer.build(layer), Client)
      expect(yield* Effect.flip(client.link.invite({ relay: "wss://relay.example" }))).toMatchObject({
        _tag: "LinkUnsupported"
      })
      // Everything else works.
      expect((yield* client.devices).devices).toHaveLength(1)
    })
  )

  it.effect(`links a member by ${challenge}, which then sends and receives [link.decide.2] [link.payload.1]`, () =>
    Effect.gen(function* () {
      const { alice, join, offer, old, see, tablet, world, young } = yield* linking(
        { challenges: [challenge] },
        { challenges: [challenge] }
      )
      const linked = yield* join.result
      expect(linked).toMatchObject({ user: "alice", role: "member", account: alice.client.self.account })
      expect(yield* offer.result).toEqual({ device: linked.device, role: "member" })
      expect(old.tags().at(-1)).toBe("Linked")
      expect(young.tags().at(-1)).toBe("Linked")
      expect(see.oldDigits).toBe(see.newDigits)
      expect((yield* devicesOf(alice)).map(({ id, role }) => [id, role])).toContainEqual([linked.device, "member"])
      const bob = yield* world.join("bob")
      const phone = yield* world.open(tablet)
      yield* World.tick(10)
      yield* bob.client.send("alice", "to both")
      yield* World.tick(10)
      expect(World.texts(yield* World.receive(phone, 1))).toEqual(["to both"])
      expect(World.texts(yield* World.receive(alice, 1))).toEqual(["to both"])
      // A member has no account key.
      expect(yield* Effect.flip(phone.client.link.invite({ relay }))).toMatchObject({ _tag: "NotAdmin" })
    })
  )
}

it.effect(
  "an admin that was linked has the account key and links the next device [link.payload.2] [handover.seal.1]",
  () =>
    Effect.gen(function* () {
      const { alice, join, tablet, world } = yield* linking({ role: "admin" })
      expect(yield* join.result).toMatchObject({ role: "admin" })
      const admin = yield* world.open(tablet)
      yield* World.tick(10)
      const see = screens()
      const offer = yield* admin.client.link.invite({ relay, role: "replica", challenges: ["pin"] })
      yield* follow(offer.states, atOld(see, offer))
      const third = { ...world.actor("third"), user: "alice" }
      const { join: joining } = yield* world.link(third, { uri: offer.uri })
      yield* follow(joining.states, atNew(see, joining))
      yield* World.tick(10)
      expect(yield* joining.result).toMatchObject({ role: "replica" })
      expect((yield* devicesOf(admin)).map(({ role }) => role).toSorted()).toEqual(["admin", "admin", "replica"])
      void alice
    })
)

it.effect(
  "three wrong PINs end it, nothing is published, and the PIN is shown three times at most [link.attempt.1]",
  () =>
    Effect.gen(function* () {
      const { alice, tablet, world } = yield* scene
      const offer = yield* alice.client.link.invite({ relay, challenges: ["pin"] })
      const old = yield* follow(offer.states, () => undefined)
      const { join } = yield* world.link(tablet, { uri: offer.uri })
      const young = yield* follow(join.states, (state) => (state._tag === "AskPin" ? join.typed("000000") : undefined))
      yield* World.tick(20)
      expect(yield* Effect.flip(join.result)).toMatchObject({ _tag: "LinkEnded", reason: "attempts", by: "other" })
      expect(yield* Effect.flip(offer.result)).toMatchObject({ _tag: "LinkEnded", reason: "attempts", by: "self" })
      expect(old.tags().filter((tag) => tag === "WrongPin")).toHaveLength(3)
      expect(young.tags().filter((tag) => tag === "AskPin")).toHaveLength(3)
      expect(yield* devicesOf(alice)).toHaveLength(1)
      expect(world.network.manifests("alice")).toHaveLength(1)
      // The store of the new device is as it was: it may try again, with other keys.
      const again = yield* alice.client.link.invite({ relay, challenges: ["pin"] })
      const see = screens()
      yield* follow(again.states, atOld(see, again))
      const second = yield* world.link(tablet, { uri: again.uri })
      yield* follow(second.join.states, atNew(see, second.join))
      yield* World.tick(10)
      expect(yield* second.join.result).toMatchObject({ user: "alice" })
    })
)

it.effect("a PIN that is none is refused and costs no attempt [link.pin.1]", () =>
  Effect.gen(function* () {
    const { alice, tablet, world } = yield* scene
    const offer = yield* alice.client.link.invite({ relay, challenges: ["pin"] })
    const see = screens()
    yield* follow(offer.states, atOld(see, offer))
    const { join } = yield* world.link(tablet, { uri: offer.uri })
    const asked = Deferred.makeUnsafe<void>()
    yield* follow(join.states, (state) => (state._tag === "AskPin" ? Deferred.succeed(asked, undefined) : undefined))
    yield* World.tick(10)
    yield* Deferred.await(asked)
    for (const [typed, cause] of [
      ["12345", "decode.truncated"],
      ["12345a", "decode.value"],
      ["123456789", "decode.trailing"]
    ] as const) {
      expect(yield* Effect.flip(join.typed(typed))).toMatchObject({ _tag: "LinkRefused", cause })
    }
    expect(yield* Effect.flip(join.confirm)).toMatchObject({ cause: "link.state" })
    yield* join.typed(`${see.pin.slice(0, 3)} ${see.pin.slice(3)}`)
    yield* World.tick(10)
    expect(yield* join.result).toMatchObject({ role: "member" })
    expect(yield* Effect.flip(join.typed(see.pin))).toMatchObject({ cause: "link.closed" })
  })
)

it.effect("an invitation expires at both ends, whoever came [invitation.expiry.1] [link.frame.3]", () =>
  Effect.gen(function* () {
    const { alice, tablet, world } = yield* scene
    const offer = yield* alice.client.link.invite({ relay, lifetimeMs: 60_000 })
    const { join } = yield* world.link(tablet, { uri: offer.uri })
    yield* World.tick(10)
    yield* World.tick(2, 60_000)
    expect(yield* Effect.flip(offer.result)).toMatchObject({ reason: "expired" })
    expect(yield* Effect.flip(join.result)).toMatchObject({ reason: "expired" })
    const late = yield* Effect.result(world.link(tablet, { uri: offer.uri }))
    expect(late).toMatchObject({ failure: { _tag: "LinkRefused", cause: "link.expired" } })
    expect(yield* devicesOf(alice)).toHaveLength(1)
  })
)

it.effect("either end can cancel, and the other is told [link.abort.1] [link.abort.2]", () =>
  Effect.gen(function* () {
    const { alice, tablet, world } = yield* scene
    for (const who of ["old", "new"] as const) {
      const offer = yield* alice.client.link.invite({ relay, challenges: ["pin"] })
      const { join } = yield* world.link(tablet, { uri: offer.uri })
      yield* World.tick(10)
      yield* who === "old" ? offer.cancel : join.cancel
      yield* World.tick(10)
      const [old, young] = [yield* Effect.flip(offer.result), yield* Effect.flip(join.result)]
      expect([old, young]).toMatchObject([
        { reason: "cancelled", by: who === "old" ? "self" : "other" },
        { reason: "cancelled", by: who === "old" ? "other" : "self" }
      ])
    }
    const denied = yield* alice.client.link.invite({ relay, challenges: ["fingerprint"] })
    const { join } = yield* world.link(tablet, { uri: denied.uri, challenges: ["fingerprint"] })
    yield* World.tick(10)
    yield* join.deny
    yield* World.tick(10)
    expect(yield* Effect.flip(denied.result)).toMatchObject({ reason: "mismatch", by: "other" })
  })
)

it.effect("who cancels when the device is registered cancels nothing [link.resume.2]", () =>
  Effect.gen(function* () {
    const { alice, tablet, world } = yield* scene
    const see = screens()
    const offer = yield* alice.client.link.invite({ relay, challenges: ["pin"] })
    yield* follow(offer.states, atOld(see, offer))
    const { join } = yield* world.link(tablet, { uri: offer.uri })
    yield* follow(join.states, (state) => (state._tag === "Received" ? join.cancel : atNew(see, join)(state)))
    yield* World.tick(10)
    const linked = yield* join.result
    expect(yield* offer.result).toEqual({ device: linked.device, role: "member" })
    expect(yield* devicesOf(alice)).toHaveLength(2)
  })
)

it.effect(
  "another invitation takes the place of the one before, and one that was used serves nobody [invitation.single.1]",
  () =>
    Effect.gen(function* () {
      const { alice, tablet, world } = yield* scene
      const first = yield* alice.client.link.invite({ relay })
      const offer = yield* alice.client.link.invite({ relay })
      yield* World.tick(5)
      expect(yield* Effect.flip(first.result)).toMatchObject({ reason: "cancelled" })
      yield* world.link(tablet, { uri: offer.uri })
      yield* World.tick(5)
      const stranger = world.actor("stranger")
      expect(yield* Effect.flip(world.link(stranger, { uri: offer.uri }))).toMatchObject({
        _tag: "Refused",
        code: "unknown-slot"
      })
    })
)

it.effect(
  "what is no invitation, or has no challenge in common, is refused before anything is made [link.decide.1]",
  () =>
    Effect.gen(function* () {
      const { alice, tablet, world } = yield* scene
      const offer = yield* alice.client.link.invite({ relay, challenges: ["fingerprint"] })
      for (const wrong of [
        { relay: "" },
        { relay: "x".repeat(256) },
        { relay, challenges: [] },
        { relay, lifetimeMs: 0 },
        { relay, lifetimeMs: Number.NaN }
      ]) {
        expect(yield* Effect.flip(alice.client.link.invite(wrong))).toMatchObject({ reason: "bad-invitation" })
      }
      const refused = (options: LinkDeviceOptions) =>
        Effect.map(Effect.flip(world.link(tablet, options)), (error) => (error as { readonly cause?: string }).cause)
      expect(yield* refused({ uri: offer.uri })).toBe("link.no-challenge")
      expect(yield* refused({ uri: `${offer.uri}AAAA` })).toMatch(/^decode\./)
      expect(yield* refused({ uri: "https://example.org/" })).toBe("link.purpose")
      expect(yield* refused({})).toBe("link.purpose")
      expect(tablet.disk.snapshot().records.size).toBe(0)
      expect(yield* Effect.flip(world.link(alice.actor, { uri: offer.uri }))).toMatchObject({
        _tag: "AlreadyRegistered"
      })
    })
)

// ---- A relay that does not leave blobs as they are

/** Changes what the new device posts (`up`) or is given (`down`); each function is told what came before. */
const meddling =
  (
    direction: "up" | "down",
    change: (blob: Uint8Array, at: number, before: ReadonlyArray<Uint8Array>) => ReadonlyArray<Uint8Array>
  ) =>
  (slots: Slots["Service"]): Slots["Service"] => ({
    ...slots,
    join: (place, progress) =>
      Effect.map(slots.join(place, progress), (line) => {
        const seen: Array<Uint8Array> = []
        const pass = (blob: Uint8Array): ReadonlyArray<Uint8Array> => {
          const out = change(blob, seen.length, seen)
          seen.push(blob)
          return out
        }
        return direction === "up"
          ? { ...line, post: (blob) => Effect.forEach(pass(blob), line.post, { discard: true }) }
          : { ...line, received: Stream.flatMap(line.received, (blob) => Stream.fromIterable(pass(blob))) }
      })
  })

const flipped = (blob: Uint8Array): Uint8Array => blob.map((byte, i) => (i === blob.length - 1 ? byte ^ 1 : byte))

const succeeds = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<boolean> =>
  Effect.map(Effect.result(effect), Result.isSuccess)

/** Whether each end thinks it linked, and how many devices the account has in the end. */
const meddled = (meddle: NonNullable<World.Actor["meddle"]>, challenge: "code" | "pin" | "fingerprint") =>
  Effect.gen(function* () {
    yield* TestClock.setTime(1_700_000_000_000)
    const { alice, tablet, world } = yield* scene
    tablet.meddle = meddle
    const see = screens()
    const offer = yield* alice.client.link.invite({ relay, challenges: [challenge] })
    yield* follow(offer.states, atOld(see, offer))
    const { join, scope } = yield* world.link(tablet, { uri: offer.uri, challenges: [challenge] })
    yield* follow(join.states, atNew(see, join))
    const [old, young] = [
      yield* Effect.forkChild(succeeds(offer.result)),
      yield* Effect.forkChild(succeeds(join.result))
    ]
    yield* World.tick(10)
    yield* World.tick(20, 60_000)
    const ends = [old.pollUnsafe(), young.pollUnsafe()].map(
      (exit) => exit !== undefined && Exit.isSuccess(exit) && exit.value
    )
    yield* Scope.close(scope, Exit.void)
    const { devices } = yield* alice.client.devices
    return [...ends, devices.length]
  }).pipe(Effect.scoped)

it.effect(
  "a blob that was changed, exchanged, repeated or held back links nobody, or changes nothing [link.frame.2] [link.keys.2] [link.revoke.1]",
  () =>
    Effect.gen(function* () {
      const ways = {
        changed: (blob: Uint8Array) => [flipped(blob)],
        "held back": () => [],
        repeated: (blob: Uint8Array) => [blob, blob],
        exchanged: (_: Uint8Array, at: number, before: ReadonlyArray<Uint8Array>) => [
          before[at - 1] ?? Uint8Array.of(1)
        ]
      }
      // Of the PIN: hello, reveal, ready, proof, done; answer, share, payload, linked.
      for (const [direction, count] of [
        ["up", 5],
        ["down", 4]
      ] as const) {
        for (let index = 0; index < count; index++) {
          for (const [way, change] of Object.entries(ways)) {
            const outcome = yield* meddled(
              meddling(direction, (blob, at, before) => (at === index ? change(blob, at, before) : [blob])),
              "pin"
            )
            // The last words lost, the directory says what happened; a repetition is passed over.
            const isLast = index === count - 1
            const expected = isLast || way === "repeated" ? [true, true, 2] : [false, false, 1]
            expect(outcome, `${direction} ${index} ${way}`).toEqual(expected)
          }
        }
      }
    }),
  120_000
)

it.effect("a device of somebody else that comes first is not linked, whichever challenge there is [link.ready.1]", () =>
  Effect.gen(function* () {
    for (const challenge of ["code", "pin", "fingerprint"] as const) {
      const { alice, tablet, world } = yield* scene
      const offer = yield* alice.client.link.invite({ relay, challenges: [challenge], lifetimeMs: 60_000 })
      const see = screens()
      // The person looks at both screens before saying anything.
      yield* follow(offer.states, (state) => {
        if (state._tag === "ScanCode") return Effect.suspend(() => offer.scanned(see.code))
        if (state._tag !== "CompareDigits") return undefined
        return see.newDigits === state.digits ? offer.confirm : offer.deny
      })
      const thief = world.actor(`thief of ${challenge}`)
      const { join } = yield* world.link(thief, { uri: offer.uri, challenges: [challenge] })
      yield* follow(join.states, (state) => {
        if (state._tag === "CompareDigits") return join.confirm
        return state._tag === "AskPin" ? join.typed("123456") : undefined
      })
      yield* World.tick(1)
      // The tablet of the person comes too late.
      expect(yield* Effect.flip(world.link(tablet, { uri: offer.uri, challenges: [challenge] }))).toMatchObject({
        code: "unknown-slot"
      })
      yield* World.tick(10)
      yield* World.tick(3, 60_000)
      expect((yield* Effect.flip(join.result))._tag).toBe("LinkEnded")
      expect(["attempts", "mismatch", "expired"]).toContain((yield* Effect.flip(offer.result)).reason)
      expect(yield* devicesOf(alice)).toHaveLength(1)
    }
  })
)

it.effect(
  "a relay of another name than the old device's is refused, and the device is removed again [link.payload.1] [link.revoke.1]",
  () =>
    Effect.gen(function* () {
      const { alice, tablet, world } = yield* scene
      tablet.meddle = (slots) => ({
        ...slots,
        join: (place, progress) => Effect.map(slots.join(place, progress), (line) => ({ ...line, relay: "elsewhere" }))
      })
      const see = screens()
      const offer = yield* alice.client.link.invite({ relay, challenges: ["pin"] })
      yield* follow(offer.states, atOld(see, offer))
      const { join } = yield* world.link(tablet, { uri: offer.uri })
      yield* follow(join.states, atNew(see, join))
      yield* World.tick(10)
      expect(yield* Effect.flip(join.result)).toMatchObject({ reason: "refused", by: "self" })
      expect(yield* Effect.flip(offer.result)).toMatchObject({ reason: "refused", by: "other" })
      const { devices, revoked } = yield* alice.client.devices
      expect([devices.length, revoked.length]).toEqual([1, 1])
      expect([...tablet.disk.snapshot().records.keys()]).toEqual([])
    })
)

it.effect("without a password from the relay nothing is published [link.abort.1] [relay.password.1]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const actor = world.actor("alice")
    const refusal = new Refused({ code: "not-admin", explanation: "", retryAfterMs: 0, detail: Bytes.empty })
    actor.meddle = (slots) => ({ ...slots, issuePassword: Effect.fail(refusal) })
    yield* world.register(actor)
    const alice = yield* world.open(actor)
    yield* World.tick(5)
    const see = screens()
    const offer = yield* alice.client.link.invite({ relay, challenges: ["pin"] })
    yield* follow(offer.states, atOld(see, offer))
    const { join } = yield* world.link(world.actor("tablet"), { uri: offer.uri })
    yield* follow(join.states, atNew(see, join))
    yield* World.tick(10)
    expect(yield* Effect.flip(offer.result)).toMatchObject({ reason: "failed", by: "self" })
    expect(yield* Effect.flip(join.result)).toMatchObject({ reason: "failed", by: "other" })
    expect(world.network.manifests("alice")).toHaveLength(1)
    expect([...actor.disk.snapshot().records.keys()].filter((key) => /^(linking|proposal)/.test(key))).toEqual([])
  })
)

// ---- Killed at every commit

interface Ends {
  readonly world: World.World
  readonly tablet: World.Actor
  alice: World.Process
}

/** One try at linking the tablet: whatever comes of it, nobody waits for ever. */
const attempt = (ends: Ends, isDown: () => boolean = () => false) =>
  Effect.gen(function* () {
    const { tablet, world } = ends
    const see = screens()
    const offering = yield* Effect.result(ends.alice.client.link.invite({ relay, role: "admin", challenges: ["pin"] }))
    if (Result.isFailure(offering)) return false
    const offer = offering.success
    yield* follow(offer.states, atOld(see, offer))
    const joining = yield* Effect.result(world.link(tablet, { uri: offer.uri }))
    if (Result.isFailure(joining)) return false
    const { join, scope } = joining.success
    yield* follow(join.states, atNew(see, join))
    const fiber = yield* Effect.forkChild(Effect.result(join.result))
    for (let i = 0; i < 30 && fiber.pollUnsafe() === undefined && !isDown(); i++) yield* World.tick(1)
    const done = fiber.pollUnsafe() === undefined ? undefined : yield* Fiber.join(fiber)
    yield* World.tick(2)
    yield* Scope.close(scope, Exit.void)
    return done !== undefined && Result.isSuccess(done)
  })

const killed = (victim: "old" | "new", nth: number, when: "before" | "after") =>
  Effect.gen(function* () {
    yield* TestClock.setTime(1_700_000_000_000)
    const { alice, tablet, world } = yield* scene
    yield* World.close(alice)
    const actor = victim === "old" ? alice.actor : tablet
    const stop = World.stopAt(actor, nth, when)
    const opening = yield* Effect.forkChild(Effect.result(world.open(alice.actor)))
    for (let i = 0; i < 10 && opening.pollUnsafe() === undefined; i++) yield* World.tick(1)
    const opened = yield* Fiber.join(opening)
    let linked = false
    const isDown = () => stop.reached
    const ends: Ends = { world, tablet, alice: Result.isSuccess(opened) ? opened.success : alice }
    if (Result.isSuccess(opened)) {
      yield* World.tick(4)
      linked = yield* attempt(ends, isDown)
      if (stop.reached && victim === "old") {
        alice.actor.disk.crash()
        yield* Scope.close(ends.alice.scope, Exit.void)
      }
    }
    actor.intercept = undefined
    if (stop.reached) {
      actor.disk.crash()
      if (victim === "old") ends.alice = yield* world.open(alice.actor)
    }
    yield* World.tick(4)
    // The new device goes on by itself where it can; else a person begins anew.
    if (!linked) {
      const going = yield* Effect.result(resumed(ends))
      linked = Result.isSuccess(going) || (going.failure as { readonly _tag: string })._tag === "AlreadyRegistered"
    }
    // Long enough for everything that has a deadline.
    yield* World.tick(20, 60_000)
    if (!linked) linked = yield* attempt(ends)
    const inbox = yield* World.collect(yield* world.open(tablet))
    yield* World.tick(10)
    const bob = yield* world.join("bob")
    yield* bob.client.send("alice", "hello")
    yield* World.tick(10)
    const received = World.texts(inbox)
    const manifests = world.network
      .manifests("alice")
      .map((bytes) => Result.getOrThrow(Manifest.verify(World.crypto, bytes)))
    const newest = manifests.at(-1)!
    const served = world.network.devices("alice").filter(({ revoked }) => !revoked)
    return {
      reached: stop.reached,
      linked,
      received,
      versions: manifests.map(({ version }) => version),
      listed: newest.devices.map(({ device }) => Bytes.toHex(device)).toSorted(),
      served: served.map(({ id }) => Bytes.toHex(id)).toSorted(),
      known: (yield* ends.alice.client.devices).version,
      newest: newest.version,
      left: [...alice.actor.disk.snapshot().records.keys(), ...tablet.disk.snapshot().records.keys()].filter((key) =>
        /^(linking|joining|proposal)/.test(key)
      )
    }
  }).pipe(Effect.scoped)

const resumed = ({ tablet, world }: Ends) => Effect.flatMap(world.link(tablet, {}), ({ join }) => join.result)

for (const victim of ["old", "new"] as const) {
  for (const when of ["before", "after"] as const) {
    it.effect(
      `killed ${when} any commit, the ${victim} device goes on or begins anew: one chain, and no device listed that is not served [link.resume.1] [link.resume.2] [link.revoke.1]`,
      () =>
        Effect.gen(function* () {
          let reached = 0
          for (let nth = 1; ; nth++) {
            const outcome = yield* killed(victim, nth, when)
            const about = `${victim}, commit ${nth}, ${when}`
            expect(outcome.received, about).toEqual(["hello"])
            expect(outcome.linked, about).toBe(true)
            expect(outcome.versions, about).toEqual(outcome.versions.map((_, i) => i + 1))
            expect(outcome.known, about).toBe(outcome.newest)
            expect(outcome.listed, about).toHaveLength(2)
            expect(outcome.listed, about).toEqual(outcome.served)
            expect(outcome.left, about).toEqual([])
            if (!outcome.reached) break
            reached++
          }
          // Something was tried: at least every record this is about.
          expect(reached).toBeGreaterThanOrEqual(victim === "old" ? 5 : 4)
        }),
      120_000
    )
  }
}
