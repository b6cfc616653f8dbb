/**
 * What a device does, one thing at a time, for being killed at every commit of it; and what must be true afterwards.
 *
 * Spec: docs/spec/16-state.md §16.2; docs/spec/07-sequencing.md §7.2; docs/spec/08-sessions.md §8.4.
 */
import { Envelope } from "@tacit/core/hazmat"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Adapter, Moment } from "./Places.ts"
import * as Scene from "./Scene.ts"

type Work = Effect.Effect<void, unknown, Scope.Scope>

/** One thing that a device does. The victim's part is repeated by its application after a kill, as an application would. */
export interface Operation {
  readonly name: string
  /** Before commits are counted. */
  readonly prepare: (scene: Scene.Scene) => Work
  /** What sets it off, the victim's own part aside. */
  readonly begin: (scene: Scene.Scene) => Work
  readonly victim: (scene: Scene.Scene) => Effect.Effect<void, unknown>
  readonly isDone: (scene: Scene.Scene) => boolean
  /** Texts that each side has seen in the end, in order. */
  readonly victimSaw: ReadonlyArray<string>
  readonly peerSaw: ReadonlyArray<string>
  /** Warnings that the victim must be shown, and those that it and its peer may be shown. */
  readonly mustWarn: ReadonlyArray<string>
  readonly mayWarn: readonly [victim: ReadonlyArray<string>, peer: ReadonlyArray<string>]
}

const nothing = () => Effect.void

const say = (device: Scene.Device, text: string): Effect.Effect<void, unknown> =>
  Effect.suspend(() =>
    device.life === undefined
      ? Effect.die(new Error(`${device.user} is not there`))
      : Effect.asVoid(
          device.life.client.send(device.user === "peer" ? "victim" : "peer", text, { idempotencyKey: text })
        )
  )

const saw = (device: Scene.Device, ...wanted: ReadonlyArray<string>): boolean =>
  wanted.every((text) => Scene.texts(device).includes(text))

/** Both sides have written, and know each other. */
const talked = (scene: Scene.Scene): Work =>
  Effect.gen(function* () {
    yield* Scene.act(scene, say(scene.victim, "hello"))
    yield* Scene.tick(scene, 10)
    yield* Scene.act(scene, say(scene.peer, "hello yourself"))
    yield* Scene.tick(scene, 20)
  })

const oneTime = /^prekey\/(once|kem-once)\//

const reads = (reader: Scene.Device, text: string): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const message = reader.seen.find(({ body }) => body.type === "text" && body.text === text)
    if (message === undefined || reader.life === undefined) return
    const conversation = yield* reader.life.client.conversation({ account: message.from.account })
    yield* conversation.markRead([message.id])
  })

const isRead = ({ events }: Scene.Device): boolean => events.some(({ state }) => state === "read")

/** Sent to a device that is away, in sessions that its backup does not have. */
const meanwhile = ["to the restored one", "and another"]

/** A device is backed up, lives on (another start, ratchets that turn on both sides), ends, and is put back to the backup. */
const forget = (scene: Scene.Scene, device: Scene.Device, other: Scene.Device): Work =>
  Effect.gen(function* () {
    yield* talked(scene)
    const backup = device.place.remains()
    yield* scene.stop(device)
    yield* scene.start(device)
    yield* Scene.tick(scene, 5)
    for (const text of ["forgotten 1", "forgotten 2"]) {
      yield* Scene.act(scene, say(device, text))
      yield* Scene.tick(scene, 5)
      yield* Scene.act(scene, say(other, `${text}, answer`))
      yield* Scene.tick(scene, 5)
    }
    yield* Scene.tick(scene, 20)
    yield* scene.stop(device)
    backup.putBack()
    for (const text of meanwhile) yield* Scene.act(scene, say(other, text))
    yield* Scene.tick(scene, 5)
    device.warnings.length = 0
    other.warnings.length = 0
  })

const quiet = { mustWarn: [], mayWarn: [[], []] } as const

