/**
 * F01: X25519, with every coordinate an attacker likes.
 *
 * Spec: docs/spec/01-suites.md §1.3. Known answers: RFC 7748 section 5.2.
 */
import { hex, le, unhex } from "../bytes.ts"
import * as edwards from "../edwards.ts"
import type { VectorFile } from "../model.ts"
import * as prim from "../prim.ts"
import { flip, PrimitiveFile, random } from "./primitive.ts"

const nine = `09${"00".repeat(31)}`
const encodeU = (value: bigint): string => hex(le(value, 32))

const smallName = (value: bigint): string => {
  if (value < 2n) return String(value)
  if (value === edwards.p - 1n) return "p-minus-1"
  if (value >= edwards.p) return `p-plus-${value - edwards.p}`
  return `order-8-${encodeU(value).slice(0, 4)}`
}

export const x25519 = (): VectorFile => {
  const file = new PrimitiveFile("x25519")
  const clauses = ["crypto.x25519.1"]
  const reduced = ["crypto.x25519.2"]
  const zero = ["crypto.x25519.3"]
  const length = ["crypto.x25519.4"]
  file.known(
    "x25519-rfc7748-1",
    "RFC 7748 §5.2, first",
    clauses,
    "x25519",
    {
      k: "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
      u: "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"
    },
    "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
  )
  file.known(
    "x25519-rfc7748-2",
    "RFC 7748 §5.2, second",
    clauses,
    "x25519",
    {
      k: "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
      u: "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"
    },
    "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"
  )
  file.known(
    "x25519-rfc7748-iterate-1",
    "RFC 7748 §5.2, one iteration",
    clauses,
    "x25519-iterate",
    { k: nine, u: nine, count: 1 },
    "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
  )
  file.known(
    "x25519-rfc7748-iterate-1000",
    "RFC 7748 §5.2, 1,000 iterations",
    clauses,
    "x25519-iterate",
    { k: nine, u: nine, count: 1000 },
    "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"
  )
  const secret = (i: number): string => random("x25519.secret", i, 32)
  const publicOf = (i: number): string => hex(prim.x25519Public(unhex(secret(i))))
  for (let i = 0; i < 12; i++) {
    file.computed(`x25519-public-${i}`, "a public key", clauses, "x25519-public", { k: secret(i) })
    file.computed(`x25519-agree-${i}`, "an agreement", clauses, "x25519", { k: secret(i), u: publicOf(i + 1) })
  }
  for (const [name, offset, mask] of [
    ["bit-0", 0, 1],
    ["bit-1", 0, 2],
    ["bit-2", 0, 4],
    ["bit-254", 31, 0x40],
    ["bit-255", 31, 0x80]
  ] as const) {
    file.computed(
      `x25519-clamp-${name}`,
      "a bit of the secret that clamping fixes is flipped: the same result",
      clauses,
      "x25519",
      { k: flip(secret(0), offset, mask), u: publicOf(1) }
    )
  }
  const interesting: ReadonlyArray<readonly [string, bigint]> = [
    ["2", 2n],
    ["3", 3n],
    ["4", 4n],
    ["16", 16n],
    ["2-252", 2n ** 252n],
    ["2-254", 2n ** 254n],
    ["p-minus-2", edwards.p - 2n],
    ["p-minus-3", edwards.p - 3n],
    ["p-plus-2", edwards.p + 2n],
    ["p-plus-3", edwards.p + 3n],
    ["p-plus-9", edwards.p + 9n],
    ["p-plus-17", edwards.p + 17n],
    ["2-255-minus-1", 2n ** 255n - 1n]
  ]
  for (const [name, value] of interesting) {
    file.computed(
      `x25519-u-${name}`,
      "an unusual coordinate, reduced as the RFC asks",
      reduced,
      "x25519",
      { k: secret(0), u: encodeU(value) },
      value >= edwards.p ? ["NonCanonical"] : []
    )
    file.computed(
      `x25519-u-${name}-high`,
      "the same with the unused top bit set",
      reduced,
      "x25519",
      { k: secret(0), u: flip(encodeU(value), 31, 0x80) },
      ["NonCanonical"]
    )
  }
  for (const scalar of [0, 1]) {
    const twin = `x25519-base-${scalar}`
    file.computed(twin, "the base point", clauses, "x25519", { k: secret(scalar), u: nine })
    for (const value of edwards.smallOrderU) {
      for (const high of [false, true]) {
        const flags = value >= edwards.p || high ? ["SmallOrder", "NonCanonical"] : ["SmallOrder"]
        const id = `x25519-small-${scalar}-${smallName(value)}${high ? "-high" : ""}`
        file.refusedCall(
          id,
          "a point of small order gives zero",
          zero,
          flags,
          twin,
          { at: "in/u", op: "assign", value: high ? flip(encodeU(value), 31, 0x80) : encodeU(value) },
          "auth.low-order"
        )
      }
    }
  }
  for (const [name, delta] of [
    ["short", { op: "cut", offset: 31, length: 1 }],
    ["long", { op: "insert", offset: 32, bytes: "00" }],
    ["empty", { op: "cut", offset: 0, length: 32 }]
  ] as const) {
    file.refusedCall(
      `x25519-length-${name}`,
      "a public key that is not 32 bytes",
      length,
      ["Modified"],
      "x25519-base-0",
      { at: "in/u", ...delta },
      "auth.low-order",
      false
    )
  }
  return file.file()
}
