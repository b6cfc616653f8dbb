/**
 * Bodies of content: what each type of message says.
 *
 * Spec: docs/spec/03-envelopes.md §3.5.
 * Vectors: vectors/envelope.
 * Does not act on what it reads. Types that this version has no body for pass through as they came.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { type Cause, fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Utf8 from "../base/Utf8.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as OwnDevice from "./OwnDevice.ts"
import * as Reference from "./Reference.ts"

/** Numbers of the types, as they stand on the wire (rule content.type.1). */
export const types = {
  text: 1,
  receipt: 2,
  typing: 3,
  attachment: 4,
  callSignal: 5,
  groupControl: 6,
  deviceControl: 7,
  retryRequest: 8,
  application: 9,
  ownDevice: 10
} as const

/** Text, delivered as it was sent; at most 65,536 bytes of UTF-8. */
export interface Text {
  readonly _tag: "Text"
  readonly text: string
}

/** What became of messages: 1 to 256 distinct ids of 16 bytes. */
export interface Receipt {
  readonly _tag: "Receipt"
  readonly state: "delivered" | "read"
  readonly messages: ReadonlyArray<Uint8Array>
}

export interface Typing {
  readonly _tag: "Typing"
  readonly typing: boolean
}

/** Data of an application. `mediaType` is 1 to 127 printable ASCII characters, `fallback` at most 1,024 bytes. */
export interface Application {
  readonly _tag: "Application"
  readonly mediaType: string
  readonly fallback: string
  readonly data: Uint8Array
}

/** How far a device received a conversation; empty for the direct one. */
export interface Received {
  readonly conversation: Uint8Array
  readonly highest: number
}

/** A word from device to device. Spec: §3.5, docs/spec/07-sequencing.md §7.2. */
export type DeviceControl =
  | { readonly _tag: "Acknowledge" }
  | { readonly _tag: "Reset"; readonly reason: number }
  | {
      readonly _tag: "Resynchronise"
      /** Whether it answers such a request. */
      readonly answer: boolean
      readonly generation: number
      /** 8 bytes. */
      readonly startId: Uint8Array
      readonly received: ReadonlyArray<Received>
    }

/** 1 to 32 digests (16 bytes) of envelopes that did not open. */
export interface RetryRequest {
  readonly _tag: "RetryRequest"
  readonly digests: ReadonlyArray<Uint8Array>
}

/** A word between devices of one account. Spec: docs/spec/22-own-devices.md. */
export interface Own {
  readonly _tag: "Own"
  readonly word: OwnDevice.Word
}

/** A file that is kept elsewhere, sealed. Spec: docs/spec/11-attachments.md §11.2. */
export interface Attachment {
  readonly _tag: "Attachment"
  readonly reference: Reference.Reference
}

/** A type without a body of ours: calls, groups, and whatever later versions add. */
export interface Opaque {
  readonly _tag: "Opaque"
  readonly type: number
  readonly data: Uint8Array
}

export type Body = Text | Receipt | Typing | Attachment | Application | DeviceControl | RetryRequest | Own | Opaque

const digestLayout = Layout.bytes({ length: Limits.envelopeDigestBytes })

export const ReceiptLayout = Layout.tuple({
  state: Layout.uint({ min: 1, max: 2 }),
  messages: Layout.list(Layout.bytes({ length: Limits.messageIdBytes }), { min: 1, max: Limits.maxReceiptIds })
})

export const ApplicationLayout = Layout.tuple({
  mediaType: Layout.text({ min: 1, max: 127 }),
  fallback: Layout.text({ max: Limits.maxFallbackBytes }),
  data: Layout.bytes({ max: Limits.maxBodyBytes })
})

const resynchronise = {
  generation: Layout.uint({ min: 1 }),
  startId: Layout.bytes({ length: Limits.startIdBytes }),
  received: Layout.list(
    Layout.tuple({ conversation: Layout.bytes({ max: Limits.conversationIdBytes }), highest: Layout.uint() }),
    { max: Limits.maxResynchronised }
  )
}

