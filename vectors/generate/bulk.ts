/**
 * Bulk runs: long pseudo-random runs of the encoding and of the ratchet of which only a digest is published.
 *
 * Spec: vectors/README.md (bulk runs); docs/spec/02-encoding.md, docs/spec/06-ratchet.md.
 * A reading of the pages of its own, like the rest of the generator: neither the SDK's nor the second verifier's code.
 */
import { be, concat, equal, utf8 } from "./bytes.ts"
import * as canon from "./canon.ts"
import { label } from "./ops.ts"
import { aeadOpen, aeadSeal, hkdfExpand, hkdfExtract, hmac, sha256, x25519, x25519Public } from "./prim.ts"

/** SHA-256(seed ‖ BE64(0)) ‖ SHA-256(seed ‖ BE64(1)) ‖ … */
class Stream {
  readonly #seed: Uint8Array
  #block: Uint8Array = new Uint8Array(0)
  #count = 0

  constructor(seed: Uint8Array) {
    this.#seed = seed
  }

  take(length: number): Uint8Array {
    const parts: Array<Uint8Array> = []
    let missing = length
    while (missing > 0) {
      if (this.#block.length === 0) this.#block = sha256(concat(this.#seed, be(this.#count++, 8)))
      const part = this.#block.subarray(0, missing)
      this.#block = this.#block.subarray(part.length)
      parts.push(part)
      missing -= part.length
    }
    return concat(...parts)
  }

  /** Four bytes, big-endian, modulo `below`. */
  number(below: number): number {
    const [a, b, c, d] = this.take(4)
    return (((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0) % below
  }
}

const zero = new Uint8Array(32)

// ---- Encoding

const character = (stream: Stream): string => {
  const kind = stream.number(4)
  if (kind === 0) return String.fromCodePoint(0x20 + stream.number(95))
  if (kind === 1) return String.fromCodePoint(0x80 + stream.number(0x780))
  if (kind === 2) return String.fromCodePoint(0x800 + stream.number(0xd000))
  return String.fromCodePoint(0x10000 + stream.number(0x100000))
}

const valueOf = (stream: Stream, depth: number): canon.Value => {
  const kind = stream.number(depth < 6 ? 5 : 3)
  if (kind === 0) {
    const bits = stream.number(54)
    const whole = stream.take(8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
    return Number(whole % 2n ** BigInt(bits))
  }
  if (kind === 1) return stream.take(stream.number(3) === 0 ? stream.number(300) : stream.number(40))
  if (kind === 2) {
    const length = stream.number(40)
    return { text: Array.from({ length }, () => character(stream)).join("") }
  }
  const length = stream.number(depth === 0 ? 20 : 5)
  if (kind === 3) return Array.from({ length }, () => valueOf(stream, depth + 1))
  let key = -1
  return {
    map: Array.from({ length }, () => {
      key += 1 + stream.number(300)
      return [key, valueOf(stream, depth + 1)] as const
    })
  }
}

class Refused extends Error {}

/** `ok`, or the reason of rule codec.decode.1. */
const scan = (bytes: Uint8Array): string => {
  let at = 0
  let depth = 0
  const stop = (reason: string): never => {
    throw new Refused(reason)
  }
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) stop("truncated")
    at += length
    return bytes.subarray(at - length, at)
  }
  const number = (width: number, least: number): number => {
    const value = take(width).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
    if (value < BigInt(least)) stop("noncanonical")
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) stop("value")
    return Number(value)
  }
  const wide = [0x80, 0x100, 0x10000, 0x100000000]
  const isUint = (first: number): boolean => first < 0x80 || (first >= 0xcc && first <= 0xcf)
  const uint = (first: number): number => (first < 0x80 ? first : number(1 << (first - 0xcc), wide[first - 0xcc]!))
  const text = (length: number): void => {
    const content = take(length)
    try {
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content)
    } catch {
      stop("utf8")
    }
  }
  const items = (count: number, each: 1 | 2): void => {
    if (count > 4096) stop("count")
    if (depth === 8) stop("depth")
    if (count * each > bytes.length - at) stop("truncated")
    depth++
    let last = -1
    for (let i = 0; i < count; i++) {
      if (each === 2) {
        const first = take(1)[0]!
        if (!isUint(first)) stop("type")
        const key = uint(first)
        if (key === last) stop("duplicate-key")
        if (key < last) stop("key-order")
        last = key
      }
      item()
    }
    depth--
  }
  const item = (): void => {
    const first = take(1)[0]!
    if (isUint(first)) uint(first)
    else if (first >= 0xc4 && first <= 0xc6) take(number(1 << (first - 0xc4), [0, 0x100, 0x10000][first - 0xc4]!))
    else if (first >= 0xa0 && first <= 0xbf) text(first - 0xa0)
    else if (first >= 0xd9 && first <= 0xdb) text(number(1 << (first - 0xd9), [32, 0x100, 0x10000][first - 0xd9]!))
    else if (first >= 0x90 && first <= 0x9f) items(first - 0x90, 1)
    else if (first >= 0x80 && first <= 0x8f) items(first - 0x80, 2)
    else if (first === 0xdc || first === 0xdd) items(number(first === 0xdc ? 2 : 4, first === 0xdc ? 16 : 0x10000), 1)
    else if (first === 0xde || first === 0xdf) items(number(first === 0xde ? 2 : 4, first === 0xde ? 16 : 0x10000), 2)
    else stop("type")
  }
  try {
    item()
    return at === bytes.length ? "ok" : "trailing"
  } catch (error) {
    if (error instanceof Refused) return error.message
    throw error
  }
}

