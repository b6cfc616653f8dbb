/** What one device of a person decides about contacts, the others know: accepted identities, verified contacts, verification taken back. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Bytes from "../../src/base/Bytes.ts"
import { add, type Seen, two, watch } from "./Household.ts"
import * as World from "./World.ts"

const contactOf = ({ process }: Seen, user: string) =>
  Effect.map(process.client.contacts, (contacts) => contacts.find((contact) => contact.user === user))

/** Bob's name goes to Robert's account, who writes under it. Alice's first device is opened again, so that it asks for the name anew. */
const usurped = Effect.gen(function* () {
  const { alice, bob, world } = yield* two(2, 1)
  yield* alice[0]!.process.client.send("bob", "1")
  yield* World.tick(30)
  const actor = world.actor("robert")
  yield* world.register(actor)
  const other = yield* world.open(actor)
  yield* World.tick(5)
  World.rename(actor, "bob")
  yield* World.close(other)
  const robert = yield* world.open(actor)
  world.network.pretend("bob", {
    account: Bytes.fromHex(robert.client.self.account)!,
    manifests: world.network.manifests("robert")
  })
  yield* robert.client.send("alice", "it is me")
  yield* World.tick(30)
  return { world, alice, bob, robert }
})

const textsOf = (seen: ReadonlyArray<Seen>): ReadonlyArray<string> => [
  ...new Set(seen.flatMap(({ messages }) => World.texts(messages)))
]

/** Alice's first device is killed at a commit while it accepts; `accept` says how it does. */
const killedAccepting = (
  nth: number,
  when: "before" | "after",
  accept: (process: World.Process, robert: World.Process) => Effect.Effect<unknown, unknown>
) =>
  Effect.gen(function* () {
    const { alice, robert, world } = yield* usurped
    const { actor } = alice[0]!.process
    yield* World.close(alice[0]!.process)
    const shown: Array<Seen> = []
    const open = Effect.gen(function* () {
      const opened = yield* Effect.exit(world.open(actor))
      if (Exit.isSuccess(opened)) shown.push(yield* watch(opened.value))
      return Exit.isSuccess(opened)
    })
    yield* open
    yield* World.tick(20)
    expect(yield* Effect.flip(shown[0]!.process.client.send("bob", "2"))).toMatchObject({ _tag: "IdentityChanged" })
    yield* World.close(shown[0]!.process)
    yield* open
    yield* World.tick(20)
    const stop = World.stopAt(actor, nth, when)
    // The store of this process is the one before; the next one has the stop.
    yield* World.crash(shown.at(-1)!.process)
    const isOpen = yield* open
    if (isOpen) yield* Effect.forkChild(Effect.exit(accept(shown.at(-1)!.process, robert)))
    yield* World.tick(20)
    if (stop.reached) {
      if (isOpen) yield* World.crash(shown.at(-1)!.process)
      else actor.disk.crash()
      actor.intercept = undefined
      yield* open
      yield* World.tick(10)
      // The person sees what is, and decides again only where nothing was decided.
      if ((yield* contactOf(shown.at(-1)!, "bob"))?.state === "identity-changed") {
        yield* accept(shown.at(-1)!.process, robert)
      }
    }
    yield* World.tick(60)
    const name = `${when} commit ${nth}`
    const account = robert.client.self.account
    for (const seen of [shown.at(-1)!, alice[1]!]) {
      expect([name, yield* contactOf(seen, "bob")]).toMatchObject([name, { account, state: "pinned" }])
    }
    expect([name, textsOf(shown), textsOf([alice[1]!])]).toEqual([name, ["it is me"], ["it is me"]])
    const told = alice[1]!.synced.filter((item) => item.type === "contact" && item.account === account)
    expect([name, told.length > 0]).toEqual([name, true])
    const verified = [...shown.slice(-1), alice[1]!].map((seen) => contactOf(seen, "bob"))
    return { reached: stop.reached, verified: (yield* Effect.all(verified)).map((contact) => contact?.verified) }
  })

const ways = {
  "an accepted identity": (process: World.Process, robert: World.Process) =>
    process.client.acceptIdentity("bob", robert.client.self.account),
  "an identity that was verified": (process: World.Process, robert: World.Process) =>
    Effect.flatMap(robert.client.trust.safety("alice"), ({ code }) => process.client.trust.verify("bob", { code }))
} as const

for (const when of ["before", "after"] as const) {
  for (const [name, accept] of Object.entries(ways)) {
    it.effect(
      `a device killed ${when} every commit in which it takes ${name} has told its other devices, or not accepted [own.contact.1] [own.contact.3] [trust.verify.4] [state.commit.1]`,
      () =>
        Effect.gen(function* () {
          let nth = 1
          for (;;) {
            const { reached, verified } = yield* Effect.scoped(killedAccepting(nth, when, accept))
            const isVerified = name !== "an accepted identity"
            expect([nth, verified]).toEqual([nth, [isVerified, isVerified]])
            if (!reached) break
            nth++
          }
          expect(nth).toBeGreaterThan(3)
        }),
      180_000
    )
  }
}

