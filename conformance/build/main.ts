/**
 * Writes what the built package needs beside its programs: the pages' programs and style sheet, and the text of the rules.
 *
 * Run after tsup; writes `dist/pages`.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rulesOf } from "../src/audit/Folder.ts"
import { script, style } from "./bundle.ts"

const out = fileURLToPath(new URL("../dist/pages/", import.meta.url))
mkdirSync(out, { recursive: true })
for (const page of ["report", "explorer"] as const) writeFileSync(`${out}${page}.js`, await script(page))
writeFileSync(`${out}style.css`, await style())
const specification = fileURLToPath(new URL("../../docs/spec/", import.meta.url))
writeFileSync(`${out}rules.json`, JSON.stringify(rulesOf(specification)))
