import { readFileSync, writeFileSync, rmSync } from "node:fs"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { privateCopy } from "/work/main/conformance/breaks/copy.ts"
const breaks = JSON.parse(readFileSync("/work/main/conformance/breaks/breaks.json", "utf8"))
const wanted = process.argv.slice(2)
const copy = privateCopy()
console.log(copy)
writeFileSync(
  join(copy, "conformance/one-tmp.ts"),
  `
import { runProperties, properties } from "./src/properties/Run.ts"
import { greetHandler } from "./src/subject/InProcess.ts"
import { Timeouts } from "./src/subject/Timeouts.ts"
const reference: any = { title: "r", start: (from: string) => greetHandler(create(), from, new Timeouts()) }
import { create } from "./subjects/reference/index.ts"
import { seedOf } from "./src/main/Subjects.ts"
const only = properties.filter((p) => p.judged === "fleet").map((p) => p.id)
for await (const e of runProperties(reference, reference, { budget: "quick", seed: seedOf("breaks"), properties: only })) if (e.event === "property" && e.outcome !== "pass") console.log(e.property, e.outcome, e.message, JSON.stringify(e.failure?.script))
`
)
for (const item of breaks) {
  if (!wanted.includes(item.id)) continue
  const before = new Map<string, string>()
  for (const edit of [item, ...(item.also ?? [])]) {
    const path = join(copy, "packages/core/src", edit.file ?? item.file)
    const text = readFileSync(path, "utf8")
    if (!before.has(path)) before.set(path, text)
    writeFileSync(path, text.split(edit.find).join(edit.with))
  }
  const run = spawnSync(process.execPath, ["-C", "@tacit/source", join(copy, "conformance/one-tmp.ts")], {
    encoding: "utf8",
    timeout: 280_000
  })
  for (const [path, text] of before) writeFileSync(path, text)
  console.log(
    run.stdout.trim() === "" ? "MISSED" : "caught",
    item.id,
    "\n   ",
    run.stdout.trim().replaceAll("\n", "\n    ").slice(0, 1500),
    run.stderr.slice(0, 600)
  )
}
rmSync(copy, { recursive: true, force: true })
