/**
 * What all steps of a world of several devices are made of: choosing, delivering, refusing.
 *
 * Spec: docs/spec/21-conformance.md §21.3.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import type { Answer } from "../../protocol/Message.ts"
import type { Members } from "../../protocol/Value.ts"
import { Broken } from "../Asking.ts"
import { textOf } from "../Text.ts"
import type { Fleet, Wire } from "./Fleet.ts"
import type { Member } from "./Members.ts"
import type { Sent } from "./Memory.ts"

/** Where a process dies. */
export type Crash = "before" | "after"

/** The hands of a play. */
export class Means {
  readonly fleet: Fleet
  readonly #crypto: CryptoProvider
  /** Sessions that a device must not send in any more, by device that it sends to (rule manifest.revoke.4). */
  readonly #retired = new Map<number, Map<number, unknown>>()

  constructor(fleet: Fleet, crypto: CryptoProvider) {
    this.fleet = fleet
    this.#crypto = crypto
  }

  member(n: number): Member {
    const made = this.fleet.made()
    return made[n % made.length]!
  }

  /** Another device than this one. */
  other(member: Member, n: number): Member {
    const others = this.fleet.made().filter((one) => one !== member)
    return others[n % others.length]!
  }

  wire(n: number): Wire | undefined {
    const { past } = this.fleet
    return past.length === 0 ? undefined : past[n % past.length]
  }

  /** What waits before one of the devices for which something does. */
  queue(n: number): Array<Wire> | undefined {
    const waiting = this.fleet.queues.filter((queue) => queue.length > 0)
    return waiting.length === 0 ? undefined : waiting[n % waiting.length]
  }

  /** Takes one of them away. */
  take(queue: Array<Wire>, n: number): Wire {
    return queue.splice(n % queue.length, 1)[0]!
  }

  /** A text no other message has; at least twelve bytes. */
  text(length: number): string {
    const number = this.fleet.texts++
    const salt = Bytes.toHex(this.#crypto.sha256(Bytes.utf8Encode(`text ${this.fleet.options.salt} ${number}`)))
    return Bytes.toHex(Bytes.utf8Encode(`${number} ${salt}`.slice(0, 12 + (length % 24))))
  }

  /** Lets a device write to the other account. */
  async send(from: Member, text: string, crash?: Crash): Promise<Sent> {
    const { fleet } = this
    const { model } = fleet
    const to = fleet.households[from.user === 0 ? 1 : 0]
    const before = fleet.held(from)
    const sent = model.begin(from.index, text)
    if (crash === "after") sent.fate = "maybe"
    const extra: Members = crash === undefined ? {} : { crash: `${crash}-persist` }
    const answer = await fleet.ask(from, "session.send", { account: to.account, text, ...extra })
    if ("reject" in answer) {
      sent.fate = "never"
      this.#refused(from, answer)
      return sent
    }
    if (!("ok" in answer)) return sent
    if (answer.ok["crashed"] === true) {
      await this.restart(from, true)
      // Bundles were taken from the directory in any case.
      for (const index of from.offered.keys()) await fleet.offer(from, fleet.members[index]!)
      return sent
    }
    if (model.knowsRevoked(before, from.index)) {
      fleet.fail("P17", "a device that knows it was removed sent a message (manifest.removed.1)")
    }
    model.answered(sent, answer.ok)
    const { queues } = fleet
    const lengths = queues.map((queue) => queue.length)
    await fleet.outgoing(from, answer.ok, before, sent)
    const went = new Set(queues.flatMap((queue, index) => (queue.length > lengths[index]! ? [index] : [])))
    await this.#renewed(from, went)
    return sent
  }

  #refused(from: Member, answer: Answer): void {
    const { model } = this.fleet
    if (!model.isClean(from.index) || model.mayKnowRevoked(from.index, from.index)) return
    this.fleet.fail("P01", `a message could not be sent: ${why(answer)}`)
  }

  /** Ends a device and starts it. `died`: what it had told may have gone down with an answer. */
  async restart(member: Member, died = false): Promise<void> {
    if (died) this.fleet.model.died.add(member.index)
    const answer = await this.fleet.does(member, "actor.restart", {}, !died)
    if (!("ok" in answer)) this.fleet.fail("P01", "a device did not start on what it stored")
  }

  async poll(member: Member): Promise<void> {
    await this.fleet.does(member, "poll")
  }

  // ---- Delivery

  /** Brings an envelope, as it was sent, to whom it is for. */
  async deliver(wire: Wire): Promise<void> {
    const { fleet } = this
    const to = fleet.members[wire.to]!
    const answer = await fleet.receive(to, wire.bytes, wire.taken ? undefined : wire.from)
    this.judge(wire, answer)
  }

  /** P01 and P04 of an envelope that came as it was sent. */
  judge(wire: Wire, answer: Answer): void {
    const { model } = this.fleet
    const { from, taken, to } = wire
    const isHidden = !this.#isShown(to, from)
    // What is refused when the directory has answered is told later.
    if (isHidden) model.excuse(from, to)
    if ("ok" in answer) {
      wire.taken = true
      return
    }
    if (taken) return
    const isForeign = model.mayKnowRevoked(to, from) || model.isRevoked(to) || isHidden
    model.excuse(from, to)
    if (isForeign || !model.isClean(from, to)) return
    this.fleet.fail(this.#refusals > 0 ? "P04" : "P01", `a genuine envelope was refused: ${why(answer)}`)
  }

  /** Whether the directory shows a device the manifest that brought another one. */
  #isShown(to: number, from: number): boolean {
    const sender = this.fleet.members[from]!
    return this.fleet.members[to]!.served[sender.user] >= sender.addedIn
  }

