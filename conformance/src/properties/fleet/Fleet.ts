/**
 * A world of two users with up to three devices each: the directory they ask, the queue before each device, and how they are asked.
 *
 * Spec: docs/spec/20-subject.md §20.5–20.7; docs/spec/22-own-devices.md.
 * Directory and network keep to nothing: what is done with them is Play.ts. Judging is Model.ts.
 */
import { Bytes } from "@tacit/core/hazmat"
import type { Answer } from "../../protocol/Message.ts"
import { isObject, type Members } from "../../protocol/Value.ts"
import { Asking, type AskingOptions, Broken, type Side } from "../Asking.ts"
import * as Bytecode from "../Bytecode.ts"
import { Keystream } from "../Keystream.ts"
import { bytesOf, textOf } from "../Text.ts"
import { fleetSize, Household, type Member, mostDevices, otherUser, type UserIndex } from "./Members.ts"
import type { Sent } from "./Memory.ts"
import { type Coming, Model } from "./Model.ts"

/** An envelope that a device sent to another one. */
export interface Wire {
  readonly bytes: string
  readonly kind: number
  readonly from: number
  readonly to: number
  /** Taken in by whom it was for, unaltered. */
  taken: boolean
}

export interface FleetOptions extends AskingOptions {
  /** Who answers for each device, six of them. */
  readonly roles: ReadonlyArray<Side>
  /** Makes the texts. */
  readonly salt: string
}

/** What the properties of these worlds are called, by what the ones of single devices are. */
export const inFleet = (property: string): string => `${property}-devices`

/** One-time bundles that every device publishes first. */
const firstBundles = 3

/** Sessions between two devices after which old ones may be gone from an archive. */
const mostSessions = 30

/** The world of one script. */
export class Fleet extends Asking<FleetOptions> {
  readonly households: readonly [Household, Household] = [new Household(0), new Household(1)]
  /** By number; there are gaps where no device was made yet. */
  readonly members: Array<Member | undefined> = Array.from({ length: fleetSize })
  /** What is on its way, by recipient, oldest first. */
  readonly queues: ReadonlyArray<Array<Wire>> = Array.from({ length: fleetSize }, () => [])
  readonly past: Array<Wire> = []
  readonly model: Model
  texts = 0
  readonly #keystream = new Keystream()
  readonly #wires = new Map<string, Wire | undefined>()
  readonly #begun = new Map<string, number>()

  constructor(options: FleetOptions) {
    super(options)
    this.model = new Model(this.members, this.households, (property, message) => this.fail(property, message))
  }

  /** A property is broken, by its name in worlds of single devices. */
  override fail(property: string, message: string): void {
    super.fail(inFleet(property), message)
  }

  /** Makes both accounts with a device each, and introduces them. */
  async open(): Promise<void> {
    await this.reset()
    for (const household of this.households) {
      const index = household.user * mostDevices
      const asked = { name: `a${index}`, side: this.options.roles[index] ?? "subject", skew: 0 }
      const made = await this.ok(asked, "actor.new", { user: household.name })
      household.account = textOf(made["account"])
      household.publish(textOf(made["manifest"]), { added: index })
      await this.#enters(household, index, made)
    }
    for (const one of this.present()) await this.introduce(one)
  }

  /** All devices that were made and are not revoked. */
  present(): ReadonlyArray<Member> {
    return this.made().filter(({ index }) => !this.model.isRevoked(index))
  }

  /** All devices that were made. */
  made(): ReadonlyArray<Member> {
    return this.members.filter((one) => one !== undefined)
  }

  get flying(): number {
    return this.queues.reduce((sum, queue) => sum + queue.length, 0)
  }

  // ---- Directory

