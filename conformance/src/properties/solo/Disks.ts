/**
 * Disks that are copied, put back and damaged.
 *
 * Spec: docs/spec/21-conformance.md, P20; docs/spec/20-subject.md §20.6.
 */
import { Bytes } from "@tacit/core/hazmat"
import { bytesOf, textOf } from "../Text.ts"
import type { Person } from "../World.ts"
import type { Hands } from "./Hands.ts"
import type { Identity } from "./Identity.ts"

const toHex = Bytes.toHex

/** The disks of one script. */
export class Disks {
  readonly #hands: Hands
  readonly #identity: Identity

  constructor(hands: Hands, identity: Identity) {
    this.#hands = hands
    this.#identity = identity
  }

  async snapshot(person: Person): Promise<void> {
    if (this.#hands.world.featuresOf(person).snapshot !== true || person.snapshots.length > 6) return
    await this.#hands.up(person, async () => {
      const answer = await this.#hands.world.ask(person, "actor.snapshot")
      if (!("ok" in answer)) return
      const memory = this.#hands.world.model.snapshot(person.index)
      person.snapshots.push({ bytes: textOf(answer.ok["snapshot"]), memory })
    })
  }

  async rollBack(person: Person, which: number): Promise<void> {
    const saved = person.snapshots[which % Math.max(1, person.snapshots.length)]
    if (saved === undefined || this.#identity.usurped) return
    const world = this.#hands.world
    const answer = await world.ask(person, "actor.restore", { snapshot: saved.bytes })
    if (!("ok" in answer)) return world.fail("P20", "a snapshot was not taken back")
    person.down = false
    world.model.rollBack(person.index, saved.memory)
    await world.shown(person, answer.ok, false)
    // What the directory hands out must be of secrets the device still has.
    person.bundles.length = 0
    await world.publish(person, 2)
    for (const other of world.people) {
      if (other !== person && other.offered.has(person.index) && !other.down) await world.offer(other, person)
    }
  }

  async corrupt(person: Person, at: number, bit: number): Promise<void> {
    if (this.#hands.world.featuresOf(person).snapshot !== true) return
    await this.#hands.up(person, async () => {
      const world = this.#hands.world
      const taken = await world.ask(person, "actor.snapshot")
      if (!("ok" in taken)) return
      const bytes = bytesOf(taken.ok["snapshot"])
      if (bytes.length === 0) return
      if (bit % 3 === 0) bytes[(at * 997) % bytes.length]! ^= 1 << (bit & 7)
      const damaged = bit % 3 === 0 ? bytes : bytes.slice(0, (at * 997) % bytes.length)
      const before = await world.state(person)
      const answer = await world.ask(person, "actor.restore", { snapshot: toHex(damaged) })
      if ("ok" in answer) return world.fail("P20", "a damaged snapshot was taken back")
      await this.#hands.unchanged(person, before, "a damaged snapshot")
    })
  }
}
