/**
 * Keys and versioned codecs of the records of attachments.
 *
 * Spec: docs/spec/11-attachments.md rule attachment.record.1; docs/spec/16-state.md §16.1.
 * Does not read or write a store.
 */
import * as Bytes from "../../base/Bytes.ts"
import * as Limits from "../../base/Limits.ts"
import * as Layout from "../../codec/Layout.ts"
import { headerBytes } from "../../attachment/SealedFile.ts"
import type { CryptoProvider } from "../../crypto/Provider.ts"
import * as Reference from "../../envelope/Reference.ts"

export const keys = {
  uploads: "attachment/upload/",
  /** By the application's name for it, which is not stored: keyed with the device's own secret. */
  upload: (crypto: CryptoProvider, secret: Uint8Array, name: string): string =>
    `attachment/upload/${Bytes.toHex(crypto.hmacSha256(secret, Bytes.utf8Encode(name)).slice(0, 16))}`,
  sent: "attachment/sent/",
  sentOf: (id: string): string => `attachment/sent/${id}`
} as const

/** The version every record here is written with. */
export const written = 1
const format = { version: Layout.literal(written) }
const key32 = Layout.bytes({ length: 32 })

/**
 * An upload under way: key, salt, secret, length of the file, and the sealed bytes that are being sent with their offset (rule
 * attachment.upload.1); or one that is complete, with its reference. Both until they expire, ms.
 */
export const Upload = Layout.tuple({
  ...format,
  expiresAt: Layout.uint(),
  state: Layout.oneOf(
    Layout.tuple({
      kind: Layout.literal(1),
      key: key32,
      salt: key32,
      secret: key32,
      length: Layout.uint({ max: Limits.maxAttachmentBytes }),
      offset: Layout.uint(),
      piece: Layout.bytes({ max: Limits.uploadPieceBytes + headerBytes })
    }),
    Layout.tuple({ kind: Layout.literal(2), reference: Reference.ReferenceLayout })
  )
})
export type Upload = Layout.Type<typeof Upload>

/** The upload secret of a file that this device uploaded, until it expires, ms. */
export const SentFile = Layout.tuple({ ...format, expiresAt: Layout.uint(), secret: key32 })
export type SentFile = Layout.Type<typeof SentFile>