export const operations: ReadonlyArray<Operation> = [
  {
    ...quiet,
    name: "start a session, and send the first message",
    prepare: nothing,
    begin: nothing,
    victim: ({ victim }) => say(victim, "first"),
    isDone: ({ peer }) => saw(peer, "first"),
    victimSaw: [],
    peerSaw: ["first"]
  },
  {
    ...quiet,
    name: "receive a first message",
    prepare: nothing,
    begin: (scene) => Scene.act(scene, say(scene.peer, "first")),
    victim: nothing,
    isDone: ({ victim }) => saw(victim, "first"),
    victimSaw: ["first"],
    peerSaw: []
  },
  {
    ...quiet,
    name: "send",
    prepare: talked,
    begin: nothing,
    victim: ({ victim }) => Effect.andThen(say(victim, "one"), say(victim, "two")),
    isDone: ({ peer }) => saw(peer, "one", "two"),
    victimSaw: ["hello yourself"],
    peerSaw: ["hello", "one", "two"]
  },
  {
    ...quiet,
    name: "receive",
    prepare: talked,
    begin: (scene) => Scene.act(scene, Effect.andThen(say(scene.peer, "one"), say(scene.peer, "two"))),
    victim: nothing,
    isDone: ({ victim }) => saw(victim, "one", "two"),
    victimSaw: ["hello yourself", "one", "two"],
    peerSaw: ["hello"]
  },
  {
    ...quiet,
    name: "send receipts",
    prepare: (scene) =>
      Effect.gen(function* () {
        yield* talked(scene)
        yield* Scene.act(scene, say(scene.peer, "read me"))
        yield* Scene.tick(scene, 20)
      }),
    begin: nothing,
    victim: ({ victim }) => reads(victim, "read me"),
    isDone: ({ peer }) => isRead(peer),
    victimSaw: ["hello yourself", "read me"],
    peerSaw: ["hello"]
  },
  {
    ...quiet,
    name: "receive receipts",
    prepare: (scene) =>
      Effect.gen(function* () {
        yield* talked(scene)
        yield* Scene.act(scene, say(scene.victim, "read me"))
        yield* Scene.tick(scene, 20)
      }),
    begin: (scene) => Scene.act(scene, reads(scene.peer, "read me")),
    victim: nothing,
    // What a killed life was told nobody is told again: the relay's mailbox shows that it was stored.
    isDone: ({ network, victim }) => victim.life !== undefined && network.waiting("victim") === 0,
    victimSaw: ["hello yourself"],
    peerSaw: ["hello", "read me"]
  },
  {
    ...quiet,
    name: "answer a request to repeat",
    prepare: (scene) =>
      Effect.gen(function* () {
        yield* scene.stop(scene.peer)
        yield* Scene.act(scene, say(scene.victim, "again"))
        yield* Scene.tick(scene, 10)
        // The peer cannot open the start: it has lost the prekeys it names.
        yield* scene.remove(scene.peer, oneTime)
      }),
    begin: (scene) => scene.start(scene.peer),
    victim: nothing,
    isDone: ({ peer }) => saw(peer, "again"),
    victimSaw: [],
    peerSaw: ["again"],
    mayWarn: [[], ["Rejected"]]
  },
  {
    ...quiet,
    name: "ask for a repetition",
    prepare: (scene) =>
      Effect.gen(function* () {
        yield* scene.stop(scene.victim)
        yield* Scene.act(scene, say(scene.peer, "again"))
        yield* Scene.tick(scene, 10)
        yield* scene.remove(scene.victim, oneTime)
      }),
    begin: (scene) => scene.start(scene.victim),
    victim: nothing,
    isDone: ({ victim }) => saw(victim, "again"),
    victimSaw: ["again"],
    peerSaw: [],
    mayWarn: [["Rejected"], []]
  },
  {
    name: "go on from an old backup",
    prepare: (scene) => forget(scene, scene.victim, scene.peer),
    begin: (scene) => scene.start(scene.victim),
    victim: ({ victim }) => say(victim, "restored"),
    isDone: ({ peer, victim }) => saw(peer, "restored") && saw(victim, ...meanwhile),
    victimSaw: ["hello yourself", "forgotten 1, answer", "forgotten 2, answer", ...meanwhile],
    peerSaw: ["hello", "forgotten 1", "forgotten 2", "restored"],
    // What only the forgotten life had is named as missing; what was sealed before the copy was noticed is refused as a repetition.
    mustWarn: ["RestoredFromBackup"],
    mayWarn: [["RestoredFromBackup", "Rejected", "Gap"], ["Rejected"]]
  },
  {
    ...quiet,
    name: "send again to a peer that goes on from an old backup",
    prepare: (scene) => forget(scene, scene.peer, scene.victim),
    begin: (scene) => scene.start(scene.peer),
    victim: nothing,
    isDone: ({ peer }) => saw(peer, ...meanwhile),
    victimSaw: ["hello yourself", "forgotten 1", "forgotten 2"],
    peerSaw: ["hello", "forgotten 1, answer", "forgotten 2, answer", ...meanwhile],
    mayWarn: [
      ["Rejected", "PeerRollback"],
      ["RestoredFromBackup", "Rejected", "Gap"]
    ]
  }
]

