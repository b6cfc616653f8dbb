/**
 * Byte helpers of the generator and the linter.
 *
 * Spec: docs/spec/README.md (conventions).
 * Written apart from the code under test on purpose: nothing here comes from a package of the project.
 */

/** Joins parts into a new array. */
export const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Lower-case hexadecimal. */
export const hex = (bytes: Uint8Array): string => {
  let out = ""
  for (const byte of bytes) out += byte.toString(16).padStart(2, "0")
  return out
}

/** Reads lower-case hexadecimal; stops the generator on anything else. */
export const unhex = (text: string): Uint8Array => {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new Error(`not lower-case hex: ${text.slice(0, 40)}`)
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return out
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

export const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

/** Bytewise order, a prefix first. */
export const compare = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/** `width` bytes, big-endian, of a non-negative integer. */
export const be = (value: number | bigint, width: number): Uint8Array => {
  const out = new Uint8Array(width)
  let rest = BigInt(value)
  for (let i = width - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  if (rest !== 0n) throw new Error(`${value} does not fit ${width} bytes`)
  return out
}

/** `width` bytes, little-endian. */
export const le = (value: number | bigint, width: number): Uint8Array => be(value, width).reverse()

/** Integer of little-endian bytes. */
export const fromLe = (bytes: Uint8Array): bigint => {
  let out = 0n
  for (let i = bytes.length - 1; i >= 0; i--) out = (out << 8n) | BigInt(bytes[i]!)
  return out
}
