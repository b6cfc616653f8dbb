/**
 * A relay and its network in memory: transport and directory for any number of clients, with the rules of the real relay and
 * a seeded schedule of faults.
 *
 * Spec: docs/spec/14-relay.md §14.2–14.4, §14.7.
 * Everything happens by Effect's clock and in the order of the fibers, so that under a test clock a run is a function of its seed.
 * Speaks no frames: that is the WebSocket transport's part.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Bytes from "../base/Bytes.ts"
import * as Broadcast from "../client/internal/broadcast.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Envelope from "../envelope/Envelope.ts"
import { AttachmentStore } from "../ports/AttachmentStore.ts"
import { Directory, type DirectoryEntry } from "../ports/Directory.ts"
import { KeyCustody } from "../ports/KeyCustody.ts"
import { type SlotLine, Slots } from "../ports/Slots.ts"
import { type Delivery, Refused, Transport, TransportError, type TransportStatus } from "../ports/Transport.ts"
import { type DeviceEntry, type Kept, MemoryRelay } from "./MemoryRelay.ts"
import * as MemoryAttachments from "./MemoryAttachments.ts"
import { MemorySlots } from "./MemorySlots.ts"

/** What goes wrong between submitting and delivering. Chances are 0…1, all 0 when nothing is said. */
export interface Faults {
  /** An accepted envelope never arrives. */
  readonly drop: number
  /** It arrives twice, as two deliveries. */
  readonly duplicate: number
  /** One byte of it changes on the way. */
  readonly corrupt: number
  /** It arrives as it is, and once more with one byte changed. */
  readonly forge: number
  /** It is held back for up to {@link Faults.reorderMs}, so that others overtake it. */
  readonly reorder: number
  readonly reorderMs: number
  /** Every envelope takes from…to ms. */
  readonly delayMs: readonly [from: number, to: number]
  /** A submission fails before it reached the relay. */
  readonly loseRequest: number
  /** A submission reached the relay, and its answer is lost. */
  readonly loseAnswer: number
}

const noFaults: Faults = {
  drop: 0,
  duplicate: 0,
  corrupt: 0,
  forge: 0,
  reorder: 0,
  reorderMs: 1000,
  delayMs: [0, 0],
  loseRequest: 0,
  loseAnswer: 0
}

/** A submission as the relay saw it. */
export interface Submitted {
  readonly at: number
  readonly envelope: Uint8Array
  readonly token: Uint8Array | undefined
}

export interface Options {
  readonly crypto: CryptoProvider
  /** Steers the faults. Default 1. */
  readonly seed?: number
}

/** The network and its switches. */
export interface MemoryNetwork {
  /** Transport and directory of one client. Built anew for every start of a client: it is one connection. */
  readonly layer: Layer.Layer<Transport | Directory | Slots | AttachmentStore, never, KeyCustody>
  /** Where files are kept. */
  readonly attachments: MemoryAttachments.MemoryAttachments
  /** A one-time password for a user name. */
  readonly issue: (user: string) => Effect.Effect<string>
  /** Sets faults from now on; what is not named keeps its value. */
  readonly faults: (faults: Partial<Faults>) => void
  /** Takes a user's devices off the network, or everybody. */
  readonly cut: (user?: string) => void
  /** Brings them back: unacknowledged envelopes are delivered again. */
  readonly mend: (user?: string) => void
  /** Everything that reached the relay, in order, repetitions included. */
  readonly submitted: ReadonlyArray<Submitted>
  /** Envelopes waiting for a user's devices. */
  readonly waiting: (user: string) => number
  /** Lets an adversary put bytes into the mailbox of a user's first device. */
  readonly inject: (user: string, envelope: Uint8Array) => Effect.Effect<void>
  /** What a look-up of this name, or of the account it gives, answers instead of the truth, until it is called with `undefined`. */
  readonly pretend: (user: string, entry: DirectoryEntry | undefined) => void
  /** The registered devices of a user. */
  readonly devices: (user: string) => ReadonlyArray<DeviceEntry>
  /** The manifests of a user, oldest first. */
  readonly manifests: (user: string) => ReadonlyArray<Uint8Array>
  /** Publishes a user's next manifest, as one of its devices would; devices it no longer lists are sent away. */
  readonly publish: (user: string, manifest: Uint8Array) => Result.Result<void, Refused>
}

