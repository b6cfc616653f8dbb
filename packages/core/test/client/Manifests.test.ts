/** Following manifests of others and one's own under a relay that lies: adds devices, keeps manifests back, shows two histories. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../src/base/Bytes.ts"
import type { Warning } from "../../src/client/Api.ts"
import * as Records from "../../src/client/Records.ts"
import * as StoreCustody from "../../src/client/StoreCustody.ts"
import * as Account from "../../src/identity/Account.ts"
import * as Certificate from "../../src/identity/Certificate.ts"
import * as Device from "../../src/identity/Device.ts"
import * as ForkProof from "../../src/identity/ForkProof.ts"
import * as Manifest from "../../src/identity/Manifest.ts"
import * as Bundle from "../../src/agreement/Bundle.ts"
import { StoreError } from "../../src/ports/Store.ts"
import * as World from "./World.ts"

type Told<T extends Warning["_tag"]> = Extract<Warning, { readonly _tag: T }>

const told = <T extends Warning["_tag"]>({ actor }: Pick<World.Process, "actor">, tag: T): ReadonlyArray<Told<T>> =>
  actor.warnings.filter((warning): warning is Told<T> => warning._tag === tag)

/** Everything that is told. */
const causes = ({ actor }: Pick<World.Process, "actor">): ReadonlyArray<string> =>
  actor.warnings.map((warning) => (warning._tag === "Rejected" ? warning.cause : warning._tag))

const verified = (bytes: Uint8Array): Manifest.Manifest => Result.getOrThrow(Manifest.verify(World.crypto, bytes))

/** What a thief of the account key can sign. */
const signedBy = ({ disk }: World.Actor, statement: Manifest.Statement): Manifest.Manifest => {
  const secrets = Result.getOrThrow(Account.decode(disk.snapshot().records.get(StoreCustody.accountKey)!.value))
  const body = Manifest.encodeBody(statement)
  return verified(Manifest.encode(body, World.crypto.ed25519Sign(secrets.identity, Manifest.signingInput(body))))
}

const strange = (actor: World.Actor, addedIn: number): Manifest.ListedDevice => {
  const secrets = {
    signing: actor.entropy.bytes("device.sign", 32),
    agreement: actor.entropy.bytes("device.agree", 32)
  }
  return { ...Device.derive(World.crypto, secrets), role: Device.roles.member, addedIn }
}

const after = (
  owner: World.Actor,
  held: Manifest.Manifest,
  devices: ReadonlyArray<Manifest.ListedDevice> = held.devices,
  issuedAt = held.issuedAt + 1
): Manifest.Manifest =>
  signedBy(owner, {
    account: held.account,
    version: held.version + 1,
    previous: held.hash,
    issuedAt,
    devices: [...devices].sort((a, b) => Bytes.compare(a.device, b.device)),
    revocations: held.revocations
  })

/** What the directory says about one account to one device; the truth where nothing is set. */
interface Lie {
  manifests: ReadonlyArray<Manifest.Manifest> | undefined
  bundle: Uint8Array | undefined
  silent: boolean
  asked: number
}

const lieTo = (actor: World.Actor, user: string, account: () => Uint8Array): Lie => {
  const lie: Lie = { manifests: undefined, bundle: undefined, silent: false, asked: 0 }
  const told = (version: number) => ({
    account: account(),
    manifests: lie.manifests!.slice(version).map((one) => one.bytes)
  })
  actor.spoof = (directory) => ({
    ...directory,
    lookUp: (name) => (name === user && lie.manifests !== undefined ? Effect.succeed(told(0)) : directory.lookUp(name)),
    manifestsAfter: (of, version) => {
      if (!Bytes.equal(of, account())) return directory.manifestsAfter(of, version)
      lie.asked++
      if (lie.silent) return Effect.never
      return lie.manifests === undefined ? directory.manifestsAfter(of, version) : Effect.succeed(told(version))
    },
    bundle: (of, device) => (lie.bundle === undefined ? directory.bundle(of, device) : Effect.succeed(lie.bundle))
  })
  return lie
}

