/** What a relay says its administrator removed: what counts as such a word, telling it once through crashes, and a relay that takes it back. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../src/base/Bytes.ts"
import type { Warning } from "../../src/client/Api.ts"
import * as Manifest from "../../src/identity/Manifest.ts"
import * as Removal from "../../src/identity/Removal.ts"
import { Refused } from "../../src/ports/Transport.ts"
import * as World from "./World.ts"

const removals = ({ actor }: Pick<World.Process, "actor">): ReadonlyArray<Warning> =>
  actor.warnings.filter(({ _tag }) => _tag === "RemovedByRelay")

const refusal = (detail: Uint8Array): Refused =>
  new Refused({ code: "removed-by-relay", explanation: "", retryAfterMs: 0, detail })

/** Alice, whose directory may refuse everything about bob, and bob. They have not written to each other. */
const strangers = Effect.gen(function* () {
  const world = World.make()
  const bob = yield* world.join("bob")
  const account = Bytes.fromHex(bob.client.self.account)!
  const word: { detail: Uint8Array | undefined } = { detail: undefined }
  const actor = world.actor("alice")
  const refused = <A, E>(answer: Effect.Effect<A, E>): Effect.Effect<A, E | Refused> =>
    Effect.suspend((): Effect.Effect<A, E | Refused> =>
      word.detail === undefined ? answer : Effect.fail(refusal(word.detail))
    )
  actor.spoof = (directory) => ({
    ...directory,
    lookUp: (user) => (user === "bob" ? refused(directory.lookUp(user)) : directory.lookUp(user)),
    manifestsAfter: (of, version) =>
      Bytes.equal(of, account) ? refused(directory.manifestsAfter(of, version)) : directory.manifestsAfter(of, version),
    bundle: (of, device) =>
      Bytes.equal(of, account) ? refused(directory.bundle(of, device)) : directory.bundle(of, device)
  })
  yield* world.register(actor)
  const [manifest] = world.network.manifests("bob")
  const detail = (removedAt: number, of = account, by = manifest!, device?: Uint8Array) =>
    Removal.encode({ account: of, device, removedAt, manifest: by })
  return { world, actor, bob, account, word, detail, manifest: manifest! }
})

it.effect(
  "the detail names the account that was asked for, with its own manifest, or counts for nothing [relay.remove.5]",
  () =>
    Effect.gen(function* () {
      const { account, actor, bob, detail, manifest, word, world } = yield* strangers
      const other = Bytes.fromHex((yield* world.join("carol")).client.self.account)!
      const [foreign] = world.network.manifests("carol")
      const good = Result.getOrThrow(Removal.verify(World.crypto, detail(7), account))
      expect(good).toMatchObject({ account, device: undefined, removedAt: 7, manifest: { bytes: manifest } })
      const damaged = manifest.slice()
      damaged[damaged.length - 1]! ^= 1
      for (const [bytes, cause] of [
        [detail(7, other), "auth.account"],
        [detail(7, account, foreign), "auth.account"],
        [detail(7, account, damaged), "auth.account"],
        [detail(7, account, manifest, account.slice(1)), "decode.value"],
        [new Uint8Array(0), "decode.truncated"],
        [new Uint8Array(49_249), "decode.size"],
        [Bytes.concat(detail(7), new Uint8Array(1)), "decode.trailing"]
      ] as const) {
        expect(Result.getOrThrow(Result.flip(Removal.verify(World.crypto, bytes, account))).cause).toBe(cause)
      }
      // A client takes such an answer for a refusal: nothing is told, nobody is a contact.
      const alice = yield* world.open(actor)
      yield* World.tick(5)
      word.detail = detail(7, account, damaged)
      expect(yield* Effect.flip(alice.client.send("bob", "?"))).toMatchObject({ _tag: "Refused" })
      expect([removals(alice), yield* alice.client.contacts]).toEqual([[], []])
      expect(bob.client.self.user).toBe("bob")
    })
)

