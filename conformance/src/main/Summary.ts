/**
 * What a person reads of a run on a terminal.
 *
 * Spec: docs/spec/21-conformance.md §21.2 (level.honest.1).
 * Text of a subject is made harmless first.
 */
import type { Footer, Header, Property, Result, Tally } from "../protocol/Result.ts"
import { isFailure } from "../run/Levels.ts"

// Control characters, and the marks that turn the writing direction around.
// oxlint-disable-next-line eslint/no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** Text of others, made harmless for a terminal. */
export const safe = (text: string): string =>
  text.replace(unsafe, (c) => (c === "\n" ? " ⏎ " : `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`))

const stageOf = (one: Result): string => {
  const expected = one.expected?.stage ?? (one.expected?.ok === undefined ? "refused" : "ok")
  const { actual } = one
  const got =
    actual === undefined
      ? one.outcome
      : actual.ok !== undefined
        ? "ok"
        : actual.reject !== undefined
          ? `reject ${actual.reject.stage ?? "without a stage"}${actual.reject.class === undefined ? "" : ` (${actual.reject.class})`}`
          : one.outcome
  return `expected ${expected}, got ${got}`
}

/** The lines about one failure. `words` name the subject on a command line. */
export const failureLines = (one: Result | Property, words: string): ReadonlyArray<string> => {
  if (one.event === "property") {
    return [
      `✗ ${one.property}  ${one.title}${one.critical ? "  [critical]" : ""}`,
      `    ${one.outcome}: ${safe(one.message ?? "")}`,
      ...(one.failure === undefined
        ? []
        : [
            `    ${one.failure.script.length} steps in the world ${one.failure.world}: ${JSON.stringify(one.failure.script).slice(0, 400)}`,
            `    tacit-conformance replay <results> --property ${one.property} ${words}`
          ])
    ]
  }
  const at = one.step === undefined ? "" : `step ${one.step} `
  return [
    `✗ ${one.case}  ${one.title}${one.critical ? "  [critical]" : ""}`,
    `    ${one.clauses.join(" ")}`,
    `    ${at}${one.op ?? ""}: ${safe(stageOf(one))}; ${safe((one.message ?? one.outcome).slice(0, 400))}`,
    `    tacit-conformance replay ${one.case} ${words}`
  ]
}

const tallyText = ({ outcomes, waived }: Tally): string => {
  const order = ["pass", "fail", "stage", "fault", "unsupported", "timeout", "crash", "violation", "excluded"]
  const names: Readonly<Record<string, string>> = { pass: "passed", fail: "failed", stage: "wrong stage" }
  const parts = order
    .filter((name) => (outcomes[name] ?? 0) > 0)
    .map((name) => `${outcomes[name]} ${names[name] ?? name}`)
  if (waived > 0) parts.push(`${waived} of them foreseen`)
  return parts.join(", ")
}

/** The one line that says it all: level, marks, version, waivers; never a percentage. */
export const verdictLine = (header: Header | undefined, footer: Footer): string => {
  const level =
    footer.level !== undefined
      ? `level ${footer.level}`
      : header?.selection.whole === false
        ? "a part of the suite"
        : "no level"
  return [level, ...footer.marks, `suite ${header?.suite ?? "?"}`, `${footer.waived} waived`].join(" · ")
}

/** What declaring one more family, or supporting one more operation, would let run. */
export const unlocks = (ended: ReadonlyArray<Result | Property>): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  for (const one of ended) {
    if (one.event !== "result") continue
    const lacking =
      one.outcome === "excluded"
        ? /^needs (.+), which/.exec(one.message ?? "")?.[1]
        : one.outcome === "unsupported"
          ? one.op
          : undefined
    if (lacking !== undefined) counts.set(lacking, (counts.get(lacking) ?? 0) + 1)
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([name, count]) => `implementing ${name} would unlock ${count} case${count === 1 ? "" : "s"}`)
}

/** Everything after the failures. */
export const summaryLines = (
  header: Header | undefined,
  footer: Footer,
  ended: ReadonlyArray<Result | Property>
): ReadonlyArray<string> => {
  const rows = [
    ...Object.entries(footer.families),
    ...(footer.properties.total > 0 ? [["properties", footer.properties] as const] : [])
  ]
  const width = Math.max(10, ...rows.map(([name]) => name.length))
  const failures = ended.filter(({ outcome }) => isFailure(outcome)).length
  return [
    ...(header === undefined
      ? []
      : [`${safe(header.subject.name)} ${safe(header.subject.version)} (${safe(header.subject.language)})`]),
    ...rows.map(([name, tally]) => `  ${name.padEnd(width)}  ${tallyText(tally)}`),
    ...footer.stale.map(
      ({ case: item, pattern, problem }) =>
        `! known failures: ${pattern}: ${problem}${item === undefined || item === pattern ? "" : ` (${item})`}`
    ),
    ...(footer.stopped === undefined ? [] : [`! stopped: ${safe(footer.stopped)}`]),
    ...(footer.restarts > 0 ? [`  started again ${footer.restarts} times`] : []),
    ...unlocks(ended).map((text) => `  ${text}`),
    ...(footer.critical.length > 0 ? [`  ${footer.critical.length} critical of ${failures} failures`] : []),
    `${verdictLine(header, footer)}  (${(footer.ms / 1000).toFixed(1)} s)`
  ]
}
