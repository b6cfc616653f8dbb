/**
 * Scripts by chance, the same for the same seed.
 *
 * Spec: docs/spec/21-conformance.md, rule property.script.1.
 * fast-check draws them; nothing of it is needed to run them again.
 */
import * as fc from "fast-check"
import type { Reproducer } from "./RunScript.ts"
import { names, type Script, solo, type Step, weights } from "./Script.ts"
import type { Side } from "./Asking.ts"
import { sizeOf } from "./World.ts"

const operandArbitrary = fc.nat({ max: 255 })

const stepArbitrary: fc.Arbitrary<Step> = fc
  .tuple(
    fc.oneof(...names.map((name) => ({ arbitrary: fc.constant(name), weight: weights[name] }))),
    operandArbitrary,
    operandArbitrary,
    operandArbitrary
  )
  .map(([name, a, b, c]): Step => [name, a, b, c])

/** Scripts of so many steps. */
export const scriptArbitrary = (steps: number): fc.Arbitrary<Script> =>
  fc.array(stepArbitrary, { minLength: steps, maxLength: steps })

/** A script, its world and its roles. The first person is always the subject. */
export const reproducerArbitrary = (steps: number): fc.Arbitrary<Reproducer> =>
  fc
    .record({
      world: fc.oneof(
        { arbitrary: fc.constant(solo[0]), weight: 5 },
        { arbitrary: fc.constant(solo[1]), weight: 3 },
        { arbitrary: fc.constant(solo[2]), weight: 2 }
      ),
      sides: fc.tuple(fc.boolean(), fc.boolean()),
      first: fc.nat({ max: 2 }),
      script: scriptArbitrary(steps)
    })
    .map(({ first, script, sides, world }) => {
      const size = sizeOf(world)
      const roles = [true, ...sides].slice(0, size).map((isSubject): Side => (isSubject ? "subject" : "reference"))
      const turn = first % size
      return { world, roles: [...roles.slice(turn), ...roles.slice(0, turn)], script }
    })

/** `count` of them, the `page`-th of a seed. */
export const sample = (seed: number, page: number, count: number, steps: number): ReadonlyArray<Reproducer> =>
  fc.sample(reproducerArbitrary(steps), { seed: (seed + Math.imul(page, 0x9e37_79b1)) | 0, numRuns: count })
