/** What conversations hold in memory: nothing of strangers, and no secrets of what was deleted. */
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Bundle from "../../src/agreement/Bundle.ts"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Conversations from "../../src/client/Conversations.ts"
import * as Loading from "../../src/client/Loading.ts"
import * as Opening from "../../src/client/Opening.ts"
import type { Device, Handle, Opened, WindowEntry } from "../../src/client/Opened.ts"
import * as Receiving from "../../src/client/Receiving.ts"
import * as StoreCustody from "../../src/client/StoreCustody.ts"
import { Crypto, Entropy } from "../../src/ports/Crypto.ts"
import { Directory } from "../../src/ports/Directory.ts"
import { Store } from "../../src/ports/Store.ts"
import * as SkippedKeys from "../../src/ratchet/SkippedKeys.ts"
import * as ReplayWindow from "../../src/sequence/ReplayWindow.ts"
import * as SessionStart from "../../src/session/SessionStart.ts"
import { makeParty } from "../session/support.ts"
import * as World from "./World.ts"

/** A device opened with a view of what it holds. */
const look = (world: World.World, actor: World.Actor) =>
  Effect.gen(function* () {
    const base = Layer.mergeAll(
      actor.disk.layer,
      Layer.succeed(Crypto, World.crypto),
      Layer.succeed(Entropy, actor.entropy)
    )
    const ports = yield* Layer.build(
      Layer.provideMerge(world.network.layer, Layer.provideMerge(Layer.fresh(StoreCustody.layer), base))
    )
    const opened: Opened = yield* Effect.provideContext(Opening.open({}), ports)
    return { opened, directory: Context.get(ports, Directory), store: Context.get(ports, Store) }
  })

it.effect("accounts that a stranger makes up leave nothing in memory or in the store [failure.stage.1]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const actor = world.actor("bob")
    yield* world.register(actor)
    const { directory, opened, store } = yield* look(world, actor)
    yield* World.tick(10)
    const { account, agreement, device } = opened.identity
    const before = (yield* Loading.scanAll(store, "")).length
    for (let i = 0; i < 5; i++) {
      const stranger = makeParty(World.crypto, 100 + i)
      const bytes = yield* directory.bundle(account, device)
      const bundle = Result.getOrThrow(Bundle.check(World.crypto, bytes, account))
      const { session } = Result.getOrThrow(
        SessionStart.begin(World.crypto, {
          suite: 1,
          self: stranger.identity,
          bundle,
          dh1: World.crypto.x25519(stranger.secrets.agreement, bundle.signedPrekey.key),
          ephemeralSecret: stranger.draw(32),
          kemCoins: stranger.draw(32),
          ratchetSecret: stranger.draw(32),
          rank: 1
        })
      )
      // An altered message in a seal that is right: it opens far enough to name an account, and no further.
      const broken = { ...session, ratchet: { ...session.ratchet, sendChain: stranger.draw(32) } }
      const sealed = SessionStart.seal(World.crypto, broken, {
        to: opened.self.mailbox,
        content: Uint8Array.of(1),
        headerNonce: stranger.draw(12),
        ephemeralSecret: stranger.draw(32),
        certificate: stranger.certificate,
        manifestVersion: 1,
        mailbox: stranger.draw(16)
      })
      expect(agreement.length).toBe(32)
      const { envelope } = Result.getOrThrow(sealed)
      yield* Receiving.burst(opened, [{ id: 1000 + i, receivedAt: 0, envelope }])
    }
    yield* World.tick(20)
    expect(opened.warned.size).toBe(5)
    // The own account is there, and nobody else.
    expect([...opened.handles.keys()]).toEqual([opened.hex.account])
    expect([...opened.contacts.keys()]).toEqual([opened.hex.account])
    expect((yield* Loading.scanAll(store, "")).length).toBeLessThanOrEqual(before + 1)
  })
)

