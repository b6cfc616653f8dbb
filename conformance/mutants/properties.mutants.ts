/**
 * The properties against the source they stand beside: what a mutant has to survive that the vectors let pass.
 *
 * Spec: docs/spec/21-conformance.md §21.3.
 * The reference as a subject, with fewer scripts than a quick run has; the stored seeds are played too.
 */
import { expect, it } from "vitest"
import { runProperties } from "../src/properties/Run.ts"
import { Timeouts } from "../src/subject/Timeouts.ts"
import { greetHandler } from "../src/subject/InProcess.ts"
import type { Source } from "../src/subject/Subject.ts"
import { create } from "../subjects/reference/index.ts"

const source: Source = {
  title: "reference",
  start: (from) => greetHandler(create(), from, new Timeouts())
}

it("holds what the properties say", async () => {
  for await (const event of runProperties(source, source, {
    budget: "quick",
    seed: "5e".repeat(64),
    size: { scripts: 24, steps: 24 }
  }))
    if (event.event === "property") expect(`${event.property} ${event.outcome}`).toBe(`${event.property} pass`)
})
