/**
 * What the steps of a script do.
 *
 * Spec: docs/spec/21-conformance.md §21.3.
 * Total: a step finds what its operands mean in whatever there is, or does nothing. What a step is made of, and what must come of it, is in
 * `solo/`.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import * as Crossing from "./Crossing.ts"
import { operand, type Script, type Step, type StepName } from "./Script.ts"
import { Delivery } from "./solo/Delivery.ts"
import { Disks } from "./solo/Disks.ts"
import { Ending } from "./solo/Ending.ts"
import { Hands } from "./solo/Hands.ts"
import { Hostility } from "./solo/Hostility.ts"
import { Identity } from "./solo/Identity.ts"
import { Sending } from "./solo/Sending.ts"
import { Strangers } from "./Strangers.ts"
import * as Tamper from "./Tamper.ts"
import { bytesOf } from "./Text.ts"
import type { World } from "./World.ts"

/** Hours and days a script may let pass in all: prekeys and skipped keys live longer. */
const mostTime = 20 * 86_400_000
const pauses = [1, 10, 60, 1_000, 60_000, 3_600_000, 43_200_000] as const

const early: ReadonlySet<string> = new Set(["decode", "version", "policy", "lookup", "authenticate", "opaque", "limit"])

/** One script in one world. */
export class Play {
  readonly #hands: Hands
  readonly #identity: Identity
  readonly #sending: Sending
  readonly #delivery: Delivery
  readonly #hostility: Hostility
  readonly #disks: Disks
  readonly #strangers: Strangers
  #passed = 0