/** Alice, to whom the relay may lie about bob, and bob with a phone that alice does not know of yet. */
const acquainted = Effect.gen(function* () {
  const world = World.make()
  const bob = yield* world.join("bob")
  const account = Bytes.fromHex(bob.client.self.account)!
  const actor = world.actor("alice")
  const lie = lieTo(actor, "bob", () => account)
  yield* world.register(actor)
  const alice = yield* world.open(actor)
  const atAlice = yield* World.collect(alice)
  const atBob = yield* World.collect(bob)
  yield* World.tick(5)
  const talk = Effect.gen(function* () {
    yield* alice.client.send("bob", "1")
    yield* World.tick(10)
    yield* bob.client.send("alice", "2")
    yield* World.tick(10)
  })
  yield* talk
  const addPhone = Effect.gen(function* () {
    const added = World.addDevice(world, bob.actor, "bob/phone", Device.roles.admin)
    yield* world.register(added.actor)
    const phone = yield* world.open(added.actor)
    // Bob's laptop hears of it within the hour.
    yield* World.tick(2, 31 * 60 * 1000)
    return phone
  })
  const manifests = () => world.network.manifests("bob").map(verified)
  return { world, alice, bob, lie, account, atAlice, atBob, addPhone, manifests }
})

// ---- Telling

it.effect(
  "several versions that come at once are told one by one, each once, before the message they came with [manifest.told.1] [manifest.lists.1]",
  () =>
    Effect.gen(function* () {
      const { alice, atAlice, addPhone, bob, manifests, world } = yield* acquainted
      const phone = yield* addPhone
      const { actor } = World.addDevice(world, bob.actor, "bob/tablet")
      yield* world.register(actor)
      yield* World.tick(2, 31 * 60 * 1000)
      yield* bob.client.revokeDevice(phone.client.self.device)
      expect(causes(alice)).toEqual([])
      const [, , tablet] = manifests().map(({ devices, version }) =>
        devices.find(({ addedIn }) => addedIn === version)!
      )
      yield* bob.client.send("alice", "three times changed")
      let seen = 0
      for (let i = 0; i < 30 && World.texts(atAlice).at(-1) !== "three times changed"; i++) {
        yield* World.tick(1)
        seen = told(alice, "DevicesChanged").length
      }
      expect(seen).toBe(3)
      expect(told(alice, "DevicesChanged").map(({ added, removed, version }) => ({ added, removed, version }))).toEqual(
        [
          { version: 2, added: [phone.client.self.device], removed: [] },
          { version: 3, added: [Bytes.toHex(tablet!.device)], removed: [] },
          { version: 4, added: [], removed: [phone.client.self.device] }
        ]
      )
      yield* World.close(alice)
      const again = yield* world.open(alice.actor)
      yield* World.tick(20)
      expect(told(again, "DevicesChanged").length).toBe(3)
      expect([...alice.actor.disk.snapshot().records.keys()].filter((key) => key.startsWith("notice/"))).toEqual([])
    })
)

it.effect("a change that was stored and not told is told after the restart [manifest.told.1] [trust.effect.8]", () =>
  Effect.gen(function* () {
    const { alice, addPhone, bob, world } = yield* acquainted
    const phone = yield* addPhone
    yield* World.close(alice)
    let stopped = false
    alice.actor.intercept = (store) => ({
      ...store,
      commit: (writes) => {
        if (stopped) return Effect.fail(new StoreError({ operation: "commit", cause: new Error("stopped") }))
        stopped = writes.some(({ key, op }) => op === "put" && key.startsWith("notice/"))
        const halt = Effect.fail(new StoreError({ operation: "commit", cause: new Error("stopped") }))
        return stopped ? Effect.andThen(store.commit(writes), halt) : store.commit(writes)
      }
    })
    const doomed = yield* world.open(alice.actor)
    yield* World.tick(5)
    yield* bob.client.send("alice", "with the phone")
    yield* World.tick(10)
    expect([stopped, told(doomed, "DevicesChanged")]).toEqual([true, []])
    yield* World.crash(doomed)
    alice.actor.intercept = undefined
    const again = yield* world.open(alice.actor)
    yield* World.tick(20)
    const decisions = [
      { event: "device-added", device: phone.client.self.device, decision: "allow", rule: "default.allow" }
    ]
    expect(told(again, "DevicesChanged")).toMatchObject([{ version: 2, added: [phone.client.self.device], decisions }])
    expect(causes(again)).toEqual(["DevicesChanged"])
    expect(World.texts(yield* World.receive(again, 1))).toEqual(["with the phone"])
  })
)

