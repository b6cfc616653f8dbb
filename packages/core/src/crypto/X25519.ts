/**
 * The public keys X25519 refuses, in one place for every provider.
 *
 * Spec: docs/spec/01-suites.md §1.3, rule crypto.x25519.3.
 * A native library reports these by an exception, which costs more than the agreement itself; so they are looked up first.
 */
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"

/**
 * The u coordinates, below 2²⁵⁵ and little-endian, whose multiple by any clamped scalar is zero: points of order 1, 2, 4
 * and 8 of the curve and its twist, and the non-canonical forms p and p + 1 of 0 and 1.
 */
const smallOrderU: ReadonlyArray<Uint8Array> = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
].map((hex) => Bytes.fromHex(hex) ?? defect("constant is not hexadecimal"))

/** Whether an agreement with these 32 bytes gives zero for every secret. The top bit is ignored, as X25519 ignores it. */
export const isSmallOrder = (publicKey: Uint8Array): boolean => {
  for (let i = 0; i < smallOrderU.length; i++) {
    const u = smallOrderU[i]!
    if ((publicKey[31]! & 0x7f) !== u[31]) continue
    let at = 0
    while (at < 31 && publicKey[at] === u[at]) at++
    if (at === 31) return true
  }
  return false
}
