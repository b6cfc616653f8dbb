/**
 * Standard input as lines of text.
 *
 * A line ends at a line feed, or at a carriage return and a line feed together; the ending is not part of the line, and a lone
 * carriage return is. Text after the last ending is a line too; nothing after it is none. Empty lines are lines. A byte order mark
 * is kept. Bytes that are not UTF-8, and lines longer than a message may be, are refused before anything is done with them.
 */
import type { Readable } from "node:stream"
import { UsageError } from "./UsageError.ts"

/** The largest text body of a message, in bytes of UTF-8 (rule content.layout.1). */
export const maxLineBytes = 65_536

const lineFeed = 0x0a
const carriageReturn = 0x0d

/** Cuts bytes into lines. Fails with `UsageError` that names the first bad line. */
export const split = (bytes: Uint8Array): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let start = 0
  while (start < bytes.length) {
    const found = bytes.indexOf(lineFeed, start)
    const end = found < 0 ? bytes.length : found
    const cut = found > start && bytes[found - 1] === carriageReturn ? end - 1 : end
    lines.push(decode(bytes.subarray(start, cut), lines.length + 1))
    start = end + 1
  }
  return lines
}

const decode = (bytes: Uint8Array, number: number): string => {
  if (bytes.length > maxLineBytes) {
    throw new UsageError(
      `line ${number} of standard input has ${bytes.length} bytes; a message carries at most ${maxLineBytes}`,
      "Split the line. Nothing was sent."
    )
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new UsageError(
      `line ${number} of standard input is not valid UTF-8`,
      "Convert the input to UTF-8. Nothing was sent."
    )
  }
}

/** All of a stream, at most `limit` bytes. */
export const readAll = async (stream: Readable, limit = 512 * 1024 * 1024): Promise<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of stream) {
    const bytes: Uint8Array = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk
    size += bytes.length
    if (size > limit) throw new UsageError(`standard input is longer than ${limit} bytes`, "Send it in parts.")
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}
