/**
 * JSON text as the Go standard library writes it: compact, with `<`, `>`, `&`, U+2028 and U+2029 escaped.
 *
 * Spec: docs/spec/15-nes.md §15.2 (rules nes.json.1, nes.json.2).
 * Vectors: vectors/nes/data/frames.json.
 * Reading is the host's `JSON.parse`; whoever verifies a signature does so over received bytes and never over what this writes.
 */

/** Escapes that have a short form. The last two have it since Go 1.22; a reader takes either. */
const short: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f"
}

// What Go escapes inside text: controls below space, quote, backslash, the three of HTML, two separators, lone surrogates.
const escaped =
  // oxlint-disable-next-line eslint/no-control-regex
  /[\u0000-\u001f"\\<>&\u2028\u2029]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const escape = (character: string): string => {
  const code = character.charCodeAt(0)
  if (code >= 0xd800 && code <= 0xdfff) return "\\ufffd"
  return short[character] ?? `\\u${code.toString(16).padStart(4, "0")}`
}

/** A text with its quotes. Half of a surrogate pair, which UTF-8 cannot hold, becomes the six characters `\ufffd`. */
export const quote = (text: string): string => `"${text.replace(escaped, escape)}"`

/** A value that Go would write from a struct: texts, whole numbers, booleans, and objects of them in the order given. */
export type GoValue = string | number | boolean | { readonly [name: string]: GoValue }

/** Compact JSON. Numbers are safe integers. */
export const stringify = (value: GoValue): string => {
  if (typeof value === "string") return quote(value)
  if (typeof value !== "object") return String(value)
  return `{${Object.entries(value)
    .map(([name, item]) => `${quote(name)}:${stringify(item)}`)
    .join(",")}}`
}

/**
 * The bytes of one member of the outermost object of a JSON text, exactly as they stand, or nothing if there is none or more
 * than one. `bytes` must be a JSON object in UTF-8.
 */
export const rawMember = (bytes: Uint8Array, name: string): Uint8Array | undefined => {
  // One character for each byte: positions are positions in the bytes.
  const text = Buffer.from(bytes).toString("latin1")
  const wanted = Buffer.from(name, "utf8").toString("latin1")
  let at = skipBlank(text, 0)
  if (text[at] !== "{") return undefined
  at = skipBlank(text, at + 1)
  let found: Uint8Array | undefined
  while (at < text.length && text[at] === '"') {
    const end = endOfText(text, at)
    const key: unknown = JSON.parse(text.slice(at, end))
    at = skipBlank(text, end)
    const start = skipBlank(text, at + 1)
    at = endOfValue(text, start)
    if (key === wanted) {
      if (found !== undefined) return undefined
      found = bytes.subarray(start, at)
    }
    at = skipBlank(text, at)
    if (text[at] !== ",") break
    at = skipBlank(text, at + 1)
  }
  return found
}

const skipBlank = (text: string, from: number): number => {
  let at = from
  while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at++
  return at
}

/** Behind the closing quote of the text that begins at `from`. */
const endOfText = (text: string, from: number): number => {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1
  return at + 1
}

/** Behind the value that begins at `from`. */
const endOfValue = (text: string, from: number): number => {
  const first = text[from]
  if (first === '"') return endOfText(text, from)
  let at = from
  let depth = 0
  while (at < text.length) {
    const character = text[at]
    if (character === '"') {
      at = endOfText(text, at)
      continue
    }
    if (character === "{" || character === "[") depth++
    else if (character === "}" || character === "]") {
      if (depth === 0) return at
      depth--
      if (depth === 0) return at + 1
    } else if (depth === 0 && (character === "," || /\s/.test(character!))) return at
    at++
  }
  return at
}
