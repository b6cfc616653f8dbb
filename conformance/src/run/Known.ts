/**
 * Known failures: which failures were foreseen, and which entries are out of date.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (known.file.1, result.exit.1), §21.1 (verdict.critical.1).
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { KnownFailures, type KnownFailure } from "../protocol/KnownFailures.ts"
import type { CaseOutcome, Footer, Known } from "../protocol/Result.ts"
import type { Case } from "../suite/Case.ts"
import { matcher } from "../suite/Pattern.ts"

/** A file that is none: exit code 4. */
export class BadKnownFile extends Error {
  readonly _tag = "BadKnownFile"
}

const decode = Schema.decodeUnknownResult(KnownFailures, { onExcessProperty: "error" })

/** Reads a file's text. Throws `BadKnownFile`. */
export const parseKnown = (text: string): KnownFailures => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new BadKnownFile("it is no JSON")
  }
  const decoded = decode(value)
  if (Result.isFailure(decoded)) {
    throw new BadKnownFile(decoded.failure.message.replaceAll("\n", " "))
  }
  return decoded.success
}

const numbers = (version: string): ReadonlyArray<number> => version.split(".").map(Number)

/** Whether version `a` is `b` or newer. */
const reached = (a: string, b: string): boolean => {
  const [left, right] = [numbers(a), numbers(b)]
  const at = [0, 1, 2].find((i) => (left[i] ?? 0) !== (right[i] ?? 0))
  return at === undefined || (left[at] ?? 0) > (right[at] ?? 0)
}

/** Whether a version is in a range: `1.0.0`, `^1.0`, `~1.2.3`, `*`. Unknown forms never are. */
export const inRange = (version: string, range: string): boolean => {
  if (range === "*") return true
  const found = /^([\^~]?)(\d+(?:\.\d+){0,2})$/.exec(range)
  if (found === null) return false
  const [, sign, base = ""] = found
  const fixed = sign === "^" ? 1 : sign === "~" ? 2 : base.split(".").length
  const parts = numbers(version)
  return (
    reached(version, base) &&
    numbers(base)
      .slice(0, fixed)
      .every((part, i) => part === parts[i])
  )
}

const isDate = (until: string): boolean => until.includes("-")

interface Entry {
  readonly failure: KnownFailure
  readonly matches: (item: { readonly id: string; readonly path: string }) => boolean
}

export type Stale = Footer["stale"][number]

/** The entries of one run. */
export class KnownList {
  readonly #entries: ReadonlyArray<Entry>
  readonly #stale: Array<Stale> = []

  /** `now` in ms since 1970. */
  constructor(
    file: KnownFailures,
    suite: { readonly version: string; readonly cases: ReadonlyArray<Case> },
    now: number
  ) {
    if (!inRange(suite.version, file.suite)) {
      this.#stale.push({
        pattern: file.suite,
        problem: `the file is for suite ${file.suite}, this is ${suite.version}`
      })
    }
    this.#entries = file.known.map((failure) => {
      const matches = matcher(failure.case)
      const named = suite.cases.filter(matches)
      const problem = this.#outdated(failure, suite.version, now)
      if (named.length === 0) this.#stale.push({ pattern: failure.case, problem: "it matches no case" })
      else if (problem !== undefined) this.#stale.push({ pattern: failure.case, problem })
      if (named.length > 0 && named.every(({ critical }) => critical)) {
        this.#stale.push({ pattern: failure.case, problem: "it names a critical case, which cannot be waived" })
      }
      return { failure, matches }
    })
  }

  #outdated({ until }: KnownFailure, version: string, now: number): string | undefined {
    if (until === undefined) return undefined
    const over = isDate(until) ? now >= Date.parse(`${until}T00:00:00Z`) : reached(version, until)
    return over ? `it was foreseen until ${until}` : undefined
  }

  /**
   * Takes the outcome of a case. Answers the entry that foresaw its failure, if one did; critical cases are never
   * foreseen (rule verdict.critical.1). Excluded cases say nothing about an entry.
   */
  take(item: Case, outcome: CaseOutcome): Known | undefined {
    if (outcome === "excluded" || item.critical) return undefined
    const entries = this.#entries.filter((entry) => entry.matches(item))
    const found = entries.find(({ failure }) => failure.outcome === outcome) ?? entries[0]
    if (found === undefined) return undefined
    const { case: pattern, outcome: foreseen } = found.failure
    if (outcome === "pass") {
      this.#stale.push({ pattern, problem: "the case passes", case: item.path })
      return undefined
    }
    if (outcome !== foreseen) {
      this.#stale.push({ pattern, problem: `the case ends in ${outcome}, not ${foreseen}`, case: item.path })
    }
    const { issue, reason, until } = found.failure
    return {
      pattern,
      outcome: foreseen,
      reason,
      ...(issue === undefined ? {} : { issue }),
      ...(until === undefined ? {} : { until })
    }
  }

  /** Whether an entry is about a case: then nothing else may rest on it. */
  names(item: Case): boolean {
    return this.#entries.some(({ matches }) => matches(item))
  }

  get stale(): ReadonlyArray<Stale> {
    return this.#stale
  }
}

/** What failed, for a file made anew. */
export interface Failure {
  readonly path: string
  readonly critical: boolean
  readonly outcome: CaseOutcome
}

/**
 * The file after a run: an entry for each failure that may be waived, with the reason, issue and end it had before.
 * Critical ones are left out.
 */
export const updated = (
  before: KnownFailures | undefined,
  version: string,
  failures: ReadonlyArray<Failure>
): KnownFailures => {
  const old = (before?.known ?? []).map((failure) => ({ failure, matches: matcher(failure.case) }))
  const known = failures
    .filter(({ critical }) => !critical)
    .map(({ outcome, path }): KnownFailure => {
      const id = path.slice(path.lastIndexOf("/") + 1)
      const kept = old.find(({ matches }) => matches({ id, path }))?.failure
      return {
        case: path,
        outcome,
        reason: kept?.reason ?? "not looked into yet",
        ...(kept?.issue === undefined ? {} : { issue: kept.issue }),
        ...(kept?.until === undefined ? {} : { until: kept.until })
      }
    })
    .sort((a, b) => (a.case < b.case ? -1 : 1))
  return { suite: `^${version.split(".").slice(0, 2).join(".")}`, known }
}
