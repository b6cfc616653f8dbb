/**
 * A sealed file: its header with a commitment to its key, how long it is, and where its chunks stand.
 *
 * Spec: docs/spec/11-attachments.md §11.1.
 * Vectors: vectors/attachment.
 * Seals and opens no chunk (attachment/Sealer.ts, attachment/Opener.ts), and draws no key and no salt.
 */
import * as Result from "effect/Result"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import * as ChunkStream from "../crypto/ChunkStream.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Padding from "../envelope/Padding.ts"
import { type AttachmentFailure, fail } from "./AttachmentFailure.ts"

/** Version of the format. */
export const version = 1

const headFields = { version: Layout.literal(version), salt: Layout.bytes({ length: 32 }) }

/** What key and commitment bind: everything of a header but the commitment. */
export const HeadLayout = Layout.tuple(headFields)

/** A header as it stands in a sealed file. */
export const HeaderLayout = Layout.tuple({ ...headFields, commitment: Layout.bytes({ length: 32 }) })
export type Header = Layout.Type<typeof HeaderLayout>

/** Bytes of an attachment key, of a salt, and of an id. */
export const keyBytes = 32
export const saltBytes = 32
export const idBytes = 32

/** Bytes ahead of the first chunk: the length of the header, and the header. */
export const headerBytes = 2 + HeaderLayout.maxBytes

/** Whether a number is the length of a file that can be sent. */
export const isLength = (length: number): boolean =>
  Number.isSafeInteger(length) && length >= 0 && length <= Limits.maxAttachmentBytes

/** Length of file and padding together (rule attachment.file.3). */
export const paddedLength = (length: number): number => Padding.paddedLength(length)

/** Chunks of a file of this length. */
export const chunkCount = (length: number): number => Math.ceil(paddedLength(length) / Limits.streamChunkBytes)

/** Bytes of a sealed file of this length (rule attachment.size.1). */
export const sealedSize = (length: number): number =>
  headerBytes + paddedLength(length) + Limits.tagBytes * chunkCount(length)

/** Where a chunk begins in the sealed file; for the number of chunks, where it ends. */
export const offsetOf = (length: number, index: number): number =>
  Math.min(sealedSize(length), headerBytes + index * ChunkStream.sealedChunkBytes)

const infoOf = (salt: Uint8Array): Uint8Array =>
  Labels.prefixed(Labels.attachment, HeadLayout.encode({ version, salt }))

/**
 * The first bytes of a new sealed file, and the key of its chunks (32 bytes, the caller's to wipe). Attachment key and salt (32 bytes each) are
 * fresh and serve this file only (rule attachment.file.2).
 */
export const make = (
  crypto: CryptoProvider,
  attachmentKey: Uint8Array,
  salt: Uint8Array
): { readonly header: Uint8Array; readonly key: Uint8Array } => {
  const { commitment, key } = ChunkStream.derive(crypto, attachmentKey, salt, infoOf(salt))
  return { header: ChunkStream.framed(HeaderLayout.encode({ version, salt, commitment })), key }
}

/**
 * The key of the chunks (32 bytes, the caller's to wipe) out of the first {@link headerBytes} of a sealed file. Fails with `attachment.header`,
 * `attachment.version`, or with `attachment.key` when the commitment is not that of key and head.
 */
export const unlock = (
  crypto: CryptoProvider,
  attachmentKey: Uint8Array,
  bytes: Uint8Array
): Result.Result<Uint8Array, AttachmentFailure> => {
  const decoded = Stored.decode(HeaderLayout, version, bytes.subarray(2))
  if (Result.isFailure(decoded)) {
    return fail(decoded.failure.reason === "version" ? "attachment.version" : "attachment.header")
  }
  if (bytes.length !== headerBytes || bytes[0]! * 256 + bytes[1]! !== bytes.length - 2) return fail("attachment.header")
  const { commitment, salt } = decoded.success
  const key = ChunkStream.unlock(crypto, attachmentKey, salt, infoOf(salt), commitment)
  return key === undefined ? fail("attachment.key") : Result.succeed(key)
}
