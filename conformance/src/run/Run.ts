/**
 * A run: every selected case and property against a subject, results as they happen.
 *
 * Spec: docs/spec/21-conformance.md.
 * Prints nothing and opens no file: that is `src/main`.
 */
import { declares, suitesOf, type Hello } from "../protocol/Hello.ts"
import { kit } from "../protocol/Kit.ts"
import type { KnownFailures } from "../protocol/KnownFailures.ts"
import type { Budget, CaseOutcome, Footer, Header, Property, Result, ResultEvent, Tally } from "../protocol/Result.ts"
import { budget as restarts, type Budget as Restarts, Keeper, Unusable } from "../subject/Keeper.ts"
import type { Source, Subject } from "../subject/Subject.ts"
import { StartFailure } from "../subject/Subject.ts"
import type { Timeouts } from "../subject/Timeouts.ts"
import type { Case } from "../suite/Case.ts"
import { matcher } from "../suite/Pattern.ts"
import type { Suite } from "../suite/Suite.ts"
import { runCase, type CaseEnd } from "./CaseRun.ts"
import { ExitCode, strongest } from "./ExitCode.ts"
import { KnownList } from "./Known.ts"
import { counts, isFailure, levelOf, marksOf, sanityName } from "./Levels.ts"
import { isProperty, type RunProperties } from "./Properties.ts"
import { sanity } from "./Sanity.ts"

/** What is run, of all there is. */
export interface Selection {
  /** The level asked for; nothing when whatever is declared is to be run. */
  readonly level?: number
  readonly families: ReadonlyArray<string>
  /** Ids or patterns. */
  readonly cases: ReadonlyArray<string>
  /** Absent: no properties. */
  readonly budget?: Budget
}

export interface RunOptions {
  readonly suite: Suite
  /** One for each job. */
  readonly source: Source
  readonly timeouts: Timeouts
  readonly seed: string
  readonly selection: Selection
  readonly jobs: number
  readonly wires: "failures" | "all" | "none"
  readonly known?: KnownFailures
  readonly properties?: RunProperties
  /** A fresh reference, for properties. */
  readonly peer: () => Promise<Subject>
  readonly emit: (event: ResultEvent) => void
  readonly progress?: (done: number, of: number) => void
  readonly signal: AbortSignal
  /** ms since 1970. */
  readonly now: number
  /** After how many cases that ended it a subject counts as unusable (rule result.restart.1); 20 when nothing is said. */
  readonly restarts?: number
}

export interface RunEnd {
  readonly header: Header | undefined
  readonly footer: Footer
  readonly ended: ReadonlyArray<Result | Property>
}

/** Families that exist through properties alone. */
const device = "device"

/** Cases of a selection. */
export const select = (suite: Suite, selection: Selection): ReadonlyArray<Case> => {
  const matchers = selection.cases.map(matcher)
  return suite.cases.filter(
    (item) =>
      item.level <= (selection.level ?? 5) &&
      (selection.families.length === 0 || selection.families.includes(item.family)) &&
      (matchers.length === 0 || matchers.some((matches) => matches(item)))
  )
}

/** What a case needs that was not declared. */
export const missing = (hello: Hello, item: Case): string | undefined => {
  const family = item.needs.find((need) => {
    const [name = "", version] = need.split("/")
    return hello.features.families[name] !== Number(version ?? 1)
  })
  if (family !== undefined) return family
  const suite = item.suites.find((one) => !suitesOf(hello).includes(one))
  return suite === undefined ? undefined : `suite ${suite}`
}

/** A subject that never greeted has no name. */
const nobody: Hello = { name: "unknown", version: "", language: "", source: "", speaks: 1, features: { families: {} } }

const describe = (source: Source, hello: Hello = nobody): Header["subject"] => {
  const { features, language, name, source: from, version } = hello
  return { name, version, language, source: from, command: source.title, features }
}

const isLost = (end: CaseEnd): boolean =>
  end.outcome === "crash" || end.outcome === "timeout" || end.outcome === "violation"

/** Every hundredth case is asked twice of a subject that says it is deterministic. */
const spotEvery = 100

/** How long the sanity conversation of the reference takes at most, in ms: the measure of a subject's speed. */
const nominalSanity = 500

