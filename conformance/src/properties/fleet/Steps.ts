/**
 * Scripts of several devices by chance, the same for the same seed.
 *
 * Spec: docs/spec/21-conformance.md, rule property.script.1.
 */
import * as fc from "fast-check"
import type { Side } from "../Asking.ts"
import type { Reproducer } from "../RunScript.ts"
import type { Step, StepName } from "../Script.ts"
import { fleetSize, mostDevices } from "./Members.ts"

/** How often each step comes up, of about a hundred. Others mean nothing in these worlds. */
export const weights = {
  send: 26,
  deliver: 16,
  drain: 8,
  all: 5,
  poll: 4,
  restart: 2,
  reset: 1,
  clock: 4,
  admit: 6,
  expel: 3,
  inform: 3,
  withhold: 2,
  outdated: 2,
  mix: 1,
  linger: 2,
  drop: 2,
  duplicate: 2,
  reorder: 3,
  replay: 2,
  redirect: 2,
  flip: 1,
  skew: 1,
  snapshot: 2,
  rollback: 2,
  "crash-send": 2,
  "crash-receive": 2
} as const satisfies { readonly [name in StepName]?: number }

/** What can be in a script of these worlds. */
export const names = Object.keys(weights) as ReadonlyArray<keyof typeof weights>

const operand = fc.nat({ max: 255 })

const step: fc.Arbitrary<Step> = fc
  .tuple(
    fc.oneof(...names.map((name) => ({ arbitrary: fc.constant(name), weight: weights[name] }))),
    operand,
    operand,
    operand
  )
  .map(([name, a, b, c]): Step => [name, a, b, c])

/** How it begins: with more devices, of which not everybody hears. */
const beginning: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: operand.map((user): Step => ["admit", user]), weight: 5 },
  { arbitrary: fc.tuple(operand, operand).map(([member, user]): Step => ["withhold", member, user]), weight: 1 },
  { arbitrary: operand.map((member): Step => ["send", member]), weight: 1 }
)

/** Devices at the beginning, and what happens then. The first device of one account is the subject's. */
const reproducer = (steps: number): fc.Arbitrary<Reproducer> =>
  fc
    .record({
      mine: fc.nat({ max: 1 }),
      sides: fc.array(fc.boolean(), { minLength: fleetSize, maxLength: fleetSize }),
      first: fc.array(beginning, { maxLength: 6 }),
      rest: fc.array(step, { minLength: steps, maxLength: steps })
    })
    .map(({ first, mine, rest, sides }) => ({
      world: "fleet",
      roles: sides.map((isSubject, i): Side => (isSubject || i === mine * mostDevices ? "subject" : "reference")),
      script: [...first, ...rest].slice(0, steps)
    }))

/** `count` scripts, the `page`-th of a seed. */
export const sample = (seed: number, page: number, count: number, steps: number): ReadonlyArray<Reproducer> =>
  fc.sample(reproducer(steps), {
    seed: ((seed ^ 0x0f1e_e700) + Math.imul(page, 0x9e37_79b1)) | 0,
    numRuns: count
  })
