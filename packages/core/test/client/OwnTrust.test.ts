/** What one device of a person decides about contacts, the others know: accepted identities, verified contacts, verification taken back. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Bytes from "../../src/base/Bytes.ts"
import { type Seen, two, watch } from "./Household.ts"
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
