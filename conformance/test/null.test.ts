/**
 * Null subjects: whatever passes nothing must not pass here.
 *
 * Spec: docs/spec/21-conformance.md §21.1, §21.4.
 */
import { describe, expect, it } from "vitest"
import { nullSubjects } from "../subjects/null/subjects.ts"
import { processSource } from "../src/subject/Process.ts"
import { Timeouts } from "../src/subject/Timeouts.ts"
import { command, program, runOf, vectors } from "./support.ts"

/** What each must end with: exit code, and an outcome that shows why. */
const expected: Readonly<Record<string, readonly [exit: number, outcome: string]>> = {
  "accepts-everything": [1, "fail"],
  "accepts-what-must-be-refused": [1, "fail"],
  "rejects-everything": [1, "fail"],
  "rejects-everything-opaquely": [1, "fail"],
  "rejects-at-the-wrong-stage": [1, "stage"],
  "rejects-without-a-stage": [1, "stage"],
  echoes: [1, "fail"],
  "answers-random-bytes": [1, "fail"],
  "answers-wrong-ids": [3, "violation"],
  "answers-with-more": [1, "fail"],
  "hangs-at-once": [3, "timeout"],
  hangs: [3, "timeout"],
  "hangs-in-one-operation": [1, "timeout"],
  "ends-at-once": [3, "crash"],
  "ends-mid-run": [3, "crash"],
  "prints-junk": [3, "violation"],
  "prints-junk-mid-run": [3, "violation"],
  "declares-nothing": [1, "fail"],
  "declares-too-much": [1, "unsupported"],
  "reports-faults-as-rejects": [1, "fail"],
  "reports-rejects-as-faults": [1, "fault"],
  "changes-with-refusals": [1, "fail"],
  "has-no-digest": [1, "unsupported"],
  "is-not-deterministic": [1, "fail"],
  "forgets-actors": [1, "fault"]
}

describe("null subjects", () => {
  it("are all looked at", () => {
    expect(Object.keys(expected).sort()).toEqual(Object.keys(nullSubjects).sort())
  })

  for (const [name, [exit, outcome]] of Object.entries(expected)) {
    it(`${name}: exit ${exit} [verdict.case.1] [result.exit.1]`, async () => {
      const timeouts = new Timeouts(name.startsWith("hangs") ? 1000 : undefined)
      // Each restart is three: three of them tell what twenty would.
      const options = { timeouts, ...(name.endsWith("mid-run") ? { restarts: 3 } : {}) }
      const { ended, footer } = await runOf(processSource(program("null/main.ts", name), timeouts), options)
      expect(footer.exit).toBe(exit)
      expect(footer.level ?? 0).toBeLessThan(2)
      expect(footer.marks).toEqual([])
      expect(ended.map((one) => one.outcome)).toContain(outcome)
    }, 300_000)
  }

  it("fail through the command, with the same code and a level that is none", async () => {
    const words = ["--vectors", vectors, "--budget", "none", "--subject", program("null/main.ts", "echoes")]
    const { code, out } = await command("run", ...words)
    expect(code).toBe(1)
    expect(out).toMatch(/^no level · suite \d+\.\d+\.\d+ · 0 waived/m)
  }, 180_000)
})
