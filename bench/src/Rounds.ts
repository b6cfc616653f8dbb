/** Interleaved rounds: every contender runs once per round, in rotating order, so that drift of the machine hits all alike. */
import type { Maybe } from "./Contender.ts"

export interface Sample {
  readonly contender: string
  readonly workload: string
  /** Microseconds per operation. */
  readonly micros: number
}

export interface Task {
  readonly contender: string
  readonly workload: string
  /** Runs once and says how many operations the given time covers; set-up inside it must not be timed. */
  readonly run: () => Promise<{ readonly operations: number; readonly millis: number }>
}

declare const gc: undefined | (() => void)

/** Times `body`, awaiting only what is a promise. */
export const timed = async (operations: number, body: (i: number) => Maybe<unknown>) => {
  const start = performance.now()
  for (let i = 0; i < operations; i++) {
    const result = body(i)
    if (result instanceof Promise) await result
  }
  return { operations, millis: performance.now() - start }
}

export const median = (values: ReadonlyArray<number>) => {
  const sorted = [...values].sort((a, b) => a - b),
    half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** One warm-up round, then `rounds` counted ones. Gives every sample, for medians and for the spread. */
export const interleave = async (
  tasks: ReadonlyArray<Task>,
  rounds: number,
  progress: (line: string) => void
): Promise<ReadonlyArray<Sample>> => {
  const samples: Array<Sample> = []
  const workloads = [...new Set(tasks.map((task) => task.workload))]
  for (const workload of workloads) {
    const group = tasks.filter((task) => task.workload === workload)
    for (let round = -1; round < rounds; round++) {
      progress(`${workload}: round ${Math.max(0, round + 1)} of ${rounds}`)
      for (let i = 0; i < group.length; i++) {
        const task = group[(i + round + group.length) % group.length]!
        gc?.()
        const { operations, millis } = await task.run()
        if (round >= 0) samples.push({ contender: task.contender, workload, micros: (millis * 1000) / operations })
      }
    }
  }
  return samples
}
