/**
 * Recomputes one step of a derivation trace from its inputs.
 *
 * Spec: docs/spec/01-suites.md; the operations are listed in vectors/README.md and once more in vectors/verify.
 * Knows nothing of cases: references have been resolved before.
 */
import * as bytes from "./bytes.ts"
import * as canon from "./canon.ts"
import * as prim from "./prim.ts"

/** A step's inputs with every reference replaced by bytes. Numbers and texts stay as they are. */
export interface Inputs {
  readonly [name: string]: Input
}
export type Input = Uint8Array | number | string | ReadonlyArray<Input> | { readonly [name: string]: Input }

/** The 64-byte coin stream of conformance runs: HKDF-Expand-SHA512(seed, "kit-coin-v1" ‖ lp(actor) ‖ lp(label) ‖ be32(i)). */
export const coin = (seed: Uint8Array, actor: string, label: string, index: number, length: number): Uint8Array => {
  const lp = (text: string): Uint8Array => bytes.concat(bytes.be(bytes.utf8(text).length, 2), bytes.utf8(text))
  const info = bytes.concat(bytes.utf8("kit-coin-v1"), lp(actor), lp(label), bytes.be(index, 4))
  return must(prim.hkdfExpand("sha512", seed, info, length))
}

/** `L(purpose, …parts)`. */
export const label = (purpose: string, ...parts: ReadonlyArray<Uint8Array>): Uint8Array =>
  bytes.concat(bytes.utf8(`tacit/1 ${purpose}`), Uint8Array.of(0), ...parts)

/** Padded length for `length` bytes with the marker already counted. Rule padding.length.1. */
export const padme = (length: number): number => {
  if (length <= 64) return 64
  const e = Math.floor(Math.log2(length))
  const s = Math.floor(Math.log2(e)) + 1
  const unit = 2 ** (e - s)
  return Math.ceil(length / unit) * unit
}

export const pad = (content: Uint8Array): Uint8Array => {
  const out = new Uint8Array(padme(content.length + 1))
  out.set(content)
  out[content.length] = 0x80
  return out
}

/** Groups of five decimal digits, one of every five bytes, big-endian, modulo 100,000. Rule safety.digits.1. */
export const decimal = (data: Uint8Array): string =>
  Array.from({ length: Math.floor(data.length / 5) }, (_, k) =>
    (BigInt(`0x${bytes.hex(data.slice(5 * k, 5 * k + 5))}`) % 100_000n).toString().padStart(5, "0")
  ).join("")

const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error("the operation refused its input")
  return value
}

const flag = (ok: boolean): Uint8Array => Uint8Array.of(ok ? 1 : 0)

/** Turns the JSON form of a canonical value into the generator's. Text inputs are written `{ "text": … }`. */
const valueOf = (input: Input): canon.Value => {
  if (typeof input === "number" || input instanceof Uint8Array) return input
  if (Array.isArray(input)) return (input as ReadonlyArray<Input>).map(valueOf)
  const object = input as { readonly [name: string]: Input }
  if ("text" in object) return { text: object["text"] as string }
  if ("raw" in object) return { raw: object["raw"] as Uint8Array }
  const entries = object["map"] as ReadonlyArray<readonly [number, Input]>
  return { map: entries.map(([key, item]) => [key, valueOf(item)] as const) }
}

