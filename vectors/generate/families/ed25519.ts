/**
 * F01: Ed25519 under strict verification, with the cofactor question answered.
 *
 * Spec: docs/spec/01-suites.md §1.4. Known answers: RFC 8032 section 7.1.
 */
import { concat, fromLe, hex, le, unhex } from "../bytes.ts"
import * as edwards from "../edwards.ts"
import { smallPoints, solves, underSmallKey } from "../forge.ts"
import type { Delta, VectorFile } from "../model.ts"
import * as prim from "../prim.ts"
import { ascii, counting, PrimitiveFile, random } from "./primitive.ts"

const sign = ["crypto.ed25519.1"]
const length = ["crypto.ed25519.2"]
const scalarBound = ["crypto.ed25519.3"]
const canonical = ["crypto.ed25519.4"]
const smallOrder = ["crypto.ed25519.5"]
const equation = ["crypto.ed25519.6"]
const onCurve = ["crypto.ed25519.7"]

const challenge = (...parts: ReadonlyArray<Uint8Array>): bigint => fromLe(prim.sha512(concat(...parts))) % edwards.order

/** An honest key pair with its parts in the open. */
const keyOf = (seed: Uint8Array): { readonly scalar: bigint; readonly point: edwards.Point } => {
  const half = prim.sha512(seed).slice(0, 32)
  half[0] = half[0]! & 248
  half[31] = (half[31]! & 127) | 64
  const scalar = fromLe(half)
  return { scalar, point: edwards.multiply(scalar % edwards.order, edwards.base) }
}

export const ed25519 = (): VectorFile => {
  const file = new PrimitiveFile("ed25519")
  const rfc = (n: number, seed: string, key: string, msg: string, sig: string): void => {
    file.known(
      `ed25519-rfc8032-${n}-public`,
      `RFC 8032 §7.1 test ${n}, public key`,
      sign,
      "ed25519-public",
      { seed },
      key
    )
    file.known(
      `ed25519-rfc8032-${n}-sign`,
      `RFC 8032 §7.1 test ${n}, signature`,
      sign,
      "ed25519-sign",
      { seed, msg },
      sig
    )
    file.known(
      `ed25519-rfc8032-${n}-verify`,
      `RFC 8032 §7.1 test ${n}, verification`,
      equation,
      "ed25519-verify",
      { key, msg, sig },
      "01"
    )
  }
  rfc(
    1,
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
  )
  rfc(
    2,
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
  )
  rfc(
    3,
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
  )
  const seedOf = (i: number): Uint8Array => unhex(random("ed25519.seed", i, 32))
  for (const [i, length] of [0, 1, 31, 32, 63, 64, 65, 127, 128, 1023].entries()) {
    const seed = seedOf(i)
    const msg = counting(length)
    file.computed(`ed25519-public-${i}`, "a public key", sign, "ed25519-public", { seed: hex(seed) })
    file.computed(`ed25519-sign-length-${length}`, `a message of ${length} bytes`, sign, "ed25519-sign", {
      seed: hex(seed),
      msg
    })
    file.computed(`ed25519-verify-length-${length}`, `a message of ${length} bytes`, equation, "ed25519-verify", {
      key: hex(prim.ed25519Public(seed)),
      msg,
      sig: hex(prim.ed25519Sign(seed, unhex(msg)))
    })
  }
  modified(file, seedOf(0))
  torsion(file, seedOf(0))
  forged(file, seedOf(0))
  return file.file()
}

