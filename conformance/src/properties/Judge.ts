/**
 * Judging all properties of one subject: seeds first, then what chance makes, each failure shrunk.
 *
 * Spec: docs/spec/21-conformance.md §21.3, §21.4.
 * Starts no process and reads no file: Run.ts does.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import type { Budget, CaseOutcome, Property, Steps, Wire } from "../protocol/Result.ts"
import { declares } from "../protocol/Hello.ts"
import type { Subject } from "../subject/Subject.ts"
import * as Crossing from "./Crossing.ts"
import * as Differential from "./Differential.ts"
import * as Encoding from "./Encoding.ts"
import * as Fleets from "./fleet/Steps.ts"
import { sample } from "./Generate.ts"
import { properties, type PropertyInfo } from "./Properties.ts"
import { type Reproducer, runScript, type Stage } from "./RunScript.ts"
import { adversary, names as solo, several, type WorldName } from "./Script.ts"
import * as Shape from "./Shape.ts"
import { shrink, shrinkWith } from "./Shrink.ts"
import { Broken } from "./Asking.ts"

/** Scripts and steps of a budget. */
export const budgets: { readonly [name in Budget]: { readonly scripts: number; readonly steps: number } } = {
  quick: { scripts: 200, steps: 30 },
  ci: { scripts: 3_000, steps: 60 },
  nightly: { scripts: 100_000, steps: 200 }
}

/** Scripts of one device a user to one of several: these take some eight times as long. */
const perFleet = 8

export interface JudgeOptions {
  readonly crypto: CryptoProvider
  /** The subject, alive; after an end a new one. */
  readonly subject: () => Promise<Subject>
  /** A reference of its own, greeted with the same seed. */
  readonly reference: () => Promise<Subject>
  /** A subject greeted with another seed, for P23. */
  readonly another?: <A>(seed: string, use: (subject: Subject) => Promise<A>) => Promise<A>
  /** 64 bytes as hex. */
  readonly seed: string
  readonly size: { readonly scripts: number; readonly steps: number }
  /** Ids of properties; empty for all. */
  readonly only: ReadonlyArray<string>
  /** Worlds of several devices are of level 3; they are left out below. */
  readonly level?: number
  /** Scripts that failed once, run first. */
  readonly seeds: ReadonlyArray<Reproducer>
  readonly emit: (event: Property | Steps | Wire) => void
  readonly progress?: (done: number, of: number) => void
  readonly signal?: AbortSignal
  /** Filled with what was reached: operation, answer or stage, class, role. */
  readonly reached?: Set<string>
}

interface Verdict {
  outcome: CaseOutcome
  scripts: number
  steps: number
  message: string | undefined
  failure: Property["failure"]
  ms: number
}

/** Scripts generated at a time. */
const page = 50
/** Answers that are none before scripts are given up. */
const mostBroken = 3

const numberOf = (seed: string): number => Number.parseInt(seed.slice(0, 8), 16) | 0

/** Judges every property asked for and emits one event for each. */
export const judge = async (options: JudgeOptions): Promise<void> => {
  const { emit, level: most = 5, only } = options
  const selected = properties.filter(
    ({ id, judged, level }) => (only.length === 0 || only.includes(id)) && (judged !== "fleet" || level <= most)
  )
  const judgement = new Judgement(options, selected)
  await judgement.run()
  for (const { critical, id, level, title } of selected) {
    const { failure, message, ms, outcome, scripts, steps } = judgement.verdicts.get(id)!
    emit({
      event: "property",
      property: id,
      title,
      level,
      critical,
      outcome,
      scripts,
      steps,
      ...(message === undefined ? {} : { message }),
      ...(failure === undefined ? {} : { failure }),
      ms: Math.round(ms)
    })
  }
  if (judgement.used.size > 0) {
    const names = [...solo, ...several.filter((name) => judgement.used.has(name))]
    const done = Object.fromEntries(names.map((name) => [name, judgement.used.get(name) ?? 0]))
    emit({ event: "steps", done })
  }
}

