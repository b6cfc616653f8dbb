/**
 * Padding of plaintexts, so that lengths tell little.
 *
 * Spec: docs/spec/03-envelopes.md §3.4.
 * Vectors: vectors/envelope.
 * Works on authenticated plaintext: checking it is no oracle.
 */
import * as Result from "effect/Result"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"

const marker = 0x80

/** Position of the highest bit of a length below 2⁵³. */
const exponentOf = (length: number): number =>
  length < 2 ** 32 ? 31 - Math.clz32(length) : 63 - Math.clz32(Math.floor(length / 2 ** 32))

/** P(L): 64 up to 64, then Padmé. For lengths up to 2⁵². */
export const paddedLength = (length: number): number => {
  if (length <= Limits.paddingFloor) return Limits.paddingFloor
  const exponent = exponentOf(length)
  const kept = 32 - Math.clz32(exponent)
  const step = 2 ** (exponent - kept)
  return Math.ceil(length / step) * step
}

/** Content ‖ 0x80 ‖ zeros, in a new array. */
export const pad = (content: Uint8Array): Uint8Array => {
  const out = new Uint8Array(paddedLength(content.length + 1))
  out.set(content)
  out[content.length] = marker
  return out
}

/** The content, as a view of the padded plaintext. Fails with `decode.padding`. */
export const unpad = (padded: Uint8Array): Result.Result<Uint8Array, Failure> => {
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end--
  if (end < 0 || padded[end] !== marker || paddedLength(end + 1) !== padded.length) return fail("decode.padding")
  return Result.succeed(padded.subarray(0, end))
}
