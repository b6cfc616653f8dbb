/**
 * A name that comes to stand for another account.
 *
 * Spec: docs/spec/21-conformance.md, P14; docs/spec/04-accounts.md, rule manifest.pin.1.
 */
import type { Person } from "../World.ts"
import type { Hands } from "./Hands.ts"

/** Whether it happened in a script, and what the first person did about it. */
export class Identity {
  readonly #hands: Hands
  usurped = false
  accepted = false

  constructor(hands: Hands) {
    this.#hands = hands
  }

  /** Whether the first person was told that another account came under the second one's name. */
  toldOf(): boolean {
    const [, , usurper] = this.#hands.world.people
    return this.usurped && this.#hands.world.model.told[0]!.has(usurper!.account)
  }

  /** Whether sending is held for a changed identity (rule manifest.pin.1). */
  blocked(from: Person, to: Person): boolean {
    return this.toldOf() && !this.accepted && from.index === 0 && to.index === 1
  }

  /**
   * The directory answers the second person's name with the third one's account: it says so to the first one, or, `silently`, only when
   * asked, as a start under that name makes it.
   */
  async usurp(silently: boolean): Promise<void> {
    const world = this.#hands.world
    if (world.options.name !== "usurper" || this.usurped) return
    const [victim, , usurper] = world.people as [Person, Person, Person]
    if (world.past.some(({ from, taken, to }) => from === 2 && to === 0 && taken)) return
    if (victim.down) await this.#hands.restart(victim)
    const { account, manifest, user } = usurper
    this.usurped = true
    world.model.usurpers[0]!.add(account)
    world.model.clean = false
    const entry = { user, account, manifests: [manifest] }
    if (silently) return void (await world.ask(victim, "peer.answer", entry))
    const answer = await world.ask(victim, "peer.learn", entry)
    if ("ok" in answer) world.model.events(0, asList(answer.ok["events"]), false)
    await this.#hands.poll(victim)
    if (!this.toldOf()) {
      world.fail("P14", "another account came under a name and nobody was told (manifest.pin.1)")
    }
  }

  async accept(): Promise<void> {
    if (!this.toldOf() || this.accepted) return
    const world = this.#hands.world
    const [victim, , usurper] = world.people as [Person, Person, Person]
    if (victim.down) await this.#hands.restart(victim)
    world.model.taken[0]!.add(usurper.account)
    const answer = await world.ask(victim, "peer.accept", { user: usurper.user, account: usurper.account })
    if ("reject" in answer) return world.fail("P14", "a changed identity could not be accepted")
    this.accepted = true
    if ("ok" in answer) await world.shown(victim, answer.ok)
    await this.#hands.poll(victim)
    victim.knows.add(usurper.index)
    await world.offer(victim, usurper)
  }
}

const asList = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