  async #enters(household: Household, index: number, made: Members): Promise<Member> {
    household.made++
    const text = (member: string): string => textOf(made[member])
    const member: Member = {
      index,
      user: household.user,
      slot: index % mostDevices,
      name: `a${index}`,
      side: this.options.roles[index] ?? "subject",
      skew: 0,
      wentWrong: false,
      account: household.account,
      device: text("device"),
      mailbox: text("mailbox"),
      addedIn: household.version,
      bundles: [],
      last: "",
      offered: new Map(),
      snapshots: [],
      served: [0, 0],
      reach: [0, 0],
      withheld: new Set()
    }
    this.members[index] = member
    await this.publish(member, firstBundles)
    this.model.holds(index, household.user, household.version)
    await this.serve(member, household.user, household.version)
    return member
  }

  /** Tells a device of the other account and of everybody's bundles, and everybody of its. */
  async introduce(member: Member): Promise<void> {
    const other = this.households[otherUser(member.user)]
    await this.learn(member, other.user)
    await this.serve(member, other.user, other.version)
    for (const one of this.made()) {
      if (one === member) continue
      if (!member.offered.has(one.index)) await this.offer(member, one)
      if (!one.offered.has(member.index)) await this.offer(one, member)
    }
  }

  async publish(member: Member, count: number): Promise<void> {
    const { bundles, last } = await this.published(member, count)
    member.bundles.push(...bundles)
    member.last = last
  }

  /** Lays a bundle in store, an honest one unless another is given. */
  async offer(member: Member, other: Member, bundle = other.bundles.shift() ?? other.last): Promise<void> {
    member.offered.set(other.index, bundle)
    const { account, device } = other
    await this.ok(member, "peer.offer", { account, device, bundle })
  }

  #chain(user: UserIndex, version: number): Members {
    const { account, chain, name } = this.households[user]
    return { user: name, account, manifests: chain.slice(0, version) }
  }

  /** What the directory answers a device from now on about an account. */
  async serve(member: Member, user: UserIndex, version: number): Promise<void> {
    this.#shows(member, user, version)
    await this.ok(member, "peer.answer", this.#chain(user, version))
  }

  #shows(member: Member, user: UserIndex, version: number): void {
    member.served[user] = version
    member.reach[user] = Math.max(member.reach[user], version)
  }

  /** The directory shows everybody the newest version of an account, but for those it withholds it from. */
  async spread(user: UserIndex): Promise<void> {
    const { version } = this.households[user]
    for (const member of this.made()) {
      const isLate = member.served[user] < version && !member.withheld.has(user)
      if (isLate && member.served[user] > 0) await this.serve(member, user, version)
    }
  }

  /** A device is made to ask about an account, and answered with this version. Answers whether it took it. */
  async learn(member: Member, user: UserIndex, version = this.households[user].version): Promise<Answer> {
    const isOwn = user === member.user
    const input = this.#chain(user, version)
    const before = this.held(member)
    if (version >= member.reach[user]) this.#shows(member, user, version)
    const answer = isOwn
      ? await this.ask(member, "own.learn", { manifests: input["manifests"]! })
      : await this.ask(member, "peer.learn", input)
    if ("ok" in answer) {
      await this.shown(member, answer.ok, { via: undefined, whole: true, inOrder: false, before })
      this.model.holds(member.index, user, version)
    }
    return answer
  }

  /** The versions a device is known to hold. */
  held(member: Member): readonly [number, number] {
    return [...this.model.memory(member.index).held]
  }

  // ---- Network

  /** Takes over what an answer sends. `sent`: the message it was asked to send. `before`: what the device held when it was asked. */
  async outgoing(member: Member, ok: Members, before: readonly [number, number], sent?: Sent): Promise<void> {
    const out = Array.isArray(ok["out"]) ? ok["out"].filter((one): one is Members => isObject(one)) : []
    const perMailbox = new Map<string, number>()
    for (const { to } of out) perMailbox.set(textOf(to), (perMailbox.get(textOf(to)) ?? 0) + 1)
    for (const { to, wire } of out) {
      const bytes = textOf(wire)
      const parsed = Bytecode.envelope(bytesOf(bytes))
      if (parsed === undefined) throw new Broken("violation", "what was sent is no envelope", member.side)
      // Rule state.outbox.2: the very same bytes may leave twice; they are one envelope.
      if (this.#wires.has(bytes)) {
        this.#again(this.#wires.get(bytes))
        continue
      }
      const isAlone = sent !== undefined && perMailbox.get(textOf(to)) === 1
      const reused = this.#keystream.note(bytes, isAlone ? Bytes.fromHex(sent.text) : undefined)
      if (reused !== undefined) this.fail("P11", reused)
      const other = this.made().find(({ mailbox }) => mailbox === to)
      const taken: Wire | undefined = other && {
        bytes,
        kind: parsed.kind,
        from: member.index,
        to: other.index,
        taken: false
      }
      this.#wires.set(bytes, taken)
      if (taken === undefined || other === undefined) continue
      if (this.model.knowsRevoked(before, other.index)) {
        this.fail("P17", "something was sealed for a device that is known to be revoked (manifest.revoke.2)")
      }
      this.queues[other.index]!.push(taken)
      this.past.push(taken)
    }
    await this.#used(member, ok)
  }

  /** An envelope was submitted once more. */
  #again(wire: Wire | undefined): void {
    if (wire === undefined || wire.taken || this.queues[wire.to]!.includes(wire)) return
    this.queues[wire.to]!.push(wire)
  }

  async #used(member: Member, ok: Members): Promise<void> {
    for (const device of Array.isArray(ok["used"]) ? ok["used"] : []) {
      const other = this.made().find((one) => one.device === device)
      if (other === undefined || !member.offered.has(other.index)) continue
      const pair = `${Math.min(member.index, other.index)} ${Math.max(member.index, other.index)}`
      const begun = (this.#begun.get(pair) ?? 0) + 1
      this.#begun.set(pair, begun)
      // So many sessions push old ones out of the archive, with what was under way in them.
      if (begun > mostSessions) this.model.excuse(member.index, other.index)
      await this.offer(member, other)
    }
  }

  /** Takes in what an answer sends and says. */
  async shown(member: Member, ok: Members, coming: Coming): Promise<void> {
    await this.outgoing(member, ok, coming.before)
    this.model.events(member.index, Array.isArray(ok["events"]) ? ok["events"] : [], coming)
  }

  /** Gives an envelope to a device as it is. `via`: its sender, where that is to be judged. */
  async receive(member: Member, bytes: string, via?: number): Promise<Answer> {
    const before = this.held(member)
    const answer = await this.ask(member, "receive", { wire: bytes, at: this.now })
    if ("ok" in answer) await this.shown(member, answer.ok, this.coming(before, via, bytes, member))
    return answer
  }

  /** How the answer to an envelope comes about; `via` is its sender. */
  coming(before: Coming["before"], via: number | undefined, bytes: string, { index }: Member): Coming {
    const same = this.past.filter(({ from, to }) => from === via && to === index)
    const at = same.findIndex((wire) => wire.bytes === bytes)
    return { via, whole: true, before, inOrder: same.slice(0, Math.max(0, at)).every(({ taken }) => taken) }
  }

  /** Asks for something that answers with events and envelopes, if the device does not refuse it. */
  async does(member: Member, op: string, input: Members = {}, whole = true): Promise<Answer> {
    const before = this.held(member)
    const answer = await this.ask(member, op, input)
    if ("ok" in answer) await this.shown(member, answer.ok, { via: undefined, whole, inOrder: false, before })
    return answer
  }

  // ---- Devices that come and go

  /** The first device of an account takes a new one in. Answers it, or why there is none. */
  async admit(admin: Member): Promise<Member | Answer> {
    const household = this.households[admin.user]
    const index = household.user * mostDevices + household.made
    const asked = { name: `a${index}`, side: this.options.roles[index] ?? "subject", skew: 0 }
    await this.serve(admin, admin.user, household.version)
    const { agreement, device } = await this.ok(asked, "actor.keys")
    const admitted = await this.does(admin, "device.admit", { device: device!, agreement: agreement! })
    if (!("ok" in admitted)) return admitted
    const { alias, certificate, manifest, rendezvous } = admitted.ok
    household.publish(textOf(manifest), { added: index })
    this.#shows(admin, admin.user, household.version)
    this.model.made(admin.index, admin.user, household.version)
    const given = { certificate: certificate!, manifest: manifest!, alias: alias!, rendezvous: rendezvous! }
    const made = await this.ok(asked, "actor.enter", { user: household.name, ...given })
    if (made["device"] !== device) throw new Broken("violation", "actor.enter made another device", asked.side)
    const member = await this.#enters(household, index, made)
    await this.spread(admin.user)
    await this.introduce(member)
    return member
  }

  /** The first device of an account takes one out. */
  async expel(admin: Member, member: Member): Promise<Answer> {
    const household = this.households[admin.user]
    await this.serve(admin, admin.user, household.version)
    const before = this.held(admin)
    const answer = await this.ask(admin, "device.revoke", { device: member.device })
    if (!("ok" in answer)) return answer
    household.publish(textOf(answer.ok["manifest"]), { revoked: member.index })
    this.#shows(admin, admin.user, household.version)
    this.model.made(admin.index, admin.user, household.version)
    // What its clock made it send goes before: only from now on nothing is for who is gone.
    await this.shown(admin, answer.ok, { via: undefined, whole: true, inOrder: false, before })
    await this.spread(admin.user)
    return answer
  }
}