export const DeviceControlLayout = Layout.oneOf(
  Layout.tuple({ control: Layout.literal(1) }),
  Layout.tuple({ control: Layout.literal(2), reason: Layout.uint() }),
  Layout.tuple({ control: Layout.literal(3), ...resynchronise }),
  Layout.tuple({ control: Layout.literal(4), ...resynchronise })
)

export const RetryRequestLayout = Layout.list(digestLayout, { min: 1, max: Limits.maxRetryDigests })

/** The number of a body's type. */
export const typeOf = (body: Body): number => {
  switch (body._tag) {
    case "Text":
      return types.text
    case "Receipt":
      return types.receipt
    case "Typing":
      return types.typing
    case "Attachment":
      return types.attachment
    case "Application":
      return types.application
    case "RetryRequest":
      return types.retryRequest
    case "Own":
      return types.ownDevice
    case "Opaque":
      return body.type
    default:
      return types.deviceControl
  }
}

/** Whether messages of a type are numbered (rule content.numbered.1). */
export const isNumbered = (type: number): boolean =>
  type !== types.receipt && type !== types.typing && type !== types.deviceControl && type !== types.retryRequest

/** The longest body of a type, bytes (rule content.layout.1). */
export const maxBytesOf = (type: number): number =>
  type === types.ownDevice ? Limits.maxOwnBodyBytes : Limits.maxBodyBytes

/** Whether a session start with this body takes over whatever stands against it (rule session.cross.3). */
export const takesOver = (body: Body): boolean =>
  body._tag === "RetryRequest" || body._tag === "Reset" || body._tag === "Resynchronise"

/**
 * The bytes of a body. `direct` is the identifier of the direct conversation, if it is known. Pairs of a resynchronisation are written
 * in order, however they are given. Fails with the `decode.*` its reader would answer, for what an application may supply wrongly.
 */
export const encode = (body: Body, direct?: Uint8Array): Result.Result<Uint8Array, Failure> => {
  switch (body._tag) {
    case "Text":
      if (!Utf8.isWellFormed(body.text)) return fail("decode.utf8")
      return bounded(Utf8.encode(body.text))
    case "Receipt": {
      const { messages } = body
      if (hasRepetition(messages)) return fail("decode.value")
      return written(ReceiptLayout.tryEncode({ state: body.state === "delivered" ? 1 : 2, messages }))
    }
    case "Typing":
      return Result.succeed(Uint8Array.of(body.typing ? 1 : 0))
    case "Attachment":
      return Result.flatMap(Reference.encode(body.reference), bounded)
    case "Application":
      return isPrintable(body.mediaType) ? written(ApplicationLayout.tryEncode(body)) : fail("decode.value")
    case "Acknowledge":
      return written(DeviceControlLayout.tryEncode({ control: 1 }))
    case "Reset":
      return written(DeviceControlLayout.tryEncode({ control: 2, reason: body.reason }))
    case "Resynchronise": {
      const { answer, generation, startId } = body
      const received = [...body.received].sort((a, b) => Bytes.compare(a.conversation, b.conversation))
      const refused = misplaced(received, direct)
      if (refused !== undefined) return fail(refused)
      return written(DeviceControlLayout.tryEncode({ control: answer ? 4 : 3, generation, startId, received }))
    }
    case "RetryRequest":
      return written(RetryRequestLayout.tryEncode(body.digests))
    case "Own":
      return OwnDevice.encode(body.word)
    case "Opaque":
      return hasLayout(body.type) ? fail("decode.value") : bounded(body.data)
  }
}

