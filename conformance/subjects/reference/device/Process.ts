/**
 * One run of a device: the client of the SDK, opened on a disk, with everything it stands on.
 *
 * Spec: docs/spec/20-subject.md §20.5, §20.6; docs/spec/16-state.md §16.2.
 * Knows nothing of requests: Actor.ts does.
 */
import {
  type ClientApi,
  type ClientError,
  Crypto,
  type Delivery,
  type DeviceKeys,
  Directory,
  Entropy,
  type Incoming,
  KeyCustody,
  type NotRegistered,
  type OutboxEvent,
  register,
  type RegisterError,
  Store,
  StoreCustody,
  StoreError,
  type SuiteId,
  type Synced,
  Transport,
  type Warning,
  type Write
} from "@tacit/core"
import type { CryptoProvider } from "@tacit/core/hazmat"
import { type MemoryStore, OpenDevice } from "@tacit/core/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Loop } from "./Loop.ts"
import type { Outside } from "./Outside.ts"

/** Where a process dies: at the first commit that `at` says is the one. */
export interface Death {
  readonly when: "before-persist" | "after-persist"
  readonly at: (writes: ReadonlyArray<Write>) => boolean
}

/** What a device stands on, and what it tells. */
export interface Ground {
  readonly crypto: CryptoProvider
  readonly entropy: Entropy["Service"]
  readonly disk: MemoryStore.Disk
  readonly loop: Loop
  readonly outside: Outside
  readonly suites: ReadonlyArray<SuiteId>
  readonly tell: {
    readonly message: (message: Incoming) => void
    readonly synced: (item: Synced) => void
    readonly warning: (warning: Warning) => void
    readonly outbox: (event: OutboxEvent) => void
    /** A commit that was written. */
    readonly commit: (writes: ReadonlyArray<Write>) => void
  }
}

type Services = Store | Transport | Directory | KeyCustody | Crypto | Entropy

/** A running device. */
export class Process {
  readonly device: OpenDevice.OpenDevice
  readonly #scope: Scope.Closeable
  readonly #ground: Ground
  readonly #deliveries: Queue.Queue<Delivery>
  readonly #gate: Gate

  private constructor(
    ground: Ground,
    scope: Scope.Closeable,
    device: OpenDevice.OpenDevice,
    deliveries: Queue.Queue<Delivery>,
    gate: Gate
  ) {
    this.#ground = ground
    this.#scope = scope
    this.device = device
    this.#deliveries = deliveries
    this.#gate = gate
  }

  get client(): ClientApi {
    return this.device.client
  }

  /** Whether it died at a commit. */
  get dead(): boolean {
    return this.#gate.dead
  }

  /** Makes an account on an empty disk. */
  static register(ground: Ground, user: string): Promise<Exit.Exit<unknown, RegisterError>> {
    return withServices(ground, new Gate(ground), async (services, scope) => {
      const exit = await run(ground.loop, Effect.provide(register({ user, password: "" }), services))
      await close(ground.loop, scope)
      return exit
    })
  }

  /** Makes the keys of a device that has no account yet, on an empty disk. */
  static createKeys(ground: Ground): Promise<Exit.Exit<DeviceKeys, unknown>> {
    return withServices(ground, new Gate(ground), async (services, scope) => {
      const exit = await run(ground.loop, Effect.provide(OpenDevice.createKeys, services))
      await close(ground.loop, scope)
      return exit
    })
  }

  /** Makes a device of the keys and what an account gave it. */
  static enter(ground: Ground, admission: OpenDevice.Admission): Promise<Exit.Exit<unknown, unknown>> {
    return withServices(ground, new Gate(ground), async (services, scope) => {
      const exit = await run(ground.loop, Effect.provide(OpenDevice.enter(admission), services))
      await close(ground.loop, scope)
      return exit
    })
  }

  /** Opens the device of the disk. */
  static open(ground: Ground): Promise<Process | ClientError | NotRegistered> {
    const gate = new Gate(ground)
    return withServices(ground, gate, async (services, scope, deliveries) => {
      const { loop, suites, tell } = ground
      const exit = await run(loop, Effect.provide(Scope.provide(OpenDevice.open({ suites }), scope), services))
      if (Exit.isFailure(exit)) {
        await close(loop, scope)
        const failure = exit.cause.reasons[0]
        if (failure?._tag === "Fail") return failure.error
        throw new Error("the device did not open", { cause: exit.cause })
      }
      const device = exit.value
      const listen = <A>(stream: Stream.Stream<A, unknown>, each: (value: A) => void): void => {
        const listening = Effect.forkIn(
          Effect.exit(Stream.runForEach(stream, (value) => Effect.sync(() => each(value)))),
          scope
        )
        Effect.runForkWith(loop.services)(listening)
      }
      listen(device.client.warnings, tell.warning)
      listen(device.client.outbox, tell.outbox)
      listen(device.client.batches, (batch) => batch.forEach(tell.message))
      listen(device.client.synced, tell.synced)
      await loop.settle()
      return new Process(ground, scope, device, deliveries, gate)
    })
  }

