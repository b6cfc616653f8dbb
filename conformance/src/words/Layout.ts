/**
 * How help texts are laid out: usage lines, tables, paragraphs.
 *
 * Serves `tacit-conformance` and `tacit`. Prints nothing.
 */
import type { OptionForm, PositionalForm } from "./Words.ts"

export type Row = readonly [name: string, text: string]

const indent = "  "
const widest = 34
const lineWidth = 92

/** Program, command and positionals, as one types them. */
export const usage = (
  program: string,
  command: string,
  positionals: ReadonlyArray<PositionalForm>,
  hasOptions: boolean
): string =>
  [
    program,
    command,
    ...positionals.map(({ many, name, optional }) => {
      const shown = many === true ? `${name}…` : name
      return optional === true ? `[${shown}]` : `<${shown}>`
    }),
    ...(hasOptions ? ["[options]"] : [])
  ].join(" ")

/** The row of an option; `notes` stand behind its text. */
export const optionRow = (
  { name, short, text, value }: OptionForm & { readonly text: string },
  notes: ReadonlyArray<string>
): Row => [
  `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` <${value}>`}`,
  notes.length === 0 ? text : `${text} (${notes.join("; ")})`
]

/** A titled table with an empty line before it; nothing without rows. */
export const section = (title: string, rows: ReadonlyArray<Row>): ReadonlyArray<string> =>
  rows.length === 0 ? [] : ["", `${title}:`, ...table(rows)]

/** Names and texts in two columns; a name that is too long has a line of its own. */
export const table = (rows: ReadonlyArray<Row>): ReadonlyArray<string> => {
  const width = Math.min(widest, Math.max(...rows.map(([name]) => name.length)))
  return rows.flatMap(([name, text]) =>
    name.length > width
      ? [`${indent}${name}`, `${indent}${" ".repeat(width)}  ${text}`]
      : [`${indent}${name.padEnd(width)}  ${text}`]
  )
}

/** Paragraphs with an empty line before each. */
export const paragraphs = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  texts.flatMap((text) => ["", ...wrap(text, lineWidth)])

/** What to type, and below it what it does. */
export const examples = (
  list: ReadonlyArray<{ readonly line: string; readonly text: string }>
): ReadonlyArray<string> => ["", "Examples:", ...list.flatMap(({ line, text }) => [`  ${line}`, `      ${text}`])]

/** Breaks a paragraph into lines of at most `width` characters, at blanks. */
export const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}
