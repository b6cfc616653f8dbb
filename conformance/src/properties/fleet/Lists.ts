/**
 * Steps about lists of devices: devices added and revoked, manifests withheld and old ones served, bundles of the wrong device, and what
 * is left of a revoked one.
 *
 * Spec: docs/spec/04-accounts.md §4.3, §4.4; docs/spec/21-conformance.md, P14, P17, P20.
 */
import * as Tamper from "../Tamper.ts"
import { bytesOf } from "../Text.ts"
import { type Means, why } from "./Means.ts"
import { type Member, mostDevices, otherUser, type UserIndex } from "./Members.ts"

/** What happens to the lists of one script. */
export class Lists {
  readonly #means: Means

  constructor(means: Means) {
    this.#means = means
  }

  #admin(n: number): Member {
    return this.#means.fleet.members[(n % 2) * mostDevices]!
  }

  async admit(n: number): Promise<void> {
    const { fleet } = this.#means
    const admin = this.#admin(n)
    if (fleet.households[admin.user].made >= mostDevices) return
    const came = await fleet.admit(admin)
    if ("index" in came || !fleet.model.isClean(admin.index)) return
    fleet.fail("P01", `a device could not be admitted: ${why(came)}`)
  }

  /** `c` even: the relay refuses the mailbox from now on (relay.submit.4). */
  async expel(n: number, which: number, c: number): Promise<void> {
    const { fleet } = this.#means
    const admin = this.#admin(n)
    const others = fleet.present().filter(({ index, user }) => user === admin.user && index !== admin.index)
    const member = others[which % Math.max(1, others.length)]
    if (member === undefined) return
    const before = await this.#means.sessions(admin)
    const answer = await fleet.expel(admin, member)
    if ("reject" in answer) {
      if (fleet.model.isClean(admin.index)) fleet.fail("P17", `a device could not be revoked: ${why(answer)}`)
      return
    }
    await this.#means.renews(admin, admin.user, before)
    if (c % 2 === 1) return
    const { chain, version } = fleet.households[admin.user]
    for (const one of fleet.made()) {
      if (one === member || one.withheld.has(admin.user)) continue
      one.reach[admin.user] = Math.max(one.reach[admin.user], version)
      await fleet.ok(one, "relay.stale", { mailbox: member.mailbox, manifest: chain.at(-1)! })
    }
  }

  /** A device asks about an account and is answered with the newest manifests. */
  async inform(member: Member, n: number): Promise<void> {
    const { fleet } = this.#means
    const user = ((member.user + n) % 2) as UserIndex
    // What it learnt with a refusal is told first: sessions begun since are none of before.
    if (fleet.held(member)[user] < fleet.households[user].version) await this.#means.poll(member)
    const told = fleet.held(member)[user]
    // What it told may have gone down with it: then it may hold whatever it could come by.
    const held = fleet.model.died.has(member.index) ? Math.max(told, member.reach[user]) : told
    const before =
      held === fleet.households[user].version ? new Map<number, unknown>() : await this.#means.sessions(member)
    member.withheld.delete(user)
    const answer = await fleet.learn(member, user)
    if ("reject" in answer) {
      if (fleet.model.isClean(member.index) && !fleet.model.mayKnowRevoked(member.index, member.index)) {
        fleet.fail("P20", `the newest manifests were refused: ${why(answer)}`)
      }
      return
    }
    const isRenewed = fleet
      .made()
      .some((one) => one.user === user && (fleet.households[user].revokedIn(one.index) ?? 0) > held)
    if (isRenewed) await this.#means.renews(member, user, before)
  }

  /** The directory shows a device nothing newer of an account. */
  withhold(member: Member, n: number): void {
    member.withheld.add(n % 2 === 0 ? otherUser(member.user) : member.user)
  }

  /** A device asks about an account and is answered with manifests from before those it holds. */
  async outdated(member: Member, n: number, which: number): Promise<void> {
    const { fleet } = this.#means
    const user = ((member.user + n) % 2) as UserIndex
    const held = fleet.held(member)[user]
    if (held < 2 || fleet.model.died.has(member.index) || fleet.model.mayKnowRevoked(member.index, member.index)) return
    // What it still has to tell is told first: it is no part of the refusal.
    await this.#means.poll(member)
    const before = await fleet.state(member)
    const answer = await fleet.learn(member, user, 1 + (which % (held - 1)))
    if ("ok" in answer) fleet.fail("P20", "an old list of devices was accepted (manifest.rollback.1)")
    else await this.#means.unchanged(member, before, "an old list of devices")
    await fleet.serve(member, user, member.served[user])
  }

  /** The directory hands out one device's bundle as another's: no session may come of it. */
  async mix(member: Member, n: number, which: number): Promise<void> {
    const { fleet } = this.#means
    const peers = fleet.present().filter(({ user }) => user !== member.user)
    const target = peers[n % Math.max(1, peers.length)]
    if (target === undefined || fleet.model.mayKnowRevoked(member.index, member.index)) return
    const others = fleet.made().filter((one) => one !== target && one !== member)
    const wrong = others.find((one) => one.user === target.user) ?? others[which % Math.max(1, others.length)]
    if (wrong === undefined || !fleet.held(member).every((version) => version > 0)) return
    const held = fleet.held(member)
    const reset = await fleet.ask(member, "session.reset", { account: target.account })
    if ("ok" in reset) await fleet.outgoing(member, reset.ok, held)
    await fleet.offer(member, target, wrong.last)
    const before = await fleet.state(member)
    const sent = fleet.model.begin(member.index, this.#means.text(which))
    const answer = await fleet.ask(member, "session.send", { account: target.account, text: sent.text })
    if ("reject" in answer) await this.#means.unchanged(member, before, "a message under another device's bundle")
    if ("ok" in answer) {
      const used = Array.isArray(answer.ok["used"]) ? answer.ok["used"] : []
      if (used.includes(target.device)) fleet.fail("P10", "a session was begun with another device's bundle")
      fleet.model.answered(sent, answer.ok)
      await fleet.outgoing(member, answer.ok, held, sent)
    }
    await fleet.offer(member, target)
  }

  /** A revoked device is brought what was sent to another device of its account since: it opens nothing of it. */
  async linger(n: number, which: number): Promise<void> {
    const { fleet } = this.#means
    const revoked = fleet.made().filter(({ index }) => fleet.model.isRevoked(index))
    const member = revoked[n % Math.max(1, revoked.length)]
    if (member === undefined) return
    const meant = fleet.past.filter(({ to }) => to !== member.index && fleet.members[to]!.user === member.user)
    const wire = meant[meant.length - 1 - (which % Math.max(1, meant.length))]
    if (wire === undefined) return
    const bytes = Tamper.readdressed(bytesOf(wire.bytes), bytesOf(member.mailbox))!.bytes
    await this.#means.hostile(member, bytes, "an envelope for another device of its account", "P17")
  }
}
