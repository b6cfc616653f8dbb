/**
 * Content: the structure inside every sealed message, before padding.
 *
 * Spec: docs/spec/03-envelopes.md §3.5.
 * Vectors: vectors/envelope.
 * Does not number messages or judge numbers, times or fences.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Body from "./Body.ts"

const Fence = Layout.tuple({
  generation: Layout.uint({ min: 1 }),
  startId: Layout.bytes({ length: Limits.startIdBytes })
})

const Lists = Layout.tuple({ own: Layout.uint({ min: 1 }), peer: Layout.uint() })

const Extensions = Layout.extensions({
  fence: Layout.extension(1, Fence),
  echo: Layout.extension(3, Fence),
  deliveryToken: Layout.extension(5, Layout.bytes({ length: Limits.deliveryTokenBytes })),
  fallback: Layout.extension(7, Layout.text({ max: Limits.maxFallbackBytes })),
  floor: Layout.extension(9, Layout.uint()),
  replyTo: Layout.extension(11, Layout.bytes({ length: Limits.messageIdBytes })),
  lists: Layout.extension(13, Lists)
})

/**
 * Extensions of content: own fence, echoed fence, delivery token (16 bytes), fallback text, sequence floor, message replied to (16 bytes),
 * versions of the manifests of sender and recipient that the sender went by (0 when it knew none of the recipient).
 */
export type Extensions = Layout.Type<typeof Extensions>

/** No extensions. */
export const noExtensions: Extensions = { unknown: [] }

/** The layout of content. */
export const Frame = Layout.tuple({
  type: Layout.uint(),
  conversation: Layout.bytes({ max: Limits.conversationIdBytes }),
  sequence: Layout.uint(),
  messageId: Layout.bytes({ length: Limits.messageIdBytes }),
  sentAt: Layout.uint(),
  body: Layout.bytes({ max: Limits.maxOwnBodyBytes }),
  extensions: Extensions
})

export interface Content {
  /** 16 bytes; empty for the direct conversation of sender and recipient. */
  readonly conversation: Uint8Array
  /** From 1 in numbered types, 0 in the others. */
  readonly sequence: number
  /** 16 bytes. */
  readonly messageId: Uint8Array
  /** The sender's clock, ms. */
  readonly sentAt: number
  readonly body: Body.Body
  readonly extensions: Extensions
}

/** Identifier (16 bytes) of the direct conversation of two accounts, the same from either side. */
export const directConversation = (crypto: CryptoProvider, a: Uint8Array, b: Uint8Array): Uint8Array => {
  const [low, high] = Bytes.compare(a, b) <= 0 ? [a, b] : [b, a]
  return crypto.sha256(Labels.prefixed(Labels.directConversation, low, high)).slice(0, Limits.conversationIdBytes)
}

/**
 * The bytes of content. `direct` is {@link directConversation} of the two accounts. Fails with the `decode.*` its reader would
 * answer.
 */
export const encode = (content: Content, direct: Uint8Array): Result.Result<Uint8Array, Failure> => {
  const { conversation, extensions, messageId, sentAt, sequence } = content
  const body = Body.encode(content.body, direct)
  if (Result.isFailure(body)) return body
  const type = Body.typeOf(content.body)
  const misplaced = check(type, body.success, conversation, sequence, direct)
  if (misplaced !== undefined) return fail(misplaced)
  const encoded = Frame.tryEncode({
    type,
    conversation,
    sequence,
    messageId,
    sentAt,
    body: body.success,
    extensions
  })
  if (Result.isFailure(encoded)) return fail(Refusal.causeOf[encoded.failure.reason])
  return encoded.success.length <= Limits.maxContentBytes ? Result.succeed(encoded.success) : fail("decode.size")
}

/** Reads content, its body included. `direct` as in {@link encode}. Fails with `decode.*`. */
export const decode = (bytes: Uint8Array, direct: Uint8Array): Result.Result<Content, Failure> => {
  if (bytes.length > Limits.maxContentBytes) return fail("decode.size")
  const decoded = Frame.decode(bytes)
  if (Result.isFailure(decoded)) return fail(Refusal.causeOf[decoded.failure.reason])
  const { conversation, extensions, messageId, sentAt, sequence, type } = decoded.success
  const misplaced = check(type, decoded.success.body, conversation, sequence, direct)
  if (misplaced !== undefined) return fail(misplaced)
  const body = Body.decode(type, decoded.success.body, direct)
  if (Result.isFailure(body)) return Result.fail(body.failure)
  return Result.succeed({ conversation, sequence, messageId, sentAt, body: body.success, extensions })
}

/** Rules content.layout.1, content.conversation.1, content.numbered.1 and content.own.2. */
const check = (
  type: number,
  body: Uint8Array,
  conversation: Uint8Array,
  sequence: number,
  direct: Uint8Array
): "decode.size" | "decode.noncanonical" | "decode.value" | undefined => {
  if (body.length > Body.maxBytesOf(type)) return "decode.size"
  if (!Body.isConversation(conversation)) return "decode.size"
  if (conversation.length > 0 && Bytes.equal(conversation, direct)) return "decode.noncanonical"
  if (type === Body.types.ownDevice && conversation.length > 0) return "decode.value"
  return Body.isNumbered(type) === sequence > 0 ? undefined : "decode.value"
}
