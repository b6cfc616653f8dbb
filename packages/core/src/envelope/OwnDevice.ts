/**
 * What devices of one account tell each other: the body of content type 10.
 *
 * Spec: docs/spec/03-envelopes.md §3.5; docs/spec/22-own-devices.md.
 * Vectors: vectors/envelope.
 * Does not know who said it, and does not look into the content that a copy carries.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Canonical from "../codec/Canonical.ts"
import * as Layout from "../codec/Layout.ts"
import { Reader } from "../codec/Reader.ts"
import * as Refusal from "../codec/Refusal.ts"

/** Numbers of the kinds, as they stand on the wire (rule content.own.1). */
export const kinds = {
  sent: 1,
  read: 2,
  contact: 3,
  received: 4,
  history: 5,
  archive: 6,
  settings: 7,
  verified: 8
} as const

/** A message as it was given to the devices of a peer. */
export interface SentCopy {
  readonly own: "sent"
  /** Account of the peer, 32 bytes. */
  readonly peer: Uint8Array
  /** Encoded content without extensions of the moment (rule own.copy.2). */
  readonly content: Uint8Array
}

/** Messages of a peer that were read on another device: 1 to 256 distinct ids of 16 bytes. */
export interface ReadMarks {
  readonly own: "read"
  /** 32 bytes. */
  readonly peer: Uint8Array
  readonly messages: ReadonlyArray<Uint8Array>
}

/** A contact as the sending device knows it. */
export interface OwnContact {
  readonly own: "contact"
  /** 32 bytes. */
  readonly account: Uint8Array
  /** At most 64 bytes; empty when the device knows no name. */
  readonly user: string
  /** 1 pinned, 2 identity accepted anew; others are of later versions. */
  readonly state: number
  /** Empty, or 32 bytes of what was verified. */
  readonly verified: Uint8Array
}

/** A message that the sending device received and the receiving one was not addressed by. */
export interface ReceivedCopy {
  readonly own: "received"
  /** Account and device of the peer, 32 bytes each. */
  readonly peer: Uint8Array
  readonly device: Uint8Array
  /** Clock of the device that received it, ms. */
  readonly receivedAt: number
  /** Encoded content without extensions of the moment (rule own.copy.2). */
  readonly content: Uint8Array
}

/** A word about history. Its data has a layout of its own: docs/spec/23-history.md. */
export interface HistoryWord {
  readonly own: "history" | "archive"
  readonly data: Uint8Array
}

/** One setting as it was written last. `value` is absent where it was taken back. */
export interface Setting {
  /** 1 to 64 characters of ASCII without blanks. */
  readonly name: string
  /** When it was written, for comparing alone: 1 to 2⁵² (rule own.register.1). */
  readonly stamp: number
  /** The device that wrote it, 32 bytes. */
  readonly device: Uint8Array
  /** At most 256 bytes. */
  readonly value: Uint8Array | undefined
}

/** Every setting that the sending device knows: at most 128, by name, ascending. */
export interface SettingsWord {
  readonly own: "settings"
  readonly settings: ReadonlyArray<Setting>
}

/** Whether a contact is verified, as it was decided last. */
export interface VerifiedWord {
  readonly own: "verified"
  /** 32 bytes. */
  readonly account: Uint8Array
  /** As in a setting. */
  readonly stamp: number
  readonly device: Uint8Array
  /** 32 bytes of what was compared; empty when it was taken back. */
  readonly print: Uint8Array
}

/** A kind of a later version: the body as it stands. */
export interface UnknownWord {
  readonly own: "unknown"
  readonly data: Uint8Array
}

/** What one own device says to another. */
export type Word =
  | SentCopy
  | ReadMarks
  | OwnContact
  | ReceivedCopy
  | HistoryWord
  | SettingsWord
  | VerifiedWord
  | UnknownWord

const account = Layout.bytes({ length: 32 })
const device = Layout.bytes({ length: 32 })
const content = Layout.bytes({ min: 1, max: Limits.maxOwnBodyBytes })
const data = Layout.bytes({ min: 1, max: Limits.maxBodyBytes })
const stamp = Layout.uint({ min: 1, max: Limits.maxStamp })

/** Settings, as words and stored records hold them. */
export const SettingsLayout = Layout.list(
  Layout.tuple({
    name: Layout.text({ min: 1, max: Limits.maxSettingNameBytes }),
    stamp,
    device,
    value: Layout.optional(Layout.bytes({ max: Limits.maxSettingBytes }))
  }),
  { max: Limits.maxSettings }
)