// ---- Kept back

it.effect(
  "a manifest that the relay keeps back: the message is shown, with one warning, and the relay is asked once a minute [manifest.lists.1] [manifest.own.2]",
  () =>
    Effect.gen(function* () {
      const { alice, atAlice, addPhone, bob, lie, manifests } = yield* acquainted
      lie.manifests = manifests().slice(0, 1)
      const phone = yield* addPhone
      const before = lie.asked
      for (const text of ["3", "4", "5"]) {
        yield* bob.client.send("alice", text)
        yield* World.tick(10)
      }
      expect(World.texts(atAlice).slice(-3)).toEqual(["3", "4", "5"])
      expect(causes(alice)).toEqual(["lookup.manifest-gap"])
      expect(lie.asked - before).toBe(1)
      // It goes on doing so, and is asked again after a minute, without another warning.
      yield* World.tick(2, 40_000)
      yield* bob.client.send("alice", "6")
      yield* World.tick(10)
      expect([lie.asked - before, causes(alice)]).toEqual([2, ["lookup.manifest-gap"]])
      lie.manifests = undefined
      yield* World.tick(2, 40_000)
      yield* bob.client.send("alice", "7")
      yield* World.tick(10)
      expect(told(alice, "DevicesChanged")).toMatchObject([{ version: 2, added: [phone.client.self.device] }])
      expect(yield* alice.client.send("bob", "8")).toMatchObject({ devices: 2 })
    })
)

it.effect(
  "a directory that does not answer keeps a message back for five seconds, and no longer [manifest.lists.1]",
  () =>
    Effect.gen(function* () {
      const { atAlice, addPhone, bob, lie } = yield* acquainted
      yield* addPhone
      lie.silent = true
      yield* bob.client.send("alice", "3")
      yield* World.tick(2, 2000)
      expect(World.texts(atAlice)).not.toContain("3")
      yield* World.tick(2, 2000)
      expect(World.texts(atAlice).at(-1)).toBe("3")
    })
)

// ---- Rollback and forks

it.effect(
  "an old manifest in place of the one known is refused and told once [manifest.rollback.1] [manifest.own.2] [proof.keep.1]",
  () =>
    Effect.gen(function* () {
      const { alice, addPhone, bob, lie, manifests, world } = yield* acquainted
      yield* addPhone
      yield* bob.client.send("alice", "3")
      yield* World.tick(10)
      expect(told(alice, "DevicesChanged").length).toBe(1)
      yield* World.close(alice)
      lie.manifests = manifests().slice(0, 1)
      const again = yield* world.open(alice.actor)
      yield* World.tick(10)
      for (let i = 0; i < 2; i++) {
        expect(yield* Effect.flip(again.client.send("bob", "4"))).toMatchObject({
          _tag: "PeerMisbehaved",
          failure: "fresh.rollback"
        })
      }
      yield* World.tick(2)
      expect(causes(again).slice(1)).toEqual(["fresh.rollback"])
      expect(yield* again.client.proofs).toEqual([])
      lie.manifests = undefined
      expect(yield* again.client.send("bob", "5")).toMatchObject({ devices: 2 })
    })
)

