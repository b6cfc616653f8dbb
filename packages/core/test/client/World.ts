/** A world for tests of the client: a network in memory, devices with disks that survive them, and coins from a seed. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { ClientApi, Incoming, OutboxEvent, Warning } from "../../src/client/Api.ts"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Account from "../../src/client/Account.ts"
import * as AccountKeys from "../../src/identity/Account.ts"
import * as Certificate from "../../src/identity/Certificate.ts"
import * as Device from "../../src/identity/Device.ts"
import * as Manifest from "../../src/identity/Manifest.ts"
import { Client } from "../../src/client/Client.ts"
import type { LinkDeviceOptions, LinkJoin } from "../../src/client/LinkApi.ts"
import { linkDevice } from "../../src/client/LinkDevice.ts"
import type { Options } from "../../src/client/Opening.ts"
import * as Records from "../../src/client/Records.ts"
import * as StoreCustody from "../../src/client/StoreCustody.ts"
import { loadNodeProvider } from "../../src/crypto/Node.ts"
import { Crypto, Entropy } from "../../src/ports/Crypto.ts"
import { Directory } from "../../src/ports/Directory.ts"
import { Slots } from "../../src/ports/Slots.ts"
import { Store, StoreError } from "../../src/ports/Store.ts"
import * as FenceStep from "../../src/sequence/Fence.ts"
import * as MemoryNetwork from "../../src/testing/MemoryNetwork.ts"
import * as MemoryStore from "../../src/testing/MemoryStore.ts"
import * as SeededEntropy from "../../src/testing/SeededEntropy.ts"

export const crypto = await loadNodeProvider()

/** One device: what survives its processes. */
export interface Actor {
  readonly user: string
  readonly disk: MemoryStore.Disk
  readonly entropy: Entropy["Service"]
  /** Stands between the client and its store, to stop it where a test wants. */
  intercept: ((store: Store["Service"]) => Store["Service"]) | undefined
  /** Stands between the client and the relay's directory, to lie or to look where a test wants. */
  spoof: ((directory: Directory["Service"]) => Directory["Service"]) | undefined
  /** Stands between the device and its slots. */
  meddle?: (slots: Slots["Service"]) => Slots["Service"]
  /** Every warning and outbox event of every process, in order. */
  readonly warnings: Array<Warning>
  readonly events: Array<OutboxEvent>
}

/** A running client. */
export interface Process {
  readonly actor: Actor
  readonly client: ClientApi
  readonly scope: Scope.Closeable
}

export interface World {
  readonly network: MemoryNetwork.MemoryNetwork
  readonly actor: (user: string) => Actor
  /** Registers and opens. */
  readonly join: (user: string, options?: Options) => Effect.Effect<Process, unknown, Scope.Scope>
  readonly register: (actor: Actor, user?: string) => Effect.Effect<void, unknown>
  readonly open: (actor: Actor, options?: Options) => Effect.Effect<Process, unknown, Scope.Scope>
  /** Begins to join an invitation. Closing the scope ends the process. */
  readonly link: (
    actor: Actor,
    options: LinkDeviceOptions
  ) => Effect.Effect<{ readonly join: LinkJoin; readonly scope: Scope.Closeable }, unknown, Scope.Scope>
}

