/**
 * What a device sees of the world: a transport that notes what is sent and gives what is put into it, and a directory that knows what
 * it was told.
 *
 * Spec: docs/spec/20-subject.md, rules subject.publish.1, subject.peer.1, subject.peer.2, subject.receive.1, subject.poll.1,
 * subject.stale.1.
 * What a device asks by itself is answered at the next poll, so that what follows from a refusal is no part of it.
 */
import {
  type Delivery,
  Directory,
  type DirectoryEntry,
  type PublishedKey,
  type PublishedOneTimeKey,
  Refused,
  type Registration,
  Transport,
  TransportError
} from "@tacit/core"
import { Bundle, Bytes, Canonical, Envelope } from "@tacit/core/hazmat"
import * as Effect from "effect/Effect"
import type * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

/** An envelope on its way: mailbox and bytes, as lower-case hex. */
export interface Outgoing {
  readonly to: string
  readonly wire: string
}

interface Question {
  /** The device a bundle is asked for, or the account manifests are. */
  readonly device: string
  /** Answers if the answer is known. */
  readonly answer: () => boolean
}

const refused = (code: string, detail: Uint8Array = Bytes.empty): Refused =>
  new Refused({ code, explanation: "", retryAfterMs: 0, detail })
const silent = new TransportError({ operation: "look-up", cause: "the directory was told nothing about it" })

/** One-time prekeys in store that keep a device from making more by itself. */
const plenty = 50

/** What surrounds one device. Survives its restarts. */
export class Outside {
  /** What the device sent since the last answer. */
  out: Array<Outgoing> = []
  /** Devices whose offered bundle was used since the last answer. */
  used: Array<string> = []
  /** Deliveries the device acknowledged. */
  readonly acknowledged = new Set<number>()
  registration: Registration | undefined
  /** The manifest the device published last. */
  manifest: Uint8Array | undefined
  suites: ReadonlyArray<number> = [1, 2, 3]
  /** Whether questions are answered at once: the runner's request asks them. */
  inline = false
  readonly #names = new Map<string, string>()
  readonly #manifests = new Map<string, ReadonlyArray<Uint8Array>>()
  readonly #followed = new Set<string>()
  #account = ""
  readonly #offers = new Map<string, Uint8Array>()
  readonly #questions = new Set<Question>()
  /** Mailboxes of revoked devices, with the manifest that says so. */
  readonly #stale = new Map<string, Uint8Array>()
  // What the device published.
  #signed: PublishedKey | undefined
  #lastResortKem: PublishedKey | undefined
  readonly #oneTime: Array<PublishedOneTimeKey> = []
  readonly #oneTimeKem: Array<PublishedKey> = []
  readonly #highest = { signed: 0, lastResortKem: 0, oneTime: 0, oneTimeKem: 0 }
  #wanted = plenty

  // ---- The runner's side

  /** What the directory answers from now on. */
  learn(user: string, account: string, manifests: ReadonlyArray<Uint8Array>): void {
    this.#names.set(user, account)
    this.#manifests.set(account, manifests)
  }

  /** What the directory answers from now on about the device's own account. */
  learnOwn(user: string, account: string, manifests: ReadonlyArray<Uint8Array>): void {
    this.#account = account
    this.learn(user, account, manifests)
    this.follow(account)
  }

  /** From now on questions about an account are answered when they are asked, whatever the version: the device follows it. */
  follow(account: string): void {
    this.#followed.add(account)
  }