class Running {
  readonly #options: RunOptions
  readonly #known: KnownList | undefined
  readonly #ended: Array<Result | Property> = []
  readonly #budget: Restarts
  readonly #began = performance.now()
  readonly #cases: ReadonlyArray<Case>
  readonly #restarts: Array<ResultEvent> = []
  readonly #conversations: Array<{
    readonly problem: string | undefined
    readonly lost: CaseOutcome | undefined
    readonly ms: number
  }> = []
  #header: Header | undefined
  #next = 0
  #done = 0

  constructor(options: RunOptions) {
    this.#options = options
    this.#budget = restarts(options.restarts)
    this.#cases = select(options.suite, options.selection)
    this.#known = options.known === undefined ? undefined : new KnownList(options.known, options.suite, options.now)
  }

  async run(): Promise<RunEnd> {
    const { jobs, signal } = this.#options
    const lanes: Array<Keeper> = []
    let stopped: { readonly code: ExitCode; readonly message: string; readonly kind?: CaseOutcome } | undefined
    try {
      const first = this.#keeper()
      lanes.push(first)
      await first.subject()
      while (lanes.length < Math.min(jobs, this.#cases.length)) lanes.push(this.#keeper())
      await Promise.all(lanes.map((lane) => this.#lane(lane)))
      await this.#properties(first)
      if (!signal.aborted) await this.#lastSanity(first)
    } catch (error) {
      if (!(error instanceof Unusable) && !(error instanceof StartFailure)) throw error
      stopped = { code: ExitCode.unusable, message: error.message, kind: error.kind }
      if (error.stderr !== "") stopped = { ...stopped, message: `${error.message}\n${error.stderr.slice(-2000)}` }
    } finally {
      await Promise.all(lanes.map((lane) => lane.close()))
    }
    if (signal.aborted) stopped = { code: ExitCode.interrupted, message: "interrupted" }
    this.#sanityEnd(stopped?.kind)
    const footer = this.#footer(stopped)
    this.#options.emit(footer)
    return { header: this.#header, footer, ended: this.#ended }
  }

  #keeper(): Keeper {
    const { seed, source } = this.#options
    return new Keeper({
      source,
      seed,
      budget: this.#budget,
      check: (subject) => this.#check(subject),
      onRestart: ({ at, cause, count, message, stderr }) =>
        this.#tellRestart({
          event: "restart",
          ...(at === undefined ? {} : { case: at }),
          cause,
          message,
          stderr,
          count
        })
    })
  }

  /** Nothing comes before the header: what happened earlier waits for it. */
  #tellRestart(event: ResultEvent): void {
    if (this.#header === undefined) this.#restarts.push(event)
    else this.#options.emit(event)
  }

  #open(hello: Hello | undefined): void {
    if (this.#header !== undefined) return
    const { emit, jobs, now, seed, selection, source, suite } = this.#options
    const { budget, cases, families, level } = selection
    this.#header = {
      event: "header",
      kit,
      suite: suite.version,
      protocol: suite.protocol,
      root: suite.root,
      seed,
      started: now,
      subject: describe(source, hello),
      selection: {
        level: level ?? 5,
        families,
        cases,
        ...(budget === undefined ? {} : { budget }),
        whole: families.length === 0 && cases.length === 0
      },
      jobs
    }
    emit(this.#header)
    for (const event of this.#restarts.splice(0)) emit(event)
  }

  /** The conversation after a start; the first one also opens the results and measures the subject. */
  async #check(subject: Subject): Promise<string | undefined> {
    this.#open(subject.hello)
    return this.#converse(subject)
  }

  async #converse(subject: Subject): Promise<string | undefined> {
    const began = performance.now()
    const { families } = this.#options.selection
    const asked = this.#options.suite.cases.filter(
      (item) => (families.length === 0 || families.includes(item.family)) && this.#known?.names(item) !== true
    )
    const problem = await sanity(subject, asked)
    const last = subject.alive() ? undefined : await subject.ask({ op: "reset" })
    const ms = performance.now() - began
    this.#options.timeouts.calibrate(ms, nominalSanity)
    const lost = last !== undefined && "lost" in last ? last.lost.kind : undefined
    this.#conversations.push({ problem, lost, ms })
    return problem
  }

  /** The conversations of the run as one property: all must have gone well, except where a case ended the subject. */
  #sanityEnd(stopped: CaseOutcome | undefined): void {
    this.#open(undefined)
    const all = this.#conversations
    const bad = all.find(({ problem }) => problem !== undefined)
    const ms = all.reduce((sum, one) => sum + one.ms, 0)
    this.#end({
      event: "property",
      property: sanityName,
      title: "hello, reset and the sanity conversation",
      level: 0,
      critical: true,
      outcome: all.length === 0 ? (stopped ?? "crash") : (bad?.lost ?? (bad === undefined ? "pass" : "fail")),
      scripts: all.length,
      steps: all.length,
      ...(bad?.problem === undefined ? {} : { message: bad.problem }),
      ms: Math.round(ms)
    })
  }

  async #lastSanity(keeper: Keeper): Promise<void> {
    const problem = await this.#converse(await keeper.subject(sanityName))
    if (problem !== undefined) await keeper.subject(sanityName)
  }

  async #lane(keeper: Keeper): Promise<void> {
    const { signal } = this.#options
    while (this.#next < this.#cases.length && !signal.aborted) {
      // Taken before anything is waited for: other lanes take theirs meanwhile.
      const together = [this.#next++]
      const subject = await keeper.subject(this.#cases[together[0]!]!.id)
      const most = subject.hello.features.concurrency ?? 1
      while (
        together.length < most &&
        this.#next === together.at(-1)! + 1 &&
        this.#next < this.#cases.length &&
        this.#cases[this.#next]!.script === undefined &&
        this.#cases[this.#next - 1]!.script === undefined &&
        this.#next % spotEvery !== 0
      ) {
        together.push(this.#next++)
      }
      if (together.length === 1) await this.#one(keeper, subject, together[0]!)
      else await this.#together(keeper, subject, together)
    }
  }

  /** Calls that are under way at once. If the subject is lost, each is asked again alone, to find the one at fault. */
  async #together(keeper: Keeper, subject: Subject, indices: ReadonlyArray<number>): Promise<void> {
    const again = await Promise.all(
      indices.map(async (index) => {
        const item = this.#cases[index]!
        if (missing(subject.hello, item) !== undefined) return index
        const began = performance.now()
        this.#start(item)
        const end = await runCase(subject, item)
        if (isLost(end)) return index
        this.#report(item, end, performance.now() - began)
        return undefined
      })
    )
    for (const index of again) {
      if (index !== undefined) await this.#one(keeper, await keeper.subject(this.#cases[index]!.id), index)
    }
  }

  async #one(keeper: Keeper, subject: Subject, index: number): Promise<void> {
    const item = this.#cases[index]!
    const lacking = missing(subject.hello, item)
    const began = performance.now()
    this.#start(item)
    if (lacking !== undefined) {
      this.#report(item, { outcome: "excluded", message: `needs ${lacking}, which is not declared`, wires: [] }, 0)
      return
    }
    let end = await runCase(subject, item)
    if (isLost(end)) end = await this.#confirm(keeper, item, end)
    else if (subject.hello.features.deterministic === true && index % spotEvery === 0 && end.outcome === "pass") {
      end = await this.#repeat(subject, item, end)
    }
    this.#report(item, end, performance.now() - began)
  }

  /** A case that ended the subject is run again, and if it ends it again, a third time all by itself. */
  async #confirm(keeper: Keeper, item: Case, first: CaseEnd): Promise<CaseEnd> {
    const second = await runCase(await keeper.subject(item.id), item)
    const told = (what: string): CaseEnd => ({ ...first, message: `${first.message ?? ""}; ${what}` })
    if (!isLost(second)) return told(`a second run ended with ${second.outcome}`)
    try {
      const third = await keeper.isolated((subject) => runCase(subject, item))
      return told(isLost(third) ? "again in a second and in a third run alone" : `again, but alone ${third.outcome}`)
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error
      return told("again, and then it did not come up")
    }
  }

  async #repeat(subject: Subject, item: Case, end: CaseEnd): Promise<CaseEnd> {
    const again = await runCase(subject, item)
    const said = (one: CaseEnd): string =>
      JSON.stringify(one.wires.filter(({ step }) => step >= 0).map(({ message }) => message))
    return said(again) === said(end)
      ? end
      : { ...again, outcome: "fail", message: "declared deterministic, and answered otherwise the second time" }
  }

  #start(item: Case): void {
    this.#options.emit({ event: "case-start", case: item.id, family: item.family, topic: item.topic })
  }

  #report(item: Case, end: CaseEnd, ms: number): void {
    const { emit, wires: wanted } = this.#options
    const { wires, ...told } = end
    const known = this.#known?.take(item, end.outcome)
    if (wanted === "all" || (wanted === "failures" && isFailure(end.outcome))) {
      for (const wire of wires) emit({ event: "wire", case: item.id, ...wire })
    }
    const { clauses, critical, family, id, level, needs, title, topic, verdict } = item
    this.#end({
      event: "result",
      case: id,
      title,
      family,
      topic,
      clauses,
      needs,
      level,
      critical,
      verdict,
      ...told,
      ...(known === undefined ? {} : { known }),
      ms: Math.round(ms * 1000) / 1000
    })
    this.#options.progress?.(++this.#done, this.#cases.length)
  }

  #end(one: Result | Property): void {
    this.#ended.push(one)
    this.#options.emit(one)
  }

  async #properties(keeper: Keeper): Promise<void> {
    const { emit, peer, progress, properties, seed, selection, signal } = this.#options
    const { budget, cases, families, level } = selection
    const wanted =
      (families.length === 0 || families.includes(device)) &&
      (level ?? 5) >= 1 &&
      (cases.length === 0 || cases.some(isProperty))
    if (properties === undefined || budget === undefined || !wanted || signal.aborted) return
    await properties({
      keeper,
      peer,
      seed,
      budget,
      level: level ?? 5,
      only: cases.filter(isProperty),
      emit: (event) => (event.event === "property" ? this.#end(event) : emit(event)),
      progress: (done, of) => progress?.(done, of),
      signal
    })
  }

  #footer(stopped: { readonly code: ExitCode; readonly message: string } | undefined): Footer {
    const ended = this.#ended
    const { selection, suite } = this.#options
    const failed = ended.filter((one) => isFailure(one.outcome) && !(one.event === "result" && one.known !== undefined))
    const level = this.#header === undefined || stopped !== undefined ? undefined : levelOf(this.#header, ended)
    const marks = this.#header === undefined || stopped !== undefined ? [] : marksOf(this.#header, ended, level)
    const stale = this.#known?.stale ?? []
    const results = ended.filter((one): one is Result => one.event === "result")
    const codes: Array<ExitCode> = []
    if (stopped !== undefined) codes.push(stopped.code)
    if (failed.length > 0 || (selection.level !== undefined && this.#leftOut(selection.level))) {
      codes.push(ExitCode.notConformant)
    }
    if (stale.length > 0) codes.push(ExitCode.stale)
    const families = [...new Set(suite.cases.map(({ family }) => family))]
    return {
      event: "footer",
      ...(level === undefined ? {} : { level }),
      marks,
      waived: results.filter(({ known }) => known !== undefined).length,
      critical: failed
        .filter(({ critical }) => critical)
        .map((one) => (one.event === "result" ? one.case : one.property)),
      families: Object.fromEntries(
        families
          .map((family) => [family, results.filter((one) => one.family === family)] as const)
          .filter(([, of]) => of.length > 0)
          .map(([family, of]) => [family, tally(of)])
      ),
      properties: tally(ended.filter((one) => one.event === "property")),
      stale,
      restarts: this.#budget.used,
      ...(stopped === undefined ? {} : { stopped: stopped.message }),
      exit: strongest(codes),
      ms: Math.round(performance.now() - this.#began)
    }
  }

  /**
   * Whether something of a level asked for was not declared or, from level 2 on, its properties were left out.
   */
  #leftOut(level: number): boolean {
    const whole = this.#header?.selection.whole === true
    const judged = this.#ended.some((one) => one.event === "property" && one.level > 0)
    if (whole && level >= 2 && !judged) return true
    return this.#ended.some((one) => one.level <= level && one.outcome === "excluded" && counts(one))
  }
}

const tally = (ended: ReadonlyArray<Result | Property>): Tally => {
  const outcomes: Record<string, number> = {}
  for (const { outcome } of ended) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  return {
    total: ended.length,
    outcomes,
    waived: ended.filter((one) => one.event === "result" && one.known !== undefined).length
  }
}

/** Runs a selection. Never rejects for what a subject does. */
export const run = (options: RunOptions): Promise<RunEnd> => new Running(options).run()

/** Whether a subject can be asked for whole devices. */
export const hasDevices = (hello: Hello): boolean => declares(hello, device)
