/**
 * F03 and F07: bulk runs.
 *
 * Spec: vectors/README.md (bulk runs).
 * Vectors: vectors/encoding/bulk.json, vectors/ratchet/bulk.json.
 */
import {
  Bytes,
  Canonical,
  DoubleRatchet,
  Envelope,
  RatchetState,
  SkippedKeys,
  type CryptoProvider
} from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, type Operation } from "./outcome.ts"
import { hex } from "./values.ts"

/** SHA-256(seed ‖ BE64(0)) ‖ SHA-256(seed ‖ BE64(1)) ‖ … */
class Stream {
  readonly #crypto: CryptoProvider
  readonly #seed: Uint8Array
  #rest: Uint8Array = new Uint8Array(0)
  #next = 0

  constructor(crypto: CryptoProvider, seed: Uint8Array) {
    this.#crypto = crypto
    this.#seed = seed
  }

  take(length: number): Uint8Array {
    while (this.#rest.length < length) {
      const block = this.#crypto.sha256(Bytes.concat(this.#seed, Bytes.be64(this.#next++)))
      this.#rest = Bytes.concat(this.#rest, block)
    }
    const taken = this.#rest.slice(0, length)
    this.#rest = this.#rest.slice(length)
    return taken
  }

  number(below: number): number {
    return Bytes.readBe32(this.take(4), 0) % below
  }
}

const character = (stream: Stream): string => {
  switch (stream.number(4)) {
    case 0:
      return String.fromCodePoint(0x20 + stream.number(95))
    case 1:
      return String.fromCodePoint(0x80 + stream.number(0x780))
    case 2:
      return String.fromCodePoint(0x800 + stream.number(0xd000))
    default:
      return String.fromCodePoint(0x10000 + stream.number(0x100000))
  }
}

const value = (stream: Stream, depth: number): Canonical.Value => {
  const kind = stream.number(depth < 6 ? 5 : 3)
  if (kind === 0) {
    const bits = BigInt(stream.number(54))
    return Number(BigInt(`0x${hex(stream.take(8))}`) % 2n ** bits)
  }
  if (kind === 1) return stream.take(stream.number(3) === 0 ? stream.number(300) : stream.number(40))
  if (kind === 2) {
    let text = ""
    for (let left = stream.number(40); left > 0; left--) text += character(stream)
    return text
  }
  const count = stream.number(depth === 0 ? 20 : 5)
  if (kind === 3) return Array.from({ length: count }, () => value(stream, depth + 1))
  const map = new Map<number, Canonical.Value>()
  for (let key = -1, left = count; left > 0; left--) {
    key += 1 + stream.number(300)
    map.set(key, value(stream, depth + 1))
  }
  return map
}

const change = (stream: Stream, bytes: Uint8Array): Uint8Array => {
  const kind = stream.number(4)
  if (kind === 0) {
    const bit = stream.number(8 * bytes.length)
    const out = bytes.slice()
    out[bit >> 3] = out[bit >> 3]! ^ (1 << (bit & 7))
    return out
  }
  if (kind === 1) return bytes.slice(0, stream.number(bytes.length))
  const at = stream.number(bytes.length + (kind === 2 ? 1 : 0))
  return Bytes.concat(bytes.slice(0, at), stream.take(1), bytes.slice(kind === 2 ? at : at + 1))
}

const verdict = (bytes: Uint8Array): string => {
  const decoded = Canonical.decode(bytes)
  if (Result.isFailure(decoded)) return decoded.failure.reason
  if (!Bytes.equal(Canonical.encode(decoded.success), bytes)) throw new Error("does not encode again to the same bytes")
  return "ok"
}

export const encoding: Operation = (crypto, input) => {
  const stream = new Stream(crypto, input.bytes("seed"))
  let digest: Uint8Array = new Uint8Array(32)
  for (let left = input.number("count"); left > 0; left--) {
    const bytes = Canonical.encode(value(stream, 0))
    if (verdict(bytes) !== "ok") throw new Error("refuses what it encoded")
    digest = crypto.sha256(Bytes.concat(digest, bytes))
    digest = crypto.sha256(Bytes.concat(digest, Bytes.utf8Encode(verdict(change(stream, bytes)))))
  }
  return ok({ digest: hex(digest) })
}

interface Party {
  state: RatchetState.RatchetState
  readonly skipped: SkippedKeys.SkippedKeys
  readonly prefix: Uint8Array
  readonly queue: Array<Uint8Array>
}

const got = <T, E extends { readonly cause: string }>(result: Result.Result<T, E>): T => {
  if (Result.isFailure(result)) throw new Error(`refused with ${result.failure.cause}`)
  return result.success
}

export const ratchet: Operation = (crypto, input) => {
  const stream = new Stream(crypto, input.bytes("seed"))
  const take = (): Uint8Array => stream.take(32)
  const agreed = { suite: 1, ad: take(), rootKey: take(), initiatorHeader: take(), responderHeader: take() } as const
  const [prekey, own] = [take(), take()]
  const prekeyPublic = crypto.x25519PublicKey(prekey)
  const party = (state: RatchetState.RatchetState): Party => ({
    state,
    skipped: SkippedKeys.make(),
    prefix: Envelope.prefix(Envelope.kinds.sessionMessage, stream.take(16)),
    queue: []
  })
  const parties = [
    party(got(RatchetState.initiate(crypto, agreed, own, prekeyPublic))),
    party(RatchetState.respond(crypto, agreed, prekey, prekeyPublic))
  ] as const
  let digest: Uint8Array = new Uint8Array(32)
  for (let left = input.number("count"); left > 0; left--) {
    const drawn = stream.number(2)
    const [from, to] =
      drawn === 1 && parties[1].state.sendChain !== undefined ? [parties[1], parties[0]] : [parties[0], parties[1]]
    const nonce = stream.take(12)
    const sealed = got(DoubleRatchet.seal(crypto, from.state, to.prefix, stream.take(64), nonce))
    from.state = sealed.next
    to.queue.push(sealed.message)
    digest = crypto.sha256(Bytes.concat(digest, sealed.message))
    const receiver = parties[stream.number(2) as 0 | 1]
    const goes = stream.number(4)
    const { queue } = receiver
    if (queue.length === 0 || (goes === 3 && queue.length <= 20)) continue
    const [message] = queue.splice(stream.number(queue.length), 1)
    const fresh = stream.take(32)
    const opened = got(DoubleRatchet.open(crypto, receiver.state, receiver.skipped, receiver.prefix, message!, 0))
    receiver.state = opened.turning ? got(DoubleRatchet.turn(crypto, opened.half, fresh)).next : opened.next
    receiver.skipped.apply(opened.delta)
    digest = crypto.sha256(Bytes.concat(digest, opened.padded, Uint8Array.of(opened.late ? 1 : 0)))
  }
  return ok({ digest: hex(digest) })
}
