/**
 * One actor of the family `device`: its disk, its surroundings, and what a request does to them.
 *
 * Spec: docs/spec/20-subject.md §20.5–20.7.
 * Requests and answers as they stand on a line; anything thrown is a fault.
 */
import type { Sent, SendError, SuiteId, Warning, Write } from "@tacit/core"
import { Bundle, Bytes, Suite, type CryptoProvider } from "@tacit/core/hazmat"
import { MemoryStore } from "@tacit/core/testing"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { Outcome } from "../../../src/protocol/Message.ts"
import type { Members, Stage } from "../../../src/protocol/Value.ts"
import { rejection } from "../stage.ts"
import { Coins } from "./Coins.ts"
import { bytesOf, countOf, crashOf, listOf, optionalList, textOf } from "./Input.ts"
import { Loop } from "./Loop.ts"
import { Outside } from "./Outside.ts"
import { type Ground, Process } from "./Process.ts"
import * as Snapshot from "./Snapshot.ts"
import * as Told from "./Told.ts"

/** What counters are told, by the records they count. */
const counted = {
  skipped: "skipped/",
  oneTime: "prekey/once/",
  kemOneTime: "prekey/kem-once/",
  sessions: "session/",
  held: "held/"
} as const

/** Counters that `inspect` tells. */
export const counters: ReadonlyArray<string> = Object.keys(counted)

/** Records about deliveries and orders, and what is written down of a refusal for people to read: not what the device goes by. */
const bookkeeping = /^(?:progress\/(?:in|out)$|trust-log\/|proof\/)/

/** Causes of messages that opened and were not shown, and of those that are held. */
const afterOpening = new Set(["fresh.duplicate", "fresh.stale", "policy.identity-changed"])

/** A request that was looked at: it starts together with others, and ends when the device has settled. */
export type Begun =
  | { readonly start: () => void; readonly end: () => Outcome | Promise<Outcome> }
  | { readonly outcome: Outcome }

const reject = (cause: string): Outcome => ({ reject: rejection(cause) })
const done = (outcome: Outcome): Begun => ({ outcome })

/** One device of one user. */
export class Actor {
  readonly #crypto: CryptoProvider
  readonly #coins: Coins
  readonly #disk = MemoryStore.makeDisk()
  readonly #loop = new Loop()
  readonly #outside = new Outside()
  readonly #suites: ReadonlyArray<SuiteId>
  readonly #ground: Ground
  #process: Process | undefined
  #deliveries = 0
  #messages: Array<Members> = []
  #events: Array<Members> = []
  #causes: Array<string> = []
  #receiving = false
  /** Commits since the request began. */
  #commits: Array<ReadonlyArray<Write>> = []
  readonly #versions = new Map<string, number>()
  readonly #hashes = new Map<string, { readonly revision: number; readonly hash: Uint8Array }>()

