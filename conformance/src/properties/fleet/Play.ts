/**
 * What the steps of a script do in a world of several devices, and how it ends.
 *
 * Spec: docs/spec/21-conformance.md §21.3; docs/spec/04-accounts.md §4.4; docs/spec/22-own-devices.md.
 * Total: a step finds what its operands mean in whatever there is, or does nothing.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import { bytesOf, textOf } from "../Text.ts"
import { operand, type Script, type Step, type StepName } from "../Script.ts"
import * as Tamper from "../Tamper.ts"
import { Ending } from "./Ending.ts"
import type { Fleet, Wire } from "./Fleet.ts"
import { Lists } from "./Lists.ts"
import { Means } from "./Means.ts"
import type { Member } from "./Members.ts"

/** Time a script may let pass in all: prekeys and skipped keys live longer. */
const mostTime = 10 * 86_400_000
const pauses = [1, 10, 60, 1_000, 60_000, 3_600_000, 43_200_000] as const

/** Resets and snapshots in one script: a device keeps forty sessions. */
const mostResets = 6
const mostSnapshots = 4

/** One script in one world. */
export class FleetPlay {
  readonly #fleet: Fleet
  readonly #means: Means
  readonly #lists: Lists
  #passed = 0
  #resets = 0

  constructor(fleet: Fleet, crypto: CryptoProvider) {
    this.#fleet = fleet
    this.#means = new Means(fleet, crypto)
    this.#lists = new Lists(this.#means)
  }

