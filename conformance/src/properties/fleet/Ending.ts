/**
 * How a script of several devices ends: everybody learns the newest lists, everything arrives, everybody can write, and all agree.
 *
 * Spec: docs/spec/21-conformance.md, P01, P14, P17, P18, P20; docs/spec/08-sessions.md §8.3.
 */
import { why, type Means } from "./Means.ts"
import { type Member, otherUser, type UserIndex } from "./Members.ts"
import type { Sent } from "./Memory.ts"

/** Rounds of healing that are waited for after a device was put back. */
const mostRounds = 8
const users: ReadonlyArray<UserIndex> = [0, 1]

/** After which manifests are asked for again that did not come (rule manifest.lists.1), ms. */
const aWhile = 61_000

/** The end of one script. */
export class Ending {
  readonly #means: Means

  constructor(means: Means) {
    this.#means = means
  }

  async run(): Promise<void> {
    const { fleet } = this.#means
    await this.#quiet()
    await this.#spoken()
    for (const member of fleet.made()) for (const user of users) await this.#informed(member, user)
    await this.#quiet()
    fleet.model.arrived()
    for (const member of fleet.present())
      for (const user of users) fleet.model.toldAll(member.index, user, "manifest.told.1")
    await this.#alive()
    await this.#silent()
    await this.#agree()
  }

  /**
   * The directory hides nothing any more, and nobody is made to ask: when the first device of each account has written twice, all have
   * learnt from that what they know of both lists (own.lists.2), and who went by an old one was told (own.lists.3).
   */
  async #spoken(): Promise<void> {
    const { fleet } = this.#means
    const { model } = fleet
    if (fleet.households.every(({ version }) => version === 1)) return
    for (const member of fleet.made()) member.withheld.clear()
    for (const user of users) await fleet.spread(user)
    const isJudged = model.putBack.size === 0 && model.died.size === 0
    const admins = fleet.made().filter(({ slot }) => slot === 0)
    for (const admin of [...admins, undefined]) {
      // What was asked for in vain is asked for again after a minute, and who goes by an old list told again.
      fleet.now += aWhile
      for (const one of admins) if (one === (admin ?? one)) await this.#means.send(one, this.#means.text(0))
      await this.#quiet()
      if (isJudged && admin !== undefined) model.toldAll(admin.index, otherUser(admin.user), "own.lists.3")
    }
    if (!isJudged) return
    for (const member of fleet.present()) for (const user of users) model.toldAll(member.index, user, "own.lists.2")
  }

  /** Every device asks for both lists. */
  async #informed(member: Member, user: UserIndex): Promise<void> {
    const { fleet } = this.#means
    const isGone = fleet.model.isRevoked(member.index)
    if (isGone && user !== member.user) return
    const answer = await fleet.learn(member, user)
    if ("reject" in answer && !isGone) fleet.fail("P20", `the newest manifests were refused: ${why(answer)}`)
  }

  /** Delivers and polls until nothing is under way. */
  async #quiet(): Promise<void> {
    const { fleet } = this.#means
    for (let round = 0; round < 12; round++) {
      await this.#means.deliverAll()
      // Receipts may be put off a little.
      fleet.now += 100
      const before = fleet.past.length
      for (const member of fleet.made()) await this.#means.poll(member)
      if (fleet.flying === 0 && fleet.past.length === before) return
    }
  }

  /** P04, P20: every device can write to the other account, and all of both accounts see it. */
  async #alive(): Promise<void> {
    const { fleet } = this.#means
    const { model } = fleet
    const present = fleet.present()
    const isHealing = model.putBack.size > 0
    let waiting: ReadonlyArray<Member> = present
    let missing = ""
    for (let round = 0; round < (isHealing ? mostRounds : 2) && waiting.length > 0; round++) {
      if (round > 0) fleet.now += 61 * 60_000
      const probes: Array<readonly [Member, Sent]> = []
      for (const member of waiting) probes.push([member, await this.#means.send(member, this.#means.text(round))])
      await this.#quiet()
      const lacks = (sent: Sent): ReadonlyArray<Member> =>
        present.filter((one) => one.index !== sent.from && !model.wasShown(sent, one.index))
      const open = probes.filter(([, sent]) => lacks(sent).length > 0)
      waiting = open.map(([member]) => member)
      missing = open
        .map(
          ([member, sent]) =>
            `${member.name} to ${lacks(sent)
              .map(({ name }) => name)
              .join(" ")}`
        )
        .join("; ")
    }
    if (waiting.length > 0) fleet.fail(isHealing ? "P20" : "P04", `at the end nobody came through from ${missing}`)
  }

  /** P17: a removed device that was told sends nothing. */
  async #silent(): Promise<void> {
    const { fleet } = this.#means
    for (const member of fleet.made()) {
      if (fleet.model.isRevoked(member.index)) await this.#means.send(member, this.#means.text(0))
    }
  }

  /** P18: any two devices send in one session. */
  async #agree(): Promise<void> {
    const { fleet } = this.#means
    const present = fleet.present()
    for (const one of present) {
      for (const other of present) {
        if (one.index >= other.index) continue
        const [mine, theirs] = [await this.#means.session(one, other), await this.#means.session(other, one)]
        if (mine !== theirs || mine === undefined) {
          fleet.fail("P18", `${one.name} and ${other.name} send in different sessions (session.cross.2)`)
        }
      }
    }
  }
}