/** One change of an encoding. */
const changed = (stream: Stream, bytes: Uint8Array): Uint8Array => {
  const kind = stream.number(4)
  if (kind === 0) {
    const bit = stream.number(8 * bytes.length)
    return bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
  }
  if (kind === 1) return bytes.subarray(0, stream.number(bytes.length))
  if (kind === 2) {
    const at = stream.number(bytes.length + 1)
    return concat(bytes.subarray(0, at), stream.take(1), bytes.subarray(at))
  }
  const at = stream.number(bytes.length)
  return concat(bytes.subarray(0, at), stream.take(1), bytes.subarray(at + 1))
}

export const encodingRun = (seed: Uint8Array, count: number): Uint8Array => {
  const stream = new Stream(seed)
  let digest: Uint8Array = zero
  for (let i = 0; i < count; i++) {
    const bytes = canon.encode(valueOf(stream, 0))
    if (scan(bytes) !== "ok") throw new Error("an encoding is not canonical")
    digest = sha256(concat(digest, bytes))
    digest = sha256(concat(digest, utf8(scan(changed(stream, bytes)))))
  }
  return digest
}

// ---- Ratchet, suite 1

const hkdf = (salt: Uint8Array, ikm: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  hkdfExpand("sha256", hkdfExtract(salt, ikm), info, length)!
const agree = (secret: Uint8Array, key: Uint8Array): Uint8Array => {
  const shared = x25519(secret, key)
  if (shared === undefined) throw new Error("low order")
  return shared
}
/** A function of keys that are arrays nobody writes to, remembered for each. */
const remembered = (compute: (key: Uint8Array) => Uint8Array): ((key: Uint8Array) => Uint8Array) => {
  const known = new WeakMap<Uint8Array, Uint8Array>()
  return (key) => {
    const out = known.get(key) ?? compute(key)
    known.set(key, out)
    return out
  }
}
const tagOf = remembered((headerKey) => hmac("sha256", headerKey, label("session tag")).slice(0, 16))
const publicOf = remembered(x25519Public)
const read32 = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0)

interface Skipped {
  readonly headerKey: Uint8Array
  readonly number: number
  readonly messageKey: Uint8Array
}

/** One side, in the letters of the page. */
class Party {
  readonly ad: Uint8Array
  rk: Uint8Array
  dhs: Uint8Array
  dhr: Uint8Array | undefined
  cks: Uint8Array | undefined
  ckr: Uint8Array | undefined
  hks: Uint8Array | undefined
  hkr: Uint8Array | undefined
  nhks: Uint8Array
  nhkr: Uint8Array
  ns = 0
  nr = 0
  pn = 0
  skipped: Array<Skipped> = []

  constructor(ad: Uint8Array, rk: Uint8Array, dhs: Uint8Array, nhks: Uint8Array, nhkr: Uint8Array) {
    this.ad = ad
    this.rk = rk
    this.dhs = dhs
    this.nhks = nhks
    this.nhkr = nhkr
  }

  /** KDF_RK: sets the root key and gives chain key and next header key. */
  step(shared: Uint8Array): readonly [chain: Uint8Array, next: Uint8Array] {
    const all = hkdf(this.rk, shared, label("root step"), 96)
    this.rk = all.slice(0, 32)
    return [all.slice(32, 64), all.slice(64)]
  }

  static keys(messageKey: Uint8Array, nonce: Uint8Array): readonly [Uint8Array, Uint8Array] {
    const all = hkdf(nonce, messageKey, label("message key", Uint8Array.of(1)), 44)
    return [all.slice(0, 32), all.slice(32)]
  }

