/**
 * A world of whole devices: who is there, what is on its way, and how they are asked.
 *
 * Spec: docs/spec/20-subject.md §20.5, §20.6.
 * The network and the directory are here and keep to nothing: what is done with them is Play.ts. Judging is Model.ts.
 */
import type { Answer } from "../protocol/Message.ts"
import { isObject, type Members } from "../protocol/Value.ts"
import { Asking, type AskingOptions, Broken, type Side } from "./Asking.ts"
import { Keystream } from "./Keystream.ts"
import { type Memory, Model, type Sent } from "./Model.ts"
import type { Stamp } from "./Runs.ts"
import { fleetSize } from "./fleet/Members.ts"
import type { SoloName, WorldName } from "./Script.ts"
import * as Bytecode from "./Bytecode.ts"
import { Bytes } from "@tacit/core/hazmat"
import { bytesOf, textOf } from "./Text.ts"

/** One person with one device. */
export interface Person {
  readonly index: number
  readonly name: string
  readonly user: string
  readonly side: Side
  readonly account: string
  readonly device: string
  readonly mailbox: string
  readonly manifest: string
  readonly certificate: string
  /** One-time bundles not handed out yet, and the one that can be handed out for ever. */
  readonly bundles: Array<string>
  last: string
  readonly spent: Array<string>
  /** How far its clock is from the world's, ms. */
  skew: number
  down: boolean
  readonly snapshots: Array<{ readonly bytes: string; readonly memory: Memory }>
  /** The bundle that lies in store for each other person. */
  readonly offered: Map<number, string>
  /** Whom it can write to. */
  readonly knows: Set<number>
}

/** An envelope that somebody sent. */
export interface Wire {
  readonly bytes: string
  readonly kind: number
  readonly from: number
  readonly to: number
  /** Counts the sessions that were begun with a bundle; 0 where none is known. */
  readonly session: number
  readonly bundle: string | undefined
  readonly message: Sent | undefined
  /** The run of its sender that sealed it. */
  readonly stamp: Stamp
  /** Taken in by whom it was for, unaltered. */
  taken: boolean
}

export interface WorldOptions extends AskingOptions {
  readonly name: SoloName
  readonly roles: ReadonlyArray<Side>
  /** Makes the texts. */
  readonly salt: string
}

const users: { readonly [name in SoloName]: ReadonlyArray<string> } = {
  pair: ["alice", "bob"],
  trio: ["alice", "bob", "carol"],
  usurper: ["alice", "bob", "bob"]
}

/** How many people a world has. */
export const sizeOf = (name: WorldName): number => (name === "fleet" ? fleetSize : users[name].length)

/** One-time bundles that everybody publishes first. */
const firstBundles = 4

/** The world of one script. */
export class World extends Asking<WorldOptions> {
  readonly people: Array<Person> = []
  readonly flight: Array<Wire> = []
  readonly past: Array<Wire> = []
  readonly keystream = new Keystream()
  model!: Model
  sessions = 0
  resets = 0
  texts = 0
  /** Time the subject took to take in genuine envelopes, ms. */
  readonly usual: Array<number> = []
  readonly #wires = new Set<string>()

  /** Makes everybody, and introduces them to each other. */
  async open(): Promise<void> {
    const { name, roles } = this.options
    await this.reset()
    for (const [index, user] of users[name].entries()) this.people.push(await this.#make(index, user, roles[index]!))
    this.model = new Model(this.people, (property, message) => this.fail(property, message))
    for (const one of this.people) {
      for (const other of this.people) if (one !== other && this.#introduced(one, other)) await this.learn(one, other)
    }
  }

  #introduced(one: Person, other: Person): boolean {
    return this.options.name !== "usurper" || one.index + other.index === 1 || (one.index === 2 && other.index === 0)
  }

  async #make(index: number, user: string, side: Side): Promise<Person> {
    const name = `a${index}`
    const at = { index, name, side, skew: 0, down: false }
    const made = await this.ok(at, "actor.new", { user })
    const text = (member: string): string => textOf(made[member])
    const person: Person = {
      ...at,
      user,
      account: text("account"),
      device: text("device"),
      mailbox: text("mailbox"),
      manifest: text("manifest"),
      certificate: text("certificate"),
      bundles: [],
      last: "",
      spent: [],
      snapshots: [],
      offered: new Map(),
      knows: new Set()
    }
    await this.publish(person, firstBundles)
    return person
  }

  // ---- Directory

  async publish(person: Person, count: number): Promise<void> {
    const { bundles, last } = await this.published(person, count)
    person.bundles.push(...bundles)
    person.last = last
  }

  /** The directory's honest answer, and a bundle in store. */
  async learn(person: Person, other: Person): Promise<void> {
    const { account, manifest, user } = other
    const answer = await this.ask(person, "peer.learn", { user, account, manifests: [manifest] })
    if ("ok" in answer) person.knows.add(other.index)
    if ("ok" in answer && !person.offered.has(other.index)) await this.offer(person, other)
  }

