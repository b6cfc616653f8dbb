/**
 * Envelopes that are brought to whom they are for, and what must come of each.
 *
 * Spec: docs/spec/21-conformance.md, P01, P04, P19, P20; docs/spec/16-state.md, rule state.commit.2.
 */
import type { Answer } from "../../protocol/Message.ts"
import { Broken } from "../Asking.ts"
import type { Person, Wire } from "../World.ts"
import type { Hands } from "./Hands.ts"
import type { Identity } from "./Identity.ts"

/** What one script delivers. */
export class Delivery {
  readonly #hands: Hands
  readonly #identity: Identity
  /** Hostile input that was refused so far. */
  refusals = 0

  constructor(hands: Hands, identity: Identity) {
    this.#hands = hands
    this.#identity = identity
  }

  async deliverAll(): Promise<void> {
    for (let most = 500; this.#hands.world.flight.length > 0 && most > 0; most--)
      await this.deliver(this.#hands.world.flight[0]!)
  }

  async deliver(wire: Wire): Promise<void> {
    const world = this.#hands.world
    const to = world.people[wire.to]!
    if (to.down) await this.#hands.restart(to)
    this.#hands.take(wire)
    const { runs } = world.model
    const [since, generation] = [runs.now(), runs.generation(wire.to)]
    const began = performance.now()
    const answer = await world.receive(to, wire.bytes)
    if (to.side === "subject") world.usual.push(performance.now() - began)
    const proves = "ok" in answer && !wire.taken && runs.proves(wire.to, wire.from, wire.stamp)
    if ("ok" in answer && wire.message !== undefined) runs.heard(wire.to, wire.from, wire.stamp, since)
    this.#judge(wire, to, answer)
    // What the message made it do is told with the next poll at the latest.
    if (proves) await this.#hands.poll(to)
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
    const world = this.#hands.world
    const { model } = world
    const { message } = wire
    if ("ok" in answer) {
      if (!wire.taken && sure) this.#once(wire, to)
      wire.taken = true
      message?.pending.delete(wire.bytes)
      // Once something repairs itself, what an answer sends need not be what was asked for; then it counts at the end.
      const plain = model.clean && this.refusals === 0 && world.resets === 0
      const owed = message !== undefined && message.pending.size === 0 && !model.wasShown(message)
      if (owed && plain) world.fail("P01", "a genuine message was taken in and not shown")
      return
    }
    message?.pending.delete(wire.bytes)
    if (message !== undefined && !model.clean) message.excused = true
    if (wire.taken || !model.clean) return
    const why = "reject" in answer ? (answer.reject.class ?? answer.reject.stage ?? "?") : "?"
    world.fail(this.refusals > 0 ? "P04" : "P01", `a genuine envelope was refused: ${why}`)
  }

  /** A start that was accepted uses its one-time keys up. */
  #once({ bundle, session }: Wire, to: Person): void {
    // What is held under a changed identity was not accepted yet.
    if (bundle === undefined || session === 0 || this.#identity.usurped) return
    const { accepted } = this.#hands.world.model.memories[to.index]!
    const before = accepted.get(bundle)
    if (before !== undefined && before !== session) {
      this.#hands.world.fail("P19", "a second session began with the same one-time key")
    }
    accepted.set(bundle, session)
  }

  /** The same bytes again. They may be refused, and nothing of them shown. */
  async replay(wire: Wire): Promise<void> {
    const world = this.#hands.world
    const to = world.people[wire.to]!
    if (to.down) await this.#hands.restart(to)
    if (!wire.taken) return this.deliver(wire)
    const before = await world.state(to)
    const answer = await world.receive(to, wire.bytes)
    if ("reject" in answer) await this.#hands.unchanged(to, before, "an envelope that came again")
  }

  async crashReceive(wire: Wire, when: "before" | "after"): Promise<void> {
    const world = this.#hands.world
    const to = world.people[wire.to]!
    if (to.down) await this.#hands.restart(to)
    if (this.#hands.world.featuresOf(to).crash !== true) return this.deliver(wire)
    this.#hands.take(wire)
    const input = { wire: wire.bytes, at: world.now, crash: `${when}-persist` }
    const answer = await world.ask(to, "receive", input)
    world.model.runs.thaw(to.index)
    if ("ok" in answer && answer.ok["crashed"] === true) {
      const { acknowledged } = answer.ok
      to.down = true
      await this.#hands.restart(to)
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
  lose({ from, message, to }: Wire): void {
    const { model, resets } = this.#hands.world
    if (message !== undefined && this.refusals === 0 && resets === 0) {
      message.excused = true
      return
    }
    for (const sent of model.sent.values()) {
      const isOpen = sent.from === from && sent.to === to && !model.wasShown(sent)
      if (isOpen) sent.excused = true
    }
  }
}