/** Mulberry32: small, seeded, good enough to choose faults. */
const generator = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

const refused = (code: string, explanation: string, retryAfterMs = 0): Refused =>
  new Refused({ code, explanation, retryAfterMs, detail: Bytes.empty })

const endConnection = (connection: Connection, refusal: Refused): void => {
  connection.refusal = refusal
  connection.say({ _tag: "Refused", refusal })
  connection.wake.openUnsafe()
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/** One device's side of the network: when each waiting envelope becomes visible, and the connection that is logged in. */
interface Line {
  readonly due: Map<number, number>
  connection: Connection | undefined
}

interface Connection {
  readonly wake: Latch.Latch
  /** What is still to be delivered over this connection, in that order. */
  queue: Array<Due>
  /** Publishes to those who listen, and tells newcomers the last one. */
  readonly say: (status: TransportStatus) => void
  /** Why the connection ended for good. */
  refusal: Refused | undefined
}

interface Due {
  readonly at: number
  readonly kept: Kept
}

/** A network with one relay. */
export const make = (options: Options): MemoryNetwork => {
  const { crypto, seed = 1 } = options
  const relay = new MemoryRelay(crypto, "memory")
  const attachments = MemoryAttachments.make({ crypto: options.crypto })
  const memorySlots = new MemorySlots()
  const random = generator(seed)
  const chance = (probability: number): boolean => probability > 0 && random() < probability
  let faults = noFaults
  let everybodyCut = false
  const cutUsers = new Set<string>()
  const lines = new Map<DeviceEntry, Line>()
  const byUser = new Map<string, Array<DeviceEntry>>()
  const submitted: Array<Submitted> = []
  const pretended = new Map<string, DirectoryEntry>()
  let challenges = 0

  const randomPassword = (): string => {
    let password = ""
    for (let i = 0; i < 20; i++) password += (i > 0 && i % 4 === 0 ? "-" : "") + base32[Math.floor(random() * 32)]!
    return password
  }

  const isCut = (user: string | undefined): boolean => everybodyCut || (user !== undefined && cutUsers.has(user))

  const lineOf = (device: DeviceEntry): Line => {
    let line = lines.get(device)
    if (line === undefined) {
      lines.set(device, (line = { due: new Map(), connection: undefined }))
      const devices = byUser.get(device.user) ?? []
      devices.push(device)
      byUser.set(device.user, devices)
    }
    return line
  }

  const changed = (envelope: Uint8Array): Uint8Array => {
    const out = envelope.slice()
    const at = Math.floor(random() * out.length)
    out[at] = out[at]! ^ (1 + Math.floor(random() * 255))
    return out
  }

  const copies = (envelope: Uint8Array): ReadonlyArray<Uint8Array> => {
    if (chance(faults.drop)) return []
    const first = chance(faults.corrupt) ? changed(envelope) : envelope
    const out = [first]
    if (chance(faults.duplicate)) out.push(first)
    if (chance(faults.forge)) out.push(changed(envelope))
    return out
  }

  /** Keeps a queue sorted by time, then by delivery. */
  const enqueue = (queue: Array<Due>, due: Due): void => {
    let at = queue.length
    while (at > 0 && queue[at - 1]!.at > due.at) at--
    queue.splice(at, 0, due)
  }

  /** Everything a device has not acknowledged is delivered again. */
  const requeue = (device: DeviceEntry, line: Line): void => {
    if (line.connection === undefined) return
    line.connection.queue = []
    for (const kept of device.kept.values()) {
      enqueue(line.connection.queue, { at: line.due.get(kept.id) ?? 0, kept })
    }
    line.connection.wake.openUnsafe()
  }

  const schedule = (device: DeviceEntry, stored: ReadonlyArray<Kept>, now: number): void => {
    const line = lineOf(device)
    const [from, to] = faults.delayMs
    for (const kept of stored) {
      const held = chance(faults.reorder) ? random() * faults.reorderMs : 0
      const delay = Math.floor((to > 0 ? from + random() * (to - from) : 0) + held)
      if (delay > 0) line.due.set(kept.id, now + delay)
      if (line.connection !== undefined) enqueue(line.connection.queue, { at: now + delay, kept })
    }
    line.connection?.wake.openUnsafe()
  }

  const down = (operation: TransportError["operation"], why: string) =>
    Effect.fail(new TransportError({ operation, cause: new Error(`memory network: ${why}`) }))

  const publishManifest = (
    device: DeviceEntry,
    manifest: Uint8Array,
    certificates: ReadonlyArray<Uint8Array>
  ): Result.Result<void, Refused> =>
    Result.map(relay.publishManifest(device, manifest, certificates), (revoked) => {
      for (const gone of revoked) {
        memorySlots.dropOf(Bytes.toHex(gone.id))
        const { connection } = lineOf(gone)
        if (connection !== undefined) endConnection(connection, refused("unknown-device", "This device was removed."))
      }
    })

  const connect = Effect.gen(function* () {
    const custody = yield* KeyCustody
    const status = Broadcast.make<TransportStatus>()
    let last: TransportStatus | undefined
    let logged: DeviceEntry | undefined
    let user: string | undefined

    const challenge = (): Uint8Array =>
      crypto.sha256(Bytes.concat(Bytes.utf8Encode("challenge"), Bytes.be64(++challenges)))

    /** One exchange with the relay: gives way first, like every network. */
    const ask = <A>(
      operation: TransportError["operation"],
      f: (now: number) => Result.Result<A, Refused>
    ): Effect.Effect<A, TransportError | Refused> =>
      Effect.flatMap(
        Effect.andThen(Effect.yieldNow, Clock.currentTimeMillis),
        (now): Effect.Effect<A, TransportError | Refused> =>
          isCut(user) ? down(operation, "cut off") : Effect.fromResult(f(now))
      )

    const asDevice = <A>(
      operation: TransportError["operation"],
      f: (device: DeviceEntry, now: number) => Result.Result<A, Refused>
    ) =>
      ask(operation, (now) =>
        logged === undefined
          ? Result.fail(
              new Refused({ code: "not-logged-in", explanation: "Log in first.", retryAfterMs: 0, detail: Bytes.empty })
            )
          : f(logged, now)
      )

    const sign = (operation: TransportError["operation"], message: Uint8Array) =>
      Effect.mapError(custody.signWithDevice(message), (cause) => new TransportError({ operation, cause }))

    const directory = Directory.of({
      register: (registration) =>
        Effect.gen(function* () {
          const nonce = challenge()
          const proof = yield* sign("register", relay.registrationProof(nonce, registration))
          yield* ask("register", (now) => {
            if (chance(faults.loseRequest))
              return Result.fail(
                new Refused({ code: "internal", explanation: "Try again.", retryAfterMs: 100, detail: Bytes.empty })
              )
            return relay.register(registration, nonce, proof, now)
          })
        }),
      lookUp: (name) =>
        ask("look-up", () => {
          const entry = pretended.get(name)
          return entry === undefined ? relay.lookUp(name) : Result.succeed(entry)
        }),
      manifestsAfter: (account, version) =>
        ask("look-up", () => {
          const entry = [...pretended.values()].find((one) => Bytes.equal(one.account, account))
          return entry === undefined
            ? relay.manifestsAfter(account, version)
            : Result.succeed({ account, manifests: entry.manifests.slice(version) })
        }),
      bundle: (account, device) => ask("look-up", (now) => relay.bundle(account, device, now)),
      publishPrekeys: (keys) => asDevice("publish", (device) => relay.publish(device, keys)),
      prekeyStatus: asDevice("publish", (device) => Result.succeed(relay.status(device))),
      publishManifest: (manifest, certificates) =>
        asDevice("publish", (device) => publishManifest(device, manifest, certificates)),
      setDeliveryToken: (hash) => asDevice("publish", (device) => Result.succeed(relay.setToken(device, hash)))
    })

    const connection: Connection = {
      wake: Latch.makeUnsafe(false),
      queue: [],
      say: (next) => {
        last = next
        status.publish(next)
      },
      refusal: undefined
    }

    const online: Effect.Effect<void> = Effect.suspend(() =>
      isCut(user)
        ? Effect.andThen(
            connection.wake.await,
            Effect.suspend(() => (connection.wake.closeUnsafe(), online))
          )
        : Effect.void
    )

    const open = (fence: { readonly generation: number; readonly startId: Uint8Array }) =>
      Effect.gen(function* () {
        const keys = yield* Effect.mapError(
          custody.publicKeys,
          (cause) => new TransportError({ operation: "login", cause })
        )
        connection.refusal = undefined
        connection.say({ _tag: "Connecting", attempt: 1 })
        waitingConnections.add(connection)
        yield* online
        const nonce = challenge()
        const signature = yield* sign("login", relay.loginProof(nonce, keys.device, fence))
        const device = yield* Effect.tapError(
          ask("login", () => relay.login(keys.device, fence, nonce, signature)),
          (error) => Effect.sync(() => error._tag === "Refused" && endConnection(connection, error))
        )
        const line = lineOf(device)
        if (line.connection !== undefined && line.connection !== connection) {
          endConnection(line.connection, refused("replaced", "Another connection of this device took over."))
        }
        line.connection = connection
        logged = device
        user = device.user
        requeue(device, line)
        connection.say({ _tag: "Connected" })
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            if (line.connection === connection) line.connection = undefined
            waitingConnections.delete(connection)
            logged = undefined
          })
        )
      })

    /** The next envelope that is due, one at a time: whoever leaves the stream loses nothing. */
    const pull: Effect.Effect<readonly [Delivery], Refused> = Effect.suspend(() => {
      connection.wake.closeUnsafe()
      if (connection.refusal !== undefined) return Effect.fail(connection.refusal)
      if (logged === undefined || isCut(user)) return Effect.andThen(connection.wake.await, pull)
      const device = logged
      return Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<readonly [Delivery], Refused> => {
        for (let next = connection.queue[0]; next !== undefined; next = connection.queue[0]) {
          if (next.at > now) {
            const due = { duration: next.at - now, orElse: () => Effect.void }
            return Effect.andThen(Effect.timeoutOrElse(connection.wake.await, due), pull)
          }
          connection.queue.shift()
          const { envelope, id, receivedAt } = next.kept
          if (device.kept.has(id)) return Effect.succeed([{ id, receivedAt, envelope: envelope.slice() }])
        }
        return Effect.andThen(connection.wake.await, pull)
      })
    })

    const submitting = (
      envelope: Uint8Array,
      token: Uint8Array | undefined
    ): Effect.Effect<void, TransportError | Refused> =>
      ask("submit", (now) => {
        if (chance(faults.loseRequest)) return Result.succeed("lost" as const)
        submitted.push({ at: now, envelope: envelope.slice(), token })
        const outcome = relay.submit(envelope, token, now, copies)
        if (Result.isFailure(outcome)) return Result.fail(outcome.failure)
        schedule(outcome.success.device, outcome.success.stored, now)
        return Result.succeed(chance(faults.loseAnswer) ? ("lost" as const) : ("stored" as const))
      }).pipe(
        Effect.flatMap((outcome) => (outcome === "lost" ? down("submit", "the connection broke") : Effect.void)),
        Effect.catchTag("Refused", (refusal) =>
          refusal.code === "rate-limited"
            ? Effect.andThen(Effect.sleep(refusal.retryAfterMs), submitting(envelope, token))
            : Effect.fail(refusal)
        )
      )

    const transport = Transport.of({
      open,
      deliveries: Stream.fromPull(Effect.succeed(pull)),
      // Like every adapter, waits out the limits of rate.
      submit: (envelope, token) => submitting(envelope, token),
      acknowledge: (ids) =>
        asDevice("acknowledge", (device, now) => {
          relay.acknowledge(device, ids, now)
          for (const id of ids) lineOf(device).due.delete(id)
          return Result.void
        }),
      status: Stream.suspend(() =>
        last === undefined ? status.stream : Stream.concat(Stream.make(last), status.stream)
      )
    })
    const slots = Slots.of({
      open: (place) =>
        asDevice("link", (device, now) =>
          Result.map(memorySlots.open(Bytes.toHex(device.id), place, now), () => ({ relay: relay.name }))
        ),
      issuePassword: asDevice("link", (device, now) => {
        const password = randomPassword()
        return Result.map(relay.issueFor(device, password, now), ({ expiresAt }) => ({ password, expiresAt }))
      }),
      join: (place, progress) =>
        Effect.gen(function* () {
          const blobs = yield* Queue.unbounded<Uint8Array, Refused>()
          let posted = progress?.posted ?? 0
          const seat = yield* ask("link", (now) =>
            memorySlots.join(place, progress?.received ?? 0, (_, blob) => Queue.offerUnsafe(blobs, blob), now)
          )
          const line: SlotLine = {
            relay: relay.name,
            post: (blob) =>
              Effect.map(
                ask("link", (now) => memorySlots.post(seat, posted, blob, now)),
                () => void posted++
              ),
            received: Stream.fromQueue(blobs),
            close: ask("link", () => Result.succeed(memorySlots.close(seat)))
          }
          return line
        })
    })
    return Context.make(Transport, transport).pipe(
      Context.add(Directory, directory),
      Context.add(Slots, slots),
      Context.add(AttachmentStore, attachments.service)
    )
  })

  /** Connections that wait for the network to come back, logged in or not. */
  const waitingConnections = new Set<Connection>()

  const wakeAll = (): void => {
    for (const connection of waitingConnections) connection.wake.openUnsafe()
    for (const [device, line] of lines) requeue(device, line)
  }

  const say = (user: string | undefined, status: TransportStatus): void => {
    for (const [device, { connection }] of lines) {
      if (user === undefined || device.user === user) connection?.say(status)
    }
  }

  return {
    attachments,
    layer: Layer.fresh(Layer.effectContext(connect)),
    issue: (user) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const password = randomPassword()
        relay.issue(user, password, now)
        return password
      }),
    faults: (next) => {
      faults = { ...faults, ...next }
    },
    cut: (user) => {
      if (user === undefined) everybodyCut = true
      else cutUsers.add(user)
      say(user, { _tag: "Disconnected", reason: "cut off", retryInMs: 0 })
    },
    mend: (user) => {
      if (user === undefined) {
        everybodyCut = false
        cutUsers.clear()
      } else cutUsers.delete(user)
      say(user, { _tag: "Connected" })
      wakeAll()
    },
    submitted,
    waiting: (user) => (byUser.get(user) ?? []).reduce((sum, device) => sum + device.kept.size, 0),
    inject: (user, envelope) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const device = byUser.get(user)?.[0]
        if (device === undefined) return
        const id = device.nextDelivery++
        device.kept.set(id, { id, receivedAt: now, envelope: envelope.slice(), digest: `injected ${id}` })
        device.keptBytes += envelope.length
        schedule(device, [device.kept.get(id)!], 0)
      }),
    pretend: (user, entry) => {
      if (entry === undefined) pretended.delete(user)
      else pretended.set(user, entry)
    },
    devices: (user) => byUser.get(user) ?? [],
    publish: (user, manifest) => {
      const device = byUser.get(user)?.find(({ revoked }) => !revoked)
      return device === undefined
        ? Result.fail(refused("unknown-user", "No such user."))
        : publishManifest(device, manifest, [])
    },
    manifests: (user) => {
      const entry = relay.lookUp(user)
      return Result.isSuccess(entry) ? entry.success.manifests : []
    }
  }
}

/** The mailbox an envelope names, in hexadecimal. */
export const mailboxOf = (envelope: Uint8Array): string | undefined => {
  const decoded = Envelope.decode(envelope)
  return Result.isSuccess(decoded) ? Bytes.toHex(decoded.success.to) : undefined
}
