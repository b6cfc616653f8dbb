/**
 * The contract of the Directory port as tests, for everybody who writes an adapter.
 *
 * Spec: docs/spec/14-relay.md §14.2, §14.3; the port is ports/Directory.ts.
 * Brings no test runner along: the caller hands in `describe`, `it` and `expect` (vitest's fit as they are).
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Bundle from "../agreement/Bundle.ts"
import * as Bytes from "../base/Bytes.ts"
import * as Canonical from "../codec/Canonical.ts"
import * as Manifest from "../identity/Manifest.ts"
import type { DirectoryEntry } from "../ports/Directory.ts"
import * as FixtureAccount from "./FixtureAccount.ts"
import {
  join,
  joinDevice,
  type MakePlace,
  type Member,
  outcome,
  refusal,
  type RelayContractOptions,
  type RelayPlace,
  station,
  testsOn
} from "./RelayPlace.ts"

/** Registers the suite. A network is made for every test. */
export const directoryContract = (name: string, makePlace: MakePlace, options: RelayContractOptions): void => {
  const { describe, expect } = options
  const { on } = testsOn(makePlace, options)

  /** A member that is logged in and has published `oneTime` prekeys of each kind. */
  const published = (place: RelayPlace, user: string, oneTime: number): Effect.Effect<Member, unknown, Scope.Scope> =>
    Effect.gen(function* () {
      const member = yield* join(place, user)
      yield* member.open()
      yield* member.directory.publishPrekeys(member.fixture.prekeys({ oneTime, oneTimeKem: oneTime }))
      return member
    })

  const bundle = (place: RelayPlace, asker: Member, of: Member) =>
    Effect.map(asker.directory.bundle(of.fixture.account, of.fixture.device), (bytes) =>
      Result.getOrThrow(Bundle.check(place.crypto, bytes, of.fixture.account))
    )

  const sameBytes = (a: ReadonlyArray<Uint8Array>, b: ReadonlyArray<Uint8Array>): boolean =>
    a.length === b.length && a.every((bytes, i) => Bytes.equal(bytes, b[i]!))

  describe(`directory contract: ${name}`, () => {
    describe("registration", () => {
      on("a registered name answers with its account and manifests [relay.directory.1]", function* (place) {
        const alice = yield* join(place, "alice")
        const bob = yield* join(place, "bob")
        const entry: DirectoryEntry = yield* bob.directory.lookUp("alice")
        expect(Bytes.equal(entry.account, alice.account.account)).toEqual(true)
        expect(sameBytes(entry.manifests, alice.account.manifests)).toEqual(true)
      })

      on("an unknown name, and one that can be none, is unknown-user [relay.directory.1]", function* (place) {
        const alice = yield* join(place, "alice")
        for (const user of ["bob", "Alice", "alice ", "", "x".repeat(65), "ü", "a/b"]) {
          expect(yield* outcome(alice.directory.lookUp(user))).toEqual("unknown-user")
        }
        expect(yield* outcome(alice.directory.manifestsAfter(new Uint8Array(32), 0))).toEqual("unknown-user")
      })

      on("a wrong, foreign or used password registers nobody [relay.register.1] [relay.register.2]", function* (place) {
        const account = FixtureAccount.makeAccount(place.crypto, "carol")
        const carol = yield* station(place, account.addDevice())
        const register = (user: string, password: string) =>
          outcome(carol.directory.register(FixtureAccount.registration(account, carol.fixture, user, password)))
        const password: string = yield* place.invite("carol")
        expect(yield* register("carol", "AAAA-AAAA-AAAA-AAAA-AAAA")).toEqual("bad-password")
        expect(yield* register("dave", password)).toEqual("bad-password")
        expect(yield* outcome(carol.directory.lookUp("carol"))).toEqual("unknown-user")
        expect(yield* register("carol", password)).toEqual("success")
        const other = FixtureAccount.makeAccount(place.crypto, "other")
        const thief = yield* station(place, other.addDevice())
        const stolen = FixtureAccount.registration(other, thief.fixture, "carol", password)
        expect(yield* outcome(thief.directory.register(stolen))).toEqual("bad-password")
      })

      on("a registration whose answer was lost may be repeated [relay.register.4]", function* (place) {
        const account = FixtureAccount.makeAccount(place.crypto, "carol")
        const carol = yield* station(place, account.addDevice())
        const password: string = yield* place.invite("carol")
        const registration = FixtureAccount.registration(account, carol.fixture, "carol", password)
        yield* carol.directory.register(registration)
        yield* carol.directory.register(registration)
        yield* carol.open()
        const moved = { ...registration, mailbox: new Uint8Array(16).fill(3) }
        expect(yield* outcome(carol.directory.register(moved))).toEqual("bad-password")
      })

      on("a name stays with its account [relay.register.3]", function* (place) {
        yield* join(place, "alice")
        const account = FixtureAccount.makeAccount(place.crypto, "impostor")
        const impostor = yield* station(place, account.addDevice())
        const password: string = yield* place.invite("alice")
        const claim = FixtureAccount.registration(account, impostor.fixture, "alice", password)
        expect(yield* outcome(impostor.directory.register(claim))).toEqual("name-taken")
      })

      on("a mailbox belongs to one device [relay.register.2]", function* (place) {
        const alice = yield* join(place, "alice")
        const account = FixtureAccount.makeAccount(place.crypto, "bob")
        const bob = yield* station(place, account.addDevice())
        const password: string = yield* place.invite("bob")
        const registration = FixtureAccount.registration(account, bob.fixture, "bob", password)
        const squatting = { ...registration, mailbox: alice.fixture.mailbox }
        expect(yield* outcome(bob.directory.register(squatting))).toEqual("name-taken")
        expect(yield* outcome(bob.directory.register(registration))).toEqual("success")
      })

      on("a refused registration uses nothing up [relay.register.2]", function* (place) {
        const account = FixtureAccount.makeAccount(place.crypto, "bob")
        const bob = yield* station(place, account.addDevice())
        const password: string = yield* place.invite("bob")
        const good = FixtureAccount.registration(account, bob.fixture, "bob", password)
        const foreign = FixtureAccount.makeAccount(place.crypto, "foreign").addDevice()
        const forged = good.manifest.slice()
        forged[forged.length - 1]! ^= 1
        expect(yield* outcome(bob.directory.register({ ...good, manifest: forged }))).toEqual("bad-signature")
        expect(yield* outcome(bob.directory.register({ ...good, manifest: Uint8Array.of(1) }))).toEqual("bad-manifest")
        expect(yield* outcome(bob.directory.register({ ...good, certificate: foreign.certificate }))).toEqual(
          "bad-manifest"
        )
        expect(yield* outcome(bob.directory.register(good))).toEqual("success")
      })

      on(
        "a second device registers with the next manifest, or the one that is held [relay.register.3]",
        function* (place) {
          const alice = yield* join(place, "alice")
          const bob = yield* join(place, "bob")
          yield* joinDevice(place, alice)
          const first: DirectoryEntry = yield* bob.directory.lookUp("alice")
          expect(sameBytes(first.manifests, alice.account.manifests)).toEqual(true)
          yield* alice.open()
          const third = alice.account.addDevice()
          yield* alice.directory.publishManifest(alice.account.newest, [third.certificate])
          const tablet = yield* station(place, third)
          const password: string = yield* place.invite("alice")
          yield* tablet.directory.register(FixtureAccount.registration(alice.account, third, "alice", password))
          yield* tablet.open()
          const after: DirectoryEntry = yield* bob.directory.manifestsAfter(alice.account.account, 1)
          expect(sameBytes(after.manifests, alice.account.manifests.slice(1))).toEqual(true)
          const none: DirectoryEntry = yield* bob.directory.manifestsAfter(alice.account.account, 3)
          expect(none.manifests).toEqual([])
        }
      )
    })

    describe("prekeys", () => {
      on("a bundle verifies and names the mailbox [relay.prekeys.3]", function* (place) {
        const alice = yield* published(place, "alice", 3)
        const bob = yield* join(place, "bob")
        const checked = yield* bundle(place, bob, alice)
        expect(Bytes.equal(checked.mailbox, alice.fixture.mailbox)).toEqual(true)
        expect(Bytes.equal(checked.certificate.device, alice.fixture.device)).toEqual(true)
        expect([checked.signedPrekey.id, checked.kemPrekey.oneTime, checked.suites]).toEqual([1, true, [1, 2, 3]])
      })

      on("one-time prekeys are handed out once, to whoever asks at the same time [relay.prekeys.2]", function* (place) {
        const alice = yield* published(place, "alice", 10)
        const bob = yield* join(place, "bob")
        const carol = yield* join(place, "carol")
        const bundles = yield* Effect.forEach(
          [bob, carol, bob, carol, bob, carol, bob, carol, bob, carol],
          (asker) => bundle(place, asker, alice),
          { concurrency: 10 }
        )
        expect(new Set(bundles.map((one) => one.oneTimePrekey?.id)).size).toEqual(10)
        expect(new Set(bundles.map((one) => one.kemPrekey.id)).size).toEqual(10)
        expect(bundles.every((one) => one.kemPrekey.oneTime)).toEqual(true)
        const status = yield* alice.directory.prekeyStatus
        expect([status.oneTime, status.oneTimeKem, status.signedPrekeyId]).toEqual([0, 0, 1])
      })

      on(
        "when they are used up, bundles come with the last-resort key and none of the other [relay.prekeys.2]",
        function* (place) {
          const alice = yield* published(place, "alice", 1)
          const bob = yield* join(place, "bob")
          yield* bundle(place, bob, alice)
          for (let i = 0; i < 2; i++) {
            const last = yield* bundle(place, bob, alice)
            expect([last.oneTimePrekey, last.kemPrekey.oneTime, last.kemPrekey.id]).toEqual([undefined, false, 1])
          }
        }
      )

      on("status counts what is left, and only asking changes nothing [relay.prekeys.1]", function* (place) {
        const alice = yield* join(place, "alice")
        yield* alice.open()
        const before = yield* alice.directory.prekeyStatus
        expect([before.oneTime, before.oneTimeKem, before.signedPrekeyId, before.waiting]).toEqual([0, 0, 0, 0])
        const after = yield* alice.directory.publishPrekeys(alice.fixture.prekeys({ oneTime: 4, oneTimeKem: 2 }))
        expect([after.oneTime, after.oneTimeKem, after.signedPrekeyId]).toEqual([4, 2, 1])
        expect(yield* alice.directory.prekeyStatus).toEqual(after)
      })

      on(
        "a publication with a wrong signature, a used id or too many keys changes nothing [relay.prekeys.1]",
        function* (place) {
          const alice = yield* published(place, "alice", 5)
          const before = yield* alice.directory.prekeyStatus
          const next = alice.fixture.prekeys({ oneTime: 2, oneTimeKem: 2, from: 6 })
          const wrong = { ...next.oneTimeKem[1]!, signature: next.oneTimeKem[0]!.signature }
          const publish = (keys: FixtureAccount.FixturePrekeys) => alice.directory.publishPrekeys(keys)
          expect(yield* outcome(publish({ ...next, oneTimeKem: [next.oneTimeKem[0]!, wrong] }))).toEqual("bad-prekeys")
          // Signed as one kind, published as another.
          expect(yield* outcome(publish({ ...next, lastResortKem: [next.oneTimeKem[0]!] }))).toEqual("bad-prekeys")
          const reused = yield* refusal(
            publish(alice.fixture.prekeys({ oneTime: 1, oneTimeKem: 0, from: 5, again: true }))
          )
          expect(reused.code).toEqual("bad-prekeys")
          expect(Array.from(reused.detail)).toEqual(Array.from(Canonical.encode([1, 1, 5, 5])))
          const many = alice.fixture.prekeys({ oneTime: 96, oneTimeKem: 0, from: 6, again: true })
          expect(yield* outcome(publish(many))).toEqual("bad-prekeys")
          expect(yield* alice.directory.prekeyStatus).toEqual(before)
        }
      )

      on("a publication whose answer was lost may be repeated [relay.prekeys.1]", function* (place) {
        const alice = yield* join(place, "alice")
        yield* alice.open()
        const keys = alice.fixture.prekeys({ oneTime: 3, oneTimeKem: 3 })
        const first = yield* alice.directory.publishPrekeys(keys)
        expect(yield* alice.directory.publishPrekeys(keys)).toEqual(first)
      })

      on("a new signed prekey takes the place of the one before [prekey.rotate.1]", function* (place) {
        const alice = yield* published(place, "alice", 0)
        const bob = yield* join(place, "bob")
        yield* alice.directory.publishPrekeys(alice.fixture.prekeys({ oneTime: 0, oneTimeKem: 0, from: 2 }))
        const checked = yield* bundle(place, bob, alice)
        expect([checked.signedPrekey.id, checked.kemPrekey.id]).toEqual([2, 2])
      })

      on("a device without prekeys, unknown or of another account, has no bundle [relay.prekeys.3]", function* (place) {
        const alice = yield* join(place, "alice")
        const bob = yield* published(place, "bob", 1)
        const early = yield* refusal(bob.directory.bundle(alice.fixture.account, alice.fixture.device))
        expect([early.code, early.retryAfterMs > 0]).toEqual(["unknown-device", true])
        for (const [account, device] of [
          [alice.fixture.account, bob.fixture.device],
          [bob.fixture.account, new Uint8Array(32)]
        ] as const) {
          expect(yield* outcome(alice.directory.bundle(account, device))).toEqual("unknown-device")
        }
      })
    })

    describe("manifests", () => {
      on("takes the next version, and again what it holds [relay.manifest.1] [manifest.update.1]", function* (place) {
        const alice = yield* join(place, "alice")
        const bob = yield* join(place, "bob")
        yield* alice.open()
        const second = alice.account.renew()
        yield* alice.directory.publishManifest(second, [alice.fixture.certificate])
        yield* alice.directory.publishManifest(second, [])
        yield* alice.directory.publishManifest(alice.account.manifests[0]!, [])
        const entry: DirectoryEntry = yield* bob.directory.lookUp("alice")
        expect(sameBytes(entry.manifests, alice.account.manifests)).toEqual(true)
      })

      on(
        "refuses a fork, a gap, a foreign account and a forged signature [relay.manifest.1] [manifest.fork.1]",
        function* (place) {
          const alice = yield* join(place, "alice")
          yield* alice.open()
          const twin = FixtureAccount.makeAccount(place.crypto, "alice")
          twin.addDevice()
          twin.addDevice()
          const fork = twin.newest
          const gap = twin.renew()
          const foreign = FixtureAccount.makeAccount(place.crypto, "mallory")
          foreign.addDevice()
          const second = alice.account.renew()
          const forged = second.slice()
          forged[forged.length - 1]! ^= 1
          const publish = (manifest: Uint8Array) => outcome(alice.directory.publishManifest(manifest, []))
          expect(yield* publish(gap)).toEqual("bad-manifest")
          expect(yield* publish(foreign.newest)).toEqual("bad-manifest")
          expect(yield* publish(forged)).toEqual("bad-signature")
          expect(yield* publish(second)).toEqual("success")
          expect(yield* publish(fork)).toEqual("bad-manifest")
        }
      )

      on("a revoked device has no bundle any more [relay.prekeys.3] [manifest.device.1]", function* (place) {
        const alice = yield* published(place, "alice", 2)
        const bob = yield* join(place, "bob")
        const tablet = yield* joinDevice(place, alice)
        yield* tablet.open()
        yield* tablet.directory.publishPrekeys(tablet.fixture.prekeys({ oneTime: 1, oneTimeKem: 1 }))
        yield* bundle(place, bob, tablet)
        yield* alice.directory.publishManifest(alice.account.revoke(tablet.fixture), [])
        expect(yield* outcome(bundle(place, bob, tablet))).toEqual("unknown-device")
        expect(yield* outcome(bundle(place, bob, alice))).toEqual("success")
      })

      on("a chain longer than one answer comes whole and in order [relay.directory.2]", function* (place) {
        const alice = yield* join(place, "alice")
        const bob = yield* join(place, "bob")
        yield* alice.open()
        // Fifty devices make a manifest of some 4 kB: eighty of them fill more than one frame.
        for (let i = 1; i < 50; i++) {
          alice.account.addDevice()
          yield* alice.directory.publishManifest(alice.account.newest, [])
        }
        for (let i = 0; i < 60; i++) yield* alice.directory.publishManifest(alice.account.renew(), [])
        const entry: DirectoryEntry = yield* bob.directory.lookUp("alice")
        expect(sameBytes(entry.manifests, alice.account.manifests)).toEqual(true)
        const checked = Manifest.update(place.crypto, alice.account.account, undefined, entry.manifests)
        expect(Result.isSuccess(checked) && checked.success.version).toEqual(alice.account.manifests.length)
      })
    })
  })
}