it.effect(
  "a second history of a contact is refused; the proof is kept, told once, and checks without anybody [manifest.fork.1] [proof.keep.1] [proof.layout.1] [trust.effect.8]",
  () =>
    Effect.gen(function* () {
      const { alice, account, addPhone, bob, lie, manifests, world } = yield* acquainted
      yield* addPhone
      yield* bob.client.send("alice", "3")
      yield* World.tick(10)
      yield* World.close(alice)
      alice.actor.warnings.length = 0
      const [first, second] = manifests() as [Manifest.Manifest, Manifest.Manifest]
      const other = after(bob.actor, first, [...first.devices, strange(bob.actor, 2)])
      lie.manifests = [first, other, after(bob.actor, other)]
      const again = yield* world.open(alice.actor)
      yield* World.tick(10)
      for (let i = 0; i < 2; i++) {
        expect(yield* Effect.flip(again.client.send("bob", "4"))).toMatchObject({
          _tag: "PeerMisbehaved",
          failure: "auth.fork"
        })
      }
      yield* World.tick(2)
      const [warning, ...more] = told(again, "Forked")
      expect(more).toEqual([])
      expect(causes(again)).toEqual(["Forked"])
      expect(warning).toMatchObject({
        peer: { user: "bob", device: "" },
        decisions: [{ event: "manifest-forked", device: "", decision: "warn", rule: "default.manifest" }]
      })
      const proof = Result.getOrThrow(ForkProof.verify(World.crypto, warning!.proof))
      expect([proof.account, proof.contradiction]).toEqual([account, "version"])
      expect(new Set([proof.first, proof.second].map(({ hash }) => Bytes.toHex(hash)))).toEqual(
        new Set([second, other].map(({ hash }) => Bytes.toHex(hash)))
      )
      const kept = [
        {
          user: "bob",
          account: Bytes.toHex(account),
          versions: [2, 2],
          contradiction: "version",
          bytes: warning!.proof
        }
      ]
      expect(yield* again.client.proofs).toMatchObject(kept)
      yield* World.close(again)
      lie.manifests = undefined
      const later = yield* world.open(alice.actor)
      yield* World.tick(10)
      expect(told(later, "Forked").length).toBe(1)
      expect(yield* later.client.proofs).toMatchObject(kept)
      // Who is refused is the second history, not the contact.
      expect(yield* later.client.send("bob", "5")).toMatchObject({ devices: 2 })
    })
)

it.effect(
  "a second history of the own account, and an old one, are refused and told [manifest.own.1] [manifest.fork.1] [manifest.rollback.1]",
  () =>
    Effect.gen(function* () {
      const { addPhone, bob, manifests, world } = yield* acquainted
      yield* addPhone
      yield* World.close(bob)
      const [first, second] = manifests() as [Manifest.Manifest, Manifest.Manifest]
      bob.actor.warnings.length = 0
      const lie = lieTo(bob.actor, "bob", () => first.account)
      lie.manifests = [first, after(bob.actor, first, [...first.devices, strange(bob.actor, 2)])]
      const again = yield* world.open(bob.actor)
      yield* World.tick(10)
      expect(told(again, "Forked")).toMatchObject([{ peer: { user: "bob", account: again.client.self.account } }])
      expect(yield* again.client.proofs).toMatchObject([
        { account: again.client.self.account, contradiction: "version" }
      ])
      expect((yield* again.client.devices).version).toBe(2)
      lie.manifests = [first]
      yield* World.tick(2, 31 * 60 * 1000)
      expect(causes(again)).toEqual(["Forked", "fresh.rollback"])
      // A version after the one that is known is another matter.
      lie.manifests = undefined
      Result.getOrThrow(world.network.publish("bob", after(bob.actor, second).bytes))
      yield* World.tick(2, 31 * 60 * 1000)
      expect((yield* again.client.devices).version).toBe(3)
      expect(causes(again)).toEqual(["Forked", "fresh.rollback"])
    })
)

// ---- Devices that the relay would like to add

