/**
 * Keeps a subject alive: starts it, starts it again after an end, and gives up in time.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (result.restart.1).
 */
import type { Lost } from "../protocol/Message.ts"
import { StartFailure, type Source, type Subject } from "./Subject.ts"

/** How often a run may start a subject again. */
export const restartBudget = 20

/** Restarts left, shared by all that keep a subject of one run. A case that ends it again while it is confirmed costs no further one. */
export interface Budget {
  left: number
  used: number
}

export const budget = (restarts = restartBudget): Budget => ({ left: restarts, used: 0 })

/** The subject is of no use any more: exit code 3. */
export class Unusable extends Error {
  readonly _tag = "Unusable"
  readonly kind: Lost["kind"]
  readonly stderr: string

  constructor(kind: Lost["kind"], message: string, stderr: string) {
    super(message)
    this.name = "Unusable"
    this.kind = kind
    this.stderr = stderr
  }
}

export interface KeeperOptions {
  readonly source: Source
  /** 64 bytes as hex. */
  readonly seed: string
  readonly budget: Budget
  /** The sanity conversation; answers why it did not go well. Runs after every start. */
  readonly check?: (subject: Subject) => Promise<string | undefined>
  readonly onRestart?: (restart: {
    readonly cause: Lost["kind"]
    readonly message: string
    readonly stderr: string
    readonly count: number
    readonly at: string | undefined
  }) => void
}

/** One place of a run at which a subject sits. */
export class Keeper {
  readonly #options: KeeperOptions
  #subject: Subject | undefined
  /** What it was at when last asked for. */
  #at: string | undefined
  #counted: string | undefined

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /**
   * The subject, alive: the one that runs, or a new one that has been greeted and checked. `at` names what it is wanted
   * for, for the record of restarts. Rejects with `Unusable`.
   */
  async subject(at?: string): Promise<Subject> {
    if (this.#subject?.alive() === true) {
      this.#at = at
      return this.#subject
    }
    if (this.#subject !== undefined) {
      const answer = await this.#subject.ask({ op: "reset" })
      if ("lost" in answer) this.#count(answer.lost.kind, answer.lost.message, answer.lost.stderr)
    }
    this.#at = at
    return (this.#subject = await this.#start())
  }

  /** A subject for one thing alone, which ends with it and costs no restart. Rejects with `StartFailure`. */
  async isolated<A>(use: (subject: Subject) => Promise<A>, seed = this.#options.seed): Promise<A> {
    const subject = await this.#options.source.start(seed)
    try {
      return await use(subject)
    } finally {
      await subject.close()
    }
  }

  async close(): Promise<void> {
    await this.#subject?.close()
  }

  #count(cause: Lost["kind"], message: string, stderr: string): void {
    const { budget, onRestart } = this.#options
    if (budget.left <= 0) {
      throw new Unusable(cause, `it was started again ${budget.used} times; last: ${message}`, stderr)
    }
    if (this.#at === undefined || this.#at !== this.#counted) budget.left -= 1
    this.#counted = this.#at
    budget.used += 1
    onRestart?.({ cause, message, stderr, count: budget.used, at: this.#at })
  }

  async #start(): Promise<Subject> {
    const { check, seed, source } = this.#options
    for (let attempt = 1; ; attempt++) {
      try {
        const subject = await source.start(seed)
        const problem = await check?.(subject)
        // What the conversation finds wrong counts there; a subject that ends in it cannot be used.
        if (subject.alive()) return subject
        const last = await subject.ask({ op: "reset" })
        const kind = "lost" in last ? last.lost.kind : "crash"
        throw new StartFailure(kind, `in the sanity conversation: ${problem ?? kind}`, subject.stderr())
      } catch (error) {
        if (!(error instanceof StartFailure)) throw error
        // One that never came up will not; one that did may have met something that passes.
        if (attempt === 3 || this.#subject === undefined) {
          throw new Unusable(error.kind, `it does not come up: ${error.message}`, error.stderr)
        }
        this.#count(error.kind, error.message, error.stderr)
      }
    }
  }
}
