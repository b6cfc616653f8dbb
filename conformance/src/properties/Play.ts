/**
 * What the steps of a script do, and how a script ends.
 *
 * Spec: docs/spec/21-conformance.md §21.3.
 * Total: a step finds what its operands mean in whatever there is, or does nothing. One long file, because it is one table: a step, what
 * it does, and what must come of it, beside each other.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import type { Answer } from "../protocol/Message.ts"
import type { Members, Stage } from "../protocol/Value.ts"
import * as Crossing from "./Crossing.ts"
import { Malice } from "./Malice.ts"
import { Strangers } from "./Strangers.ts"
import type { Sent } from "./Model.ts"
import { operand, type Script, type Step, type StepName } from "./Script.ts"
import * as Tamper from "./Tamper.ts"
import { Broken, type Person, type Wire, type World } from "./World.ts"
import { bytesOf, textOf } from "./Text.ts"

/** Hours and days a script may let pass in all: prekeys and skipped keys live longer. */
const mostTime = 20 * 86_400_000
const pauses = [1, 10, 60, 1_000, 60_000, 3_600_000, 43_200_000] as const

/** Rounds of healing that are waited for after a rollback. */
const mostRounds = 8

/** How much longer than a genuine envelope a hostile one may take, and what no clock can tell, ms. */
const mostWork = 20
const uncertain = 25

/** Resets in one script: a device keeps forty sessions. */
const mostResets = 12

const early: ReadonlySet<string> = new Set(["decode", "version", "policy", "lookup", "authenticate", "opaque", "limit"])

const toHex = Bytes.toHex

/** One script in one world. */
export class Play {
  readonly #world: World
  readonly #crypto: CryptoProvider
  readonly #malice: Malice
  readonly #strangers: Strangers
  #passed = 0
  #usurped = false
  #accepted = false

