/**
 * Two devices and a relay in memory: the victim, whose store can be stopped at any commit, and a peer that lives on. Each has an application
 * that remembers what it was given and what it sent, as a person would.
 */
import {
  Client,
  type ClientApi,
  type ClientError,
  Crypto,
  Entropy,
  type Incoming,
  type OutboxEvent,
  register,
  Store,
  StoreCustody,
  type StoreError,
  type Warning
} from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { MemoryNetwork, SeededEntropy } from "@tacit/core/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Places from "./Places.ts"

export const crypto = await loadNodeProvider()

/** A device and its application, over all of its lives. */
export interface Device {
  readonly user: string
  readonly place: Places.Place
  readonly entropy: Entropy["Service"]
  /** Messages as the application was given them, repetitions included. */
  readonly seen: Array<Incoming>
  /** Messages that were given again though another one had been given since. */
  wrong: number
  readonly warnings: Array<Warning>
  readonly events: Array<OutboxEvent>
  /** The present life. */
  life: { readonly client: ClientApi; readonly scope: Scope.Closeable } | undefined
}

export interface Scene {
  readonly network: MemoryNetwork.MemoryNetwork
  readonly victim: Device
  readonly peer: Device
  readonly start: (device: Device) => Effect.Effect<void, unknown, Scope.Scope>
  /** Ends a life in good order. */
  readonly stop: (device: Device) => Effect.Effect<void>
  /** Removes records while nobody has the store open. */
  readonly remove: (device: Device, keys: RegExp) => Effect.Effect<void, unknown>
}

/** Texts in the order in which the application saw them; one that was shown again, under the same order and id, once. */
export const texts = ({ seen }: Device): ReadonlyArray<string> => [
  ...new Map(
    seen.map(({ body, id, order }) => [`${order} ${id}`, body.type === "text" ? body.text : body.type])
  ).values()
]

const end = (scope: Scope.Closeable) => Scope.close(scope, Exit.void)

/** Everything that needs no time, disks included. */
const breathe = (places: ReadonlyArray<Places.Place>): Effect.Effect<void> =>
  Effect.gen(function* () {
    let quiet = 0
    while (quiet < 3) {
      yield* Effect.promise(() => new Promise<void>((done) => setImmediate(done)))
      quiet = places.every((place) => place.pending() === 0) ? quiet + 1 : 0
    }
  })

/** `count` steps of 50 ms of test time, each with what follows from it. Stops early when the victim is dead. */
export const tick = ({ peer, victim }: Scene, count: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < count && !victim.place.isDead(); i++) {
      yield* TestClock.adjust(50)
      yield* breathe([victim.place, peer.place])
    }
  })

/** A scene with both registered and open; nobody knows anybody. */
export const make = (adapter: Places.Adapter, folder: string): Effect.Effect<Scene, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    yield* TestClock.setTime(1_700_000_000_000)
    const network = MemoryNetwork.make({ crypto, seed: 1 })
    const run = new Uint8Array(64).fill(1)
    const device = (user: string, kind: Places.Adapter): Device => {
      const entropy = SeededEntropy.make(crypto, run, user)
      const place = Places.make(kind, folder, crypto, entropy)
      return { user, place, entropy, seen: [], wrong: 0, warnings: [], events: [], life: undefined }
    }
    const victim = device("victim", adapter)
    const peer = device("peer", "memory")

    const ports = (entropy: Entropy["Service"], store: Store["Service"]) =>
      Layer.provideMerge(
        network.layer,
        Layer.provideMerge(
          Layer.fresh(StoreCustody.layer),
          Layer.mergeAll(Layer.succeed(Store, store), Layer.succeed(Crypto, crypto), Layer.succeed(Entropy, entropy))
        )
      )

    const start = (one: Device) =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(yield* Scope.Scope)
        const services = yield* Scope.provide(
          Effect.flatMap(one.place.open, (store) =>
            Layer.build(Layer.provide(Layer.fresh(Client.layer()), ports(one.entropy, store)))
          ),
          scope
        )
        const client = Context.get(services, Client)
        one.life = { client, scope }
        const listen = <A>(stream: Stream.Stream<A, ClientError>, f: (value: A) => void) =>
          Effect.forkIn(Effect.exit(Stream.runForEach(stream, (value) => Effect.sync(() => f(value)))), scope)
        let last: string | undefined
        yield* listen(client.messages, (message) => {
          const again = one.seen.some(({ id }) => id === message.id)
          // Only the one that was given last and not taken may be given again.
          if (again && (last !== undefined || one.seen.at(-1)!.id !== message.id)) one.wrong++
          last = message.id
          one.seen.push(message)
        })
        yield* listen(client.warnings, (warning) => void one.warnings.push(warning))
        yield* listen(client.outbox, (event) => void one.events.push(event))
        yield* Effect.yieldNow
      })
    const stop = (one: Device) =>
      Effect.suspend(() => {
        const { life } = one
        one.life = undefined
        return life === undefined ? Effect.void : end(life.scope)
      })
    const scene: Scene = {
      network,
      victim,
      peer,
      start,
      stop,
      remove: (one, keys) =>
        Effect.scoped(
          Effect.gen(function* () {
            const store = yield* one.place.open
            const records = yield* store.scan("", { limit: 10_000 })
            const gone = records.filter(({ key }) => keys.test(key))
            yield* store.commit(gone.map(({ key }) => ({ op: "delete", key })))
          })
        )
    }
    for (const one of [victim, peer]) {
      const password = yield* network.issue(one.user)
      yield* Effect.scoped(
        Effect.flatMap(one.place.open, (store) =>
          Effect.provide(register({ user: one.user, password }), ports(one.entropy, store))
        )
      )
      yield* start(one)
    }
    yield* tick(scene, 5)
    return scene
  })

/** Goes on until something is true, for at most `most` steps; a victim that was killed meanwhile is started again. */
export const until = (
  scene: Scene,
  isDone: () => boolean,
  again: Effect.Effect<void, unknown>,
  most = 400
): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    for (let i = 0; i < most && !isDone(); i++) {
      yield* tick(scene, 1)
      if (scene.victim.place.isDead()) yield* rise(scene, again)
    }
  })

/** The next life of a victim that was killed; its application goes on where it was. */
export const rise = (scene: Scene, again: Effect.Effect<void, unknown>): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const { victim } = scene
    yield* scene.stop(victim)
    victim.place.revive()
    yield* scene.start(victim)
    yield* act(scene, again)
  })

/** Lets the victim's application act; an act that never returns because the victim is dead is given up. */
export const act = (scene: Scene, effect: Effect.Effect<void, unknown>): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.exit(effect))
    for (let i = 0; i < 100 && fiber.pollUnsafe() === undefined; i++) yield* tick(scene, 1)
    const { place } = scene.victim
    if (place.isDead()) {
      yield* Fiber.interrupt(fiber)
      yield* rise(scene, effect)
      return
    }
    const exit = yield* Fiber.join(fiber)
    if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause)
  })

export type { StoreError }
