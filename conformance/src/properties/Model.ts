/**
 * What a script must show: sets of what was sent, delivered and shown. Knows no key and opens nothing.
 *
 * Spec: docs/spec/21-conformance.md, rule property.judge.1; docs/spec/07-sequencing.md §7.1.
 * Messages are told apart by their texts, which a script never repeats.
 */
import { isObject, type Members } from "../protocol/Value.ts"
import { Runs } from "./Runs.ts"
import { textOf } from "./Text.ts"

/** A message of a script. People are numbered. */
export interface Sent {
  readonly from: number
  readonly to: number
  /** Hex of UTF-8. */
  readonly text: string
  /** Message id and number, where the answer told them. */
  id: string | undefined
  number: number
  /** `never`: the process died before it was stored. */
  fate: "sent" | "maybe" | "never"
  /** Genuine envelopes that may carry it and were not delivered yet. */
  pending: Set<string>
  /** An envelope that may carry it was lost, or what it needs was taken away: it need not arrive. */
  excused: boolean
  /** The sequence floor it carries, where that is known (rule sequence.floor.1). */
  floor: number
}

/** What one person has seen of another. */
interface Line {
  high: number
  /** The highest sequence floor that came. */
  floor: number
  readonly missing: Set<number>
  readonly seen: Set<number>
}

/** What belongs to one person's disk, and goes back with it. */
export interface Memory {
  readonly shown: Map<string, number>
  /** The number each was shown with last. */
  readonly numbers: Map<string, number>
  readonly lines: Map<number, Line>
  /** One-time bundles by the session start that was accepted with them. */
  readonly accepted: Map<string, number>
  /** The generation it was made in, where that is known. */
  readonly generation?: number | undefined
}

/** Who a device is. */
export interface Identity {
  readonly account: string
  readonly device: string
  readonly user: string
}

const emptyMemory = (): Memory => ({ shown: new Map(), numbers: new Map(), lines: new Map(), accepted: new Map() })

const copyOf = ({ accepted, generation, lines, numbers, shown }: Memory): Memory => ({
  generation,
  shown: new Map(shown),
  numbers: new Map(numbers),
  accepted: new Map(accepted),
  lines: new Map(
    [...lines].map(([who, { floor, high, missing, seen }]) => [
      who,
      { floor, high, missing: new Set(missing), seen: new Set(seen) }
    ])
  )
})

/** The judge of one script. */
export class Model {
  readonly people: Array<Identity>
  readonly sent = new Map<string, Sent>()
  readonly memories: Array<Memory>
  /** False once something happened after which only healing can be asked for. */
  clean = true
  /** Identity changes told to a person: pinned account → offered ones. */
  readonly told: ReadonlyArray<Set<string>>
  /** Accounts under another one's name, by person who must be told before it sees a message of theirs. */
  readonly usurpers: ReadonlyArray<Set<string>>
  /** Those of them that a person accepted. */
  readonly taken: ReadonlyArray<Set<string>>
  readonly ids = new Map<string, string>()
  restored = 0
  /** Who was rolled back. */
  readonly rolledBack = new Set<number>()
  noticed = 0
  readonly runs = new Runs()
  readonly #fail: (property: string, message: string) => void

  constructor(people: ReadonlyArray<Identity>, fail: (property: string, message: string) => void) {
    this.people = [...people]
    this.#fail = fail
    this.memories = people.map(emptyMemory)
    this.told = people.map(() => new Set<string>())
    this.usurpers = people.map(() => new Set<string>())
    this.taken = people.map(() => new Set<string>())
  }

  /** Somebody who is no person of the world: a cheat. Answers its number. */
  join(identity: Identity): number {
    this.memories.push(emptyMemory())
    return this.people.push(identity) - 1
  }

  /** Notes a message before it is sent. */
  begin(from: number, to: number, text: string): Sent {
    const sent: Sent = {
      from,
      to,
      text,
      id: undefined,
      number: 0,
      fate: "never",
      pending: new Set(),
      excused: false,
      floor: 0
    }
    this.sent.set(text, sent)
    return sent
  }

  /** The answer to a send. */
  answered(sent: Sent, ok: Members): void {
    sent.fate = "sent"
    const { id, number } = ok
    if (typeof id === "string") {
      const before = this.ids.get(id)
      if (before !== undefined && before !== sent.text) this.#fail("P23", `the message id ${id} was given out twice`)
      this.ids.set(id, sent.text)
      sent.id = id
    }
    if (typeof number === "number") sent.number = number
  }

  snapshot(who: number): Memory {
    return { ...copyOf(this.memories[who]!), generation: this.runs.generation(who) }
  }

  rollBack(who: number, memory: Memory): void {
    this.memories[who] = copyOf(memory)
    this.clean = false
    this.rolledBack.add(who)
    this.restored++
    this.runs.rolledBack(who, memory.generation)
  }

  /** Whether a message was shown to whom it was for. */
  wasShown({ text, to }: Sent): boolean {
    return this.memories[to]!.shown.has(text)
  }

