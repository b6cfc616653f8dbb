/**
 * What can be known from outside about the runs of devices: which run sealed what, who heard of it, and so who must find out that it
 * runs from an old copy.
 *
 * Spec: docs/spec/07-sequencing.md §7.2, rules fence.identity.1, fence.carry.1, fence.detect.1, fence.heal.1.
 * Counts starts and opens nothing. Where something cannot be known for sure, nothing is asked for.
 */

/** The run of a device that sealed an envelope. */
export interface Stamp {
  readonly run: number
  /** The generation of that run; `undefined` once it raised it by an amount of its own. */
  readonly generation: number | undefined
  /** Place in the order of everything that was sealed. */
  readonly order: number
}

/** What one device heard from another about its run. */
interface Heard {
  readonly run: number
  readonly generation: number
  /** What is sealed from here on carries the echo. */
  readonly since: number
  /** The other one has got it, and may stop carrying its fence. */
  echoed: boolean
}

interface Run {
  id: number
  generation: number | undefined
}

/** A device that was made and runs (rule subject.actor.1). */
const firstGeneration = 2

/** The runs of everybody in a script. People are numbered. */
export class Runs {
  readonly #runs = new Map<number, Run>()
  readonly #heard = new Map<string, Heard>()
  readonly #frozen = new Map<number, number>()
  #ids = 0
  #order = 0

  #of(who: number): Run {
    let run = this.#runs.get(who)
    if (run === undefined) this.#runs.set(who, (run = { id: ++this.#ids, generation: firstGeneration }))
    return run
  }

  /** The generation a device runs in, where that is known. */
  generation(who: number): number | undefined {
    return this.#of(who).generation
  }

  /** It was started again on what it stored. */
  started(who: number): void {
    const { generation } = this.#of(who)
    this.#runs.set(who, { id: ++this.#ids, generation: generation === undefined ? undefined : generation + 1 })
  }

  /** It was started on a copy that was made in a generation; what it had heard later is gone. */
  rolledBack(who: number, generation: number | undefined): void {
    this.#runs.set(who, { id: ++this.#ids, generation: generation === undefined ? undefined : generation + 1 })
    this.#frozen.delete(who)
    for (const key of this.#heard.keys()) if (key.startsWith(`${who} `)) this.#heard.delete(key)
  }

  /** It told that it runs from an old copy: it has raised its generation. */
  noticed(who: number): void {
    this.#of(who).generation = undefined
  }

  /** The stamp of what a device seals now. */
  stamp(who: number): Stamp {
    const { generation, id } = this.#of(who)
    return { run: id, generation, order: ++this.#order }
  }

  /** A place in the order, to be taken before something is delivered. */
  now(): number {
    return this.#order
  }

  /** `by` took in a message that `of` sealed. `since`: the place in the order before it was delivered. */
  heard(by: number, of: number, { generation, run }: Stamp, since: number): void {
    const key = `${by} ${of}`
    const before = this.#heard.get(key)
    if (generation === undefined || (before !== undefined && before.generation >= generation)) return
    this.#heard.set(key, { run, generation, since, echoed: false })
  }

  /**
   * `by` took in what `of` sealed: whether that proves to `by` that it runs from an old copy. It does when `of` heard of another run
   * of the same generation or a later one, and still echoes it.
   */
  proves(by: number, of: number, { order }: Stamp): boolean {
    const heard = this.#heard.get(`${of} ${by}`)
    if (heard === undefined || order <= heard.since) return false
    const run = this.#of(by)
    if (heard.run !== run.id) {
      return !heard.echoed && run.generation !== undefined && heard.generation >= run.generation
    }
    heard.echoed = true
    return false
  }

  /** It noticed, and must not number messages to `peer` before it was answered (rule fence.heal.1). */
  freeze(who: number, peer: number): void {
    this.#frozen.set(who, peer)
  }

  /** Something came, which may be the answer. */
  thaw(who: number): void {
    this.#frozen.delete(who)
  }

  isFrozen(who: number, peer: number): boolean {
    return this.#frozen.get(who) === peer
  }
}
