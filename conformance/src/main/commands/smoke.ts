/**
 * `tacit-conformance smoke`: is an adapter understood at all? For the first hour with one.
 *
 * Spec: docs/spec/21-conformance.md §21.2 (level.cumulative.1).
 */
import { declares, families } from "../../protocol/Hello.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { runCase } from "../../run/CaseRun.ts"
import { casesOf, sanity } from "../../run/Sanity.ts"
import { StartFailure } from "../../subject/Subject.ts"
import type { Command } from "../Command.ts"
import { chooseSubject, chooseSuite, subjectOptions, vectorsOption } from "../Subjects.ts"
import { safe } from "../Summary.ts"

export const smokeCommand: Command = {
  name: "smoke",
  summary: "is an adapter understood? a minute's talk, step by step",
  about: [
    "Greets the subject, asks the shortest case to accept and the shortest to refuse of each family it declares, then requests that are none, which must be answered with fault or unsupported. The same conversation begins and ends every run; passing it is level 0."
  ],
  positionals: [],
  options: [...subjectOptions, vectorsOption],
  examples: [
    { line: 'tacit-conformance smoke --subject "python3 adapter.py"', text: "your adapter's first test" },
    { line: "tacit-conformance smoke --in-process reference", text: "how it looks when all is well" }
  ],
  run: async ({ inputs, out }) => {
    const { seed, source } = chooseSubject(inputs)
    const suite = chooseSuite(inputs)
    try {
      const subject = await source.start(seed)
      const { features, language, name, version } = subject.hello
      out(`✓ hello: ${safe(name)} ${safe(version)} (${safe(language)})`)
      const declared = families.filter((family) => declares(subject.hello, family))
      out(`  declares ${declared.length === 0 ? "no family" : declared.join(", ")}`)
      const strange = Object.keys(features.families).filter((family) => !families.some((known) => known === family))
      if (strange.length > 0) out(`  unknown to this suite: ${safe(strange.join(", "))}`)
      for (const item of casesOf(suite.cases, subject)) {
        const end = await runCase(subject, item)
        const right = end.outcome === "pass"
        out(
          `${right ? "✓" : "✗"} ${item.family}, ${item.verdict}: ${item.id}${right ? "" : `: ${safe(end.message ?? end.outcome)}`}`
        )
        if (!subject.alive()) break
      }
      const problem = subject.alive() ? await sanity(subject, suite.cases) : "the subject is gone"
      out(problem === undefined ? "✓ requests that are none are not taken for bad input" : `✗ ${safe(problem)}`)
      const stderr = subject.stderr()
      await subject.close()
      if (problem === undefined) {
        out("level 0: it is understood. Next: tacit-conformance run")
        return ExitCode.conformant
      }
      if (stderr !== "") out(`its standard error:\n${stderr.slice(-4000)}`)
      return ExitCode.notConformant
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error
      out(`✗ hello: ${safe(error.message)}`)
      if (error.stderr !== "") out(`its standard error:\n${error.stderr.slice(-4000)}`)
      out(
        "  The first line it reads is hello; the form of the answer is rule subject.hello.1 of docs/spec/20-subject.md."
      )
      return ExitCode.unusable
    }
  }
}