export const OwnDeviceLayout = Layout.oneOf(
  Layout.tuple({ kind: Layout.literal(1), peer: account, content }),
  Layout.tuple({
    kind: Layout.literal(2),
    peer: account,
    messages: Layout.list(Layout.bytes({ length: Limits.messageIdBytes }), { min: 1, max: Limits.maxReceiptIds })
  }),
  Layout.tuple({
    kind: Layout.literal(3),
    account,
    user: Layout.text({ max: Limits.maxUserNameBytes }),
    state: Layout.uint({ min: 1 }),
    verified: Layout.bytes({ max: 32 })
  }),
  Layout.tuple({ kind: Layout.literal(4), peer: account, device, receivedAt: Layout.uint(), content }),
  Layout.tuple({ kind: Layout.literal(5), data }),
  Layout.tuple({ kind: Layout.literal(6), data }),
  Layout.tuple({ kind: Layout.literal(7), settings: SettingsLayout }),
  Layout.tuple({ kind: Layout.literal(8), account, stamp, device, print: Layout.bytes({ max: 32 }) })
)

/** The bytes of a word. Fails with the `decode.*` its reader would answer. */
export const encode = (word: Word): Result.Result<Uint8Array, Failure> => {
  const refused = misplaced(word)
  if (refused !== undefined) return fail(refused)
  if (word.own === "unknown") {
    const read = decode(word.data)
    if (Result.isFailure(read)) return Result.fail(read.failure)
    return read.success.own === "unknown" ? Result.succeed(word.data) : fail("decode.value")
  }
  const encoded = OwnDeviceLayout.tryEncode({ kind: kinds[word.own], ...word } as Layout.Type<typeof OwnDeviceLayout>)
  if (Result.isFailure(encoded)) return fail(Refusal.causeOf[encoded.failure.reason])
  return encoded.success.length <= Limits.maxOwnBodyBytes ? Result.succeed(encoded.success) : fail("decode.size")
}

/** Reads a word. A kind that is not known here is read as that, when it is a canonical array. Fails with `decode.*`. */
export const decode = (bytes: Uint8Array): Result.Result<Word, Failure> => {
  const reader = new Reader(bytes)
  reader.arrayHeader(1, Limits.maxItems)
  const kind = reader.uint(0, Limits.maxUint)
  if (reader.reason !== undefined) return fail(Refusal.causeOf[reader.reason])
  if (kind === 0 || kind > kinds.verified) {
    const reason = Canonical.scan(bytes)
    return reason === undefined ? Result.succeed({ own: "unknown", data: bytes }) : fail(Refusal.causeOf[reason])
  }
  const decoded = Refusal.decode(OwnDeviceLayout, bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const { kind: _, ...rest } = decoded.success
  const word = { own: names[decoded.success.kind], ...rest } as Word
  const refused = misplaced(word)
  return refused === undefined ? Result.succeed(word) : fail(refused)
}

const names = {
  1: "sent",
  2: "read",
  3: "contact",
  4: "received",
  5: "history",
  6: "archive",
  7: "settings",
  8: "verified"
} as const

/** What the layout does not hold. */
const misplaced = (word: Word): "decode.size" | "decode.value" | "decode.noncanonical" | undefined => {
  switch (word.own) {
    case "contact":
      return isPrint(word.verified) ? undefined : "decode.size"
    case "verified":
      return isPrint(word.print) ? undefined : "decode.size"
    case "read":
      return new Set(word.messages.map(Bytes.toHex)).size === word.messages.length ? undefined : "decode.value"
    case "settings":
      if (!word.settings.every(({ name }) => isSettingName(name))) return "decode.value"
      return word.settings.every(({ name }, i) => i === 0 || word.settings[i - 1]!.name < name)
        ? undefined
        : "decode.noncanonical"
    default:
      return undefined
  }
}

const isPrint = ({ length }: Uint8Array): boolean => length === 0 || length === 32

/** Whether a text names a setting: 1 to 64 characters of ASCII, 0x21 to 0x7E. Such texts compare as their bytes do. */
export const isSettingName = (name: string): boolean =>
  name.length <= Limits.maxSettingNameBytes && /^[!-~]+$/.test(name)