export const make = (seed = 1): World => {
  const network = MemoryNetwork.make({ crypto, seed })
  const run = new Uint8Array(64).fill(seed)
  const layersOf = (actor: Actor) => {
    const base = Layer.mergeAll(
      Layer.fresh(
        Layer.effect(
          Store,
          Effect.map(
            Layer.build(Layer.fresh(actor.disk.layer)),
            (services) => actor.intercept?.(Context.get(services, Store)) ?? Context.get(services, Store)
          )
        )
      ),
      Layer.succeed(Crypto, crypto),
      Layer.succeed(Entropy, actor.entropy)
    )
    const custody = Layer.provideMerge(Layer.fresh(StoreCustody.layer), base)
    const spoofed = Layer.fresh(
      Layer.effect(
        Directory,
        Effect.map(Directory, (directory) => actor.spoof?.(directory) ?? directory)
      )
    )
    const meddled = Layer.fresh(
      Layer.effect(
        Slots,
        Effect.map(Slots, (slots) => actor.meddle?.(slots) ?? slots)
      )
    )
    return Layer.provideMerge(Layer.provideMerge(Layer.mergeAll(spoofed, meddled), network.layer), custody)
  }
  const actor = (user: string): Actor => ({
    user,
    disk: MemoryStore.makeDisk(),
    entropy: SeededEntropy.make(crypto, run, user),
    intercept: undefined,
    spoof: undefined,
    warnings: [],
    events: []
  })
  const link = (actor: Actor, options: LinkDeviceOptions) =>
    Effect.gen(function* () {
      const parent = yield* Scope.Scope
      const scope = yield* Scope.fork(parent)
      const linking = linkDevice(options).pipe(
        Effect.map((join) => ({ join, scope })),
        Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, Exit.void)))
      )
      return yield* Scope.provide(
        Effect.flatMap(Layer.build(layersOf(actor)), (services) => Effect.provide(linking, services)),
        scope
      )
    })
  const register = (actor: Actor, user = actor.user) =>
    Effect.gen(function* () {
      const password = yield* network.issue(user)
      yield* Effect.scoped(Effect.provide(Account.register({ user, password }), layersOf(actor)))
    })
  const open = (actor: Actor, options: Options = {}) =>
    Effect.gen(function* () {
      const parent = yield* Scope.Scope
      const scope = yield* Scope.fork(parent)
      const services = yield* Scope.provide(
        Layer.build(Layer.provide(Layer.fresh(Client.layer(options)), layersOf(actor))),
        scope
      )
      const client = Context.get(services, Client)
      yield* Effect.forkIn(
        Stream.runForEach(client.warnings, (warning) => Effect.sync(() => void actor.warnings.push(warning))),
        scope
      )
      yield* Effect.forkIn(
        Stream.runForEach(client.outbox, (event) => Effect.sync(() => void actor.events.push(event))),
        scope
      )
      yield* Effect.yieldNow
      return { actor, client, scope }
    })
  return {
    network,
    actor,
    register,
    open,
    link,
    join: (user, options) =>
      Effect.gen(function* () {
        const made = actor(user)
        yield* register(made)
        return yield* open(made, options)
      })
  }
}

/** Ends a process in good order. */
export const close = ({ scope }: Process): Effect.Effect<void> => Scope.close(scope, Exit.void)

/** Ends a process as when it is killed. */
export const crash = ({ actor, scope }: Process): Effect.Effect<void> =>
  Effect.andThen(
    Effect.sync(() => actor.disk.crash()),
    Scope.close(scope, Exit.void)
  )

/** The next messages; fails after a while of real time. */
export const receive = ({ actor, client }: Process, count: number): Effect.Effect<ReadonlyArray<Incoming>, unknown> =>
  Stream.runCollect(Stream.take(client.messages, count)).pipe(
    Effect.timeoutOrElse({
      duration: 10_000,
      orElse: () => Effect.die(new Error(`${actor.user} waited in vain for ${count} messages`))
    })
  )

/** Collects what a process delivers, for as long as it runs; what it was given last it has taken when the next one comes. */
export const collect = (process: Process): Effect.Effect<Array<Incoming>> => {
  const messages: Array<Incoming> = []
  return Effect.as(
    Effect.forkIn(
      Stream.runForEach(process.client.messages, (message) => Effect.sync(() => void messages.push(message))),
      process.scope
    ),
    messages
  )
}

/** The texts of messages. */
export const texts = (messages: ReadonlyArray<Incoming>): ReadonlyArray<string> =>
  messages.map(({ body }) => (body.type === "text" ? body.text : body.type))

/** Lets `count` steps of 50 ms of test time go by, each with what follows from it. */
export const tick = (count: number, ms = 50): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) {
      yield* TestClock.adjust(ms)
      yield* breathe
    }
  })

/** Lets everything that needs no time happen. */
export const breathe: Effect.Effect<void> = Effect.gen(function* () {
  for (let i = 0; i < 3; i++) yield* Effect.promise(() => new Promise<void>((done) => setImmediate(done)))
})

/**
 * Stops a device at its commit number `nth` from now, before or after it was written: from then on its store does nothing, and `reached` is
 * set. The process is to be killed then.
 */
export const stopAt = (actor: Actor, nth: number, when: "before" | "after"): { reached: boolean; commits: number } => {
  const stop = { reached: false, commits: 0 }
  const dead = (operation: "get" | "scan" | "commit") =>
    Effect.fail(new StoreError({ operation, cause: new Error("stopped") }))
  actor.intercept = (store) => ({
    get: (key) => (stop.reached ? dead("get") : store.get(key)),
    scan: (prefix, options) => (stop.reached ? dead("scan") : store.scan(prefix, options)),
    commit: (writes) => {
      if (stop.reached) return dead("commit")
      stop.commits++
      if (stop.commits !== nth) return store.commit(writes)
      const halt = Effect.suspend(() => {
        stop.reached = true
        return dead("commit")
      })
      return when === "before" ? halt : Effect.andThen(store.commit(writes), halt)
    }
  })
  return stop
}