/** Reads the body of a type. `direct` as in {@link encode}. Fails with `decode.*`. */
export const decode = (type: number, bytes: Uint8Array, direct?: Uint8Array): Result.Result<Body, Failure> => {
  switch (type) {
    case types.text: {
      const text = Utf8.decode(bytes, 0, bytes.length)
      return text === undefined ? fail("decode.utf8") : Result.succeed({ _tag: "Text", text })
    }
    case types.receipt: {
      const read = Refusal.decode(ReceiptLayout, bytes)
      if (Result.isFailure(read)) return Result.fail(read.failure)
      const { messages, state } = read.success
      if (hasRepetition(messages)) return fail("decode.value")
      return Result.succeed({ _tag: "Receipt", state: state === 1 ? "delivered" : "read", messages })
    }
    case types.typing: {
      if (bytes.length !== 1) return fail(bytes.length === 0 ? "decode.truncated" : "decode.trailing")
      return bytes[0]! > 1 ? fail("decode.value") : Result.succeed({ _tag: "Typing", typing: bytes[0] === 1 })
    }
    case types.attachment:
      return Result.map(Reference.decode(bytes), (reference) => ({ _tag: "Attachment", reference }))
    case types.application: {
      const read = Refusal.decode(ApplicationLayout, bytes)
      if (Result.isFailure(read)) return Result.fail(read.failure)
      return isPrintable(read.success.mediaType)
        ? Result.succeed({ _tag: "Application", ...read.success })
        : fail("decode.value")
    }
    case types.deviceControl:
      return decodeControl(bytes, direct)
    case types.retryRequest:
      return Result.map(Refusal.decode(RetryRequestLayout, bytes), (digests) => ({ _tag: "RetryRequest", digests }))
    case types.ownDevice:
      return Result.map(OwnDevice.decode(bytes), (word) => ({ _tag: "Own", word }))
    default:
      return Result.succeed({ _tag: "Opaque", type, data: bytes })
  }
}

const decodeControl = (bytes: Uint8Array, direct: Uint8Array | undefined): Result.Result<Body, Failure> => {
  const read = Refusal.decode(DeviceControlLayout, bytes)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const said = read.success
  if (said.control === 1) return Result.succeed({ _tag: "Acknowledge" })
  if (said.control === 2) return Result.succeed({ _tag: "Reset", reason: said.reason })
  const { control, generation, received, startId } = said
  const refused = misplaced(received, direct)
  if (refused !== undefined) return fail(refused)
  return Result.succeed({ _tag: "Resynchronise", answer: control === 4, generation, startId, received })
}

/** Rule content.device-control.2: why these pairs are refused, if they are. */
const misplaced = (
  received: ReadonlyArray<Received>,
  direct: Uint8Array | undefined
): "decode.size" | "decode.noncanonical" | undefined => {
  if (received.some(({ conversation }) => !isConversation(conversation))) return "decode.size"
  const ascending = received.every(
    ({ conversation }, i) => i === 0 || Bytes.compare(received[i - 1]!.conversation, conversation) < 0
  )
  const long = direct !== undefined && received.some(({ conversation }) => Bytes.equal(conversation, direct))
  return ascending && !long ? undefined : "decode.noncanonical"
}

/** Whether bytes can name a conversation: none for the direct one, or 16. */
export const isConversation = (bytes: Uint8Array): boolean =>
  bytes.length === 0 || bytes.length === Limits.conversationIdBytes

const hasLayout = (type: number): boolean =>
  !isNumbered(type) ||
  type === types.text ||
  type === types.attachment ||
  type === types.application ||
  type === types.ownDevice

const bounded = (bytes: Uint8Array): Result.Result<Uint8Array, Failure> =>
  bytes.length <= Limits.maxBodyBytes ? Result.succeed(bytes) : fail("decode.size")

const written = (encoded: ReturnType<typeof RetryRequestLayout.tryEncode>): Result.Result<Uint8Array, Failure> => {
  if (Result.isSuccess(encoded)) return bounded(encoded.success)
  const cause: Cause = Refusal.causeOf[encoded.failure.reason]
  return fail(cause)
}

const isPrintable = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || unit > 0x7e) return false
  }
  return true
}

const hasRepetition = (ids: ReadonlyArray<Uint8Array>): boolean => new Set(ids.map(Bytes.toHex)).size !== ids.length
