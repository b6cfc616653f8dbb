/**
 * The strictness of Ed25519 verification that does not need curve arithmetic, in one place for every provider.
 *
 * Spec: docs/spec/01-suites.md §1.4, rules crypto.ed25519.2 to crypto.ed25519.5.
 * Vectors: vectors/primitives.
 * Does not verify signatures: a provider calls {@link admissible} first, then its own cofactorless equation.
 */
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"

const constant = (littleEndianHex: string): Uint8Array =>
  Bytes.fromHex(littleEndianHex) ?? defect("constant is not hexadecimal")

/** Group order L = 2²⁵² + 27742317777372353535851937790883648493. */
const order = constant("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
/** Field prime p = 2²⁵⁵ − 19. */
const prime = constant("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")

/**
 * y coordinates of the eight points of small order, sign bit clear: 1 (neutral), p − 1 (order 2), 0 (order 4), and the
 * two of order 8. Either sign bit gives a small-order point or no point at all.
 */
const smallOrderY: ReadonlyArray<Uint8Array> = [
  constant("0100000000000000000000000000000000000000000000000000000000000000"),
  constant("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
  constant("0000000000000000000000000000000000000000000000000000000000000000"),
  constant("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
  constant("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
]

/**
 * Whether public key and signature may be handed to a cofactorless verification: lengths 32 and 64, S < L, and A and R
 * canonically encoded (y < p) and not of small order.
 */
export const admissible = (publicKey: Uint8Array, signature: Uint8Array): boolean =>
  publicKey.length === 32 &&
  signature.length === 64 &&
  below(signature, 32, order, 0xff) &&
  isPlainPoint(publicKey, 0) &&
  isPlainPoint(signature, 0)

/** Whether 32 bytes are a canonical y with sign that is not of small order. Whether a point has this y is not decided here. */
export const isPlainPublicKey = (publicKey: Uint8Array): boolean =>
  publicKey.length === 32 && isPlainPoint(publicKey, 0)

const isPlainPoint = (bytes: Uint8Array, offset: number): boolean => {
  if (!below(bytes, offset, prime, 0x7f)) return false
  for (let i = 0; i < smallOrderY.length; i++) if (sameY(bytes, offset, smallOrderY[i]!)) return false
  return true
}

/** Whether the little-endian number at `offset`, its top byte masked, is below `bound`. Public values: may branch. */
const below = (bytes: Uint8Array, offset: number, bound: Uint8Array, topMask: number): boolean => {
  for (let i = 31; i >= 0; i--) {
    const byte = i === 31 ? bytes[offset + 31]! & topMask : bytes[offset + i]!
    if (byte !== bound[i]) return byte < bound[i]!
  }
  return false
}

const sameY = (bytes: Uint8Array, offset: number, y: Uint8Array): boolean => {
  if ((bytes[offset + 31]! & 0x7f) !== y[31]) return false
  for (let i = 0; i < 31; i++) if (bytes[offset + i] !== y[i]) return false
  return true
}