// ---- Verified, and taken back

const isVerified = (seen: Seen) => Effect.map(contactOf(seen, "bob"), (contact) => contact?.verified)
const verify = ({ process }: Seen, bob: Seen) =>
  Effect.flatMap(bob.process.client.trust.safety("alice"), ({ digits }) =>
    process.client.trust.verify("bob", { digits })
  )
const unverify = ({ process }: Seen) => process.client.trust.unverify("bob")
const told = ({ synced }: Seen): ReadonlyArray<boolean> =>
  synced.flatMap((item) => (item.type === "verified" ? [item.verified !== undefined] : []))

const verified = Effect.gen(function* () {
  const { alice, bob, world } = yield* two(3, 1)
  yield* alice[0]!.process.client.send("bob", "1")
  yield* bob[0]!.process.client.send("alice", "2")
  yield* World.tick(30)
  yield* verify(alice[0]!, bob[0]!)
  yield* World.tick(30)
  expect(yield* Effect.forEach(alice, isVerified)).toEqual([true, true, true])
  return { world, alice, bob: bob[0]! }
})

it.effect(
  "verification that is taken back on one device is taken back on all, and on those that join [trust.verify.6] [trust.verify.7]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* verified
      yield* unverify(alice[1]!)
      yield* World.tick(30)
      // Also where it was compared.
      expect(yield* Effect.forEach(alice, isVerified)).toEqual([false, false, false])
      expect(alice.map(told)).toEqual([[false], [], [false]])
      const [{ process }] = alice as [Seen]
      yield* World.close(process)
      const back = yield* watch(yield* world.open(process.actor))
      expect(yield* isVerified(back)).toBe(false)
      const fourth = yield* add(world, process, "alice/4")
      yield* World.tick(60)
      expect(yield* isVerified(fourth)).toBe(false)
      // Verified anew, once bob knows the same devices, it is so everywhere.
      yield* fourth.process.client.send({ account: bob.process.client.self.account }, "3")
      yield* World.tick(30)
      yield* verify(fourth, bob)
      yield* World.tick(30)
      const all = [back, ...alice.slice(1), fourth]
      expect(yield* Effect.forEach(all, isVerified)).toEqual([true, true, true, true])
      expect((yield* back.process.client.trust.safety("bob")).verified).toMatchObject({
        by: "own-device",
        unchanged: true
      })
      expect((yield* fourth.process.client.trust.safety("bob")).verified).toMatchObject({
        by: "digits",
        unchanged: true
      })
    })
)

it.effect(
  "verified and taken back at once: one of both stands, the same on all [trust.verify.6] [own.register.2]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, world } = yield* verified
      const outcomes = new Set<boolean | undefined>()
      for (let round = 0; round < 4; round++) {
        world.network.cut("alice")
        // Who decides later by its clock wins; at one time, the higher device.
        const steps = [unverify(alice[round % 3]!), verify(alice[(round + 1) % 3]!, bob)]
        for (const step of round % 2 === 0 ? steps : steps.reverse()) {
          yield* step
          if (round > 1) yield* World.tick(1)
        }
        world.network.mend("alice")
        yield* World.tick(60)
        const now = yield* Effect.forEach(alice, isVerified)
        expect([round, now]).toEqual([round, [now[0], now[0], now[0]]])
        outcomes.add(now[0])
      }
      expect(outcomes.size).toBe(2)
    })
)

it.effect(
  "a device restored from before it heard does not bring verification back, and is told [trust.verify.6] [own.greet.2]",
  () =>
    Effect.gen(function* () {
      const { alice, world } = yield* verified
      const [desk, phone] = alice as [Seen, Seen]
      yield* World.close(phone.process)
      const copy = phone.process.actor.disk.snapshot()
      const later = yield* watch(yield* world.open(phone.process.actor))
      yield* World.tick(30)
      yield* unverify(desk)
      yield* World.tick(30)
      expect(yield* isVerified(later)).toBe(false)
      yield* World.close(later.process)
      phone.process.actor.disk.restore(copy)
      const back = yield* watch(yield* world.open(phone.process.actor))
      expect(yield* isVerified(back)).toBe(true)
      yield* World.tick(100)
      expect(yield* Effect.forEach([desk, back, alice[2]!], isVerified)).toEqual([false, false, false])
    })
)

it.effect("taking back what never was verified changes nothing and lasts [trust.verify.6]", () =>
  Effect.gen(function* () {
    const { alice, bob } = yield* two(2, 1)
    yield* alice[0]!.process.client.send("bob", "1")
    yield* bob[0]!.process.client.send("alice", "2")
    yield* World.tick(30)
    yield* unverify(alice[1]!)
    yield* World.tick(30)
    expect(yield* Effect.forEach(alice, isVerified)).toEqual([false, false])
    expect(alice.map(told)).toEqual([[], []])
    yield* verify(alice[0]!, bob[0]!)
    yield* World.tick(30)
    expect(yield* Effect.forEach(alice, isVerified)).toEqual([true, true])
  })
)
