/** Medians, ratios and the table. */
import type { Sample } from "./Rounds.ts"
import { median } from "./Rounds.ts"
import type { Sizes } from "./Workloads.ts"

export interface Row {
  readonly workload: string
  /** Median microseconds per operation, by contender. */
  readonly micros: Readonly<Record<string, number>>
  /** Spread of the subject's samples: (max − min) / median. */
  readonly spread: number
}

/** How the aims are stated: the peer's time (or the floor's) divided by ours, so larger is better. */
export interface Aim {
  readonly workload: string
  readonly subject: string
  readonly against: string
  readonly atLeast: number
}

export interface Verdict extends Aim {
  readonly ratio: number
  readonly met: boolean
}

export const rows = (samples: ReadonlyArray<Sample>, subject: string): ReadonlyArray<Row> =>
  [...new Set(samples.map((sample) => sample.workload))].map((workload) => {
    const here = samples.filter((sample) => sample.workload === workload)
    const micros: Record<string, number> = {}
    for (const contender of new Set(here.map((sample) => sample.contender))) {
      micros[contender] = median(here.filter((sample) => sample.contender === contender).map((sample) => sample.micros))
    }
    const own = here.filter((sample) => sample.contender === subject).map((sample) => sample.micros)
    return { workload, micros, spread: own.length === 0 ? 0 : (Math.max(...own) - Math.min(...own)) / median(own) }
  })

/** Ratios of medians of the same run. */
export const judge = (table: ReadonlyArray<Row>, aims: ReadonlyArray<Aim>): ReadonlyArray<Verdict> =>
  aims.flatMap((aim) => {
    const row = table.find((candidate) => candidate.workload === aim.workload)
    const ours = row?.micros[aim.subject],
      theirs = row?.micros[aim.against]
    if (ours === undefined || theirs === undefined) return []
    const ratio = theirs / ours
    return [{ ...aim, ratio, met: ratio >= aim.atLeast }]
  })

const cell = (value: number | undefined) =>
  value === undefined ? "–" : value >= 100 ? value.toFixed(0) : value.toFixed(1)

export const markdown = (
  table: ReadonlyArray<Row>,
  sizes: ReadonlyArray<Sizes>,
  verdicts: ReadonlyArray<Verdict>,
  contenders: ReadonlyArray<string>
): string => {
  const lines = [
    `| µs per operation | ${contenders.join(" | ")} |`,
    `| --- |${contenders.map(() => " ---: |").join("")}`,
    ...table.map((row) => `| ${row.workload} | ${contenders.map((name) => cell(row.micros[name])).join(" | ")} |`),
    "",
    "| bytes | first message | later message | state after 1,000 | with 500 skipped |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...sizes.map(
      (size) =>
        `| ${size.contender} | ${size.firstMessage} | ${size.steadyMessage} | ${size.stateAfter1000} | ${size.stateWith500Skipped ?? "–"} |`
    ),
    "",
    "| aim | ratio | wanted | |",
    "| --- | ---: | ---: | --- |",
    ...verdicts.map(
      (v) =>
        `| ${v.workload}: ${v.against} ÷ ${v.subject} | ${v.ratio.toFixed(2)} | ≥ ${Number(v.atLeast.toFixed(2))} | ${v.met ? "met" : "**not met**"} |`
    )
  ]
  return lines.join("\n")
}
