/** A history that is promised with a linking, wishes that outlive a crash, and what is known of other own devices. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { ArchiveRange } from "../../src/client/history/HistoryApi.ts"
import type { InviteOptions } from "../../src/client/LinkApi.ts"
import * as World from "./World.ts"

const dayMs = 24 * 3600 * 1000
const start = 1_700_000_000_000

/** Alice, who keeps history, with twelve messages from bob, the last of them two days later. */
const talked = Effect.gen(function* () {
  yield* TestClock.setTime(start)
  const world = World.make()
  const alice = yield* world.join("alice", { history: true })
  const bob = yield* world.join("bob")
  yield* World.collect(alice)
  yield* World.tick(5)
  const conversation = yield* bob.client.conversation("alice")
  yield* conversation.sendMany(Array.from({ length: 9 }, (_, i) => `old ${i}`))
  yield* World.tick(20)
  yield* TestClock.setTime(start + 2 * dayMs)
  yield* World.tick(20)
  yield* conversation.sendMany(["new 0", "new 1", "new 2"])
  yield* World.tick(20)
  return { world, alice, conversation: conversation.id }
})

/** Links a tablet of alice's by digits that both confirm; its client is not opened yet. */
const linked = (options: Partial<InviteOptions>) =>
  Effect.gen(function* () {
    const { alice, conversation, world } = yield* talked
    const challenges = ["fingerprint"] as const
    const offer = yield* alice.client.link.invite({ relay: "memory://relay", challenges, ...options })
    const tablet = { ...world.actor("tablet"), user: "alice" }
    const { join } = yield* world.link(tablet, { uri: offer.uri, challenges })
    yield* Effect.forkChild(
      Stream.runForEach(offer.states, (s) => (s._tag === "CompareDigits" ? Effect.ignore(offer.confirm) : Effect.void))
    )
    yield* Effect.forkChild(
      Stream.runForEach(join.states, (s) => (s._tag === "CompareDigits" ? Effect.ignore(join.confirm) : Effect.void))
    )
    yield* World.tick(20)
    const device = yield* join.result
    return { world, alice, tablet, conversation, device }
  })

const count = (process: World.Process, conversation: string) =>
  Effect.map(process.client.history.page({ conversation, limit: 1000 }), ({ entries }) => entries.length)

