/**
 * Byte strings: joining, comparing, text forms, big-endian integers, wiping.
 *
 * Spec: docs/spec/README.md (conventions), docs/spec/02-encoding.md §2.4 for UTF-8.
 * Knows nothing about secrets beyond a constant-time comparison and best-effort wiping.
 */
import { defect } from "./Defect.ts"
import * as Utf8 from "./Utf8.ts"

/** No bytes. Shared: it has nothing that could be changed. */
export const empty: Uint8Array = new Uint8Array(0)

/** All parts one after the other, in a new array. */
export const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  let length = 0
  for (let i = 0; i < parts.length; i++) length += parts[i]!.length
  const out = new Uint8Array(length)
  let at = 0
  for (let i = 0; i < parts.length; i++) {
    out.set(parts[i]!, at)
    at += parts[i]!.length
  }
  return out
}

/** Plain equality, for public values. Stops at the first difference; use {@link constantTimeEqual} for tags and keys. */
export const equal = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/**
 * Equality without a branch on the contents: looks at every byte whatever it finds. Different lengths are unequal at
 * once, because lengths are public. JavaScript engines give no guarantee of constant time; this is what the language allows.
 */
export const constantTimeEqual = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

/** Whether every byte is zero, without a branch on the contents. */
export const isZero = (bytes: Uint8Array): boolean => {
  let seen = 0
  for (let i = 0; i < bytes.length; i++) seen |= bytes[i]!
  return seen === 0
}

/** Lexicographic order of unsigned bytes, a prefix before its extensions: negative, zero or positive. */
export const compare = (a: Uint8Array, b: Uint8Array): number => {
  const shared = a.length < b.length ? a.length : b.length
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const hexDigits = "0123456789abcdef"
const hexPairs: ReadonlyArray<string> = Array.from(
  { length: 256 },
  (_, byte) => hexDigits[byte >> 4]! + hexDigits[byte & 15]!
)

/** Lower-case hexadecimal, two digits a byte. */
export const toHex = (bytes: Uint8Array): string => {
  let out = ""
  for (let i = 0; i < bytes.length; i++) out += hexPairs[bytes[i]!]!
  return out
}

const hexValue = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48
  if (code >= 97 && code <= 102) return code - 87
  if (code >= 65 && code <= 70) return code - 55
  return -1
}

/** Reads hexadecimal of either case; `undefined` for an odd number of digits or any other character. */
export const fromHex = (text: string): Uint8Array | undefined => {
  if (text.length % 2 !== 0) return undefined
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) {
    const high = hexValue(text.charCodeAt(2 * i))
    const low = hexValue(text.charCodeAt(2 * i + 1))
    if (high < 0 || low < 0) return undefined
    out[i] = (high << 4) | low
  }
  return out
}

/** UTF-8 of a text. A lone surrogate becomes U+FFFD; {@link Utf8.isWellFormed} tells beforehand. */
export const utf8Encode = (text: string): Uint8Array => Utf8.encode(text)

/** The text of valid UTF-8, or `undefined`. Strict: no overlong forms, surrogates or values past U+10FFFF; a byte order mark stays. */
export const utf8Decode = (bytes: Uint8Array): string | undefined => Utf8.decode(bytes, 0, bytes.length)

/** One byte. `value` is an integer in 0…255. */
export const be8 = (value: number): Uint8Array => {
  if (!Number.isInteger(value) || value < 0 || value > 0xff) return defect("BE8 takes an integer in 0…255")
  return Uint8Array.of(value)
}

/** Four bytes, big-endian. `value` is an integer in 0…2³²−1. */
export const be32 = (value: number): Uint8Array => {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) return defect("BE32 takes an integer in 0…2^32-1")
  const out = new Uint8Array(4)
  out[0] = value >>> 24
  out[1] = value >>> 16
  out[2] = value >>> 8
  out[3] = value
  return out
}

/** Eight bytes, big-endian. `value` is an integer in 0…2⁵³−1. */
export const be64 = (value: number): Uint8Array => {
  if (!Number.isSafeInteger(value) || value < 0) return defect("BE64 takes an integer in 0…2^53-1")
  const out = new Uint8Array(8)
  const high = Math.floor(value / 0x1_0000_0000)
  out[1] = high >>> 16
  out[2] = high >>> 8
  out[3] = high
  out[4] = value >>> 24
  out[5] = value >>> 16
  out[6] = value >>> 8
  out[7] = value
  return out
}

/** Reads four big-endian bytes at `offset`; the caller has checked that they are there. */
export const readBe32 = (bytes: Uint8Array, offset: number): number =>
  bytes[offset]! * 0x1000000 + ((bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!)

/** Overwrites with zeros. Best effort: the engine may have made copies that nobody can reach. */
export const wipe = (...arrays: ReadonlyArray<Uint8Array>): void => {
  for (let i = 0; i < arrays.length; i++) arrays[i]!.fill(0)
}