/** Everything that goes wrong with one genuine signature. */
const modified = (file: PrimitiveFile, seed: Uint8Array): void => {
  const { scalar } = keyOf(seed)
  const key = prim.ed25519Public(seed)
  const msg = unhex(ascii("signed by nobody else"))
  const sig = prim.ed25519Sign(seed, msg)
  const twin = "ed25519-genuine"
  file.computed(twin, "a genuine signature, the twin of the refused ones", equation, "ed25519-verify", {
    key: hex(key),
    msg: hex(msg),
    sig: hex(sig)
  })
  const refuse = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flag: string | ReadonlyArray<string>,
    delta: Delta
  ): void =>
    file.refusedCall(
      `ed25519-${id}`,
      title,
      clauses,
      typeof flag === "string" ? [flag] : flag,
      twin,
      delta,
      "auth.signature"
    )
  for (const offset of [0, 1, 15, 30, 31, 32, 33, 47, 62])
    refuse(`sig-byte-${offset}`, "one bit of the signature", equation, "Modified", {
      at: "in/sig",
      op: "xor",
      offset,
      bytes: "01"
    })
  for (const offset of [0, 7, 16, 31])
    refuse(`key-byte-${offset}`, "one bit of the key", equation, "Modified", {
      at: "in/key",
      op: "xor",
      offset,
      bytes: "01"
    })
  refuse("key-sign-bit", "the sign bit of the key", equation, "Modified", {
    at: "in/key",
    op: "xor",
    offset: 31,
    bytes: "80"
  })
  refuse("sig-sign-bit", "the sign bit of R", equation, "Modified", {
    at: "in/sig",
    op: "xor",
    offset: 31,
    bytes: "80"
  })
  for (const offset of [0, 10, 20])
    refuse(`msg-byte-${offset}`, "one bit of the message", equation, "Modified", {
      at: "in/msg",
      op: "xor",
      offset,
      bytes: "01"
    })
  refuse("msg-extended", "a byte more of message", equation, "Modified", {
    at: "in/msg",
    op: "insert",
    offset: msg.length,
    bytes: "00"
  })
  refuse("msg-cut", "a byte less of message", equation, "Modified", {
    at: "in/msg",
    op: "cut",
    offset: msg.length - 1,
    length: 1
  })
  for (const [name, at, delta] of [
    ["sig-short", "in/sig", { op: "cut", offset: 63, length: 1 }],
    ["sig-long", "in/sig", { op: "insert", offset: 64, bytes: "00" }],
    ["sig-empty", "in/sig", { op: "cut", offset: 0, length: 64 }],
    ["sig-half", "in/sig", { op: "cut", offset: 32, length: 32 }],
    ["key-short", "in/key", { op: "cut", offset: 31, length: 1 }],
    ["key-long", "in/key", { op: "insert", offset: 32, bytes: "00" }],
    ["key-empty", "in/key", { op: "cut", offset: 0, length: 32 }]
  ] as const)
    refuse(name, "a wrong length", length, "Modified", { at, ...delta })
  refuse("sig-halves-swapped", "R and S swapped", equation, "Modified", {
    at: "in/sig",
    op: "swap",
    a: [0, 32],
    b: [32, 32]
  })
  const s = fromLe(sig.subarray(32))
  for (const times of [1n, 2n, 4n, 8n]) {
    refuse(`s-plus-${times}-order`, `S + ${times}·L, which solves the same equation`, scalarBound, "LargeS", {
      at: "in/sig",
      op: "set",
      offset: 32,
      bytes: hex(le(s + times * edwards.order, 32))
    })
  }
  for (const [name, value] of [
    ["order", edwards.order],
    ["order-plus-1", edwards.order + 1n],
    ["2-253", 2n ** 253n],
    ["2-255", 2n ** 255n],
    ["all-ones", 2n ** 256n - 1n]
  ] as const) {
    refuse(`s-${name}`, "S not below L", scalarBound, "LargeS", {
      at: "in/sig",
      op: "set",
      offset: 32,
      bytes: hex(le(value, 32))
    })
  }
  for (const [i, small] of edwards.smallOrderEncodings.entries()) {
    const point = edwards.decode(small)
    const flags =
      point !== undefined && hex(edwards.encode(point)) === hex(small) ? ["SmallOrder"] : ["SmallOrder", "NonCanonical"]
    const name = String(i).padStart(2, "0")
    refuse(`key-small-${name}`, "a key of small order", smallOrder, flags, {
      at: "in/key",
      op: "assign",
      value: hex(small)
    })
    const k = challenge(small, key, msg)
    refuse(`r-small-${name}`, "R of small order, and an S that solves the cofactored equation", smallOrder, flags, {
      at: "in/sig",
      op: "assign",
      value: hex(concat(small, le((k * scalar) % edwards.order, 32)))
    })
  }
  for (let y = 2n; y < 19n; y++) {
    if (edwards.lift(y, false) === undefined) continue
    const bytes = hex(edwards.encodeRaw(y + edwards.p, false))
    refuse(`key-noncanonical-${y}`, "a key whose y is written at or above p", canonical, "NonCanonical", {
      at: "in/key",
      op: "assign",
      value: bytes
    })
    refuse(`r-noncanonical-${y}`, "an R whose y is written at or above p", canonical, "NonCanonical", {
      at: "in/sig",
      op: "set",
      offset: 0,
      bytes
    })
  }
  let absent = 2n
  while (edwards.lift(absent, false) !== undefined) absent++
  refuse("key-not-on-curve", "a key that is not a point", onCurve, "Modified", {
    at: "in/key",
    op: "assign",
    value: hex(edwards.encodeRaw(absent, false))
  })
  refuse("r-not-on-curve", "an R that is not a point", onCurve, "Modified", {
    at: "in/sig",
    op: "set",
    offset: 0,
    bytes: hex(edwards.encodeRaw(absent, false))
  })
}

