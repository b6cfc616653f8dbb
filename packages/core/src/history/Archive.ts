/**
 * An archive of a history: header with a commitment to its key, and chunks sealed one after the other.
 *
 * Spec: docs/spec/23-history.md §23.5.
 * Vectors: vectors/history.
 * The construction is that of crypto/ChunkStream.ts. Knows nothing of what the chunks hold (history/Items.ts), draws no key and no salt, and
 * keeps no chunk.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import * as ChunkStream from "../crypto/ChunkStream.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as HistoryRange from "../envelope/HistoryRange.ts"
import { type ArchiveFailure, fail } from "./ArchiveFailure.ts"

/** Version of the format. */
export const version = 1

/** What an archive holds. */
export const RangeLayout = HistoryRange.RangeLayout
export type Range = HistoryRange.Range

const headFields = {
  version: Layout.literal(version),
  archive: Layout.bytes({ length: 16 }),
  account: Layout.bytes({ length: 32 }),
  madeAt: Layout.uint(),
  range: RangeLayout,
  salt: Layout.bytes({ length: 32 })
}

/** What keys and commitment bind: everything of a header but the commitment. */
export const HeadLayout = Layout.tuple(headFields)

/** A header as it stands in an archive. */
export const HeaderLayout = Layout.tuple({ ...headFields, commitment: Layout.bytes({ length: 32 }) })
export type Header = Layout.Type<typeof HeaderLayout>
export type Head = Omit<Layout.Type<typeof HeadLayout>, "version">

/** Bytes of an archive key. */
export const keyBytes = 32

/** Length of a sealed chunk that is not the last one. */
export const sealedChunkBytes = ChunkStream.sealedChunkBytes

const infoOf = (head: Head): Uint8Array =>
  Labels.prefixed(Labels.historyArchive, HeadLayout.encode({ version, ...head }))

/** A new archive: the bytes of its header and the key of its chunks (32 bytes, the caller's to wipe). Salt and archive key are fresh. */
export const make = (
  crypto: CryptoProvider,
  archiveKey: Uint8Array,
  head: Head
): { readonly header: Uint8Array; readonly key: Uint8Array } => {
  const { commitment, key } = ChunkStream.derive(crypto, archiveKey, head.salt, infoOf(head))
  return { header: HeaderLayout.encode({ version, ...head, commitment }), key }
}

/** Reads a header. Fails with `history.header` or `history.version`. Nothing vouches for it before {@link unlock}. */
export const decodeHeader = (bytes: Uint8Array): Result.Result<Header, ArchiveFailure> => {
  const decoded = Stored.decode(HeaderLayout, version, bytes)
  if (Result.isSuccess(decoded)) return Result.succeed(decoded.success)
  return fail(decoded.failure.reason === "version" ? "history.version" : "history.header")
}

/**
 * The key of the chunks (32 bytes, the caller's to wipe). Fails with `history.account` for the archive of another account, with
 * `history.key` when the commitment is not that of key and head (rule history.archive.2).
 */
export const unlock = (
  crypto: CryptoProvider,
  header: Header,
  archiveKey: Uint8Array,
  account: Uint8Array
): Result.Result<Uint8Array, ArchiveFailure> => {
  if (!Bytes.equal(header.account, account)) return fail("history.account")
  const key = ChunkStream.unlock(crypto, archiveKey, header.salt, infoOf(header), header.commitment)
  return key === undefined ? fail("history.key") : Result.succeed(key)
}

/** Seals a chunk at its place. */
export const sealChunk = ChunkStream.sealChunk

/** Opens a chunk at its place. Fails with `history.chunk`. */
export const openChunk = (
  crypto: CryptoProvider,
  key: Uint8Array,
  index: number,
  last: boolean,
  sealed: Uint8Array
): Result.Result<Uint8Array, ArchiveFailure> => {
  const plaintext = ChunkStream.openChunk(crypto, key, index, last, sealed)
  return plaintext === undefined ? fail("history.chunk") : Result.succeed(plaintext)
}

/** What a receiver has so far, after one more sealed chunk (rule history.hand.4). 16 bytes. */
export const chain = (crypto: CryptoProvider, before: Uint8Array, sealed: Uint8Array): Uint8Array =>
  crypto.sha256(Labels.prefixed(Labels.historyChain, before, sealed)).slice(0, 16)

/** The chain before the first chunk. */
export const firstChain = (): Uint8Array => new Uint8Array(16)