const chosen: ReadonlyArray<readonly [ArchiveRange, entries: number, beginning: number | undefined]> = [
  [{}, 12, 0],
  [{ since: start + dayMs }, 3, start + dayMs],
  [{ last: 5 }, 5, undefined]
]
for (const [history, entries, beginning] of chosen) {
  it.effect(
    `a device that was linked with ${JSON.stringify(history)} of the history gets that once it keeps one [link.history.1] [link.history.2]`,
    () =>
      Effect.gen(function* () {
        const { alice, conversation, device, tablet, world } = yield* linked({ history })
        expect(device.history).toEqual(history)
        // A client without history is told, and loses nothing of it.
        const first = yield* world.open(tablet)
        expect(yield* first.client.link.promised).toEqual(history)
        yield* World.tick(40)
        yield* World.close(first)
        const opened = yield* world.open(tablet, { history: { takeOffers: false } })
        yield* World.tick(400)
        expect(yield* count(opened, conversation)).toBe(entries)
        expect(yield* opened.client.link.promised).toBeUndefined()
        const { beginning: from } = yield* opened.client.history.status
        expect(from).toBe(beginning ?? from)
        if (entries === 12) {
          expect(yield* opened.client.history.digest()).toBe(yield* alice.client.history.digest())
        }
        const keys = [...tablet.disk.snapshot().records.keys()]
        expect(keys.filter((key) => /^history\/(wish|take)\//.test(key))).toEqual([])
      })
  )
}

it.effect("without a choice nothing of the history is promised, and nothing is asked for [link.history.1]", () =>
  Effect.gen(function* () {
    const { conversation, device, tablet, world } = yield* linked({})
    expect(device.history).toBeUndefined()
    const opened = yield* world.open(tablet, { history: true })
    expect(yield* opened.client.link.promised).toBeUndefined()
    yield* World.tick(400)
    expect(yield* count(opened, conversation)).toBe(0)
  })
)

it.effect("only what can be given is promised [link.history.1]", () =>
  Effect.gen(function* () {
    const { alice, world } = yield* talked
    const invite = (options: Partial<InviteOptions>) =>
      Effect.flip(alice.client.link.invite({ relay: "memory://relay", ...options }))
    expect(yield* invite({ history: { last: 0 } })).toMatchObject({ _tag: "ArchiveError", reason: "bad-range" })
    const conversations = Array.from({ length: 240 }, (_, i) => i.toString(16).padStart(32, "0"))
    expect(yield* invite({ history: { conversations } })).toMatchObject({ _tag: "ArchiveError", reason: "bad-range" })
    expect(yield* invite({ history: {}, role: "replica" })).toMatchObject({ reason: "bad-device" })
    const carol = yield* world.join("carol")
    const error = yield* Effect.flip(carol.client.link.invite({ relay: "memory://relay", history: {} }))
    expect(error).toMatchObject({ _tag: "HistoryOff" })
  })
)

it.effect(
  "a wish outlives the process that made it, until the other device is there [history.wish.1] [history.hand.5]",
  () =>
    Effect.gen(function* () {
      const { alice, conversation, tablet, world } = yield* linked({ history: {} })
      yield* World.close(alice)
      const options = { history: { takeOffers: false } }
      for (let i = 0; i < 3; i++) {
        const opened = yield* world.open(tablet, options)
        yield* World.tick(60)
        const { wishes } = yield* opened.client.history.status
        expect(wishes).toMatchObject([{ device: alice.client.self.device, range: {} }])
        yield* World.crash(opened)
      }
      yield* world.open(alice.actor, { history: true })
      const opened = yield* world.open(tablet, options)
      yield* World.tick(600)
      expect(yield* count(opened, conversation)).toBe(12)
      expect((yield* opened.client.history.status).wishes).toEqual([])
    })
)

it.effect("of two offers of the same part one is taken [history.wish.1]", () =>
  Effect.gen(function* () {
    const { alice, conversation, device, tablet, world } = yield* linked({})
    const ended: Array<string> = []
    yield* Effect.forkIn(
      Stream.runForEach(alice.client.history.archives, ({ reason, state }) =>
        Effect.sync(() => void (["done", "ended"].includes(state) && ended.push(reason ?? state)))
      ),
      alice.scope
    )
    for (let i = 0; i < 2; i++) yield* alice.client.history.offer(device.device)
    const opened = yield* world.open(tablet, { history: true })
    yield* World.tick(400)
    expect(yield* count(opened, conversation)).toBe(12)
    expect(ended.sort()).toEqual(["declined", "done"])
    expect((yield* alice.client.history.status).archives).toEqual([])
  })
)

it.effect("a wish is forgotten after 30 days [history.wish.1]", () =>
  Effect.gen(function* () {
    const { alice, tablet, world } = yield* linked({ history: {} })
    yield* World.close(alice)
    const opened = yield* world.open(tablet, { history: true })
    yield* World.tick(60)
    expect((yield* opened.client.history.status).wishes).toHaveLength(1)
    yield* World.close(opened)
    yield* TestClock.setTime(start + 40 * dayMs)
    const later = yield* world.open(tablet, { history: true })
    yield* World.tick(60)
    expect((yield* later.client.history.status).wishes).toEqual([])
  })
)

it.effect(
  "the status says what there is, what is under way, and how other own devices stand [history.compared.1]",
  () =>
    Effect.gen(function* () {
      const { alice, device, tablet, world } = yield* linked({})
      const before = yield* alice.client.history.status
      expect(before).toMatchObject({
        beginning: 0,
        entries: 12,
        digest: yield* alice.client.history.digest(),
        archives: [],
        wishes: [],
        devices: [{ device: device.device, comparedAt: undefined, equal: undefined, since: undefined }]
      })
      yield* World.close(alice)
      const opened = yield* world.open(tablet, { history: { beginning: 0 } })
      yield* World.tick(20)
      const back = yield* world.open(alice.actor, { history: true })
      yield* World.tick(600)
      for (const [here, there] of [
        [back, opened],
        [opened, back]
      ] as const) {
        const { devices, digest, entries } = yield* here.client.history.status
        expect(entries).toBe(12)
        expect(digest).toBe(before.digest)
        expect(devices).toMatchObject([{ device: there.client.self.device, equal: true, since: 0 }])
        expect(devices[0]!.comparedAt).toBeGreaterThan(start)
      }
      // Offered and not taken: it stands there, with what it is about.
      yield* World.close(opened)
      const archive = yield* back.client.history.offer(device.device, { last: 4 })
      const { archives } = yield* back.client.history.status
      expect(archives).toMatchObject([{ archive, direction: "giving", state: "offered", of: { entries: 4 } }])
      yield* World.close(back)
      const again = yield* world.open(alice.actor, { history: true })
      expect((yield* again.client.history.status).archives).toMatchObject([{ archive, of: { entries: 4 } }])
    })
)
