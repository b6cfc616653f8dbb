/**
 * F04: envelopes, padding, content, sealed starts.
 *
 * Spec: docs/spec/03-envelopes.md.
 * Vectors: vectors/envelope.
 */
import { Content, Envelope, Padding, SealedSender, Suite } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Operation } from "./outcome.ts"
import { hex, type Input, type Json } from "./values.ts"

/** Objects with bytes as hex; absent members are left out. */
export const toJson = (value: unknown): Json => {
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, toJson(item)])
    )
  }
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value
  throw new Error("no JSON form")
}

const bodyJson = (body: Content.Content["body"]): Json => {
  const { _tag, ...members } = body
  const json = toJson(members) as { readonly [name: string]: Json }
  switch (_tag) {
    case "Acknowledge":
      return { control: "acknowledge" }
    case "Reset":
      return { control: "reset", ...json }
    case "Resynchronise":
      return { control: "resynchronise", ...json }
    case "Own":
      return json["word"]!
    case "Opaque": {
      const { type: _, ...rest } = json
      return rest
    }
    default:
      return json
  }
}

const again = (encoded: Result.Result<Uint8Array, unknown>, bytes: Uint8Array): void => {
  if (Result.isFailure(encoded) || hex(encoded.success) !== hex(bytes)) {
    throw new Error("does not encode again to the same bytes")
  }
}

const kindOf = (input: Input): Envelope.Kind => {
  const kind = Object.values(Envelope.kinds).find((known) => known === input.number("kind"))
  if (kind === undefined) throw new Error("no such kind")
  return kind
}

const suiteOf = (input: Input): Suite.SuiteId => {
  const suite = input.number("suite")
  if (!Suite.isSuiteId(suite)) throw new Error("no such suite")
  return suite
}

const openSealed: Operation = (crypto, input) => {
  const sealed = SealedSender.decode(input.bytes("body"))
  if (Result.isFailure(sealed)) return reject(sealed.failure.cause)
  const secret = input.bytes("secret")
  const shared = crypto.x25519(secret, sealed.success.ephemeral)
  const start = SealedSender.open(crypto, sealed.success, shared, crypto.x25519PublicKey(secret), input.bytes("prefix"))
  if (Result.isFailure(start)) return reject(start.failure.cause)
  const decoded = SealedSender.decodeStart(sealed.success, start.success)
  if (Result.isFailure(decoded)) return reject(decoded.failure.cause)
  const { suite, ...value } = decoded.success
  again(Result.succeed(SealedSender.encodeStart(decoded.success)), start.success)
  return ok({ suite, start: hex(start.success), value: toJson(value) })
}

export const operations: { readonly [op: string]: Operation } = {
  "envelope.decode": (_, input) => {
    const bytes = input.bytes("bytes")
    const decoded = Envelope.decode(bytes)
    if (Result.isFailure(decoded)) return reject(decoded.failure.cause)
    again(Envelope.encode(decoded.success), bytes)
    const { body, kind, to } = decoded.success
    return ok({ kind, to: hex(to), body: hex(body) })
  },
  "envelope.prefix": (_, input) => ok({ prefix: hex(Envelope.prefix(kindOf(input), input.bytes("to"))) }),
  "padding.pad": (_, input) => ok({ padded: hex(Padding.pad(input.bytes("content"))) }),
  "padding.open": (_, input) => {
    const opened = Padding.unpad(input.bytes("padded"))
    return Result.isFailure(opened) ? reject(opened.failure.cause) : ok({ content: hex(opened.success) })
  },
  "content.decode": (_, input) => {
    const bytes = input.bytes("bytes")
    const direct = input.bytes("direct")
    const decoded = Content.decode(bytes, direct)
    if (Result.isFailure(decoded)) return reject(decoded.failure.cause)
    again(Content.encode(decoded.success, direct), bytes)
    const { body, conversation, extensions, messageId, sentAt, sequence } = decoded.success
    const type = bytes[1]! < 0x80 ? bytes[1]! : bytes[2]!
    return ok({
      value: {
        type,
        conversation: hex(conversation),
        sequence,
        messageId: hex(messageId),
        sentAt,
        body: bodyJson(body),
        extensions: toJson(extensions)
      }
    })
  },
  "sealed.open": openSealed,
  "sealed.seal": (crypto, input) => {
    const body = SealedSender.seal(
      crypto,
      suiteOf(input),
      input.bytes("ephemeralSecret"),
      input.bytes("recipient"),
      input.bytes("prefix"),
      input.bytes("start")
    )
    return Result.isFailure(body) ? reject(body.failure.cause) : ok({ body: hex(body.success) })
  }
}