it.effect(
  "the relay cannot list a device: a manifest that the account did not sign is nothing [manifest.check.1]",
  () =>
    Effect.gen(function* () {
      const { alice, bob, lie, manifests, world } = yield* acquainted
      const [first] = manifests() as [Manifest.Manifest]
      yield* World.close(alice)
      const mallory = yield* world.join("mallory")
      const body = Manifest.encodeBody({
        ...first,
        version: 2,
        previous: first.hash,
        devices: [...first.devices, strange(mallory.actor, 2)].sort((a, b) => Bytes.compare(a.device, b.device))
      })
      const secrets = Result.getOrThrow(
        Account.decode(mallory.actor.disk.snapshot().records.get(StoreCustody.accountKey)!.value)
      )
      const bytes = Manifest.encode(body, World.crypto.ed25519Sign(secrets.identity, Manifest.signingInput(body)))
      lie.manifests = [first, { ...first, bytes }]
      const again = yield* world.open(alice.actor)
      yield* World.tick(10)
      const count = world.network.submitted.length
      expect(yield* Effect.flip(again.client.send("bob", "for whom?"))).toMatchObject({
        _tag: "PeerMisbehaved",
        failure: "auth.account"
      })
      yield* World.tick(10)
      expect(world.network.submitted.slice(count)).toEqual([])
      expect(bob.actor.warnings).toEqual([])
    })
)

it.effect(
  "the bundle of a device that the manifest does not list is not used [prekey.check.2] [manifest.device.2] [manifest.revoke.2]",
  () =>
    Effect.gen(function* () {
      const { account, addPhone, bob, lie, world } = yield* acquainted
      const mallory = yield* world.join("mallory")
      const phone = yield* addPhone
      yield* World.tick(5)
      const bundles: Array<Uint8Array> = []
      const carol = world.actor("carol")
      carol.spoof = (directory) => ({
        ...directory,
        bundle: (of, device) =>
          Effect.tap(directory.bundle(of, device), (bytes) => Effect.sync(() => bundles.push(bytes)))
      })
      yield* world.register(carol)
      const atCarol = yield* world.open(carol)
      yield* World.tick(5)
      yield* atCarol.client.send("bob", "hello")
      yield* atCarol.client.send("mallory", "hello")
      yield* World.tick(10)
      expect(bundles.length).toBe(3)
      const deviceOf = (bytes: Uint8Array): string => {
        const { certificate } = Result.getOrThrow(Bundle.decode(bytes))
        return Bytes.toHex(Result.getOrThrow(Certificate.decode(certificate)).device)
      }
      const of = (process: World.Process) => bundles.find((bytes) => deviceOf(bytes) === process.client.self.device)!
      // Made up by the relay: bob's account and a device of its own, certified by itself.
      const own = strange(mallory.actor, 1)
      const statement = { account, device: own.device, agreement: own.agreement, role: own.role, manifestVersion: 1 }
      const forged = Bundle.encode({
        ...Result.getOrThrow(Bundle.decode(of(mallory))),
        certificate: Certificate.encode(statement, new Uint8Array(64).fill(7))
      })
      yield* bob.client.revokeDevice(phone.client.self.device)
      const dave = world.actor("dave")
      const lieToDave = lieTo(dave, "bob", () => account)
      yield* world.register(dave)
      const atDave = yield* world.open(dave)
      yield* World.tick(5)
      const count = world.network.submitted.length
      for (const [bundle, failure] of [
        [of(mallory), "auth.account"],
        [of(phone), "auth.account"],
        [forged, "auth.certificate"]
      ] as const) {
        lieToDave.bundle = bundle
        const refused = yield* Effect.flip(atDave.client.send("bob", "for whom?"))
        expect([refused._tag, "failure" in refused ? refused.failure : ""]).toEqual(["PeerMisbehaved", failure])
      }
      yield* World.tick(10)
      expect(world.network.submitted.slice(count)).toEqual([])
      lieToDave.bundle = undefined
      expect(yield* atDave.client.send("bob", "hello")).toMatchObject({ devices: 1 })
      expect(lie.bundle).toBeUndefined()
    })
)

