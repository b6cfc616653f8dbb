/**
 * The properties as a part of a run, or by themselves.
 *
 * Spec: docs/spec/21-conformance.md §21.3, §21.4.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import type { Budget, Property, Steps, Wire } from "../protocol/Result.ts"
import type { RunProperties } from "../run/Properties.ts"
import type { Source, Subject } from "../subject/Subject.ts"
import { budgets, judge } from "./Judge.ts"
import { type Reproducer, runScript, type ScriptResult, type Stage } from "./RunScript.ts"
import * as Seeds from "./Seeds.ts"
import { shrink as smaller } from "./Shrink.ts"

export { promote, type Draft } from "./Promote.ts"
export { properties } from "./Properties.ts"
export type { Reproducer, Stage } from "./RunScript.ts"
export { read as readReproducer, load as loadSeeds, type Seed } from "./Seeds.ts"

/** What the runner's own cryptography is done with: it plays the cheat, and computes nothing the subject is judged by alone. */
export const provider = async (): Promise<CryptoProvider> =>
  (await import("@tacit/core/crypto/node")).loadNodeProvider()

/** A subject that is started when it is needed, and again when it has ended. */
const kept = (source: Source, seed: string) => {
  let current: Subject | undefined
  return {
    get: async (): Promise<Subject> => (current?.alive() === true ? current : (current = await source.start(seed))),
    close: async (): Promise<void> => current?.close()
  }
}

const using = async <A>(source: Source, seed: string, use: (subject: Subject) => Promise<A>): Promise<A> => {
  const subject = await source.start(seed)
  try {
    return await use(subject)
  } finally {
    await subject.close()
  }
}

export interface RunOptions {
  readonly budget: Budget
  /** 64 bytes as hex. */
  readonly seed: string
  /** Ids; all when left out. */
  readonly properties?: ReadonlyArray<string>
  /** Other numbers of scripts and steps than the budget's. */
  readonly size?: { readonly scripts: number; readonly steps: number }
  readonly seeds?: ReadonlyArray<Reproducer>
  readonly signal?: AbortSignal
  /** Filled with what was reached. */
  readonly reached?: Set<string>
  readonly progress?: (done: number, of: number) => void
}

/** Judges a subject against the properties, beside a reference of its own. Events come as they happen. */
export async function* runProperties(
  subject: Source,
  reference: Source,
  options: RunOptions
): AsyncGenerator<Property | Steps | Wire> {
  const {
    budget,
    progress,
    properties = [],
    reached,
    seed,
    seeds = Seeds.load(),
    signal,
    size = budgets[budget]
  } = options
  const mine = kept(subject, seed)
  const peer = kept(reference, seed)
  const events: Array<Property | Steps | Wire> = []
  let wake = (): void => undefined
  const judging = judge({
    crypto: await provider(),
    subject: mine.get,
    reference: peer.get,
    another: (other, use) => using(subject, other, use),
    seed,
    size,
    only: properties,
    seeds,
    emit: (event) => {
      events.push(event)
      wake()
    },
    ...(progress === undefined ? {} : { progress }),
    ...(signal === undefined ? {} : { signal }),
    ...(reached === undefined ? {} : { reached })
  })
  let ended = false
  let failed: Error | undefined
  const end = (async () => {
    try {
      await judging
    } catch (error) {
      failed = error instanceof Error ? error : new Error("the properties could not be judged", { cause: error })
    }
    ended = true
  })()
  try {
    while (!ended || events.length > 0) {
      const event = events.shift()
      if (event !== undefined) yield event
      else if (!ended) await Promise.race([end, new Promise<void>((resolve) => (wake = resolve))])
    }
    if (failed !== undefined) throw failed
  } finally {
    await mine.close()
    await peer.close()
  }
}

/** The same as a part of a run. `reached` is filled with what was reached. */
export const judgeProperties =
  (reached: Set<string> = new Set()): RunProperties =>
  async ({ budget, emit, keeper, level, only, peer, progress, seed, signal }) =>
    judge({
      crypto: await provider(),
      subject: () => keeper.subject("properties"),
      reference: peer,
      another: (other, use) => keeper.isolated(use, other),
      seed,
      size: budgets[budget],
      level,
      only,
      seeds: Seeds.load(),
      emit,
      progress,
      signal,
      reached
    })

/** Runs one script and says what came of it, watching these properties. */
export const replay = (stage: Stage, reproducer: Reproducer, only: ReadonlyArray<string>): Promise<ScriptResult> =>
  runScript(stage, reproducer, new Set(only))

/** Makes a script that breaks a property as small as it can be made. */
export const shrink = (stage: Stage, reproducer: Reproducer, property: string): Promise<Reproducer> =>
  smaller(reproducer, async (other) => (await runScript(stage, other, new Set([property]))).violation !== undefined)

/** What was reached, one line each, counted by operation. */
export const coverage = (reached: ReadonlySet<string>): ReadonlyArray<string> => {
  const byOperation = new Map<string, Array<string>>()
  for (const one of [...reached].sort()) {
    const [op, ...rest] = one.split(" ")
    byOperation.set(op!, [...(byOperation.get(op!) ?? []), rest.join(" ")])
  }
  return [...byOperation].map(([op, answers]) => `${op} (${answers.length}): ${answers.join(", ")}`)
}
