/**
 * Plain text for terminals: paragraphs, bytes, tables of fields.
 */
import { fieldsOf, type Hint, type Shape } from "./Fields.ts"
import { hex, unhex } from "./Model.ts"

/** Words in lines of at most `width`, each with `indent` in front. */
export const wrap = (text: string, indent = "", width = 100): ReadonlyArray<string> => {
  const out: Array<string> = []
  let line = ""
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > width) {
      out.push(indent + line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return line === "" ? out : [...out, indent + line]
}

/** Hex, whole up to `most` bytes, else both ends and the length. */
export const brief = (text: string, most = 32): string => {
  const bytes = text.length / 2
  if (bytes === 0) return "empty"
  return bytes <= most ? text : `${text.slice(0, 2 * most - 16)}…${text.slice(-8)} (${bytes} bytes)`
}

/** A JSON value in one line, long hex cut. */
export const inline = (value: unknown, most = 16): string => {
  if (typeof value === "string")
    return /^(?:[0-9a-f]{2}){9,}$/.test(value) ? brief(value, most) : value === "" ? "empty" : value
  if (Array.isArray(value)) return `[${value.map((item) => inline(item, most)).join(", ")}]`
  if (typeof value === "object" && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, item]) => `${key} ${inline(item, most)}`)
      .join(", ")} }`
  return String(value)
}

/** The fields of a structure, one a line: offset, length, name, bytes, meaning. `hide` replaces bytes of a field by `hidden`. */
export const fieldLines = (
  shape: Shape,
  text: string,
  indent: string,
  hint: Hint = {},
  marks: ReadonlyArray<readonly [number, number]> = []
): ReadonlyArray<string> => {
  const bytes = unhex(text)
  const fields = fieldsOf(shape, bytes, hint)
  const width = Math.max(...fields.map((field) => field.name.length + 2 * field.depth), 10)
  return fields.map((field) => {
    const touched = !field.group && marks.some(([at, length]) => at < field.at + field.length && at + length > field.at)
    const name = `${"  ".repeat(field.depth)}${field.name}`.padEnd(width)
    const raw = field.group ? "" : brief(hex(bytes.subarray(field.at, field.at + field.length)), 24)
    const said = [raw, field.value ?? "", field.problem === undefined ? "" : `! ${field.problem}`].filter(
      (part) => part !== ""
    )
    return `${indent}${touched ? "*" : " "}${String(field.at).padStart(6)} ${String(field.length).padStart(6)}  ${name}  ${said.join("  ")}`.trimEnd()
  })
}

/** A stretch of bytes around what is marked, with a line of `^` under the marked bytes. */
export const markedLines = (
  text: string,
  marks: ReadonlyArray<readonly [number, number]>,
  indent: string
): ReadonlyArray<string> => {
  const bytes = text.length / 2
  const first = marks[0]?.[0] ?? 0
  const from = Math.max(0, Math.min(first - 8, bytes - 40))
  const to = Math.min(bytes, from + 40)
  const head = from > 0 ? "…" : ""
  const line = `${head}${text.slice(2 * from, 2 * to)}${to < bytes ? "…" : ""}`
  let under = " ".repeat(head.length)
  for (let at = from; at < to; at++)
    under += marks.some(([offset, length]) => at >= offset && at < offset + length) ? "^^" : "  "
  const where = `  (from byte ${from} of ${bytes})`
  return under.trim() === ""
    ? [`${indent}${line}${where}`]
    : [`${indent}${line}${where}`, `${indent}${under.trimEnd()}`]
}