  /** Plays a script to its end. `did` is told of every step that did something. */
  async run(script: Script, did: (name: StepName) => void = () => undefined): Promise<void> {
    const fleet = this.#fleet
    const trail = (): string =>
      [
        fleet.requests,
        fleet.flying,
        this.#passed,
        ...fleet.made().flatMap((one) => [one.skew, one.withheld.size])
      ].join()
    for (const [index, step] of script.entries()) {
      fleet.step = index
      fleet.now += 1
      const before = trail()
      await this.#step(step)
      if (trail() !== before) did(step[0])
    }
    fleet.step = -1
    await new Ending(this.#means).run()
  }

  async #step(step: Step): Promise<void> {
    const means = this.#means
    const a = operand(step, 0)
    const b = operand(step, 1)
    const c = operand(step, 2)
    switch (step[0]) {
      case "send":
        return void (await means.send(means.member(a), means.text(b)))
      case "crash-send":
        return this.#crashSend(means.member(a), b)
      case "deliver":
        return this.#flying(a, b, (wire) => means.deliver(wire))
      case "reorder": {
        const queue = means.queue(a)
        return queue === undefined ? undefined : means.deliver(means.take(queue, queue.length - 1))
      }
      case "drain": {
        const queue = means.queue(a)
        for (let most = 100; queue !== undefined && queue.length > 0 && most > 0; most--) {
          await means.deliver(means.take(queue, 0))
        }
        return
      }
      case "all":
        return means.deliverAll()
      case "drop":
        return this.#flying(a, b, ({ from, to }) => this.#fleet.model.excuse(from, to))
      case "duplicate":
        return this.#flying(a, b, async (wire) => {
          await means.deliver(wire)
          await this.#replay(wire)
        })
      case "crash-receive":
        return this.#flying(a, b, (wire) => this.#crashReceive(wire, c))
      case "replay": {
        const wire = means.wire(a)
        return wire === undefined ? undefined : this.#replay(wire)
      }
      case "redirect":
        return this.#redirect(a, b)
      case "flip":
        return this.#flip(a, b, c)
      case "poll":
        return means.poll(means.member(a))
      case "restart":
        return means.restart(means.member(a))
      case "reset":
        return this.#reset(means.member(a), b)
      case "clock": {
        const pause = pauses[a % pauses.length]!
        if (this.#passed + pause > mostTime) return
        this.#passed += pause
        this.#fleet.now += pause
        return
      }
      case "skew": {
        const member = means.member(a)
        member.skew = [0, 1_000, 60_000, 3_600_000, -1_000, -60_000][b % 6]!
        member.wentWrong ||= member.skew !== 0
        return
      }
      case "snapshot":
        return this.#snapshot(means.member(a))
      case "rollback":
        return this.#rollBack(a, b)
      case "admit":
        return this.#lists.admit(a)
      case "expel":
        return this.#lists.expel(a, b, c)
      case "inform":
        return this.#lists.inform(means.member(a), b)
      case "withhold":
        return this.#lists.withhold(means.member(a), b)
      case "outdated":
        return this.#lists.outdated(means.member(a), b, c)
      case "mix":
        return this.#resets++ < mostResets ? this.#lists.mix(means.member(a), b, c) : undefined
      case "linger":
        return this.#lists.linger(a, b)
      default:
        return
    }
  }

  /** Does something with an envelope that waits before a device. */
  async #flying(queue: number, n: number, use: (wire: Wire) => Promise<void> | void): Promise<void> {
    const waiting = this.#means.queue(queue)
    if (waiting !== undefined) await use(this.#means.take(waiting, n))
  }

  async #crashSend(from: Member, n: number): Promise<void> {
    if (this.#fleet.featuresOf(from).crash !== true) return
    await this.#means.send(from, this.#means.text(n), n % 2 === 0 ? "before" : "after")
  }

  async #crashReceive(wire: Wire, n: number): Promise<void> {
    const to = this.#fleet.members[wire.to]!
    if (this.#fleet.featuresOf(to).crash !== true) return this.#means.deliver(wire)
    await this.#means.crashReceive(wire, n % 2 === 0 ? "before" : "after")
  }

  /** The same bytes again. They may be refused, and nothing of them shown. */
  async #replay(wire: Wire): Promise<void> {
    const fleet = this.#fleet
    if (!wire.taken) {
      const queue = fleet.queues[wire.to]!
      const at = queue.indexOf(wire)
      if (at >= 0) queue.splice(at, 1)
      return this.#means.deliver(wire)
    }
    const to = fleet.members[wire.to]!
    const before = await fleet.state(to)
    const answer = await fleet.receive(to, wire.bytes)
    if ("reject" in answer) await this.#means.unchanged(to, before, "an envelope that came again")
  }

  /** An envelope for one device is brought to another one, a sibling for choice, with its address or the other's. */
  async #redirect(n: number, mode: number): Promise<void> {
    const wire = this.#means.wire(n)
    if (wire === undefined) return
    const { members } = this.#fleet
    const meant = members[wire.to]!
    const siblings = this.#fleet.made().filter(({ user, index }) => user === meant.user && index !== meant.index)
    const to = siblings[(mode >> 1) % Math.max(1, siblings.length)] ?? this.#means.other(meant, mode >> 1)
    const bytes =
      mode % 2 === 0 ? bytesOf(wire.bytes) : Tamper.readdressed(bytesOf(wire.bytes), bytesOf(to.mailbox))!.bytes
    await this.#means.hostile(to, bytes, "an envelope for another device", "P10")
  }

  async #flip(n: number, at: number, bit: number): Promise<void> {
    const wire = this.#means.wire(n)
    if (wire === undefined) return
    const tampered = Tamper.ways["flip"]!(bytesOf(wire.bytes), [at, n, bit], new Uint8Array(), [])
    if (tampered === undefined) return
    await this.#means.hostile(this.#fleet.members[wire.to]!, tampered.bytes, `an envelope ${tampered.what}`, "P02")
  }

  async #reset(member: Member, n: number): Promise<void> {
    const fleet = this.#fleet
    if (this.#resets++ >= mostResets) return
    const { account } = fleet.households[n % 4 === 0 ? member.user : member.user === 0 ? 1 : 0]
    const before = fleet.held(member)
    const answer = await fleet.ask(member, "session.reset", { account })
    if ("ok" in answer) await fleet.outgoing(member, answer.ok, before)
  }

  async #snapshot(member: Member): Promise<void> {
    if (this.#fleet.featuresOf(member).snapshot !== true || member.snapshots.length >= mostSnapshots) return
    const { snapshot } = await this.#fleet.ok(member, "actor.snapshot")
    member.snapshots.push({ bytes: textOf(snapshot), memory: this.#fleet.model.snapshot(member.index) })
  }

  /** One device is put back to a copy of what it kept; all others go on. */
  async #rollBack(n: number, which: number): Promise<void> {
    const fleet = this.#fleet
    const copied = fleet.made().filter(({ snapshots }) => snapshots.length > 0)
    const member = copied[n % Math.max(1, copied.length)]
    const saved = member?.snapshots[which % member.snapshots.length]
    if (member === undefined || saved === undefined) return
    const answer = await fleet.ask(member, "actor.restore", { snapshot: saved.bytes })
    if (!("ok" in answer)) return fleet.fail("P20", "a snapshot was not taken back")
    fleet.model.rollBack(member.index, saved.memory)
    await fleet.shown(member, answer.ok, { via: undefined, whole: false, inOrder: false, before: fleet.held(member) })
    // What the directory hands out must be of secrets the device still has.
    member.bundles.length = 0
    await fleet.publish(member, 2)
    for (const other of fleet.made()) if (other !== member) await fleet.offer(other, member)
  }
}