  constructor(world: World, crypto: CryptoProvider) {
    this.#world = world
    this.#crypto = crypto
    this.#malice = new Malice(crypto, world.options.name)
    const { account, device } = this.#malice.identity
    world.model.join({ account: toHex(account), device: toHex(device), user: "mallory" })
    this.#strangers = new Strangers(world, crypto, {
      text: (length) => this.#text(length),
      hostile: (to, bytes, what, property, stages) => this.#hostile(to, bytes, what, property, stages),
      restart: (person) => this.#restart(person)
    })
  }

  /** Plays a script to its end. `did` is told of every step that did something. */
  async run(script: Script, did: (name: StepName) => void = () => undefined): Promise<void> {
    const world = this.#world
    /** What every step that does something changes: it asks, it takes an envelope away, or time passes otherwise. */
    const trail = (): string =>
      [world.requests, world.flight.length, this.#passed, ...world.people.map(({ skew }) => skew)].join()
    for (const [index, step] of script.entries()) {
      world.step = index
      world.now += 1
      const before = trail()
      await this.#step(step)
      if (trail() !== before) did(step[0])
    }
    world.step = -1
    await this.#end(Crossing.isJudged(script))
  }

  // ---- Choices

  #person(n: number): Person {
    const { people } = this.#world
    return people[n % people.length]!
  }

  #other(person: Person, n: number): Person {
    const others = this.#world.people.filter((one) => one !== person)
    return others[n % others.length]!
  }

  #wire(n: number): Wire | undefined {
    const { past } = this.#world
    return past.length === 0 ? undefined : past[n % past.length]
  }

  #flying(n: number): Wire | undefined {
    const { flight } = this.#world
    return flight.length === 0 ? undefined : flight[n % flight.length]
  }

  #take(wire: Wire): void {
    const { flight } = this.#world
    const at = flight.indexOf(wire)
    if (at >= 0) flight.splice(at, 1)
  }

  // ---- Steps

  async #step(step: Step): Promise<void> {
    const world = this.#world
    const a = operand(step, 0)
    const b = operand(step, 1)
    const c = operand(step, 2)
    const name: StepName = step[0]
    switch (name) {
      case "send":
        return this.#send(this.#person(a), this.#other(this.#person(a), b), c)
      case "deliver": {
        const wire = this.#flying(a)
        return wire === undefined ? undefined : this.#deliver(wire)
      }
      case "all":
        return this.#deliverAll()
      case "publish":
        return this.#up(this.#person(a), (person) => world.publish(person, 1 + (b % 3)))
      case "restart":
        return this.#restart(this.#person(a))
      case "reset":
        return this.#reset(this.#person(a), this.#other(this.#person(a), b))
      case "clock": {
        const pause = pauses[a % pauses.length]!
        if (this.#passed + pause > mostTime) return
        this.#passed += pause
        world.now += pause
        return
      }
      case "poll":
        return this.#poll(this.#person(a))
      case "learn": {
        const person = this.#person(a)
        const other = this.#other(person, b)
        const isKnown = person.knows.has(other.index) && !this.#usurped
        return isKnown ? this.#up(person, () => world.learn(person, other)) : undefined
      }
      case "accept":
        return this.#accept()
      case "drop": {
        const wire = this.#flying(a)
        if (wire === undefined) return
        this.#take(wire)
        return this.#lose(wire)
      }
      case "duplicate": {
        const wire = this.#flying(a)
        if (wire === undefined) return
        await this.#deliver(wire)
        return this.#replay(wire)
      }
      case "reorder": {
        const wire = world.flight.at(-1)
        return wire === undefined ? undefined : this.#deliver(wire)
      }
      case "replay": {
        const wire = this.#wire(a)
        return wire === undefined ? undefined : this.#replay(wire)
      }
      case "replay-restarted": {
        const wire = this.#wire(a)
        if (wire === undefined) return
        await this.#restart(world.people[wire.to]!)
        return this.#replay(wire)
      }
      case "reflect": {
        const wire = this.#wire(a)
        if (wire === undefined) return
        const to = world.people[wire.from]!
        const sent = bytesOf(wire.bytes)
        const bytes = b % 2 === 0 ? sent : Tamper.readdressed(sent, bytesOf(to.mailbox))!.bytes
        return this.#hostile(to, bytes, "an envelope that came back to its sender", "P10", early)
      }
      case "redirect":
      case "readdress": {
        const wire = this.#wire(a)
        if (wire === undefined) return
        const to = this.#other(world.people[wire.to]!, b)
        const sent = bytesOf(wire.bytes)
        const bytes = name === "redirect" ? sent : Tamper.readdressed(sent, bytesOf(to.mailbox))!.bytes
        return this.#hostile(to, bytes, "an envelope for somebody else", "P10", early)
      }
      case "truncate":
      case "extend":
      case "flip":
      case "splice":
      case "reencode":
      case "field":
      case "version":
      case "suite":
      case "key":
        return this.#tamper(name, [a, b, c])
      case "bundle":
        return this.#bundle(this.#person(a), this.#other(this.#person(a), b), c)
      case "manifest":
        return this.#manifest(this.#person(a), this.#other(this.#person(a), b), c)
      case "chain":
        return this.#chain(this.#person(a), b)
      case "skew": {
        const person = this.#person(a)
        person.skew = [0, 1_000, 60_000, 3_600_000, -1_000, -60_000][b % 6]!
        return
      }
      case "snapshot":
        return this.#snapshot(this.#person(a))
      case "rollback":
        return this.#rollBack(this.#person(a), b)
      case "corrupt":
        return this.#corrupt(this.#person(a), b, c)
      case "crash-send":
        return this.#send(this.#person(a), this.#other(this.#person(a), b), c, c % 2 === 0 ? "before" : "after")
      case "crash-receive": {
        const wire = this.#flying(a)
        return wire === undefined ? undefined : this.#crashReceive(wire, b % 2 === 0 ? "before" : "after")
      }
      case "usurp":
        return this.#usurp(a % 2 === 1)
      case "overlap":
        return this.#overlap(this.#person(a), this.#other(this.#person(a), b), 2 + (c % 4))
      case "malice":
        return this.#trick(this.#person(a), b)
      case "old-start":
        return this.#up(this.#person(a), (person) => this.#strangers.oldStart(person, b))
      case "revoke":
        return this.#up(this.#person(a), (person) => this.#strangers.revoke(person, b))
    }
  }

  /** Does something with a device that runs; starts it first if it died. */
  async #up(person: Person, use: (person: Person) => Promise<void>): Promise<void> {
    if (person.down) await this.#restart(person)
    await use(person)
  }

  async #restart(person: Person): Promise<void> {
    const answer = await this.#world.ask(person, "actor.restart")
    if (!("ok" in answer)) return this.#world.fail("P01", "a device did not start on what it stored")
    const died = person.down
    person.down = false
    this.#world.model.runs.started(person.index)
    await this.#world.shown(person, answer.ok, !died)
  }

  async #poll(person: Person): Promise<void> {
    await this.#up(person, async () => {
      const answer = await this.#world.ask(person, "poll")
      if ("ok" in answer) await this.#world.shown(person, answer.ok)
    })
  }

  /** A text no other message has; at least twelve bytes. */
  #text(length: number): string {
    const number = this.#world.texts++
    const salt = toHex(this.#crypto.sha256(Bytes.utf8Encode(`text ${this.#world.options.salt} ${number}`)))
    const text = `${number} ${salt}`.slice(0, 12 + (length % 24))
    return toHex(Bytes.utf8Encode(length % 9 === 8 ? `${text} ${"é✓".repeat(length)}` : text))
  }

  async #send(from: Person, to: Person, length: number, crash?: "before" | "after"): Promise<void> {
    if (!from.knows.has(to.index)) return
    if (crash !== undefined && this.#featuresOf(from).crash !== true) return
    await this.#up(from, async () => void (await this.#sendNow(from, to, this.#text(length), crash)))
  }

  #featuresOf(person: Person) {
    const { reference, subject } = this.#world.options
    return (person.side === "subject" ? subject : reference).hello.features
  }

  async #sendNow(from: Person, to: Person, text: string, crash?: "before" | "after"): Promise<Sent> {
    const world = this.#world
    const sent = world.model.begin(from.index, to.index, text)
    const extra: Members = crash === undefined ? {} : { crash: `${crash}-persist` }
    if (crash === "after") sent.fate = "maybe"
    const answer = await world.ask(from, "session.send", { account: to.account, text, ...extra })
    if ("reject" in answer) {
      // Not sent: nothing of it may appear.
      sent.fate = "never"
      sent.excused = true
      this.#refusedSend(from, to, answer)
      return sent
    }
    if (!("ok" in answer)) return sent
    if (answer.ok["crashed"] === true) {
      from.down = true
      sent.excused = crash === "before"
      await this.#restart(from)
      // Its bundle was taken from the directory in any case.
      for (const other of world.people) if (from.offered.has(other.index)) await world.offer(from, other)
      return sent
    }
    if (this.#blocked(from, to) && Array.isArray(answer.ok["out"]) && answer.ok["out"].length > 0) {
      world.fail("P14", "a message was sent under a changed identity that was not accepted")
    }
    if (world.model.runs.isFrozen(from.index, to.index) && Number(answer.ok["number"]) > 0) {
      world.fail("P20", "a device that knows it runs from an old copy numbered a message (fence.detect.1)")
    }
    world.model.answered(sent, answer.ok)
    await world.outgoing(from, answer.ok, sent)
    return sent
  }

  /** Whether the first person was told that another account came under the second one's name. */
  #toldOf(): boolean {
    const [, , usurper] = this.#world.people
    return this.#usurped && this.#world.model.told[0]!.has(usurper!.account)
  }

  /** Whether sending is held for a changed identity (rule manifest.pin.1). */
  #blocked(from: Person, to: Person): boolean {
    return this.#toldOf() && !this.#accepted && from.index === 0 && to.index === 1
  }

  #refusedSend(from: Person, to: Person, answer: Answer): void {
    if (this.#blocked(from, to) || !this.#world.model.clean) return
    const why = "reject" in answer ? (answer.reject.class ?? answer.reject.stage ?? "?") : "?"
    if (from.offered.has(to.index)) this.#world.fail("P01", `a message could not be sent: ${why}`)
  }

  async #reset(from: Person, to: Person): Promise<void> {
    if (!from.knows.has(to.index) || this.#blocked(from, to) || ++this.#world.resets > mostResets) return
    await this.#up(from, async () => {
      const answer = await this.#world.ask(from, "session.reset", { account: to.account })
      if ("ok" in answer) await this.#world.outgoing(from, answer.ok)
    })
  }

  // ---- Delivery

  async #deliverAll(): Promise<void> {
    for (let most = 500; this.#world.flight.length > 0 && most > 0; most--) await this.#deliver(this.#world.flight[0]!)
  }

  async #deliver(wire: Wire): Promise<void> {
    const world = this.#world
    const to = world.people[wire.to]!
    if (to.down) await this.#restart(to)
    this.#take(wire)
    const { runs } = world.model
    const [since, generation] = [runs.now(), runs.generation(wire.to)]
    const began = performance.now()
    const answer = await world.receive(to, wire.bytes)
    if (to.side === "subject") world.usual.push(performance.now() - began)
    const proves = "ok" in answer && !wire.taken && runs.proves(wire.to, wire.from, wire.stamp)
    if ("ok" in answer && wire.message !== undefined) runs.heard(wire.to, wire.from, wire.stamp, since)
    this.#judge(wire, to, answer)
    // What the message made it do is told with the next poll at the latest.
    if (proves) await this.#poll(to)
    if (proves && runs.generation(wire.to) !== undefined) {
      world.fail(
        "P20",
        "a peer's echo told a device that it runs from an old copy, and it did nothing (fence.detect.1)"
      )
    }
    if (generation !== undefined && runs.generation(wire.to) === undefined) runs.freeze(wire.to, wire.from)
  }

  /** P01, P04 and P19 of an envelope that came as it was sent. Not `sure`: the answer went down with the process. */
  #judge(wire: Wire, to: Person, answer: Answer, sure = true): void {
    const world = this.#world
    const { model } = world
    const { message } = wire
    if ("ok" in answer) {
      if (!wire.taken && sure) this.#once(wire, to)
      wire.taken = true
      message?.pending.delete(wire.bytes)
      // Once something repairs itself, what an answer sends need not be what was asked for; then it counts at the end.
      const plain = model.clean && this.#refusals === 0 && world.resets === 0
      const owed = message !== undefined && message.pending.size === 0 && !model.wasShown(message)
      if (owed && plain) world.fail("P01", "a genuine message was taken in and not shown")
      return
    }
    message?.pending.delete(wire.bytes)
    if (message !== undefined && !model.clean) message.excused = true
    if (wire.taken || !model.clean) return
    const why = "reject" in answer ? (answer.reject.class ?? answer.reject.stage ?? "?") : "?"
    world.fail(this.#refusals > 0 ? "P04" : "P01", `a genuine envelope was refused: ${why}`)
  }

  #refusals = 0

  /** A start that was accepted uses its one-time keys up. */
  #once({ bundle, session }: Wire, to: Person): void {
    // What is held under a changed identity was not accepted yet.
    if (bundle === undefined || session === 0 || this.#usurped) return
    const { accepted } = this.#world.model.memories[to.index]!
    const before = accepted.get(bundle)
    if (before !== undefined && before !== session) {
      this.#world.fail("P19", "a second session began with the same one-time key")
    }
    accepted.set(bundle, session)
  }

  /** The same bytes again. They may be refused, and nothing of them shown. */
  async #replay(wire: Wire): Promise<void> {
    const world = this.#world
    const to = world.people[wire.to]!
    if (to.down) await this.#restart(to)
    if (!wire.taken) return this.#deliver(wire)
    const before = await world.state(to)
    const answer = await world.receive(to, wire.bytes)
    if ("reject" in answer) await this.#unchanged(to, before, "an envelope that came again")
  }

  async #crashReceive(wire: Wire, when: "before" | "after"): Promise<void> {
    const world = this.#world
    const to = world.people[wire.to]!
    if (to.down) await this.#restart(to)
    if (this.#featuresOf(to).crash !== true) return this.#deliver(wire)
    this.#take(wire)
    const input = { wire: wire.bytes, at: world.now, crash: `${when}-persist` }
    const answer = await world.ask(to, "receive", input)
    world.model.runs.thaw(to.index)
    if ("ok" in answer && answer.ok["crashed"] === true) {
      const { acknowledged } = answer.ok
      to.down = true
      await this.#restart(to)
      if (typeof acknowledged !== "boolean") {
        throw new Broken("violation", "the answer of a device that died does not say what it acknowledged", to.side)
      }
      if (when === "before" && acknowledged) {
        world.fail("P01", "an envelope was acknowledged before it was stored, and is lost (state.commit.2)")
      }
      // What was not acknowledged the relay delivers again.
      if (when === "before") return void world.flight.push(wire)
      world.model.runs.proves(wire.to, wire.from, wire.stamp)
      return this.#judge(wire, to, { ok: {} }, false)
    }
    if ("ok" in answer) await world.shown(to, answer.ok)
    this.#judge(wire, to, answer)
  }

  /** An envelope is gone for good: what it may have carried need not arrive. */
  #lose({ from, message, to }: Wire): void {
    const { model, resets } = this.#world
    if (message !== undefined && this.#refusals === 0 && resets === 0) {
      message.excused = true
      return
    }
    for (const sent of model.sent.values()) {
      const isOpen = sent.from === from && sent.to === to && !model.wasShown(sent)
      if (isOpen) sent.excused = true
    }
  }

  // ---- Hostility

  async #tamper(way: string, operands: readonly [number, number, number]): Promise<void> {
    const world = this.#world
    const wire = this.#wire(operands[0])
    if (wire === undefined) return
    const other = this.#wire(operands[1])!
    const own = [...world.people.map(({ account }) => bytesOf(account)), this.#malice.identity.agreement]
    const [, first, second] = operands
    const tampered = Tamper.ways[way]!(
      bytesOf(wire.bytes),
      [first, second, operands[0] >> 3],
      bytesOf(other.bytes),
      own
    )
    if (tampered === undefined) return
    const property = way === "reencode" || way === "field" ? "P16" : "P02"
    await this.#hostile(world.people[wire.to]!, tampered.bytes, `an envelope ${tampered.what}`, property)
  }

  /** What must be refused, and change nothing. */
  async #hostile(
    to: Person,
    bytes: Uint8Array,
    what: string,
    property: string,
    stages?: ReadonlySet<string> | ReadonlyArray<Stage>
  ): Promise<void> {
    const world = this.#world
    const hex = toHex(bytes)
    if (world.past.some((wire) => wire.bytes === hex && wire.to === to.index)) return
    if (to.down) await this.#restart(to)
    const before = await world.state(to)
    const began = performance.now()
    const answer = await world.receive(to, hex)
    const took = performance.now() - began
    if ("ok" in answer) return world.fail(property, `${what} was taken in`)
    this.#refusals++
    await this.#unchanged(to, before, what)
    const stage = "reject" in answer ? (answer.reject.stage ?? "opaque") : "opaque"
    const allowed = stages === undefined ? undefined : new Set<string>(stages)
    const opaque = stage === "opaque" && allowed !== undefined
    if (allowed !== undefined && !opaque && !allowed.has(stage)) world.fail(property, `${what} was refused at ${stage}`)
    if (to.side === "subject") await this.#bounded(to, hex, took, what)
  }

  async #unchanged(person: Person, before: string, what: string): Promise<void> {
    const after = await this.#world.state(person)
    if (after !== before) this.#world.fail("P05", `${what} was refused and changed what the device keeps`)
  }

  /** P12: within a multiple of what genuine envelopes take; measured again before it counts. */
  async #bounded(to: Person, wire: string, took: number, what: string): Promise<void> {
    const { usual } = this.#world
    if (usual.length < 5) return
    const limit = mostWork * usual.toSorted((a, b) => a - b)[usual.length >> 1]! + uncertain
    for (let again = 0; took > limit && again < 3; again++) {
      const began = performance.now()
      await this.#world.receive(to, wire)
      took = performance.now() - began
    }
    if (took > limit) this.#world.fail("P12", `${what} took ${Math.round(took)} ms, more than ${mostWork} genuine ones`)
  }

  async #trick(victim: Person, kind: number): Promise<void> {
    const world = this.#world
    if (victim.down) await this.#restart(victim)
    if (!this.#malice.knows(victim.device)) {
      const bundle = victim.bundles.shift() ?? victim.last
      this.#malice.begin(victim.device, victim.account, bytesOf(bundle), world.now)
    }
    const others = world.people.filter((one) => one !== victim).map(({ certificate }) => bytesOf(certificate))
    const text = this.#text(kind)
    const trick = this.#malice.trick(victim.device, bytesOf(victim.mailbox), kind, decoded(text), others)
    if (trick.stages.length > 0) {
      return this.#hostile(victim, trick.bytes, trick.what, trick.property, trick.stages)
    }
    const sent = world.model.begin(world.people.length, victim.index, text)
    sent.fate = "sent"
    sent.floor = trick.floor
    const answer = await world.receive(victim, toHex(trick.bytes))
    if ("ok" in answer) this.#malice.opened(victim.device)
    if (world.model.wasShown(sent) || !world.model.clean) return
    world.fail(trick.property, `${trick.what} was not shown`)
  }

  async #bundle(from: Person, to: Person, mode: number): Promise<void> {
    const world = this.#world
    if (!from.knows.has(to.index) || this.#blocked(from, to) || world.resets > mostResets) return
    if (from.down) await this.#restart(from)
    const good = bytesOf(from.offered.get(to.index) ?? to.last)
    const [stranger] = world.people.filter((one) => one !== to)
    const way = mode % 7
    // One that was used before: the session it begins cannot open, and is asked for anew.
    if (way <= 1) {
      const stale = way === 0 ? to.spent.at(-1) : to.last
      // To ask for it anew, the other side must be able to reach this one.
      if (stale === undefined || !to.knows.has(from.index)) return
      if (way === 0) world.model.clean = false
      await this.#reset(from, to)
      await world.offer(from, to, stale)
      await this.#sendNow(from, to, this.#text(mode))
      return
    }
    const operands = [mode >> 3, mode * 7, mode] as const
    const bad = [
      () => Tamper.unsigned(good, ["/1"], operands),
      () => Tamper.unsigned(good, ["/3/1", "/3/2"], operands),
      () => Tamper.unsigned(good, ["/4/2", "/4/3"], operands),
      () => good.slice(0, good.length - 1 - (mode % 90)),
      () => bytesOf(stranger!.last)
    ][way - 2]!()
    if (bad === undefined) return
    await this.#reset(from, to)
    await world.offer(from, to, toHex(bad))
    const before = await world.state(from)
    const sent = world.model.begin(from.index, to.index, this.#text(mode))
    const answer = await world.ask(from, "session.send", { account: to.account, text: sent.text })
    if ("reject" in answer) {
      this.#refusals++
      await this.#unchanged(from, before, "a message under a false bundle")
    } else if ("ok" in answer) {
      const used = Array.isArray(answer.ok["used"]) ? answer.ok["used"] : []
      if (used.includes(to.device)) world.fail("P10", "a session was begun with a false bundle")
      world.model.answered(sent, answer.ok)
      await world.outgoing(from, answer.ok, sent)
    }
    await world.offer(from, to)
  }

  async #manifest(person: Person, other: Person, mode: number): Promise<void> {
    const world = this.#world
    if (!person.knows.has(other.index) || this.#usurped) return
    if (person.down) await this.#restart(person)
    const genuine = bytesOf(other.manifest)
    const flip = genuine.slice()
    flip[(mode * 13) % flip.length]! ^= 1 << (mode & 7)
    const [stranger] = world.people.filter((one) => one !== other)
    const lies: ReadonlyArray<ReadonlyArray<Uint8Array>> = [
      [flip],
      [genuine.slice(0, -1 - (mode % 40))],
      [bytesOf(stranger!.manifest)],
      [Bytes.concat(genuine, Uint8Array.of(0))],
      []
    ]
    const manifests = lies[mode % lies.length]!.map(toHex)
    const before = await world.state(person)
    const { account, user } = other
    const answer = await world.ask(person, "peer.learn", { user, account, manifests })
    if ("reject" in answer) return this.#unchanged(person, before, "a false manifest")
    if (manifests.length > 0) world.fail("P20", "a false manifest was accepted")
  }

  /** An account whose devices are kept in three manifests: an old one, a fork and a gap must not pass. */
  async #chain(person: Person, mode: number): Promise<void> {
    const world = this.#world
    if (person.down) await this.#restart(person)
    const { fork, identity, manifests } = this.#malice
    const [first, second, third] = manifests.map(toHex) as [string, string, string]
    const learn = (chain: ReadonlyArray<string>) =>
      world.ask(person, "peer.learn", { user: "mallory", account: toHex(identity.account), manifests: chain })
    const whole = await learn([first, second, third])
    if ("reject" in whole) {
      if (world.model.clean) world.fail("P20", "a whole chain of manifests was refused")
      return
    }
    const lies = [
      ["an old list of devices", [first, second]],
      ["an old list of devices", [first]],
      ["a forked list of devices", [first, second, toHex(fork)]]
    ] as const
    const [what, chain] = lies[mode % lies.length]!
    const before = await world.state(person)
    const answer = await learn(chain)
    if ("ok" in answer) return world.fail("P20", `${what} was accepted`)
    await this.#unchanged(person, before, what)
  }

  // ---- Disks

  async #snapshot(person: Person): Promise<void> {
    if (this.#featuresOf(person).snapshot !== true || person.snapshots.length > 6) return
    await this.#up(person, async () => {
      const answer = await this.#world.ask(person, "actor.snapshot")
      if (!("ok" in answer)) return
      const memory = this.#world.model.snapshot(person.index)
      person.snapshots.push({ bytes: textOf(answer.ok["snapshot"]), memory })
    })
  }

  async #rollBack(person: Person, which: number): Promise<void> {
    const saved = person.snapshots[which % Math.max(1, person.snapshots.length)]
    if (saved === undefined || this.#usurped) return
    const world = this.#world
    const answer = await world.ask(person, "actor.restore", { snapshot: saved.bytes })
    if (!("ok" in answer)) return world.fail("P20", "a snapshot was not taken back")
    person.down = false
    world.model.rollBack(person.index, saved.memory)
    await world.shown(person, answer.ok, false)
    // What the directory hands out must be of secrets the device still has.
    person.bundles.length = 0
    await world.publish(person, 2)
    for (const other of world.people) {
      if (other !== person && other.offered.has(person.index) && !other.down) await world.offer(other, person)
    }
  }

  async #corrupt(person: Person, at: number, bit: number): Promise<void> {
    if (this.#featuresOf(person).snapshot !== true) return
    await this.#up(person, async () => {
      const world = this.#world
      const taken = await world.ask(person, "actor.snapshot")
      if (!("ok" in taken)) return
      const bytes = bytesOf(taken.ok["snapshot"])
      if (bytes.length === 0) return
      if (bit % 3 === 0) bytes[(at * 997) % bytes.length]! ^= 1 << (bit & 7)
      const damaged = bit % 3 === 0 ? bytes : bytes.slice(0, (at * 997) % bytes.length)
      const before = await world.state(person)
      const answer = await world.ask(person, "actor.restore", { snapshot: toHex(damaged) })
      if ("ok" in answer) return world.fail("P20", "a damaged snapshot was taken back")
      await this.#unchanged(person, before, "a damaged snapshot")
    })
  }

  // ---- Identity

  /**
   * The directory answers the second person's name with the third one's account: it says so to the first one, or, `silently`, only when
   * asked, as a start under that name makes it.
   */
  async #usurp(silently: boolean): Promise<void> {
    const world = this.#world
    if (world.options.name !== "usurper" || this.#usurped) return
    const [victim, , usurper] = world.people as [Person, Person, Person]
    if (world.past.some(({ from, taken, to }) => from === 2 && to === 0 && taken)) return
    if (victim.down) await this.#restart(victim)
    const { account, manifest, user } = usurper
    this.#usurped = true
    world.model.usurpers[0]!.add(account)
    world.model.clean = false
    const entry = { user, account, manifests: [manifest] }
    if (silently) return void (await world.ask(victim, "peer.answer", entry))
    const answer = await world.ask(victim, "peer.learn", entry)
    if ("ok" in answer) world.model.events(0, asList(answer.ok["events"]), false)
    await this.#poll(victim)
    if (!this.#toldOf()) {
      world.fail("P14", "another account came under a name and nobody was told (manifest.pin.1)")
    }
  }

  async #accept(): Promise<void> {
    if (!this.#toldOf() || this.#accepted) return
    const world = this.#world
    const [victim, , usurper] = world.people as [Person, Person, Person]
    if (victim.down) await this.#restart(victim)
    world.model.taken[0]!.add(usurper.account)
    const answer = await world.ask(victim, "peer.accept", { user: usurper.user, account: usurper.account })
    if ("reject" in answer) return world.fail("P14", "a changed identity could not be accepted")
    this.#accepted = true
    if ("ok" in answer) await world.shown(victim, answer.ok)
    await this.#poll(victim)
    victim.knows.add(usurper.index)
    await world.offer(victim, usurper)
  }

  // ---- At once

  /** P21: several messages asked for before any was answered. */
  async #overlap(from: Person, to: Person, count: number): Promise<void> {
    const world = this.#world
    if (!from.knows.has(to.index) || this.#blocked(from, to)) return
    if ((this.#featuresOf(from).concurrency ?? 1) < 2) return this.#send(from, to, count)
    if (from.down) await this.#restart(from)
    const all = Array.from({ length: count }, () => world.model.begin(from.index, to.index, this.#text(count)))
    const asked = all.map((sent) => {
      sent.fate = "maybe"
      return world.ask(from, "session.send", { account: to.account, text: sent.text })
    })
    const answers = await Promise.all(asked)
    const numbers = new Set<number>()
    for (const [i, answer] of answers.entries()) {
      const sent = all[i]!
      if (!("ok" in answer)) {
        sent.fate = "never"
        sent.excused = true
        continue
      }
      world.model.answered(sent, answer.ok)
      if (sent.number > 0 && numbers.has(sent.number)) world.fail("P21", "two messages got one number")
      numbers.add(sent.number)
      await world.outgoing(from, answer.ok)
    }
  }

  // ---- The end

  async #end(crossing: boolean): Promise<void> {
    const world = this.#world
    const { options } = world
    for (const person of world.people) if (person.down) await this.#restart(person)
    if (crossing && options.name === "pair" && options.watched.has("P18")) await this.#converge()
    await this.#accept()
    await this.#quiet()
    if (this.#usurped && !this.#accepted) {
      const came = world.past.some(({ from, taken, to }) => from === 2 && to === 0 && taken)
      if (came && !this.#toldOf()) {
        world.fail("P14", "a start came under a changed identity and nobody was told (manifest.pin.1)")
      }
      await this.#accept()
      await this.#quiet()
    }
    await this.#allArrived()
    await this.#alive()
    await this.#agree()
    await this.#counters()
  }

  /** Delivers and polls until nothing is under way. */
  async #quiet(): Promise<void> {
    const world = this.#world
    for (let round = 0; round < 12; round++) {
      await this.#deliverAll()
      // Receipts may be put off a little.
      world.now += 100
      const before = world.past.length
      for (const person of world.people) await this.#poll(person)
      if (world.flight.length === 0 && world.past.length === before) return
    }
  }

  /** P01 of everything that was not lost. */
  async #allArrived(): Promise<void> {
    const { model } = this.#world
    if (!model.clean) return
    for (const sent of model.sent.values()) {
      const isOwed = sent.fate !== "never" && !sent.excused && sent.from < this.#world.people.length
      if (isOwed && !model.wasShown(sent))
        this.#world.fail("P01", `message ${sent.number} from a${sent.from} to a${sent.to} was never shown`)
    }
  }

  /** P04: whatever happened, people can write to each other. After a rollback healing may take some rounds. */
  async #alive(): Promise<void> {
    const world = this.#world
    // Who was never introduced to a peer has nobody to ask when something of that one does not open.
    const reaches = (from: Person, to: Person) => from.knows.has(to.index) && to.knows.has(from.index)
    const pairs = world.people.flatMap((from) =>
      world.people.filter((to) => reaches(from, to)).map((to) => [from, to] as const)
    )
    let waiting = pairs
    const rounds = world.model.clean ? 2 : mostRounds
    for (let round = 0; round < rounds && waiting.length > 0; round++) {
      if (round > 0) world.now += 61 * 60_000
      const probes: Array<Sent> = []
      for (const [from, to] of waiting) probes.push(await this.#sendNow(from, to, this.#text(round)))
      await this.#quiet()
      await this.#accept()
      waiting = waiting.filter((_, i) => !world.model.wasShown(probes[i]!))
    }
    const property = world.model.restored > 0 ? "P20" : "P04"
    for (const [from, to] of waiting) {
      world.fail(property, `at the end ${from.name} could not write to ${to.name} any more`)
    }
  }

  /**
   * P18: however starts crossed and whatever of them is lost or late, a message each way brings both into one session. What comes late does not
   * part them again, unless it is a reset notice, which takes over (session.cross.3): then a message each way does it again.
   */
  async #converge(): Promise<void> {
    const world = this.#world
    const late = world.flight.splice(0)
    const together = await this.#eachWay()
    for (const wire of late.reverse()) await this.#deliver(wire)
    await this.#quiet()
    if (world.resets > 0) return void (await this.#eachWay())
    const [one, other] = world.people as [Person, Person]
    const sides = [await this.#session(one, other), await this.#session(other, one)]
    if (sides.some((session) => session !== together)) {
      world.fail("P18", "what came late parted two sides that sent in one session (session.cross.1)")
    }
  }

  /** A message each way, and what it makes devices do of themselves. Answers the session in which both send then. */
  async #eachWay(): Promise<unknown> {
    const world = this.#world
    const [one, other] = world.people as [Person, Person]
    await this.#sendNow(one, other, this.#text(0))
    await this.#deliverAll()
    await this.#sendNow(other, one, this.#text(0))
    await this.#deliverAll()
    const session = await this.#session(one, other)
    if (session === undefined || session !== (await this.#session(other, one))) {
      world.fail("P18", "after a message each way two sides send in different sessions (session.cross.2)")
    }
    return session
  }

  /** The session in which a person sends to another one. */
  async #session(one: Person, other: Person): Promise<unknown> {
    const answer = await this.#world.ask(one, "session.agree", { account: other.account, device: other.device })
    return "ok" in answer ? answer.ok["session"] : undefined
  }

  /** P06: one session on both sides. */
  async #agree(): Promise<void> {
    const world = this.#world
    for (const one of world.people) {
      for (const other of world.people) {
        if (one.index >= other.index || !one.knows.has(other.index) || !other.knows.has(one.index)) continue
        const mine = await this.#session(one, other)
        const theirs = await this.#session(other, one)
        if (mine !== theirs || mine === undefined) world.fail("P06", "two sides send in different sessions")
      }
    }
  }

  /** P12: what is stored stays within the limits. */
  async #counters(): Promise<void> {
    const world = this.#world
    const peers = world.model.people.length
    for (const person of world.people) {
      const { held = 0, sessions = 0, skipped = 0 } = (await world.inspect(person)) as { [name: string]: number }
      const tooMuch = sessions > 41 * peers || skipped > 2000 * 41 * peers || held > 64 * peers
      if (tooMuch) world.fail("P12", `it keeps ${sessions} sessions, ${skipped} skipped keys, ${held} envelopes`)
    }
  }
}

const asList = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
const decoded = (hex: string): string => Bytes.utf8Decode(bytesOf(hex)) ?? ""