  constructor(crypto: CryptoProvider, seed: Uint8Array, name: string, suites: ReadonlyArray<number>) {
    this.#crypto = crypto
    this.#coins = new Coins(crypto, seed, name)
    this.#suites = suites.filter((suite): suite is SuiteId => Suite.isSuiteId(suite))
    this.#outside.suites = suites
    this.#ground = {
      crypto,
      entropy: this.#coins.entropy,
      disk: this.#disk,
      loop: this.#loop,
      outside: this.#outside,
      suites: this.#suites,
      tell: {
        message: (message) => this.#tell(this.#messages, Told.message(message)),
        synced: (item) => this.#tell(this.#messages, Told.copy(item)),
        warning: (warning) => this.#warn(warning),
        outbox: (event) => this.#tell(this.#events, Told.receipt(event)),
        commit: (writes) => void this.#commits.push(writes)
      }
    }
  }

  /** Lets time pass, and supplies random values for the request that follows. */
  async prepare(
    now: number | undefined,
    coins: { readonly [label: string]: ReadonlyArray<string> } | undefined
  ): Promise<void> {
    this.#coins.supply(coins)
    if (now === undefined || now === this.#loop.now) return
    await this.#loop.advance(now)
    await this.settle()
  }

  /** Looks at a request, or does it. Several may be started together; they end after {@link settle}. */
  async begin(op: string, input: Members): Promise<Begun> {
    if (op === "actor.new") return done(await this.#new(textOf(input, "user")))
    if (op === "actor.keys") return done(await this.#keys())
    if (op === "actor.enter") return done(await this.#enter(input))
    if (op === "actor.restart") return done(await this.#restart())
    if (op === "actor.restore") return done(await this.#restore(bytesOf(input, "snapshot")))
    const process = this.#running()
    switch (op) {
      case "session.send":
        return this.#send(process, input)
      case "receive":
        return this.#receive(process, input)
      case "prekey.publish":
        return done(await this.#publish(process, countOf(input, "count")))
      case "peer.learn":
        return done(await this.#learn(process, input))
      case "peer.answer":
        return done(this.#answer(process, textOf(input, "user"), Bytes.toHex(bytesOf(input, "account")), input))
      case "peer.accept":
        return done(await this.#accept(process, textOf(input, "user"), textOf(input, "account")))
      case "device.admit":
        return done(await this.#admit(process, input))
      case "device.revoke":
        return done(await this.#revoke(process, textOf(input, "device")))
      case "own.learn":
        return done(await this.#learnOwn(process, manifestsOf(input)))
      case "relay.stale":
        this.#outside.refuse(Bytes.toHex(bytesOf(input, "mailbox")), bytesOf(input, "manifest"))
        return done({ ok: {} })
      case "peer.offer":
        bytesOf(input, "account")
        this.#outside.offer(Bytes.toHex(bytesOf(input, "device")), bytesOf(input, "bundle"))
        return done({ ok: {} })
      case "session.reset":
        return done(await this.#reset(process, textOf(input, "account")))
      case "session.agree":
        return done(await this.#agree(process, textOf(input, "account"), textOf(input, "device")))
      case "poll":
        return done(await this.#poll(process))
      case "inspect":
        return done({ ok: this.#inspect() })
      case "digest":
        return done({ ok: { digest: Bytes.toHex(this.#digest()) } })
      case "actor.snapshot":
        return done({ ok: { snapshot: Bytes.toHex(Snapshot.encode(this.#crypto, this.#disk.snapshot())) } })
      default:
        return done({ unsupported: { feature: op } })
    }
  }

  /** Runs what was begun until everything waits. */
  async settle(): Promise<void> {
    await this.#loop.settle()
    const process = this.#process
    if (process === undefined || process.dead) return
    if (this.#outside.out.length > 0) await process.flush()
  }

  /** Ends the device. */
  async drop(): Promise<void> {
    const process = this.#process
    this.#process = undefined
    await process?.close()
  }

  // ---- Life

  #running(): Process {
    if (this.#process === undefined) throw new Error("the device does not run: actor.restart comes first")
    this.#commits = []
    this.#causes = []
    return this.#process
  }

  async #new(user: string): Promise<Outcome> {
    if (this.#process !== undefined) throw new Error("the actor exists")
    const registered = await Process.register(this.#ground, user)
    if (registered._tag === "Failure") throw new Error("the account was not made", { cause: registered.cause })
    return this.#made()
  }

  /** Opens a device that was just registered, and says who it is. */
  async #made(): Promise<Outcome> {
    const problem = await this.#open()
    if (problem !== undefined) throw new Error(`the device does not open: ${problem}`)
    const { certificate, mailbox, manifest } = this.#outside.registration!
    const { account, device } = this.#process!.client.self
    return {
      ok: {
        account,
        device,
        mailbox: Bytes.toHex(mailbox),
        manifest: Bytes.toHex(manifest),
        certificate: Bytes.toHex(certificate)
      }
    }
  }

  async #keys(): Promise<Outcome> {
    if (this.#process !== undefined) throw new Error("the actor exists")
    const keys = await Process.createKeys(this.#ground)
    if (keys._tag === "Failure") throw new Error("the keys were not made", { cause: keys.cause })
    const { agreement, device } = keys.value
    return { ok: { device: Bytes.toHex(device), agreement: Bytes.toHex(agreement) } }
  }

  async #enter(input: Members): Promise<Outcome> {
    if (this.#process !== undefined) throw new Error("the actor exists")
    const entered = await Process.enter(this.#ground, {
      user: textOf(input, "user"),
      certificate: bytesOf(input, "certificate"),
      manifest: bytesOf(input, "manifest"),
      alias: bytesOf(input, "alias"),
      rendezvousSeed: bytesOf(input, "rendezvous")
    })
    if (entered._tag === "Failure")
      throw new Error(`the device was not made: ${String(entered.cause)}`, { cause: entered.cause })
    return this.#made()
  }

  /** Opens the device, or says why not. */
  async #open(): Promise<string | undefined> {
    this.#messages = []
    this.#events = []
    const opened = await Process.open(this.#ground)
    if (!(opened instanceof Process)) return opened._tag
    this.#process = opened
    await this.settle()
    return undefined
  }

  async #restart(): Promise<Outcome> {
    // What a running device told before it ended was told: it does not tell it again.
    const told = this.#events
    await this.drop()
    const problem = await this.#open()
    this.#events.unshift(...told)
    if (problem !== undefined) throw new Error(`the device does not open: ${problem}`)
    return this.#shown()
  }

  async #restore(bytes: Uint8Array): Promise<Outcome> {
    const snapshot = Snapshot.decode(this.#crypto, bytes)
    if (snapshot === undefined) return reject("state.corrupt")
    const before = this.#disk.snapshot()
    const running = this.#process !== undefined
    await this.drop()
    this.#disk.restore(snapshot)
    if ((await this.#open()) === undefined) {
      // What the directory has of the device's prekeys may be of secrets it no longer has.
      this.#outside.forget()
      this.#versions.clear()
      return this.#shown()
    }
    this.#disk.restore(before)
    if (running) await this.#open()
    return reject("state.corrupt")
  }

  /** The process died at its commit. What had left before is on its way all the same, and told with the restart. */
  async #crashed(more: Members = {}): Promise<Outcome> {
    this.#receiving = false
    await this.drop()
    this.#messages = []
    this.#events = []
    return { ok: { crashed: true, ...more } }
  }

  // ---- Prekeys and peers

  async #publish(process: Process, count: number): Promise<Outcome> {
    for (let rounds = 0; !this.#outside.stocks(count); rounds++) {
      const made = await process.run(process.device.maintainPrekeys)
      if (made._tag === "Failure" || rounds > count) throw new Error("prekeys were not published")
    }
    const { bundles, last } = this.#outside.bundles(count)
    return { ok: { bundles: bundles.map(Bytes.toHex), last: Bytes.toHex(last) } }
  }

  async #learn(process: Process, input: Members): Promise<Outcome> {
    const user = textOf(input, "user")
    const account = Bytes.toHex(bytesOf(input, "account"))
    const untell = this.#outside.told()
    this.#outside.learn(user, account, manifestsOf(input))
    process.device.askAgain(user)
    const exit = await this.#inline(() => process.run(process.client.conversation(user)))
    if (exit._tag === "Success") {
      this.#lookAtVersion(process, account)
      const devices = (await this.#targets(process, account)).map(({ device }) => device)
      return { ok: { devices } }
    }
    const cause = causeOf(exit)
    // The directory's word stands: whoever claims that name from now on is compared with it.
    if (cause !== "policy.identity-changed") untell()
    return reject(cause)
  }

  #answer(process: Process, user: string, account: string, input: Members): Outcome {
    const manifests = manifestsOf(input)
    if (account === process.client.self.account) this.#outside.learnOwn(user, account, manifests)
    else this.#outside.learn(user, account, manifests)
    // Of accounts it knows a device asks while it takes an envelope in, and is answered then.
    if (process.device.manifestVersion(account) > 0) this.#outside.follow(account)
    return { ok: {} }
  }

  async #accept(process: Process, user: string, account: string): Promise<Outcome> {
    const exit = await process.run(process.client.acceptIdentity(user, account))
    await this.settle()
    return exit._tag === "Success" ? this.#shown() : reject(causeOf(exit))
  }

  // ---- Own devices

  async #admit(process: Process, input: Members): Promise<Outcome> {
    const keys = { device: bytesOf(input, "device"), agreement: bytesOf(input, "agreement") }
    const exit = await this.#inline(() => process.run(process.device.admit(keys)))
    if (exit._tag === "Failure") return refusalOf(exit)
    const { alias, certificate, manifest, rendezvousSeed } = exit.value
    await this.settle()
    return this.#shown({
      certificate: Bytes.toHex(certificate),
      manifest: Bytes.toHex(manifest),
      alias: Bytes.toHex(alias),
      rendezvous: Bytes.toHex(rendezvousSeed)
    })
  }

  async #revoke(process: Process, device: string): Promise<Outcome> {
    const exit = await this.#inline(() => process.run(process.client.revokeDevice(device)))
    if (exit._tag === "Failure") return refusalOf(exit)
    await this.settle()
    return this.#shown({ manifest: Bytes.toHex(this.#outside.manifest ?? Bytes.empty) })
  }

  async #learnOwn(process: Process, manifests: ReadonlyArray<Uint8Array>): Promise<Outcome> {
    const { account, user } = process.client.self
    this.#outside.learnOwn(user ?? "", account, manifests)
    const exit = await this.#inline(() => process.run(process.client.refreshDevices))
    if (exit._tag === "Failure") return refusalOf(exit)
    await this.settle()
    const { devices } = exit.value
    return this.#shown({ devices: devices.filter(({ current }) => !current).map(({ id }) => id) })
  }

  /** Runs something whose questions to the directory are answered at once. */
  async #inline<A>(f: () => A | Promise<A>): Promise<A> {
    this.#outside.inline = true
    try {
      return await f()
    } finally {
      this.#outside.inline = false
    }
  }

  async #targets(process: Process, account: string) {
    const exit = await process.run(process.device.targets(account))
    if (exit._tag === "Failure")
      throw new Error(`a conversation does not load: ${String(exit.cause)}`, { cause: exit.cause })
    return exit.value
  }

  /** Devices of an account there is no session with. */
  async #without(process: Process, account: string): Promise<ReadonlySet<string>> {
    const without = (await this.#targets(process, account)).filter(({ session }) => session === undefined)
    return new Set(without.map(({ device }) => device))
  }

  #lookAtVersion(process: Process, account: string): void {
    const version = process.device.manifestVersion(account)
    const before = this.#versions.get(account) ?? 0
    if (version <= before) return
    this.#versions.set(account, version)
    if (before > 0) this.#events.push({ type: "device-changed", account, version })
  }

  // ---- Messages

  async #send(process: Process, input: Members): Promise<Begun> {
    const account = Bytes.toHex(bytesOf(input, "account"))
    const crash = crashOf(input)
    const text = Bytes.utf8Decode(bytesOf(input, "text"))
    if (text === undefined) return done(reject("decode.utf8"))
    const hindrance = await this.#hindrance(process, account)
    if (hindrance !== undefined) return done(reject(hindrance))
    const offers = this.#outside.offers()
    // What waits for a session with these devices gets its bundle now, and goes out first.
    while (this.#outside.answer(await this.#without(process, account))) await this.settle()
    let sending: Fiber.Fiber<Sent, SendError> | undefined
    return {
      start: () => {
        if (crash !== undefined) {
          process.doom({
            when: crash,
            at: (writes) => writes.some(({ key, op }) => op === "put" && key.startsWith("outbox/"))
          })
        }
        this.#outside.inline = true
        sending = process.start(process.client.send({ account }, text))
      },
      end: () => {
        this.#outside.inline = false
        if (process.dead) return this.#crashed()
        process.doom(undefined)
        return this.#sent(sending!, offers)
      }
    }
  }

  #sent(sending: Fiber.Fiber<Sent, SendError>, offers: ReadonlyMap<string, Uint8Array>): Outcome {
    const exit = sending.pollUnsafe()
    if (exit === undefined) throw new Error("the message was neither stored nor refused")
    if (exit._tag === "Failure") {
      this.#outside.putBack(offers)
      return reject(causeOf(exit))
    }
    const { id, sequence } = exit.value
    return { ok: { id, number: sequence, ...this.#taken(), used: this.#takeUsed() } }
  }

  /** Why a message to an account cannot be sealed, if that can be known before. */
  async #hindrance(process: Process, account: string): Promise<string | undefined> {
    const targets = await this.#targets(process, account)
    if (targets.length === 0) return "lookup.no-session"
    for (const { device, prepared, session } of targets) {
      if (session !== undefined || prepared) continue
      const offer = this.#outside.offerOf(device)
      if (offer === undefined) return "lookup.no-session"
      const checked = Bundle.check(this.#crypto, offer, Bytes.fromHex(account)!)
      if (Result.isFailure(checked)) return checked.failure.cause
      if (Bytes.toHex(checked.success.certificate.device) !== device) return "auth.account"
      const suite = Bundle.chooseSuite(checked.success, this.#suites)
      if (Result.isFailure(suite)) return suite.failure.cause
    }
    return undefined
  }

  #receive(process: Process, input: Members): Begun {
    const envelope = bytesOf(input, "wire")
    const receivedAt = countOf(input, "at")
    const crash = crashOf(input)
    return {
      start: () => {
        process.device.tellAgain()
        if (crash !== undefined) {
          process.doom({ when: crash, at: (writes) => writes.some(({ key }) => key === "progress/in") })
        }
        this.#receiving = true
        process.deliver({ id: ++this.#deliveries, receivedAt, envelope })
      },
      end: () => {
        this.#receiving = false
        if (process.dead) return this.#crashed({ acknowledged: this.#outside.acknowledged.has(this.#deliveries) })
        process.doom(undefined)
        return this.#received()
      }
    }
  }

  #received(): Outcome {
    const burst = this.#commits.find((writes) => writes.some(({ key }) => key === "progress/in"))
    // Without one its fate is open: the directory has to be asked first.
    if (burst === undefined) return this.#shown()
    const changed = burst.some(({ key }) => /^(session|skipped|held)\//.test(key))
    if (changed) {
      for (const cause of this.#causes) {
        if (afterOpening.has(cause)) this.#events.push({ type: "refused", class: cause })
      }
      return this.#shown()
    }
    const [cause] = this.#causes
    if (cause === undefined) throw new Error("the envelope was refused without a cause")
    return reject(cause)
  }

  async #reset(process: Process, account: string): Promise<Outcome> {
    const exit = await process.run(
      // The conversation is that of a contact; without one there is nothing to archive.
      process.device.client.conversation({ account })
    )
    if (exit._tag === "Failure") return reject(causeOf(exit))
    const reset = await process.run(exit.value.reset)
    await this.settle()
    return reset._tag === "Success" ? { ok: { ...this.#taken(), used: this.#takeUsed() } } : reject(causeOf(reset))
  }

  async #agree(process: Process, account: string, device: string): Promise<Outcome> {
    const session = (await this.#targets(process, account)).find((target) => target.device === device)?.session
    return { ok: session === undefined ? {} : { session } }
  }

  async #poll(process: Process): Promise<Outcome> {
    do await this.settle()
    while (this.#outside.answer())
    for (const account of this.#versions.keys()) this.#lookAtVersion(process, account)
    return this.#shown()
  }

  // ---- What is told

  #taken(): { readonly out: ReadonlyArray<Members> } {
    const { out } = this.#outside
    this.#outside.out = []
    return { out: out.map(({ to, wire }) => ({ to, wire })) }
  }

  #takeUsed(): ReadonlyArray<string> {
    const { used } = this.#outside
    this.#outside.used = []
    return used
  }

  #shown(more: Members = {}): Outcome {
    const events = [...this.#events, ...this.#messages]
    this.#events = []
    this.#messages = []
    const used = this.#takeUsed()
    return { ok: { ...more, events, ...this.#taken(), ...(used.length === 0 ? {} : { used }) } }
  }

  #tell(list: Array<Members>, event: Members | undefined): void {
    if (event !== undefined) list.push(event)
  }

  #warn(warning: Warning): void {
    if (warning._tag === "Rejected") {
      if (this.#receiving) this.#causes.push(warning.cause)
      else this.#events.push({ type: "refused", class: warning.cause })
      return
    }
    if (warning._tag === "DevicesChanged") this.#versions.set(warning.peer.account, warning.version)
    this.#tell(this.#events, Told.warning(warning))
  }

  #inspect(): Members {
    const keys = [...this.#disk.snapshot().records.keys()]
    return Object.fromEntries(
      Object.entries(counted).map(([name, prefix]) => [name, keys.filter((key) => key.startsWith(prefix)).length])
    )
  }

  /** The exclusive-or of a hash of every record. */
  #digest(): Uint8Array {
    const sum = new Uint8Array(32)
    for (const [key, { revision, value }] of this.#disk.snapshot().records) {
      if (bookkeeping.test(key)) continue
      let known = this.#hashes.get(key)
      if (known?.revision !== revision) {
        const name = Bytes.utf8Encode(key)
        known = { revision, hash: this.#crypto.sha256(Bytes.concat(Bytes.be32(name.length), name, value)) }
        this.#hashes.set(key, known)
      }
      for (let i = 0; i < sum.length; i++) sum[i]! ^= known.hash[i]!
    }
    return sum
  }
}

/** Causes of errors that carry none. */
const causes: { readonly [tag: string]: string } = {
  IdentityChanged: "policy.identity-changed",
  Revoked: "policy.revoked-device",
  UnknownUser: "lookup.no-session"
}

/** Stages of refusals that no message can bring about. */
const stages: { readonly [tag: string]: Stage } = {
  CannotRevise: "policy",
  NotAdmin: "policy",
  UnknownDevice: "lookup"
}

/** Like {@link causeOf}, of a change of the own devices. */
const refusalOf = (exit: Exit.Exit<unknown, { readonly _tag: string }>): Outcome => {
  const reason = exit._tag === "Failure" ? exit.cause.reasons[0] : undefined
  const tag = reason?._tag === "Fail" ? reason.error._tag : undefined
  const stage = tag === undefined ? undefined : stages[tag]
  return stage === undefined ? reject(causeOf(exit)) : { reject: { stage, native: tag! } }
}

/** The cause of a failed request that its caller is to blame for; everything else is a fault. */
const causeOf = (exit: Exit.Exit<unknown, { readonly _tag: string }>): string => {
  const reason = exit._tag === "Failure" ? exit.cause.reasons[0] : undefined
  if (reason?._tag !== "Fail") throw new Error("the client died", { cause: reason })
  const { error } = reason
  if (error._tag === "PeerMisbehaved") return (error as unknown as { readonly failure: string }).failure
  if (error._tag === "InvalidMessage") {
    const { reason: why } = error as unknown as { readonly reason: string }
    if (why === "too-large") return "decode.size"
    throw new Error(`the message is none: ${why}`)
  }
  const cause = causes[error._tag]
  if (cause === undefined) throw new Error(`the client failed: ${error._tag}`, { cause: error })
  return cause
}

const manifestsOf = (input: Members): ReadonlyArray<Uint8Array> =>
  listOf(input, "manifests").map((text) => Bytes.fromHex(text) ?? Bytes.empty)

/** Suites of a new actor. */
export const suitesOf = (input: Members): ReadonlyArray<number> => optionalList(input, "suites") ?? [1, 2, 3]