/** Makes a device call itself by another name in what it sends. */
export const rename = ({ disk }: Actor, user: string): void => {
  const snapshot = disk.snapshot()
  const records = new Map(snapshot.records)
  const stored = records.get("self")!
  const self = Result.getOrThrow(Records.Self.decode(stored.value))
  records.set("self", { ...stored, value: Records.Self.encode({ ...self, user }) })
  disk.restore({ ...snapshot, records })
}

/** Gives a device another delivery token. */
export const retoken = ({ disk, entropy }: Actor): void => {
  const snapshot = disk.snapshot()
  const records = new Map(snapshot.records)
  const stored = records.get("self")!
  const self = Result.getOrThrow(Records.Self.decode(stored.value))
  const token = entropy.bytes("device.token", 16)
  records.set("self", { ...stored, value: Records.Self.encode({ ...self, token }) })
  for (const [key, record] of records) {
    if (!key.startsWith("peer/")) continue
    const peer = Result.getOrThrow(Records.Peer.decode(record.value))
    records.set(key, { ...record, value: Records.Peer.encode({ ...peer, tokenKnown: 0 }) })
  }
  disk.restore({ ...snapshot, records })
}

/** What an account's devices are to be, as its next manifest: signed with the account key on the first device's disk. */
export const nextManifest = (
  world: World,
  { disk, user }: Actor,
  devices: (held: Manifest.Manifest) => Pick<Manifest.Manifest, "devices" | "revocations">
): Manifest.Manifest => {
  const secrets = Result.getOrThrow(AccountKeys.decode(disk.snapshot().records.get(StoreCustody.accountKey)!.value))
  const held = Result.getOrThrow(Manifest.verify(crypto, world.network.manifests(user).at(-1)!))
  const version = held.version + 1
  const body = Manifest.encodeBody({ ...held, ...devices(held), version, previous: held.hash })
  const bytes = Manifest.encode(body, crypto.ed25519Sign(secrets.identity, Manifest.signingInput(body)))
  return Result.getOrThrow(Manifest.verify(crypto, bytes))
}

/** A further device of a user's account: its disk, ready to register with the manifest that lists it. */
export const addDevice = (
  world: World,
  first: Actor,
  name: string,
  role: Device.Role = Device.roles.member
): { actor: Actor; manifest: Manifest.Manifest } => {
  const records = first.disk.snapshot().records
  const account = Result.getOrThrow(AccountKeys.decode(records.get(StoreCustody.accountKey)!.value))
  const self = Result.getOrThrow(Records.Self.decode(records.get("self")!.value))
  const actor = { ...world.actor(name), user: first.user }
  const draw = (label: string, length: number) => actor.entropy.bytes(label, length)
  const device = { signing: draw("device.sign", 32), agreement: draw("device.agree", 32) }
  const publics = Device.derive(crypto, device)
  const manifest = nextManifest(world, first, ({ devices, revocations, version }) => ({
    devices: [...devices, { ...publics, role, addedIn: version + 1 }].sort((a, b) => Bytes.compare(a.device, b.device)),
    revocations
  }))
  const statement = {
    account: self.account,
    ...publics,
    role,
    manifestVersion: manifest.version
  }
  const secret = draw("device.secret", 32)
  const signature = crypto.ed25519Sign(account.identity, Certificate.signingInput(statement))
  const own: Records.Self = {
    ...self,
    ...publics,
    registered: 0,
    mailbox: draw("device.mailbox", 16),
    token: draw("device.token", 16),
    secret,
    certificate: Certificate.encode(statement, signature),
    manifest: manifest.bytes,
    fence: FenceStep.maker(crypto, secret).first(draw("device.start", FenceStep.randomBytes)),
    next: { signed: 1, kem: 1, once: 1, kemOnce: 1 }
  }
  const put = (key: string, value: Uint8Array, revision: number) => [key, { key, value, revision }] as const
  actor.disk.restore({
    revision: 3,
    records: new Map([
      put(StoreCustody.accountKey, records.get(StoreCustody.accountKey)!.value, 1),
      put(StoreCustody.deviceKey, Device.encode(device), 2),
      put("self", Records.Self.encode(own), 3)
    ])
  })
  return { actor, manifest }
}

/** Waits until a condition holds. */
export const until = (condition: () => boolean, what: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < 2000; i++) {
      if (condition()) return
      yield* Effect.sleep(5)
    }
    return yield* Effect.die(new Error(`in vain: ${what}`))
  })

export { Fiber }
