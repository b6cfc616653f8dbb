/**
 * Writes what the built command needs beside its programs: the device page's program and style sheet, into `dist/page`.
 *
 * Run after tsup.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { script, style } from "./bundle.ts"

const out = fileURLToPath(new URL("../dist/page/", import.meta.url))
mkdirSync(out, { recursive: true })
writeFileSync(`${out}device.js`, await script())
writeFileSync(`${out}style.css`, await style())
