/**
 * Variants that are all right pass, in process and as programs.
 *
 * Spec: docs/spec/20-subject.md §20.1; docs/spec/21-conformance.md §21.1.
 */
import { describe, expect, it } from "vitest"
import { variants } from "../subjects/variants/subjects.ts"
import { isFailure } from "../src/run/Levels.ts"
import { processSource } from "../src/subject/Process.ts"
import { Timeouts } from "../src/subject/Timeouts.ts"
import { handlerSource, program, runOf, suite } from "./support.ts"

const outcomes = (ran: Awaited<ReturnType<typeof runOf>>) =>
  ran.ended.filter(({ outcome }) => isFailure(outcome)).map((one) => JSON.stringify(one))

describe("legitimate variants", () => {
  for (const [name, make] of Object.entries(variants)) {
    it(`${name}: passes in process [subject.reject.2] [subject.line.2]`, async () => {
      const ran = await runOf(handlerSource(make), { selection: { level: 1, families: [], cases: [] } })
      expect(outcomes(ran)).toEqual([])
      expect(ran.footer.exit).toBe(0)
      expect(ran.footer.level).toBe(1)
    }, 180_000)
  }

  for (const name of ["answers in another order", "errors merged", "talkative"]) {
    it(`${name}: passes as a program, everything there is`, async () => {
      const ran = await runOf(processSource(program("variants/main.ts", name), new Timeouts()))
      expect(outcomes(ran)).toEqual([])
      expect(ran.footer.exit).toBe(0)
      const { total } = Object.values(ran.footer.families).reduce((a, b) => ({ ...a, total: a.total + b.total }))
      expect(total).toBe(suite().cases.length)
    }, 180_000)
  }

  it("have the mark exact only where every class is told [level.marks.1] [verdict.stage.1]", async () => {
    const marks = async (name: string) =>
      (await runOf(handlerSource(variants[name]!), { selection: { level: 1, families: [], cases: [] } })).footer.marks
    expect(await marks("errors merged")).toEqual([])
    expect(await marks("other error texts")).toEqual([])
  }, 180_000)
})