it.effect(
  "bursts that come at once, as when what was held is delivered, give every message a place of its own [state.once.1] [state.commit.2]",
  () =>
    Effect.gen(function* () {
      const world = World.make()
      const [alice, carol] = [yield* world.join("alice"), yield* world.join("carol")]
      const actor = world.actor("bob")
      yield* world.register(actor)
      const { opened, store } = yield* look(world, actor)
      yield* World.tick(10)
      world.network.faults({ drop: 1 })
      const count = world.network.submitted.length
      yield* alice.client.send("bob", "from alice")
      yield* carol.client.send("bob", "from carol")
      yield* World.tick(5)
      world.network.faults({ drop: 0 })
      const starts = world.network.submitted.slice(count)
      expect(starts.length).toBe(2)
      const bursts = starts.map(({ envelope }, i) =>
        Receiving.burst(opened, [{ id: 500 + i, receivedAt: 0, envelope }])
      )
      yield* Effect.all(bursts, { concurrency: "unbounded" })
      expect((yield* Loading.scanAll(store, "inbox/")).length).toBe(2)
      expect(opened.received).toBe(2)
    })
)

it.effect("the secrets of a deleted session are erased once it is gone from the store [crypto.erase.1]", () =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = yield* world.join("alice")
    const actor = world.actor("bob")
    yield* world.register(actor)
    const { opened, store } = yield* look(world, actor)
    yield* World.tick(10)
    yield* alice.client.send("bob", "1")
    yield* World.tick(5)
    world.network.faults({ drop: 1 })
    yield* alice.client.send("bob", "2")
    yield* World.tick(5)
    world.network.faults({ drop: 0 })
    yield* alice.client.send("bob", "3")
    yield* World.tick(10)
    const handle = yield* Conversations.get(opened, alice.client.self.account)
    const [device] = handle.devices.values()
    const [entry] = device!.sessions.values()
    const { ratchet } = entry!.session
    const [skipped] = entry!.skipped.oldest(1)
    expect(skipped).toBeDefined()
    const secrets = [
      ratchet.rootKey,
      ratchet.ratchetSecret,
      ratchet.nextSendHeader,
      ratchet.nextReceiveHeader.key,
      ratchet.receiveChain!,
      ratchet.sendChain!,
      skipped!.messageKey
    ]
    expect(secrets.some((bytes) => bytes.every((byte) => byte === 0))).toBe(false)
    expect(opened.tags.size).toBeGreaterThan(0)
    yield* Conversations.withHandle(opened, handle.hex, () =>
      Effect.suspend(() => {
        const work = new Conversations.Work()
        work.handles.add(handle)
        Conversations.dropSessions(opened, work, device!)
        expect(secrets.some((bytes) => bytes.every((byte) => byte === 0))).toBe(false)
        return Conversations.commitWork(opened, work)
      })
    )
    expect(secrets.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true)
    expect(yield* Loading.scanAll(store, "session/")).toEqual([])
    expect(yield* Loading.scanAll(store, "skipped/")).toEqual([])
    expect(opened.tags.size).toBe(0)
    expect(Bytes.toHex(device!.id)).toBe(alice.client.self.device)
    expect(SkippedKeys.isExpired(skipped!, 0)).toBe(false)
  })
)

it("one device numbers messages in a bounded number of conversations, and always in the direct one [sequence.window.3]", () => {
  const handle = { conversation: "direct" } as Handle
  const windows = new Map<string, WindowEntry>()
  const device = { windows } as Device
  const entry = { window: ReplayWindow.empty } as WindowEntry
  for (let i = 0; i < 1024; i++) {
    expect(Conversations.hasRoom(handle, device, `${i}`)).toBe(true)
    windows.set(`${i}`, entry)
  }
  expect(Conversations.hasRoom(handle, device, "one more")).toBe(false)
  expect(Conversations.hasRoom(handle, device, "7")).toBe(true)
  expect(Conversations.hasRoom(handle, device, "direct")).toBe(true)
})
