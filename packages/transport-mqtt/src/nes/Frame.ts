/**
 * The outer JSON of a frame: `cipherkey`, `ciphertext`, `signature`, each URL-safe base 64 with padding.
 *
 * Spec: docs/spec/15-nes.md §15.2 (rules nes.frame.1–nes.frame.3).
 * Vectors: vectors/nes/data/frames.json.
 * Opens nothing and verifies nothing.
 */
import * as Result from "effect/Result"
import { stringify } from "./GoJson.ts"
import { type Cause, Refusal } from "./Refusal.ts"

/** A frame's three values. */
export interface Frame {
  readonly cipherkey: Uint8Array
  readonly ciphertext: Uint8Array
  readonly signature: Uint8Array
}

/** Largest frame, in bytes. It carries a text of about 180,000 bytes; an unbounded one would let strangers fill the memory. */
export const maxFrameBytes = 262_144

/** URL-safe base 64 with padding. */
export const toBase64 = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes).toString("base64url")
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=")
}

/** Reads exactly what {@link toBase64} writes; anything else is nothing. */
export const fromBase64 = (text: string): Uint8Array | undefined => {
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(text)) return undefined
  const bytes = new Uint8Array(Buffer.from(text, "base64url"))
  return toBase64(bytes) === text ? bytes : undefined
}

/** The bytes that are published. */
export const encode = (frame: Frame): Uint8Array =>
  Buffer.from(
    stringify({
      cipherkey: toBase64(frame.cipherkey),
      ciphertext: toBase64(frame.ciphertext),
      signature: toBase64(frame.signature)
    }),
    "utf8"
  )

const refuse = (cause: Cause) => Result.fail(new Refusal({ cause }))

/** UTF-8 to text, or nothing. A byte order mark stays and is no JSON. */
export const decodeText = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** A JSON object in UTF-8, or nothing. */
export const decodeObject = (bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined => {
  const text = decodeText(bytes)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

/** Reads what was received. Members of other names are passed over, as the earlier program does. */
export const decode = (bytes: Uint8Array): Result.Result<Frame, Refusal> => {
  if (bytes.length === 0 || bytes.length > maxFrameBytes) return refuse("frame-size")
  const outer = decodeObject(bytes)
  if (outer === undefined) return refuse("frame-json")
  const { cipherkey, ciphertext, signature } = outer
  if (typeof cipherkey !== "string" || typeof ciphertext !== "string" || typeof signature !== "string") {
    return refuse("frame-fields")
  }
  const [a, b, c] = [fromBase64(cipherkey), fromBase64(ciphertext), fromBase64(signature)]
  if (a === undefined || b === undefined || c === undefined) return refuse("frame-base64")
  return Result.succeed({ cipherkey: a, ciphertext: b, signature: c })
}