  /** Starts an effect; whether it ended is seen after `loop.settle()`. */
  start<A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(this.#ground.loop.services)(effect)
  }

  /** Runs an effect that needs nothing from outside. */
  run<A, E>(effect: Effect.Effect<A, E>): Promise<Exit.Exit<A, E>> {
    return run(this.#ground.loop, effect)
  }

  /** Hands an envelope over. */
  deliver(delivery: Delivery): void {
    Queue.offerUnsafe(this.#deliveries, delivery)
  }

  /** Makes it die at a commit. */
  doom(death: Death | undefined): void {
    this.#gate.death = death
  }

  /** Lets everything be stored that may wait a little for company. */
  async flush(): Promise<void> {
    const flushing = this.start(this.client.flush)
    await this.#ground.loop.settle()
    if (flushing.pollUnsafe() !== undefined) return
    flushing.interruptUnsafe()
    await this.#ground.loop.settle()
  }

  /** Ends it. */
  close(): Promise<void> {
    return close(this.#ground.loop, this.#scope)
  }
}

/** Stands before the store: tells of commits, and is where a process dies. */
class Gate {
  dead = false
  death: Death | undefined
  readonly #tell: Ground["tell"]

  constructor({ tell }: Pick<Ground, "tell">) {
    this.#tell = tell
  }

  over(store: Store["Service"]): Store["Service"] {
    const refuse = (operation: "get" | "scan" | "commit") =>
      Effect.fail(new StoreError({ operation, cause: "the process died" }))
    return Store.of({
      get: (key) => Effect.suspend(() => (this.dead ? refuse("get") : store.get(key))),
      scan: (prefix, options) => Effect.suspend(() => (this.dead ? refuse("scan") : store.scan(prefix, options))),
      commit: (writes) =>
        Effect.suspend(() => {
          if (this.dead) return refuse("commit")
          const dies = this.death?.at(writes) === true ? this.death.when : undefined
          if (dies === "before-persist") this.dead = true
          if (this.dead) return refuse("commit")
          return Effect.flatMap(store.commit(writes), (revisions) => {
            this.#tell.commit(writes)
            if (dies === undefined) return Effect.succeed(revisions)
            this.dead = true
            return refuse("commit")
          })
        })
    })
  }
}

const run = async <A, E>(loop: Loop, effect: Effect.Effect<A, E>): Promise<Exit.Exit<A, E>> => {
  const fiber = Effect.runForkWith(loop.services)(effect)
  await loop.settle()
  const exit = fiber.pollUnsafe()
  if (exit === undefined) throw new Error("the device waits for something that does not come")
  return exit
}

const close = async (loop: Loop, scope: Scope.Closeable): Promise<void> => {
  await run(loop, Scope.close(scope, Exit.void))
}

/** Builds what a device stands on. */
const withServices = async <A>(
  ground: Ground,
  gate: Gate,
  use: (services: Context.Context<Services>, scope: Scope.Closeable, deliveries: Queue.Queue<Delivery>) => Promise<A>
): Promise<A> => {
  const { crypto, disk, entropy, loop, outside } = ground
  const scope = Scope.makeUnsafe()
  const build = async <B>(effect: Effect.Effect<B, never, Scope.Scope>): Promise<B> => {
    const exit = await run(loop, Scope.provide(effect, scope))
    if (Exit.isFailure(exit)) throw new Error("a device's surroundings could not be built", { cause: exit.cause })
    return exit.value
  }
  const stores = await build(Layer.build(Layer.fresh(disk.layer)))
  const base = Context.empty().pipe(
    Context.add(Store, gate.over(Context.get(stores, Store))),
    Context.add(Crypto, crypto),
    Context.add(Entropy, entropy)
  )
  const custody = await build(Effect.provide(StoreCustody.make, base))
  const deliveries = await build(Queue.unbounded<Delivery>())
  const services = base.pipe(
    Context.add(KeyCustody, custody),
    Context.add(Directory, outside.directory),
    Context.add(Transport, outside.transport(deliveries))
  )
  return use(services, scope, deliveries)
}