class Judgement {
  readonly verdicts = new Map<string, Verdict>()
  /** Steps of scripts that did something. */
  readonly used = new Map<string, number>()
  readonly #options: JudgeOptions
  readonly #selected: ReadonlyArray<PropertyInfo>
  readonly #reached: Set<string>
  #broken = 0

  constructor(options: JudgeOptions, selected: ReadonlyArray<PropertyInfo>) {
    this.#options = options
    this.#selected = selected
    this.#reached = options.reached ?? new Set()
    for (const { id } of selected) {
      this.verdicts.set(id, {
        outcome: "excluded",
        scripts: 0,
        steps: 0,
        message: undefined,
        failure: undefined,
        ms: 0
      })
    }
  }

  async run(): Promise<void> {
    const { hello } = await this.#options.subject()
    const devices = declares(hello, "device")
    const wants = (id: string): boolean => this.#selected.some((one) => one.id === id)
    const atOnce = (hello.features.concurrency ?? 1) > 1
    if (devices) {
      for (const { id, judged } of this.#selected) {
        if (judged === "script" || (judged === "concurrency" && atOnce)) this.#begin(id)
      }
      if (wants("P22")) this.#begin("P22")
    }
    const scripted = [...this.verdicts].filter(([, { outcome }]) => outcome === "pass").map(([id]) => id)
    await this.#scripts(scripted, (world) => world !== "fleet", sample, this.#options.size.scripts)
    if (devices && hello.features.several === true) {
      const fleet = this.#selected.filter(({ judged }) => judged === "fleet").map(({ id }) => id)
      for (const id of fleet) this.#begin(id)
      const count = Math.ceil(this.#options.size.scripts / perFleet)
      await this.#scripts(fleet, (world) => world === "fleet", Fleets.sample, count)
    }
    if (wants("P18") && devices) await this.#timed("P18", () => this.#crossing())
    if (wants("P22") && devices) await this.#timed("P22", () => this.#shapes())
    if (wants("P16") && declares(hello, "encoding")) await this.#timed("P16", () => this.#encodings())
    const topics = Differential.topics.filter((topic) => declares(hello, Differential.familyOf[topic]))
    if (wants("P15") && topics.length > 0) await this.#timed("P15", () => this.#differential(topics))
    if (wants("P23") && devices && this.#options.another !== undefined) {
      await this.#timed("P23", () => this.#fresh(hello.features.coins === "labelled"))
    }
  }

  #begin(id: string): Verdict {
    const verdict = this.verdicts.get(id)!
    if (verdict.outcome === "excluded") verdict.outcome = "pass"
    return verdict
  }

