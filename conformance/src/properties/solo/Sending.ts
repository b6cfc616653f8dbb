/**
 * Messages that people are made to send, one at a time or together, and the sessions they begin anew.
 *
 * Spec: docs/spec/21-conformance.md, P01, P14, P20, P21.
 */
import type { Answer } from "../../protocol/Message.ts"
import type { Members } from "../../protocol/Value.ts"
import type { Sent } from "../Model.ts"
import type { Person } from "../World.ts"
import type { Hands } from "./Hands.ts"
import type { Identity } from "./Identity.ts"

/** Resets in one script: a device keeps forty sessions. */
export const mostResets = 12

/** What one script sends. */
export class Sending {
  readonly #hands: Hands
  readonly #identity: Identity

  constructor(hands: Hands, identity: Identity) {
    this.#hands = hands
    this.#identity = identity
  }

  async send(from: Person, to: Person, length: number, crash?: "before" | "after"): Promise<void> {
    if (!from.knows.has(to.index)) return
    if (crash !== undefined && this.#hands.world.featuresOf(from).crash !== true) return
    await this.#hands.up(from, async () => void (await this.sendNow(from, to, this.#hands.text(length), crash)))
  }

  async sendNow(from: Person, to: Person, text: string, crash?: "before" | "after"): Promise<Sent> {
    const world = this.#hands.world
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
      await this.#hands.restart(from)
      // Its bundle was taken from the directory in any case.
      for (const other of world.people) if (from.offered.has(other.index)) await world.offer(from, other)
      return sent
    }
    if (this.#identity.blocked(from, to) && Array.isArray(answer.ok["out"]) && answer.ok["out"].length > 0) {
      world.fail("P14", "a message was sent under a changed identity that was not accepted")
    }
    if (world.model.runs.isFrozen(from.index, to.index) && Number(answer.ok["number"]) > 0) {
      world.fail("P20", "a device that knows it runs from an old copy numbered a message (fence.detect.1)")
    }
    world.model.answered(sent, answer.ok)
    await world.outgoing(from, answer.ok, sent)
    return sent
  }

  #refusedSend(from: Person, to: Person, answer: Answer): void {
    if (this.#identity.blocked(from, to) || !this.#hands.world.model.clean) return
    const why = "reject" in answer ? (answer.reject.class ?? answer.reject.stage ?? "?") : "?"
    if (from.offered.has(to.index)) this.#hands.world.fail("P01", `a message could not be sent: ${why}`)
  }

  async reset(from: Person, to: Person): Promise<void> {
    if (!from.knows.has(to.index) || this.#identity.blocked(from, to) || ++this.#hands.world.resets > mostResets) return
    await this.#hands.up(from, async () => {
      const answer = await this.#hands.world.ask(from, "session.reset", { account: to.account })
      if ("ok" in answer) await this.#hands.world.outgoing(from, answer.ok)
    })
  }

  /** P21: several messages asked for before any was answered. */
  async overlap(from: Person, to: Person, count: number): Promise<void> {
    const world = this.#hands.world
    if (!from.knows.has(to.index) || this.#identity.blocked(from, to)) return
    if ((this.#hands.world.featuresOf(from).concurrency ?? 1) < 2) return this.send(from, to, count)
    if (from.down) await this.#hands.restart(from)
    const all = Array.from({ length: count }, () => world.model.begin(from.index, to.index, this.#hands.text(count)))
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
}