/** One run of an operation. */
export interface Outcome {
  /** Whether the moment to die at came. */
  readonly reached: boolean
  readonly commits: number
  /** What was not as it must be. */
  readonly faults: ReadonlyArray<string>
  /** Envelopes that left either side between beginning and end. */
  readonly envelopes: number
}

const settle = 30

/** Plays an operation, killing the victim at the moment if one is given; then both write once more, and everything is looked at. */
export const play = (
  operation: Operation,
  adapter: Adapter,
  folder: string,
  moment?: Moment
): Effect.Effect<Outcome, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const scene = yield* Scene.make(adapter, folder)
    const { network, peer, victim } = scene
    yield* operation.prepare(scene)
    const before = network.submitted.length
    victim.place.arm(moment)
    const again = operation.victim(scene)
    const begun = yield* Effect.exit(operation.begin(scene))
    if (begun._tag === "Failure" && !victim.place.isDead()) return yield* Effect.failCause(begun.cause)
    yield* victim.place.isDead() ? Scene.rise(scene, again) : Scene.act(scene, again)
    let settled = 0
    yield* Scene.until(scene, () => operation.isDone(scene) && settled++ >= settle, again)
    const envelopes = network.submitted.length - before
    const reached = victim.place.reached()
    const commits = victim.place.commits()
    const faults: Array<string> = []
    if (!operation.isDone(scene)) faults.push("never done")

    // Both go on: no ratchet was forked, nothing is stuck.
    yield* Scene.act(scene, say(victim, "after, by the victim"))
    yield* Scene.act(scene, say(peer, "after, by the peer"))
    yield* Scene.until(scene, () => saw(peer, "after, by the victim") && saw(victim, "after, by the peer"), Effect.void)
    yield* Scene.tick(scene, 5)
    const compare = (what: string, found: unknown, wanted: unknown) => {
      if (JSON.stringify(found) !== JSON.stringify(wanted)) faults.push(`${what}: ${JSON.stringify(found)}`)
    }
    compare("the victim saw", Scene.texts(victim), [...operation.victimSaw, "after, by the peer"])
    compare("the peer saw", Scene.texts(peer), [...operation.peerSaw, "after, by the victim"])
    compare("given again", [victim.wrong, peer.wrong], [0, 0])
    const tags = ({ warnings }: Scene.Device) => [...new Set(warnings.map(({ _tag }) => _tag))]
    const [victimMay, peerMay] = operation.mayWarn
    compare(
      "unexpected warnings of the victim",
      tags(victim).filter((tag) => !victimMay.includes(tag)),
      []
    )
    compare(
      "unexpected warnings of the peer",
      tags(peer).filter((tag) => !peerMay.includes(tag)),
      []
    )
    compare(
      "warnings that were not shown",
      operation.mustWarn.filter((tag) => !tags(victim).some((one) => one === tag)),
      []
    )
    // Told again only when the life that told it was killed before it could write that down; then as the same event.
    const told = victim.warnings.filter(({ _tag }) => _tag === "RestoredFromBackup")
    compare("restorations told", new Set(told.map(({ at }) => at)).size, operation.mustWarn.length)
    if (told.length > (reached ? 2 : 1)) faults.push(`told ${told.length} times of the restoration`)
    const repeated = repeatedNonces(network.submitted.map(({ envelope }) => envelope))
    if (repeated > 0) faults.push(`${repeated} nonces used twice`)
    yield* scene.stop(victim)
    yield* scene.stop(peer)
    return { reached, commits, faults, envelopes }
  })

/** Header nonces seen with more than one ciphertext (rule ratchet.fence.1). */
const repeatedNonces = (envelopes: ReadonlyArray<Uint8Array>): number => {
  const nonces = new Map<string, string>()
  let repeated = 0
  for (const bytes of envelopes) {
    const { body, kind } = Result.getOrThrow(Envelope.decode(bytes))
    if (kind !== Envelope.kinds.sessionMessage) continue
    const nonce = Buffer.from(body).toString("hex", 16, 28)
    const whole = Buffer.from(bytes).toString("hex")
    const known = nonces.get(nonce)
    if (known !== undefined && known !== whole) repeated++
    nonces.set(nonce, whole)
  }
  return repeated
}
