/**
 * Bytes for reading: hex in groups with changed bytes marked, and the fields of a structure as a table.
 */
import { fieldsOf, readable, type Field, type Hint, type Shape } from "../src/audit/Fields.ts"
import { hex, unhex } from "../src/audit/Model.ts"
import { fold, h, type Child } from "./dom.ts"

export type Ranges = ReadonlyArray<readonly [offset: number, length: number]>

const inside = (marks: Ranges, at: number): boolean =>
  marks.some(([offset, length]) => at >= offset && at < offset + length)

/** Hex of `bytes` from `from` to `to`, in groups of four, with marked bytes in `mark` elements. */
const hexSpans = (bytes: Uint8Array, from: number, to: number, marks: Ranges): ReadonlyArray<Child> => {
  const out: Array<Child> = []
  let run = ""
  let marked = false
  const flush = (): void => {
    if (run !== "") out.push(marked ? h("mark", {}, run) : run)
    run = ""
  }
  for (let at = from; at < to; at++) {
    const here = inside(marks, at)
    if (here !== marked) {
      flush()
      marked = here
    }
    run += hex(bytes.subarray(at, at + 1))
    if ((at - from) % 4 === 3 && at + 1 < to) run += " "
  }
  flush()
  return out
}

/** How much of long bytes is shown before one asks for more. */
const shown = 96

/** Hex of all bytes; long ones are folded around what is marked. */
export const hexView = (text: string, marks: Ranges = [], label = "bytes"): HTMLElement => {
  const bytes = unhex(text)
  if (bytes.length === 0) return h("code", { class: "hex empty" }, "empty")
  if (bytes.length <= shown)
    return h("code", { class: "hex", "aria-label": label }, ...hexSpans(bytes, 0, bytes.length, marks))
  const first = marks[0]?.[0] ?? 0
  const from = first < shown / 2 ? 0 : Math.max(0, (first - 16) & ~3)
  const to = Math.min(bytes.length, from + 64)
  return h(
    "div",
    { class: "long" },
    h(
      "code",
      { class: "hex", "aria-label": label },
      from > 0 ? h("span", { class: "dim" }, `… from ${from}: `) : undefined,
      ...hexSpans(bytes, from, to, marks),
      to < bytes.length ? " …" : undefined
    ),
    fold(`all ${bytes.length.toLocaleString("en")} bytes`, () =>
      h("code", { class: "hex" }, ...hexSpans(bytes, 0, bytes.length, marks))
    )
  )
}

const fieldRow = (bytes: Uint8Array, field: Field, marks: Ranges): HTMLElement => {
  const end = field.at + field.length
  const touched = marks.some(
    ([offset, length]) => offset < Math.max(end, field.at + 1) && offset + Math.max(length, 1) > field.at
  )
  const most = 40
  const value: Array<Child> = []
  if (!field.group) {
    const to = Math.min(end, field.at + most)
    const start = touched
      ? Math.max(field.at, Math.min(...marks.map(([o]) => o).filter((o) => o >= field.at && o < end), end) - 8)
      : field.at
    const from = field.length > most ? Math.min(start, end - most) : field.at
    value.push(
      h(
        "code",
        { class: "hex" },
        from > field.at ? "… " : undefined,
        ...hexSpans(bytes, from, field.length > most ? Math.min(end, from + most) : to, marks),
        field.length > most && from + most < end ? " …" : undefined
      )
    )
  }
  if (field.value !== undefined) value.push(h("span", { class: "said" }, field.value))
  if (field.problem !== undefined) value.push(h("span", { class: "problem" }, field.problem))
  return h(
    "tr",
    { class: [field.group ? "group" : "", touched && !field.group ? "touched" : ""].join(" ").trim() || undefined },
    h("td", { class: "num" }, String(field.at)),
    h("td", { class: "num" }, String(field.length)),
    h("td", { class: "name", style: `padding-left:${0.6 + field.depth * 1.1}rem` }, field.name),
    h("td", {}, ...value)
  )
}

/** The fields of a structure. */
export const fieldTable = (shape: Shape, text: string, hint: Hint = {}, marks: Ranges = []): HTMLElement => {
  const bytes = unhex(text)
  const fields = fieldsOf(shape, bytes, hint)
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      { class: "fields" },
      h("caption", {}, `${shape}, ${bytes.length.toLocaleString("en")} bytes`),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, "at"),
          h("th", { scope: "col" }, "length"),
          h("th", { scope: "col" }, "field"),
          h("th", { scope: "col" }, "bytes")
        )
      ),
      h("tbody", {}, ...fields.map((field) => fieldRow(bytes, field, marks)))
    )
  )
}

/** Short form for a line: a word, a number, or the ends of long bytes with their text where they are text. */
export const brief = (value: unknown, most = 20): string => {
  if (typeof value !== "string") return JSON.stringify(value)
  if (value === "") return "empty"
  const bytes = value.length / 2
  if (bytes <= most) return value
  const text = bytes <= 256 ? readable(unhex(value)) : undefined
  if (text !== undefined && /^[\x20-\x7e]+$/.test(text))
    return JSON.stringify(text.length > 32 ? `${text.slice(0, 31)}…` : text)
  return `${value.slice(0, 12)}…${value.slice(-6)} · ${bytes} B`
}