  async deliverAll(): Promise<void> {
    const { queues } = this.fleet
    for (let most = 800; this.fleet.flying > 0 && most > 0; most--) {
      // In turn, so that nobody's queue is emptied before others begin.
      const queue = queues.filter((one) => one.length > 0)[most % queues.filter((one) => one.length > 0).length]!
      await this.deliver(queue.shift()!)
    }
  }

  /** The process dies when it takes an envelope in; what it did not acknowledge comes again. */
  async crashReceive(wire: Wire, when: Crash): Promise<void> {
    const { fleet } = this
    const to = fleet.members[wire.to]!
    const before = fleet.held(to)
    const input = { wire: wire.bytes, at: fleet.now, crash: `${when}-persist` }
    const answer = await fleet.ask(to, "receive", input)
    if (!("ok" in answer) || answer.ok["crashed"] !== true) {
      if ("ok" in answer) await fleet.shown(to, answer.ok, fleet.coming(before, wire.from, wire.bytes, to))
      return this.judge(wire, answer)
    }
    const { acknowledged } = answer.ok
    if (typeof acknowledged !== "boolean") {
      throw new Broken("violation", "the answer of a device that died does not say what it acknowledged", to.side)
    }
    await this.restart(to, true)
    if (when === "before" && acknowledged) {
      fleet.fail("P01", "an envelope was acknowledged before it was stored, and is lost (state.commit.2)")
    }
    if (when === "before") return void fleet.queues[wire.to]!.push(wire)
    wire.taken = true
    // It may have refused it, and what it said went down with it.
    if (!this.#isShown(wire.to, wire.from)) fleet.model.excuse(wire.from, wire.to)
  }

  // ---- Refusals

  #refusals = 0

  /** What must be refused, and change nothing. */
  async hostile(to: Member, bytes: Uint8Array, what: string, property: string): Promise<void> {
    const { fleet } = this
    const hex = Bytes.toHex(bytes)
    if (fleet.past.some((wire) => wire.bytes === hex && wire.to === to.index)) return
    const before = await fleet.state(to)
    const answer = await fleet.receive(to, hex)
    if ("ok" in answer) return fleet.fail(property, `${what} was taken in`)
    this.#refusals++
    await this.unchanged(to, before, what)
  }

  async unchanged(member: Member, before: string, what: string): Promise<void> {
    const after = await this.fleet.state(member)
    if (after !== before) this.fleet.fail("P05", `${what} was refused and changed what the device keeps`)
  }

  // ---- Sessions

  /** The session in which a device sends to another one. */
  async session(one: Member, other: Member): Promise<unknown> {
    const { account, device } = other
    const answer = await this.fleet.ask(one, "session.agree", { account, device })
    return "ok" in answer ? answer.ok["session"] : undefined
  }

  /** The sessions of a device with all others that are there, by number. */
  async sessions(member: Member): Promise<ReadonlyMap<number, unknown>> {
    const all = new Map<number, unknown>()
    for (const other of this.fleet.present()) {
      const session = other === member ? undefined : await this.session(member, other)
      if (session !== undefined) all.set(other.index, session)
    }
    return all
  }

  /**
   * A device now holds a manifest that revokes a device of `user`: it goes on in none of the sessions it had, with that account at once
   * (manifest.revoke.3), with the other one from its next message on if it is its own account's (manifest.revoke.4).
   */
  async renews(member: Member, user: number, before: ReadonlyMap<number, unknown>): Promise<void> {
    const { fleet } = this
    if (!fleet.model.isClean(member.index) || fleet.model.isRevoked(member.index)) return
    const later = this.#retired.get(member.index) ?? new Map<number, unknown>()
    for (const [index, session] of before) {
      const other = fleet.members[index]!
      if (other.user !== user) {
        // Sessions are told apart by the clocks that ranked them: where one goes wrong, an old one may stay.
        if (member.user === user && !fleet.made().some(({ wentWrong }) => wentWrong)) later.set(index, session)
        continue
      }
      if (!fleet.model.isRevoked(index) && (await this.session(member, other)) === session) {
        fleet.fail("P17", "a session goes on after a device of its account was revoked (manifest.revoke.3)")
      }
    }
    this.#retired.set(member.index, later)
  }

  async #renewed(from: Member, went: ReadonlySet<number>): Promise<void> {
    const retired = this.#retired.get(from.index)
    if (retired === undefined || !this.fleet.model.isClean(from.index)) return
    if (this.fleet.made().some(({ wentWrong }) => wentWrong)) return
    for (const [index, session] of retired) {
      if (!went.has(index) || this.fleet.model.isRevoked(index)) continue
      if ((await this.session(from, this.fleet.members[index]!)) === session) {
        this.fleet.fail(
          "P17",
          "a device that saw a device of its account revoked went on in an old session (manifest.revoke.4)"
        )
      }
      retired.delete(index)
    }
  }
}

/** Why something was refused. */
export const why = (answer: Answer): string =>
  "reject" in answer ? textOf(answer.reject.class) || textOf(answer.reject.stage) || "?" : "?"
