/**
 * An entry of a history: one message as every device of a person keeps it, its id and its place.
 *
 * Spec: docs/spec/23-history.md §23.1.
 * Vectors: vectors/history.
 * Holds nothing of what a device adds (when it was received, whether it was read).
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Body from "../envelope/Body.ts"
import type * as Content from "../envelope/Content.ts"

const key32 = Layout.bytes({ length: 32 })
const id16 = Layout.bytes({ length: Limits.messageIdBytes })
const whose = { conversation: Layout.bytes({ length: Limits.conversationIdBytes }), account: key32, device: key32 }
const said = {
  messageId: id16,
  sentAt: Layout.uint(),
  type: Layout.uint({ min: 1 }),
  body: Layout.bytes({ max: Limits.maxBodyBytes }),
  replyTo: Layout.optional(id16),
  fallback: Layout.optional(Layout.text({ max: Limits.maxFallbackBytes }))
}

/** An entry as it is stored and travels. `number` is 0 while the message has none. */
export const EntryLayout = Layout.tuple({ ...whose, number: Layout.uint(), ...said })
export type Entry = Layout.Type<typeof EntryLayout>

/** What an id names: an entry without its number. */
export const NamedLayout = Layout.tuple({ ...whose, ...said })

/** Bytes of a place: time and number, message id, id. */
export const placeBytes = 16 + Limits.messageIdBytes + 16

/** Whether messages of a type are history (rule history.entry.2). */
export const isKept = (type: number): boolean =>
  Body.isNumbered(type) &&
  type !== Body.types.callSignal &&
  type !== Body.types.groupControl &&
  type !== Body.types.ownDevice

/** Id of an entry, 16 bytes (rule history.id.1). */
export const idOf = (crypto: CryptoProvider, entry: Entry): Uint8Array =>
  crypto.sha256(Labels.prefixed(Labels.historyEntry, NamedLayout.encode(entry))).slice(0, 16)

/** Place of an entry, 48 bytes (rule history.order.1). */
export const placeOf = (crypto: CryptoProvider, entry: Entry): Uint8Array =>
  Bytes.concat(Bytes.be64(entry.sentAt), Bytes.be64(entry.number), entry.messageId, idOf(crypto, entry))

/** The parts of a place. */
export const timeOf = (place: Uint8Array): number => readBe64(place, 0)
export const numberOf = (place: Uint8Array): number => readBe64(place, 8)
export const messageOf = (place: Uint8Array): Uint8Array => place.slice(16, 32)
export const idIn = (place: Uint8Array): Uint8Array => place.slice(32, placeBytes)

const readBe64 = (bytes: Uint8Array, at: number): number =>
  Bytes.readBe32(bytes, at) * 0x1_0000_0000 + Bytes.readBe32(bytes, at + 4)

/** The least place of entries that were sent at a time or later. */
export const from = (time: number): Uint8Array => (time === 0 ? Bytes.empty : Bytes.be64(time))

/** The bytes of an entry. Fails with the `decode.*` its reader would answer. */
export const encode = (entry: Entry): Result.Result<Uint8Array, Failure> => {
  const encoded = EntryLayout.tryEncode(entry)
  if (Result.isFailure(encoded)) return fail(Refusal.causeOf[encoded.failure.reason])
  const checked = check(entry)
  return Result.isFailure(checked) ? Result.fail(checked.failure) : Result.succeed(encoded.success)
}

/** Reads an entry, its body included. Fails with `decode.*`. */
export const decode = (bytes: Uint8Array): Result.Result<Entry, Failure> => {
  const decoded = Refusal.decode(EntryLayout, bytes)
  return Result.isFailure(decoded) ? Result.fail(decoded.failure) : check(decoded.success)
}

/** Rule history.entry.2. */
const check = (entry: Entry): Result.Result<Entry, Failure> => {
  if (!isKept(entry.type)) return fail("decode.value")
  const body = Body.decode(entry.type, entry.body)
  return Result.isFailure(body) ? Result.fail(body.failure) : Result.succeed(entry)
}

/** Whose message it is, and in which conversation: what a content does not say. */
export interface Whose {
  /** 16 bytes: the direct conversation of author and recipient. */
  readonly direct: Uint8Array
  /** Account and device of the author, 32 bytes each. */
  readonly account: Uint8Array
  readonly device: Uint8Array
}

/** The entry of a content (its frame, body encoded); `undefined` for what is no history. */
export const ofContent = (
  frame: Omit<Layout.Type<typeof Content.Frame>, "extensions"> & {
    readonly extensions: Pick<Content.Extensions, "fallback" | "replyTo">
  },
  { account, device, direct }: Whose
): Entry | undefined =>
  isKept(frame.type)
    ? {
        conversation: frame.conversation.length === 0 ? direct : frame.conversation,
        account,
        device,
        number: frame.sequence,
        messageId: frame.messageId,
        sentAt: frame.sentAt,
        type: frame.type,
        body: frame.body,
        replyTo: frame.extensions.replyTo,
        fallback: frame.extensions.fallback
      }
    : undefined