  /** Takes the events of one answer. `whole`: nothing that belongs to them can have been told in an answer that was lost. */
  events(who: number, events: ReadonlyArray<unknown>, whole: boolean): void {
    const all = events.filter((event): event is Members => isObject(event))
    for (const event of all) this.#notice(who, event)
    const gaps = new Set(all.filter(({ type }) => type === "gap").map((gap) => this.#gapKey(gap)))
    const filled = new Set(
      all.filter(({ type }) => type === "gap-filled").map(({ device, number }) => `${textOf(device)} ${textOf(number)}`)
    )
    for (const event of all) if (event["type"] === "message") this.#message(who, event, gaps, filled, whole)
    if (!whole) return
    for (const gap of gaps) this.#falseGap(who, gap)
    for (const one of filled) {
      if (this.clean)
        this.#fail("P13", `a gap was said to be filled by number ${one.split(" ")[1]}, which did not come`)
    }
  }

  #notice(who: number, event: Members): void {
    switch (textOf(event["type"])) {
      case "identity-changed":
        this.told[who]!.add(textOf(event["offered"]))
        return
      case "restored":
      case "peer-rollback":
        this.noticed++
        if (event["type"] === "restored") this.runs.noticed(who)
        if (this.restored === 0) this.#fail("P20", `${textOf(event["type"])} was told, and nothing was rolled back`)
        return
      case "receipt": {
        const { ids, state } = event
        if (state !== 1 && state !== 2) this.#fail("P02", "a receipt has a state that is none")
        for (const id of Array.isArray(ids) ? ids : []) {
          const text = this.ids.get(textOf(id))
          const known = text === undefined ? undefined : this.sent.get(text)
          const unknown = [...this.sent.values()].some((sent) => sent.from === who && sent.fate === "maybe")
          if (known?.from !== who && !unknown) this.#fail("P02", "a receipt was shown for a message not sent from here")
        }
      }
    }
  }

  #gapKey({ device, from, to }: Members): string {
    return `${textOf(device)} ${textOf(from)} ${textOf(to)}`
  }

  #message(who: number, event: Members, gaps: Set<string>, filled: Set<string>, whole: boolean): void {
    const { account, from, id, late, number, text } = event
    const sent = typeof text === "string" ? this.sent.get(text) : undefined
    if (sent === undefined) return this.#fail("P02", "a message was shown that nobody sent")
    const sender = this.people[sent.from]!
    if (sent.to !== who) return this.#fail("P02", "a message was shown to somebody it was not for")
    if (sent.fate === "never") return this.#fail("P02", "a message was shown whose sender died before storing it")
    if (from !== sender.device || account !== sender.account) {
      this.#fail("P02", "a message was shown under another sender")
    }
    if (sent.id !== undefined && id !== sent.id) this.#fail("P01", "a message was shown with another id")
    if (sent.id === undefined && typeof id === "string") {
      sent.id = id
      this.ids.set(id, sent.text)
    }
    if (sent.number > 0 && number !== sent.number && this.clean) {
      this.#fail("P01", `a message with number ${sent.number} was shown with number ${textOf(number)}`)
    }
    const { lines, numbers, shown } = this.memories[who]!
    const times = (shown.get(sent.text) ?? 0) + 1
    shown.set(sent.text, times)
    // A device that was restored seals again, under new numbers, what it sent before it noticed and has no receipt for: its peer
    // cannot know them again. Under one number nothing may come twice.
    const isNewNumber = this.rolledBack.has(sent.from) && numbers.get(sent.text) !== number
    if (times > 1 && !isNewNumber) this.#fail("P03", `a message was shown ${times} times`)
    if (typeof number === "number") numbers.set(sent.text, number)
    if (this.usurpers[who]!.has(sender.account) && !this.told[who]!.has(sender.account)) {
      this.#fail("P14", "a message was shown under a changed identity that nobody was told of (manifest.pin.1)")
    }
    if (this.usurpers[who]!.has(sender.account) && !this.taken[who]!.has(sender.account)) {
      this.#fail("P14", "a message was shown under a changed identity before it was accepted (session.start.4)")
    }
    if (typeof number !== "number" || number < 1) return this.#fail("P01", "a text was shown without a number")
    let line = lines.get(sent.from)
    if (line === undefined) lines.set(sent.from, (line = { high: 0, floor: 0, missing: new Set(), seen: new Set() }))
    line.floor = Math.max(line.floor, sent.floor)
    line.high = Math.max(line.high, line.floor)
    this.#number(line, sender.device, number, late === true, gaps, filled, whole)
  }

  #number(
    line: Line,
    device: string,
    number: number,
    late: boolean,
    gaps: Set<string>,
    filled: Set<string>,
    whole: boolean
  ): void {
    const strict = whole && this.clean
    if (line.seen.has(number) && this.clean) this.#fail("P03", `number ${number} of a device was shown twice`)
    line.seen.add(number)
    if (number > line.high) {
      const [from, to] = [line.high + 1, number - 1]
      const key = `${device} ${from} ${to}`
      if (from <= to && strict && !gaps.has(key))
        this.#fail("P13", `numbers ${from} to ${to} are missing and nobody was told`)
      if (late && this.clean) this.#fail("P13", "the newest message was called late")
      gaps.delete(key)
      for (let missing = from; missing <= to && missing - from < 5000; missing++) line.missing.add(missing)
      line.high = number
      return
    }
    const wasMissing = line.missing.delete(number)
    const key = `${device} ${number}`
    if (strict && wasMissing && !filled.has(key)) this.#fail("P13", `number ${number} filled a gap and nobody was told`)
    if (strict && !late) this.#fail("P13", `number ${number} came late and was not called so`)
    filled.delete(key)
  }

  /** A gap that no message of the same answer explains. */
  #falseGap(who: number, gap: string): void {
    const [device, from, to] = gap.split(" ") as [string, string, string]
    const sender = this.people.findIndex((person) => person.device === device)
    const line = this.memories[who]!.lines.get(sender)
    const floor = line !== undefined && Number(from) <= line.floor ? " (sequence.floor.1)" : ""
    if (this.clean) return this.#fail("P13", `a gap ${from} to ${to} was told that is none${floor}`)
    for (const seen of line?.seen ?? []) {
      // A number shown before is not missing; how far a gap reaches after a rollback is the healing's affair.
      if (seen >= Number(from) && seen <= Number(to) && seen !== line?.high) {
        return this.#fail("P13", `number ${seen} was shown before and is said to be missing`)
      }
    }
  }
}
