/**
 * Where a command reads and writes: standard streams, colours, width, passwords.
 *
 * Human text goes through `safe` first, so that what a peer sent cannot steer the terminal.
 * Does not know messages or warnings: that is Display.ts.
 */
import type { Readable, Writable } from "node:stream"

export type Colour = "bold" | "dim" | "red" | "green" | "yellow" | "cyan"

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  /** Whether `--json` was given. */
  readonly json: boolean
  /** Whether `--debug` was given. */
  readonly debug: boolean
  /** Writes one line to standard output. */
  readonly out: (line: string) => void
  /** Writes one line to standard error. */
  readonly err: (line: string) => void
  /** Writes one JSON object as a line to standard output. */
  readonly record: (value: object) => void
  /** Colours text for standard output, or returns it as it is. */
  readonly paint: (colour: Colour, text: string) => string
}

const codes: Record<Colour, readonly [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39]
}

export interface Streams {
  readonly stdin: Terminal["stdin"]
  readonly stdout: Terminal["stdout"]
  readonly stderr: Terminal["stderr"]
}

/** Colours are used on a terminal unless NO_COLOR is set to anything, TERM is `dumb`, or JSON was asked for. */
export const make = (
  streams: Streams,
  env: Readonly<Record<string, string | undefined>>,
  options: { readonly json: boolean; readonly debug: boolean }
): Terminal => {
  const noColour = (env.NO_COLOR !== undefined && env.NO_COLOR !== "") || env.TERM === "dumb" || options.json
  const coloured = !noColour && streams.stdout.isTTY === true
  return {
    ...streams,
    ...options,
    out: (line) => void streams.stdout.write(`${line}\n`),
    err: (line) => void streams.stderr.write(`${line}\n`),
    record: (value) => void streams.stdout.write(`${JSON.stringify(value)}\n`),
    paint: (colour, text) => (coloured ? `\u001b[${codes[colour][0]}m${text}\u001b[${codes[colour][1]}m` : text)
  }
}

// Control characters of C0 and C1, and the marks that turn the writing direction around.
// oxlint-disable-next-line eslint/no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** Text of others, made harmless for a terminal: a line feed shows as ⏎, other control characters as `\u{…}`. */
export const safe = (text: string): string =>
  text.replace(unsafe, (c) => (c === "\n" ? "⏎" : `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`))
