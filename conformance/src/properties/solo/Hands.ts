/**
 * What all steps of a script are made of: choosing among what there is, asking a device that may be down, texts.
 *
 * Spec: docs/spec/21-conformance.md §21.3.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import { Malice } from "../Malice.ts"
import type { Person, Wire, World } from "../World.ts"

const toHex = Bytes.toHex

/** The hands of a play. */
export class Hands {
  readonly world: World
  readonly crypto: CryptoProvider
  readonly malice: Malice

  constructor(world: World, crypto: CryptoProvider) {
    this.world = world
    this.crypto = crypto
    this.malice = new Malice(crypto, world.options.name)
    const { account, device } = this.malice.identity
    world.model.join({ account: toHex(account), device: toHex(device), user: "mallory" })
  }

  person(n: number): Person {
    const { people } = this.world
    return people[n % people.length]!
  }

  other(person: Person, n: number): Person {
    const others = this.world.people.filter((one) => one !== person)
    return others[n % others.length]!
  }

  wire(n: number): Wire | undefined {
    const { past } = this.world
    return past.length === 0 ? undefined : past[n % past.length]
  }

  flying(n: number): Wire | undefined {
    const { flight } = this.world
    return flight.length === 0 ? undefined : flight[n % flight.length]
  }

  take(wire: Wire): void {
    const { flight } = this.world
    const at = flight.indexOf(wire)
    if (at >= 0) flight.splice(at, 1)
  }

  /** Does something with a device that runs; starts it first if it died. */
  async up(person: Person, use: (person: Person) => Promise<void>): Promise<void> {
    if (person.down) await this.restart(person)
    await use(person)
  }

  async restart(person: Person): Promise<void> {
    const answer = await this.world.ask(person, "actor.restart")
    if (!("ok" in answer)) return this.world.fail("P01", "a device did not start on what it stored")
    const died = person.down
    person.down = false
    this.world.model.runs.started(person.index)
    await this.world.shown(person, answer.ok, !died)
  }

  async poll(person: Person): Promise<void> {
    await this.up(person, async () => {
      const answer = await this.world.ask(person, "poll")
      if ("ok" in answer) await this.world.shown(person, answer.ok)
    })
  }

  /** A text no other message has; at least twelve bytes. */
  text(length: number): string {
    const number = this.world.texts++
    const salt = toHex(this.crypto.sha256(Bytes.utf8Encode(`text ${this.world.options.salt} ${number}`)))
    const text = `${number} ${salt}`.slice(0, 12 + (length % 24))
    return toHex(Bytes.utf8Encode(length % 9 === 8 ? `${text} ${"é✓".repeat(length)}` : text))
  }

  async unchanged(person: Person, before: string, what: string): Promise<void> {
    const after = await this.world.state(person)
    if (after !== before) this.world.fail("P05", `${what} was refused and changed what the device keeps`)
  }
}