  /** The state of the directory, to go back to when what it said was refused. */
  told(): () => void {
    const names = new Map(this.#names)
    const manifests = new Map(this.#manifests)
    return () => {
      this.#names.clear()
      this.#manifests.clear()
      for (const [user, account] of names) this.#names.set(user, account)
      for (const [account, chain] of manifests) this.#manifests.set(account, chain)
    }
  }

  /** What the relay answers from now on to what is submitted for a mailbox (rule relay.submit.4). */
  refuse(mailbox: string, manifest: Uint8Array): void {
    this.#stale.set(mailbox, manifest)
  }

  offer(device: string, bundle: Uint8Array): void {
    this.#offers.set(device, bundle)
  }

  offerOf(device: string): Uint8Array | undefined {
    return this.#offers.get(device)
  }

  /** Puts offers back that a refused request took. */
  putBack(taken: ReadonlyMap<string, Uint8Array>): void {
    for (const [device, bundle] of taken) if (!this.#offers.has(device)) this.#offers.set(device, bundle)
    this.used = this.used.filter((device) => !taken.has(device))
  }

  offers(): ReadonlyMap<string, Uint8Array> {
    return new Map(this.#offers)
  }

  /** Answers what can be answered of what the device asked by itself, if `devices` are given only of bundles for them. */
  answer(devices?: ReadonlySet<string>): boolean {
    let answered = false
    for (const question of this.#questions) {
      if (devices?.has(question.device) === false) continue
      if (!question.answer()) continue
      this.#questions.delete(question)
      answered = true
    }
    return answered
  }

  /** Whether so many one-time prekeys of each kind can be handed out; otherwise the device is told that it has none left. */
  stocks(count: number): boolean {
    const has = this.#oneTime.length >= count && this.#oneTimeKem.length >= count
    this.#wanted = has ? plenty : count > 31 ? 0 : 19
    return has
  }

  /** Forgets one-time prekeys that were not handed out: the device may not have their secrets any more. */
  forget(): void {
    this.#oneTime.length = 0
    this.#oneTimeKem.length = 0
  }

  /** Bundles of what was published: one for each one-time prekey, and one without. */
  bundles(count: number): { readonly bundles: ReadonlyArray<Uint8Array>; readonly last: Uint8Array } {
    const bundles: Array<Uint8Array> = []
    for (let i = 0; i < count; i++) bundles.push(this.#bundle(this.#oneTimeKem.shift()!, 1, this.#oneTime.shift()))
    return { bundles, last: this.#bundle(this.#lastResortKem!, 0, undefined) }
  }

  #bundle(kem: PublishedKey, oneTime: number, oneTimePrekey: PublishedOneTimeKey | undefined): Uint8Array {
    const { certificate, mailbox } = this.registration!
    const suites = [...new Set(this.suites)].sort((a, b) => a - b)
    return Bundle.encode({
      certificate,
      mailbox,
      signedPrekey: this.#signed!,
      kemPrekey: { ...kem, oneTime },
      oneTimePrekey,
      suites
    })
  }

  // ---- The device's side

  /** A connection for one run of the device. */
  transport(deliveries: Queue.Queue<Delivery>): Transport["Service"] {
    return Transport.of({
      open: () => Effect.void,
      deliveries: Stream.fromQueue(deliveries),
      submit: (envelope) =>
        Effect.suspend(() => {
          const decoded = Envelope.decode(envelope)
          if (Result.isFailure(decoded)) throw new Error("the device sent what is no envelope")
          const to = Bytes.toHex(decoded.success.to)
          const stale = this.#stale.get(to)
          if (stale !== undefined) return Effect.fail(refused("stale-device", stale))
          this.out.push({ to, wire: Bytes.toHex(envelope) })
          return Effect.void
        }),
      acknowledge: (ids) =>
        Effect.sync(() => {
          for (const id of ids) this.acknowledged.add(id)
        }),
      status: Stream.concat(Stream.make({ _tag: "Connected" } as const), Stream.never)
    })
  }

  readonly directory: Directory["Service"] = Directory.of({
    register: (registration) => Effect.sync(() => void (this.registration = registration)),
    lookUp: (user) =>
      Effect.suspend(() => {
        const account = this.#names.get(user)
        return account === undefined
          ? Effect.fail(refused("unknown-user"))
          : Effect.succeed({ account: Bytes.fromHex(account)!, manifests: this.#manifests.get(account) ?? [] })
      }),
    manifestsAfter: (account, version) => {
      const hex = Bytes.toHex(account)
      const find = (): DirectoryEntry | undefined => {
        const chain = this.#manifests.get(hex)
        return chain === undefined ? undefined : { account, manifests: chain.slice(version) }
      }
      // Of a device it knows a client asks while it takes an envelope in; of strangers it asks by itself.
      const found = version > 0 || this.#followed.has(hex) ? find() : undefined
      if (found !== undefined) return Effect.succeed(found)
      return version > 0 ? Effect.fail(silent) : this.#ask(find, hex)
    },
    bundle: (_account, device) => {
      const hex = Bytes.toHex(device)
      return this.#ask(() => {
        const bundle = this.#offers.get(hex)
        if (bundle === undefined) return undefined
        this.#offers.delete(hex)
        this.used.push(hex)
        return bundle
      }, hex)
    },
    prekeyStatus: Effect.sync(() => ({
      waiting: 0,
      oneTime: this.#wanted,
      oneTimeKem: this.#wanted,
      signedPrekeyId: this.#signed?.id ?? 0
    })),
    publishPrekeys: (keys) =>
      Effect.suspend(() => {
        const kinds = ["signed", "lastResortKem", "oneTime", "oneTimeKem"] as const
        const highest = this.#highest
        // Rule relay.prekeys.1: ids rise, also for a device that forgot which it gave out.
        if (kinds.some((kind) => keys[kind].some(({ id }) => id <= highest[kind]))) {
          return Effect.fail(refused("bad-prekeys", Canonical.encode(kinds.map((kind) => highest[kind]))))
        }
        for (const kind of kinds) highest[kind] = Math.max(highest[kind], ...keys[kind].map(({ id }) => id))
        this.#signed = keys.signed.at(-1) ?? this.#signed
        this.#lastResortKem = keys.lastResortKem.at(-1) ?? this.#lastResortKem
        this.#oneTime.push(...keys.oneTime)
        this.#oneTimeKem.push(...keys.oneTimeKem)
        return Effect.succeed({
          waiting: 0,
          oneTime: plenty,
          oneTimeKem: plenty,
          signedPrekeyId: this.#signed?.id ?? 0
        })
      }),
    publishManifest: (manifest) =>
      Effect.sync(() => {
        this.manifest = manifest
        // What a directory took it also hands out.
        const chain = this.#manifests.get(this.#account)
        if (chain !== undefined) this.#manifests.set(this.#account, [...chain, manifest])
      }),
    setDeliveryToken: () => Effect.void
  })

  /** Asks at once, or at the next poll. */
  #ask<A>(find: () => A | undefined, device: string): Effect.Effect<A, TransportError> {
    return Effect.suspend((): Effect.Effect<A, TransportError> => {
      if (this.inline) {
        const found = find()
        return found === undefined ? Effect.fail(silent) : Effect.succeed(found)
      }
      return Effect.callback<A>((resume) => {
        const question: Question = {
          device,
          answer: () => {
            const found = find()
            if (found === undefined) return false
            resume(Effect.succeed(found))
            return true
          }
        }
        this.#questions.add(question)
        return Effect.sync(() => void this.#questions.delete(question))
      })
    })
  }
}
