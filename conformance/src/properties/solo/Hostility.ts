/**
 * What must be refused: envelopes that were altered or brought elsewhere, a member who cheats, false bundles and manifests.
 *
 * Spec: docs/spec/21-conformance.md, P02, P05, P10, P12, P16, P20.
 */
import { Bytes } from "@tacit/core/hazmat"
import type { Stage } from "../../protocol/Value.ts"
import * as Tamper from "../Tamper.ts"
import { bytesOf } from "../Text.ts"
import type { Person } from "../World.ts"
import type { Delivery } from "./Delivery.ts"
import type { Hands } from "./Hands.ts"
import type { Identity } from "./Identity.ts"
import { mostResets, type Sending } from "./Sending.ts"

/** How much longer than a genuine envelope a hostile one may take, and what no clock can tell, ms. */
const mostWork = 20
const uncertain = 25

const toHex = Bytes.toHex

/** The adversary of one script. */
export class Hostility {
  readonly #hands: Hands
  readonly #identity: Identity
  readonly #sending: Sending
  readonly #delivery: Delivery

  constructor(hands: Hands, identity: Identity, sending: Sending, delivery: Delivery) {
    this.#hands = hands
    this.#identity = identity
    this.#sending = sending
    this.#delivery = delivery
  }

  async tamper(way: string, operands: readonly [number, number, number]): Promise<void> {
    const world = this.#hands.world
    const wire = this.#hands.wire(operands[0])
    if (wire === undefined) return
    const other = this.#hands.wire(operands[1])!
    const own = [...world.people.map(({ account }) => bytesOf(account)), this.#hands.malice.identity.agreement]
    const [, first, second] = operands
    const tampered = Tamper.ways[way]!(
      bytesOf(wire.bytes),
      [first, second, operands[0] >> 3],
      bytesOf(other.bytes),
      own
    )
    if (tampered === undefined) return
    const property = way === "reencode" || way === "field" ? "P16" : "P02"
    await this.hostile(world.people[wire.to]!, tampered.bytes, `an envelope ${tampered.what}`, property)
  }

  /** What must be refused, and change nothing. */
  async hostile(
    to: Person,
    bytes: Uint8Array,
    what: string,
    property: string,
    stages?: ReadonlySet<string> | ReadonlyArray<Stage>
  ): Promise<void> {
    const world = this.#hands.world
    const hex = toHex(bytes)
    if (world.past.some((wire) => wire.bytes === hex && wire.to === to.index)) return
    if (to.down) await this.#hands.restart(to)
    const before = await world.state(to)
    const began = performance.now()
    const answer = await world.receive(to, hex)
    const took = performance.now() - began
    if ("ok" in answer) return world.fail(property, `${what} was taken in`)
    this.#delivery.refusals++
    await this.#hands.unchanged(to, before, what)
    const stage = "reject" in answer ? (answer.reject.stage ?? "opaque") : "opaque"
    const allowed = stages === undefined ? undefined : new Set<string>(stages)
    const opaque = stage === "opaque" && allowed !== undefined
    if (allowed !== undefined && !opaque && !allowed.has(stage)) world.fail(property, `${what} was refused at ${stage}`)
    if (to.side === "subject") await this.#bounded(to, hex, took, what)
  }

  /** P12: within a multiple of what genuine envelopes take; measured again before it counts. */
  async #bounded(to: Person, wire: string, took: number, what: string): Promise<void> {
    const { usual } = this.#hands.world
    if (usual.length < 5) return
    const limit = mostWork * usual.toSorted((a, b) => a - b)[usual.length >> 1]! + uncertain
    for (let again = 0; took > limit && again < 3; again++) {
      const began = performance.now()
      await this.#hands.world.receive(to, wire)
      took = performance.now() - began
    }
    if (took > limit)
      this.#hands.world.fail("P12", `${what} took ${Math.round(took)} ms, more than ${mostWork} genuine ones`)
  }

  async trick(victim: Person, kind: number): Promise<void> {
    const world = this.#hands.world
    if (victim.down) await this.#hands.restart(victim)
    if (!this.#hands.malice.knows(victim.device)) {
      const bundle = victim.bundles.shift() ?? victim.last
      this.#hands.malice.begin(victim.device, victim.account, bytesOf(bundle), world.now)
    }
    const others = world.people.filter((one) => one !== victim).map(({ certificate }) => bytesOf(certificate))
    const text = this.#hands.text(kind)
    const trick = this.#hands.malice.trick(victim.device, bytesOf(victim.mailbox), kind, decoded(text), others)
    if (trick.stages.length > 0) {
      return this.hostile(victim, trick.bytes, trick.what, trick.property, trick.stages)
    }
    const sent = world.model.begin(world.people.length, victim.index, text)
    sent.fate = "sent"
    sent.floor = trick.floor
    const answer = await world.receive(victim, toHex(trick.bytes))
    if ("ok" in answer) this.#hands.malice.opened(victim.device)
    if (world.model.wasShown(sent) || !world.model.clean) return
    world.fail(trick.property, `${trick.what} was not shown`)
  }

  async bundle(from: Person, to: Person, mode: number): Promise<void> {
    const world = this.#hands.world
    if (!from.knows.has(to.index) || this.#identity.blocked(from, to) || world.resets > mostResets) return
    if (from.down) await this.#hands.restart(from)
    const good = bytesOf(from.offered.get(to.index) ?? to.last)
    const [stranger] = world.people.filter((one) => one !== to)
    const way = mode % 7
    // One that was used before: the session it begins cannot open, and is asked for anew.
    if (way <= 1) {
      const stale = way === 0 ? to.spent.at(-1) : to.last
      // To ask for it anew, the other side must be able to reach this one.
      if (stale === undefined || !to.knows.has(from.index)) return
      if (way === 0) world.model.clean = false
      await this.#sending.reset(from, to)
      await world.offer(from, to, stale)
      await this.#sending.sendNow(from, to, this.#hands.text(mode))
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
    await this.#sending.reset(from, to)
    await world.offer(from, to, toHex(bad))
    const before = await world.state(from)
    const sent = world.model.begin(from.index, to.index, this.#hands.text(mode))
    const answer = await world.ask(from, "session.send", { account: to.account, text: sent.text })
    if ("reject" in answer) {
      this.#delivery.refusals++
      await this.#hands.unchanged(from, before, "a message under a false bundle")
    } else if ("ok" in answer) {
      const used = Array.isArray(answer.ok["used"]) ? answer.ok["used"] : []
      if (used.includes(to.device)) world.fail("P10", "a session was begun with a false bundle")
      world.model.answered(sent, answer.ok)
      await world.outgoing(from, answer.ok, sent)
    }
    await world.offer(from, to)
  }

  async manifest(person: Person, other: Person, mode: number): Promise<void> {
    const world = this.#hands.world
    if (!person.knows.has(other.index) || this.#identity.usurped) return
    if (person.down) await this.#hands.restart(person)
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
    if ("reject" in answer) return this.#hands.unchanged(person, before, "a false manifest")
    if (manifests.length > 0) world.fail("P20", "a false manifest was accepted")
  }

  /** An account whose devices are kept in three manifests: an old one, a fork and a gap must not pass. */
  async chain(person: Person, mode: number): Promise<void> {
    const world = this.#hands.world
    if (person.down) await this.#hands.restart(person)
    const { fork, identity, manifests } = this.#hands.malice
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
    await this.#hands.unchanged(person, before, what)
  }
}

const decoded = (hex: string): string => Bytes.utf8Decode(bytesOf(hex)) ?? ""
