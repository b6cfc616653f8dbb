/**
 * The envelope: the outermost frame, and the only thing a relay sees.
 *
 * Spec: docs/spec/03-envelopes.md §3.1.
 * Vectors: vectors/envelope.
 * Does not open the body, and does not know whose mailbox it is.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import { Reader } from "../codec/Reader.ts"
import * as Refusal from "../codec/Refusal.ts"

/** The version of envelopes. */
export const version = 1

/** Numbers of the kinds, as they stand on the wire. */
export const kinds = { sessionStart: 1, sessionMessage: 2, groupMessage: 3, handshake: 4, control: 5 } as const

export type Kind = (typeof kinds)[keyof typeof kinds]

export interface Envelope {
  readonly kind: Kind
  /** The mailbox it goes to, 16 bytes. */
  readonly to: Uint8Array
  /** 1 to 131,072 bytes. */
  readonly body: Uint8Array
}

/** The layout of an envelope. */
export const Frame = Layout.tuple({
  version: Layout.literal(version),
  kind: Layout.uint({ min: 1, max: 5 }),
  to: Layout.bytes({ length: Limits.mailboxBytes }),
  body: Layout.bytes({ min: 1, max: Limits.maxEnvelopeBytes })
})

/** Length of {@link prefix}. */
export const prefixBytes = 21

/** Associated data of everything sealed in a body: the encoding of `[version, kind, to]`. `to` has 16 bytes. */
export const prefix = (kind: Kind, to: Uint8Array): Uint8Array => {
  if (to.length !== Limits.mailboxBytes) return defect("a mailbox has 16 bytes")
  const out = new Uint8Array(prefixBytes)
  out[0] = 0x93
  out[1] = version
  out[2] = kind
  out[3] = 0xc4
  out[4] = Limits.mailboxBytes
  out.set(to, 5)
  return out
}

/**
 * The bytes in front of a body of `bodyLength` bytes: an envelope is these, then the body. 23 to 26 bytes. Fails with
 * `decode.size` when the whole would be longer than an envelope may be.
 */
export const front = (kind: Kind, to: Uint8Array, bodyLength: number): Result.Result<Uint8Array, Failure> => {
  const headerBytes = bodyLength <= 0xff ? 2 : bodyLength <= 0xffff ? 3 : 5
  if (bodyLength < 1 || prefixBytes + headerBytes + bodyLength > Limits.maxEnvelopeBytes) return fail("decode.size")
  const out = new Uint8Array(prefixBytes + headerBytes)
  out.set(prefix(kind, to))
  // The prefix is an array of three, the envelope one of four.
  out[0] = 0x94
  if (headerBytes === 2) {
    out[prefixBytes] = 0xc4
    out[prefixBytes + 1] = bodyLength
  } else if (headerBytes === 3) {
    out[prefixBytes] = 0xc5
    out[prefixBytes + 1] = bodyLength >>> 8
    out[prefixBytes + 2] = bodyLength
  } else {
    out[prefixBytes] = 0xc6
    out.set(Bytes.be32(bodyLength), prefixBytes + 1)
  }
  return Result.succeed(out)
}

/** The bytes of an envelope. Fails with `decode.size` when the whole would be longer than an envelope may be. */
export const encode = ({ body, kind, to }: Envelope): Result.Result<Uint8Array, Failure> =>
  Result.map(front(kind, to, body.length), (head) => Bytes.concat(head, body))

/**
 * Reads an envelope; mailbox and body are views of `bytes`. Fails with `decode.*`, `envelope.version` or `envelope.kind`.
 */
export const decode = (bytes: Uint8Array): Result.Result<Envelope, Failure> => {
  if (bytes.length > Limits.maxEnvelopeBytes) return fail("decode.size")
  const reader = new Reader(bytes)
  reader.arrayHeader(4, 4)
  reader.uint(version, version)
  const kind = reader.uint(1, 5)
  reader.bytesHeader(Limits.mailboxBytes, Limits.mailboxBytes)
  const to = reader.at
  if (reader.reason === undefined) reader.at += Limits.mailboxBytes
  const length = reader.bytesHeader(1, Limits.maxEnvelopeBytes)
  const body = reader.at
  if (reader.reason === undefined) reader.at += length
  const reason = reader.end()
  if (reason !== undefined) return fail(refusedHead(bytes) ?? Refusal.causeOf[reason])
  return Result.succeed({
    kind: kind as Kind,
    to: reader.bytes.subarray(to, to + Limits.mailboxBytes),
    body: reader.bytes.subarray(body, body + length)
  })
}

/** Rules envelope.version.1 and envelope.kind.1: both are told before anything behind them is looked at. */
const refusedHead = (bytes: Uint8Array): "envelope.version" | "envelope.kind" | undefined => {
  const reader = new Reader(bytes)
  reader.arrayHeader(1, Limits.maxItems)
  const found = reader.uint(0, Limits.maxUint)
  if (reader.reason !== undefined) return undefined
  if (found !== version) return "envelope.version"
  const kind = reader.uint(0, Limits.maxUint)
  return reader.reason === undefined && (kind < 1 || kind > 5) ? "envelope.kind" : undefined
}