it.effect(
  "a relay with the account's key shows two histories: both sides are told of the devices they see, and the first that is shown the other has the proof [manifest.fork.1] [proof.keep.1] [manifest.told.1]",
  () =>
    Effect.gen(function* () {
      const { alice, account, bob, lie, manifests, world } = yield* acquainted
      const carolActor = world.actor("carol")
      const lieToCarol = lieTo(carolActor, "bob", () => account)
      yield* world.register(carolActor)
      const carol = yield* world.open(carolActor)
      yield* World.tick(5)
      yield* carol.client.send("bob", "hello")
      yield* World.tick(10)
      const [first] = manifests() as [Manifest.Manifest]
      const [one, two] = [strange(bob.actor, 2), strange(bob.actor, 2)]
      lie.manifests = [first, after(bob.actor, first, [...first.devices, one], 1)]
      lieToCarol.manifests = [first, after(bob.actor, first, [...first.devices, two], 2)]
      for (const process of [alice, carol]) yield* World.close(process)
      const again = [yield* world.open(alice.actor), yield* world.open(carolActor)] as const
      yield* World.tick(10)
      for (const process of again) {
        yield* process.client.send("bob", "?")
        yield* World.tick(5)
      }
      // Neither sees a device appear without being told.
      expect(told(again[0], "DevicesChanged")).toMatchObject([{ added: [Bytes.toHex(one.device)] }])
      expect(told(again[1], "DevicesChanged")).toMatchObject([{ added: [Bytes.toHex(two.device)] }])
      expect([...told(again[0], "Forked"), ...told(again[1], "Forked")]).toEqual([])
      yield* World.close(again[1])
      lieToCarol.manifests = lie.manifests
      const later = yield* world.open(carolActor)
      yield* World.tick(10)
      yield* Effect.ignore(later.client.send("bob", "?"))
      yield* World.tick(5)
      const [{ proof }] = told(later, "Forked") as [Told<"Forked">]
      expect(Result.getOrThrow(ForkProof.verify(World.crypto, proof))).toMatchObject({
        account,
        contradiction: "version"
      })
    })
)

it.effect("a stored proof that does not check stops the opening [state.corrupt.1]", () =>
  Effect.gen(function* () {
    const { alice, world } = yield* acquainted
    yield* World.close(alice)
    const snapshot = alice.actor.disk.snapshot()
    const records = new Map(snapshot.records)
    const value = Records.Proof.encode({ version: 1, at: 1, told: 0, proof: Uint8Array.of(1) })
    records.set("proof/00", { key: "proof/00", value, revision: snapshot.revision })
    alice.actor.disk.restore({ ...snapshot, records })
    expect(yield* Effect.flip(world.open(alice.actor))).toMatchObject({ _tag: "StoredRecordError", kind: "proof" })
  })
)

// ---- The history of the own manifest

it.effect("a device shows every version of its own manifest, checked against what it holds [manifest.own.3]", () =>
  Effect.gen(function* () {
    const { addPhone, bob, manifests, world } = yield* acquainted
    const phone = yield* addPhone
    yield* bob.client.revokeDevice(phone.client.self.device)
    const { device } = bob.client.self
    const signed = manifests()
    const shown = yield* bob.client.deviceVersions
    expect(shown).toEqual([
      { version: 1, issuedAt: signed[0]!.issuedAt, added: [device], removed: [] },
      { version: 2, issuedAt: signed[1]!.issuedAt, added: [phone.client.self.device], removed: [] },
      { version: 3, issuedAt: signed[2]!.issuedAt, added: [], removed: [phone.client.self.device] }
    ])
    const lie = lieTo(bob.actor, "bob", () => Bytes.fromHex(bob.client.self.account)!)
    yield* World.close(bob)
    const again = yield* world.open(bob.actor)
    yield* World.tick(5)
    lie.manifests = signed.slice(0, 2)
    expect(yield* Effect.flip(again.client.deviceVersions)).toMatchObject({ failure: "fresh.rollback" })
    const other = after(bob.actor, signed[1]!, signed[1]!.devices, 77)
    lie.manifests = [signed[0]!, signed[1]!, other]
    expect(yield* Effect.flip(again.client.deviceVersions)).toMatchObject({ failure: "auth.fork" })
    yield* World.tick(5)
    expect(causes(again)).toEqual(expect.arrayContaining(["fresh.rollback", "Forked"]))
    expect((yield* again.client.proofs).map(({ versions }) => versions)).toEqual([[3, 3]])
    lie.manifests = undefined
    expect(yield* again.client.deviceVersions).toEqual(shown)
  })
)
