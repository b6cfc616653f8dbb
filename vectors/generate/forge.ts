/**
 * Signatures that nobody's secret made and that solve the equation all the same: under a key of small order, or with an R of small
 * order. A verifier that computes right and does not look at the points takes them for genuine.
 *
 * Spec: docs/spec/01-suites.md §1.4, rules crypto.ed25519.5 and crypto.ed25519.6.
 */
import { concat, equal, fromLe, hex, le, utf8 } from "./bytes.ts"
import * as edwards from "./edwards.ts"
import type { Delta } from "./model.ts"
import * as prim from "./prim.ts"

/** k of rule crypto.ed25519.6. */
export const challenge = (r: Uint8Array, key: Uint8Array, msg: Uint8Array): bigint =>
  fromLe(prim.sha512(concat(r, key, msg))) % edwards.order

const times = (k: bigint, point: edwards.Point): edwards.Point => edwards.multiply(k % 8n, point)
const isNeutral = ({ x, y }: edwards.Point): boolean => x === 0n && y === 1n

/** Whether the cofactorless equation holds between points, read as leniently as can be: [S]B = R + [k]A. */
export const solves = (key: Uint8Array, msg: Uint8Array, sig: Uint8Array): boolean => {
  const [r, a] = [edwards.decode(sig.slice(0, 32)), edwards.decode(key)]
  if (r === undefined || a === undefined) return false
  const k = challenge(sig.slice(0, 32), key, msg)
  const left = edwards.multiply(fromLe(sig.slice(32)), edwards.base)
  // A may have a part of small order: k must not be reduced by the order of the base point alone.
  const right = edwards.add(r, edwards.multiply(k, a))
  return left.x === right.x && left.y === right.y
}

/** A signature under a key of small order: R = [r]B and S = r, for the first r for which [k]A vanishes. */
export const underSmallKey = (key: Uint8Array, msg: Uint8Array): Uint8Array => {
  const point = edwards.decode(key)
  if (point === undefined) throw new Error("the key is no point")
  for (let i = 0; ; i++) {
    const r = fromLe(prim.sha512(concat(utf8(`forged ${i}`), key))) % edwards.order
    const encoded = edwards.encode(edwards.multiply(r, edwards.base))
    if (!isNeutral(times(challenge(encoded, key, msg), point))) continue
    const sig = concat(encoded, le(r, 32))
    if (!solves(key, msg, sig)) throw new Error("the equation does not hold")
    return sig
  }
}

/** Small-order encodings that are canonical: one of each point, of orders 1, 2, 4, 4, 8, 8, 8, 8. */
export const smallPoints: ReadonlyArray<Uint8Array> = edwards.smallOrderEncodings.filter((bytes) => {
  const point = edwards.decode(bytes)
  return point !== undefined && equal(edwards.encode(point), bytes)
})

/** The change that makes bytes into others of the same length: everything from the first to the last that differ. */
export const overwrite = (at: string, before: Uint8Array, after: Uint8Array, field: string): Delta => {
  if (before.length !== after.length) throw new Error("not of one length")
  const differs = [...after.keys()].filter((i) => before[i] !== after[i])
  const [from, to] = [differs[0]!, differs.at(-1)!]
  return { at, op: "set", offset: from, bytes: hex(after.slice(from, to + 1)), field }
}

/** A signature whose R is the neutral point: S = k · a. Only who holds the secret can make it, for any message and with no randomness. */
export const withNeutralR = (seed: Uint8Array, msg: Uint8Array): Uint8Array => {
  const half = prim.sha512(seed).slice(0, 32)
  half[0] = half[0]! & 248
  half[31] = (half[31]! & 127) | 64
  const r = edwards.encode(edwards.identity)
  const key = prim.ed25519Public(seed)
  const sig = concat(r, le((challenge(r, key, msg) * fromLe(half)) % edwards.order, 32))
  if (!solves(key, msg, sig)) throw new Error("the equation does not hold")
  return sig
}