/** Output bytes, or `undefined` when the operation refuses the input. */
export const compute = (seed: Uint8Array, op: string, input: Inputs): Uint8Array | undefined => {
  const b = (name: string): Uint8Array => {
    const value = input[name]
    if (!(value instanceof Uint8Array)) throw new Error(`${op} needs bytes ${name}`)
    return value
  }
  const n = (name: string): number => {
    const value = input[name]
    if (typeof value !== "number") throw new Error(`${op} needs a number ${name}`)
    return value
  }
  const t = (name: string): string => {
    const value = input[name]
    if (typeof value !== "string") throw new Error(`${op} needs a text ${name}`)
    return value
  }
  const parts = (): ReadonlyArray<Uint8Array> => input["parts"] as ReadonlyArray<Uint8Array>
  const suite = (): prim.Suite => n("suite") as prim.Suite
  switch (op) {
    case "coin":
      return coin(seed, t("actor"), t("label"), n("index"), n("len"))
    case "literal":
      return b("bytes")
    case "utf8":
      return bytes.utf8(t("text"))
    case "be":
      return bytes.be(n("value"), n("len"))
    case "repeat":
      return bytes.concat(...Array.from({ length: n("count") }, () => b("bytes")))
    case "concat":
      return bytes.concat(...parts())
    case "slice":
      return b("bytes").slice(n("from"), n("to"))
    case "xor":
      return b("a").map((byte, i) => byte ^ b("b")[i]!)
    case "min":
      return bytes.compare(b("a"), b("b")) <= 0 ? b("a") : b("b")
    case "max":
      return bytes.compare(b("a"), b("b")) <= 0 ? b("b") : b("a")
    case "label":
      return label(t("purpose"), ...parts())
    case "canon":
      return canon.encode(valueOf(input["value"]!))
    case "pad":
      return pad(b("content"))
    case "sha256":
      return prim.sha256(b("data"))
    case "sha512":
      return prim.sha512(b("data"))
    case "iterate-sha256": {
      let data = b("data")
      for (let i = 0; i < n("count"); i++) data = prim.sha256(bytes.concat(b("head"), data, b("tail")))
      return data
    }
    case "decimal":
      return bytes.utf8(decimal(b("bytes")))
    case "hmac-sha256":
      return prim.hmac("sha256", b("key"), b("data"))
    case "hmac-iterate": {
      let key = b("key")
      for (let i = 0; i < n("count"); i++) key = prim.hmac("sha256", key, b("data"))
      return key
    }
    case "argon2id":
      return prim.argon2id(b("password"), b("salt"), n("memory"), n("passes"), n("lanes"), n("len"))
    case "hkdf-extract":
      return prim.hkdfExtract(b("salt"), b("ikm"))
    case "hkdf-expand":
      return prim.hkdfExpand("sha256", b("prk"), b("info"), n("len"))
    case "hkdf-sha256":
      return prim.hkdfExpand("sha256", prim.hkdfExtract(b("salt"), b("ikm")), b("info"), n("len"))
    case "x25519-public":
      return prim.x25519Public(b("k"))
    case "x25519":
      return prim.x25519(b("k"), b("u"))
    case "x25519-iterate": {
      let k = b("k")
      let u = b("u")
      for (let i = 0; i < n("count"); i++) [k, u] = [must(prim.x25519(k, u)), k]
      return k
    }
    case "elligator2":
      return prim.elligator2(b("field"))
    case "ed25519-public":
      return prim.ed25519Public(b("seed"))
    case "ed25519-sign":
      return prim.ed25519Sign(b("seed"), b("msg"))
    case "ed25519-verify":
      return prim.ed25519Verify(b("key"), b("msg"), b("sig")) ? flag(true) : undefined
    case "ml-kem-768-public":
      return prim.mlKemPublic(b("seed"))
    case "ml-kem-768-check":
      return prim.mlKemValid(b("ek")) ? flag(true) : undefined
    case "ml-kem-768-encaps":
      return prim.mlKemEncaps(b("ek"), b("coins"))
    case "ml-kem-768-decaps":
      return prim.mlKemDecaps(b("seed"), b("ct"))
    case "aead-seal":
      return prim.aeadSeal(suite(), b("key"), b("nonce"), b("ad"), b("plaintext"))
    case "aead-open":
      return prim.aeadOpen(suite(), b("key"), b("nonce"), b("ad"), b("sealed"))
    case "aes-cbc-encrypt":
      return prim.aesCbcEncrypt(b("key"), b("iv"), b("plaintext"))
    case "aes-cbc-decrypt":
      return prim.aesCbcDecrypt(b("key"), b("iv"), b("ciphertext"))
    default:
      throw new Error(`no operation ${op}`)
  }
}
