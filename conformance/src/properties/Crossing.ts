/**
 * P18: scripts in which both sides begin sessions at once, up to three times, with losses, other orders and clocks that disagree.
 *
 * Spec: docs/spec/21-conformance.md, P18; docs/spec/08-sessions.md §8.3.
 * What must have come of it is judged where scripts end: Play.ts.
 */
import * as fc from "fast-check"
import type { Reproducer } from "./RunScript.ts"
import type { Script, Step, StepName } from "./Script.ts"
import type { Side } from "./Asking.ts"

/** Steps under which P18 holds: nothing is put back, forged or refused. */
const steps: ReadonlySet<StepName> = new Set([
  "send",
  "deliver",
  "all",
  "reorder",
  "drop",
  "duplicate",
  "replay",
  "clock",
  "restart",
  "reset",
  "skew"
])

/** Whether P18 can be judged at the end of a script. */
export const isJudged = (script: Script): boolean => script.every(([name]) => steps.has(name))

const operand = fc.nat({ max: 255 })

/** What happens to starts that are under way. Of deliveries in any order there are most. */
const fate: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: operand.map((n): Step => ["deliver", n]), weight: 6 },
  { arbitrary: fc.constant<Step>(["reorder"]), weight: 3 },
  { arbitrary: operand.map((n): Step => ["drop", n]), weight: 4 },
  { arbitrary: operand.map((n): Step => ["duplicate", n]), weight: 1 },
  { arbitrary: operand.map((n): Step => ["replay", n]), weight: 1 },
  { arbitrary: operand.map((n): Step => ["send", n % 2, 0, n >> 1]), weight: 2 },
  { arbitrary: fc.nat({ max: 3 }).map((n): Step => ["clock", n]), weight: 1 },
  { arbitrary: operand.map((n): Step => ["restart", n % 2]), weight: 1 }
)

/** Both begin at once, one to three messages each, and some of it arrives. */
const crossing: fc.Arbitrary<ReadonlyArray<Step>> = fc
  .tuple(fc.nat({ max: 1 }), fc.nat({ max: 2 }), fc.nat({ max: 2 }), fc.array(fate, { maxLength: 8 }))
  .map(([first, one, other, fates]) => [
    ...Array.from({ length: 1 + one }, (_, i): Step => ["send", first, 0, i]),
    ...Array.from({ length: 1 + other }, (_, i): Step => ["send", 1 - first, 0, i]),
    ...fates
  ])

const resets: ReadonlyArray<Step> = [
  ["reset", 0, 0],
  ["reset", 1, 0]
]

const reproducer: fc.Arbitrary<Reproducer> = fc
  .record({
    skews: fc.tuple(operand, operand),
    sides: fc.constantFrom<ReadonlyArray<Side>>(
      ["subject", "subject"],
      ["subject", "reference"],
      ["reference", "subject"]
    ),
    crossings: fc.array(crossing, { minLength: 1, maxLength: 3 })
  })
  .map(({ crossings, sides, skews }) => ({
    world: "pair",
    roles: sides,
    script: [
      ...skews.map((skew, person): Step => ["skew", person, skew]),
      ...crossings.flatMap((steps, i) => (i === 0 ? steps : [...resets, ...steps]))
    ]
  }))

/** `count` scripts of a seed. */
export const sample = (seed: number, count: number): ReadonlyArray<Reproducer> =>
  fc.sample(reproducer, { seed: (seed ^ 0x1818) | 0, numRuns: count })
