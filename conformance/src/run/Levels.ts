/**
 * Levels and marks, out of results.
 *
 * Spec: docs/spec/21-conformance.md §21.2.
 */
import type { CaseOutcome, Footer, Header, Property, Result } from "../protocol/Result.ts"

type Ended = Result | Property

/** Families of this project's own: they count where declared (rule level.whole.1). */
const own: ReadonlySet<string> = new Set(["state", "vault", "attachment", "history", "trust"])

/** A subject that takes one request at a time has no overlapping ones to judge. */
const overlapping = "P21"

/** Whether a level asks for it although it was left out. */
export const counts = (ended: Ended): boolean =>
  ended.outcome !== "excluded" || (ended.event === "result" ? !own.has(ended.family) : ended.property !== overlapping)

const passed = (ended: Ended): boolean =>
  ended.outcome === "pass" && !(ended.event === "result" && ended.known !== undefined)

/** The name under which the sanity conversation stands among properties. */
export const sanityName = "sanity"

const properties = (ended: ReadonlyArray<Ended>): ReadonlyArray<Property> =>
  ended.filter((one): one is Property => one.event === "property")

/** The highest level there is anything about. */
export const highest = (ended: ReadonlyArray<Ended>): number => Math.max(0, ...ended.map(({ level }) => level))

/**
 * The level reached; nothing when not even level 0 was, or when the run left something out, so that it cannot tell.
 */
export const levelOf = (header: Header, ended: ReadonlyArray<Ended>): number | undefined => {
  if (!header.selection.whole) return undefined
  const sanity = properties(ended).filter(({ property }) => property === sanityName)
  if (sanity.length === 0 || !sanity.every(passed)) return undefined
  let level = 0
  for (let next = 1; next <= Math.min(header.selection.level, highest(ended)); next++) {
    const asked = ended.filter((one) => one.level === next && counts(one))
    // Properties that did not run are not proved.
    const proved =
      asked.length > 0 && asked.every(passed) && (next < 2 || asked.some((one) => one.event === "property"))
    if (!proved) return level
    level = next
  }
  return level
}

/** The marks beside a level. */
export const marksOf = (header: Header, ended: ReadonlyArray<Ended>, level: number | undefined): Footer["marks"] => {
  if (level === undefined || level === 0) return []
  const marks: Array<Footer["marks"][number]> = []
  const { budget } = header.selection
  const { coins, crash, families, snapshot } = header.subject.features
  const results = ended.filter((one): one is Result => one.event === "result" && one.level <= level)
  const proved = (property: string): boolean =>
    properties(ended).some((one) => one.property === property && one.outcome === "pass")
  const bytes = families["device"] === 1 ? coins === "labelled" && proved("P15") : true
  if (bytes && results.every((one) => one.class === undefined)) marks.push("exact")
  const judged = properties(ended).filter((one) => one.property !== sanityName && one.level <= level)
  const adversarial = judged.length > 0 && judged.every((one) => one.outcome === "pass" || !counts(one))
  if (budget !== undefined && budget !== "quick" && snapshot === true && crash === true && adversarial) {
    marks.push("hardened")
  }
  return marks
}

/** Outcomes that are no failure. */
export const isFailure = (outcome: CaseOutcome): boolean => outcome !== "pass" && outcome !== "excluded"