/** Keys and nonces with a part of small order: allowed, and only the cofactorless equation decides. */
const torsion = (file: PrimitiveFile, seed: Uint8Array): void => {
  const { point, scalar } = keyOf(seed)
  for (const part of [1, 2, 4]) {
    const key = edwards.encode(edwards.add(point, edwards.torsion[part]!))
    /** A signature whose R carries `t` eighths of torsion, and whether R = [S]B − [k]A holds. */
    const attempt = (msg: Uint8Array, t: number): { readonly sig: Uint8Array; readonly holds: boolean } => {
      const r = challenge(seed, msg)
      const encoded = edwards.encode(edwards.add(edwards.multiply(r, edwards.base), edwards.torsion[t]!))
      const k = challenge(encoded, key, msg)
      return {
        sig: concat(encoded, le((r + k * scalar) % edwards.order, 32)),
        holds: (BigInt(t) + k * BigInt(part)) % 8n === 0n
      }
    }
    const message = (i: number): Uint8Array => unhex(random(`ed25519.mixed.${part}`, i, 16))
    const id = `ed25519-mixed-${8 / part}`
    let i = 0
    while (!attempt(message(i), 0).holds) i++
    file.computed(
      `${id}-balanced`,
      `a key with a part of order ${8 / part}, and a signature for which that part vanishes`,
      equation,
      "ed25519-verify",
      { key: hex(key), msg: hex(message(i)), sig: hex(attempt(message(i), 0).sig) },
      ["Cofactor"]
    )
    const balancing = (msg: Uint8Array): Uint8Array | undefined =>
      [1, 2, 3, 4, 5, 6, 7].map((t) => attempt(msg, t)).find((made) => made.holds)?.sig
    for (i = 0; attempt(message(i), 0).holds || balancing(message(i)) === undefined;) i++
    const msg = message(i)
    file.computed(
      `${id}-mixed-r`,
      "R has a part of small order as well, which balances the key's",
      equation,
      "ed25519-verify",
      { key: hex(key), msg: hex(msg), sig: hex(balancing(msg)!) },
      ["Cofactor"]
    )
    file.refusedCall(
      `${id}-unbalanced`,
      "R has none, so only a verifier that multiplies by the cofactor accepts",
      equation,
      ["Cofactor"],
      `${id}-mixed-r`,
      { at: "in/sig", op: "assign", value: hex(attempt(msg, 0).sig) },
      "auth.signature"
    )
  }
}

/** Signatures that solve the equation, with a key or an R of small order: whoever does not look at the points accepts them. */
const forged = (file: PrimitiveFile, seed: Uint8Array): void => {
  const genuine = "ed25519-genuine"
  const msg = file.bytesAt(file.case(genuine), "in/msg")
  const flags = (encoded: Uint8Array): ReadonlyArray<string> =>
    smallPoints.includes(encoded) ? ["SmallOrder", "Solved"] : ["SmallOrder", "NonCanonical"]
  const { point, scalar } = keyOf(seed)
  const key = edwards.encode(edwards.add(point, edwards.torsion[1]!))
  /** A signature under the mixed key whose R is `encoded`, read as the multiple `t` of the point of order 8. */
  const withR = (encoded: Uint8Array, t: number, extra: bigint, about: Uint8Array): Uint8Array | undefined => {
    const k = challenge(encoded, key, about)
    const sig = concat(encoded, le((extra + k * scalar) % edwards.order, 32))
    return (BigInt(t) + k) % 8n === 0n ? sig : undefined
  }
  /** A signature that verifies, of a message: R with whatever part of small order balances the key's. */
  const honest = (about: Uint8Array): Uint8Array | undefined => {
    const r = challenge(seed, about)
    for (let t = 0; t < 8; t++) {
      const encoded = edwards.encode(edwards.add(edwards.multiply(r, edwards.base), edwards.torsion[t]!))
      const sig = withR(encoded, t, r, about)
      if (sig !== undefined) return sig
    }
    return undefined
  }
  for (const [i, small] of edwards.smallOrderEncodings.entries()) {
    const name = String(i).padStart(2, "0")
    file.refusedCall(
      `ed25519-key-solved-${name}`,
      "a key of small order, and a signature that solves the equation with it",
      smallOrder,
      flags(small),
      genuine,
      { at: "in", op: "assign", value: { key: hex(small), msg: hex(msg), sig: hex(underSmallKey(small, msg)) } },
      "auth.signature"
    )
    const read = edwards.decode(small)!
    const t = edwards.torsion.findIndex(({ x, y }) => x === read.x && y === read.y)
    const message = (n: number): Uint8Array => unhex(random(`ed25519.small-r.${name}`, n, 16))
    let n = 0
    while (withR(small, t, 0n, message(n)) === undefined || honest(message(n)) === undefined) n++
    const twin = `ed25519-r-solved-${name}-twin`
    const sig = withR(small, t, 0n, message(n))!
    if (!solves(key, message(n), sig)) throw new Error(`${name}: the equation does not hold`)
    file.computed(
      twin,
      "a signature under a key with a part of order 8, the twin of one whose R is of small order",
      equation,
      "ed25519-verify",
      { key: hex(key), msg: hex(message(n)), sig: hex(honest(message(n))!) },
      ["Cofactor"]
    )
    file.refusedCall(
      `ed25519-r-solved-${name}`,
      "R of small order, and a signature that solves the equation with it",
      smallOrder,
      flags(small),
      twin,
      { at: "in/sig", op: "assign", value: hex(sig) },
      "auth.signature"
    )
  }
}
