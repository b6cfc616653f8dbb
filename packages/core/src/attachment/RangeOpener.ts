/**
 * Opening a part of a sealed file: its header, and the chunks that the part touches.
 *
 * Spec: docs/spec/11-attachments.md §11.3, rule attachment.range.1.
 * Vectors: vectors/attachment.
 * Does not check the id: that takes the whole file.
 */
import * as Result from "effect/Result"
import * as Limits from "../base/Limits.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { type AttachmentFailure, fail } from "./AttachmentFailure.ts"
import { ChunkOpener } from "./ChunkOpener.ts"
import type { FileKey } from "./Opener.ts"
import * as SealedFile from "./SealedFile.ts"

/** Bytes `from` up to `to` (that one not included) of the file, and the bytes of the sealed file that hold them. */
export interface Span {
  readonly from: number
  readonly to: number
  readonly sealedFrom: number
  readonly sealedTo: number
  readonly first: number
  readonly end: number
}

/** Where a part of a file stands. Bounds beyond the file are those of the file; `undefined` when the part is empty. */
export const spanOf = (length: number, from: number, to: number): Span | undefined => {
  const [start, stop] = [Math.max(0, from), Math.min(length, to)]
  if (stop <= start) return undefined
  const first = Math.floor(start / Limits.streamChunkBytes)
  const end = Math.ceil(stop / Limits.streamChunkBytes)
  const sealedFrom = SealedFile.offsetOf(length, first)
  return { from: start, to: stop, first, end, sealedFrom, sealedTo: SealedFile.offsetOf(length, end) }
}

/** Opens one span. After a failure it takes nothing more. */
export class RangeOpener {
  /** What was opened before the failure, in the piece that brought it; it counts. */
  released: ReadonlyArray<Uint8Array> = []
  private readonly span: Span
  private readonly chunks: ChunkOpener
  private position: number
  private failure: Result.Result<never, AttachmentFailure> | undefined

  private constructor(span: Span, chunks: ChunkOpener) {
    this.span = span
    this.chunks = chunks
    this.position = span.first * Limits.streamChunkBytes
  }

  /** `header` is the first {@link SealedFile.headerBytes} of the sealed file. Fails as {@link SealedFile.unlock}. */
  static make(
    crypto: CryptoProvider,
    { key, length }: Pick<FileKey, "key" | "length">,
    header: Uint8Array,
    span: Span
  ): Result.Result<RangeOpener, AttachmentFailure> {
    return Result.map(
      SealedFile.unlock(crypto, key, header),
      (chunkKey) => new RangeOpener(span, new ChunkOpener(crypto, chunkKey, length, span.first, span.end))
    )
  }

  /** Takes the next bytes, from `sealedFrom` on; gives what they open of the part. */
  push(piece: Uint8Array): Result.Result<ReadonlyArray<Uint8Array>, AttachmentFailure> {
    if (this.failure !== undefined) return this.failure
    const opened: Array<Uint8Array> = []
    const cause = this.chunks.push(piece, opened)
    const out: Array<Uint8Array> = []
    for (const bytes of opened) {
      const start = Math.max(0, this.span.from - this.position)
      const stop = Math.min(bytes.length, this.span.to - this.position)
      this.position += bytes.length
      if (stop > start) out.push(bytes.subarray(start, stop))
    }
    if (cause === undefined) return Result.succeed(out)
    this.released = out
    return this.stop(fail(cause))
  }

  /** Nothing comes any more. Fails with `attachment.truncated` if something is missing. */
  end(): Result.Result<void, AttachmentFailure> {
    if (this.failure !== undefined) return this.failure
    const { isDone } = this.chunks
    const stopped = this.stop(fail("attachment.truncated"))
    return isDone ? Result.succeed(undefined) : stopped
  }

  /** Wipes the key of the chunks. */
  close(): void {
    this.chunks.close()
  }

  private stop(failure: Result.Result<never, AttachmentFailure>): Result.Result<never, AttachmentFailure> {
    this.failure = failure
    this.chunks.close()
    return failure
  }
}
