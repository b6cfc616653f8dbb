/**
 * `tacit-conformance shrink` and `promote`: a script that breaks a property, made small, and frozen as the draft of a vector.
 *
 * Spec: docs/spec/21-conformance.md §21.3 (property.script.1).
 */
import { promote, properties, replay, shrink } from "../../properties/Run.ts"
import { ExitCode } from "../../run/ExitCode.ts"
import { reference } from "../../subject/InProcess.ts"
import { UsageError, type Command } from "../Command.ts"
import { readScript, seedFor, withStage } from "../Scripts.ts"
import { chooseSubject, subjectOptions, writeText } from "../Subjects.ts"
import { safe } from "../Summary.ts"

const scriptPositional = { name: "file", text: "a script, the failure of a result, or a file of results" }
const outOption = { name: "out", value: "file", text: "write it there (default: standard output)" }
const propertyOption = {
  name: "property",
  value: "id",
  text: "the property it breaks, such as P03 (default: as the file says)"
}

export const shrinkCommand: Command = {
  name: "shrink",
  summary: "make a script that breaks a property as small as it can be made",
  about: [
    "Takes steps away, and weakens what is left, as long as the property stays broken. What it gives is a script of its own, to be replayed, kept or promoted."
  ],
  positionals: [scriptPositional],
  options: [...subjectOptions, propertyOption, outOption],
  examples: [
    {
      line: "tacit-conformance shrink results.ndjson --subject ./adapter --property P03 --out p03.json",
      text: "the script of a failed run"
    }
  ],
  run: async ({ err, inputs, out }) => {
    const script = readScript(inputs.positional("file"), inputs.text("property"))
    const property =
      inputs.oneOf(
        "property",
        properties.map(({ id }) => id)
      ) ?? script.property
    if (property === undefined)
      throw new UsageError("it is not said which property the script breaks", "Give --property P03.")
    const seed = seedFor(inputs.text("seed"), script)
    return withStage(chooseSubject(inputs, reference), seed, async (stage) => {
      const before = await replay(stage, script.reproducer, [property])
      if (before.violation === undefined) {
        err(before.broken === undefined ? `the script does not break ${property}` : safe(before.broken.message))
        return ExitCode.conformant
      }
      const small = await shrink(stage, script.reproducer, property)
      const after = await replay(stage, small, [property])
      const text = JSON.stringify({
        title: `${property}: ${after.violation?.message ?? before.violation.message}`,
        property,
        seed,
        ...small
      })
      const path = inputs.text("out")
      if (path === undefined) out(text)
      else writeText(path, `${text}\n`)
      err(`${script.reproducer.script.length} steps became ${small.script.length}`)
      return ExitCode.notConformant
    })
  }
}

export const promoteCommand: Command = {
  name: "promote",
  summary: "freeze a script as the draft of a vector",
  about: [
    "Runs it with the reference in every role, and writes down all that was asked and answered, in the form of a transcript. A person decides whether the answers are right."
  ],
  positionals: [scriptPositional],
  options: [
    { name: "id", value: "id", text: "the id of the case to be" },
    { name: "title", value: "text", text: "its title", default: "from a script" },
    { name: "seed", value: "hex", text: "64 bytes that coins are drawn from (default: as the file says)" },
    propertyOption,
    outOption
  ],
  examples: [
    {
      line: "tacit-conformance promote p03.json --id device-replay-7 --out draft.json",
      text: "a script becomes a draft"
    }
  ],
  run: async ({ inputs, out }) => {
    const script = readScript(inputs.positional("file"), inputs.text("property"))
    const id = inputs.text("id")
    if (id === undefined || !/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/.test(id)) {
      throw new UsageError("--id takes an id of lower-case words, such as device-replay-7")
    }
    const seed = seedFor(inputs.text("seed"), script)
    const chosen = chooseSubject(inputs, reference)
    const draft = await withStage(chosen, seed, (stage) =>
      promote(stage, script.reproducer, id, inputs.text("title") ?? "")
    )
    const text = `${JSON.stringify(draft, null, 2)}\n`
    const path = inputs.text("out")
    if (path === undefined) out(text.trimEnd())
    else writeText(path, text)
    return ExitCode.conformant
  }
}