it.effect(
  "of a signature, the time of the removal decides, and what the account revoked itself stays revoked [relay.remove.8]",
  () =>
    Effect.gen(function* () {
      const { account, bob, detail, world } = yield* strangers
      const phone = World.addDevice(world, bob.actor, "bob/phone")
      yield* world.register(phone.actor)
      yield* World.tick(2, 31 * 60 * 1000)
      const listed = Result.getOrThrow(Manifest.verify(World.crypto, world.network.manifests("bob").at(-1)!))
      const lost = listed.devices.find(({ addedIn }) => addedIn === 2)!.device
      yield* bob.client.revokeDevice(Bytes.toHex(lost))
      const laptop = Bytes.fromHex(bob.client.self.device)!
      const newest = world.network.manifests("bob").at(-1)!
      const read = (bytes: Uint8Array) => Result.getOrThrow(Removal.verify(World.crypto, bytes, account))
      const all = read(detail(1_000, account, newest))
      expect([999, 1_000].map((at) => Removal.standing(all, laptop, at))).toEqual(["before", "after"])
      expect(Removal.standing(all, lost, 999)).toBe("revoked")
      expect(Removal.standing(all, account, 999)).toBe("unlisted")
      const one = read(detail(1_000, account, listed.bytes, lost))
      expect([Removal.standing(one, laptop, 2_000), Removal.standing(one, lost, 2_000)]).toEqual(["before", "after"])
    })
)

it.effect("is told once, however often it is said and wherever the client is killed [relay.remove.6]", () =>
  Effect.gen(function* () {
    for (const when of ["before", "after"] as const) {
      const { actor, bob, detail, word, world } = yield* strangers
      const first = yield* world.open(actor)
      yield* World.tick(5)
      yield* first.client.send("bob", "hello")
      yield* World.tick(10)
      yield* World.close(first)
      const stop = World.stopAt(actor, 2, when)
      // The first commit is that of opening; the second one is the notice.
      const doomed = yield* world.open(actor)
      word.detail = detail(7_000)
      yield* Effect.forkScoped(Effect.ignore(doomed.client.send("bob", "?")))
      yield* World.tick(5)
      expect(stop.reached).toBe(true)
      expect(removals(doomed)).toEqual([])
      yield* World.crash(doomed)
      actor.intercept = undefined
      const again = yield* world.open(actor)
      yield* World.tick(5)
      expect(yield* Effect.flip(again.client.send("bob", "?"))).toMatchObject({
        _tag: "RemovedByRelay",
        user: "bob",
        account: bob.client.self.account,
        own: false,
        removedAt: 7_000
      })
      for (let i = 0; i < 3; i++) yield* Effect.flip(again.client.send({ account: bob.client.self.account }, "?"))
      yield* World.tick(5)
      expect(removals(again)).toMatchObject([{ own: false, removedAt: 7_000, peer: { user: "bob", device: "" } }])
      yield* World.close(again)
      const later = yield* world.open(actor)
      yield* World.tick(5)
      yield* Effect.flip(later.client.send("bob", "?"))
      expect(removals(later).length).toBe(1)
      // The relay takes it back: what was refused was not queued, and further messages go.
      word.detail = undefined
      yield* later.client.send("bob", "are you there?")
      yield* World.tick(10)
      const atBob = yield* World.receive(bob, 2)
      expect(World.texts(atBob)).toEqual(["hello", "are you there?"])
      // Said again with the same time, it is no news; with another one, it is.
      word.detail = detail(7_000)
      yield* World.close(later)
      const last = yield* world.open(actor)
      yield* World.tick(5)
      yield* Effect.flip(last.client.send("bob", "?"))
      expect(removals(last).length).toBe(1)
      word.detail = detail(9_000)
      yield* Effect.flip(last.client.send("bob", "?"))
      yield* World.tick(5)
      expect(removals(last)).toMatchObject([{ removedAt: 7_000 }, { removedAt: 9_000 }])
    }
  })
)
