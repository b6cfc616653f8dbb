/**
 * The Elligator 2 map of Curve25519, u coordinate only, in the same arithmetic whatever the provider is.
 *
 * Spec: docs/spec/19-linking.md §19.5, rule link.pin.2.
 * Vectors: vectors/linking.
 * It is the map of RFC 9380 for curve25519, with Z = 2.
 * The steps do not depend on the input, but big integers of JavaScript are not constant time: the inputs here are hashes of
 * short-lived PINs, each with a fresh session id.
 */
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"

const p = 2n ** 255n - 19n
/** Coefficient A of Curve25519, v² = u³ + A·u² + u. */
const a = 486662n
const half = (p - 1n) / 2n

const mod = (x: bigint): bigint => ((x % p) + p) % p

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n
  for (const bit of exponent.toString(2)) {
    result = (result * result) % p
    if (bit === "1") result = (result * base) % p
  }
  return result
}

/**
 * The u coordinate (32 bytes, little-endian) of the point that a field element maps to. `field` is 32 bytes, little-endian; its top bit
 * is ignored and its value reduced, as RFC 7748 decodes u coordinates.
 */
export const map = (field: Uint8Array): Uint8Array => {
  if (field.length !== 32) return defect("a field element is 32 bytes")
  const masked = new Uint8Array(field).reverse()
  masked[0]! &= 0x7f
  const r = mod(BigInt(`0x${Bytes.toHex(masked)}`))
  // 1 + 2·r² is never zero: −1/2 is no square modulo p.
  const first = mod(-a * power(mod(1n + 2n * r * r), p - 2n))
  const curve = mod(first * mod(first * first + a * first + 1n))
  // first when its right-hand side is a square (zero included), else −first − A.
  const square = power(curve, half) !== p - 1n
  const u = square ? first : mod(-first - a)
  const out = new Uint8Array(32)
  for (let i = 0; i < 32; i++) out[i] = Number((u >> BigInt(8 * i)) & 0xffn)
  return out
}