  async #timed(id: string, use: () => Promise<void>): Promise<void> {
    const verdict = this.#begin(id)
    const began = performance.now()
    await use()
    verdict.ms += performance.now() - began
  }

  #fail(id: string, outcome: CaseOutcome, message: string, failure: Property["failure"]): void {
    const verdict = this.verdicts.get(id)
    if (verdict === undefined || (verdict.outcome !== "pass" && verdict.outcome !== "excluded")) return
    verdict.outcome = outcome
    verdict.message = message
    verdict.failure = failure
  }

  #stage(): Stage {
    const { crypto, reference, subject } = this.#options
    return { crypto, subject, reference, reached: this.#reached }
  }

  // ---- Worlds

  /** Scripts that are kept, of these worlds, and `count` by chance. */
  async #scripts(
    ids: ReadonlyArray<string>,
    isOf: (world: WorldName) => boolean,
    draw: typeof sample,
    count: number
  ): Promise<void> {
    if (ids.length === 0) return
    const { progress, seed, signal, size } = this.#options
    const seeds = this.#options.seeds.filter(({ world }) => isOf(world))
    const watched = new Set(ids)
    const began = performance.now()
    let done = 0
    let steps = 0
    const all = seeds.length + count
    const one = async (reproducer: Reproducer): Promise<void> => {
      const result = await runScript({ ...this.#stage(), used: this.used }, reproducer, watched)
      done++
      steps += reproducer.script.length
      progress?.(done, all)
      if (result.violation !== undefined) {
        watched.delete(result.violation.property)
        await this.#violated(result.violation.property, reproducer)
      } else if (result.broken !== undefined) await this.#halted(result.broken, reproducer, ids)
    }
    const goesOn = (): boolean => signal?.aborted !== true && watched.size > 0 && this.#broken < mostBroken
    for (const reproducer of seeds) if (goesOn()) await one(reproducer)
    for (let number = 0; number * page < count && goesOn(); number++) {
      const some = Math.min(page, count - number * page)
      for (const reproducer of draw(numberOf(seed), number, some, size.steps)) if (goesOn()) await one(reproducer)
    }
    const ms = performance.now() - began
    for (const id of ids) {
      const verdict = this.verdicts.get(id)!
      verdict.scripts += done
      verdict.steps += steps
      verdict.ms += ms
    }
  }

  async #violated(property: string, reproducer: Reproducer): Promise<void> {
    const watched = new Set([property])
    const stage = { ...this.#stage(), reached: new Set<string>() }
    const broke = async (smaller: Reproducer) => (await runScript(stage, smaller, watched)).violation !== undefined
    const small = await shrink(reproducer, broke)
    const { violation } = await this.#replay(property, small, watched)
    const message = violation?.message ?? "it does not happen every time"
    this.#fail(property, "fail", message, this.#failure(small, violation?.step))
  }

  /** An answer that is none: a failure of whatever was judged at that step. */
  async #halted(broken: Broken, reproducer: Reproducer, ids: ReadonlyArray<string>): Promise<void> {
    if (broken.side === "reference") throw broken
    this.#broken++
    const stage = { ...this.#stage(), reached: new Set<string>() }
    const none = new Set<string>()
    const broke = async (smaller: Reproducer) => {
      const { broken: again } = await runScript(stage, smaller, none)
      return again?.side === "subject" && again.kind === broken.kind
    }
    // Something that ends the process is not done more often than needed.
    const small =
      broken.kind === "fault" || broken.kind === "unsupported" ? await shrink(reproducer, broke) : reproducer
    const last = small.script.at(-1)?.[0]
    const property = adversary.some((name) => name === last) ? "P12" : "P01"
    const isOpen = (id: string): boolean => this.verdicts.get(id)?.outcome === "pass"
    const target = isOpen(property) && ids.includes(property) ? property : ids.find(isOpen)
    if (target === undefined) return
    await this.#replay(target, small, none)
    this.#fail(target, broken.kind, broken.message, this.#failure(small, undefined))
  }

  /** Runs a failing script once more and emits what is said in it. */
  #replay(property: string, reproducer: Reproducer, watched: ReadonlySet<string>) {
    const { emit } = this.#options
    const stage: Stage = {
      ...this.#stage(),
      reached: new Set(),
      record: (step, dir, message) => emit({ event: "wire", case: property, step, dir, message })
    }
    return runScript(stage, reproducer, watched)
  }

  #failure({ roles, script, world }: Reproducer, step: number | undefined): NonNullable<Property["failure"]> {
    return {
      world,
      seed: this.#options.seed,
      roles: Object.fromEntries(roles.map((side, i) => [`a${i}`, side])),
      script: script.map((one) => [...one]),
      ...(step === undefined || step < 0 ? {} : { step })
    }
  }

  // ---- Others

  async #crossing(): Promise<void> {
    const { seed, signal, size } = this.#options
    const verdict = this.verdicts.get("P18")!
    const watched = new Set(["P18"])
    for (const reproducer of Crossing.sample(numberOf(seed), Math.ceil(size.scripts / 2))) {
      if (signal?.aborted === true) return
      const { broken, violation } = await runScript({ ...this.#stage(), used: this.used }, reproducer, watched)
      verdict.scripts++
      verdict.steps += reproducer.script.length
      if (violation !== undefined) return this.#violated("P18", reproducer)
      if (broken === undefined) continue
      if (broken.side === "reference") throw broken
      return this.#fail("P18", broken.kind, broken.message, this.#failure(reproducer, undefined))
    }
  }

  async #shapes(): Promise<void> {
    const { seed, size } = this.#options
    const count = Math.max(3, Math.ceil(size.scripts / 25))
    const verdict = this.verdicts.get("P22")!
    for (const script of Shape.plainScripts(numberOf(seed), count, size.steps)) {
      const stage = this.#stage()
      let problem: string | undefined
      try {
        problem = await Shape.sameLengths(stage, script)
      } catch (error) {
        if (!(error instanceof Broken)) throw error
        return this.#fail("P22", error.kind, error.message, undefined)
      }
      verdict.scripts += 2
      verdict.steps += 2 * script.length
      if (problem === undefined) continue
      return this.#fail(
        "P22",
        "fail",
        problem,
        this.#failure({ world: "pair", roles: ["subject", "subject"], script }, undefined)
      )
    }
  }

  async #encodings(): Promise<void> {
    const { seed, size } = this.#options
    const subject = await this.#options.subject()
    const verdict = this.verdicts.get("P16")!
    for (const one of Encoding.samples(numberOf(seed), size.scripts * 10)) {
      const { fault, violation } = await Encoding.judge(subject, one)
      verdict.scripts++
      if (fault !== undefined) return this.#fail("P16", "fault", fault, undefined)
      if (violation !== undefined) return this.#fail("P16", "fail", violation, undefined)
    }
  }

  async #differential(topics: ReadonlyArray<Differential.Topic>): Promise<void> {
    const { crypto, seed, size } = this.#options
    const verdict = this.verdicts.get("P15")!
    const differs = async (transcript: Differential.Transcript): Promise<Differential.Differs | undefined> => {
      const [subject, reference] = [await this.#options.subject(), await this.#options.reference()]
      try {
        await Differential.run(crypto, subject, reference, seed, transcript, this.#reached)
        return undefined
      } catch (error) {
        if (error instanceof Differential.Differs) return error
        throw error
      }
    }
    const count = Math.ceil(size.scripts / 2)
    for (let number = 0; number * page < count; number++) {
      const some = Math.min(page, count - number * page)
      for (const transcript of Differential.sample(numberOf(seed), number, some, size.steps, topics)) {
        const found = await differs(transcript)
        verdict.scripts++
        verdict.steps += transcript.script.length
        if (found === undefined) continue
        const small = await shrinkWith(transcript, async (smaller) => (await differs(smaller)) !== undefined, [], 300)
        const { fault, message, step } = (await differs(small)) ?? found
        return this.#fail("P15", fault ? "fault" : "fail", message, {
          world: small.topic,
          seed,
          roles: {},
          script: small.script.map((one) => [...one]),
          ...(step < 0 ? {} : { step })
        })
      }
    }
  }

  async #fresh(labelled: boolean): Promise<void> {
    const { another, seed } = this.#options
    // Coins of a seed are the same again, as they should be: another seed must give others.
    const other = labelled
      ? seed.slice(2) + seed.slice(0, 2).replace(/./g, (digit) => (digit === "0" ? "1" : "0"))
      : seed
    try {
      const one = await another!(seed, Shape.draw)
      const two = await another!(other, Shape.draw)
      const problem = Shape.shared(one, two)
      if (problem !== undefined) this.#fail("P23", "fail", problem, undefined)
    } catch (error) {
      this.#fail("P23", "fault", error instanceof Error ? error.message : String(error), undefined)
    }
    this.verdicts.get("P23")!.scripts += 2
  }
}
