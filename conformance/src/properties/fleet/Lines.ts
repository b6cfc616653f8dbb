/**
 * Numbers of messages, device by device: which came, which are missing, and whether what is said about them is so.
 *
 * Spec: docs/spec/07-sequencing.md §7.1, rules sequence.gap.1 and sequence.floor.1; docs/spec/22-own-devices.md, rule own.received.2.
 */
import type { Members } from "../../protocol/Value.ts"
import { textOf } from "../Text.ts"

/** What a device was sent by another one. */
export interface Due {
  /** Numbers that were certainly meant for it. */
  readonly due: ReadonlyArray<number>
  /** Numbers that can have been; any where nothing is said. */
  readonly may: ReadonlySet<number> | undefined
}

/** What one answer says about the numbers of one device, crossed off as it is explained. */
interface Said {
  readonly gaps: Set<number>
  readonly filled: Set<number>
  readonly strict: boolean
  readonly fail: (message: string) => void
}

/** Numbers of a gap that are looked at one by one. */
const mostNumbers = 5_000

/** The numbers of one sending device. */
export class Line {
  #high = 0
  #loose = false
  readonly #seen = new Set<number>()
  readonly #missing = new Set<number>()
  said: Said | undefined

  copy(): Line {
    const line = new Line()
    line.#high = this.#high
    line.#loose = this.#loose
    for (const number of this.#seen) line.#seen.add(number)
    for (const number of this.#missing) line.#missing.add(number)
    return line
  }

  /** A number that did not come from its sender, or, `unsure`, that may have come in an answer that told nothing of it. */
  take(number: number, unsure: boolean): void {
    this.#high = Math.max(this.#high, number)
    this.#seen.add(number)
    this.#missing.delete(number)
    if (unsure) this.#loose = true
  }

  /** A number that came from its sender: gaps are told exactly where numbers are missing. */
  judge(device: string, number: number, late: boolean, { due, may }: Due, clean: boolean): void {
    const said = this.said
    const strict = clean && !this.#loose && said?.strict === true
    const before = this.#high
    const name = `number ${number} of ${device.slice(0, 8)}`
    if (number > before) {
      const told = [...(said?.gaps ?? [])].filter((one) => one > before && one < number)
      const missing = due.filter((one) => one > before && one < number && !this.#seen.has(one))
      const quiet = missing.find((one) => !told.includes(one))
      const wrong = told.find((one) => this.#seen.has(one) || may?.has(one) === false)
      if (strict && quiet !== undefined) said.fail(`${name} came before number ${quiet}, and nobody was told`)
      if (strict && wrong !== undefined) said.fail(`number ${wrong} is said to be missing before ${name}, and is not`)
      if (strict && late) said.fail(`${name}, the newest, was called late`)
      for (const one of told) {
        this.#missing.add(one)
        said?.gaps.delete(one)
      }
      this.#high = number
    } else {
      const wasMissing = this.#missing.has(number)
      if (strict && wasMissing && !said.filled.has(number)) said.fail(`${name} filled a gap and nobody was told`)
      if (strict && !late) said.fail(`${name} came late and was not called so`)
      if (wasMissing) said?.filled.delete(number)
    }
    this.#seen.add(number)
    this.#missing.delete(number)
  }
}

/** The lines of one device. */
export class Lines {
  readonly #lines = new Map<string, Line>()

  copy(): Lines {
    const lines = new Lines()
    for (const [device, line] of this.#lines) lines.#lines.set(device, line.copy())
    return lines
  }

  of(device: string): Line {
    let line = this.#lines.get(device)
    if (line === undefined) this.#lines.set(device, (line = new Line()))
    return line
  }

  /** What an answer says, before its messages are looked at. */
  begin(events: ReadonlyArray<Members>, strict: boolean, fail: (message: string) => void): void {
    for (const line of this.#lines.values()) line.said = undefined
    for (const { device, from, number, to, type } of events) {
      if (type === "message") continue
      const line = this.of(textOf(device))
      if (type === "gap" || type === "gap-filled") line.said ??= { gaps: new Set(), filled: new Set(), strict, fail }
      if (type === "gap") {
        const last = Math.min(Number(to), Number(from) + mostNumbers)
        for (let one = Number(from); one <= last; one++) line.said!.gaps.add(one)
      }
      if (type === "gap-filled") line.said!.filled.add(Number(number))
    }
    for (const { from, type } of events) {
      if (type === "message") this.of(textOf(from)).said ??= { gaps: new Set(), filled: new Set(), strict, fail }
    }
  }

  /** What no message of the answer explains is false, where `isAsked` of its device. */
  end(isAsked: (device: string) => boolean): void {
    for (const [device, { said }] of this.#lines) {
      if (said === undefined || !isAsked(device)) continue
      const [gap] = said.gaps
      const [filled] = said.filled
      if (gap !== undefined) said.fail(`number ${gap} is said to be missing, and nothing came after it`)
      if (filled !== undefined) said.fail(`number ${filled} is said to fill a gap, and did not come`)
    }
  }
}