  constructor(world: World, crypto: CryptoProvider) {
    const hands = (this.#hands = new Hands(world, crypto))
    const identity = (this.#identity = new Identity(hands))
    const sending = (this.#sending = new Sending(hands, identity))
    const delivery = (this.#delivery = new Delivery(hands, identity))
    const hostility = (this.#hostility = new Hostility(hands, identity, sending, delivery))
    this.#disks = new Disks(hands, identity)
    this.#strangers = new Strangers(world, crypto, {
      text: (length) => hands.text(length),
      hostile: (to, bytes, what, property, stages) => hostility.hostile(to, bytes, what, property, stages),
      restart: (person) => hands.restart(person)
    })
  }

  /** Plays a script to its end. `did` is told of every step that did something. */
  async run(script: Script, did: (name: StepName) => void = () => undefined): Promise<void> {
    const world = this.#hands.world
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
    await new Ending(this.#hands, this.#identity, this.#sending, this.#delivery).run(Crossing.isJudged(script))
  }

  async #step(step: Step): Promise<void> {
    const world = this.#hands.world
    const a = operand(step, 0)
    const b = operand(step, 1)
    const c = operand(step, 2)
    const name: StepName = step[0]
    switch (name) {
      case "send":
        return this.#sending.send(this.#hands.person(a), this.#hands.other(this.#hands.person(a), b), c)
      case "deliver": {
        const wire = this.#hands.flying(a)
        return wire === undefined ? undefined : this.#delivery.deliver(wire)
      }
      case "all":
        return this.#delivery.deliverAll()
      case "publish":
        return this.#hands.up(this.#hands.person(a), (person) => world.publish(person, 1 + (b % 3)))
      case "restart":
        return this.#hands.restart(this.#hands.person(a))
      case "reset":
        return this.#sending.reset(this.#hands.person(a), this.#hands.other(this.#hands.person(a), b))
      case "clock": {
        const pause = pauses[a % pauses.length]!
        if (this.#passed + pause > mostTime) return
        this.#passed += pause
        world.now += pause
        return
      }
      case "poll":
        return this.#hands.poll(this.#hands.person(a))
      case "learn": {
        const person = this.#hands.person(a)
        const other = this.#hands.other(person, b)
        const isKnown = person.knows.has(other.index) && !this.#identity.usurped
        return isKnown ? this.#hands.up(person, () => world.learn(person, other)) : undefined
      }
      case "accept":
        return this.#identity.accept()
      case "drop": {
        const wire = this.#hands.flying(a)
        if (wire === undefined) return
        this.#hands.take(wire)
        return this.#delivery.lose(wire)
      }
      case "duplicate": {
        const wire = this.#hands.flying(a)
        if (wire === undefined) return
        await this.#delivery.deliver(wire)
        return this.#delivery.replay(wire)
      }
      case "reorder": {
        const wire = world.flight.at(-1)
        return wire === undefined ? undefined : this.#delivery.deliver(wire)
      }
      case "replay": {
        const wire = this.#hands.wire(a)
        return wire === undefined ? undefined : this.#delivery.replay(wire)
      }
      case "replay-restarted": {
        const wire = this.#hands.wire(a)
        if (wire === undefined) return
        await this.#hands.restart(world.people[wire.to]!)
        return this.#delivery.replay(wire)
      }
      case "reflect": {
        const wire = this.#hands.wire(a)
        if (wire === undefined) return
        const to = world.people[wire.from]!
        const sent = bytesOf(wire.bytes)
        const bytes = b % 2 === 0 ? sent : Tamper.readdressed(sent, bytesOf(to.mailbox))!.bytes
        return this.#hostility.hostile(to, bytes, "an envelope that came back to its sender", "P10", early)
      }
      case "redirect":
      case "readdress": {
        const wire = this.#hands.wire(a)
        if (wire === undefined) return
        const to = this.#hands.other(world.people[wire.to]!, b)
        const sent = bytesOf(wire.bytes)
        const bytes = name === "redirect" ? sent : Tamper.readdressed(sent, bytesOf(to.mailbox))!.bytes
        return this.#hostility.hostile(to, bytes, "an envelope for somebody else", "P10", early)
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
        return this.#hostility.tamper(name, [a, b, c])
      case "bundle":
        return this.#hostility.bundle(this.#hands.person(a), this.#hands.other(this.#hands.person(a), b), c)
      case "manifest":
        return this.#hostility.manifest(this.#hands.person(a), this.#hands.other(this.#hands.person(a), b), c)
      case "chain":
        return this.#hostility.chain(this.#hands.person(a), b)
      case "skew": {
        const person = this.#hands.person(a)
        person.skew = [0, 1_000, 60_000, 3_600_000, -1_000, -60_000][b % 6]!
        return
      }
      case "snapshot":
        return this.#disks.snapshot(this.#hands.person(a))
      case "rollback":
        return this.#disks.rollBack(this.#hands.person(a), b)
      case "corrupt":
        return this.#disks.corrupt(this.#hands.person(a), b, c)
      case "crash-send":
        return this.#sending.send(
          this.#hands.person(a),
          this.#hands.other(this.#hands.person(a), b),
          c,
          c % 2 === 0 ? "before" : "after"
        )
      case "crash-receive": {
        const wire = this.#hands.flying(a)
        return wire === undefined ? undefined : this.#delivery.crashReceive(wire, b % 2 === 0 ? "before" : "after")
      }
      case "usurp":
        return this.#identity.usurp(a % 2 === 1)
      case "overlap":
        return this.#sending.overlap(this.#hands.person(a), this.#hands.other(this.#hands.person(a), b), 2 + (c % 4))
      case "malice":
        return this.#hostility.trick(this.#hands.person(a), b)
      case "old-start":
        return this.#hands.up(this.#hands.person(a), (person) => this.#strangers.oldStart(person, b))
      case "revoke":
        return this.#hands.up(this.#hands.person(a), (person) => this.#strangers.revoke(person, b))
      // Of worlds of several devices alone.
      case "admit":
      case "expel":
      case "inform":
      case "drain":
      case "withhold":
      case "outdated":
      case "mix":
      case "linger":
        return
    }
  }
}
