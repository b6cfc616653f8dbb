/**
 * Recomputes one step of a derivation from its inputs, with a crypto provider of the SDK.
 *
 * Spec: vectors/README.md (derivation traces); docs/spec/01-suites.md.
 * A reading of its own beside the generator's and the second verifier's. Runs in browsers.
 */
import { type CryptoProvider, Elligator2 } from "@tacit/core/hazmat"
import { isObject, unhex } from "./Model.ts"

type Inputs = { readonly [name: string]: unknown }

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const be = (value: number | bigint, width: number): Uint8Array => {
  const out = new Uint8Array(width)
  let rest = BigInt(value)
  for (let i = width - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  if (rest !== 0n) throw new Error("does not fit")
  return out
}

const compare = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/** HMAC-SHA-512 (RFC 2104): the provider has the hash only. */
const hmacSha512 = (crypto: CryptoProvider, key: Uint8Array, data: Uint8Array): Uint8Array => {
  const block = new Uint8Array(128)
  block.set(key.length > 128 ? crypto.sha512(key) : key)
  const inner = crypto.sha512(
    concat(
      block.map((byte) => byte ^ 0x36),
      data
    )
  )
  return crypto.sha512(
    concat(
      block.map((byte) => byte ^ 0x5c),
      inner
    )
  )
}

/** Rule subject.coins.1: HKDF-Expand-SHA512(seed, "kit-coin-v1" ‖ lp(actor) ‖ lp(label) ‖ BE32(i), length). */
export const coin = (
  crypto: CryptoProvider,
  seed: Uint8Array,
  actor: string,
  label: string,
  index: number,
  length: number
): Uint8Array => {
  const lp = (text: string): Uint8Array => concat(be(utf8(text).length, 2), utf8(text))
  const info = concat(utf8("kit-coin-v1"), lp(actor), lp(label), be(index, 4))
  const blocks: Array<Uint8Array> = []
  for (let i = 1; (i - 1) * 64 < length; i++)
    blocks.push(hmacSha512(crypto, seed, concat(blocks.at(-1) ?? new Uint8Array(0), info, Uint8Array.of(i))))
  return concat(...blocks).slice(0, length)
}

/** Rules padding.layout.1 and padding.length.1. */
const pad = (content: Uint8Array): Uint8Array => {
  const least = content.length + 1
  const e = Math.floor(Math.log2(least))
  const unit = 2 ** (e - Math.floor(Math.log2(e)) - 1)
  const out = new Uint8Array(least <= 64 ? 64 : Math.ceil(least / unit) * unit)
  out.set(content)
  out[content.length] = 0x80
  return out
}

/** Head of an item: the first of `forms` that holds `n`. */
const head = (n: number, forms: ReadonlyArray<readonly [limit: number, first: number, width: number]>): Uint8Array => {
  for (const [limit, first, width] of forms)
    if (n <= limit) return width === 0 ? Uint8Array.of(first + n) : concat(Uint8Array.of(first), be(n, width))
  throw new Error("too long for the encoding")
}

const k8 = 0xff
const k16 = 0xffff
const k32 = 0xffff_ffff

/** Canonical encoding (section 2.2) of a value whose hex strings are bytes. */
export const canon = (value: unknown): Uint8Array => {
  if (typeof value === "number")
    return head(value, [
      [0x7f, 0, 0],
      [k8, 0xcc, 1],
      [k16, 0xcd, 2],
      [k32, 0xce, 4],
      [Number.MAX_SAFE_INTEGER, 0xcf, 8]
    ])
  if (typeof value === "string") {
    const bytes = unhex(value)
    return concat(
      head(bytes.length, [
        [k8, 0xc4, 1],
        [k16, 0xc5, 2],
        [k32, 0xc6, 4]
      ]),
      bytes
    )
  }
  if (Array.isArray(value))
    return concat(
      head(value.length, [
        [0x0f, 0x90, 0],
        [k16, 0xdc, 2]
      ]),
      ...value.map(canon)
    )
  if (!isObject(value)) throw new Error("not a value of the encoding")
  const { map, raw, text } = value
  if (typeof raw === "string") return unhex(raw)
  if (typeof text === "string") {
    const bytes = utf8(text)
    return concat(
      head(bytes.length, [
        [0x1f, 0xa0, 0],
        [k8, 0xd9, 1],
        [k16, 0xda, 2],
        [k32, 0xdb, 4]
      ]),
      bytes
    )
  }
  const entries = map as ReadonlyArray<readonly [unknown, unknown]>
  return concat(
    head(entries.length, [
      [0x0f, 0x80, 0],
      [k16, 0xde, 2]
    ]),
    ...entries.flatMap(([key, item]) => [canon(key), canon(item)])
  )
}

type Aead = "Seal" | "Open"
type Sealing = (key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, input: Uint8Array) => Uint8Array | undefined

/** Section 1.3: AES-256-CBC, then HMAC-SHA-256 over AD ‖ IV ‖ ciphertext ‖ length of the AD in bits. */
const cbcHmac = (crypto: CryptoProvider, way: Aead): Sealing => {
  const tag = (key: Uint8Array, iv: Uint8Array, ad: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
    crypto.hmacSha256(key.slice(32), concat(ad, iv, ciphertext, be(ad.length * 8, 8)))
  if (way === "Seal")
    return (key, iv, ad, plaintext) => {
      const ciphertext = crypto.aesCbcEncrypt(key.slice(0, 32), iv, plaintext)
      return concat(ciphertext, tag(key, iv, ad, ciphertext))
    }
  return (key, iv, ad, sealed) => {
    if (sealed.length < 32) return undefined
    const ciphertext = sealed.slice(0, -32)
    return compare(tag(key, iv, ad, ciphertext), sealed.slice(-32)) === 0
      ? crypto.aesCbcDecrypt(key.slice(0, 32), iv, ciphertext)
      : undefined
  }
}

const sealing = (crypto: CryptoProvider, suite: number, way: Aead): Sealing => {
  if (suite === 1) return crypto[`chacha${way}`]
  if (suite === 2) return crypto[`aesGcm${way}`]
  if (suite === 3) return cbcHmac(crypto, way)
  throw new Error(`no suite ${suite}`)
}

/**
 * The output of an operation, or `undefined` when it refuses its input. `input` holds no references any more: bytes are hex. Throws
 * for an unknown operation or a missing input.
 */
export const compute = (
  crypto: CryptoProvider,
  seed: Uint8Array,
  op: string,
  input: Inputs
): Uint8Array | undefined => {
  const text = (name: string): string => {
    const value = input[name]
    if (typeof value !== "string") throw new Error(`${op} needs ${name}`)
    return value
  }
  const b = (name: string): Uint8Array => unhex(text(name))
  const n = (name: string): number => {
    const value = input[name]
    if (typeof value !== "number") throw new Error(`${op} needs a number ${name}`)
    return value
  }
  const parts = (): ReadonlyArray<Uint8Array> => (input["parts"] as ReadonlyArray<string>).map(unhex)
  const flag = (ok: boolean): Uint8Array | undefined => (ok ? Uint8Array.of(1) : undefined)
  switch (op) {
    case "coin":
      return coin(crypto, seed, text("actor"), text("label"), n("index"), n("len"))
    case "literal":
      return b("bytes")
    case "utf8":
      return utf8(text("text"))
    case "be":
      return be(n("value"), n("len"))
    case "repeat":
      return concat(...Array.from({ length: n("count") }, () => b("bytes")))
    case "concat":
      return concat(...parts())
    case "slice":
      return b("bytes").slice(n("from"), n("to"))
    case "xor": {
      const other = b("b")
      return b("a").map((byte, i) => byte ^ other[i]!)
    }
    case "min":
      return compare(b("a"), b("b")) <= 0 ? b("a") : b("b")
    case "max":
      return compare(b("a"), b("b")) <= 0 ? b("b") : b("a")
    case "label":
      // Rule crypto.label.2: protocol and version, a space, the purpose, a zero byte.
      return concat(utf8("tacit/1"), Uint8Array.of(0x20), utf8(text("purpose")), Uint8Array.of(0), ...parts())
    case "canon":
      return canon(input["value"])
    case "pad":
      return pad(b("content"))
    case "decimal": {
      const data = b("bytes")
      let out = ""
      for (let at = 0; at + 5 <= data.length; at += 5) {
        const value = data.slice(at, at + 5).reduce((sum, byte) => sum * 256 + byte, 0)
        out += String(value % 100_000).padStart(5, "0")
      }
      return utf8(out)
    }
    case "sha256":
      return crypto.sha256(b("data"))
    case "sha512":
      return crypto.sha512(b("data"))
    case "iterate-sha256": {
      let data = b("data")
      for (let i = 0; i < n("count"); i++) data = crypto.sha256(concat(b("head"), data, b("tail")))
      return data
    }
    case "hmac-sha256":
      return crypto.hmacSha256(b("key"), b("data"))
    case "hmac-iterate": {
      let key = b("key")
      for (let i = 0; i < n("count"); i++) key = crypto.hmacSha256(key, b("data"))
      return key
    }
    case "argon2id": {
      const cost = { memoryKiB: n("memory"), passes: n("passes"), lanes: n("lanes") }
      return crypto.argon2id(b("password"), b("salt"), cost, n("len"))
    }
    case "hkdf-extract":
      return crypto.hkdfExtract(b("ikm"), b("salt"))
    case "hkdf-expand":
      return n("len") < 1 || n("len") > 8160 ? undefined : crypto.hkdfExpand(b("prk"), b("info"), n("len"))
    case "hkdf-sha256":
      return n("len") < 1 || n("len") > 8160 ? undefined : crypto.hkdfSha256(b("ikm"), b("salt"), b("info"), n("len"))
    case "elligator2":
      return Elligator2.map(b("field"))
    case "x25519-public":
      return crypto.x25519PublicKey(b("k"))
    case "x25519":
      return crypto.x25519(b("k"), b("u"))
    case "x25519-iterate": {
      let [k, u] = [b("k"), b("u")]
      for (let i = 0; i < n("count"); i++) {
        const next = crypto.x25519(k, u)
        if (next === undefined) return undefined
        ;[k, u] = [next, k]
      }
      return k
    }
    case "ed25519-public":
      return crypto.ed25519PublicKey(b("seed"))
    case "ed25519-sign":
      return crypto.ed25519Sign(b("seed"), b("msg"))
    case "ed25519-verify":
      return flag(crypto.ed25519Verify(b("key"), b("msg"), b("sig")))
    case "ml-kem-768-public":
      return crypto.mlKem768KeyPair(b("seed")).publicKey
    case "ml-kem-768-check":
      return flag(crypto.mlKem768PublicKeyValid(b("ek")))
    case "ml-kem-768-encaps": {
      const made = crypto.mlKem768Encapsulate(b("ek"), b("coins"))
      return made === undefined ? undefined : concat(made.ciphertext, made.sharedSecret)
    }
    case "ml-kem-768-decaps":
      return crypto.mlKem768Decapsulate(b("seed"), b("ct"))
    case "aead-seal":
      return sealing(crypto, n("suite"), "Seal")(b("key"), b("nonce"), b("ad"), b("plaintext"))
    case "aead-open":
      return sealing(crypto, n("suite"), "Open")(b("key"), b("nonce"), b("ad"), b("sealed"))
    case "aes-cbc-encrypt":
      return crypto.aesCbcEncrypt(b("key"), b("iv"), b("plaintext"))
    case "aes-cbc-decrypt":
      return crypto.aesCbcDecrypt(b("key"), b("iv"), b("ciphertext"))
    default:
      throw new Error(`no operation ${op}`)
  }
}
