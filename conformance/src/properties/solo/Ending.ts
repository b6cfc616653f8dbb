/**
 * How a script ends: everything arrives, everybody can write, all agree, and nothing grew without bounds.
 *
 * Spec: docs/spec/21-conformance.md, P01, P04, P06, P12, P14, P18, P20.
 */
import type { Sent } from "../Model.ts"
import type { Person } from "../World.ts"
import type { Delivery } from "./Delivery.ts"
import type { Hands } from "./Hands.ts"
import type { Identity } from "./Identity.ts"
import type { Sending } from "./Sending.ts"

/** Rounds of healing that are waited for after a rollback. */
const mostRounds = 8

/** The end of one script. */
export class Ending {
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

  async run(crossing: boolean): Promise<void> {
    const world = this.#hands.world
    const { options } = world
    for (const person of world.people) if (person.down) await this.#hands.restart(person)
    if (crossing && options.name === "pair" && options.watched.has("P18")) await this.#converge()
    await this.#identity.accept()
    await this.#quiet()
    if (this.#identity.usurped && !this.#identity.accepted) {
      const came = world.past.some(({ from, taken, to }) => from === 2 && to === 0 && taken)
      if (came && !this.#identity.toldOf()) {
        world.fail("P14", "a start came under a changed identity and nobody was told (manifest.pin.1)")
      }
      await this.#identity.accept()
      await this.#quiet()
    }
    await this.#allArrived()
    await this.#alive()
    await this.#agree()
    await this.#counters()
  }

  /** Delivers and polls until nothing is under way. */
  async #quiet(): Promise<void> {
    const world = this.#hands.world
    for (let round = 0; round < 12; round++) {
      await this.#delivery.deliverAll()
      // Receipts may be put off a little.
      world.now += 100
      const before = world.past.length
      for (const person of world.people) await this.#hands.poll(person)
      if (world.flight.length === 0 && world.past.length === before) return
    }
  }

  /** P01 of everything that was not lost. */
  async #allArrived(): Promise<void> {
    const { model } = this.#hands.world
    if (!model.clean) return
    for (const sent of model.sent.values()) {
      const isOwed = sent.fate !== "never" && !sent.excused && sent.from < this.#hands.world.people.length
      if (isOwed && !model.wasShown(sent))
        this.#hands.world.fail("P01", `message ${sent.number} from a${sent.from} to a${sent.to} was never shown`)
    }
  }

  /** P04: whatever happened, people can write to each other. After a rollback healing may take some rounds. */
  async #alive(): Promise<void> {
    const world = this.#hands.world
    // Who was never introduced to a peer has nobody to ask when something of that one does not open.
    const reaches = (from: Person, to: Person) => from.knows.has(to.index) && to.knows.has(from.index)
    const pairs = world.people.flatMap((from) =>
      world.people.filter((to) => reaches(from, to)).map((to) => [from, to] as const)
    )
    let waiting = pairs
    const rounds = world.model.clean ? 2 : mostRounds
    for (let round = 0; round < rounds && waiting.length > 0; round++) {
      if (round > 0) world.now += 61 * 60_000
      const probes: Array<Sent> = []
      for (const [from, to] of waiting) probes.push(await this.#sending.sendNow(from, to, this.#hands.text(round)))
      await this.#quiet()
      await this.#identity.accept()
      waiting = waiting.filter((_, i) => !world.model.wasShown(probes[i]!))
    }
    const property = world.model.restored > 0 ? "P20" : "P04"
    for (const [from, to] of waiting) {
      world.fail(property, `at the end ${from.name} could not write to ${to.name} any more`)
    }
  }

  /**
   * P18: however starts crossed and whatever of them is lost or late, a message each way brings both into one session. What comes late does not
   * part them again, unless it is a reset notice, which takes over (session.cross.3): then a message each way does it again.
   */
  async #converge(): Promise<void> {
    const world = this.#hands.world
    const late = world.flight.splice(0)
    const together = await this.#eachWay()
    for (const wire of late.reverse()) await this.#delivery.deliver(wire)
    await this.#quiet()
    if (world.resets > 0) return void (await this.#eachWay())
    const [one, other] = world.people as [Person, Person]
    const sides = [await this.#session(one, other), await this.#session(other, one)]
    if (sides.some((session) => session !== together)) {
      world.fail("P18", "what came late parted two sides that sent in one session (session.cross.1)")
    }
  }

  /** A message each way, and what it makes devices do of themselves. Answers the session in which both send then. */
  async #eachWay(): Promise<unknown> {
    const world = this.#hands.world
    const [one, other] = world.people as [Person, Person]
    await this.#sending.sendNow(one, other, this.#hands.text(0))
    await this.#delivery.deliverAll()
    await this.#sending.sendNow(other, one, this.#hands.text(0))
    await this.#delivery.deliverAll()
    const session = await this.#session(one, other)
    if (session === undefined || session !== (await this.#session(other, one))) {
      world.fail("P18", "after a message each way two sides send in different sessions (session.cross.2)")
    }
    return session
  }

  /** The session in which a person sends to another one. */
  async #session(one: Person, other: Person): Promise<unknown> {
    const answer = await this.#hands.world.ask(one, "session.agree", { account: other.account, device: other.device })
    return "ok" in answer ? answer.ok["session"] : undefined
  }

  /** P06: one session on both sides. */
  async #agree(): Promise<void> {
    const world = this.#hands.world
    for (const one of world.people) {
      for (const other of world.people) {
        if (one.index >= other.index || !one.knows.has(other.index) || !other.knows.has(one.index)) continue
        const mine = await this.#session(one, other)
        const theirs = await this.#session(other, one)
        if (mine !== theirs || mine === undefined) world.fail("P06", "two sides send in different sessions")
      }
    }
  }

  /** P12: what is stored stays within the limits. */
  async #counters(): Promise<void> {
    const world = this.#hands.world
    const peers = world.model.people.length
    for (const person of world.people) {
      const { held = 0, sessions = 0, skipped = 0 } = (await world.inspect(person)) as { [name: string]: number }
      const tooMuch = sessions > 41 * peers || skipped > 2000 * 41 * peers || held > 64 * peers
      if (tooMuch) world.fail("P12", `it keeps ${sessions} sessions, ${skipped} skipped keys, ${held} envelopes`)
    }
  }
}