  seal(prefix: Uint8Array, padded: Uint8Array, nonce: Uint8Array): Uint8Array {
    const tag = tagOf(this.hks!)
    const header = concat(publicOf(this.dhs), be(this.pn, 4), be(this.ns, 4))
    const front = concat(tag, nonce, aeadSeal(1, this.hks!, nonce, concat(this.ad, tag), header))
    const [key, bodyNonce] = Party.keys(hmac("sha256", this.cks!, Uint8Array.of(1)), nonce)
    this.cks = hmac("sha256", this.cks!, Uint8Array.of(2))
    this.ns++
    return concat(front, aeadSeal(1, key, bodyNonce, concat(this.ad, prefix, front), padded))
  }

  #skip(until: number): void {
    while (this.nr < until) {
      this.skipped.push({
        headerKey: this.hkr!,
        number: this.nr++,
        messageKey: hmac("sha256", this.ckr!, Uint8Array.of(1))
      })
      this.ckr = hmac("sha256", this.ckr!, Uint8Array.of(2))
    }
  }

  open(prefix: Uint8Array, message: Uint8Array, fresh: Uint8Array): readonly [padded: Uint8Array, late: boolean] {
    const [tag, nonce, sealed] = [message.slice(0, 16), message.slice(16, 28), message.slice(28, 84)]
    const known = [this.hkr, this.nhkr, ...this.skipped.map(({ headerKey }) => headerKey)]
    const headerKey = known.find((key) => key !== undefined && equal(tagOf(key), tag))!
    const header = aeadOpen(1, headerKey, nonce, concat(this.ad, tag), sealed)!
    const [peer, pn, n] = [header.slice(0, 32), read32(header.slice(32, 36)), read32(header.slice(36))]
    const place = this.skipped.findIndex((key) => key.number === n && equal(key.headerKey, headerKey))
    let messageKey: Uint8Array
    if (place >= 0) messageKey = this.skipped.splice(place, 1)[0]!.messageKey
    else {
      if (headerKey === this.nhkr) {
        if (this.ckr !== undefined) this.#skip(pn)
        this.pn = this.ns
        this.ns = 0
        this.nr = 0
        this.hks = this.nhks
        this.hkr = this.nhkr
        this.dhr = peer
        ;[this.ckr, this.nhkr] = this.step(agree(this.dhs, peer))
        this.dhs = fresh
        ;[this.cks, this.nhks] = this.step(agree(fresh, peer))
      }
      this.#skip(n)
      messageKey = hmac("sha256", this.ckr!, Uint8Array.of(1))
      this.ckr = hmac("sha256", this.ckr!, Uint8Array.of(2))
      this.nr++
    }
    const [key, bodyNonce] = Party.keys(messageKey, nonce)
    const front = message.slice(0, 84)
    return [aeadOpen(1, key, bodyNonce, concat(this.ad, prefix, front), message.slice(84))!, place >= 0]
  }
}

export const ratchetRun = (seed: Uint8Array, count: number): Uint8Array => {
  const stream = new Stream(seed)
  const [ad, rk, hka, nhkb, spk, own] = Array.from({ length: 6 }, () => stream.take(32)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array
  ]
  const prefixes = [0, 1].map(() => canon.encode([1, 2, stream.take(16)]))
  const a = new Party(ad, rk, own, nhkb, nhkb)
  ;[a.cks, a.nhks] = a.step(agree(own, publicOf(spk)))
  a.hks = hka
  const parties = [a, new Party(ad, rk, spk, nhkb, hka)]
  const queues: readonly [Array<Uint8Array>, Array<Uint8Array>] = [[], []]
  let digest: Uint8Array = zero
  for (let i = 0; i < count; i++) {
    let side = stream.number(2)
    if (parties[side]!.cks === undefined) side = 0
    const nonce = stream.take(12)
    const message = parties[side]!.seal(prefixes[1 - side]!, stream.take(64), nonce)
    digest = sha256(concat(digest, message))
    queues[1 - side]!.push(message)
    const receiver = stream.number(2)
    const goes = stream.number(4)
    const queue = queues[receiver]!
    if (queue.length === 0 || (goes === 3 && queue.length <= 20)) continue
    const [taken] = queue.splice(stream.number(queue.length), 1)
    const [padded, late] = parties[receiver]!.open(prefixes[receiver]!, taken!, stream.take(32))
    digest = sha256(concat(digest, padded, Uint8Array.of(late ? 1 : 0)))
  }
  return digest
}
