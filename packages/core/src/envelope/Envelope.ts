/**
 * The envelope: the outermost frame, and the only thing a relay sees.
 *
 * Spec: docs/spec/03-envelopes.md §3.1.
 * Vectors: vectors/envelope.
 * Does not open the body, and does not know whose mailbox it is.
 */
import * as Result from "effect/Result"
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

const Frame = Layout.tuple({
  version: Layout.literal(version),
  kind: Layout.uint({ min: 1, max: 5 }),
  to: Layout.bytes({ length: Limits.mailboxBytes }),
  body: Layout.bytes({ min: 1, max: Limits.maxEnvelopeBytes })
})

const Prefix = Layout.tuple({
  version: Layout.literal(version),
  kind: Layout.uint({ min: 1, max: 5 }),
  to: Layout.bytes({ length: Limits.mailboxBytes })
})

/** Associated data of everything sealed in a body: the encoding of `[version, kind, to]`, 21 bytes. */
export const prefix = (kind: Kind, to: Uint8Array): Uint8Array => Prefix.encode({ version, kind, to })

/** The bytes of an envelope. Fails with `decode.size` when the whole would be longer than an envelope may be. */
export const encode = ({ body, kind, to }: Envelope): Result.Result<Uint8Array, Failure> => {
  const encoded = Frame.tryEncode({ version, kind, to, body })
  return Result.isSuccess(encoded) && encoded.success.length <= Limits.maxEnvelopeBytes
    ? Result.succeed(encoded.success)
    : fail("decode.size")
}

/** Reads an envelope. Fails with `decode.*`, `envelope.version` or `envelope.kind`. */
export const decode = (bytes: Uint8Array): Result.Result<Envelope, Failure> => {
  if (bytes.length > Limits.maxEnvelopeBytes) return fail("decode.size")
  const decoded = Frame.decode(bytes)
  if (Result.isFailure(decoded)) {
    const refusal = refusedHead(bytes)
    return fail(refusal ?? Refusal.causeOf[decoded.failure.reason])
  }
  const { body, kind, to } = decoded.success
  return Result.succeed({ kind: kind as Kind, to, body })
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