  /** Lays an honest bundle in store. */
  async offer(person: Person, other: Person, bundle = other.bundles.shift() ?? other.last): Promise<void> {
    person.offered.set(other.index, bundle)
    const { account, device } = other
    await this.ok(person, "peer.offer", { account, device, bundle })
  }

  /** Follows up on bundles that were used. Answers how many sessions they began, by person. */
  async used(person: Person, ok: Members): Promise<ReadonlyMap<number, { session: number; bundle: string }>> {
    const begun = new Map<number, { session: number; bundle: string }>()
    for (const device of Array.isArray(ok["used"]) ? ok["used"] : []) {
      const other = this.people.find((one) => one.device === device)
      const bundle = other === undefined ? undefined : person.offered.get(other.index)
      if (other === undefined || bundle === undefined) continue
      begun.set(other.index, { session: ++this.sessions, bundle })
      // So many sessions push old ones out of the archive, with what was under way in them.
      if (this.sessions > 30) this.model.clean = false
      if (bundle !== other.last) other.spent.push(bundle)
    }
    for (const index of begun.keys()) await this.offer(person, this.people[index]!)
    return begun
  }

  // ---- Network

  /** Takes over what an answer sends. Envelopes may carry `message`. */
  async outgoing(person: Person, ok: Members, message?: Sent): Promise<void> {
    const out = Array.isArray(ok["out"]) ? ok["out"] : []
    const sent: Array<Wire> = []
    const taken = out.filter((one): one is Members => isObject(one))
    // Rule state.outbox.2: the very same bytes may leave twice; they are one envelope.
    const fresh = taken.filter(({ wire }) => !this.#wires.has(textOf(wire)))
    const begun = [...this.#begun(ok)]
    for (const { to, wire } of fresh) {
      const bytes = textOf(wire)
      const other = this.people.find(({ mailbox }) => mailbox === to)
      const parsed = Bytecode.envelope(bytesOf(bytes))
      if (parsed === undefined) throw new Broken("violation", "what was sent is no envelope", person.side)
      this.#wires.add(bytes)
      const reused = this.keystream.note(bytes, fresh.length === 1 && message ? Bytes.fromHex(message.text) : undefined)
      if (reused !== undefined) this.fail("P11", reused)
      this.#length(parsed)
      if (other === undefined) continue
      const isNew = parsed.kind === 1 && begun.includes(other.device)
      const bundle = person.offered.get(other.index)
      sent.push({
        bytes,
        kind: parsed.kind,
        from: person.index,
        to: other.index,
        session: isNew ? this.sessions + 1 : 0,
        bundle: isNew && bundle !== other.last ? bundle : undefined,
        message: message?.to === other.index ? message : undefined,
        stamp: this.model.runs.stamp(person.index),
        taken: false
      })
    }
    for (const wire of sent) {
      wire.message?.pending.add(wire.bytes)
      this.flight.push(wire)
      this.past.push(wire)
    }
    for (const { wire } of taken.filter((one) => !fresh.includes(one))) this.#again(textOf(wire))
    await this.used(person, ok)
  }

  *#begun(ok: Members): Generator<string> {
    for (const device of Array.isArray(ok["used"]) ? ok["used"] : []) yield String(device)
  }

  /** An envelope was submitted once more. */
  #again(bytes: string): void {
    const wire = this.past.find((one) => one.bytes === bytes)
    if (wire !== undefined && !wire.taken && !this.flight.includes(wire)) this.flight.push(wire)
  }

  /** P22: a session message of suite 1 is as long as its padding says. */
  #length({ body, kind }: Bytecode.Envelope): void {
    if (kind !== 2) return
    const padded = body.end - body.content - 100
    if (padded !== paddedLength(padded))
      this.fail("P22", `a message has ${padded} bytes inside, which no padding makes`)
  }

  /** Gives an envelope to a person as it is; the events are judged. Answers what came. */
  async receive(person: Person, bytes: string): Promise<Answer> {
    const answer = await this.ask(person, "receive", { wire: bytes, at: this.now })
    if ("ok" in answer) this.model.runs.thaw(person.index)
    if ("ok" in answer) await this.shown(person, answer.ok)
    return answer
  }

  /** Takes in events and envelopes of an answer. */
  async shown(person: Person, ok: Members, whole = true): Promise<void> {
    const events = Array.isArray(ok["events"]) ? ok["events"] : []
    this.model.events(person.index, events, whole)
    await this.outgoing(person, ok)
  }
}

/** P(L) of rule padding.length.1. */
export const paddedLength = (length: number): number => {
  if (length <= 64) return 64
  const exponent = Math.floor(Math.log2(length))
  const step = 2 ** (exponent - (Math.floor(Math.log2(exponent)) + 1))
  return Math.ceil(length / step) * step
}
