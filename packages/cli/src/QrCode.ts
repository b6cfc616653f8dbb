/**
 * QR codes: in a terminal, two modules to a character, and as SVG.
 *
 * Spec: docs/spec/17-safety.md §17.3; docs/spec/19-linking.md.
 * Bytes go in byte mode as they are, text as its UTF-8. Reads none.
 */
import { encodeQR } from "qr"

/** Light modules around a code in a terminal. Readers want four; two are enough on a screen, whose edge is far. */
const border = 2

type Content = Uint8Array | string

/** The library takes text: bytes go through it as one character each, and come out of the encoder as they were. */
const options = (content: Content) =>
  typeof content === "string"
    ? ({ ecc: "medium" } as const)
    : ({
        ecc: "medium",
        encoding: "byte",
        textEncoder: (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))
      } as const)

const textOf = (content: Content): string => (typeof content === "string" ? content : String.fromCharCode(...content))

/** The modules, row by row; `true` is dark. */
export const modules = (content: Content): ReadonlyArray<ReadonlyArray<boolean>> =>
  encodeQR(textOf(content), "raw", { ...options(content), border })

/**
 * Lines for a terminal. Light modules are drawn and dark ones left out; with `coloured` in white on black, whatever the terminal's own
 * colours are, else as a dark background shows it.
 */
export const terminal = (content: Content, coloured: boolean): ReadonlyArray<string> => {
  const rows = modules(content)
  const lines: Array<string> = []
  for (let y = 0; y < rows.length; y += 2) {
    const [upper, lower] = [rows[y]!, rows[y + 1]]
    const line = upper.map((dark, x) => blocks[dark ? 1 : 0][lower?.[x] === false ? 0 : 1]).join("")
    lines.push(coloured ? `\u001b[97;40m${line}\u001b[0m` : line)
  }
  return lines
}

/** By whether the upper and the lower module is dark. */
const blocks = [
  ["█", "▀"],
  ["▄", " "]
] as const

/** An SVG document. */
export const svg = (content: Content): string => encodeQR(textOf(content), "svg", { ...options(content), border: 4 })
