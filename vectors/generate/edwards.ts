/**
 * Curve25519 in plain integers, for making the odd points that the primitive vectors need.
 *
 * Spec: docs/spec/01-suites.md §1.3, §1.4; RFC 7748, RFC 8032.
 * Slow and not constant time: it only ever sees published values.
 */
import { fromLe, le } from "./bytes.ts"

/** Field prime 2²⁵⁵ − 19. */
export const p = 2n ** 255n - 19n
/** Order of the base point. */
export const order = 2n ** 252n + 27742317777372353535851937790883648493n

const mod = (a: bigint, m = p): bigint => ((a % m) + m) % m
const power = (base: bigint, exponent: bigint): bigint => {
  let out = 1n
  let square = mod(base)
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) out = (out * square) % p
    square = (square * square) % p
  }
  return out
}
/** By Euclid; 0 for 0. */
const inverse = (a: bigint): bigint => {
  let [low, high] = [mod(a), p]
  let [x, y] = [1n, 0n]
  while (low > 1n) {
    const quotient = high / low
    ;[low, high] = [high - quotient * low, low]
    ;[x, y] = [y - quotient * x, x]
  }
  return low === 0n ? 0n : mod(x)
}
const d = mod(-121665n * inverse(121666n))
const rootOfMinusOne = power(2n, (p - 1n) / 4n)

/** Affine point of the twisted Edwards curve. */
export interface Point {
  readonly x: bigint
  readonly y: bigint
}

export const identity: Point = { x: 0n, y: 1n }

export const add = (a: Point, b: Point): Point => {
  const product = mod(d * a.x * b.x * a.y * b.y)
  return {
    x: mod((a.x * b.y + a.y * b.x) * inverse(1n + product)),
    y: mod((a.y * b.y + a.x * b.x) * inverse(1n - product))
  }
}

/** Extended coordinates: x = X/Z, y = Y/Z, T = XY/Z. */
type Extended = readonly [x: bigint, y: bigint, z: bigint, t: bigint]

/** The complete addition of RFC 8032, section 5.1.4: no inversion. */
const addExtended = ([x1, y1, z1, t1]: Extended, [x2, y2, z2, t2]: Extended): Extended => {
  const a = ((y1 - x1) * (y2 - x2)) % p
  const b = ((y1 + x1) * (y2 + x2)) % p
  const c = (((2n * t1 * t2) % p) * d) % p
  const e = (2n * z1 * z2) % p
  const [f, g, h, i] = [b - a, e - c, e + c, b + a]
  return [(f * g) % p, (h * i) % p, (g * h) % p, (f * i) % p]
}

export const multiply = (scalar: bigint, { x, y }: Point): Point => {
  let out: Extended = [0n, 1n, 1n, 0n]
  let double: Extended = [x, y, 1n, mod(x * y)]
  for (let s = scalar; s > 0n; s >>= 1n) {
    if (s & 1n) out = addExtended(out, double)
    double = addExtended(double, double)
  }
  const over = inverse(out[2])
  return { x: mod(out[0] * over), y: mod(out[1] * over) }
}

/** Point with this y and this parity of x, if y is on the curve. */
export const lift = (y: bigint, odd: boolean): Point | undefined => {
  const square = mod((y * y - 1n) * inverse(d * y * y + 1n))
  let x = power(square, (p + 3n) / 8n)
  if (mod(x * x - square) !== 0n) x = mod(x * rootOfMinusOne)
  if (mod(x * x - square) !== 0n) return undefined
  if ((x & 1n) !== (odd ? 1n : 0n)) x = mod(-x)
  return { x, y: mod(y) }
}

/** 32-byte encoding of RFC 8032. */
export const encode = (point: Point): Uint8Array => encodeRaw(point.y, (point.x & 1n) === 1n)

/** Encoding of any y below 2²⁵⁵ with any sign bit, also when it is not canonical. */
export const encodeRaw = (y: bigint, sign: boolean): Uint8Array => {
  const out = le(y, 32)
  if (sign) out[31] = out[31]! | 0x80
  return out
}

/** Reads an encoding leniently: y is reduced. */
export const decode = (bytes: Uint8Array): Point | undefined => {
  const copy = Uint8Array.from(bytes)
  copy[31] = copy[31]! & 0x7f
  return lift(mod(fromLe(copy)), bytes[31]! >= 0x80)
}

export const base: Point = lift(mod(4n * inverse(5n)), false)!

/** The eight points whose order divides the cofactor, by multiples of one of order 8. */
export const torsion: ReadonlyArray<Point> = (() => {
  for (let y = 2n; ; y++) {
    const point = lift(y, false)
    if (point === undefined) continue
    const small = multiply(order, point)
    const fourth = multiply(4n, small)
    if (fourth.y === 1n && fourth.x === 0n) continue
    return Array.from({ length: 8 }, (_, i) => multiply(BigInt(i), small))
  }
})()

/** Every 32-byte string that decodes to a small-order point, canonical or not, with either sign bit. */
export const smallOrderEncodings: ReadonlyArray<Uint8Array> = (() => {
  const ys = new Set(torsion.map((point) => point.y))
  const out: Array<Uint8Array> = []
  for (const y of [...ys].sort((a, b) => (a < b ? -1 : 1))) {
    for (const raw of y + p < 2n ** 255n ? [y, y + p] : [y]) {
      for (const sign of [false, true]) out.push(encodeRaw(raw, sign))
    }
  }
  return out
})()

/** u coordinates of the small-order points of the Montgomery curve and of its twist, below 2²⁵⁵. */
export const smallOrderU: ReadonlyArray<bigint> = (() => {
  const us = new Set<bigint>([0n, 1n, p - 1n])
  for (const point of torsion) if (point.y !== 1n) us.add(mod((1n + point.y) * inverse(1n - point.y)))
  const all = [...us].sort((a, b) => (a < b ? -1 : 1))
  return [...all, ...all.map((u) => u + p).filter((u) => u < 2n ** 255n)]
})()

/** Coefficient A of the Montgomery curve v² = u³ + A·u² + u. */
const a = 486662n

/** u coordinate that Elligator 2 gives for a field element, by the definition of RFC 9380 with Z = 2: of −A / (1 + 2r²) and its counterpart the one on the curve. */
export const elligator2 = (r: bigint): bigint => {
  const one = mod(-a * inverse(1n + 2n * r * r))
  const right = (u: bigint): bigint => mod(u * (u * u + a * u + 1n))
  const isSquare = (value: bigint): boolean => value === 0n || power(value, (p - 1n) / 2n) === 1n
  const other = mod(-a - one)
  if (isSquare(right(one))) return one
  if (!isSquare(right(other))) throw new Error("neither coordinate is on the curve")
  return other
}
